"""Statements of a select, sent as plain SQL, and the values they give, column by column.

The DAL would make an object of each row, with functions for its references, which takes most of the time of a select.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gluon import current

from s3dal import Field, Query, Table

__all__ = ("chunks", "read_columns", "virtual_fields")

# Ids per "IN (...)", unless that made more than this many statements: each may have to read the whole table, where a key
# has no index. (A query in the place of the ids lets SQLite expect a few records, and read the table for each.)
CHUNK = 1000
MAX_CHUNKS = 10
# What drivers give as it is meant
PLAIN_TYPES = frozenset(("id", "integer", "bigint", "reference", "string", "text", "password", "upload"))
# Drivers give these, or text
TIME_TYPES: dict[str, type] = {"date": dt.date, "datetime": dt.datetime, "time": dt.time}
BOOLEANS = {"T": True, "F": False, True: True, False: False}


def read_columns(query: Query, fields: Iterable[Field], **attributes: Any) -> dict[str, Sequence[Any]]:
    """Select fields.

    Args:
        attributes: those of ``Set.select``

    Returns:
        {"table.field": its values in the order of the rows}
    """
    db = current.db
    selected = {str(field): field for field in fields}
    rows = db.executesql(db(query)._select(*selected.values(), **attributes))
    if not rows:
        return dict.fromkeys(selected, ())
    columns = zip(selected.items(), zip(*rows, strict=True), strict=True)
    return {name: _parsed(field, column) for (name, field), column in columns}


def chunks(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Parts of a list of ids that are not too long for one statement."""
    size = max(CHUNK, -(-len(ids) // MAX_CHUNKS))
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


@contextmanager
def virtual_fields(table: Table, are_included: bool) -> Iterator[None]:
    """Rows of the DAL with or without what the table's ``virtualfields`` add to each."""
    known = list(table.virtualfields)
    table.virtualfields[:] = known if are_included else []
    try:
        yield
    finally:
        table.virtualfields[:] = known


def _parsed(field: Field, column: Sequence[Any]) -> Sequence[Any]:
    if field._itype not in PLAIN_TYPES or _is_custom(field):
        parse = _parser(field)
        column = [None if value is None else parse(value) for value in column]
    filter_out = field.filter_out
    return column if filter_out is None else [filter_out(value) for value in column]


def _parser(field: Field) -> Callable[[Any], Any]:
    """What makes the value of a field of what the driver gives."""
    kind, parse = field._itype, _dal_parser(field)
    if _is_custom(field):
        return parse
    if kind == "boolean":
        return lambda value: BOOLEANS[value] if value in BOOLEANS else parse(value)
    if kind in TIME_TYPES:
        wanted = TIME_TYPES[kind]
        return lambda value: value if value.__class__ is wanted else parse(value)
    if kind == "list:reference":
        # plain numbers instead of objects that look their records up
        return lambda value: [int(item) for item in parse(value)]
    return parse


def _is_custom(field: Field) -> bool:
    """Whether the type is one of the deployment's own, stored as another one."""
    return not isinstance(field.type, str)


def _dal_parser(field: Field) -> Callable[[Any], Any]:
    adapter, kind, ftype = current.db._adapter, field._itype, field.type
    return lambda value: adapter.parse_value(value, kind, ftype)
