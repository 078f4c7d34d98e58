"""The state of the service: what a person responsible for it wants to know, and what needs that person.

``manage.py doctor`` prints it, the page ``admin/health`` shows it.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3datetime import utcnow

__all__ = ("DEAD_LETTERS", "Findings", "describe", "facts", "find", "problems")

#: gives a text with values in it, in the language of its reader
Translate = Callable[..., str]

CHECK_TASK = "notify_check_subscriptions"
#: States of msg_outbox
UNSENT, INVALID, FAILED, SENDING, WITHHELD = 1, 4, 5, 6, 7
#: with what has ended without being sent, and is nobody's decision
DEAD_LETTERS = (INVALID, FAILED)
WAITING = ("QUEUED", "ASSIGNED", "RUNNING")

#: How late, beyond its interval, a check or a due subscription may be before somebody should look
GRACE = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Findings:
    """What was found in the database. Times are naive UTC."""

    now: dt.datetime
    worker_alive: bool
    last_heartbeat: dt.datetime | None
    #: Are checks wanted by the settings?
    checks_wanted: bool
    #: Is the periodic task there, and switched on?
    checks_scheduled: bool
    #: Seconds
    check_interval: int
    last_check: dt.datetime | None
    #: When the subscription that has waited longest became due
    oldest_due: dt.datetime | None
    due: int
    queued_tasks: int
    unsent: int
    dead_letters: int
    #: not sent because their recipients must not have them any more: right as it is
    withheld: int
    suspended: int
    #: Does the database know that É and é are the same letter? A PostgreSQL with the locale C does not
    knows_case: bool = True
    #: What is wrong with the settings, one sentence each
    settings: tuple[str, ...] = ()


def find() -> Findings:
    """Read the state from the database of the executed models."""
    db, settings = current.db, current.deployment_settings
    now = utcnow()
    subscription = current.s3db.table("pr_subscription")
    outbox = current.s3db.table("msg_outbox")
    worker_alive = current.s3task.is_alive()
    periodic = _periodic_check(db)
    due = _due(db, current.s3db, now)
    return Findings(
        now=now,
        worker_alive=worker_alive,
        last_heartbeat=_newest(db, db.scheduler_worker.last_heartbeat),
        checks_wanted=bool(settings.get_msg_notify_check_subscriptions()),
        checks_scheduled=periodic is not None and bool(periodic.enabled),
        check_interval=periodic.period if periodic is not None else 0,
        last_check=periodic.last_run_time if periodic is not None else None,
        oldest_due=min(due, default=None),
        due=len(due),
        queued_tasks=db((db.scheduler_task.repeats != 0) & (db.scheduler_task.status.belongs(WAITING))).count(),
        unsent=db((outbox.status.belongs((UNSENT, SENDING))) & (outbox.deleted == False)).count(),
        dead_letters=db((outbox.status.belongs(DEAD_LETTERS)) & (outbox.deleted == False)).count(),
        withheld=db((outbox.status == WITHHELD) & (outbox.deleted == False)).count(),
        suspended=db((subscription.suspended == True) & (subscription.deleted == False)).count(),
        knows_case=knows_case(db),
        settings=(*settings.check(), *settings.unknown(), *_hooks_without_table()),
    )


def _hooks_without_table() -> Iterator[str]:
    """The hooks for tables that there are not, though their module is enabled."""
    settings, s3db = current.deployment_settings, current.s3db
    for tablename in settings.customised_tables():
        prefix = tablename.partition("_")[0]
        if settings.has_module(prefix) and s3db.table(tablename, db_only=True) is None:
            yield f"settings.customise_{tablename}_resource: there is no table {tablename}."


def knows_case(db: Any) -> bool:
    """Whether the database can tell capitals beyond A to Z."""
    return bool(db.executesql("SELECT LOWER('É')")[0][0] == "é")


def _periodic_check(db: Any) -> Any:
    task = db.scheduler_task
    return db((task.function_name == CHECK_TASK) & (task.repeats == 0)).select(orderby=task.id, limitby=(0, 1)).first()


def _newest(db: Any, field: Any) -> dt.datetime | None:
    newest = field.max()
    value = db().select(newest).first()[newest]
    # SQLite gives the text of an aggregate
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def _due(db: Any, s3db: Any, now: dt.datetime) -> list[dt.datetime]:
    """When the subscribed resources which should have been checked by now became due; an empty time means since their last check."""
    subscription = s3db.table("pr_subscription")
    resource = s3db.table("pr_subscription_resource")
    query = (
        (resource.subscription_id == subscription.id)
        & (resource.deleted == False)
        & (subscription.deleted == False)
        & ((subscription.suspended == False) | (subscription.suspended == None))
        & (subscription.frequency != "never")
        & ((resource.next_check_time == None) | (resource.next_check_time <= now))
    )
    rows = db(query).select(resource.next_check_time, resource.last_check_time)
    return [row.next_check_time or row.last_check_time or now for row in rows]


def in_english(text: str, **values: Any) -> str:
    return text % values if values else text


def facts(findings: Findings, T: Translate = in_english) -> list[tuple[str, str]]:
    """Give the state as names and values."""
    now = findings.now
    heartbeat = _ago(findings.last_heartbeat, now, T)
    alive, dead = T("alive, last heartbeat %(ago)s", ago=heartbeat), T("not alive, last heartbeat %(ago)s", ago=heartbeat)
    due = T("%(number)s, the oldest since %(ago)s", number=findings.due, ago=_ago(findings.oldest_due, now, T)) if findings.due else "0"
    return [
        (T("Worker"), alive if findings.worker_alive else dead),
        (T("Last check"), _ago(findings.last_check, now, T)),
        (T("Due subscriptions"), due),
        (T("Queued tasks"), str(findings.queued_tasks)),
        (T("Messages to send"), str(findings.unsent)),
        (T("Dead letters"), str(findings.dead_letters)),
        (T("Withheld messages"), str(findings.withheld)),
        (T("Suspended subscriptions"), str(findings.suspended)),
    ]


def describe(findings: Findings) -> list[str]:
    """Give the state as lines for a terminal."""
    return [f"{name + ':':<24} {value}" for name, value in facts(findings)]


def problems(findings: Findings, T: Translate = in_english) -> list[str]:
    """Give what needs a person, one sentence each, which says what to do."""
    found = []
    if not findings.worker_alive:
        found.append(T("No worker is alive: start one (manage.py worker, or web2py -K)."))
    elif findings.checks_wanted and _is_late(findings.last_check, findings):
        found.append(T("The worker is alive but has not checked for a while: look at its output, restart it."))
    if findings.checks_wanted and not findings.checks_scheduled:
        found.append(T("The periodic task %(name)s is missing or disabled: restart the worker, or enable the task.", name=CHECK_TASK))
    if findings.dead_letters:
        found.append(T("%(number)s messages were not delivered: see the outbox (Invalid or Failed), correct, send again.",
                       number=findings.dead_letters))
    if findings.suspended:
        found.append(T("%(number)s subscriptions are suspended: see the reason on each, then edit it to start it again.",
                       number=findings.suspended))
    found.extend(findings.settings)
    if not findings.knows_case:
        found.append(T("The database knows capitals from A to Z only, so that searches miss words like École: "
                       "move it to a PostgreSQL database with a UTF-8 locale (LC_CTYPE)."))
    return found  # fmt: skip


def _is_late(last_check: dt.datetime | None, findings: Findings) -> bool:
    interval = dt.timedelta(seconds=findings.check_interval)
    return last_check is not None and findings.now - last_check > interval + GRACE


def _ago(time: dt.datetime | None, now: dt.datetime, T: Translate) -> str:
    if time is None:
        return T("never")
    return T("%(time)s UTC (%(seconds)s s ago)", time=f"{time:%Y-%m-%d %H:%M:%S}", seconds=int((now - time).total_seconds()))
