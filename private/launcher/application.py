"""The application inside this process: its models executed once, as web2py does for a request."""
from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from launcher.errors import LauncherError
from launcher.instance import Instance

__all__ = ("application", "error_message")

CONFIG_LINE = re.compile(r'^  File ".*/models/000_config\.py", line (\d+)', re.MULTILINE)


@contextlib.contextmanager
def application(instance: Instance, *, controller: str = "default", function: str = "index") -> Iterator[dict[str, Any]]:
    """Execute the models and give their names; what is not committed is rolled back at the end.

    Raises:
        LauncherError: the models do not execute; says why in one sentence
    """
    instance.enter()
    from gluon.compileapp import run_models_in
    from gluon.http import HTTP
    from gluon.restricted import RestrictedError
    from gluon.shell import env
    from pydal.base import BaseAdapter

    environment = env(instance.app, c=controller, f=function, dir=str(instance.app_folder), extra_request={"is_shell": True})
    try:
        try:
            run_models_in(environment)
        except RestrictedError as error:
            raise LauncherError(f"The application does not start: {error_message(error.traceback)}") from error
        except HTTP as answer:
            raise LauncherError(f"The application does not start: {answer.body}") from answer
        yield environment
    finally:
        BaseAdapter.close_all_instances("rollback")


def error_message(traceback: str) -> str:
    """Give the first line of the message of a traceback, without the name of its class; of the settings, also where they are wrong."""
    places = CONFIG_LINE.findall(traceback)
    return (f"models/000_config.py, line {places[-1]}: " if places else "") + _first_line(traceback)


def _first_line(traceback: str) -> str:
    lines = traceback.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    below = lines[frames[-1] + 1 :] if frames else lines
    line = next((line for line in below if line and not line.startswith(" ")), lines[-1])
    name, colon, message = line.partition(": ")
    return message if colon and " " not in name else line
