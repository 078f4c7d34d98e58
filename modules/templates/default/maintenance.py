"""What a deployment has to do regularly; a deployment template can bring a module maintenance.py of its own."""
from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

from gluon import current
from gluon.storage import load_storage

from s3 import prune_changes, utcnow

__all__ = ("Daily",)

#: Sessions that nobody has used for so long are removed whatever they hold
SESSION_RETENTION = dt.timedelta(days=28)
TICKET_RETENTION = dt.timedelta(days=28)


class Daily:
    """Remove what has had its time: sessions, error tickets, finished tasks, dead letters, and change-log rows nobody needs."""

    def __call__(self) -> str:
        """Gives a line for the task log. Commits after each kind, so that one cannot take back the others."""
        folder, now = current.request.folder, utcnow()
        removed = {
            "sessions": remove_sessions(os.path.join(folder, "sessions"), now),
            "error tickets": remove_files(os.path.join(folder, "errors"), now - TICKET_RETENTION),
        }
        prunes = (
            ("task rows", current.s3task.prune),
            ("messages", current.msg.prune),
            ("changes", prune_changes),
            ("account rows", current.auth.prune),
        )
        for name, prune in prunes:
            removed[name] = prune(now)
            current.db.commit()  # long deletes hold locks that writers wait for
        return "Removed " + ", ".join(f"{number} {name}" for name, number in removed.items())


def remove_files(folder: str, before: dt.datetime) -> int:
    """Remove the files in a folder that were last written before a time."""
    return sum(_remove(path) for path in _files(folder) if _written_at(path) < before)


def remove_sessions(folder: str, now: dt.datetime) -> int:
    """Remove the sessions of web2py's file storage whose login, or whose visitor, has been gone for longer than allowed."""
    return sum(_remove(path) for path in _files(folder) if _is_expired(path, now))


def _is_expired(path: str, now: dt.datetime) -> bool:
    idle = now - _written_at(path)
    default = current.deployment_settings.get_auth_login_expiration()
    if idle.total_seconds() <= default:
        return False
    return idle > SESSION_RETENTION or idle.total_seconds() > _login_expiration(path, default)


def _login_expiration(path: str, default: int) -> int:
    """Seconds of idleness after which the login in a session ends; a user may have asked to stay logged in for longer."""
    try:
        auth = load_storage(path).get("auth")
        return int((auth or {}).get("expiration") or default)
    except Exception:  # a half-written pickle can raise anything; such a session is of no use to anybody
        return default


def _files(folder: str) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in names)


def _written_at(path: str) -> dt.datetime:
    """Naive UTC; the end of time for a file that is gone."""
    try:
        return dt.datetime.fromtimestamp(os.path.getmtime(path), dt.timezone.utc).replace(tzinfo=None)
    except FileNotFoundError:
        return dt.datetime.max


def _remove(path: str) -> int:
    try:
        os.remove(path)
    except FileNotFoundError:
        # another process was faster
        return 0
    return 1
