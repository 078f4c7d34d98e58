"""The tables of the change log, and the one statement that writes to it.

Before: ``recording`` (the DAL hooks) and ``upkeep`` (the sweep) say what to write. After: ``positions`` reads it.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from s3dal import DAL, Field, Table

__all__ = (
    "CHUNK",
    "CREATE",
    "DELETE",
    "UPDATE",
    "append",
    "define_sweeps",
    "define_tables",
    "index_statements",
    "is_postgres",
    "sql_time",
)

CREATE = "create"
UPDATE = "update"
DELETE = "delete"

# Rows per INSERT statement, and per look-up of old values
CHUNK = 200


def define_tables(db: DAL) -> Table:
    """Define the log on this connection (idempotent); gives ``s3_change``."""
    if "s3_change" not in db.tables:
        db.define_table(
            "s3_change",
            Field("tablename", length=64, notnull=True),
            Field("record_id", "bigint", notnull=True),
            Field("operation", length=8, notnull=True),
            # JSON {field: [old, new]}; null for fields whose values are not logged
            Field("changed", "text"),
            Field("changed_at", "datetime", notnull=True),
            Field("changed_by", "integer"),
            # what the record's own time stamp became: the sweep must not report this change again
            Field("record_modified_on", "datetime"),
            # the writer's transaction (PostgreSQL); 0 where writers are serialised and the row id is the order
            Field("txid", "bigint", notnull=True, default=0),
        )
    return db.s3_change


def define_sweeps(db: DAL) -> Table:
    """Define ``s3_change_sweep`` on this connection (idempotent), which only the check needs; gives it."""
    if "s3_change_sweep" not in db.tables:
        db.define_table(
            "s3_change_sweep",
            Field("tablename", length=64, notnull=True, unique=True),
            Field("swept_until", "datetime", notnull=True),
        )
    return db.s3_change_sweep


def index_statements() -> list[str]:
    """SQL of the indexes that the log needs, for the set-up of a database."""
    return [
        "CREATE INDEX IF NOT EXISTS s3_change_txid_idx ON s3_change (tablename, txid)",
        "CREATE INDEX IF NOT EXISTS s3_change_record_idx ON s3_change (tablename, record_id)",
    ]


def append(db: DAL, changes: Sequence[tuple[Any, ...]]) -> None:
    """Write log rows in the running transaction; on PostgreSQL they carry its id."""
    if not changes:
        return
    define_tables(db)
    columns = "tablename, record_id, operation, changed, changed_at, changed_by, record_modified_on, txid"
    mark, txid = ("%s", "txid_current()") if is_postgres(db) else ("?", "0")
    values = "(" + ", ".join([mark] * 7) + f", {txid})"
    for start in range(0, len(changes), CHUNK):
        chunk = changes[start : start + CHUNK]
        sql = f"INSERT INTO s3_change ({columns}) VALUES " + ", ".join([values] * len(chunk))
        db.executesql(sql, placeholders=[item for change in chunk for item in change])


def is_postgres(db: DAL) -> bool:
    return db._dbname == "postgres"


def sql_time(value: dt.datetime) -> str:
    return value.replace(microsecond=0).isoformat(" ")
