"""Let code of the deployment fail without taking the round with it."""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gluon import current

from s3dal import savepoint

__all__ = ("attempt",)

Result = TypeVar("Result")


def attempt(what: str, function: Callable[[], Result], default: Result, notes: list[str]) -> Result:
    """Call a hook or template of the deployment; what it wrote is undone if it fails.

    Args:
        notes: gets the reason, which the log gets as well
    """
    try:
        with savepoint(current.db, "attempt"):
            return function()
    except Exception as error:  # somebody's program, which may raise anything
        current.log.exception(f"{what} failed")
        notes.append(f"{what} failed: {type(error).__name__}: {error}")
        return default
