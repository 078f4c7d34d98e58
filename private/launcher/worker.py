"""The scheduler worker: web2py's own, working for one instance until SIGTERM."""
from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from launcher.instance import Instance
from launcher.processes import end_with_parent

__all__ = ("loop", "work")

LOOP = "from gluon import current; from launcher.worker import loop; loop(current._scheduler)"

_ENDING = {signal.SIGTERM, signal.SIGINT}


def work(instance: Instance) -> None:
    """Run scheduler tasks of the instance; does not return. SIGTERM and SIGINT end it, and the task being run."""
    # before there is any other thread, which would be given them
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    os.register_at_fork(after_in_child=_behave_as_task)
    end_with_parent()
    threading.Thread(target=_wait_for_signal, daemon=True).start()
    instance.enter()
    from gluon.shell import run

    print(f"working for {instance.app}", flush=True)
    # appname, plain, import_models, startfile, bpython, python_code, cron_job, scheduler_job
    run(instance.app, True, True, None, False, LOOP, False, True)
    sys.stdout.flush()
    # the heartbeat thread may sleep for some seconds yet: nobody needs it any more
    os._exit(0)


_scheduler: Any = None


def loop(scheduler: Any) -> None:
    """Run the loop of a web2py Scheduler until a signal comes.

    The handler which the loop brings along raises SystemExit wherever the signal finds it, also in places where every exception is
    caught and logged: then the worker would go on.
    """
    global _scheduler
    _scheduler = scheduler
    signal.signal(signal.SIGUSR1, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        scheduler.loop()


def _wait_for_signal() -> None:
    signal.sigwait(_ENDING)
    if _scheduler is None:
        os._exit(0)
    _scheduler.have_heartbeat = False
    # out of whatever it is waiting for; if this is lost in such a place, the loop ends at its next turn
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _behave_as_task() -> None:
    """A task is a fork of the worker. SIGTERM ends it at once; its transaction is rolled back by the database."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def main() -> None:
    parser = argparse.ArgumentParser(prog="launcher.worker")
    parser.add_argument("folder", type=Path)
    parser.add_argument("app")
    arguments = parser.parse_args()
    work(Instance(arguments.folder, arguments.app))


if __name__ == "__main__":
    # also under the name by which the loop imports this module: it must be the same one
    sys.modules["launcher.worker"] = sys.modules["__main__"]
    main()
