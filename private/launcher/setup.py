"""Set-up of an instance in a process of its own: executing the models makes the tables, the roles and the first data.

Ends with exit code 0 when the instance is ready; else the last line of its error output says why not.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from launcher.application import application
from launcher.errors import LauncherError
from launcher.instance import Instance
from launcher.processes import child_variables, launcher_command

__all__ = ("DemoLogins", "set_up")

#: Seconds; a first start creates some sixty tables and the demo data
SETUP_SECONDS = 120


@dataclass(frozen=True)
class DemoLogins:
    """The accounts that the demo data of the deployment template brought along; none when there are no demo data."""

    #: {role in the demo: e-mail address}
    accounts: dict[str, str] = field(default_factory=dict)
    password: str = ""


def set_up(instance: Instance, say: Callable[[str], None] = print) -> DemoLogins:
    """Set the instance up, without loading the application into this process; says which of its settings nothing reads.

    Raises:
        LauncherError: it cannot be set up; says why
    """
    say("setting up the database ...")
    command = launcher_command("setup", str(instance.folder), instance.app)
    try:
        result = subprocess.run(
            command, env=child_variables(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SETUP_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise LauncherError(f"The database was not set up within {SETUP_SECONDS} seconds.") from error
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["it does not say why."]
        raise LauncherError(lines[-1])
    answer = json.loads(result.stdout.splitlines()[-1])
    for warning in answer["warnings"]:
        say(f"! {warning}")
    return DemoLogins(**answer["logins"])


def _demo_logins() -> DemoLogins:
    from gluon import current

    from s3 import import_module

    for name in current.deployment_settings.get_template_names():
        demo = import_module(f"templates.{name}.demo")
        if demo is not None:
            return DemoLogins({key: user.email for key, user in demo.DEMO_USERS.items()}, demo.DEMO_PASSWORD)
    return DemoLogins()


def _warnings() -> list[str]:
    from gluon import current

    unknown: list[str] = current.deployment_settings.unknown()
    return unknown


def main() -> int:
    parser = argparse.ArgumentParser(prog="launcher.setup")
    parser.add_argument("folder", type=Path)
    parser.add_argument("app")
    arguments = parser.parse_args()
    try:
        with application(Instance(arguments.folder, arguments.app)):
            print(json.dumps({"logins": asdict(_demo_logins()), "warnings": _warnings()}))
            return 0
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
