"""Keys that are sent by mail and good once: the deployment stores no more of them than a hash."""
from __future__ import annotations

import calendar
import datetime as dt
import hashlib
import secrets

__all__ = ("hash_key", "is_timely", "new_key")


def new_key(lifetime: int, now: dt.datetime) -> str:
    """A key of 256 random bits with its end, ``<seconds since the epoch>-<secret>``.

    Args:
        lifetime: seconds
    """
    return f"{calendar.timegm(now.timetuple()) + lifetime}-{secrets.token_hex(32)}"


def hash_key(key: str) -> str:
    """What is stored of a key. The end is part of what is hashed, so that nobody can move it."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def is_timely(key: str, now: dt.datetime) -> bool:
    """Whether a key can still be used; its hash has to be found as well."""
    end = key.partition("-")[0]
    return end.isascii() and end.isdigit() and len(end) <= 12 and calendar.timegm(now.timetuple()) < int(end)
