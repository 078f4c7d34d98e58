"""Filters that people have saved (pr_filter): load, save, apply to a resource.

A filter that is gone or cannot be read is an error here: without it everything would be selected (F20, F21).
"""
from __future__ import annotations

import json
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3DataError, S3FilterValueError, S3PermissionError, S3RecordError
from s3.s3filter.saved import Pairs, parse_filter
from s3.s3filter.string import S3FilterString
from s3.s3query import S3URLQuery
from s3.s3resource import S3Resource, create_record, update_record
from s3.s3utils import s3_str
from s3dal import Row, Rows

__all__ = ("apply_filter", "change_filter", "delete_filter", "load_filter", "own_filters", "own_pe_id", "save_filter")


def load_filter(filter_id: int) -> Pairs:
    """The conditions of a saved filter.

    Raises:
        S3RecordError: there is no such filter, or it was deleted
        S3FilterValueError: it cannot be read
    """
    return parse_filter(_find(filter_id).query)


def save_filter(resource: S3Resource, query: Any, title: str | None = None, filter_id: int | None = None, **details: str) -> int:
    """Save a filter of a resource as one of the person who is logged in.

    Args:
        query: as of parse_filter
        filter_id: of the own filter to change; None for a new one
        details: description, and the page that it was made on: controller, function, url

    Returns:
        the id of the filter. Whoever subscribes with it gets what it says from the next round on.

    Raises:
        S3PermissionError: nobody is logged in, or the filter is somebody else's
        S3RecordError: there is no filter to change
        S3FilterValueError: it is no filter, or the resource or a subscribed table cannot be filtered with it
    """
    pe_id = own_pe_id()
    if not pe_id:
        raise S3PermissionError("Log in to save a filter.")
    stored = _find(filter_id) if filter_id is not None else None
    if stored is not None and stored.pe_id != pe_id:
        raise S3PermissionError("This filter is somebody else's.")
    values: dict[str, Any] = {"query": json.dumps(parse_filter(query)), "resource": resource.tablename, "pe_id": pe_id, **details}
    if title is not None:
        values["title"] = title
    return _store(values, stored)


def own_filters(tablename: str) -> Rows:
    """The filters of a table that the person who is logged in has saved, by title."""
    table = current.s3db.pr_filter
    query = (table.pe_id == own_pe_id()) & (table.resource == tablename) & (table.deleted == False)
    fields = (table.id, table.title, table.description, table.query, table.modified_on)
    return current.db(query).select(*fields, orderby=(table.title, table.id))


def change_filter(filter_id: int, **values: str) -> None:
    """Change a saved filter, such as its title; whose it is must have been asked before.

    Raises:
        S3RecordError: there is no such filter
    """
    _store(values, _find(filter_id))


def delete_filter(filter_id: int) -> None:
    """Delete a saved filter, which suspends the subscriptions that use it; whose it is must have been asked before.

    Raises:
        S3DataError: something that must stay refers to it
    """
    auth = current.auth
    # a filter belongs to its owner, whatever the rules say of the pages of filters
    override, auth.override = auth.override, True
    try:
        resource = S3Resource("pr_filter", id=filter_id)
        if resource.delete() != 1:
            raise S3DataError(s3_str(resource.error or current.ERROR.NOT_PERMITTED))
    finally:
        auth.override = override


def own_pe_id() -> int | None:
    """The person entity of who is logged in."""
    user = current.auth.user
    return user.pe_id if user else None


def apply_filter(resource: S3Resource, query: Any) -> None:
    """Limit a resource to the records that a saved filter selects, as a list with the filter in its URL is.

    Args:
        query: as of parse_filter

    Raises:
        S3SelectorError, S3FilterValueError: it is no filter of this resource; from values that do not suit, when records are read
    """
    for queries in S3URLQuery.parse(resource, S3FilterString(resource, query).get_vars).values():
        for condition in queries:
            resource.add_filter(condition, hides=False)


def _find(filter_id: int) -> Row:
    table = current.s3db.pr_filter
    query = (table.id == filter_id) & (table.deleted == False)
    row: Row | None = current.db(query).select(table.id, table.pe_id, table.query, limitby=(0, 1)).first()
    if row is None:
        raise S3RecordError(f"There is no saved filter {filter_id}; it may have been deleted.", filter_id=filter_id)
    return row


def _store(values: dict[str, Any], stored: Row | None) -> int:
    """Store through the checks that forms have."""
    table = current.s3db.pr_filter
    form = Storage(vars=Storage(values), errors=Storage())
    if stored is not None:
        form.vars.id = stored.id
    current.s3db.onvalidation("pr_filter", form, "create" if stored is None else "update")
    if form.errors:
        raise S3FilterValueError("; ".join(s3_str(error) for error in form.errors.values()), value=values.get("query"))
    data = {name: form.vars[name] for name in values}
    if stored is None:
        return create_record(table, data)
    update_record(table, stored.id, data)
    return int(stored.id)
