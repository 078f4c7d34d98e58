"""The task queue on the scheduler of web2py: queueing single tasks, waking periodic ones, asking for a worker."""
from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3.s3task.forks import guard_forks
from s3.s3task.maintenance import prune_queue
from s3.s3task.periodic import PeriodicTask, find_periodic, periodic_tasks, sync_periodic
from s3.s3task.rows import BROKEN, FINISHED, LIVE, QUEUED, arguments, call_key, due, insert_if_new, random_uuid, task_row, without_user
from s3.s3task.workers import is_any_worker_alive, prod_ticker, worker_name
from s3dal import Query, Row, Table

__all__ = ("S3Task",)

#: Seconds that an answer of is_alive() holds within a request
ALIVE_CACHE_SECONDS = 3
#: Tasks that make network connections; the lookup of notify_notify goes to this very web server, which may have one thread
NETWORK_TASKS = ("msg_process_outbox", "notify_check_subscriptions", "check_subscriptions", "notify_notify")


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
        if self.is_worker_start:
            guard_forks(self._scheduler)

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
        from s3.s3task.scheduler import TaskScheduler

        known = getattr(current, "_scheduler", None)
        if known is not None and known.db is current.db and not migrate:
            # its tables can be defined only once per connection
            self._scheduler = known
            return
        self._scheduler = TaskScheduler(
            current.db,
            tasks=current.response.s3.tasks if current.response.s3 else None,
            migrate=migrate,
            worker_name=worker_name(),
            heartbeat=current.deployment_settings.get_scheduler_heartbeat(),
            # subscriptions are in UTC, and local time has a missing hour a year (X35)
            utc_time=True,
        )
        self._scheduler.made_by = os.getpid()

    @property
    def _tasks(self) -> Table:
        return self.scheduler.db.scheduler_task

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
        row = task_row(task, args, self._with_user(vars))
        if self._may_run_now(task) and not self.is_alive():
            function(*args, **vars)
            return None
        row.update(timeout=timeout, uuid=random_uuid(), **due(utcnow()))
        prod_ticker(self.scheduler)
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
        row = task_row(function, args, self._with_user(vars) if user_id else vars)
        row.update({name: value for name, value in options.items() if value is not None}, task_name=task)
        row.update(due(start_time or utcnow(), next_run_time))
        if ignore_duplicate:
            return int(self._tasks.insert(uuid=random_uuid(), **row))
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
        prod_ticker(self.scheduler)
        rows = find_periodic(self.scheduler, task, args, "id", "status", "enabled", "timeout")
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
            self._insert_unless_live({**task_row(task, args, {}), "timeout": at_work[0].timeout, **due(now)}, besides=at_work)
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
            self._alive = (now, is_any_worker_alive(self.scheduler, now))
        return self._alive[1]

    _is_alive = is_alive

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
        key = call_key(row["function_name"], args, vars, once=bool(ignored))
        db((st.uuid == key) & (st.status.belongs(FINISHED))).update(uuid=random_uuid())
        if not insert_if_new(st, uuid=key, **row):
            return False
        return int(db(st.uuid == key).select(st.id, limitby=(0, 1)).first().id)

    def _find(self, function: str, args: list[Any], vars: dict[str, Any], *conditions: Query) -> list[Row]:
        """Rows of the same call, oldest first, whoever the user."""
        st = self._tasks
        query = st.function_name == function
        for condition in conditions:
            query &= condition
        rows = self.scheduler.db(query).select(orderby=st.id)
        return [row for row in rows if arguments(row) == (args, without_user(vars))]

    def broken_calls(self, task: str, since: dt.datetime) -> list[tuple[list[Any], dict[str, Any]]]:
        """Arguments of the single tasks that have begun since then and have ended without doing their work: (args, vars).

        A task may end so without a line of it having run, when its models fail.

        Args:
            since: naive UTC
        """
        st = self._tasks
        query = (st.function_name == task) & st.status.belongs(BROKEN) & (st.last_run_time >= since)
        rows = self.scheduler.db(query).select(st.args, st.vars)
        return [(args, without_user(vars)) for args, vars in map(arguments, rows)]

    def sync_periodic(self, specs: Iterable[PeriodicTask] | None = None) -> None:
        """Bring the periodic tasks in the queue in step with what is wanted: each once, with its period, and alive.

        A row that a person has disabled stays disabled; any other state is repaired. Idempotent, and safe when several
        processes do it at the same time.

        Args:
            specs: default what the settings ask for
        """
        wanted = periodic_tasks(current.deployment_settings) if specs is None else specs
        sync_periodic(self.scheduler, wanted)

    def prune(self, now: dt.datetime | None = None) -> int:
        """Delete what the queue does not need any more: finished single tasks, old runs, workers that are gone. Commits nothing.

        Returns:
            the number of deleted rows
        """
        return prune_queue(self.scheduler.db, now or utcnow())
