"""An administrator with a browser, and what the log of events says since."""
from __future__ import annotations

import json
from typing import Any

import pytest
from harness import App
from visitor import Browser


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is tested by itself; here people log in all the time."""
    from s3.s3aaa import passwords

    monkeypatch.setattr(passwords, "ITERATIONS", 1000)


@pytest.fixture
def browser(app: App):
    """Makes browsers in which somebody is logged in: ``browser("admin")``."""
    return lambda name: Browser(app).log_in(name)


@pytest.fixture
def admin(browser) -> Browser:
    return browser("admin")


@pytest.fixture
def events(app: App):
    """Entries of changes since the test began, as (table, action, {field: [old, new]}, who)."""
    with app.env() as current:
        table = current.auth.table("auth_event")
        last = current.db(table).select(table.id, orderby=~table.id, limitby=(0, 1)).first()
        before = last.id if last else 0

    def read() -> list[tuple[str, str, dict[str, list[Any]], int | None]]:
        with app.env() as current:
            table = current.auth.table("auth_event")
            rows = current.db((table.id > before) & (table.tablename != None)).select(orderby=table.id)
            return [(row.tablename, row.action, json.loads(row.changes), row.user_id) for row in rows]

    return read


@pytest.fixture
def state(app: App):
    """Everything that decides about rights, to compare before and after."""

    def read() -> dict[str, list[dict[str, Any]]]:
        with app.env() as current:
            found = {}
            for name in ("auth_user", "auth_group", "auth_membership", "s3_permission"):
                table = current.auth.table(name)
                found[name] = [row.as_dict() for row in current.db(table).select(orderby=table.id)]
            # a login may give a stronger hash
            for row in found["auth_user"]:
                row.pop("password")
            return found

    return read
