"""What travels between the steps: plain values, read once, never written back."""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3error import S3FilterValueError
from s3.s3filter import parse_filter
from s3dal import Query, Row

__all__ = ("Answer", "Lookup", "Subscription", "Updates", "find_subscription")


@dataclass(frozen=True)
class Subscription:
    """One subscribed resource with the settings of its subscription, as the database has them now."""

    #: pr_subscription_resource
    id: int
    subscription_id: int
    pe_id: int
    notify_on: tuple[str, ...]
    frequency: str
    method: tuple[str, ...]
    #: "text", "html", or None for the deployment's default
    email_format: str | None
    attachment: bool
    #: table name
    resource: str
    #: controller/function[/args][?query], without a leading slash
    url: str
    #: naive UTC; the human-readable watermark
    last_check_time: dt.datetime
    next_check_time: dt.datetime | None
    #: position in the change log: the real watermark
    last_position: int | None
    lease_owner: str | None
    attempts: int
    #: JSON text of the saved filter; None without a filter
    filter_query: str | None

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The pairs of the saved filter; those that are not set (null) left out.

        Raises:
            S3FilterValueError: the saved filter is not a JSON list of pairs
        """
        return [(key, value) for key, value in parse_filter(self.filter_query) if value is not None]

    @property
    def time_filter(self) -> tuple[str, str]:
        """The look-up parameter that tells the controller since when: (key, ISO 8601 with Z)."""
        name = "modified_on" if "upd" in self.notify_on else "created_on"
        return f"~.{name}__ge", self.last_check_time.isoformat(timespec="seconds") + "Z"


@dataclass(frozen=True)
class Lookup:
    """A look-up request that was authorised by its token."""

    subscription: Subscription
    #: whoever composes must still hold this lease
    lease: str


@dataclass(frozen=True)
class Updates:
    """What the subscriber may see of the changes in one window of the change log."""

    #: rows, rfields, numrows as S3Resource.select gives them; each row has ``_row`` (raw values) and ``_new`` (bool)
    data: Any
    #: counts of all new and of all updated records, also of those beyond the cap
    new: int
    updated: int
    #: where the next window begins
    position: int
    #: is there anything in the log that lies beyond the window, because an older transaction is still open?
    pending: bool = False

    @property
    def total(self) -> int:
        return self.new + self.updated


@dataclass(frozen=True)
class Answer:
    """The outcome of one look-up request, as the worker sees it."""

    message: str
    success: bool = False
    #: HTTP status; None when there was no answer at all
    status: int | None = None
    #: contact methods of the messages that were composed
    methods: tuple[str, ...] = ()
    #: what of the deployment failed without taking the message along
    notes: tuple[str, ...] = ()


def find_subscription(query: Query) -> Subscription | None:
    """The one live subscribed resource of this condition; None if it is deleted, unsubscribed, suspended or ``never``."""
    s3db, db = current.s3db, current.db
    rtable, stable, ftable = s3db.pr_subscription_resource, s3db.pr_subscription, s3db.pr_filter
    live = (
        query
        & (rtable.subscription_id == stable.id)
        & (rtable.deleted == False)  # noqa: E712
        & (stable.deleted == False)  # noqa: E712
        & (stable.suspended == False)  # noqa: E712
        & (stable.frequency != "never")
    )
    fields = (
        rtable.id, rtable.resource, rtable.url, rtable.last_check_time, rtable.next_check_time, rtable.last_position,
        rtable.lease_owner, rtable.attempts, stable.id, stable.pe_id, stable.notify_on, stable.frequency, stable.method,
        stable.email_format, stable.attachment, stable.filter_id, ftable.id, ftable.query, ftable.deleted,
    )  # fmt: skip
    row = db(live).select(*fields, left=ftable.on(ftable.id == stable.filter_id), limitby=(0, 1)).first()
    return _subscription(row) if row else None


def _subscription(row: Row) -> Subscription:
    resource, settings, saved = row.pr_subscription_resource, row.pr_subscription, row.pr_filter
    if settings.filter_id and (saved.id is None or saved.deleted):
        message = "The saved filter of this subscription was deleted; without it everything would be reported."
        raise S3FilterValueError(message, filter_id=settings.filter_id)
    return Subscription(
        id=resource.id,
        subscription_id=settings.id,
        pe_id=settings.pe_id,
        notify_on=tuple(settings.notify_on or ()),
        frequency=settings.frequency,
        method=tuple(settings.method or ()),
        email_format=settings.email_format or None,
        attachment=bool(settings.attachment),
        resource=resource.resource,
        url=(resource.url or "").lstrip("/"),
        last_check_time=resource.last_check_time,
        next_check_time=resource.next_check_time,
        last_position=resource.last_position,
        lease_owner=resource.lease_owner,
        attempts=resource.attempts or 0,
        filter_query=saved.query if settings.filter_id else None,
    )
