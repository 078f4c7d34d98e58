"""An application with the DRMP template and its demo data, on each database."""
from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import App, Mailbox, Response

from launcher.instance import create_instance


class Platform:
    """The DRMP application as its users meet it."""

    def __init__(self, app: App) -> None:
        self.app = app

    def request(self, who: str | None, path: str, method: str = "GET", **options: Any) -> Response:
        """A request by one of the demo users, or by a visitor."""
        from templates.DRMP.demo import DEMO_PASSWORD, DEMO_USERS

        headers = {}
        if who:
            credentials = f"{DEMO_USERS[who].email}:{DEMO_PASSWORD}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode()
        return self.app.request(path, method, headers=headers, **options)

    def ids(self, tablename: str, field: str) -> dict[Any, int]:
        """{value of a field: record id}"""
        with self.app.env() as current:
            table = current.s3db[tablename]
            return {row[field]: row.id for row in current.db(table.deleted == False).select(table.id, table[field])}


@pytest.fixture(scope="session", params=("sqlite", "postgresql"))
def drmp_application(request: pytest.FixtureRequest, applications: dict[str, App], web2py_folder: Path, smtp: Mailbox) -> App:
    kind = request.param
    name = f"drmp_{kind}"
    if name not in applications:
        uri = "sqlite://storage.db" if kind == "sqlite" else _own_database(request.getfixturevalue("postgres").uri)
        instance = create_instance(
            web2py_folder, app=name, database_uri=uri, template="DRMP", mail_server=f"127.0.0.1:{smtp.port}",
            mail_sender="alerts@example.com", base_tasks_sync_fallback=True,
        )
        applications[name] = App(instance.app_folder, instance.app, kind)
        applications[name].smtp = smtp
    return applications[name]


def _own_database(uri: str) -> str:
    """A second database on the same server: two applications do not share tables."""
    import psycopg2

    connection = psycopg2.connect("postgresql://" + uri.split("://", 1)[1])
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE drmp")
    return uri.rpartition("/")[0] + "/drmp"


@pytest.fixture
def drmp(drmp_application: App) -> Iterator[Platform]:
    """The platform as its first start leaves it, except for the posts that tests add; a clock that stands still."""
    from s3.s3datetime import set_clock

    set_clock(drmp_application.clock)
    assert drmp_application.smtp is not None
    drmp_application.smtp.clear()
    yield Platform(drmp_application)
    set_clock(None)
