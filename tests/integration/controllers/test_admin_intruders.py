"""Nobody but administrators gets in, and nothing changes without the key of a form of one's own session."""
from __future__ import annotations

import re
import urllib.parse

import cast
import pytest

#: page, form, what is sent to do harm; {ben} and {writer} stand for ids
ATTEMPTS = [
    ("/admin/user/{ben}", "edit_account", {"email": "evil@cast.example", "first_name": "Eve", "last_name": "", "language": "en"}),
    ("/admin/user/{ben}", "account_state", {"action": "disable"}),
    ("/admin/user/{ben}", "assign_role", {"role": "{admin_role}", "realm": "0"}),
    ("/admin/user/{ben}", "withdraw_role", {"withdraw": "{membership}"}),
    ("/admin/role/create", "create_role", {"role": "Evil", "description": ""}),
    ("/admin/role/{writer}", "edit_role", {"role": "Evil", "description": ""}),
    ("/admin/role/{writer}/delete", "delete_role", {}),
    ("/admin/role/{writer}/rule/create", "create_rule", {"controller": "pr", "uacl_READ": "on", "entity": "any"}),
    ("/admin/role/{writer}/rule/{rule}", "edit_rule", {"uacl_DELETE": "on"}),
    ("/admin/role/{writer}/rule/{rule}", "delete_rule", {}),
]


# a form that is not the one of the attempt
OTHER = ("edit_account", "assign_role")


def attempts(app):
    """All attempts, for the ids of this database."""
    with app.env() as current:
        auth, ben = current.auth, app.people["ben"].user_id
        held, rules = auth.table("auth_membership"), auth.table("s3_permission")
        writer = auth.find_role_id("WRITER")
        ids = {
            "ben": ben,
            "admin_role": auth.find_role_id("ADMIN"),
            "writer": writer,
            "membership": current.db(held.user_id == ben).select().first().id,
            "rule": current.db(rules.group_id == writer).select().first().id,
        }
    return [(path.format(**ids), form, {key: value.format(**ids) for key, value in fields.items()}) for path, form, fields in ATTEMPTS]


def key_of(page, form):
    hidden = rf'name="_formkey" type="hidden" value="([^"]+)" */>\s*<input name="_formname" type="hidden" value="{form}"'
    return re.search(hidden, page.text)[1]


@pytest.mark.parametrize("index", range(len(ATTEMPTS)), ids=[form for _, form, _ in ATTEMPTS])
def test_the_attempt_works_for_an_administrator_with_the_form_once(app, admin, state, index):
    """Else the tests below would refuse what never worked."""
    path, form, fields = attempts(app)[index]
    before = state()
    admin.get(path)
    sent = {**admin.fields(form), **fields}

    assert admin.post(path, **sent).status == 303
    after = state()
    assert after != before

    again = admin.post(path, **sent)
    assert again.status == 404 or "This form has expired" in again.text
    assert state() == after


@pytest.mark.parametrize("who", [None, "ben", "editor"])
def test_others_are_refused_even_with_the_key_of_an_administrator(app, browser, state, who):
    admin = browser("admin")
    intruder = browser(who) if who else type(admin)(app)
    before = state()

    for path, form, fields in attempts(app):
        key = key_of(admin.get(path), form)
        for answer in (intruder.get(path), intruder.post(path, **fields, _formkey=key, _formname=form)):
            assert answer.status == 303
            assert "/admin/" not in answer.headers["location"].partition("?")[0]
            assert not re.search("cast.example|formkey", answer.text)
    assert state() == before


@pytest.mark.parametrize("who", ["editor", None])
def test_programs_of_others_are_refused_too(app, state, who):
    path, form, fields = attempts(app)[2]
    before = state()

    for suffix in ("", ".json"):
        for verb in ("GET", "POST", "PUT", "DELETE"):
            answer = app.request(path + suffix, verb, data={**fields, "_formname": form}, auth=who)
            assert answer.status in (303, 401, 403)
    assert state() == before


@pytest.mark.parametrize("key", ["none", "foreign", "of another form"])
def test_form_without_its_own_key_does_nothing(app, browser, state, key):
    admin, other = browser("admin"), browser("admin")
    anna = f"/admin/user/{app.people['anna'].user_id}"
    before = state()

    for path, form, fields in attempts(app):
        admin.get(path)
        sent = {}
        if key == "foreign":
            sent["_formkey"] = key_of(other.get(path), form)
        elif key == "of another form":
            sent["_formkey"] = key_of(admin.get(anna), OTHER[form == "edit_account"])
        answer = admin.post(path, **fields, **sent, _formname=form)
        assert answer.status == 200
        assert "This form has expired" in answer.text
    assert state() == before


def test_address_alone_changes_nothing(app, admin, state):
    before = state()

    for path, form, fields in attempts(app):
        key = key_of(admin.get(path), form)
        query = urllib.parse.urlencode({**fields, "_formkey": key, "_formname": form})
        assert admin.get(f"{path}?{query}").status == 200
    assert state() == before


def test_basic_credentials_of_an_administrator_are_no_form_key(app, state):
    """What a browser sends along by itself to a page that another site has made it open."""
    before = state()

    for path, form, fields in attempts(app):
        assert app.request(path, "POST", data={**fields, "_formname": form}, auth="admin").status == 200
    assert state() == before


@pytest.mark.parametrize("policy", [1, 5, 7])
def test_no_policy_and_no_rule_opens_the_pages(app, policy):
    with app.env() as current:
        current.auth.permission.update_acl("AUTHENTICATED", c="admin", uacl=current.auth.permission.ALL)
        for table in ("auth_user", "auth_membership", "auth_event"):
            current.auth.permission.update_acl("AUTHENTICATED", t=table, uacl=current.auth.permission.ALL)
        current.db.commit()

    with app.configured(f"settings.security.policy = {policy}"):
        for path in ("/admin/user", "/admin/event", "/admin/role", f"/admin/user/{app.people['ben'].user_id}"):
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
    path, form, fields = attempts(app)[2]
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
