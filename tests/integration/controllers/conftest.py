"""An administrator with a browser, and what the log of events says since."""
from __future__ import annotations

import html
import json
import re
from http.cookies import SimpleCookie
from typing import Any

import cast
import pytest
from harness import App, Response


class Browser:
    """Keeps cookies, and sends forms of the page that it shows."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.cookies: SimpleCookie = SimpleCookie()
        self.page: Response | None = None

    def log_in(self, name: str) -> Browser:
        self.get("/default/user/login")
        answer = self.send("/default/user/login", "login", email=cast.PEOPLE[name][2], password=cast.PASSWORD)
        assert answer.status == 303
        return self

    def get(self, path: str) -> Response:
        return self._request(path, "GET")

    def post(self, path: str, **fields: Any) -> Response:
        """Send fields as they are, without a form."""
        return self._request(path, "POST", data=fields)

    def send(self, path: str, formname: str, **fields: Any) -> Response:
        """Fill in and send this form of the page that is open."""
        return self.post(path, **{**self.fields(formname), **fields})

    def submit(self, path: str, formname: str, **fields: Any) -> Response:
        self.get(path)
        return self.send(path, formname, **fields)

    def fields(self, formname: str) -> dict[str, str]:
        """The form's fields as the page shows them."""
        assert self.page is not None
        [form] = [form for form in re.findall(r"<form.*?</form>", self.page.text, re.S) if f'value="{formname}"' in form]
        return form_fields(form)

    def follow(self, answer: Response) -> Response:
        assert answer.status == 303, answer.text
        return self.get(answer.headers["location"].removeprefix(f"/{self.app.name}"))

    def _request(self, path: str, method: str, **options: Any) -> Response:
        answer = self.app.request(path, method, cookies=self.cookies, remote_addr="192.0.2.1", **options)
        for name, morsel in answer.cookies.items():
            self.cookies[name] = morsel.value
        self.page = answer
        return answer


def form_fields(form: str) -> dict[str, str]:
    """What a browser would send of this form, without the buttons."""
    found: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_box = attributes.get("type") == "checkbox"
        if "name" in attributes and attributes.get("type") != "submit" and (not is_box or "checked" in attributes):
            found[attributes["name"]] = html.unescape(attributes.get("value", "on" if is_box else ""))
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option[^>]*selected="selected"[^>]*>', options) or re.findall(r"<option[^>]*>", options)
        found[name] = html.unescape(re.search(r'value="([^"]*)"', chosen[0])[1])
    return found


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
