"""The change log: which records of the watched tables were created, updated or deleted, in commit order.

Time stamps cannot tell what changed since the last look: a transaction may commit long after its rows were stamped,
clocks differ, and the resolution is a second. So every write to a watched table adds ``s3_change`` rows in the
writer's own transaction, and readers move a *position* over the log. Everything before a position is finished and
visible, so the window between two positions contains each committed change exactly once.

Before: the writers (DAL hooks). After: ``s3notify.check`` (may there be updates?) and ``s3notify.extract`` (which?).
"""
from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3dal import DAL, Field, Query, Row, Set, Table

__all__ = (
    "Window",
    "current_position",
    "define_sweeps",
    "define_tables",
    "index_statements",
    "is_watched",
    "latest_changes",
    "position_at",
    "prune",
    "rebase_position",
    "sweep",
    "watch",
)

CREATE = "create"
UPDATE = "update"
DELETE = "delete"

# Fields whose change says nothing to a reader of the log
BOOKKEEPING = frozenset(("id", "uuid", "mci", "created_on", "created_by", "modified_on", "modified_by"))
# Types whose values are too large or too private to be copied into a log
UNLOGGED_TYPES = frozenset(("text", "json", "blob", "upload", "password"))
MAX_VALUE_LENGTH = 255
# Rows per INSERT statement, and per look-up of old values
CHUNK = 200
# The log is kept this long even if nobody needs it any more: who is suspended today may be back tomorrow
MIN_RETENTION = dt.timedelta(days=7)
# Of an advisory lock in PostgreSQL: only one transaction settles the log rows of another cluster
SETTLE_LOCK = 0x53334C


# -- tables ------------------------------------------------------------------------------------------------------------
def define_tables(db: DAL) -> Table:
    """Define the log on this connection (idempotent); gives ``s3_change``."""
    if "s3_change" not in db.tables:
        db.define_table(
            "s3_change",
            Field("tablename", length=64, notnull=True),
            Field("record_id", "bigint", notnull=True),
            Field("operation", length=8, notnull=True),
            # JSON {field: [old, new]}; null for fields whose values are not logged
            Field("changed", "text"),
            Field("changed_at", "datetime", notnull=True),
            Field("changed_by", "integer"),
            # what the record's own time stamp became: the sweep must not report this change again
            Field("record_modified_on", "datetime"),
            # the writer's transaction (PostgreSQL); 0 where writers are serialised and the row id is the order
            Field("txid", "bigint", notnull=True, default=0),
        )
    return db.s3_change


def define_sweeps(db: DAL) -> Table:
    """Define ``s3_change_sweep`` on this connection (idempotent), which only the check needs; gives it."""
    if "s3_change_sweep" not in db.tables:
        db.define_table(
            "s3_change_sweep",
            Field("tablename", length=64, notnull=True, unique=True),
            Field("swept_until", "datetime", notnull=True),
        )
    return db.s3_change_sweep


def index_statements() -> list[str]:
    """SQL of the indexes that the log needs, for the set-up of a database."""
    return [
        "CREATE INDEX IF NOT EXISTS s3_change_txid_idx ON s3_change (tablename, txid)",
        "CREATE INDEX IF NOT EXISTS s3_change_record_idx ON s3_change (tablename, record_id)",
    ]


# -- recording ---------------------------------------------------------------------------------------------------------
def watch(table: Table) -> None:
    """Log every insert, update and delete of this table from now on, in the writer's transaction (idempotent)."""
    if is_watched(table):
        return
    table._after_insert.append(_after_insert_of(table))
    table._before_update.append(_remember_old_values)
    table._after_update.append(_log_update)
    table._before_delete.append(_remember_doomed)
    table._after_delete.append(_log_delete)


def is_watched(table: Table) -> bool:
    """Are the changes of this table logged?"""
    return _after_insert_of(table) in table._after_insert


class _AfterInsert:
    """Insert hook of one table: DAL passes the values and the id, but not the table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _AfterInsert) and other.table is self.table

    __hash__ = None  # type: ignore[assignment]

    def __call__(self, values: Any, record_id: int) -> None:
        new = {name: values[name] for name in _loggable(self.table) if name in values and values[name] is not None}
        change = _change_row(self.table, int(record_id), CREATE, {}, new, _get(values, "modified_on"))
        _append(self.table._db, [change])


def _after_insert_of(table: Table) -> _AfterInsert:
    return _AfterInsert(table)


def _remember_old_values(qset: Set, values: Any) -> None:
    """Keep ids and old values: after the update the condition may not match the same rows any more."""
    table = _table_of(qset)
    names = [name for name in values.keys() if name in table.fields]
    fields = [table[name] for name in dict.fromkeys(["id", *names, *(["deleted"] if "deleted" in table.fields else [])])]
    qset._s3_before = list(qset.select(*fields))


def _log_update(qset: Set, values: Any) -> None:
    table = _table_of(qset)
    new = {name: values[name] for name in values.keys() if name in _loggable(table)}
    modified_on = _get(values, "modified_on")
    changes = []
    for old in qset._s3_before:
        operation = _operation(old, new)
        changes.append(_change_row(table, old.id, operation, old, new, modified_on))
    _append(table._db, changes)


def _operation(old: Row, new: dict[str, Any]) -> str:
    """Archiving is a deletion to a reader, and restoring an archived record makes it new to them."""
    if "deleted" in new and bool(new["deleted"]) != bool(old.deleted):
        return DELETE if new["deleted"] else CREATE
    return UPDATE


def _remember_doomed(qset: Set) -> None:
    qset._s3_before = list(qset.select(_table_of(qset).id))


def _log_delete(qset: Set) -> None:
    table = _table_of(qset)
    _append(table._db, [_change_row(table, old.id, DELETE, {}, {}, None) for old in qset._s3_before])


def _table_of(qset: Set) -> Table:
    return qset.db._adapter.get_table(qset.query)


def _loggable(table: Table) -> list[str]:
    return [name for name in table.fields if name not in BOOKKEEPING]


def _get(values: Any, name: str) -> Any:
    """A plain value of this field, if the statement sets one (an SQL expression is none)."""
    value = values[name] if name in values.keys() else None
    return value if isinstance(value, dt.datetime) else None


def _change_row(table: Table, record_id: int, operation: str, old: Any, new: dict[str, Any], modified_on: Any) -> tuple[Any, ...]:
    changed: dict[str, Any] = {}
    for name, value in new.items():
        before = old[name] if name in old else None
        if before == value:
            continue
        hidden = table[name].type in UNLOGGED_TYPES
        changed[name] = None if hidden else [_loggable_value(before), _loggable_value(value)]
    auth = getattr(current, "auth", None)
    user_id = auth.user.id if auth is not None and auth.user else None
    now = utcnow()
    return (str(table._dalname), record_id, operation, json.dumps(changed), _sql_time(now), user_id, _sql_time(modified_on or now))


def _loggable_value(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:MAX_VALUE_LENGTH]


def _sql_time(value: dt.datetime) -> str:
    return value.replace(microsecond=0).isoformat(" ")


def _append(db: DAL, changes: Sequence[tuple[Any, ...]]) -> None:
    """Write log rows in the running transaction; on PostgreSQL they carry its id."""
    if not changes:
        return
    define_tables(db)
    columns = "tablename, record_id, operation, changed, changed_at, changed_by, record_modified_on, txid"
    mark, txid = ("%s", "txid_current()") if _is_postgres(db) else ("?", "0")
    values = "(" + ", ".join([mark] * 7) + f", {txid})"
    for start in range(0, len(changes), CHUNK):
        chunk = changes[start : start + CHUNK]
        sql = f"INSERT INTO s3_change ({columns}) VALUES " + ", ".join([values] * len(chunk))
        db.executesql(sql, placeholders=[item for change in chunk for item in change])


# -- positions ---------------------------------------------------------------------------------------------------------
def _is_postgres(db: DAL) -> bool:
    return db._dbname == "postgres"


def current_position(db: DAL | None = None) -> int:
    """A position before which every change is finished and visible to this transaction.

    On PostgreSQL the oldest transaction that still runs, else (writers are serialised) the next row id of the log.
    A positive position counts transactions, or row ids on SQLite; see ``rebase_position`` for negative ones.
    """
    db = db if db is not None else current.db
    if _is_postgres(db):
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
    unseen = db(log.changed_at >= when - _overlap()).select(row_id, txid).first()
    if unseen[row_id] is None:
        return present
    if unseen[txid]:
        return min(int(unseen[txid]), present)
    # row ids are the order of SQLite, and of what another cluster has left (_settle_restored)
    return -int(unseen[row_id])


def _overlap() -> dt.timedelta:
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


def _settle_restored(tablename: str, db: DAL) -> None:
    """Settle what a dump of another PostgreSQL cluster has left in the log of this table.

    Transaction ids start over there: log rows of the future would be in no window for ages, and hold the newest
    position beyond every reader's. They count as finished (0) from now on, and their order is that of their ids, so
    positions that do not reach beyond them become row ids (negative). Repeats nothing to who subscribed since the restore.
    """
    if not _is_postgres(db) or _future_rows(tablename, db) is None:
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
    db.executesql(positions, placeholders=[last_id, last_id + 1, tablename, _sql_time(last_time + _overlap())])
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


@dataclass(frozen=True)
class Window:
    """The changes of one table in [start, end): each committed change is in exactly one of a reader's windows."""

    tablename: str
    start: int
    end: int

    def query(self, db: DAL) -> Query:
        """Condition on ``s3_change``."""
        log = define_tables(db)
        order = log.txid if _is_postgres(db) else log.id
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
    order = log.txid.max() if _is_postgres(db) else log.id.max()
    newest = log.id.max()
    found = {}
    for operation in (CREATE, UPDATE):
        row = db((log.tablename == tablename) & (log.operation == operation)).select(order, newest).first()
        found[operation] = None if row[newest] is None else (int(row[order]), int(row[newest]))
    return Latest(created=found[CREATE], updated=found[UPDATE])


# -- upkeep ------------------------------------------------------------------------------------------------------------
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
    _append(db, [_swept_row(table, row, row.id in known, since, now) for row in missing])
    return len(missing)


def _take_sweep(table: Table, now: dt.datetime, overlap: dt.timedelta) -> dt.datetime | None:
    """Until when the table was swept before; None if there is nothing to do for us. True work for one caller only."""
    db, tablename = table._db, table._dalname
    sweeps = define_sweeps(db)
    last = _last_sweep(tablename, db)
    if last is None:
        mark = "%s, %s" if _is_postgres(db) else "?, ?"
        sql = f"INSERT INTO s3_change_sweep (tablename, swept_until) VALUES ({mark}) ON CONFLICT (tablename) DO NOTHING"
        db.executesql(sql, placeholders=[tablename, _sql_time(_first_sweep(tablename, now, overlap))])
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
    return (table._dalname, row.id, operation, "{}", _sql_time(now), None, _sql_time(row.modified_on))


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
    order = log.txid if _is_postgres(db) else log.id
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
    return min((time for time in times if time is not None), default=dt.datetime.max) - _overlap()
