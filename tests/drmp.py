"""An application with the DRMP template and its demo data, as its users meet it."""
from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness import App, Mailbox, Response
from snapshot import Snapshot
from visitor import Browser

from launcher.instance import create_instance

__all__ = ("Platform", "open_drmp", "own_database")


class Platform:
    """The DRMP application, and what its users and its worker do."""

    def __init__(self, app: App) -> None:
        self.app = app

    def request(self, who: str | None, path: str, method: str = "GET", **options: Any) -> Response:
        """A request by one of the demo users, or by a visitor."""
        headers = {}
        if who:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(credentials(who)).encode()).decode()
        return self.app.request(path, method, headers=headers, **options)

    def browser(self, who: str) -> Browser:
        """A browser in which one of the demo users is logged in."""
        return Browser(self.app).log_in_as(*credentials(who))

    def ids(self, tablename: str, field: str) -> dict[Any, int]:
        """{value of a field: record id}"""
        with self.app.env() as current:
            table = current.s3db[tablename]
            return {row[field]: row.id for row in current.db(table.deleted == False).select(table.id, table[field])}

    def rows(self, tablename: str) -> list[Any]:
        with self.app.env() as current:
            table = current.s3db[tablename]
            return list(current.db(table.deleted == False).select(orderby=table.id))

    def publish(self, kind: str, place: str, body: str) -> None:
        """A post of the editor's."""
        series, places = self.ids("cms_series", "name"), self.ids("gis_location", "name")
        post = {"series_id": series[kind], "location_id": places[place], "body": body}
        response = self.request("editor", "/cms/post.json", "POST", json=post)
        assert response.status in (200, 201), response.text

    def work(self, url: str) -> None:
        """A round of the worker, whose look-ups go to this web server."""
        with self.app.env() as current:
            from s3 import S3Notifications

            current.deployment_settings.msg.notify_lookup_url = url
            S3Notifications.check_subscriptions()
            current.msg.process_outbox("EMAIL")
            current.db.commit()

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        """Put the database back at the end to how it is now."""
        with self.app.env() as current:
            snapshot = Snapshot(self.app.kind, current.db._uri, getattr(current.db._adapter, "dbpath", None))
        try:
            yield
        finally:
            snapshot.restore()


def credentials(who: str) -> tuple[str, str]:
    """E-mail address and password of a demo user."""
    from templates.DRMP.demo import DEMO_PASSWORD, DEMO_USERS

    return DEMO_USERS[who].email, DEMO_PASSWORD


def open_drmp(name: str, kind: str, folder: Path, uri: str, smtp: Mailbox) -> App:
    """Make an application with this template, with demo data as old as its clock says."""
    from s3.s3datetime import set_clock

    instance = create_instance(
        folder, app=name, database_uri=uri, template="DRMP", mail_server=f"127.0.0.1:{smtp.port}",
        mail_sender="alerts@example.com", base_tasks_sync_fallback=True,
    )  # fmt: skip
    app = App(instance.app_folder, instance.app, kind)
    app.smtp = smtp
    set_clock(app.clock)
    with app.env() as current:
        # whoever comes first brings the demo data, and is known only after that
        current.db.commit()
    set_clock(None)
    return app


def own_database(uri: str, name: str) -> str:
    """One more database on the same server: two applications do not share tables."""
    import psycopg2

    connection = psycopg2.connect("postgresql://" + uri.split("://", 1)[1])
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    return uri.rpartition("/")[0] + f"/{name}"
