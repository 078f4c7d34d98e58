"""The new and updated records of one window of the change log that the subscriber may see.

Runs in the look-up request, as the subscriber. The resource comes from the subscribed controller with all its hooks and
permissions; this step only adds the window. Before: ``tokens.consume``. After: ``render``.
"""
from __future__ import annotations

from typing import Any

from gluon import current

from s3.s3changes import Window, current_position, rebase_position
from s3.s3error import S3LookupError
from s3.s3notify.records import Subscription, Updates
from s3dal import Query

__all__ = ("extract_updates",)

#: Beyond every position
FAR_AWAY = 2**62


def extract_updates(resource: Any, subscription: Subscription, max_records: int) -> Updates:
    """Read what changed since the subscription's position.

    Args:
        resource: S3Resource of the request
        max_records: how many records to read; the counts tell of all

    Raises:
        S3LookupError: the controller serves another table than the subscription names
    """
    if resource.tablename != subscription.resource:
        message = f"{subscription.url} serves {resource.tablename}, but {subscription.resource} is subscribed."
        raise S3LookupError(message, url=subscription.url)
    # taken before anything is read: what is committed from here on belongs to the next window
    end = current_position()
    window = Window(resource.tablename, rebase_position(subscription.last_position, subscription.last_check_time, end), end)
    resource.add_filter(_changed(resource, window, subscription.notify_on), hides=False)
    data = _select(resource, max_records)
    ids, created = data.ids or [], _created_ids(window)
    if len(ids) > max_records:
        # a flood: what is new goes first
        first = sorted(ids, key=lambda record_id: record_id not in created)[:max_records]
        resource.add_filter(resource._id.belongs(first), hides=False)
        data = _select(resource, max_records)
    _mark_new(data.rows, str(resource._id), created)
    new = sum(1 for record_id in ids if record_id in created)
    return Updates(data=data, new=new, updated=len(ids) - new, position=end, pending=not ids and _is_followed(window))


def _is_followed(window: Window) -> bool:
    """Does the log go on beyond the window already? Then a transaction that is still open holds the window's end back."""
    db = current.db
    return not db(Window(window.tablename, window.end, FAR_AWAY).query(db)).isempty()


def _select(resource: Any, max_records: int) -> Any:
    fields = _fields(resource)
    return resource.select(fields, limit=max_records, orderby=resource._id, represent=True, raw_data=True, getids=True, count=True)


def _changed(resource: Any, window: Window, notify_on: tuple[str, ...]) -> Query:
    db, record_id = current.db, resource._id
    wanted = []
    if "new" in notify_on:
        wanted.append(record_id.belongs(window.created(db)))
    if "upd" in notify_on:
        wanted.append(record_id.belongs(window.updated(db)))
    return wanted[0] if len(wanted) == 1 else wanted[0] | wanted[1]


def _fields(resource: Any) -> list[Any]:
    fields = list(resource.list_fields("notify_fields"))
    if "created_on" in resource.table.fields and "created_on" not in fields:
        fields.append("created_on")
    return fields


def _created_ids(window: Window) -> set[int]:
    return {int(row[0]) for row in current.db.executesql(window.created(current.db))}


def _mark_new(rows: list[Any], id_column: str, created: set[int]) -> None:
    for row in rows:
        row["_new"] = row["_row"][id_column] in created
