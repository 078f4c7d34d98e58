"""Recording: DAL hooks that log each insert, update and delete of a watched table in the writer's own transaction."""
from __future__ import annotations

import datetime as dt
import json
from typing import Any

from gluon import current

from s3.s3changes.log import CREATE, DELETE, UPDATE, append, sql_time
from s3.s3datetime import utcnow
from s3dal import Row, Set, Table

__all__ = ("is_watched", "watch")

# Fields whose change says nothing to a reader of the log
BOOKKEEPING = frozenset(("id", "uuid", "mci", "created_on", "created_by", "modified_on", "modified_by"))
# Types whose values are too large or too private to be copied into a log
UNLOGGED_TYPES = frozenset(("text", "json", "blob", "upload", "password"))
MAX_VALUE_LENGTH = 255


def watch(table: Table) -> None:
    """Log every insert, update and delete of this table from now on, in the writer's transaction (idempotent)."""
    if is_watched(table):
        return
    table._after_insert.append(_after_insert_of(table))
    table._before_update.append(_remember_old_values)
    table._after_update.append(_log_update)
    table._before_delete.append(_remember_doomed)
    table._after_delete.append(_log_delete)


def is_watched(table: Table) -> bool:
    """Are the changes of this table logged?"""
    return _after_insert_of(table) in table._after_insert


class _AfterInsert:
    """Insert hook of one table: DAL passes the values and the id, but not the table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _AfterInsert) and other.table is self.table

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, values: Any, record_id: int) -> None:
        new = {name: values[name] for name in _loggable(self.table) if name in values and values[name] is not None}
        change = _change_row(self.table, int(record_id), CREATE, {}, new, _get(values, "modified_on"))
        append(self.table._db, [change])


def _after_insert_of(table: Table) -> _AfterInsert:
    return _AfterInsert(table)


def _remember_old_values(qset: Set, values: Any) -> None:
    """Keep ids and old values: after the update the condition may not match the same rows any more."""
    table = _table_of(qset)
    names = [name for name in values.keys() if name in table.fields]
    fields = [table[name] for name in dict.fromkeys(["id", *names, *(["deleted"] if "deleted" in table.fields else [])])]
    qset._s3_before = list(qset.select(*fields))


def _log_update(qset: Set, values: Any) -> None:
    table = _table_of(qset)
    new = {name: values[name] for name in values.keys() if name in _loggable(table)}
    modified_on = _get(values, "modified_on")
    changes = []
    for old in qset._s3_before:
        operation = _operation(old, new)
        changes.append(_change_row(table, old.id, operation, old, new, modified_on))
    append(table._db, changes)


def _operation(old: Row, new: dict[str, Any]) -> str:
    """Archiving is a deletion to a reader, and restoring an archived record makes it new to them."""
    if "deleted" in new and bool(new["deleted"]) != bool(old.deleted):
        return DELETE if new["deleted"] else CREATE
    return UPDATE


def _remember_doomed(qset: Set) -> None:
    qset._s3_before = list(qset.select(_table_of(qset).id))


def _log_delete(qset: Set) -> None:
    table = _table_of(qset)
    append(table._db, [_change_row(table, old.id, DELETE, {}, {}, None) for old in qset._s3_before])


def _table_of(qset: Set) -> Table:
    return qset.db._adapter.get_table(qset.query)


def _loggable(table: Table) -> list[str]:
    return [name for name in table.fields if name not in BOOKKEEPING]


def _get(values: Any, name: str) -> Any:
    """A plain value of this field, if the statement sets one (an SQL expression is none)."""
    value = values[name] if name in values.keys() else None
    return value if isinstance(value, dt.datetime) else None


def _change_row(table: Table, record_id: int, operation: str, old: Any, new: dict[str, Any], modified_on: Any) -> tuple[Any, ...]:
    changed: dict[str, Any] = {}
    for name, value in new.items():
        before = old[name] if name in old else None
        if before == value:
            continue
        hidden = table[name].type in UNLOGGED_TYPES
        changed[name] = None if hidden else [_loggable_value(before), _loggable_value(value)]
    auth = getattr(current, "auth", None)
    user_id = auth.user.id if auth is not None and auth.user else None
    now = utcnow()
    return (str(table._dalname), record_id, operation, json.dumps(changed), sql_time(now), user_id, sql_time(modified_on or now))


def _loggable_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:MAX_VALUE_LENGTH]
