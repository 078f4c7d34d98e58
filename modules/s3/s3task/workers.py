"""The workers as the database knows them: which are alive, and how the one that hands out tasks is hurried."""
from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
from typing import Any

from s3.s3datetime import utcnow
from s3dal import Query

__all__ = ("is_any_worker_alive", "is_worker_alive", "prod_ticker", "worker_name")

#: Seconds without a heartbeat after which a worker no longer counts: longer than any wait for a lock of SQLite
ALIVE_SECONDS = 15


def worker_name() -> str:
    """Host, process and a random part: a restarted container has the host name and the process id of its dead predecessor (X36)."""
    return f"{socket.gethostname()}#{os.getpid()}#{secrets.token_hex(4)}"


def is_any_worker_alive(scheduler: Any, now: dt.datetime) -> bool:
    sw = scheduler.db.scheduler_worker
    return not scheduler.db(_beats(scheduler, now) & (~sw.status.belongs(("TERMINATE", "KILL")))).isempty()


def is_worker_alive(scheduler: Any, name: str | None) -> bool:
    sw = scheduler.db.scheduler_worker
    return not scheduler.db((sw.worker_name == name) & _beats(scheduler, utcnow())).isempty()


def prod_ticker(scheduler: Any) -> None:
    """Let the worker that hands out tasks do so at its next heartbeat instead of at every fifth."""
    db = scheduler.db
    sw = db.scheduler_worker
    # only a living one: a dead worker in state PICK would keep its tasks fifteen times longer
    db(
        (sw.is_ticker == True)
        & (sw.status == "ACTIVE")
        & (sw.last_heartbeat >= utcnow() - dt.timedelta(seconds=3 * scheduler.heartbeat))
    ).update(status="PICK")


def _beats(scheduler: Any, now: dt.datetime) -> Query:
    alive_at = now - dt.timedelta(seconds=max(ALIVE_SECONDS, 5 * scheduler.heartbeat))
    return scheduler.db.scheduler_worker.last_heartbeat >= alive_at
