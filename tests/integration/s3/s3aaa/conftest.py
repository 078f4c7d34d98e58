"""A visitor with a browser, and the mail that the visitor gets."""
from __future__ import annotations

import html
import re
from http.cookies import SimpleCookie
from typing import Any

import cast
import pytest
from harness import App, Response


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is tested by itself; here people log in all the time."""
    from s3.s3aaa import passwords

    monkeypatch.setattr(passwords, "ITERATIONS", 1000)


class Browser:
    """Keeps cookies, and fills in the form of the page that it shows."""

    def __init__(self, app: App, address: str = "192.0.2.1") -> None:
        self.app = app
        self.address = address
        self.cookies: SimpleCookie = SimpleCookie()
        self.page: Response | None = None

    def get(self, path: str, **options: Any) -> Response:
        return self._request(path, "GET", **options)

    def submit(self, path: str, **fields: Any) -> Response:
        """Open a page and send its form."""
        self.get(path)
        return self.send(path, **fields)

    def send(self, path: str, headers: dict[str, str] | None = None, **fields: Any) -> Response:
        """Send the form of the page that is open."""
        assert self.page is not None
        return self._request(path, "POST", data={**hidden_fields(self.page), **fields}, headers=headers)

    def follow(self, answer: Response) -> Response:
        assert answer.status == 303, answer.text
        return self.get(answer.headers["location"].removeprefix(f"/{self.app.name}"))

    def log_in(self, name: str = "anna", password: str = cast.PASSWORD, **fields: Any) -> Response:
        return self.submit("/default/user/login", email=cast.PEOPLE[name][2], password=password, **fields)

    def is_logged_in(self) -> bool:
        return self.get("/default/user/profile").status == 200

    def _request(self, path: str, method: str, **options: Any) -> Response:
        answer = self.app.request(path, method, cookies=self.cookies, **{"remote_addr": self.address, **options})
        for name, morsel in answer.cookies.items():
            self.cookies[name] = morsel.value
        self.page = answer
        return answer


def hidden_fields(page: Response) -> dict[str, str]:
    found = re.findall(r'<input name="(_\w+)" type="hidden" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


class Post:
    """The mails that have arrived."""

    def __init__(self, app: App) -> None:
        self.app = app

    def to(self, address: str) -> list[Any]:
        return [message for message in self.app.smtp.messages if message["To"] == address]

    def text(self, address: str) -> str:
        """The only mail to this address."""
        [message] = self.to(address)
        return str(message.get_content())

    def link(self, address: str) -> str:
        """Path of the link in the last mail to this address."""
        text = self.to(address)[-1].get_content()
        return re.search(rf"http://127\.0\.0\.1:8000/{self.app.name}(/\S+)", text)[1]

    def deliver(self) -> str:
        """Let the worker send what is in the outbox."""
        with self.app.env() as current:
            return str(current.msg.process_outbox("EMAIL"))


@pytest.fixture
def browser(app: App) -> Browser:
    return Browser(app)


@pytest.fixture
def post(app: App) -> Post:
    return Post(app)


@pytest.fixture
def another(app: App):
    """Makes further browsers: ``another("198.51.100.1")``."""
    return lambda address="198.51.100.7": Browser(app, address)


@pytest.fixture
def rows(app: App):
    """Reads records in a transaction of its own: ``rows("auth_user", email="...")``."""

    def read(tablename: str, /, **values: Any) -> list[Any]:
        with app.env() as current:
            table = current.s3db.table(tablename) if tablename not in current.db else current.db[tablename]
            if table is None:
                table = current.auth.table(tablename)
            query = table.id > 0
            for name, value in values.items():
                query &= table[name] == value
            return [row.as_dict() for row in current.db(query).select(orderby=table.id)]

    return read
