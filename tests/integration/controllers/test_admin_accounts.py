"""The pages of administrators about accounts, memberships and the log: what they show, do, refuse and note down."""
from __future__ import annotations

import re
import threading

import cast
import pytest

from s3.s3admin.safety import require_another_administrator


def account(app, name):
    return f"/admin/user/{app.people[name].user_id}"


def set_account(app, name, **values):
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people[name].user_id).update(**values)
        current.db.commit()


def memberships(app, name):
    with app.env() as current:
        table, groups = current.auth.table("auth_membership"), current.auth.table("auth_group")
        query = (table.user_id == app.people[name].user_id) & (table.deleted == False) & (groups.id == table.group_id)
        return {(row.auth_group.uuid, row.auth_membership.pe_id) for row in current.db(query).select()}


def role_id(app, uid):
    with app.env() as current:
        return current.auth.find_role_id(uid)


def read_account(app, name):
    with app.env() as current:
        return current.db.auth_user[app.people[name].user_id].as_dict()


# -- the list ----------------------------------------------------------------------------------------------------------
def test_list_shows_accounts_with_states_and_roles_and_no_secret(app, admin):
    set_account(app, "ben", registration_key="verify:0123456789abcdef", reset_password_key="fedcba9876543210")

    page = admin.get("/admin/user")

    assert page.status == 200
    [line] = [row for row in re.findall(r"<tr>.*?</tr>", page.text) if "editor@cast.example" in row]
    assert "Edda Ernst" in line and "Active" in line and "Authenticated, Reader, Writer" in line
    assert "E-mail not confirmed" in page.text
    assert not re.search("pbkdf2|0123456789abcdef|fedcba9876543210", page.text)
    assert not re.search("pbkdf2|0123456789abcdef|fedcba9876543210", admin.get(account(app, "ben")).text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "ANNA"}, {"anna"}),
        ({"search": "abel anna@"}, {"anna"}),
        ({"search": "%"}, set()),
        ({"search": "_nna"}, set()),
        ({"state": "pending"}, {"ben"}),
        ({"state": "unverified"}, {"editor"}),
        ({"state": "active"}, {"admin", "anna"}),
        ({"state": "nonsense"}, set()),
        ({"start": "nonsense", "role": "x"}, {"admin", "anna", "ben", "editor"}),
    ],
)
def test_list_finds_by_name_address_and_state(app, query, found):
    set_account(app, "ben", registration_key="pending")
    set_account(app, "editor", registration_key="verify:0123456789abcdef")

    page = app.request("/admin/user", vars=query, auth="admin")

    assert set(re.findall(r">(\w+)@cast\.example<", page.text)) == found


def test_list_finds_who_has_a_role(app):
    page = app.request("/admin/user", vars={"role": role_id(app, "READER")}, auth="admin")

    assert set(re.findall(r">(\w+)@cast\.example<", page.text)) == {"anna", "editor"}


def test_long_list_has_pages_that_keep_the_search(app):
    with app.env() as current:
        for number in range(60):
            current.db.auth_user.insert(first_name="Many", email=f"many{number:02d}@cast.example", registration_key="")
        current.db.commit()

    first = app.request("/admin/user", vars={"search": "many"}, auth="admin")
    last = app.request("/admin/user", vars={"search": "many", "start": 50}, auth="admin")

    assert "1 to 50 of 60" in first.text and re.search(r'href="[^"]*search=many[^"]*start=50"[^>]*>Next page', first.text)
    assert "51 to 60 of 60" in last.text and "many59@" in last.text and "many49@" not in last.text


# -- one account -------------------------------------------------------------------------------------------------------
def test_names_address_and_language_are_changed_and_logged(app, admin, events):
    answer = admin.submit(account(app, "ben"), "edit_account", first_name="Benno", email="Benno@Cast.example", language="de")

    page = admin.follow(answer)
    assert "Account saved" in page.text and "Benno Bruck" in page.text
    stored = read_account(app, "ben")
    assert (stored["first_name"], stored["email"], stored["language"]) == ("Benno", "benno@cast.example", "de")
    changed = {"first_name": ["Ben", "Benno"], "email": ["ben@cast.example", "benno@cast.example"], "language": ["en", "de"]}
    assert ("auth_user", "updated", changed, app.people["admin"].user_id) in events()


@pytest.mark.parametrize(
    ("fields", "beside"),
    [
        ({"email": "anna@cast.example"}, "email"),
        ({"email": "no address"}, "email"),
        ({"first_name": ""}, "first_name"),
        ({"language": "tlh"}, "language"),
    ],
)
def test_wrong_value_is_said_beside_its_field_and_stored_nowhere(app, admin, state, fields, beside):
    before = state()

    page = admin.submit(account(app, "ben"), "edit_account", **fields)

    assert page.status == 200
    assert re.search(rf'id="{beside}__error"', page.text)
    assert re.search(rf'<(input|select)[^>]*aria-describedby="{beside}__error"[^>]*name="{beside}"', page.text)
    assert state() == before


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [("pending", "approve", ""), ("", "disable", "disabled"), ("disabled", "enable", ""), ("blocked", "enable", "")],
)
def test_account_is_approved_disabled_and_enabled(app, admin, events, before, action, after):
    set_account(app, "ben", registration_key=before)

    admin.follow(admin.submit(account(app, "ben"), "account_state", action=action))

    assert read_account(app, "ben")["registration_key"] == after
    assert ("auth_user", "updated", {"registration_key": [before, after]}, app.people["admin"].user_id) in events()


def test_what_an_account_is_not_ready_for_is_said_and_not_done(app, admin, state):
    before = state()

    page = admin.submit(account(app, "ben"), "account_state", action="approve")

    assert 'role="alert"' in page.text and "does not wait for approval" in page.text
    assert state() == before


def test_link_for_a_new_password_goes_to_its_owner(app, browser):
    with app.configured('settings.base.public_url = "http://127.0.0.1:8000"'):
        admin = browser("admin")
        page = admin.follow(admin.submit(account(app, "ben"), "account_state", action="send_link"))

    [mail] = app.smtp.messages
    key = re.search(r"/default/user/reset_password/(\S+)", mail.get_content())[1]
    assert mail["To"] == "ben@cast.example" and key not in page.text
    assert "asked for user" in app.request("/admin/event", auth="admin").text


NOWHERE = [
    "/admin/role/0", "/admin/role/1/nonsense", "/admin/role/1/rule/0", "/admin/role/1/delete",
    "/admin/user/0", "/admin/user/99999999", "/admin/user/x", "/admin/user/1/2", "/admin/event/1", "/admin/nothing",
]  # fmt: skip


def test_page_of_nothing_is_not_found(app):
    assert {path: app.request(path, auth="admin").status for path in NOWHERE} == dict.fromkeys(NOWHERE, 404)


# -- memberships -------------------------------------------------------------------------------------------------------
def test_role_is_given_for_realms_and_withdrawn_each_for_itself(app, admin, events):
    with app.env() as current:
        table = current.s3db.table("org_organisation")
        organisation = {"id": table.insert(name="Red Cross <North>")}
        current.s3db.update_super(table, organisation)
        pe_id = table[organisation["id"]].pe_id
        current.db.commit()
    writer = str(role_id(app, "WRITER"))

    for realm in ("", "0", str(pe_id)):
        page = admin.follow(admin.submit(account(app, "ben"), "assign_role", role=writer, realm=realm))
    assert memberships(app, "ben") == {("AUTHENTICATED", None), ("WRITER", None), ("WRITER", 0), ("WRITER", pe_id)}
    assert "Red Cross &lt;North&gt;" in page.text and "everybody (whole site)" in page.text

    [button] = re.findall(r'aria-label="Withdraw: Writer, Red Cross[^>]*value="(\d+)"', page.text)
    admin.follow(admin.send(account(app, "ben"), "withdraw_role", withdraw=button))
    assert memberships(app, "ben") == {("AUTHENTICATED", None), ("WRITER", None), ("WRITER", 0)}

    me, ben = app.people["admin"].user_id, app.people["ben"].user_id
    changed = [(action, changes, who) for table, action, changes, who in events() if table == "auth_membership"]
    given = {"user_id": [None, ben], "group_id": [None, int(writer)], "pe_id": [None, pe_id]}
    assert changed[2] == ("created", given, me)
    action, taken, who = changed[3]
    assert (action, who) == ("deleted", me)
    assert taken == {"deleted": [False, True], "user_id": [ben, None], "group_id": [int(writer), None]}


@pytest.mark.parametrize(
    "fields",
    [{"role": "99999999"}, {"role": "ADMIN"}, {"role": ""}, {"realm": "99999999"}, {"realm": "x"}, {"realm": "-1"}],
)
def test_role_or_realm_that_is_not_on_the_list_is_refused(app, admin, state, fields):
    before = state()

    page = admin.submit(account(app, "ben"), "assign_role", **fields)

    assert page.status == 200 and f'id="{next(iter(fields))}__error"' in page.text
    assert state() == before


def test_role_of_somebody_else_is_not_withdrawn_by_the_page_of_ben(app, admin, state):
    with app.env() as current:
        table = current.auth.table("auth_membership")
        other = current.db(table.user_id == app.people["editor"].user_id).select().first().id
    before = state()

    page = admin.submit(account(app, "ben"), "withdraw_role", withdraw=str(other))

    assert "does not have this role any more" in page.text
    assert state() == before


# -- the last administrator --------------------------------------------------------------------------------------------
def withdraw_admin(app, admin, name):
    page = admin.get(account(app, name))
    [button] = re.findall(r'aria-label="Withdraw: Administrator,[^>]*value="(\d+)"', page.text)
    return admin.send(account(app, name), "withdraw_role", withdraw=button)


def test_last_administrator_cannot_be_disabled_or_dismissed(app, admin, state):
    before = state()

    disabled = admin.submit(account(app, "admin"), "account_state", action="disable")
    dismissed = withdraw_admin(app, admin, "admin")

    assert "last active administrator" in disabled.text and "last active administrator" in dismissed.text
    after = state()
    # the lock of the role is no change of it
    assert after == before


@pytest.mark.parametrize("key", ["disabled", "pending", "blocked"])
def test_administrator_who_cannot_log_in_is_no_other_one(app, admin, key):
    with app.env() as current:
        current.auth.s3_assign_role(app.people["ben"].user_id, "ADMIN")
        current.db.commit()
    set_account(app, "ben", registration_key=key)

    assert "last active administrator" in withdraw_admin(app, admin, "admin").text
    assert ("ADMIN", None) in memberships(app, "admin")


def test_one_of_two_administrators_may_go(app, admin):
    with app.env() as current:
        current.auth.s3_assign_role(app.people["ben"].user_id, "ADMIN")
        current.db.commit()

    assert withdraw_admin(app, admin, "admin").status == 303
    assert memberships(app, "admin") == set()
    # and is one no more at once
    assert admin.get("/admin/user").status == 303


def test_two_administrators_who_disable_each_other_at_once_do_not_both_succeed(app, browser):
    me, ben = app.people["admin"].user_id, app.people["ben"].user_id
    with app.env() as current:
        current.auth.s3_assign_role(ben, "ADMIN")
        current.db.commit()
    other = browser("ben")
    other.get(account(app, "ben"))
    answers = []

    with app.env() as current:
        require_another_administrator(me)
        current.auth.disable_user(me)
        thread = threading.Thread(target=lambda: answers.append(other.send(account(app, "ben"), "account_state", action="disable")))
        thread.start()
        # the other one is on the way, and waits for the end of this transaction
        thread.join(0.7)
        assert thread.is_alive()
        current.db.commit()
        thread.join(30)

    assert "last active administrator" in answers[0].text
    assert read_account(app, "ben")["registration_key"] == ""


# -- the log -----------------------------------------------------------------------------------------------------------
def test_log_says_who_what_when_and_from_where(app, admin):
    admin.submit(account(app, "ben"), "edit_account", first_name="<b>Benno</b>")

    page = admin.get("/admin/event?kind=auth_user&user=ben%40cast.example")

    line = next(row for row in re.findall(r"<tr>.*?</tr>", page.text, re.S) if "First Name" in row)
    assert "2026-03-02 06:00:00" in line and "admin@cast.example" in line and "Account ben@cast.example: changed" in line
    assert "First Name: Ben → &lt;b&gt;Benno&lt;/b&gt;" in line and "192.0.2.1" in line and "admin/user" in line


def test_log_of_a_user_has_what_was_given_to_and_taken_from_it(app, admin):
    reader = str(role_id(app, "READER"))
    page = admin.follow(admin.submit(account(app, "ben"), "assign_role", role=reader, realm="0"))
    [button] = re.findall(r'aria-label="Withdraw: Reader,[^>]*value="(\d+)"', page.text)
    admin.send(account(app, "ben"), "withdraw_role", withdraw=button)
    admin.submit(account(app, "anna"), "assign_role", role=reader, realm="")

    page = admin.get("/admin/event?kind=auth_membership&user=ben")

    lines = [row for row in re.findall(r"<tr>.*?</tr>", page.text, re.S) if "Reader" in row]
    taken, given = lines
    assert "User: – → ben@cast.example" in given and "Role: – → Reader" in given
    assert "For the records of: – → everybody (whole site)" in given
    assert "User: ben@cast.example → –" in taken and "For the records of: everybody (whole site)" in taken and ": deleted" in taken
    assert cast.PASSWORD not in page.text


def test_log_has_pages_newest_first(app):
    with app.env() as current:
        for number in range(120):
            current.auth.table("auth_event").insert(description=f"event-{number:03d}", origin="auth")
        current.db.commit()

    first = app.request("/admin/event", vars={"kind": "login"}, auth="admin")
    second = app.request("/admin/event", vars={"kind": "login", "start": 50}, auth="admin")

    assert re.findall(r"event-\d+", first.text)[:2] == ["event-119", "event-118"]
    assert re.findall(r"event-\d+", second.text)[0] == "event-069"


# -- in the menu -------------------------------------------------------------------------------------------------------
def test_menu_has_the_pages_for_administrators_alone(app):
    assert "/admin/user" in app.request("/cms/post", auth="admin").text
    assert "/admin/user" not in app.request("/cms/post", auth="editor").text
