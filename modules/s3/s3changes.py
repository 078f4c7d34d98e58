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
from collections.abc import Iterable, Sequence
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
# The log is kept this long even if nobody needs it any more: the sweep compares against it
MIN_RETENTION = dt.timedelta(days=7)


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
    return int(db.executesql("SELECT max(id) FROM s3_change")[0][0] or 0) + 1


def position_at(when: dt.datetime, db: DAL | None = None) -> int:
    """The position of a reader who has seen everything that was logged before this time (naive UTC).

    Gives a negative number: minus the id of the first log row that this reader has not seen. A transaction that was
    still running at that time may be seen twice, never missed.
    """
    db = db if db is not None else current.db
    log = define_tables(db)
    first = log.id.min()
    last = log.id.max()
    unseen = db(log.changed_at >= when).select(first).first()[first]
    if unseen is None:
        unseen = (db(log).select(last).first()[last] or 0) + 1
    return -int(unseen)


def rebase_position(position: int | None, seen_until: dt.datetime, end: int, db: DAL | None = None) -> int:
    """A position that is valid in this database, whatever was stored; ``end`` is the current one.

    No position (a row that was not written by the framework) starts where its time stamp says. Transaction ids start
    over when a dump is restored into another cluster: a position beyond the current one would wait for ever, so it is
    re-based on the row ids of the log.
    """
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
    """Log changes that bypassed the DAL hooks (raw SQL, foreign imports) but moved ``modified_on``.

    Args:
        now: naive UTC
        overlap: how far to look back behind the last sweep, for transactions that were still open then

    Returns:
        number of log rows added
    """
    db = table._db
    log = define_tables(db)
    swept_until = _take_sweep(table, now)
    if swept_until is None:
        return 0
    since = min(swept_until, now) - overlap
    missing = _unlogged(table, log, since, now)
    known = _logged_before(log, table._dalname, [row.id for row in missing])
    _append(db, [_swept_row(table, row, row.id in known, since, now) for row in missing])
    return len(missing)


def _take_sweep(table: Table, now: dt.datetime) -> dt.datetime | None:
    """Until when the table was swept before; None if there is nothing to do for us. True work for one caller only."""
    db, tablename = table._db, table._dalname
    sweeps = define_sweeps(db)
    last = db(sweeps.tablename == tablename).select(sweeps.id, sweeps.swept_until).first()
    if last is None:
        # everything up to now is history: nobody's position is older than the table's first sweep
        mark = "%s, %s" if _is_postgres(db) else "?, ?"
        sql = f"INSERT INTO s3_change_sweep (tablename, swept_until) VALUES ({mark}) ON CONFLICT (tablename) DO NOTHING"
        db.executesql(sql, placeholders=[tablename, _sql_time(now)])
        return None
    if last.swept_until == now:
        return None
    # of two sweepers, the second waits for the first to commit and then finds nothing to take
    mine = db((sweeps.id == last.id) & (sweeps.swept_until == last.swept_until)).update(swept_until=now)
    return last.swept_until if mine else None


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
    """Delete log rows that every subscription has passed; gives their number. Commits nothing."""
    db = db if db is not None else current.db
    now = now or utcnow()
    log = define_tables(db)
    subscribed = current.s3db.pr_subscription_resource
    query = log.changed_at < now - MIN_RETENTION
    positions = _positions(db(subscribed.deleted == False).select(subscribed.last_position, distinct=True))  # noqa: E712
    order = log.txid if _is_postgres(db) else log.id
    for low, column in ((positions[0], order), (positions[1], log.id)):
        if low is not None:
            query &= column < low
    return int(db(query).delete())


def _positions(rows: Iterable[Row]) -> tuple[int | None, int | None]:
    """The lowest position and the lowest row id that anybody still needs."""
    known = [row.last_position for row in rows if row.last_position is not None]
    positive = [position for position in known if position >= 0]
    negative = [-position for position in known if position < 0]
    return min(positive, default=None), min(negative, default=None)
