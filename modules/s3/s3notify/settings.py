"""The notification settings of the person who is logged in: what a settings page reads, and saves in one go.

A subscription watches several resources through one common filter. A page may keep one subscription for each person, which
is the default here, or several, each named by its id. Source: Eden templates/DRMP/controllers.py ``_update_subscription``
"""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from gluon import current
from gluon.storage import Storage

from s3.s3changes import current_position
from s3.s3datetime import utcnow
from s3.s3error import S3Error, S3FilterValueError, S3PermissionError, S3RecordError, S3SelectorError, S3SettingsError
from s3.s3filter import parse_filter, validate_filter
from s3.s3notify.check import subscribable_table
from s3.s3notify.release import FREE
from s3.s3resource import create_record, update_record
from s3.s3utils import s3_str, s3_validate
from s3dal import Row, Table, savepoint

__all__ = (
    "OwnSubscription",
    "SavedSubscription",
    "Watched",
    "own_subscription",
    "own_subscriptions",
    "unsubscribe_all",
    "update_subscription",
)

#: fields of pr_subscription whose own checks apply
SETTINGS = ("notify_on", "frequency", "method", "email_format", "attachment")


class Watched(NamedTuple):
    """One subscribed list."""

    #: name of the table
    resource: str
    #: address of the list, such as "cms/post"
    url: str


#: rows of pr_subscription_resource of other subscriptions
Elsewhere = dict[Watched, list[Row]]


@dataclass(frozen=True)
class SavedSubscription:
    """What was saved."""

    #: of pr_subscription; None: nothing was subscribed, and nothing was asked for
    id: int | None
    filter_id: int | None = None
    subscribed: tuple[Watched, ...] = ()
    unsubscribed: tuple[Watched, ...] = ()


@dataclass(frozen=True)
class OwnSubscription:
    """A subscription as it is stored, for the person whose it is."""

    record: Row
    #: of pr_subscription_resource, without those that were unsubscribed
    resources: list[Row]
    #: [(selector__operator, value)]
    filters: list[tuple[str, str | None]]

    @property
    def watched(self) -> list[Watched]:
        return [_watched(row) for row in self.resources]


def own_subscription(subscription_id: int | None = None) -> OwnSubscription | None:
    """A subscription of the person who is logged in: this one, else the first that watches a list, else the first; None if
    there is none.

    A filter that was deleted or cannot be read is shown as none; the subscription is suspended, or will be.

    Raises:
        S3PermissionError: nobody is logged in
        S3RecordError: the person has no such subscription
    """
    record = _find_own(_own_pe_id(), subscription_id)
    return _as_stored([record])[0] if record else None


def own_subscriptions() -> list[OwnSubscription]:
    """All subscriptions with which the person who is logged in watches a list, also those that other pages have made.

    Raises:
        S3PermissionError: nobody is logged in
    """
    table = current.s3db.pr_subscription
    records = current.db(_is_own(table, _own_pe_id())).select(*table, orderby=table.id)
    return [own for own in _as_stored(records) if own.resources]


def _as_stored(records: Iterable[Row]) -> list[OwnSubscription]:
    """Subscriptions with their lists and filters; two queries."""
    records = list(records)
    queries = _live_queries([record.filter_id for record in records if record.filter_id])
    resources: dict[int, list[Row]] = {record.id: [] for record in records}
    for row in _live_resources(*resources):
        resources[row.subscription_id].append(row)
    return [OwnSubscription(record, resources[record.id], _readable(queries.get(record.filter_id))) for record in records]


def _live_queries(filter_ids: list[int]) -> dict[int, str]:
    table = current.s3db.pr_filter
    rows = current.db(table.id.belongs(filter_ids) & (table.deleted == False)).select(table.id, table.query)
    return {row.id: row.query for row in rows}


def _readable(query: str | None) -> list[tuple[str, str | None]]:
    try:
        return parse_filter(query)
    except S3FilterValueError:
        return []


def update_subscription(
    subscribe: Iterable[tuple[str, str]], filters: Any = None, *, subscription_id: int | None = None,
    notify_on: Iterable[str] | None = None, frequency: str | None = None, method: Iterable[str] | None = None,
    email_format: str | None = None, attachment: bool | None = None,
) -> SavedSubscription:  # fmt: skip
    """Save what the person who is logged in wants to be notified of, all of it or nothing. Commits nothing.

    A list that comes new, or comes back, is reported from now on; what happened while it was not subscribed is not. One that
    stays keeps the time of its next check, which another frequency counts from the last one. Without a ``subscription_id`` a
    list that another subscription of the person watches is taken over from there, so that nobody is told twice of the same.

    Args:
        subscribe: all lists that are wanted, (name of the table, URL); what is not among them is unsubscribed
        filters: for all of them, as of ``parse_filter``; None keeps the stored filter, which must be there still, an empty
            one selects everything
        subscription_id: of the own subscription to change; None: as of ``own_subscription``, which is made if there is none
        notify_on, frequency, method, email_format, attachment: as in pr_subscription; None keeps what is stored

    Raises:
        S3PermissionError: nobody is logged in
        S3RecordError: the person has no such subscription
        S3SettingsError: something cannot be saved; its ``errors`` say what, by setting, "filters" or "resources"
    """
    pe_id = _own_pe_id()
    wanted = list(dict.fromkeys(Watched(resource, url.removeprefix("/")) for resource, url in subscribe))
    settings = {
        "notify_on": notify_on, "frequency": frequency, "method": method, "email_format": email_format, "attachment": attachment,
    }  # fmt: skip
    with savepoint(current.db, "update_subscription"):
        _lock(pe_id)
        stored = _find_own(pe_id, subscription_id)
        # whoever names one knows of several
        elsewhere = _watched_elsewhere(stored) if stored and subscription_id is None else {}
        return _save(pe_id, stored, wanted, filters, settings, elsewhere)


def unsubscribe_all() -> tuple[Watched, ...]:
    """End all notifications of the person who is logged in, whichever page has made them. Commits nothing.

    Settings and filters stay for the day on which the person comes back.

    Raises:
        S3PermissionError: nobody is logged in
    """
    pe_id, table = _own_pe_id(), current.s3db.pr_subscription
    with savepoint(current.db, "unsubscribe_all"):
        _lock(pe_id)
        rows = current.db(_is_own(table, pe_id)).select(table.id, orderby=table.id)
        return tuple(watched for row in rows for watched in _unsubscribe(row.id, ()))


# -- who ---------------------------------------------------------------------------------------------------------------
def _own_pe_id() -> int:
    user = current.auth.user
    if not user or not user.pe_id:
        raise S3PermissionError("Log in to change your notifications.")
    return int(user.pe_id)


def _is_own(table: Table, pe_id: int) -> Any:
    return (table.pe_id == pe_id) & (table.deleted == False)


def _lock(pe_id: int) -> None:
    """Let nobody else save for this person until the end of the transaction: two clicks must not make two subscriptions."""
    table = current.s3db.pr_pentity
    # a write that changes nothing, since SQLite has no SELECT FOR UPDATE within a transaction
    current.db(table.pe_id == pe_id).update_naive(instance_type=table.instance_type)


def _find_own(pe_id: int, subscription_id: int | None) -> Row | None:
    table = current.s3db.pr_subscription
    query = _is_own(table, pe_id)
    if subscription_id is not None:
        query &= table.id == subscription_id
    records = current.db(query).select(*table, orderby=table.id)
    if subscription_id is not None and not records:
        # the same whether it is somebody else's or nobody's
        raise S3RecordError(f"You have no subscription {subscription_id}.", subscription_id=subscription_id)
    watching = {row.subscription_id for row in _live_resources(*(record.id for record in records))}
    return next((record for record in records if record.id in watching), records.first())


# -- save --------------------------------------------------------------------------------------------------------------
def _save(
    pe_id: int, stored: Row | None, wanted: list[Watched], filters: Any, settings: dict[str, Any], elsewhere: Elsewhere
) -> SavedSubscription:  # fmt: skip
    if stored is None and not wanted:
        return SavedSubscription(None)
    # whoever wants nothing need not say when and how
    given = {name: value for name, value in settings.items() if (value is not None if wanted else value)}
    # first, because the new filter need not suit what is not wanted any more
    gone = _unsubscribe(stored.id, wanted) if stored else ()
    filter_id = _save_filter(pe_id, stored, filters, wanted)
    saved_id = _save_subscription(pe_id, stored, filter_id, given)
    return SavedSubscription(saved_id, filter_id, subscribed=_subscribe(saved_id, wanted, elsewhere), unsubscribed=gone)


def _save_filter(pe_id: int, stored: Row | None, filters: Any, wanted: list[Watched]) -> int | None:
    """Give the id of the filter of the subscription; None: it has none."""
    old = stored.filter_id if stored else None
    if filters is None:
        if wanted and old and _live_filter(old) is None:
            raise S3SettingsError({"filters": s3_str(current.T("The filter of this subscription was deleted. Select another one."))})
        return old
    try:
        pairs = parse_filter(filters)
        validate_filter(pairs, _tables_of(wanted))
    except (S3FilterValueError, S3SelectorError) as error:
        raise S3SettingsError({"filters": str(error)}) from error
    if not (pairs or old):
        return None
    values = {"pe_id": pe_id, "query": json.dumps(pairs)}
    filter_id = old if _is_only_ours(pe_id, stored) else None
    if filter_id is None:
        values["title"] = s3_str(current.T("Notification Settings"))
    return _store("pr_filter", values, filter_id, "filters")


def _tables_of(wanted: list[Watched]) -> list[str]:
    """Names of the tables of the lists; that one cannot be subscribed to is no fault of the filter, and is told by itself."""
    found = []
    for watched in wanted:
        with suppress(S3Error):
            found.append(subscribable_table(watched.resource)._tablename)
    return found


def _live_filter(filter_id: int | None) -> Row | None:
    if not filter_id:
        return None
    table = current.s3db.pr_filter
    query = (table.id == filter_id) & (table.deleted == False)
    row: Row | None = current.db(query).select(table.id, table.pe_id, table.resource, table.query, limitby=(0, 1)).first()
    return row


def _is_only_ours(pe_id: int, stored: Row | None) -> bool:
    """Whether the filter of this subscription may be changed: it is the person's, and nothing else depends on it."""
    saved = _live_filter(stored.filter_id) if stored else None
    # one that belongs to a list was saved there under a name, and is to be found there again
    if saved is None or saved.pe_id != pe_id or saved.resource:
        return False
    assert stored is not None
    table = current.s3db.pr_subscription
    uses = (table.filter_id == saved.id) & (table.id != stored.id) & (table.deleted == False)
    return bool(current.db(uses).isempty())


def _save_subscription(pe_id: int, stored: Row | None, filter_id: int | None, settings: dict[str, Any]) -> int:
    values = dict(settings)
    if stored is None or stored.filter_id != filter_id:
        values["filter_id"] = filter_id
    if stored is None:
        values["pe_id"] = pe_id
    return _store("pr_subscription", values, stored.id if stored else None)


def _store(tablename: str, values: dict[str, Any], record_id: int | None, name: str | None = None) -> int:
    """Store a record through the checks that forms have, and their callbacks.

    Args:
        name: what its faults are reported of; default is the field
    """
    s3db, table = current.s3db, current.s3db[tablename]
    form = Storage(vars=Storage(values), errors=Storage())
    if record_id is not None:
        form.vars.id = record_id
    for field in values.keys() & set(SETTINGS):
        form.vars[field], error = s3_validate(table, field, _as_list(values[field]))
        if error:
            form.errors[field] = error
    # what the callbacks find is as much worth saying
    s3db.onvalidation(tablename, form, "create" if record_id is None else "update")
    if form.errors:
        raise S3SettingsError({name or field: s3_str(error) for field, error in form.errors.items()})
    data = {field: form.vars[field] for field in values}
    if record_id is None:
        return create_record(table, data)
    update_record(table, record_id, data)
    return record_id


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str) else value


# -- resources ---------------------------------------------------------------------------------------------------------
def _watched(row: Row) -> Watched:
    return Watched(row.resource or "", (row.url or "").removeprefix("/"))


def _live_resources(*subscription_ids: int) -> list[Row]:
    table = current.s3db.pr_subscription_resource
    query = table.subscription_id.belongs(subscription_ids) & (table.deleted == False)
    return list(current.db(query).select(*table, orderby=table.id))


def _watched_elsewhere(stored: Row) -> Elsewhere:
    """What other subscriptions of the same person watch."""
    table = current.s3db.pr_subscription
    others = current.db(_is_own(table, stored.pe_id) & (table.id != stored.id)).select(table.id)
    found: Elsewhere = {}
    for row in _live_resources(*(other.id for other in others)):
        found.setdefault(_watched(row), []).append(row)
    return found


def _unsubscribe(subscription_id: int, wanted: Iterable[Watched]) -> tuple[Watched, ...]:
    """Archive all resources that are not wanted."""
    wanted = set(wanted)
    unwanted = [row for row in _live_resources(subscription_id) if _watched(row) not in wanted]
    _archive(subscription_id, unwanted)
    return tuple(_watched(row) for row in unwanted)


def _archive(subscription_id: int, rows: list[Row]) -> None:
    """Archive resources of a subscription; each remembers whose it was."""
    table, memory = current.s3db.pr_subscription_resource, json.dumps({"subscription_id": subscription_id})
    current.db(table.id.belongs([row.id for row in rows])).update(deleted=True, deleted_fk=memory, subscription_id=None, **FREE)


def _subscribe(subscription_id: int, wanted: list[Watched], elsewhere: Elsewhere) -> tuple[Watched, ...]:
    """Watch what is wanted; gives what was not watched before."""
    subscribed = {_watched(row): row for row in _live_resources(subscription_id)}
    new = tuple(watched for watched in wanted if watched not in subscribed)
    for watched in new:
        rows = elsewhere.get(watched, [])
        _begin(subscription_id, watched, rows[0] if rows else None)
        for row in rows[1:]:
            _archive(row.subscription_id, [row])
    _begin_count(subscription_id, subscribed.values())
    return new


def _begin(subscription_id: int, watched: Watched, moved: Row | None) -> None:
    """Watch a list from now on, in the row that has watched it before, if any.

    Args:
        moved: the row with which another subscription of the person watches it; then from where that has come to
    """
    values = {"subscription_id": subscription_id, "resource": watched.resource, "url": watched.url, "next_check_time": None}
    if moved is None:
        values.update(last_check_time=utcnow(), last_position=current_position())
    former = moved.id if moved else _find_former(subscription_id, watched)
    if former is not None:
        values.update(deleted=False, deleted_fk=None, attempts=0, last_error=None, last_run=None, retry_at=None, **FREE)
    _store("pr_subscription_resource", values, former, "resources")


def _find_former(subscription_id: int, watched: Watched) -> int | None:
    """The row with which this subscription has watched the list before it was unsubscribed."""
    table = current.s3db.pr_subscription_resource
    # other code has stored addresses with a slash
    archived = (table.deleted == True) & (table.resource == watched.resource) & table.url.belongs((watched.url, f"/{watched.url}"))
    # the database narrows it down to what may be meant, whoever has written it; what is meant is read as JSON
    rows = current.db(archived & table.deleted_fk.contains(str(subscription_id))).select(table.id, table.deleted_fk, orderby=~table.id)
    return next((row.id for row in rows if _remembers(row.deleted_fk, subscription_id)), None)


def _remembers(deleted_fk: str, subscription_id: int) -> bool:
    try:
        keys = json.loads(deleted_fk)
    except ValueError:
        return False
    return isinstance(keys, dict) and str(keys.get("subscription_id")) == str(subscription_id)


def _begin_count(subscription_id: int, rows: Iterable[Row]) -> None:
    """Count the next check of those that have had none from now on; of the others a new frequency has been counted by now."""
    uncounted = [row.id for row in rows if row.last_check_time is None]
    if not uncounted:
        return
    s3db, db, now = current.s3db, current.db, utcnow()
    table, subscriptions = s3db.pr_subscription_resource, s3db.pr_subscription
    frequency = db(subscriptions.id == subscription_id).select(subscriptions.frequency, limitby=(0, 1)).first().frequency
    interval = dt.timedelta(minutes=s3db.pr_subscription_check_intervals.get(frequency, 0))
    db(table.id.belongs(uncounted)).update(last_check_time=now, next_check_time=now + interval)
