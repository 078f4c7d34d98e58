"""What the scheduler worker has done, read from the database by somebody who does none of it."""
from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

from launcher.errors import LauncherError

__all__ = ("Observer",)

Value = TypeVar("Value")

CHECK_TASK = "notify_check_subscriptions"
NOTIFY_TASK = "notify_notify"
SENT = 2


class Observer:
    """Looks at the database of the models executed in this process. Each look sees what is committed at that moment."""

    def __init__(self, current: Any) -> None:
        self._current = current
        # asking for the scheduler defines its tables
        self._db = current.s3task.scheduler.db

    def wait_for(self, what: str, look: Callable[[], Value], seconds: float) -> Value:
        """Look until there is something, and give it.

        Raises:
            LauncherError: there was nothing in time
        """
        end = time.monotonic() + seconds
        while True:
            self._db.commit()  # ends the snapshot of the last look
            found = look()
            if found:
                return found
            if time.monotonic() > end:
                raise LauncherError(f"{what} did not happen within {seconds:g} seconds.")
            time.sleep(0.1)

    def wake_check(self) -> None:
        """Let the worker check for due subscriptions now, instead of at its next turn."""
        if not self._current.s3task.wake(CHECK_TASK):
            raise LauncherError(f"The periodic task {CHECK_TASK} cannot be woken.")
        self._db.commit()  # the worker must see it

    def finished_checks(self, after: int = 0) -> list[Any]:
        """Ended runs of the check with a higher id, newest last."""
        return self._finished_runs(CHECK_TASK, after)

    def finished_notifications(self) -> list[Any]:
        return self._finished_runs(NOTIFY_TASK)

    def scheduled(self) -> list[int]:
        """Ids of the subscribed resources for which a notification was queued."""
        rows = self._db(self._db.scheduler_task.function_name == NOTIFY_TASK).select()
        return [resource_id for row in rows for resource_id in json.loads(row.args)[0]]

    def notified(self) -> int:
        """For how many subscribed resources the worker was told that the notification is composed."""
        results = [json.loads(run.run_result or "{}") for run in self.finished_notifications()]
        return sum(message == "Success" for result in results if isinstance(result, dict) for message in result.values())

    def composed(self) -> int:
        return self._outbox_count()

    def sent(self) -> int:
        return self._outbox_count(SENT)

    def _outbox_count(self, status: int | None = None) -> int:
        outbox = self._current.s3db.table("msg_outbox")
        query = outbox.deleted == False  # noqa: E712
        if status is not None:
            query &= outbox.status == status
        return self._db(query).count()

    def _finished_runs(self, function: str, after: int = 0) -> list[Any]:
        task, run = self._db.scheduler_task, self._db.scheduler_run
        query = (run.task_id == task.id) & (task.function_name == function) & (run.status != "RUNNING") & (run.id > after)
        return list(self._db(query).select(run.id, run.status, run.run_result, run.traceback, orderby=run.id))
