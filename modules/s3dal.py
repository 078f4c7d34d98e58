"""The names of the database layer that the framework uses, from one place, for both supported pydal generations."""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydal import DAL, Field
from pydal.adapters import adapters
from pydal.adapters.sqlite import SQLite
from pydal.objects import Expression, Query, Row, Rows, Set, Table

__all__ = ("DAL", "Expression", "Field", "Query", "Row", "Rows", "Set", "Table", "savepoint")


@contextmanager
def savepoint(db: DAL, name: str) -> Iterator[None]:
    """Undo what the block has written if it raises, and nothing else of the transaction. Commits nothing.

    PostgreSQL refuses everything after a failed statement until the transaction is rolled back: here to the savepoint, also if
    the block has caught the fault of its statement. If the block has ended the transaction, what came after that is undone.
    """
    if db._adapter.dbengine == "sqlite" and not db._adapter.connection.in_transaction:
        db.executesql("BEGIN")  # or the savepoint would be the transaction, and releasing it a commit
    db.executesql(f"SAVEPOINT {name}")
    try:
        yield
        db.executesql(f"RELEASE SAVEPOINT {name}")
    except BaseException:
        _undo_to(db, name)
        raise


def _undo_to(db: DAL, name: str) -> None:
    try:
        db.executesql(f"ROLLBACK TO SAVEPOINT {name}")
        db.executesql(f"RELEASE SAVEPOINT {name}")
    except db._adapter.driver.Error:
        # the savepoint is gone with its transaction
        db.rollback()


@adapters.register_for("sqlite", "sqlite:memory")
class PooledSQLite(SQLite):
    """SQLite whose connections are kept, as those of other databases are, and which knows the case of all letters.

    pydal opens a new one for each request, which reads the whole schema again: two milliseconds. It finds a pool by URI; ours
    names the file itself, because applications have files of the same name, and a file may be replaced by another one.
    """

    uri: str
    pool_size: int

    def _initialize_(self) -> None:
        pool_size = self.pool_size
        super()._initialize_()  # sets it to 0
        try:
            file = os.stat(self.dbpath)
        except OSError:
            return  # there is none yet
        self.uri = f"{self.uri}#{file.st_dev}:{file.st_ino}"
        self.pool_size = pool_size

    def after_connection(self) -> None:
        super().after_connection()
        # its own know A to Z only, so that other languages could not be searched without regard to case
        self.connection.create_function("lower", 1, _lower, deterministic=True)
        self.connection.create_function("upper", 1, _upper, deterministic=True)


def _lower(value: Any) -> str | None:
    return value if value is None else str(value).lower()


def _upper(value: Any) -> str | None:
    return value if value is None else str(value).upper()
