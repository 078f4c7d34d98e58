"""Undo a part of a transaction."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gluon import current

__all__ = ("undone_on_failure",)


@contextmanager
def undone_on_failure(name: str) -> Iterator[None]:
    """Undo what the block has written if it raises, and nothing else of the transaction."""
    db = current.db
    if db._dbname == "sqlite" and not db._adapter.connection.in_transaction:
        db.executesql("BEGIN")  # or the savepoint would be the transaction, and releasing it a commit
    db.executesql(f"SAVEPOINT {name}")
    try:
        yield
    except BaseException:
        db.executesql(f"ROLLBACK TO SAVEPOINT {name}")
        db.executesql(f"RELEASE SAVEPOINT {name}")
        raise
    db.executesql(f"RELEASE SAVEPOINT {name}")
