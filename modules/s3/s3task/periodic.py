"""The tasks that the worker repeats for ever: which the settings ask for, and how their rows are kept in step."""
from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from s3.s3datetime import utcnow
from s3.s3task.rows import FINISHED, QUEUED, RUNNING, arguments, call_key, due, insert_if_new, task_row, update_unless_same
from s3.s3task.workers import is_worker_alive
from s3dal import Row

__all__ = ("PeriodicTask", "find_periodic", "periodic_tasks", "sync_periodic")

#: Marks the rows of periodic tasks that are off because of the settings; a row that a person disabled has it not
OFF = "(off by settings)"
#: Functions whose periodic rows are switched off when the settings do not ask for them
PERIODIC_FUNCTIONS = ("maintenance", "msg_process_outbox", "notify_check_subscriptions")


@dataclass(frozen=True)
class PeriodicTask:
    """A task that the worker repeats for ever.

    Attributes:
        period, timeout: seconds
    """

    function: str
    period: int
    timeout: int
    args: list[Any] = field(default_factory=list)
    vars: dict[str, Any] = field(default_factory=dict)


def periodic_tasks(settings: Any) -> list[PeriodicTask]:
    """The periodic tasks that these settings ask for."""
    tasks = [PeriodicTask("maintenance", 86400, 600, vars={"period": "daily"})]
    if settings.has_module("msg"):
        interval = settings.get_msg_outbox_interval()
        tasks += [PeriodicTask("msg_process_outbox", interval, 300, args=[method]) for method in ("EMAIL", "SMS")]
        if settings.get_msg_notify_check_subscriptions():
            tasks.append(PeriodicTask("notify_check_subscriptions", settings.get_msg_notify_check_interval(), 300))
    return tasks


def sync_periodic(scheduler: Any, wanted: Iterable[PeriodicTask]) -> None:
    """Bring the periodic rows of the queue in step with what is wanted."""
    wanted = list(wanted)
    for spec in wanted:
        _sync(scheduler, spec)
    keep = {(spec.function, json.dumps(spec.args)) for spec in wanted}
    st = scheduler.db.scheduler_task
    for function in sorted(set(PERIODIC_FUNCTIONS) | {spec.function for spec in wanted}):
        for row in scheduler.db((st.function_name == function) & (st.repeats == 0)).select():
            if (function, json.dumps(arguments(row)[0])) not in keep:
                update_unless_same(st, row, enabled=False, task_name=f"{function} {OFF}")


def _sync(scheduler: Any, spec: PeriodicTask) -> None:
    rows = find_periodic(scheduler, spec.function, spec.args)
    if not rows:
        row = task_row(spec.function, spec.args, spec.vars)
        row.update(_periodic_options(spec), uuid=call_key(spec.function, spec.args, spec.vars), **due(utcnow()))
        insert_if_new(scheduler.db.scheduler_task, **row)
        return
    first, *duplicates = sorted(rows, key=lambda row: (row.status != RUNNING, not row.enabled, row.id))
    db, st = scheduler.db, scheduler.db.scheduler_task
    for row in duplicates:
        db(st.id == row.id).delete()
    update_unless_same(st, first, vars=json.dumps(spec.vars), **_periodic_options(spec), **_revival(scheduler, first))


def _revival(scheduler: Any, row: Row) -> dict[str, Any]:
    """What must change in a periodic row so that it runs again."""
    changes: dict[str, Any] = {"task_name": row.function_name}
    if row.task_name and row.task_name.endswith(OFF):
        changes.update(enabled=True, next_run_time=utcnow())
    if row.status in FINISHED or (row.status == RUNNING and not is_worker_alive(scheduler, row.assigned_worker_name)):
        changes.update(status=QUEUED, assigned_worker_name="", next_run_time=utcnow())
    return changes


def find_periodic(scheduler: Any, function: str, args: list[Any], *columns: str) -> list[Row]:
    """The periodic rows of a call, oldest first.

    Args:
        columns: what is needed of them, for those who ask often; default is all
    """
    st = scheduler.db.scheduler_task
    fields = [st[name] for name in ("args", "vars", *columns)] if columns else []
    rows = scheduler.db((st.function_name == function) & (st.repeats == 0)).select(*fields, orderby=st.id)
    return [row for row in rows if arguments(row)[0] == args]


def _periodic_options(spec: PeriodicTask) -> dict[str, Any]:
    # for ever, even after a failure or a time-out (P16)
    return {"repeats": 0, "retry_failed": -1, "period": spec.period, "timeout": spec.timeout}
