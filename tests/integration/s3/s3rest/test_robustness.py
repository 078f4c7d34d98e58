"""Whatever anybody may send: a clear answer, and never an error ticket, which ``app.request`` reports as a failure."""
from __future__ import annotations

import pytest

URLS = {
    "/cms/post/99999999999999999999.json": 404,
    "/cms/post/1/2/3/4/5.json": 400,
    "/cms/post/1/nonsense/2/update.json": 400,
    "/cms/post/delete": 404,
    "/cms/post.json?~.title=%00": 400,
    "/cms/post.json?~.title=%FF%FE": 200,
    "/cms/post.json?~.id=abc": 400,
    "/cms/post.json?~.=1": 400,
    "/cms/post.json?.=1": 400,
    "/cms/post.json?(x)=1": 400,
    "/cms/post.json?a.b=1": 400,
    "/cms/post.json?~.expired=maybe": 400,
    "/cms/post.json?post.uid=xyz": 404,
    "/cms/post.json?start=99999999999999999999": 400,
    "/cms/post.json?start=1&start=2": 400,
    "/cms/post?format=": 200,
    "/cms/post?format=json&format=msg": 401,
    "/pr/person/contact": 303,
    "/pr/person/update": 303,
    "/pr/person/4711/contact.json": 404,
    "/default/index/../..": 404,
}

BODIES = {
    "nul": {"body": "a\x00b"},
    "surrogate": {"body": "\ud800"},
    "list for text": {"body": ["x"]},
    "object for text": {"body": {"a": 1}},
    "too long": {"body": "x", "title": "y" * 5000},
    "number out of range": {"body": "x", "location_id": 99999999999999999999},
    "before all times": {"body": "x", "date": "0001-01-01T00:00:00+14:00"},
}


def test_strange_url_gets_its_status(app):
    answers = {path: app.request(path, auth="admin").status for path in URLS}

    assert answers == URLS


def test_strange_value_is_refused(app):
    answers = {name: app.request("/cms/post.json", "POST", json=body, auth="editor") for name, body in BODIES.items()}

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(BODIES, 400)
    assert app.request("/cms/post.json", auth="editor").json() == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("application/x-www-form-urlencoded", b"body=a%00b"),
        ("application/json", b"\xff"),
        ("text/plain", b"x"),
        ("", b"x"),
    ],
)
def test_strange_body_stores_nothing(app, content_type, body):
    headers = {"Content-Type": content_type}

    page = app.request("/cms/post/create", "POST", data=body, headers=headers, auth="editor")
    answer = app.request("/cms/post.json", "POST", data=body, headers=headers, auth="editor")

    assert page.status in (200, 400)
    assert answer.status in (400, 415)
    assert app.request("/cms/post.json", auth="editor").json() == []
