"""A person with a browser, as far as the demo and the tests need one: pages, forms, cookies, and the JSON interface."""
from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from typing import Any

from launcher.errors import LauncherError

__all__ = ("Browser",)

SECONDS = 30


class Browser:
    """Requests to one application, in one session. No proxy is asked: the application is on this machine."""

    def __init__(self, application_url: str) -> None:
        """
        Args:
            application_url: with the name of the application, without a slash at the end
        """
        self._base = application_url
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str) -> str:
        return self._open(urllib.request.Request(self._base + path))[1]

    def get_json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def post_json(self, path: str, data: dict[str, Any]) -> Any:
        body = json.dumps(data).encode()
        return json.loads(self._open(urllib.request.Request(self._base + path, body, {"Content-Type": "application/json"}))[1])

    def log_in(self, email: str, password: str) -> None:
        """Log in through the form, as a person does.

        Raises:
            LauncherError: the login is refused
        """
        path = "/default/user/login"
        form = _HiddenFields(self.get(path)).values
        form.update(email=email, password=password)
        url, _ = self._open(urllib.request.Request(self._base + path, urllib.parse.urlencode(form).encode()))
        if urllib.parse.urlsplit(url).path.endswith(path):
            raise LauncherError(f"The login of {email} is refused.")

    def _open(self, request: urllib.request.Request) -> tuple[str, str]:
        """Give the address where the request has ended, after redirections, and the text of the answer.

        Raises:
            LauncherError: the answer is an error, or there is none
        """
        what = f"{request.get_method()} {urllib.parse.urlsplit(request.full_url).path}"
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                raise LauncherError(f"{what} answers {error.code}: {_message(error.read().decode(errors='replace'))}") from error
        except OSError as error:
            raise LauncherError(f"{what} has no answer: {error}") from error


def _message(body: str) -> str:
    """The message of a JSON answer, or the beginning of any other."""
    try:
        return json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        return " ".join(body.split())[:200]


class _HiddenFields(HTMLParser):
    """The hidden fields of the forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "input" and attributes.get("type") == "hidden" and attributes.get("name"):
            self.values[str(attributes["name"])] = attributes.get("value") or ""
