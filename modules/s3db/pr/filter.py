"""Saved filters, and what becomes of the subscriptions that use them."""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from gluon import IS_EMPTY_OR, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    S3Error,
    S3Model,
    S3Represent,
    S3ReusableField,
    quoted_json,
    s3_comments,
    s3_meta_fields,
    validate_filter,
)
from s3dal import Field, Query, Row, Table

__all__ = (
    "SavedFilterModel",
    "find_table",
    "subscribed_tables",
    "validate_for_tables",
)


class SavedFilterModel(S3Model):
    """Filters that a user has saved, to be loaded into a filter form or used by subscriptions."""

    names = ("pr_filter", "pr_filter_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "pr_filter",
            self.super_link("pe_id", "pr_pentity", label=T("Person")),
            Field("title", label=T("Title")),
            Field("controller", label=T("Controller")),
            Field("function", label=T("Function")),
            Field("resource", label=T("Resource")),
            Field("url", label=T("URL")),
            Field("description", "text", label=T("Description")),
            # JSON list of [selector__operator, value or null]
            Field("query", "text", label=T("Filter")),
            s3_comments(),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_filter"] = Storage(
            label_create=T("Create Filter"),
            title_display=T("Filter Details"),
            title_list=T("Saved Filters"),
            title_update=T("Edit Filter"),
            msg_record_created=T("Filter saved"),
            msg_record_modified=T("Filter updated"),
            msg_record_deleted=T("Filter deleted"),
            msg_list_empty=T("No saved filters"),
        )
        self.configure(
            "pr_filter",
            listadd=False,
            list_fields=["title", "resource", "url", "query"],
            orderby="pr_filter.resource",
            onvalidation=filter_onvalidation,
            ondelete=filter_ondelete,
            indexes=["pe_id"],
        )
        represent = S3Represent(lookup="pr_filter", fields=["title"])
        filter_id = S3ReusableField(
            "filter_id", "reference pr_filter",
            label=T("Filter"), represent=represent,
            # neither SET NULL, which would widen what uses the filter, nor RESTRICT, which would forbid to archive it (F20)
            ondelete="NO ACTION",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "pr_filter.id", represent, orderby="pr_filter.title", sort=True)),
        )
        return {"pr_filter_id": filter_id}


def filter_onvalidation(form: Any) -> None:
    """Store the filter as clean JSON, if all tables that it is used for can be filtered with it.

    An apostrophe in a value stays one; Eden turns it into a double quote (X13).
    """
    values = form.vars
    query = values.get("query")
    if not query:
        return
    tables = subscribed_tables(current.s3db.pr_subscription.filter_id == values["id"]) if values.get("id") else set()
    resource = values.get("resource") if "resource" in values or not values.get("id") else _resource_of_filter(values["id"])
    if resource:
        tables.add(resource)
    try:
        values["query"] = validate_for_tables(quoted_json(query), tables)
    except S3Error as error:
        form.errors["query"] = f"{error}: {query}"


def _resource_of_filter(filter_id: Any) -> str | None:
    table = current.s3db.pr_filter
    row = current.db(table.id == filter_id).select(table.resource, limitby=(0, 1)).first()
    return row.resource if row else None


def subscribed_tables(condition: Query) -> set[str]:
    """Names of the tables that subscriptions of this condition watch."""
    s3db = current.s3db
    table, resources = s3db.pr_subscription, s3db.pr_subscription_resource
    query = condition & (table.deleted == False) & (resources.subscription_id == table.id) & (resources.deleted == False)
    return {row.resource for row in current.db(query).select(resources.resource, distinct=True)}


def validate_for_tables(query: str | None, tablenames: Iterable[str]) -> str:
    """The filter as it is to be stored; tables that do not exist are somebody else's complaint.

    Raises:
        S3FilterValueError, S3SelectorError: it is malformed, or one of the tables cannot be filtered with it
    """
    return str(validate_filter(query, [name for name in sorted(tablenames) if find_table(name) is not None]))


def find_table(tablename: str) -> Table | None:
    if not re.fullmatch(r"[a-z0-9]+_\w+", tablename, re.ASCII):
        return None
    table: Table | None = current.s3db.table(tablename, db_only=True)
    return table


def filter_ondelete(row: Row) -> None:
    """Suspend the subscriptions that used the filter: without it they would report everything (F20).

    The reason stands on each subscription, in the log, and on the page of whoever deletes the filter.
    """
    db, table, filters = current.db, current.s3db.pr_subscription, current.s3db.pr_filter
    stored = db(filters.id == row.id).select(filters.title, limitby=(0, 1)).first()
    title = stored and stored.title
    reason = f'Its saved filter "{title}" was deleted' if title else "Its saved filter was deleted"
    uses = (table.filter_id == row.id) & (table.deleted == False)
    ids = [subscription.id for subscription in db(uses).select(table.id, orderby=table.id)]
    if not ids:
        return
    db(uses).update(suspended=True, suspended_reason=reason)
    for subscription_id in ids:
        current.log.warning(f"Subscription {subscription_id} is suspended: {reason}")
    message = str(current.T("%(number)s subscriptions that used this filter are suspended") % {"number": len(ids)})
    before = current.response.warning
    current.response.warning = f"{before} {message}" if before else message
