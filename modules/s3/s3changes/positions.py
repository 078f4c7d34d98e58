"""Positions: how far a reader of the change log has come, and what is in the window between two of them.

Before: ``recording`` and the sweep (``upkeep``) have filled the log. After: ``s3notify`` stores its readers' positions.
"""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from gluon import current

from s3.s3changes.log import CREATE, UPDATE, define_tables, is_postgres
from s3.s3datetime import utcnow
from s3dal import DAL, Query

__all__ = (
    "Latest",
    "Window",
    "commit_overlap",
    "current_position",
    "latest_changes",
    "position_at",
    "rebase_position",
)


def current_position(db: DAL | None = None) -> int:
    """A position before which every change is finished and visible to this transaction.

    On PostgreSQL the oldest transaction that still runs, else (writers are serialised) the next row id of the log.
    A positive position counts transactions, or row ids on SQLite; see ``rebase_position`` for negative ones.
    """
    db = db if db is not None else current.db
    if is_postgres(db):
        return int(db.executesql("SELECT txid_snapshot_xmin(txid_current_snapshot())")[0][0])
    # the counter of the row ids, because the last row may have been pruned
    return int(db.executesql("SELECT max(seq) FROM sqlite_sequence WHERE name = 's3_change'")[0][0] or 0) + 1


def position_at(when: dt.datetime, db: DAL | None = None) -> int:
    """The position of a reader who has seen everything that was visible at this time (naive UTC).

    A transaction that was still running then, or runs now, may be seen twice, never missed, unless it took longer than
    ``settings.msg.notify_overlap`` from its time stamp to its end.
    """
    db = db if db is not None else current.db
    log = define_tables(db)
    # before the log is read: what is invisible to the second statement does not come before this position
    present = current_position(db)
    row_id, txid = log.id.min(), log.txid.min()
    unseen = db(log.changed_at >= when - commit_overlap()).select(row_id, txid).first()
    if unseen[row_id] is None:
        return present
    if unseen[txid]:
        return min(int(unseen[txid]), present)
    # row ids are the order of SQLite, and of what another cluster has left (upkeep._settle_restored)
    return -int(unseen[row_id])


def commit_overlap() -> dt.timedelta:
    """How long a transaction may take from the time stamp of its rows to its commit, where only time stamps can tell."""
    return dt.timedelta(seconds=current.deployment_settings.get_msg_notify_overlap())


def rebase_position(position: int | None, seen_until: dt.datetime, end: int, db: DAL | None = None) -> int:
    """A position that is valid in this database, whatever was stored; ``end`` is the current one.

    No position (a row that was not written by the framework) starts where its time stamp says, or now, and so does one
    from another cluster of which the log knows nothing: beyond the current position, it would wait for ever.
    """
    if position is None and seen_until >= utcnow():
        return end
    if position is None or position > end:
        return position_at(seen_until, db)
    return position


@dataclass(frozen=True)
class Window:
    """The changes of one table in [start, end): each committed change is in exactly one of a reader's windows."""

    tablename: str
    start: int
    end: int

    def query(self, db: DAL) -> Query:
        """Condition on ``s3_change``."""
        log = define_tables(db)
        order = log.txid if is_postgres(db) else log.id
        begins = (log.id >= -self.start) if self.start < 0 else (order >= self.start)
        return (log.tablename == self.tablename) & begins & (order < self.end)

    def created(self, db: DAL) -> str:
        """Sub-select of the ids of records that were created in this window."""
        log = define_tables(db)
        return db(self.query(db) & (log.operation == CREATE))._select(log.record_id)

    def updated(self, db: DAL) -> str:
        """Sub-select of the ids of records that were updated, and not created, in this window."""
        log = define_tables(db)
        return db(self.query(db) & (log.operation == UPDATE) & ~log.record_id.belongs(self.created(db)))._select(log.record_id)


@dataclass(frozen=True)
class Latest:
    """The newest visible log rows of one table; None if there is none of that kind."""

    created: tuple[int, int] | None
    updated: tuple[int, int] | None


def latest_changes(tablename: str, db: DAL | None = None) -> Latest:
    """The newest creation and the newest update of this table, each as (position, row id)."""
    db = db if db is not None else current.db
    log = define_tables(db)
    order = log.txid.max() if is_postgres(db) else log.id.max()
    newest = log.id.max()
    found = {}
    for operation in (CREATE, UPDATE):
        row = db((log.tablename == tablename) & (log.operation == operation)).select(order, newest).first()
        found[operation] = None if row[newest] is None else (int(row[order]), int(row[newest]))
    return Latest(created=found[CREATE], updated=found[UPDATE])
