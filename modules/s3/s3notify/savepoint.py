"""Let code of the deployment fail without taking the round with it."""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gluon import current

from s3dal import savepoint

__all__ = ("attempt",)

Result = TypeVar("Result")


def attempt(what: str, function: Callable[[], Result], default: Result) -> Result:
    """Call a hook or template of the deployment; what it wrote is undone, and logged why, if it fails."""
    try:
        with savepoint(current.db, "attempt"):
            return function()
    except Exception:  # somebody's program, which may raise anything
        current.log.exception(f"{what} failed")
        return default
