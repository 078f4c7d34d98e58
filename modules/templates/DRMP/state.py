"""Status with the notifications of a person: what was checked when, what is wrong, where messages go."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gluon import CAT, URL, A, current

from s3 import OwnSubscription, S3DateTime, Watched, utcnow
from s3dal import Row

__all__ = ("State", "missing_methods", "own_addresses", "states")

NEVER = "never"


class State(NamedTuple):
    """Status with one subscribed list."""

    label: Any
    sentences: list[Any]


def states(own: OwnSubscription, label: Callable[[Watched], Any]) -> list[State]:
    """The state of each list of a subscription.

    Args:
        label: what a list is called
    """
    pairs = zip(own.watched, own.resources, strict=True)
    return [State(label(watched), _sentences(own.record, row, utcnow())) for watched, row in pairs]


def _sentences(subscription: Row, row: Row, now: dt.datetime) -> list[Any]:
    T = current.T
    said = [T("Last check: %(time)s.") % {"time": _time(row.last_check_time)}] if row.last_check_time else []
    if subscription.frequency == NEVER:
        return [*said, T("Paused: the frequency is \"Never\".")]
    if subscription.suspended:
        return said
    waits = [time for time in (row.next_check_time, row.retry_at) if time and time > now]
    if row.attempts and row.last_error:
        said.append(T("The last check failed; it will be tried again."))
    if waits:
        said.append(T("Next check: %(time)s.") % {"time": _time(max(waits))})
    else:
        said.append(T("The next check comes within minutes."))
    return said


def _time(when: dt.datetime) -> str:
    return str(S3DateTime.datetime_represent(when, utc=True))


def own_addresses() -> dict[str, str]:
    """{contact method: address} of the person who is logged in, as messages use them."""
    table = current.s3db.pr_contact
    query = (table.pe_id == current.auth.user.pe_id) & (table.deleted == False)  # noqa: E712
    rows = current.db(query).select(table.contact_method, table.value, orderby=(table.priority, table.id))
    # the first one of each method counts
    return {row.contact_method: row.value for row in reversed(rows) if row.value}


def missing_methods(addresses: Mapping[str, str]) -> Any:
    """A sentence about ways to be told that the person lacks an address for; None if there is none."""
    T = current.T
    options = current.s3db.pr_subscription.method.requires.options(zero=False)
    missing = [str(label) for value, label in options if value and value not in addresses]
    if not missing:
        return None
    said = T("There is no contact information of yours for: %(methods)s.") % {"methods": ", ".join(missing)}
    url = _contacts_url()
    return CAT(said, " ", A(T("Add Contact Information"), _href=url) if url else T("An administrator can add it."))


def _contacts_url() -> str | None:
    """Where the person can add addresses."""
    auth = current.auth
    if not auth.permission.has_permission("create", c="pr", f="person", t="pr_contact"):
        return None
    table = current.s3db.pr_person
    person = current.db(table.pe_id == auth.user.pe_id).select(table.id, limitby=(0, 1)).first()
    return str(URL(c="pr", f="person", args=[person.id, "contact"], extension=False)) if person else None
