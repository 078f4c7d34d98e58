"""Every change of accounts, roles, memberships and rules is in the log: who, when, from where, what it was and is; and no secret."""
from __future__ import annotations

import json

import cast
import pytest
from harness import MORNING

from s3.s3task.maintenance import run_maintenance


@pytest.fixture
def logged(app):
    """Entries of changes that were written since, as (table, action, changes, user)."""
    with app.env() as current:
        table = current.auth.table("auth_event")
        last = current.db(table).select(table.id, orderby=~table.id, limitby=(0, 1)).first()
        before = last.id if last else 0

    def read(current, tablename=None):
        table = current.auth.table("auth_event")
        rows = current.db((table.id > before) & (table.tablename != None)).select(orderby=table.id)
        return [row for row in rows if tablename in (None, row.tablename)]

    return read


def changes(row):
    return json.loads(row.changes)


def test_entry_says_who_when_where_and_what(app, browser, logged):
    browser.log_in("anna")
    browser.submit("/default/user/profile", first_name="Annika", last_name="Abel", language="en")

    with app.env() as current:
        [row] = logged(current, "auth_user")
        anna = app.people["anna"].user_id
        assert (row.user_id, row.time_stamp, row.client_ip, row.origin) == (anna, MORNING, "192.0.2.1", "default/user")
        assert (row.action, row.record_id, row.description) == ("updated", anna, f"auth_user {anna} updated")
        assert changes(row) == {"first_name": ["Anna", "Annika"]}


def test_account_that_is_made_opened_closed_and_archived(app, logged):
    with app.env(user="admin") as current:
        auth = current.auth
        user_id = auth.create_user("cleo@cast.example", password="a secret of hers", first_name="Cleo")
        auth.disable_user(user_id)
        auth.enable_user(user_id)
        auth.delete_user(user_id)

        rows = logged(current, "auth_user")
        assert {row.user_id for row in rows} == {app.people["admin"].user_id}
        assert [row.action for row in rows] == ["created", "updated", "updated", "deleted"]
        created, disabled, enabled, deleted = map(changes, rows)
        assert created["email"] == [None, "cleo@cast.example"] and created["password"] == [None, "***"]
        assert disabled == {"registration_key": ["", "disabled"]}
        assert enabled == {"registration_key": ["disabled", ""]}
        assert deleted["deleted"] == [False, True] and deleted["password"] == ["***", None]


def test_roles_and_memberships(app, logged):
    anna = app.people["anna"].user_id
    with app.env(user="admin") as current:
        auth = current.auth
        role = auth.s3_create_role("Pilot", "Flies", uid="PILOT")
        auth.s3_create_role("Pilots", "Flies", uid="PILOT")
        auth.s3_assign_role(anna, "PILOT", for_pe=0)
        auth.s3_withdraw_role(anna, "PILOT", for_pe=[])
        auth.s3_delete_role("PILOT")

        groups = [(row.action, changes(row)) for row in logged(current, "auth_group")]
        assert groups[0] == ("created", {"role": [None, "Pilot"], "description": [None, "Flies"]})
        assert groups[1] == ("updated", {"role": ["Pilot", "Pilots"]})
        assert groups[2] == ("deleted", {"deleted": [False, True], "role": ["Pilots", None]})
        assigned, withdrawn = logged(current, "auth_membership")
        assert assigned.action == "created"
        assert changes(assigned)["user_id"] == [None, anna] and changes(assigned)["group_id"] == [None, role]
        assert withdrawn.action == "deleted"
        assert changes(withdrawn)["user_id"] == [anna, None] and changes(withdrawn)["deleted"] == [False, True]


def test_permission_rules(app, logged):
    with app.env(user="admin") as current:
        permission = current.auth.permission
        rule = permission.update_acl("READER", t="gis_location", uacl=2)
        permission.update_acl("READER", t="gis_location", uacl=6)
        permission.delete_acl("READER", t="gis_location")

        created, updated, deleted = logged(current, "s3_permission")
        assert [row.record_id for row in (created, updated, deleted)] == [rule] * 3
        assert changes(created)["tablename"] == [None, "gis_location"] and changes(created)["uacl"] == [None, 2]
        assert changes(updated) == {"uacl": [2, 6], "oacl": [2, 6]}
        assert deleted.action == "deleted"


def test_change_past_all_functions_is_logged_too(app, logged):
    """By hooks of the table: nobody has to think of it."""
    with app.env(user="admin") as current:
        table = current.db.auth_user
        current.db(table.email.like("%@cast.example")).update(language="fr")
        current.db(current.auth.table("auth_membership").user_id == app.people["ben"].user_id).delete()

        users, memberships = logged(current, "auth_user"), logged(current, "auth_membership")
        assert {row.record_id for row in users} == {actor.user_id for actor in app.people.values()}
        assert all(changes(row) == {"language": ["en", "fr"]} for row in users)
        assert [row.action for row in memberships] == ["deleted"]
        assert changes(memberships[0])["user_id"] == [app.people["ben"].user_id, None]


def test_restored_record_is_called_so(app, logged):
    anna = app.people["anna"].user_id
    with app.env(user="admin") as current:
        for deleted in (True, False):
            current.db(current.db.auth_user.id == anna).update(deleted=deleted)

        assert [row.action for row in logged(current)] == ["deleted", "restored"]


def test_value_that_the_database_computes_is_logged_as_it_was_asked_for(app, logged):
    with app.env(user="admin") as current:
        table = current.auth.table("s3_permission")
        current.db(table.tablename == "cms_post").update(uacl=table.uacl + 1)

        assert all("uacl" in changes(row) for row in logged(current))
        assert len(logged(current)) == 2


def test_what_nobody_has_decided_is_not_logged(app, browser, logged):
    browser.log_in()
    browser.get("/cms/post")

    with app.env() as current:
        assert logged(current) == []


def test_update_that_changes_nothing_is_not_logged(app, logged):
    with app.env(user="admin") as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(first_name="Anna", registration_key="")

        assert logged(current) == []


def test_entry_belongs_to_the_transaction_of_the_change(app, logged):
    with app.env(user="admin") as current:
        current.auth.disable_user(app.people["anna"].user_id)
        assert len(logged(current)) == 1
        current.db.rollback()

        assert logged(current) == []


def test_no_secret_is_in_the_log(app, browser, post, rows):
    new = "a longer secret"
    with app.configured("settings.security.self_registration = True"):
        browser.submit(
            "/default/user/register", first_name="C", last_name="", email="c@relief.example", new_password=new, repeat_password=new
        )
        browser.submit("/default/user/retrieve_password", email=cast.PEOPLE["anna"][2])
    with app.env(user="admin") as current:
        current.auth.set_password(app.people["ben"].user_id, new)
        current.db.commit()

    text = str(rows("auth_event"))
    assert "unverified" in text and '"password": ["***", "***"]' in text
    assert new not in text and "pbkdf2" not in text and "verify:" not in text
    for account in rows("auth_user"):
        for field in ("password", "registration_key", "reset_password_key"):
            assert not account[field] or account[field] not in text


def test_log_is_kept_for_as_long_as_the_setting_says(app, rows):
    with app.env() as current:
        table = current.auth.table("auth_event")
        current.db(table).delete()
        current.auth._log_event("Something happened")
        current.db.commit()
    with app.configured("settings.auth.audit_retention = 30"):
        for days, left in ((30, 1), (1, 0)):
            app.clock.advance(days=days)
            with app.env() as current:
                current.auth.prune()
                current.db.commit()
            assert len(rows("auth_event")) == left


def test_log_can_be_kept_for_ever(app, rows):
    app.clock.advance(days=3650)
    with app.configured("settings.auth.audit_retention = None"), app.env() as current:
        before = len(current.db(current.auth.table("auth_event")).select())
        current.auth.prune()
        assert len(current.db(current.auth.table("auth_event")).select()) == before > 0


def test_daily_maintenance_prunes_the_log(app, rows):
    app.clock.advance(days=366)

    with app.env() as current:
        text = run_maintenance("daily")
        current.db.commit()

    assert "account rows" in text
    assert rows("auth_event") == []


def test_behind_a_proxy_the_log_names_the_visitor(app, rows):
    with app.env() as current:
        current.request.env.remote_addr, current.request.env.http_x_forwarded_for = "127.0.0.1", "10.9.8.7, 203.0.113.5"
        current.auth.disable_user(app.people["anna"].user_id)
        current.db.commit()

    assert rows("auth_event", action="updated")[-1]["client_ip"] == "203.0.113.5"
