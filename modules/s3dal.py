"""The names of the database layer that the framework uses, from one place, for both supported pydal generations."""
from __future__ import annotations

import os

from pydal import DAL, Field
from pydal.adapters import adapters
from pydal.adapters.sqlite import SQLite
from pydal.objects import Expression, Query, Row, Rows, Set, Table

__all__ = ("DAL", "Expression", "Field", "Query", "Row", "Rows", "Set", "Table")


@adapters.register_for("sqlite")
class PooledSQLite(SQLite):
    """SQLite whose connections are kept, as those of other databases are.

    pydal opens a new one for each request, which reads the whole schema again: two milliseconds. It finds a pool by URI; ours
    names the file itself, because applications have files of the same name, and a file may be replaced by another one.
    """

    def _initialize_(self) -> None:
        pool_size = self.pool_size
        super()._initialize_()  # sets it to 0
        try:
            file = os.stat(self.dbpath)
        except OSError:
            return  # there is none yet
        self.uri = f"{self.uri}#{file.st_dev}:{file.st_ino}"
        self.pool_size = pool_size
