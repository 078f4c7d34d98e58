"""A person with a browser, within the process of the tests: keeps cookies, and sends forms of the page that is open."""
from __future__ import annotations

import html
import re
from http.cookies import SimpleCookie
from typing import Any

import cast
from harness import App, Response

__all__ = ("Browser", "form_fields")


class Browser:
    """Keeps cookies, and sends forms of the page that it shows."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.cookies: SimpleCookie = SimpleCookie()
        self.page: Response | None = None

    def log_in(self, name: str) -> Browser:
        """Log in as one of the cast."""
        return self.log_in_as(cast.PEOPLE[name][2], cast.PASSWORD)

    def log_in_as(self, email: str, password: str) -> Browser:
        answer = self.submit("/default/user/login", "login", email=email, password=password)
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

    def fields(self, formname: str) -> dict[str, Any]:
        """The form's fields as the page shows them."""
        assert self.page is not None
        [form] = [form for form in re.findall(r"<form.*?</form>", self.page.text, re.S) if f'value="{formname}"' in form]
        return form_fields(form)

    def press(self, button: str, **fields: Any) -> Response:
        """Send the form of the open page that has a button of this value, with several the one with these fields; see where it leads."""
        assert self.page is not None
        for form in re.findall(r"<form.*?</form>", self.page.text, re.S):
            shown = form_fields(form)
            if f'value="{button}"' in form and fields.get("id") in (None, shown.get("id")):
                path = html.unescape(re.search(r'action="([^"]*)"', form)[1]).removeprefix(f"/{self.app.name}")
                answer = self.post(path, **{**shown, "action": button, **fields})
                return self.follow(answer) if answer.status == 303 else answer
        raise AssertionError(f"no form with the button {button}")

    def follow(self, answer: Response) -> Response:
        assert answer.status == 303, answer.text
        return self.get(answer.headers["location"].removeprefix(f"/{self.app.name}"))

    def _request(self, path: str, method: str, **options: Any) -> Response:
        answer = self.app.request(path, method, cookies=self.cookies, remote_addr="192.0.2.1", **options)
        for name, morsel in answer.cookies.items():
            self.cookies[name] = morsel.value
        self.page = answer
        return answer


def form_fields(form: str) -> dict[str, Any]:
    """What a browser would send of this form, without the buttons: texts, and lists of those that have one name."""
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        is_choice = attributes.get("type") in ("checkbox", "radio")
        if "name" not in attributes or attributes.get("type") == "submit" or (is_choice and not re.search(r"\bchecked\b", tag)):
            continue
        value = html.unescape(attributes.get("value", "on" if is_choice else ""))
        name = attributes["name"]
        found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value] if name in found else value
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'<option[^>]*selected="selected"[^>]*>', options) or re.findall(r"<option[^>]*>", options)
        found[name] = html.unescape(re.search(r'value="([^"]*)"', chosen[0])[1])
    return found
