"""Rows of the scheduler's queue: how a call is written into them, read from them, and told from another one."""
from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import secrets
from typing import Any

from gluon import current

from s3dal import DAL, Row, Table

__all__ = (
    "BROKEN", "FINISHED", "LIVE", "QUEUED", "RUNNING", "arguments", "call_key", "due", "insert_if_new", "random_uuid", "task_row",
    "update_unless_same", "without_user",
)  # fmt: skip

QUEUED = "QUEUED"
ASSIGNED = "ASSIGNED"
RUNNING = "RUNNING"
LIVE = (QUEUED, ASSIGNED, RUNNING)
#: finished without having done all
BROKEN = ("FAILED", "TIMEOUT", "STOPPED", "EXPIRED")
FINISHED = ("COMPLETED", *BROKEN)

# pydal asks PostgreSQL for the new id at the end of the statement
END_OF_INSERT = re.compile(r"""\s*(RETURNING\s+"?\w+"?)?\s*;?\s*\Z""")


def task_row(function: str, args: list[Any], vars: dict[str, Any]) -> dict[str, Any]:
    try:
        # default/ matters: the worker runs the models as that controller, which everybody may use
        return {
            "application_name": f"{current.request.application}/default",
            "task_name": function,
            "function_name": function,
            "args": json.dumps(args),
            "vars": json.dumps(vars),
        }
    except (TypeError, ValueError):
        current.log.exception(f"The arguments of task {function} cannot be written as JSON")
        raise


def due(start_time: dt.datetime, next_run_time: dt.datetime | None = None) -> dict[str, Any]:
    return {"start_time": start_time, "next_run_time": next_run_time or start_time}


def arguments(row: Row) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a queued call, without the user who queued it."""
    try:
        return json.loads(row.args or "[]"), without_user(json.loads(row.vars or "{}"))
    except ValueError:
        return [], {}


def without_user(vars: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in vars.items() if name != "user_id"}


def random_uuid() -> str:
    return secrets.token_hex(16)


def call_key(function: str, args: list[Any], vars: dict[str, Any], once: bool = False) -> str:
    """Digest of a call, for the unique column.

    Args:
        once: a single run besides the periodic row of the same call
    """
    call = json.dumps([function, args, without_user(vars)], sort_keys=True)
    return f"{'once' if once else 'call'}:{hashlib.sha256(call.encode()).hexdigest()}"


def insert_if_new(table: Table, **values: Any) -> bool:
    """Insert a row unless its unique key exists, without failing the transaction. True for exactly one of several callers."""
    db: DAL = table._db
    # pydal has no such insert; both SQLite and PostgreSQL understand this one. Not executesql(): it fetches, which ends rowcount
    db._adapter.execute(END_OF_INSERT.sub(" ON CONFLICT DO NOTHING;", table._insert(**values), count=1))
    return bool(db._adapter.cursor.rowcount == 1)


def update_unless_same(table: Table, row: Row, **values: Any) -> None:
    """Write what differs, unless a worker has taken the row meanwhile."""
    changes = {name: value for name, value in values.items() if row[name] != value}
    if not changes:
        return
    db: DAL = table._db
    db((table.id == row.id) & (table.status == row.status)).update(**changes)
