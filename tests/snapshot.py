"""A database put back to how it was, between two tests, past the application: a tenth of the time of making it anew."""
from __future__ import annotations

import sqlite3
from typing import Any

__all__ = ("Snapshot",)


class Snapshot:
    """All rows of a small database, and the connection to write them back."""

    def __init__(self, kind: str, uri: str, path: str | None) -> None:
        """
        Args:
            kind: "sqlite" or "postgresql"
            uri: as pydal has it
            path: of the file, for SQLite
        """
        self.kind = kind
        if kind == "postgresql":
            import psycopg2

            self._connection: Any = psycopg2.connect("postgresql://" + uri.split("://", 1)[1])
        else:
            # tests run in one thread, but the garbage collector may close this in another
            self._connection = sqlite3.connect(str(path), timeout=20, check_same_thread=False)
        self._tables = {name: rows for name in self._names() if (rows := self._rows(name))}
        # PostgreSQL's server takes statements in one go; asked for one after the other it takes ten times as long
        self._inserts = self._insert_statements() if kind == "postgresql" else ""
        self._connection.commit()

    def restore(self) -> None:
        """Empty every table and put the rows back; identities go on counting."""
        # without triggers and foreign keys, so that no order is needed
        cursor = self._connection.cursor()
        deletes = "".join(f'DELETE FROM "{name}";' for name in self._names())
        if self.kind == "postgresql":
            cursor.execute("SET session_replication_role = replica;" + deletes + self._inserts)
        else:
            cursor.executescript("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE;" + deletes)
            for name, rows in self._tables.items():
                cursor.executemany(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
        self._connection.commit()

    def _insert_statements(self) -> str:
        cursor = self._connection.cursor()
        statements = []
        for name, rows in self._tables.items():
            row = f"({', '.join(['%s'] * len(rows[0]))})"
            values = ", ".join(cursor.mogrify(row, values).decode() for values in rows)
            statements.append(f'INSERT INTO "{name}" VALUES {values};')
        return "".join(statements)

    def _names(self) -> list[str]:
        if self.kind == "postgresql":
            query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
        else:
            query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        cursor = self._connection.cursor()
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.cursor()
        cursor.execute(f'SELECT * FROM "{name}"')
        return [tuple(row) for row in cursor.fetchall()]
