"""web2py's Scheduler, with one repair. Imported when a scheduler is made, which a web request seldom needs."""
from __future__ import annotations

from gluon.scheduler import Scheduler

__all__ = ("TaskScheduler",)


class TaskScheduler(Scheduler):  # type: ignore[misc]  # gluon has no types
    """Hands out tasks also while it is being hurried.

    web2py counts only workers in state ACTIVE, but hurrying the one that hands out the tasks (``prod_ticker``) puts it into
    state PICK. Hurried at every message, a single worker would never be given anything.
    """

    def assign_tasks(self) -> None:
        sw = self.db.scheduler_worker
        self.db((sw.worker_name == self.worker_name) & (sw.status == "PICK")).update(status="ACTIVE")
        super().assign_tasks()
