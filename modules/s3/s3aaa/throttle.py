"""How often something may be tried: counters in the database, which all processes share, and which end by themselves.

A counter is a row that lives for one window of time, from the first attempt on. Names of accounts and addresses are in it as
keyed hashes only. There are no more rows than attempts within the longest window: whoever adds some removes what has ended.
"""
from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from gluon import current

from s3.s3datetime import utcnow
from s3dal import Table

__all__ = ("Counters", "minutes", "prune_counters")

# How many new rows there are between two removals of those that have ended
_PRUNE_EVERY = 100


@dataclass(frozen=True)
class Counters:
    """The counters that one attempt goes by.

    Attributes:
        limits: {what is counted: how many attempts are allowed in a window}
        window: seconds
    """

    table: Table
    key: str
    limits: Mapping[tuple[str, ...], int]
    window: int

    def seconds_to_wait(self) -> int:
        """When the next attempt is allowed; 0 is now."""
        names, now = self._names(), utcnow()
        table = self.table
        rows = current.db(table.name.belongs(list(names)) & (table.ends_at > now)).select(table.name, table.attempts, table.ends_at)
        waits = [(row.ends_at - now).total_seconds() for row in rows if row.attempts >= names[row.name]]
        return max(1, int(max(waits))) if waits else 0

    def count(self) -> None:
        """Count an attempt. Commits each counter, so that an attempt counts whatever becomes of the request."""
        for name in sorted(self._names()):
            self._count_one(name)

    def forget(self, *subject: str) -> None:
        """Begin anew with one of them."""
        current.db(self.table.name == self._name(subject)).delete()

    def _names(self) -> dict[str, int]:
        return {self._name(subject): limit for subject, limit in self.limits.items()}

    def _name(self, subject: tuple[str, ...]) -> str:
        digest = hmac.new(self.key.encode(), "\n".join(subject).encode("utf-8", "replace"), "sha256").hexdigest()
        return f"{subject[0]}:{digest[:40]}"

    def _count_one(self, name: str) -> None:
        db, table, now = current.db, self.table, utcnow()
        ends_at = now + dt.timedelta(seconds=self.window)
        counted = db((table.name == name) & (table.ends_at > now)).update(attempts=table.attempts + 1)
        if not counted and not db((table.name == name) & (table.ends_at <= now)).update(attempts=1, ends_at=ends_at):
            self._begin(name, ends_at, now)
        # all other processes must see it before they let the next attempt pass
        db.commit()

    def _begin(self, name: str, ends_at: dt.datetime, now: dt.datetime) -> None:
        db, table = current.db, self.table
        try:
            row_id = table.insert(name=name, attempts=1, ends_at=ends_at)
        except db._adapter.driver.IntegrityError:
            # another request was faster
            db.rollback()
            db(table.name == name).update(attempts=table.attempts + 1)
            return
        if row_id % _PRUNE_EVERY == 0:
            prune_counters(table, now)


def prune_counters(table: Table, now: dt.datetime) -> int:
    """Delete the counters that have ended; gives their number. Commits nothing."""
    return int(current.db(table.ends_at <= now).delete())


def minutes(seconds: int) -> int:
    """A time to wait as people are told it."""
    return max(1, -(-seconds // 60))
