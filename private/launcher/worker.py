"""The scheduler worker: web2py's own, working for one instance until SIGTERM."""
from __future__ import annotations

import argparse
from pathlib import Path

from launcher.instance import Instance
from launcher.processes import end_with_parent

__all__ = ("work",)

LOOP = "from gluon.globals import current; current._scheduler.loop()"


def work(instance: Instance) -> None:
    """Run scheduler tasks of the instance; returns after SIGTERM, which also ends the task being run."""
    instance.enter()
    from gluon.shell import run

    print(f"working for {instance.app}", flush=True)
    # appname, plain, import_models, startfile, bpython, python_code, cron_job, scheduler_job
    run(instance.app, True, True, None, False, LOOP, False, True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="launcher.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("app")
    arguments = parser.parse_args()
    end_with_parent()
    work(Instance(arguments.folder, arguments.app))


if __name__ == "__main__":
    main()
