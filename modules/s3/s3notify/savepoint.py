"""Let code of the deployment fail without taking the round with it."""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gluon import current

__all__ = ("attempt",)

Result = TypeVar("Result")


def attempt(what: str, function: Callable[[], Result], default: Result) -> Result:
    """Call a hook or template of the deployment; what it wrote is undone, and logged why, if it fails.

    PostgreSQL refuses everything after a failed statement until the transaction is rolled back: here to a savepoint.
    """
    db = current.db
    if db._dbname == "sqlite" and not db._adapter.connection.in_transaction:
        db.executesql("BEGIN")  # or the savepoint would be the transaction, and releasing it a commit
    db.executesql("SAVEPOINT attempt")
    try:
        result = function()
    except Exception:  # somebody's program, which may raise anything
        db.executesql("ROLLBACK TO SAVEPOINT attempt")
        current.log.exception(f"{what} failed")
        return default
    db.executesql("RELEASE SAVEPOINT attempt")
    return result
