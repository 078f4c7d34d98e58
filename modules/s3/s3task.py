"""Background tasks on the scheduler of web2py: queueing, waking and keeping the periodic ones alive.

Before: whoever wants something done later. After: the worker process (``web2py -K``), which runs the functions that
models/tasks.py publishes as ``response.s3.tasks``, each in a forked process of its own.
"""
from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import os
import re
import secrets
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from gluon import current

from s3.s3changes import prune as prune_changes
from s3.s3datetime import utcnow
from s3dal import DAL, Query, Row, Table

__all__ = ("PeriodicTask", "S3Task", "background_task", "periodic_tasks", "prune_changes", "run_maintenance")

QUEUED = "QUEUED"
ASSIGNED = "ASSIGNED"
RUNNING = "RUNNING"
LIVE = (QUEUED, ASSIGNED, RUNNING)
FINISHED = ("COMPLETED", "FAILED", "TIMEOUT", "STOPPED", "EXPIRED")

#: Marks the rows of periodic tasks that are off because of the settings; a row that a person disabled has it not
OFF = "(off by settings)"
#: Seconds without a heartbeat after which a worker no longer counts: longer than any wait for a lock of SQLite
ALIVE_SECONDS = 15
#: Seconds that an answer of is_alive() holds within a request
ALIVE_CACHE_SECONDS = 3
#: How long finished single tasks, runs, and workers without a heartbeat are kept
TASK_RETENTION = dt.timedelta(days=7)
RUN_RETENTION = dt.timedelta(days=28)
WORKER_RETENTION = dt.timedelta(days=1)
#: Tasks that make network connections; the lookup of notify_notify goes to this very web server, which may have one thread
NETWORK_TASKS = ("msg_process_outbox", "notify_check_subscriptions", "check_subscriptions", "notify_notify")


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


# pydal asks PostgreSQL for the new id at the end of the statement
END_OF_INSERT = re.compile(r"""\s*(RETURNING\s+"?\w+"?)?\s*;?\s*\Z""")

#: Functions whose periodic rows are switched off when the settings do not ask for them
PERIODIC_FUNCTIONS = ("maintenance", "msg_process_outbox", "notify_check_subscriptions")


def background_task(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function a task: acts as ``user_id``, commits at the end, and never raises.

    A web2py task that raises ends for good unless it is told otherwise, periodic ones too. So an error is logged, rolled
    back and returned as a text, which the scheduler keeps as the result of the run.
    """

    @functools.wraps(function)
    def task(*args: Any, user_id: int | None = None, **vars: Any) -> Any:
        try:
            with _acting_as(user_id):
                result = function(*args, **vars)
            current.db.commit()  # what the task did, for everybody; a worker's child process ends without a commit of its own
        except Exception as exc:
            current.db.rollback()
            current.log.exception(f"Task {function.__name__} failed")
            return f"ERROR: {type(exc).__name__}: {exc}"
        return _serialisable(result)

    return task


def run_maintenance(period: str = "daily") -> str:
    """Clean up, with the class of this name (``Daily``) in the module ``maintenance`` of the last template that has it."""
    settings = current.deployment_settings
    for name in reversed(["default", *settings.get_template_names()]):
        module = settings.template_module(name, "maintenance")
        maintenance = getattr(module, period.capitalize(), None)
        if maintenance is not None:
            return str(maintenance()())
    return f"There is no {period} maintenance"


class _acting_as:
    """Context in which an account is impersonated; None changes nothing."""

    def __init__(self, user_id: int | None) -> None:
        self.user_id = user_id

    def __enter__(self) -> None:
        if self.user_id is None:
            return
        user = current.auth.user
        self.previous = user.id if user else None
        current.auth.s3_impersonate(self.user_id)

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if self.user_id is None or self.previous == self.user_id:
            return
        if error is not None:
            # the transaction may be unusable, and going back reads the account
            current.db.rollback()
        current.auth.s3_impersonate(self.previous)


def _serialisable(result: Any) -> Any:
    """The result as the scheduler can store it; a result it cannot store would count as a failure although the work is done."""
    try:
        json.dumps(result)
    except (TypeError, ValueError):
        return str(result)
    return result


class S3Task:
    """The task queue, one instance per request (``current.s3task``). Rows it writes become visible with the caller's commit.

    Source: Eden s3task.py S3Task
    """

    def __init__(self) -> None:
        self._scheduler: Any = None
        self._alive: tuple[dt.datetime, bool] | None = None
        #: Is this the start of a worker process, and not one of the tasks it forks?
        self.is_worker_start = False

    def serve(self) -> None:
        """Make the Scheduler that ``web2py -K`` looks for, at the end of the models of a worker process and of its tasks."""
        known = getattr(current, "_scheduler", None)
        # a forked task inherits the scheduler of its worker in this thread's `current`
        self.is_worker_start = known is None or known.made_by == os.getpid()
        self.define_tables()

    # -- the scheduler of web2py ---------------------------------------------------------------------------------------
    @property
    def scheduler(self) -> Any:
        """The web2py Scheduler, made on first use: a request that queues nothing does not pay for its tables."""
        if self._scheduler is None:
            self.define_tables()
        return self._scheduler

    def define_tables(self, migrate: bool = False) -> None:
        """Define the tables of the scheduler on ``current.db``.

        Args:
            migrate: create or alter them in the database; this commits
        """
        from gluon.scheduler import Scheduler

        known = getattr(current, "_scheduler", None)
        if known is not None and known.db is current.db and not migrate:
            # its tables can be defined only once per connection
            self._scheduler = known
            return
        self._scheduler = Scheduler(
            current.db,
            tasks=current.response.s3.tasks if current.response.s3 else None,
            migrate=migrate,
            worker_name=_worker_name(),
            heartbeat=current.deployment_settings.get_scheduler_heartbeat(),
            # subscriptions are in UTC, and local time has a missing hour a year (X35)
            utc_time=True,
        )
        self._scheduler.made_by = os.getpid()

    @property
    def _tasks(self) -> Table:
        return self.scheduler.db.scheduler_task

    # -- queueing ------------------------------------------------------------------------------------------------------
    def run_async(
        self, task: str, args: Iterable[Any] | None = None, vars: dict[str, Any] | None = None, timeout: int = 300
    ) -> int | bool | None:
        """Run a task once, soon, in the worker.

        Returns:
            the id of the queued task; None if it ran at once, because no worker is alive and the settings allow that;
            False if there is no such task

        Raises:
            TypeError, ValueError: the arguments cannot be written as JSON

        Source: Eden s3task.py S3Task.run_async
        """
        function = self._function(task)
        if function is None:
            return False
        args, vars = list(args or ()), dict(vars or {})
        row = _task_row(task, args, self._with_user(vars))
        if self._may_run_now(task) and not self.is_alive():
            function(*args, **vars)
            return None
        row.update(timeout=timeout, uuid=_random_uuid(), **_due(utcnow()))
        self._prod_ticker()
        return int(self._tasks.insert(**row))

    def schedule_task(
        self,
        task: str,
        args: Iterable[Any] | None = None,
        vars: dict[str, Any] | None = None,
        function_name: str | None = None,
        start_time: dt.datetime | None = None,
        next_run_time: dt.datetime | None = None,
        ignore_duplicate: bool = False,
        user_id: bool = True,
        **options: Any,
    ) -> int | bool:
        """Queue a task with options of the scheduler.

        Args:
            function_name: the function, if it is not called like the task
            start_time, next_run_time: naive UTC; default now
            ignore_duplicate: queue it even if the same call is already queued or running
            user_id: let the task act as the user who is logged in
            options: columns of scheduler_task: stop_time, repeats, retry_failed, period, timeout, enabled, group_name, sync_output

        Returns:
            the id of the queued task; False if there is no such task, or if the same function is queued or running with the same arguments

        Source: Eden s3task.py S3Task.schedule_task
        """
        function = function_name or task
        if self._function(function) is None:
            return False
        args, vars = list(args or ()), dict(vars or {})
        row = _task_row(function, args, self._with_user(vars) if user_id else vars)
        row.update({name: value for name, value in options.items() if value is not None}, task_name=task)
        row.update(_due(start_time or utcnow(), next_run_time))
        if ignore_duplicate:
            return int(self._tasks.insert(uuid=_random_uuid(), **row))
        task_id = self._insert_unless_live(row)
        if not task_id:
            current.log.warning(f"Task {task} is already scheduled with these arguments")
        return task_id

    def wake(self, task: str, args: Iterable[Any] | None = None) -> bool:
        """Make a periodic task due now instead of at its next turn.

        While a worker has it, it may have looked already, so that another run follows it.

        Returns:
            is it going to run?
        """
        args = list(args or ())
        # the same order as the worker's heartbeat, which locks its own row first: otherwise the two could block each other
        self._prod_ticker()
        rows = self._find_periodic(task, args)
        now = utcnow()
        st = self._tasks
        woken = self.scheduler.db(
            (st.id.belongs([row.id for row in rows]))
            & (st.status == QUEUED)
            & (st.enabled == True)
        ).update(next_run_time=now)
        if woken:
            return True
        at_work = [row for row in rows if row.enabled and row.status in LIVE]
        if at_work:
            # also for a row that a worker is about to start: it may look before the caller commits
            self._insert_unless_live({**_task_row(task, args, {}), "timeout": at_work[0].timeout, **_due(now)}, besides=at_work)
        return bool(at_work)

    def reset(self, task_id: int) -> bool:
        """Queue a task again that has ended. Returns whether it had."""
        st = self._tasks
        ended = (st.id == task_id) & (st.status.belongs(FINISHED))
        return bool(self.scheduler.db(ended).update(status=QUEUED, times_failed=0, next_run_time=utcnow(), enabled=True))

    def is_alive(self) -> bool:
        """Is a worker running? The answer holds for three seconds of this request."""
        now = utcnow()
        if self._alive is None or not 0 <= (now - self._alive[0]).total_seconds() < ALIVE_CACHE_SECONDS:
            self._alive = (now, self._has_live_worker(now))
        return self._alive[1]

    _is_alive = is_alive

    def _has_live_worker(self, now: dt.datetime) -> bool:
        db = self.scheduler.db
        sw = db.scheduler_worker
        return not db(
            (sw.last_heartbeat >= now - dt.timedelta(seconds=self._alive_seconds()))
            & (~sw.status.belongs(("TERMINATE", "KILL")))
        ).isempty()

    def _alive_seconds(self) -> int:
        return max(ALIVE_SECONDS, 5 * self.scheduler.heartbeat)

    def _prod_ticker(self) -> None:
        """Let the worker that hands out tasks do so at its next heartbeat instead of at every fifth."""
        db = self.scheduler.db
        sw = db.scheduler_worker
        # only a living one: a dead worker in state PICK would keep its tasks fifteen times longer
        db(
            (sw.is_ticker == True)
            & (sw.status == "ACTIVE")
            & (sw.last_heartbeat >= utcnow() - dt.timedelta(seconds=3 * self.scheduler.heartbeat))
        ).update(status="PICK")

    def _function(self, task: str) -> Callable[..., Any] | None:
        function = (current.response.s3.tasks or {}).get(task)
        if not callable(function):
            current.log.error("There is no background task of this name", task)
            return None
        return function

    def _may_run_now(self, task: str) -> bool:
        if not current.deployment_settings.get_base_tasks_sync_fallback():
            return False
        is_web_request = current.request.get("wsgi") is not None
        return not (is_web_request and task in NETWORK_TASKS)

    @staticmethod
    def _with_user(vars: dict[str, Any]) -> dict[str, Any]:
        user = getattr(getattr(current, "auth", None), "user", None)
        return {**vars, "user_id": user.id} if user and "user_id" not in vars else vars

    def _insert_unless_live(self, row: dict[str, Any], besides: Iterable[Row] = ()) -> int | bool:
        """Insert a row unless the same call is queued, assigned or running.

        The unique column ``uuid`` holds a digest of the call while the row lives, so that of several simultaneous
        callers exactly one inserts it.

        Args:
            besides: live rows that do not count
        """
        db, st = self.scheduler.db, self._tasks
        args, vars = json.loads(row["args"]), json.loads(row["vars"])
        ignored = {other.id for other in besides}
        if any(other.id not in ignored and other.status in LIVE for other in self._find(row["function_name"], args, vars)):
            return False
        key = _call_key(row["function_name"], args, vars, once=bool(ignored))
        db((st.uuid == key) & (st.status.belongs(FINISHED))).update(uuid=_random_uuid())
        if not _insert_if_new(st, uuid=key, **row):
            return False
        return int(db(st.uuid == key).select(st.id, limitby=(0, 1)).first().id)

    def _find(self, function: str, args: list[Any], vars: dict[str, Any], *conditions: Query) -> list[Row]:
        """Rows of the same call, oldest first, whoever the user."""
        st = self._tasks
        query = st.function_name == function
        for condition in conditions:
            query &= condition
        rows = self.scheduler.db(query).select(orderby=st.id)
        return [row for row in rows if _arguments(row) == (args, _without_user(vars))]

    # -- periodic tasks ------------------------------------------------------------------------------------------------
    def sync_periodic(self, specs: Iterable[PeriodicTask] | None = None) -> None:
        """Bring the periodic tasks in the queue in step with what is wanted: each once, with its period, and alive.

        A row that a person has disabled stays disabled; any other state is repaired. Idempotent, and safe when several
        processes do it at the same time.

        Args:
            specs: default what the settings ask for
        """
        wanted = list(periodic_tasks(current.deployment_settings) if specs is None else specs)
        for spec in wanted:
            self._sync(spec)
        keep = {(spec.function, json.dumps(spec.args)) for spec in wanted}
        st = self._tasks
        for function in sorted(set(PERIODIC_FUNCTIONS) | {spec.function for spec in wanted}):
            for row in self.scheduler.db((st.function_name == function) & (st.repeats == 0)).select():
                if (function, json.dumps(_arguments(row)[0])) not in keep:
                    self._update_unless_same(row, enabled=False, task_name=f"{function} {OFF}")

    def _sync(self, spec: PeriodicTask) -> None:
        rows = self._find_periodic(spec.function, spec.args)
        if not rows:
            row = _task_row(spec.function, spec.args, spec.vars)
            row.update(_periodic_options(spec), uuid=_call_key(spec.function, spec.args, spec.vars), **_due(utcnow()))
            _insert_if_new(self._tasks, **row)
            return
        first, *duplicates = sorted(rows, key=lambda row: (row.status != RUNNING, not row.enabled, row.id))
        db, st = self.scheduler.db, self._tasks
        for row in duplicates:
            db(st.id == row.id).delete()
        self._update_unless_same(first, vars=json.dumps(spec.vars), **_periodic_options(spec), **self._revival(first))

    def _revival(self, row: Row) -> dict[str, Any]:
        """What must change in a periodic row so that it runs again."""
        changes: dict[str, Any] = {"task_name": row.function_name}
        if row.task_name and row.task_name.endswith(OFF):
            changes.update(enabled=True, next_run_time=utcnow())
        if row.status in FINISHED or (row.status == RUNNING and not self._has_worker(row.assigned_worker_name)):
            changes.update(status=QUEUED, assigned_worker_name="", next_run_time=utcnow())
        return changes

    def _has_worker(self, worker_name: str | None) -> bool:
        db = self.scheduler.db
        sw = db.scheduler_worker
        alive_at = utcnow() - dt.timedelta(seconds=self._alive_seconds())
        return not db((sw.worker_name == worker_name) & (sw.last_heartbeat >= alive_at)).isempty()

    def _find_periodic(self, function: str, args: list[Any]) -> list[Row]:
        st = self._tasks
        rows = self.scheduler.db((st.function_name == function) & (st.repeats == 0)).select(orderby=st.id)
        return [row for row in rows if _arguments(row)[0] == args]

    # -- maintenance ---------------------------------------------------------------------------------------------------
    def prune(self, now: dt.datetime | None = None) -> int:
        """Delete what the queue does not need any more: finished single tasks, old runs, workers that are gone. Commits nothing.

        Returns:
            the number of deleted rows
        """
        now = now or utcnow()
        db = self.scheduler.db
        st, sr, sw = db.scheduler_task, db.scheduler_run, db.scheduler_worker
        runs = db(sr.start_time < now - RUN_RETENTION).delete()
        tasks = db(
            (st.repeats != 0)
            & (st.status.belongs(FINISHED))
            & (st.next_run_time < now - TASK_RETENTION)
        ).delete()
        workers = db(sw.last_heartbeat < now - WORKER_RETENTION).delete()
        return int(runs + tasks + workers)

    def _update_unless_same(self, row: Row, **values: Any) -> None:
        changes = {name: value for name, value in values.items() if row[name] != value}
        if not changes:
            return
        st = self._tasks
        # the condition on the status: a worker may have taken the row meanwhile
        self.scheduler.db((st.id == row.id) & (st.status == row.status)).update(**changes)


def _worker_name() -> str:
    """Host, process and a random part: a restarted container has the host name and the process id of its dead predecessor (X36)."""
    return f"{socket.gethostname()}#{os.getpid()}#{secrets.token_hex(4)}"


def _task_row(function: str, args: list[Any], vars: dict[str, Any]) -> dict[str, Any]:
    try:
        # default/ matters: the worker runs the models as that controller, which everybody may use
        return {
            "application_name": f"{current.request.application}/default",
            "task_name": function,
            "function_name": function,
            "args": json.dumps(args),
            "vars": json.dumps(vars),
        }
    except (TypeError, ValueError):
        current.log.exception(f"The arguments of task {function} cannot be written as JSON")
        raise


def _due(start_time: dt.datetime, next_run_time: dt.datetime | None = None) -> dict[str, Any]:
    return {"start_time": start_time, "next_run_time": next_run_time or start_time}


def _periodic_options(spec: PeriodicTask) -> dict[str, Any]:
    # for ever, even after a failure or a time-out (P16)
    return {"repeats": 0, "retry_failed": -1, "period": spec.period, "timeout": spec.timeout}


def _arguments(row: Row) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a queued call, without the user who queued it."""
    try:
        return json.loads(row.args or "[]"), _without_user(json.loads(row.vars or "{}"))
    except ValueError:
        return [], {}


def _without_user(vars: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in vars.items() if name != "user_id"}


def _random_uuid() -> str:
    return secrets.token_hex(16)


def _call_key(function: str, args: list[Any], vars: dict[str, Any], once: bool = False) -> str:
    """Digest of a call, for the unique column.

    Args:
        once: a single run besides the periodic row of the same call
    """
    call = json.dumps([function, args, _without_user(vars)], sort_keys=True)
    return f"{'once' if once else 'call'}:{hashlib.sha256(call.encode()).hexdigest()}"


def _insert_if_new(table: Table, **values: Any) -> bool:
    """Insert a row unless its unique key exists, without failing the transaction. True for exactly one of several callers."""
    db: DAL = table._db
    # pydal has no such insert; both SQLite and PostgreSQL understand this one. Not executesql(): it fetches, which ends rowcount
    db._adapter.execute(END_OF_INSERT.sub(" ON CONFLICT DO NOTHING;", table._insert(**values), count=1))
    return bool(db._adapter.cursor.rowcount == 1)
