"""Which subscribed resources are due and may have updates, and the claim on them.

First step of a round (architecture 7, steps 1 and 2). The number of queries grows with the number of subscribed tables,
not of subscriptions. Next comes ``lookup``, one request per claimed row.
"""
from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass
from functools import reduce
from operator import or_

from gluon import current

from s3 import s3changes
from s3.s3error import S3Error
from s3.s3notify import release
from s3.s3notify.records import Answer
from s3.s3notify.rows import update_quietly
from s3dal import Query, Table

__all__ = ("Claim", "claim_due", "find_due", "next_due", "subscribable_table")

# A claim covers the time that its task may wait in the queue; whoever starts to work on it renews it.
QUEUE_LEASE = dt.timedelta(minutes=15)
TABLENAME = re.compile(r"[A-Za-z][A-Za-z0-9]*_\w+", re.ASCII)

# One check claims no more than it can expect to be worked off before the claims end
MAX_CHUNKS = 50


@dataclass(frozen=True)
class Claim:
    """Rows that are leased to one check run, oldest due first."""

    lease: str
    resource_ids: list[int]


def next_due(previous: dt.datetime | None, frequency: str, now: dt.datetime, intervals: dict[str, int]) -> dt.datetime:
    """When a subscription is due again; counted from when it was due, so that daily does not drift, without missed slots.

    ``immediately`` is due at every check, and so is a frequency that nobody knows.

    Args:
        intervals: minutes by frequency, ``s3db.pr_subscription_check_intervals``
    """
    interval = dt.timedelta(minutes=intervals.get(frequency, 0))
    if frequency == "immediately" or not interval:
        return now
    due = (previous or now) + interval
    if due <= now:
        missed = (now - due) // interval + 1
        due += missed * interval
    return due


def find_due(now: dt.datetime) -> list[int]:
    """Ids of the subscribed resources that are due, not leased, and may have updates; oldest due first. Reads, and sweeps.

    Source: Eden s3notify.py S3Notifications._subscriptions
    """
    due: list[tuple[dt.datetime, int]] = []
    for tablename in _due_tables(now):
        try:
            due.extend(_due_rows(tablename, now))
        except S3Error as error:
            _fail_all(tablename, now, str(error))
    return [resource_id for _, resource_id in sorted(due)]


def _due_query(now: dt.datetime) -> Query:
    rtable, stable = current.s3db.pr_subscription_resource, current.s3db.pr_subscription
    wanted = [stable.method.contains(method) for method in current.msg.MSG_CONTACT_OPTS]
    return (
        (rtable.subscription_id == stable.id)
        & (rtable.deleted == False)  # noqa: E712
        & (stable.deleted == False)  # noqa: E712
        & (stable.suspended == False)  # noqa: E712
        & (stable.frequency != "never")
        & reduce(or_, wanted)
        & _is_due(rtable, now)
    )


def _is_due(rtable: Table, now: dt.datetime) -> Query:
    return (
        ((rtable.next_check_time == None) | (rtable.next_check_time <= now))  # noqa: E711
        & ((rtable.retry_at == None) | (rtable.retry_at <= now))  # noqa: E711
        & ((rtable.lease_until == None) | (rtable.lease_until <= now))  # noqa: E711
    )


def _due_tables(now: dt.datetime) -> list[str]:
    rtable = current.s3db.pr_subscription_resource
    rows = current.db(_due_query(now)).select(rtable.resource, distinct=True)
    return sorted(row.resource or "" for row in rows)


def _due_rows(tablename: str, now: dt.datetime) -> list[tuple[dt.datetime, int]]:
    table = subscribable_table(tablename)
    overlap = dt.timedelta(seconds=current.deployment_settings.get_msg_notify_overlap())
    s3changes.sweep(table, now, overlap)
    _repair_positions(tablename, now)
    rtable = current.s3db.pr_subscription_resource
    query = _has_updates(tablename)
    if query is None:
        return []
    rows = current.db(_due_query(now) & (rtable.resource == tablename) & query).select(rtable.id, rtable.next_check_time)
    return [(row.next_check_time or dt.datetime.min, row.id) for row in rows]


def subscribable_table(tablename: str) -> Table:
    """The table of this name.

    Raises:
        S3Error: there is no such table, or its changes are not logged
    """
    # other names could be read as paths of modules
    table = current.s3db.table(tablename, db_only=True) if TABLENAME.fullmatch(tablename) else None
    if table is None:
        raise S3Error(f"The subscribed resource {tablename!r} is no table of this application.", table=tablename)
    if not s3changes.is_watched(table):
        raise S3Error(f"The subscribed resource {tablename!r} cannot be subscribed to: its changes are not logged.", table=tablename)
    return table


def _has_updates(tablename: str) -> Query | None:
    """Condition on a subscribed resource: something of a kind that it asks for came after its position."""
    rtable, stable = current.s3db.pr_subscription_resource, current.s3db.pr_subscription
    latest = s3changes.latest_changes(tablename)
    conditions = [
        stable.notify_on.contains(trigger) & _is_behind(rtable, newest)
        for trigger, newest in (("new", latest.created), ("upd", latest.updated))
        if newest is not None
    ]
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else conditions[0] | conditions[1]


def _is_behind(rtable: Table, newest: tuple[int, int]) -> Query:
    position, row_id = newest
    counts_transactions = (rtable.last_position >= 0) & (rtable.last_position <= position)
    counts_rows = (rtable.last_position < 0) & (rtable.last_position >= -row_id)
    return counts_transactions | counts_rows


def _repair_positions(tablename: str, now: dt.datetime) -> None:
    """Give a position to rows that have none or one of another database cluster; clamp time stamps of the future."""
    rtable = current.s3db.pr_subscription_resource
    db, end = current.db, s3changes.current_position()
    lost = (rtable.last_position == None) | (rtable.last_position > end) | (rtable.last_check_time == None)  # noqa: E711
    query = (rtable.resource == tablename) & (rtable.deleted == False) & lost  # noqa: E712
    for row in db(query).select(rtable.id, rtable.last_position, rtable.last_check_time):
        seen_until = min(row.last_check_time or now, now)
        position = s3changes.rebase_position(row.last_position, seen_until, end)
        # a look-up may have moved it meanwhile, and knows better
        unmoved = (rtable.id == row.id) & (rtable.last_position == row.last_position)
        update_quietly(unmoved, last_position=position, last_check_time=seen_until)


def _fail_all(tablename: str, now: dt.datetime, message: str) -> None:
    """A bad table name must not stop the others: the reason goes to its rows, and waiting does not cure it."""
    rtable = current.s3db.pr_subscription_resource
    same = (rtable.resource == tablename) if tablename else (rtable.resource == None) | (rtable.resource == "")  # noqa: E711
    fields = (rtable.id, rtable.attempts, rtable.subscription_id, rtable.lease_owner)
    for row in current.db(_due_query(now) & same).select(*fields):
        release.fail(row, Answer(message=message, status=404), now)


def claim_due(now: dt.datetime) -> Claim:
    """Lease what is due to this check run. Two checks at the same time never get the same row. Commits nothing."""
    release.give_back_broken(now - QUEUE_LEASE)
    rtable = current.s3db.pr_subscription_resource
    lease = uuid.uuid4().hex
    limit = current.deployment_settings.get_msg_notify_batch() * MAX_CHUNKS
    ids = find_due(now)[:limit]
    for start in range(0, len(ids), 500):
        free = rtable.id.belongs(ids[start : start + 500]) & _is_due(rtable, now)
        update_quietly(free, **{**release.FREE, "lease_owner": lease, "lease_until": now + QUEUE_LEASE})
    mine = {row.id for row in current.db(rtable.lease_owner == lease).select(rtable.id)} if ids else set()
    return Claim(lease=lease, resource_ids=[resource_id for resource_id in ids if resource_id in mine])
