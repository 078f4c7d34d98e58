"""Logging in and out through whole requests: form keys, session ids, targets, refusals."""
from __future__ import annotations

import re

import cast
import pytest


def form_fields(page):
    """Hidden fields of the form of a page."""
    return dict(re.findall(r'<input name="(_\w+)" type="hidden" value="([^"]*)"', page.text))


def session_id(response):
    return next(morsel.value for name, morsel in response.cookies.items() if name.startswith("session_id"))


def post(app, path, page, **fields):
    return app.request(path, "POST", data={**form_fields(page), **fields}, cookies=page.cookies)


def login(app, name="anna", path="/default/user/login", password=cast.PASSWORD):
    """(page with the form, answer to the form)"""
    page = app.request(path)
    return page, post(app, path, page, email=cast.PEOPLE[name][2], password=password)


def test_login_opens_a_restricted_page(app):
    assert app.request("/cms/post").status == 303

    _, answer = login(app)

    assert (answer.status, answer.headers["location"]) == (303, f"/{app.name}/default/index")
    assert app.request("/cms/post", cookies=answer.cookies).status == 200


def test_login_gives_the_session_a_new_id_and_closes_the_old_one(app):
    page, answer = login(app)

    assert session_id(page) != session_id(answer)
    assert app.request("/cms/post", cookies=page.cookies).status == 303


def test_session_cookie_is_kept_from_scripts_and_other_sites(app):
    _, answer = login(app)

    cookie = next(morsel for name, morsel in answer.cookies.items() if name.startswith("session_id"))
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("name", "password"), [("anna", "wrong"), ("anna", ""), ("guest", cast.PASSWORD)], ids=["wrong", "empty", "no such user"]
)
def test_failed_login_says_the_same_to_all(app, monkeypatch, name, password):
    monkeypatch.setitem(cast.PEOPLE, "guest", ("", "", "guest@cast.example", ()))

    _, answer = login(app, name, password=password)

    assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, f"/{app.name}/default/user/login")
    again = app.request("/default/user/login", cookies=answer.cookies)
    assert "Invalid login" in again.text
    assert app.request("/cms/post", cookies=answer.cookies).status == 303


def test_login_without_the_form_key_is_not_one(app):
    fields = {"email": cast.PEOPLE["anna"][2], "password": cast.PASSWORD, "_formname": "login"}

    answer = app.request("/default/user/login", "POST", data=fields)

    assert answer.status == 200
    assert "This form has expired" in answer.text
    assert cast.PASSWORD not in answer.text
    assert app.request("/cms/post", cookies=answer.cookies).status == 303


def test_form_key_of_another_session_is_not_accepted(app):
    mine, theirs = (app.request("/default/user/login") for _ in range(2))
    theirs.cookies = mine.cookies

    answer = post(app, "/default/user/login", theirs, email=cast.PEOPLE["anna"][2], password=cast.PASSWORD)

    assert answer.status == 200


def test_refused_page_is_opened_after_login(app):
    refused = app.request("/cms/post?~.name__like=a%2Cb&x=1")
    login_url = refused.headers["location"].removeprefix(f"/{app.name}")

    _, answer = login(app, path=login_url)

    assert answer.headers["location"].startswith(f"/{app.name}/cms/post?")
    assert app.request(answer.headers["location"].removeprefix(f"/{app.name}"), cookies=answer.cookies).status in (200, 400)


@pytest.mark.parametrize("target", ["//evil.example/", "http://evil.example/", "/\\evil.example"])
def test_login_leads_to_no_other_host(app, target):
    page = app.request("/default/user/login", vars={"_next": target})
    answer = app.request(
        "/default/user/login", "POST", cookies=page.cookies,
        data={**form_fields(page), "_next": target, "email": cast.PEOPLE["anna"][2], "password": cast.PASSWORD},
    )  # fmt: skip

    assert answer.headers["location"] == f"/{app.name}/default/index"


def test_logout_closes_the_session(app):
    _, answer = login(app)

    left = log_out(app, answer, logout_key(app.request("/cms/post", cookies=answer.cookies)))

    assert left.status == 303
    for cookies in (answer.cookies, left.cookies):
        assert app.request("/cms/post", cookies=cookies).status == 303


def test_logout_through_its_own_page_needs_the_button(app):
    _, answer = login(app)

    page = app.request("/default/user/logout", cookies=answer.cookies)

    assert page.status == 200
    assert app.request("/cms/post", cookies=answer.cookies).status == 200
    assert log_out(app, answer, logout_key(page)).status == 303
    assert app.request("/cms/post", cookies=answer.cookies).status == 303


@pytest.mark.parametrize("key", [None, "", "x", "\u00fc", ["a", "b"]])
def test_another_site_cannot_log_anybody_out(app, key):
    _, answer = login(app)

    assert log_out(app, answer, key).status == 200
    assert app.request("/cms/post", cookies=answer.cookies).status == 200


def test_logout_key_of_another_session_is_not_accepted(app):
    _, mine = login(app)
    _, theirs = login(app)
    key = logout_key(app.request("/cms/post", cookies=theirs.cookies))

    assert log_out(app, mine, key).status == 200
    assert app.request("/cms/post", cookies=mine.cookies).status == 200


def test_logout_of_nobody_leads_home(app):
    answer = app.request("/default/user/logout")

    assert (answer.status, answer.headers["location"]) == (303, f"/{app.name}/default/index")


def logout_key(page):
    return re.search(r'<input name="_logout_key" type="hidden" value="(\w+)"', page.text)[1]


def log_out(app, login, key):
    return app.request("/default/user/logout", "POST", data={} if key is None else {"_logout_key": key}, cookies=login.cookies)


def test_blocked_account_loses_its_session_at_once(app):
    _, answer = login(app)
    with app.env() as current:
        current.db(current.db.auth_user.email == cast.PEOPLE["anna"][2]).update(registration_key="disabled")
        current.db.commit()

    assert app.request("/cms/post", cookies=answer.cookies).status == 303


def test_basic_authentication_sets_no_session(app):
    assert app.request("/cms/post.json", auth="anna").status == 200
    assert app.request("/cms/post.json").status == 401
    assert app.request("/cms/post.json").headers["www-authenticate"] == f'Basic realm="{app.name}"'

    answer = app.request("/cms/post.json", auth="anna")
    assert app.request("/cms/post.json", cookies=answer.cookies).status == 401


def test_refused_data_request_has_a_json_message(app):
    answer = app.request("/cms/post.json")

    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json() == {"status": "failed", "statuscode": "401", "message": "Authentication Required"}


def test_user_without_the_right_gets_403(app):
    answer = app.request("/cms/post.json", auth="ben")

    assert (answer.status, answer.json()["statuscode"]) == (403, "403")
    assert "www-authenticate" not in answer.headers


def test_anonymous_visit_stores_no_session(app):
    sessions = app.folder / "sessions"
    before = set(sessions.iterdir()) if sessions.exists() else set()

    assert app.request("/default/index").status == 200

    assert (set(sessions.iterdir()) if sessions.exists() else set()) == before


def test_password_change_ends_all_other_sessions(app):
    _, other = login(app)
    _, mine = login(app)
    page = app.request("/default/user/change_password", cookies=mine.cookies)
    page.cookies = mine.cookies
    new = {"new_password": "a longer secret", "repeat_password": "a longer secret"}

    refused = post(app, "/default/user/change_password", page, password="wrong", **new)
    assert "Wrong password" in refused.text and "a longer secret" not in refused.text

    refused.cookies = mine.cookies
    answer = post(app, "/default/user/change_password", refused, password=cast.PASSWORD, **new)

    assert answer.status == 303
    assert app.request("/cms/post", cookies=answer.cookies).status == 200
    for stale in (mine, other):
        assert app.request("/cms/post", cookies=stale.cookies).status == 303
    assert login(app, password="a longer secret")[1].headers["location"].endswith("/default/index")


@pytest.mark.parametrize(
    ("new", "repeated", "message"), [("short", "short", "at least 8 characters"), ("long enough", "long enuff", "passwords differ")]
)
def test_new_password_is_checked(app, new, repeated, message):
    _, mine = login(app)
    page = app.request("/default/user/change_password", cookies=mine.cookies)
    page.cookies = mine.cookies

    answer = post(app, "/default/user/change_password", page, password=cast.PASSWORD, new_password=new, repeat_password=repeated)

    assert answer.status == 200
    assert message in answer.text


def test_profile_changes_the_names_of_account_and_person(app):
    _, mine = login(app)
    page = app.request("/default/user/profile", cookies=mine.cookies)
    page.cookies = mine.cookies

    answer = post(app, "/default/user/profile", page, first_name="Änne", last_name="<b>", language="en")

    assert answer.status == 303
    with app.env() as current:
        person = current.s3db.pr_person(app.people["anna"].person_id)
        assert (person.first_name, person.last_name) == ("Änne", "<b>")
    assert "&lt;b&gt;" in app.request("/default/user/profile", cookies=mine.cookies).text


@pytest.mark.parametrize("page", ["profile", "change_password"])
def test_account_pages_ask_strangers_to_log_in(app, page):
    answer = app.request(f"/default/user/{page}")

    assert (answer.status, answer.headers["location"].partition("?")[0]) == (303, f"/{app.name}/default/user/login")


def test_registration_is_closed_by_default(app):
    answer = app.request("/default/user/register")

    assert answer.status == 403
    assert "Registration is not open here" in answer.text


def test_unknown_account_page_is_404(app):
    assert app.request("/default/user/nosuch").status == 404


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("settings.security.policy = 8", "security.policy"),
        ("settings.security.policy = 99", "security.policy"),
        ("settings.auth.hmac_key = 'akeytochange'", "settings.auth.hmac_key"),
    ],
)
def test_configuration_that_would_protect_nothing_stops_every_request(app, line, reason):
    config = app.folder / "models" / "000_config.py"
    before = config.read_text()
    config.write_text(f"{before}\n{line}\n")
    try:
        answer = app.request("/default/index")
    finally:
        config.write_text(before)

    assert answer.status == 503
    assert reason in answer.text
