"""Maintenance: the daily clean-up of the deployment, and what the queue itself does not need any more."""
from __future__ import annotations

import datetime as dt

from gluon import current

from s3.s3task.rows import FINISHED
from s3dal import DAL

__all__ = ("prune_queue", "run_maintenance")

#: How long finished single tasks, runs, and workers without a heartbeat are kept
TASK_RETENTION = dt.timedelta(days=7)
RUN_RETENTION = dt.timedelta(days=28)
WORKER_RETENTION = dt.timedelta(days=1)


def run_maintenance(period: str = "daily") -> str:
    """Clean up, with the class of this name (``Daily``) in the module ``maintenance`` of the last template that has it."""
    settings = current.deployment_settings
    for name in reversed(["default", *settings.get_template_names()]):
        module = settings.template_module(name, "maintenance")
        maintenance = getattr(module, period.capitalize(), None)
        if maintenance is not None:
            return str(maintenance()())
    return f"There is no {period} maintenance"


def prune_queue(db: DAL, now: dt.datetime) -> int:
    """Delete finished single tasks, old runs, and workers that are gone. Returns the number of deleted rows."""
    st, sr, sw = db.scheduler_task, db.scheduler_run, db.scheduler_worker
    runs = db(sr.start_time < now - RUN_RETENTION).delete()
    tasks = db(
        (st.repeats != 0)
        & (st.status.belongs(FINISHED))
        & (st.next_run_time < now - TASK_RETENTION)
    ).delete()
    workers = db(sw.last_heartbeat < now - WORKER_RETENTION).delete()
    return int(runs + tasks + workers)
