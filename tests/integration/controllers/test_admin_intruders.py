"""Nobody but administrators gets in, and nothing changes without the key of a form of one's own session."""
from __future__ import annotations

import re

import cast
import pytest

#: page, form, what is sent to do harm; {ben} and {writer} stand for ids
ATTEMPTS = [
    ("/admin/user/{ben}", "edit_account", {"email": "evil@cast.example", "first_name": "Eve", "last_name": "", "language": "en"}),
    ("/admin/user/{ben}", "account_state", {"action": "disable"}),
    ("/admin/user/{ben}", "assign_role", {"role": "{admin_role}", "realm": "0"}),
    ("/admin/user/{ben}", "withdraw_role", {"withdraw": "{membership}"}),
]


def fill(app, text):
    with app.env() as current:
        auth, ben = current.auth, app.people["ben"].user_id
        table = auth.table("auth_membership")
        membership = current.db(table.user_id == ben).select().first().id
        ids = {"ben": ben, "admin_role": auth.find_role_id("ADMIN"), "writer": auth.find_role_id("WRITER"), "membership": membership}
    return text.format(**ids)


def attempt(app, index):
    path, form, fields = ATTEMPTS[index]
    return fill(app, path), form, {name: fill(app, value) for name, value in fields.items()}


every_attempt = pytest.mark.parametrize("index", range(len(ATTEMPTS)), ids=[f"{form}" for _, form, _ in ATTEMPTS])


def key_of(page, form):
    hidden = rf'name="_formkey" type="hidden" value="([^"]+)" */>\s*<input name="_formname" type="hidden" value="{form}"'
    return re.search(hidden, page.text)[1]


@every_attempt
def test_the_attempt_works_for_an_administrator_with_the_form(app, admin, state, index):
    """Else the tests below would refuse what never worked."""
    path, form, fields = attempt(app, index)
    before = state()

    assert admin.submit(path, form, **fields).status == 303
    assert state() != before


@pytest.mark.parametrize("who", [None, "ben", "editor"])
@every_attempt
def test_others_are_refused_even_with_the_key_of_an_administrator(app, browser, state, index, who):
    path, form, fields = attempt(app, index)
    admin = browser("admin")
    key = key_of(admin.get(path), form)
    intruder = browser(who) if who else type(admin)(app)
    before = state()

    page = intruder.get(path)
    answer = intruder.post(path, **fields, _formkey=key, _formname=form)

    assert page.status == answer.status == 303
    assert "/admin/" not in page.headers["location"].partition("?")[0]
    assert not re.search("cast.example|formkey", page.text + answer.text)
    assert state() == before


@pytest.mark.parametrize("who", ["editor", None])
def test_programs_of_others_are_refused_too(app, state, who):
    path, form, fields = attempt(app, 2)
    before = state()

    for suffix in ("", ".json"):
        for verb in ("GET", "POST", "PUT", "DELETE"):
            answer = app.request(path + suffix, verb, data={**fields, "_formname": form}, auth=who)
            assert answer.status in (303, 401, 403)
    assert state() == before


@pytest.mark.parametrize("key", ["none", "foreign", "of another form", "used"])
@every_attempt
def test_form_without_its_own_fresh_key_does_nothing(app, browser, state, index, key):
    path, form, fields = attempt(app, index)
    admin = browser("admin")
    page = admin.get(path)
    sent = {"_formname": form}
    if key == "foreign":
        sent["_formkey"] = key_of(browser("admin").get(path), form)
    elif key == "of another form":
        other = next(name for _, name, _ in ATTEMPTS if name != form)
        sent["_formkey"] = key_of(page, other)
    elif key == "used":
        sent["_formkey"] = key_of(page, form)
        admin.post(path, **sent, action="", email="", role="", withdraw="")
    before = state()

    answer = admin.post(path, **fields, **sent)

    if key == "used" and form in ("edit_account", "assign_role"):
        # a form with errors keeps a key, but a new one
        assert key_of(answer, form) != sent["_formkey"]
    assert answer.status == 200
    assert "This form has expired" in answer.text
    assert state() == before


@every_attempt
def test_address_alone_changes_nothing(app, admin, state, index):
    path, form, fields = attempt(app, index)
    key = key_of(admin.get(path), form)
    before = state()

    query = "&".join(f"{name}={value}" for name, value in {**fields, "_formkey": key, "_formname": form}.items())

    assert admin.get(f"{path}?{query}").status == 200
    assert state() == before


def test_basic_credentials_of_an_administrator_are_no_form_key(app, state):
    """What a browser sends along by itself to a page that another site has made it open."""
    path, form, fields = attempt(app, 2)
    before = state()

    answer = app.request(path, "POST", data={**fields, "_formname": form}, auth="admin")

    assert answer.status == 200
    assert state() == before


@pytest.mark.parametrize("policy", [1, 2, 3, 6, 7])
def test_no_policy_and_no_rule_opens_the_pages(app, policy):
    with app.env() as current:
        current.auth.permission.update_acl("AUTHENTICATED", c="admin", uacl=current.auth.permission.ALL)
        for table in ("auth_user", "auth_membership", "auth_event"):
            current.auth.permission.update_acl("AUTHENTICATED", t=table, uacl=current.auth.permission.ALL)
        current.db.commit()

    with app.configured(f"settings.security.policy = {policy}"):
        for path in ("/admin/user", "/admin/event", f"/admin/user/{app.people['ben'].user_id}"):
            answer = app.request(path, auth="editor")
            assert answer.status == 303 and "cast.example" not in answer.text
        assert app.request("/admin/user", auth="admin").status == 200


@pytest.mark.parametrize(
    ("path", "verb", "status"),
    [("/admin/user.json", "GET", 415), ("/admin/user", "PUT", 405), ("/admin/user", "DELETE", 405)],
)
def test_pages_have_no_other_format_and_verb(app, path, verb, status):
    assert app.request(path, verb, auth="admin").status == status


def test_account_that_is_no_administrator_any_more_is_out_at_once(app, browser, state):
    path, form, fields = attempt(app, 2)
    admin = browser("admin")
    admin.get(path)
    with app.env() as current:
        current.auth.s3_assign_role(app.people["anna"].user_id, "ADMIN")
        current.auth.s3_withdraw_role(app.people["admin"].user_id, "ADMIN")
        current.db.commit()
    before = state()

    assert admin.send(path, form, **fields).status == 303
    assert state() == before
    assert cast.PEOPLE["admin"][2] in browser("anna").get("/admin/user").text
