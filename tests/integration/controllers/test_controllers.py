"""The controllers: every page answers, the home page shows what one may read, unknown pages are not there."""
from __future__ import annotations

import re

import pytest

PAGES = [
    "/cms/post", "/cms/series", "/org/organisation", "/org/office", "/gis/location", "/pr/person", "/pr/group", "/pr/contact",
    "/pr/filter", "/pr/subscription", "/msg/outbox", "/msg/message", "/msg/email", "/msg/subscription",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_list_is_a_page_of_its_own(app, path):
    page = app.request(path, auth="admin")

    assert page.status == 200
    assert len(page.text.encode()) < 60_000
    assert len(re.findall("<h1", page.text)) == 1
    assert '<main id="content"' in page.text
    assert 'href="#content"' in page.text
    # nothing of others
    assert not re.search(r'(src|href)="(https?:)?//', page.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_list_is_also_json(app, path):
    response = app.request(f"{path}.json", auth="admin")

    assert response.status == 200
    assert isinstance(response.json(), list)


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("/msg/") or path == "/msg/subscription"])
def test_every_form_has_a_label_for_each_input(app, path):
    page = app.request(f"{path}/create", auth="admin")

    assert page.status == 200
    named = {name for name in re.findall(r'<(?:input|select|textarea)[^>]*\bid="([^"]+)"', page.text)}
    labelled = set(re.findall(r'<label[^>]*\bfor="([^"]+)"', page.text))
    assert named
    assert named <= labelled


@pytest.mark.parametrize("path", ["/msg/outbox", "/msg/message", "/msg/email"])
def test_messages_are_not_written_by_hand(app, path):
    assert app.request(f"{path}/create", auth="admin").status == 405
    assert app.request(f"{path}.json", "POST", json={}, auth="admin").status == 405


@pytest.mark.parametrize("path", ["/pr/subscription", "/msg/outbox", "/pr/filter"])
@pytest.mark.parametrize("who", ["anna", None])
def test_pages_of_administrators_are_closed_to_others(app, path, who):
    assert app.request(f"{path}.json", auth=who).status in (401, 403)


def test_home_page_links_to_what_the_reader_may_read(app):
    assert "/cms/post" in app.request("/default/index", auth="anna").text
    home = app.request("/default/index").text
    assert "/cms/post" not in home
    assert "/default/user/login" in home


@pytest.mark.parametrize("page", ["nonsense", "current", "nonsense.json", "__doc__"])
def test_only_registered_pages_of_a_template_are_reached(app, page):
    assert app.request(f"/default/index/{page}").status == 404


@pytest.mark.parametrize("module", ["cms", "event", "pr", "org", "gis", "msg"])
def test_module_has_an_entry(app, module):
    answer = app.request(f"/{module}/index", auth="admin")

    assert answer.status == 303
    assert f"/{module}/" in answer.headers["location"]
