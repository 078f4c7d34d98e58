"""The boundary of a task: the user it acts as, its commit, and its errors, which stay inside."""
from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from gluon import current

__all__ = ("background_task",)


def background_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function a task: acts as ``user_id``, commits at the end, and never raises.

    A web2py task that raises ends for good unless it is told otherwise, periodic ones too. So an error is logged, rolled
    back and returned as a text, which the scheduler keeps as the result of the run.
    """

    @functools.wraps(function)
    def task(*args: Any, user_id: int | None = None, **vars: Any) -> Any:
        try:
            with _acting_as(user_id):
                result = function(*args, **vars)
            current.db.commit()  # what the task did, for everybody; a worker's child process ends without a commit of its own
        except Exception as exc:
            current.db.rollback()
            current.log.exception(f"Task {function.__name__} failed")
            return f"ERROR: {type(exc).__name__}: {exc}"
        return _serialisable(result)

    return task


class _acting_as:
    """Context in which an account is impersonated; None changes nothing."""

    def __init__(self, user_id: int | None) -> None:
        self.user_id = user_id

    def __enter__(self) -> None:
        if self.user_id is None:
            return
        user = current.auth.user
        self.previous = user.id if user else None
        current.auth.s3_impersonate(self.user_id)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.user_id is None or self.previous == self.user_id:
            return
        if error is not None:
            # the transaction may be unusable, and going back reads the account
            current.db.rollback()
        current.auth.s3_impersonate(self.previous)


def _serialisable(result: Any) -> Any:
    """The result as the scheduler can store it; a result it cannot store would count as a failure although the work is done."""
    try:
        json.dumps(result)
    except (TypeError, ValueError):
        return str(result)
    return result
