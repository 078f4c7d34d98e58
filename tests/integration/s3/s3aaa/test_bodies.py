"""Whatever anybody sends to the account pages: a page, and never an error ticket, which ``app.request`` reports as a failure."""
from __future__ import annotations

import base64
import json
import re

import cast
import pytest

BODIES = {
    "text": ("text/plain", b"email=x&password=y"),
    "xml": ("application/xml", b"<login/>"),
    "none": ("", b"email=x"),
    "bytes": ("application/octet-stream", b"\x00\xff"),
    "multipart without boundary": ("multipart/form-data", b"--x\r\n"),
    "multipart cut off": ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name="),
    "multipart of another boundary": ("multipart/form-data; boundary=y", b"--x\r\n"),
    "multipart mixed": ("multipart/mixed; boundary=x", b"--x\r\n\r\n--x--"),
    "no utf-8": ("application/x-www-form-urlencoded", b"email=\xff"),
    "nul": ("application/x-www-form-urlencoded", b"email=%00@x&password=%00&_formname=login"),
    "broken JSON": ("application/json", b"{"),
    "deep JSON": ("application/json", b"[" * 100_000),
    "list as JSON": ("application/json", b"[1]"),
    "surrogate as JSON": ("application/json", b'{"_next": "/\\ud800", "_formname": "login"}'),
    "objects as JSON": ("application/json", b'{"email": {"a": 1}, "password": [1], "_formname": ["login"], "_formkey": {}}'),
}
PAGES = ("login", "profile", "register", "change_password", "logout", "nosuch")


@pytest.mark.parametrize("content_type, body", BODIES.values(), ids=BODIES)
def test_strange_body_gets_a_page(app, content_type, body):
    answers = {
        (page, name): app.request(f"/default/user/{page}", "POST", data=body, headers={"Content-Type": content_type}, auth=name).status
        for page in PAGES for name in (None, "anna")
    }  # fmt: skip

    assert set(answers.values()) <= {200, 303, 400, 403, 404}, answers


@pytest.mark.parametrize("content_type, body", BODIES.values(), ids=BODIES)
def test_strange_body_of_a_look_up_is_refused_in_json(app, content_type, body):
    answer = app.request("/cms/post?format=msg", "POST", data=body, headers={"Content-Type": content_type})

    assert answer.status in (400, 401)
    assert answer.json()["status"] == "failed"


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data"])
def test_content_disposition_of_the_request_is_no_ticket(app, content_type):
    headers = {"Content-Type": content_type, "Content-Disposition": "form-data; name=x"}

    assert app.request("/default/user/login", "POST", data=b"x", headers=headers).status in (200, 400)


def test_form_with_nul_is_refused_with_a_sentence(app):
    answer = app.request("/default/user/login", "POST", data={"email": "a\x00@example.org"})

    assert answer.status == 400
    assert "The value of email has characters that cannot be stored." in answer.text


@pytest.mark.parametrize("credentials", [b"\x00:\x00", b"a\x00@x:y", b"anna@cast.example:\x00", b"\x00", b":", b"@:"])
def test_strange_basic_credentials_are_refused(app, credentials):
    headers = {"Authorization": "Basic " + base64.b64encode(credentials).decode()}

    assert app.request("/cms/post.json", headers=headers).status == 401


def test_repeated_login_fields_count_with_their_last_value(app):
    page = app.request("/default/user/login")
    hidden = dict(re.findall(r'<input name="(_\w+)" type="hidden" value="([^"]*)"', page.text))
    repeated = {name: [value, value] for name, value in hidden.items()}
    fields = {"email": ["nobody@example.org", cast.PEOPLE["anna"][2]], "password": ["wrong", cast.PASSWORD], **repeated}

    answer = app.request("/default/user/login", "POST", data=fields, cookies=page.cookies)

    assert answer.headers["location"] == f"/{app.name}/default/index"
    assert app.request("/cms/post", cookies=answer.cookies).status == 200


def test_file_in_the_place_of_a_text_is_none(app):
    page = app.request("/default/user/login")
    hidden = dict(re.findall(r'<input name="(_\w+)" type="hidden" value="([^"]*)"', page.text))
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in hidden.items()]
    parts += [f'name="{name}"; filename="f"\r\nContent-Type: text/plain\r\n\r\nx' for name in ("email", "password")]
    body = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--x--\r\n"

    answer = app.request("/default/user/login", "POST", data=body.encode(), cookies=page.cookies,
                         headers={"Content-Type": "multipart/form-data; boundary=x"})  # fmt: skip

    assert answer.status == 200


@pytest.mark.parametrize("query", ["_language=de&_language=en", "_language=", "_language=%00", "_language=xx&_language=yy"])
def test_strange_language_is_no_ticket(app, query):
    assert app.request(f"/default/index?{query}").status == 200


def test_last_of_several_languages_counts(app):
    with app.configured("settings.L10n.languages = {'en': 'English', 'de': 'Deutsch'}"):
        assert 'lang="de"' in app.request("/default/index?_language=en&_language=de").text


def test_deeply_nested_json_is_refused(app):
    for nested in (b"[" * 100_000, b'{"a":' * 100_000):
        answer = app.request("/cms/post.json", "POST", data=nested, headers={"Content-Type": "application/json"}, auth="editor")

        assert (answer.status, answer.json()["status"]) == (400, "failed")
    assert json.loads(app.request("/cms/post.json", auth="editor").text) == []
