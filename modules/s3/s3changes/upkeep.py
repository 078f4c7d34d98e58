"""Upkeep of the change log: add what bypassed the hooks, delete what nobody needs, settle what a dump has left.

Runs as tasks (the check, and the daily pruning), never in a writer's transaction. Reads and moves the positions of subscriptions.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from gluon import current

from s3.s3changes.log import CHUNK, CREATE, DELETE, UPDATE, append, define_sweeps, define_tables, is_postgres, sql_time
from s3.s3changes.positions import commit_overlap, current_position, latest_changes
from s3.s3datetime import utcnow
from s3dal import DAL, Field, Query, Row, Table

__all__ = ("prune", "sweep")

# The log is kept this long even if nobody needs it any more: who is suspended today may be back tomorrow
MIN_RETENTION = dt.timedelta(days=7)
# Of an advisory lock in PostgreSQL: only one transaction settles the log rows of another cluster
SETTLE_LOCK = 0x53334C


def sweep(table: Table, now: dt.datetime, overlap: dt.timedelta) -> int:
    """Log changes that bypassed the DAL hooks (raw SQL, foreign imports) but moved ``modified_on``; settle a restored log.

    Args:
        now: naive UTC
        overlap: how far to look back behind the last sweep, for transactions that were still open then

    Returns:
        number of log rows added
    """
    db = table._db
    log = define_tables(db)
    _settle_restored(table._dalname, db)
    swept_until = _take_sweep(table, now, overlap)
    if swept_until is None:
        return 0
    since = min(swept_until, now) - overlap
    missing = _unlogged(table, log, since, now)
    known = _logged_before(log, table._dalname, [row.id for row in missing])
    append(db, [_swept_row(table, row, row.id in known, since, now) for row in missing])
    return len(missing)


def _take_sweep(table: Table, now: dt.datetime, overlap: dt.timedelta) -> dt.datetime | None:
    """Until when the table was swept before; None if there is nothing to do for us. True work for one caller only."""
    db, tablename = table._db, table._dalname
    sweeps = define_sweeps(db)
    last = _last_sweep(tablename, db)
    if last is None:
        mark = "%s, %s" if is_postgres(db) else "?, ?"
        sql = f"INSERT INTO s3_change_sweep (tablename, swept_until) VALUES ({mark}) ON CONFLICT (tablename) DO NOTHING"
        db.executesql(sql, placeholders=[tablename, sql_time(_first_sweep(tablename, now, overlap))])
        last = _last_sweep(tablename, db)
    if last is None or last.swept_until == now:
        return None
    # of two sweepers, the second waits for the first to commit and then finds nothing to take
    mine = db((sweeps.id == last.id) & (sweeps.swept_until == last.swept_until)).update(swept_until=now)
    return last.swept_until if mine else None


def _last_sweep(tablename: str, db: DAL) -> Row | None:
    sweeps = define_sweeps(db)
    row: Row | None = db(sweeps.tablename == tablename).select(sweeps.id, sweeps.swept_until).first()
    return row


def _first_sweep(tablename: str, now: dt.datetime, overlap: dt.timedelta) -> dt.datetime:
    """Where the sweeps of a table start: with its oldest subscription, but not before what the log still knows."""
    oldest = current.s3db.pr_subscription_resource.last_check_time.min()
    since = current.db(_active(tablename)).select(oldest).first()[oldest]
    return now if since is None else min(now, max(since, now - MIN_RETENTION + overlap))


def _unlogged(table: Table, log: Table, since: dt.datetime, now: dt.datetime) -> list[Row]:
    db = table._db
    logged = log.on(
        (log.tablename == table._dalname)
        & (log.record_id == table.id)
        & (log.record_modified_on >= table.modified_on)
    )
    query = (table.modified_on >= since) & (table.modified_on <= now) & (log.id == None)  # noqa: E711
    fields = [table.id, table.created_on, table.modified_on, *([table.deleted] if "deleted" in table.fields else [])]
    return list(db(query).select(*fields, left=logged))


def _logged_before(log: Table, tablename: str, record_ids: Sequence[int]) -> set[int]:
    known: set[int] = set()
    for start in range(0, len(record_ids), CHUNK):
        query = (log.tablename == tablename) & log.record_id.belongs(record_ids[start : start + CHUNK])
        known.update(row.record_id for row in log._db(query).select(log.record_id, distinct=True))
    return known


def _swept_row(table: Table, row: Row, known: bool, since: dt.datetime, now: dt.datetime) -> tuple[Any, ...]:
    if row.get("deleted"):
        operation = DELETE
    elif not known and row.created_on is not None and row.created_on >= since:
        operation = CREATE
    else:
        operation = UPDATE
    return (table._dalname, row.id, operation, "{}", sql_time(now), None, sql_time(row.modified_on))


def prune(now: dt.datetime | None = None, db: DAL | None = None) -> int:
    """Delete log rows that no active subscription of their table needs any more; gives their number. Commits nothing.

    Moves subscriptions on that wait for something else than what happened, else they would hold the log for ever.
    """
    db = db if db is not None else current.db
    now = now or utcnow()
    log = define_tables(db)
    tablenames = [row.tablename for row in db(log).select(log.tablename, distinct=True, orderby=log.tablename)]
    return sum(_prune_table(tablename, now, db) for tablename in tablenames)


def _prune_table(tablename: str, now: dt.datetime, db: DAL) -> int:
    log = define_tables(db)
    old = (log.tablename == tablename) & (log.changed_at < now - MIN_RETENTION)
    if db(_active(tablename)).isempty():
        # what is deleted now must not look unlogged to a sweep that goes on where the last one ended
        db(define_sweeps(db).tablename == tablename).delete()
        return int(db(old).delete())
    _settle_restored(tablename, db)
    _move_on(tablename, db)
    return int(db(old & _is_passed(tablename, db)).delete())


def _active(tablename: str) -> Query:
    """Condition on a subscribed resource: somebody gets notifications of this table."""
    rtable, stable = current.s3db.pr_subscription_resource, current.s3db.pr_subscription
    subscription = (stable.deleted == False) & (stable.suspended == False) & (stable.frequency != "never")  # noqa: E712
    return (
        (rtable.resource == tablename)
        & (rtable.deleted == False)  # noqa: E712
        & rtable.subscription_id.belongs(current.db(subscription)._select(stable.id))
    )


def _move_on(tablename: str, db: DAL) -> None:
    """Move the active subscriptions of a table to the present position for which nothing of their kind is pending."""
    rtable, stable = current.s3db.pr_subscription_resource, current.s3db.pr_subscription
    # before anything is looked at: what is invisible to the look does not come before this position
    present = current_position(db)
    latest = latest_changes(tablename, db)
    idle = _active(tablename) & (rtable.last_position < present)
    for trigger, newest in (("new", latest.created), ("upd", latest.updated)):
        if newest is not None:
            asking = db(stable.notify_on.contains(trigger))._select(stable.id)
            idle &= _is_beyond(rtable.last_position, newest) | ~rtable.subscription_id.belongs(asking)
    # one statement looks and moves, so whoever has got another position meanwhile keeps it; naming the fields keeps
    # their automatic update away
    db(idle).update_naive(last_position=present, modified_on=rtable.modified_on, modified_by=rtable.modified_by)


def _is_beyond(last_position: Field, newest: tuple[int, int]) -> Query:
    position, row_id = newest
    return ((last_position >= 0) & (last_position > position)) | ((last_position < 0) & (last_position < -row_id))


def _is_passed(tablename: str, db: DAL) -> Query:
    """Condition on ``s3_change``: neither an active subscription nor the next sweep of this table needs the row."""
    log, position = define_tables(db), current.s3db.pr_subscription_resource.last_position
    order = log.txid if is_postgres(db) else log.id
    passed = log.changed_at < _needed_since(tablename, db)
    lowest, first_row = position.min(), position.max()
    by_order = db(_active(tablename) & (position >= 0)).select(lowest).first()[lowest]
    by_row = db(_active(tablename) & (position < 0)).select(first_row).first()[first_row]
    if by_order is not None:
        passed &= order < by_order
    if by_row is not None:
        passed &= log.id < -by_row
    return passed


def _needed_since(tablename: str, db: DAL) -> dt.datetime:
    """Log rows since this time are needed: by the sweep, to compare with, and by subscriptions without a valid position."""
    rtable = current.s3db.pr_subscription_resource
    unplaced = (rtable.last_position == None) | (rtable.last_position > current_position(db))  # noqa: E711
    oldest = rtable.last_check_time.min()
    last = _last_sweep(tablename, db)
    times = [db(_active(tablename) & unplaced).select(oldest).first()[oldest], last and last.swept_until]
    return min((time for time in times if time is not None), default=dt.datetime.max) - commit_overlap()


def _settle_restored(tablename: str, db: DAL) -> None:
    """Settle what a dump of another PostgreSQL cluster has left in the log of this table.

    Transaction ids start over there: log rows of the future would be in no window for ages, and hold the newest
    position beyond every reader's. They count as finished (0) from now on, and their order is that of their ids, so
    positions that do not reach beyond them become row ids (negative). Repeats nothing to who subscribed since the restore.
    """
    if not is_postgres(db) or _future_rows(tablename, db) is None:
        return
    db.executesql("SELECT pg_advisory_xact_lock(%s)", placeholders=[SETTLE_LOCK])
    future = _future_rows(tablename, db)
    if future is None:
        return  # another transaction was faster
    boundary, last_id, last_time = future
    positions = """
        UPDATE pr_subscription_resource AS reader SET last_position = -coalesce(
            (SELECT min(id) FROM s3_change WHERE tablename = reader.resource AND id <= %s AND txid >= reader.last_position), %s)
        WHERE resource = %s AND last_position >= 0
        AND (last_position > txid_snapshot_xmax(txid_current_snapshot()) OR last_check_time <= %s)"""
    db.executesql(positions, placeholders=[last_id, last_id + 1, tablename, sql_time(last_time + commit_overlap())])
    rows = "UPDATE s3_change SET txid = 0 WHERE tablename = %s AND id <= %s AND txid >= %s"
    db.executesql(rows, placeholders=[tablename, last_id, boundary])


def _future_rows(tablename: str, db: DAL) -> tuple[int, int, dt.datetime] | None:
    """Log rows with transaction ids that are not assigned yet: (first of these ids, last row id, latest time stamp)."""
    present = "txid_snapshot_xmax(txid_current_snapshot())"
    # every visible row is below the upper end of the snapshot, except our own
    sql = f"""
        SELECT {present}, max(id), max(changed_at) FROM s3_change
        WHERE tablename = %s AND txid >= {present} AND txid IS DISTINCT FROM txid_current_if_assigned()"""
    boundary, last_id, last_time = db.executesql(sql, placeholders=[tablename])[0]
    return None if last_id is None else (int(boundary), int(last_id), last_time)
