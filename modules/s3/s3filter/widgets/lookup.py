"""What can be chosen in filter widgets: the values that occur in records which the reader may read, and their labels."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3filter.known import as_opened, is_reference, nameable_keys, rows_of
from s3.s3query import S3ResourceField
from s3.s3resource import S3Resource
from s3.s3utils import among, s3_get_foreign_key, s3_str, s3_strip_markup
from s3dal import Table

__all__ = ("as_opened", "labels_of", "readable_keys", "rows_of", "used_values")


def used_values(resource: S3Resource, rfield: S3ResourceField, extra: Iterable[Any] = (), represent: Any = None) -> set[Any]:
    """The values of a field in the records of a resource, one query; of references those that the reader may read, one more.

    Args:
        extra: further values; of references, those of records that the reader may know by name: any number may be in a URL
        represent: what will represent the values; default is that of the field
    """
    values = {None if value == "" else value for value in _values(resource, rfield)}
    further = set(extra) - values
    represent = rfield.represent if represent is None else represent
    if further and is_reference(rfield, represent):
        further &= {None, *nameable_keys(resource, rfield, represent, further)}
    values |= further
    table, key = _target(rfield)
    if table is not None and key is not None:
        values &= {None, *readable_keys(table, key, values)}
    return values


def _values(resource: S3Resource, rfield: S3ResourceField) -> Iterable[Any]:
    if rfield.virtual:
        found = [row[rfield.colname] for row in resource.select([rfield.selector]).rows]
    else:
        found = [rfield.extract(row) for row in rows_of(resource, [rfield])]
    for value in found:
        if isinstance(value, (list, tuple)):
            yield from value or [None]
        else:
            yield value


def _target(rfield: S3ResourceField) -> tuple[Table | None, str | None]:
    if rfield.field is None:
        return None, None
    tablename, key, _ = s3_get_foreign_key(rfield.field)
    return (current.s3db.table(tablename, db_only=True), key) if tablename else (None, None)


def readable_keys(table: Table, key: str, values: Iterable[Any]) -> set[Any]:
    """Those of the keys whose records the reader may read."""
    keys = [value for value in values if value is not None]
    if not keys:
        return set()
    query = among(table[key], keys) & current.auth.s3_accessible_query("read", table)
    if "deleted" in table.fields:
        query &= table.deleted == False
    return {row[key] for row in current.db(query).select(table[key])}


def labels_of(values: Iterable[Any], represent: Any, is_list: bool = False) -> dict[Any, str]:
    """What values are called: one query if the representation can do many at once, and none if they are their own labels.

    Args:
        represent: S3Represent, callable(value) or None
        is_list: the values are members of lists, which the callable represents
    """
    known = [value for value in values if value is not None]
    if hasattr(represent, "bulk"):
        labels = represent.bulk(known, list_type=False, show_link=False) if known else {}
        return {value: _plain(labels.get(value, value)) for value in known}
    if not callable(represent):
        return {value: s3_str(value) for value in known}
    return {value: _plain(represent([value] if is_list else value)) for value in known}


def _plain(label: Any) -> str:
    return s3_strip_markup(s3_str(label.xml())) if hasattr(label, "xml") else s3_str(label)
