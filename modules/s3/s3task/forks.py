"""Forking beside a heartbeat: a worker's thread writes to the database while its main thread forks one task after the other."""
from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

__all__ = ("guard_forks",)


def guard_forks(scheduler: Any) -> None:
    """Let no task be forked while the heartbeat thread is in a transaction. To be called before the loop; again does nothing.

    A fork inherits what SQLite knows about the locks of the process. One which the heartbeat holds at that moment would never be
    released in it, and the task would end with "database is locked".

    Args:
        scheduler: the web2py Scheduler of this process, which is the heartbeat thread itself
    """
    if getattr(scheduler, "fork_guard", None) is None:
        scheduler.fork_guard = _ForkGuard(scheduler)


class _ForkGuard:
    """A lock that the heartbeat holds except while it sleeps, and the process while it forks."""

    def __init__(self, scheduler: Any) -> None:
        self.scheduler = scheduler
        # reentrant, because such a lock can be released by its owner only
        self.lock = threading.RLock()
        self.beat, self.sleep = scheduler.send_heartbeat, scheduler.sleep
        scheduler.send_heartbeat, scheduler.sleep = self._send_heartbeat, self._sleep
        os.register_at_fork(before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._after_in_child)

    def _send_heartbeat(self, counter: int) -> None:
        with self.lock:
            self.beat(counter)

    def _sleep(self) -> None:
        # the main thread sleeps between two tasks, too, but holds nothing
        if threading.current_thread() is not self.scheduler:
            return self.sleep()
        self.lock.release()
        try:
            self.sleep()
        finally:
            self.lock.acquire()

    def _before(self) -> None:
        try:
            self.lock.acquire()
        except BaseException:
            # raised by a signal that is to end the worker. Python ignores what is raised here: so the loop ends at its next turn
            self.scheduler.have_heartbeat = False
            raise

    def _after_in_parent(self) -> None:
        # not ours if a signal has ended the wait
        with contextlib.suppress(RuntimeError):
            self.lock.release()

    def _after_in_child(self) -> None:
        # the heartbeat thread does not exist here: whatever it held, nobody holds any more
        self.lock = threading.RLock()
