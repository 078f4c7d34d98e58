"""What each command of manage.py does, in the environment that has been prepared for it."""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from launcher.config import check_config, check_template
from launcher.database import check_database
from launcher.environment import WORK_FOLDER
from launcher.errors import LauncherError
from launcher.instance import CHECKOUT, CONFIG, Instance, open_instance
from launcher.network import check_different, check_port

__all__ = ("execute",)

#: What a 000_config.py made by the launcher assumes; other ports are passed on to the processes
WEB_PORT = 8000
MAIL_PORT = 8025


def execute(options: argparse.Namespace) -> int:
    """Carry out the command; gives the exit code.

    Raises:
        LauncherError: it cannot be carried out; says why in one sentence
    """
    if options.db:
        check_database(options.db)
    return _COMMANDS[options.command](options)


def run(options: argparse.Namespace) -> int:
    from launcher.run import Ports, run_all

    ports = Ports(options.port or WEB_PORT, options.mail_port or MAIL_PORT, options.mailbox_port)
    check_different({"--port": ports.web, "--mail-port": ports.mail, "--mailbox-port": ports.mailbox})
    check_port(ports.web, "--port", options.host)
    check_port(ports.mail, "--mail-port")
    check_port(ports.mailbox, "--mailbox-port")
    return run_all(real_instance(options), ports, options.host, _mail_folder())


def web(options: argparse.Namespace) -> int:
    from launcher.webserver import serve

    port = options.port or WEB_PORT
    check_port(port, "--port", options.host)
    serve(working_instance(options), port, options.host)
    return 0


def worker(options: argparse.Namespace) -> int:
    from launcher.worker import work

    work(working_instance(options))
    return 0


def mail(options: argparse.Namespace) -> int:
    from launcher.mailcatcher import serve

    smtp_port = options.mail_port or MAIL_PORT
    check_different({"--mail-port": smtp_port, "--mailbox-port": options.mailbox_port})
    check_port(smtp_port, "--mail-port")
    check_port(options.mailbox_port, "--mailbox-port")
    serve(_mail_folder(), smtp_port, options.mailbox_port)
    return 0


def demo(options: argparse.Namespace) -> int:
    from launcher.demo import demonstrate

    return demonstrate(options.db)


def bench(options: argparse.Namespace) -> int:
    from launcher.bench import measure

    return measure(options.db, options.large)


def shell(options: argparse.Namespace) -> int:
    from launcher.shell import interact

    interact(real_instance(options))
    return 0


def check(options: argparse.Namespace) -> int:
    from launcher.check import check_now

    return check_now(real_instance(options))


def doctor(options: argparse.Namespace) -> int:
    from launcher.doctor import examine

    return examine(real_instance(options))


def languages(options: argparse.Namespace) -> int:
    from launcher.languages import draft, examine

    if options.draft is None:
        return examine(CHECKOUT, options.codes, options.template)
    if len(options.codes) != 1:
        raise LauncherError("languages --draft NAME needs one code, such as: languages pt --draft Português")
    sys.stdout.buffer.write(draft(CHECKOUT, options.codes[0], options.draft, options.template).encode())
    return 0


def config(options: argparse.Namespace) -> int:
    """Make models/000_config.py for a deployment template."""
    check_template(CHECKOUT, options.template)
    path = CHECKOUT / "models" / CONFIG
    if path.exists():
        raise LauncherError(f"{path} is there already: set settings.base.template in it.")
    real_instance(options, options.template)
    print(f"{path} is made for the template {options.template}, with a new secret key. The first start prepares the database.")
    return 0


def import_(options: argparse.Namespace) -> int:
    from launcher.importing import import_from

    return import_from(real_instance(options), options.file, options.table, options.update)


def test(options: argparse.Namespace) -> int:
    """Become pytest, so that its closing line is the last one, and its exit code ours."""
    os.chdir(CHECKOUT)
    # most tests start processes: each would compile everything anew
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *pytest_arguments(options)])


def pytest_arguments(options: argparse.Namespace) -> list[str]:
    """The tests run side by side, in as many processes as tests/parallel.py says; pytest counts the last -n."""
    tier = [str(Path("tests") / options.tier)] if options.tier else []
    side_by_side = [] if "no:xdist" in " ".join(options.pytest) else ["-n", "auto"]
    return [*side_by_side, *tier, *options.pytest]


def lint(options: argparse.Namespace) -> int:
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT / "modules"), os.environ.get("PYTHONPATH", "")])}
    failed = []
    # the cache of import-linter keeps what a module imported before it became a package
    for command in (["ruff", "check", "."], ["lint-imports", "--no-cache"], ["mypy"]):
        print(f"$ {' '.join(command)}", flush=True)
        if subprocess.run([tools / command[0], *command[1:]], cwd=CHECKOUT, env=environment, check=False).returncode:
            failed.append(command[0])
    if failed:
        raise LauncherError(f"{', '.join(failed)} found something.")
    return 0


def real_instance(options: argparse.Namespace, template: str = "DRMP") -> Instance:
    """Give the checkout's own instance, with the options of this start in the environment of all its processes.

    Args:
        template: of a new instance
    """
    if options.db:
        os.environ["S3_DATABASE_URI"] = options.db
    if getattr(options, "port", None):
        os.environ["S3_PUBLIC_URL"] = f"http://127.0.0.1:{options.port}"
    if getattr(options, "mail_port", None):
        os.environ["S3_MAIL_SERVER"] = f"127.0.0.1:{options.mail_port}"
    defaults = {"base_public_url": f"http://127.0.0.1:{WEB_PORT}", "mail_server": f"127.0.0.1:{MAIL_PORT}"}
    instance = open_instance(WORK_FOLDER, base_template=template, **defaults)
    check_config(instance.config)
    return instance


def working_instance(options: argparse.Namespace) -> Instance:
    """Give the checkout's own instance after its models have been executed once, so that what is wrong is said here in one sentence."""
    from launcher.setup import set_up

    instance = real_instance(options)
    set_up(instance, say=lambda line: None)
    return instance


def _mail_folder() -> Path:
    return WORK_FOLDER / "mail"


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    command.__name__.rstrip("_"): command
    for command in (run, web, worker, mail, demo, bench, shell, check, doctor, config, import_, languages, test, lint)
}
