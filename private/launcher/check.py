"""One check for due subscriptions, now: by the worker when one is alive, else in this process."""
from __future__ import annotations

import time
from typing import Any

from launcher.application import application
from launcher.errors import LauncherError
from launcher.instance import Instance

__all__ = ("check_now",)

TASK = "notify_check_subscriptions"
#: Seconds to wait for the worker's answer: a worker takes two or three for a task, and may be at another one
ANSWER_SECONDS = 30


def check_now(instance: Instance) -> int:
    """Print what the check found; gives the exit code."""
    with application(instance):
        from gluon import current

        if current.s3task.is_alive():
            print("A worker is alive: it does the check.", flush=True)
            result = _by_worker(current)
        else:
            print("No worker is alive: the check is done here. What it queues waits for a worker.", flush=True)
            result = current.response.s3.tasks[TASK]()
    print(f"Result: {result}")
    return 1 if str(result).startswith("ERROR") else 0


def _by_worker(current: Any) -> Any:
    db = current.db
    last_run = _newest_run(db)
    if not current.s3task.wake(TASK):
        raise LauncherError(f"The periodic task {TASK} is switched off: see settings.msg.notify_check_subscriptions.")
    db.commit()  # the worker must see it
    end = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < end:
        time.sleep(0.5)
        db.commit()  # ends the snapshot, so that the next look sees what the worker wrote
        run = _newest_run(db)
        if run is not None and (last_run is None or run.id > last_run.id):
            return run.run_result or run.status
    raise LauncherError(f"The worker has not done the check within {ANSWER_SECONDS} seconds: see manage.py doctor.")


def _newest_run(db: Any) -> Any:
    """The newest run of the check that has ended, or None."""
    task, run = db.scheduler_task, db.scheduler_run
    query = (run.task_id == task.id) & (task.function_name == TASK) & (run.status != "RUNNING")
    return db(query).select(run.id, run.status, run.run_result, orderby=~run.id, limitby=(0, 1)).first()
