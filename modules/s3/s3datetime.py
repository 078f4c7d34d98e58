"""Time: the one clock, and the conversions between stored (naive UTC), ISO and local date/times."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable

__all__ = ("set_clock", "utcnow")


def _system_clock() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)


_clock: Callable[[], dt.datetime] = _system_clock


def utcnow() -> dt.datetime:
    """Current time as naive UTC in whole seconds, as the database stores it. The only clock of the application."""
    return _clock().replace(microsecond=0)


def set_clock(clock: Callable[[], dt.datetime] | None) -> None:
    """Replace the clock of this process, for tests.

    Args:
        clock: gives naive UTC; None restores the system clock
    """
    global _clock
    _clock = clock or _system_clock
