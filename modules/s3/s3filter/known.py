"""Which records the reader of a filter may be told the names of: any number may stand in one.

Next come ``words``, which names the values of a filter, and ``widgets``, which name what can be chosen.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from gluon import current

from s3.s3error import S3SelectorError
from s3.s3fields import DelegatedRepresent, S3Represent
from s3.s3query import FS, S3ResourceField, S3ResourceQuery
from s3.s3resource import S3Resource
from s3.s3utils import among, original_name, s3_get_foreign_key, s3_has_foreign_key
from s3dal import Field, Query, Rows, Table

__all__ = ("as_opened", "is_reference", "known_records", "nameable_keys", "original_field", "rows_of")


def known_records(resource: S3Resource, rfield: S3ResourceField, values: Iterable[Any]) -> set[Any]:
    """Those values of a reference whose records the reader may know by name; two queries at most, none without values.

    A record may be known to whoever may read it. The names of others, and of accounts, roles and entities, which have no
    rules of their own, are only what lists show: with records of the list that have the value.
    """
    sought = {value for value in values if value is not None}
    if not sought:
        return set()
    found = sought & nameable_keys(resource, rfield, rfield.represent, sought)
    return found | _shown(resource, rfield, sought - found)


def is_reference(rfield: S3ResourceField, represent: Any) -> bool:
    """Whether the values of a field are called what records are called."""
    if rfield.field is None or represent is None:
        return False
    if rfield.ftype == "id" or s3_has_foreign_key(original_field(rfield)):
        return True
    found = _resolved(represent)
    if isinstance(found, S3Represent):
        return bool(found.tablename)
    # what looks up many values at once has some place to look
    return hasattr(found, "bulk")


def nameable_keys(resource: S3Resource, rfield: S3ResourceField, represent: Any, values: Iterable[Any]) -> set[Any]:
    """Those values of a reference whose records the reader may read by the rules, or that are the reader's own account or entity."""
    table, key = _target(rfield, represent)
    if table is None or key is None:
        return set()
    tablename = original_name(table)
    own = {_own_key(tablename)} - {None}
    keys = [value for value in values if value not in own and _can_be_key(table[key], value)]
    is_open = _has_rules(table) or _sees_everything()
    if not keys or not is_open or tablename in resource.rfilter.hidden_tables():
        return own
    query = among(table[key], keys) & _readable(table)
    if "deleted" in table.fields:
        query &= table.deleted == False
    return own | {row[key] for row in current.db(query).select(table[key])}


def original_field(rfield: S3ResourceField) -> Field:
    """The field as it was declared, not one of an alias of its table; never called for computed ones."""
    assert rfield.field is not None
    return current.db[original_name(rfield.path.table)][rfield.field.name]


def as_opened(resource: S3Resource) -> S3Resource:
    """The resource without the filters that came with the URL, but with those of the page."""
    rfilter = resource.rfilter
    opened = S3Resource(resource.tablename)
    opened.access_methods = resource.access_methods
    for condition in rfilter.conditions:
        if not _is_from_client(condition):
            opened.add_filter(condition)
    for method, expression in rfilter.extra_filters:
        opened.add_extra_filter(method, expression)
    return opened


def rows_of(resource: S3Resource, rfields: list[S3ResourceField]) -> Rows:
    """The combinations of values of some fields that occur in the records of a resource."""
    selectors = [rfield.selector for rfield in rfields]
    rows: Rows = resource.select(selectors, groupby=selectors).rows
    return rows


def _is_from_client(condition: Any) -> bool:
    return isinstance(condition, S3ResourceQuery) and any(part.selector.is_client for part in condition.conditions())


# -- by the rules ------------------------------------------------------------------------------------------------------


def _target(rfield: S3ResourceField, represent: Any) -> tuple[Table | None, str | None]:
    """The table that has the names, and its key; two times None if it is unclear which that is."""
    field, found = original_field(rfield), _resolved(represent)
    tablename, key, _ = (original_name(field.table), field.name, False) if rfield.ftype == "id" else s3_get_foreign_key(field)
    if isinstance(found, S3Represent) and found.tablename:
        if tablename not in (None, found.tablename):
            return None, None
        tablename, key = found.tablename, found.key or key
    table = current.s3db.table(tablename, db_only=True) if tablename else None
    return (table, key or table._id.name) if table is not None else (None, None)


def _resolved(represent: Any) -> Any:
    return represent.delegate if isinstance(represent, DelegatedRepresent) else represent


def _can_be_key(field: Field, value: Any) -> bool:
    """Whether a value can be compared with keys: some databases refuse to compare numbers with others."""
    is_number = str(field.type) in ("id", "integer", "bigint") or str(field.type).startswith("reference ")
    return isinstance(value, int) or not is_number


def _has_rules(table: Table) -> bool:
    """Whether rules say who reads the records: not of accounts and roles, nor of super-records, which any page may show."""
    return not original_name(table).startswith("auth_") and "instance_type" not in table.fields


def _sees_everything() -> bool:
    auth = current.auth
    return bool(auth.override) or auth.permission.is_admin()


def _readable(table: Table) -> Query:
    """The query for what the reader may read: a table without a rule as on its own page, not as on any that refers to it."""
    auth, tablename = current.auth, original_name(table)
    if auth.permission.table_restricted(tablename):
        return auth.s3_accessible_query("read", table)
    prefix, _, name = tablename.partition("_")
    return auth.s3_accessible_query("read", table, c=prefix, f=name)


def _own_key(tablename: str) -> Any:
    user = current.auth.user
    return {"auth_user": user.id, "pr_pentity": user.pe_id}.get(tablename) if user else None


# -- by the list -------------------------------------------------------------------------------------------------------


def _shown(resource: S3Resource, rfield: S3ResourceField, values: set[Any]) -> set[Any]:
    """Those values that records of the list show, as its page has it without the filters of the reader."""
    # of a component, the page may hide master records
    if not values or resource.parent is not None or not _is_visible(resource, rfield):
        return set()
    opened = as_opened(resource)
    selector = FS(rfield.selector)
    opened.add_filter(selector.anyof(list(values)) if rfield.is_list else selector.belongs(list(values)), hides=False)
    try:
        rows = rows_of(opened, [rfield])
    except S3SelectorError:
        # by a way that this page does not go
        return set()
    return values & {value for row in rows for value in _members(rfield.extract(row))}


def _is_visible(resource: S3Resource, rfield: S3ResourceField) -> bool:
    """Whether readers see the field anyhow: meta fields are shown by lists that name them."""
    if rfield.field is not None and rfield.field.readable:
        return True
    return rfield.colname in _listed(resource)


def _listed(resource: S3Resource) -> Iterator[str]:
    for key in ("list_fields", "notify_fields"):
        for item in resource.get_config(key) or ():
            selector = item[1] if isinstance(item, (list, tuple)) else item
            try:
                yield S3ResourceField(resource, resource.prefix_selector(selector)).colname
            except S3SelectorError:
                # a fault of the lists, which shows nothing
                continue


def _members(value: Any) -> Iterable[Any]:
    return value if isinstance(value, (list, tuple)) else (value,)
