"""`manage.py run`: the whole application on one machine, until Ctrl-C."""
from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from launcher.errors import LauncherError
from launcher.instance import Instance
from launcher.network import wait_for_port
from launcher.processes import Supervisor, interrupt_on_signals, launcher_command
from launcher.setup import DemoLogins, set_up

__all__ = ("Ports", "run_all", "start_all")

START_SECONDS = 30


@dataclass(frozen=True)
class Ports:
    web: int
    #: SMTP
    mail: int
    #: HTTP
    mailbox: int


def run_all(instance: Instance, ports: Ports, host: str, mail_folder: Path) -> int:
    """Set the instance up and keep its processes running until SIGINT or SIGTERM."""
    interrupt_on_signals()
    supervisor = Supervisor()
    logins = set_up(instance, say=supervisor.say)
    try:
        start_all(supervisor, instance, ports, mail_folder, host=host)
        for line in _welcome(instance, ports, logins):
            supervisor.say(line)
        supervisor.run()
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            supervisor.stop()
    return 0


def start_all(supervisor: Supervisor, instance: Instance, ports: Ports, mail_folder: Path, *, host: str = "127.0.0.1") -> None:
    """Start mail catcher, web server and worker, and wait until the first two accept connections.

    Raises:
        LauncherError: one does not
    """
    where = (str(instance.folder), instance.app)
    supervisor.start("mail", launcher_command("mailcatcher", str(mail_folder), str(ports.mail), str(ports.mailbox)))
    supervisor.start("web", launcher_command("webserver", *where, str(ports.web), "--host", host))
    supervisor.start("worker", launcher_command("worker", *where))
    for name, port in (("mail catcher", ports.mail), ("mailbox page", ports.mailbox), ("web server", ports.web)):
        if not wait_for_port(port, START_SECONDS):
            raise LauncherError(f"The {name} does not accept connections on port {port}: see its output above.")


def _welcome(instance: Instance, ports: Ports, logins: DemoLogins) -> list[str]:
    return [
        f"The application: http://127.0.0.1:{ports.web}/{instance.app}",
        *(f"  log in as {email} with the password {logins.password} ({name})" for name, email in logins.accounts.items()),
        f"The mailbox:     http://127.0.0.1:{ports.mailbox}/",
        "Ctrl-C ends it.",
    ]
