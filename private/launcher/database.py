"""The database that a command is pointed to, looked at before anything is started on it."""
from __future__ import annotations

import re

from launcher.errors import LauncherError
from launcher.postgres import check_connection, hide_password, is_postgres

__all__ = ("check_database",)

POSTGRES = re.compile(r"postgres(:psycopg2)?://[^:@/]+(:[^@]*)?@[^:/]*(:\d+)?/[^?/]+(\?.*)?")
SQLITE = re.compile(r"sqlite://[\w.-]+")


def check_database(uri: str) -> None:
    """Make sure that there is such a database.

    Raises:
        LauncherError: the URI is none, or the server does not answer or refuses us
    """
    if SQLITE.fullmatch(uri):
        return
    if not POSTGRES.fullmatch(uri):
        raise LauncherError(
            f"{hide_password(uri)} is not a database URI: expected sqlite://file.db or postgres://user:password@host:port/database (--db)."
        )
    assert is_postgres(uri)
    check_connection(uri)
