"""The change log: which records of the watched tables were created, updated or deleted, in commit order.

Time stamps cannot tell what changed since the last look: a transaction may commit long after its rows were stamped,
clocks differ, and the resolution is a second. So every write to a watched table adds ``s3_change`` rows in the
writer's own transaction, and readers move a *position* over the log. Everything before a position is finished and
visible, so the window between two positions contains each committed change exactly once.

Before: the writers (DAL hooks). After: ``s3notify.check`` (may there be updates?) and ``s3notify.extract`` (which?).
"""
from __future__ import annotations

from s3.s3changes.log import define_sweeps, define_tables, index_statements
from s3.s3changes.positions import Window, current_position, latest_changes, position_at, rebase_position
from s3.s3changes.recording import is_watched, watch
from s3.s3changes.upkeep import prune, sweep

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
