"""Who makes a request: sessions, HTTP Basic, impersonation."""
from __future__ import annotations

import base64
import datetime as dt
import pickle

import pytest
from gluon import current
from gluon.globals import Session

from s3.s3aaa import AuthS3
from s3.s3datetime import set_clock
from s3.s3error import S3ConfigError, S3PermissionError

PASSWORD = "correct horse"
MORNING = dt.datetime(2026, 3, 2, 6, 0, 0)


@pytest.fixture
def clock():
    yield lambda **later: set_clock(lambda: MORNING + dt.timedelta(**later))
    set_clock(None)


@pytest.fixture
def session(world, clock):
    """Session in which anna has logged in this morning."""
    clock()
    world.anna = world.user()
    auth = world.auth()
    auth.login_user(current.db.auth_user[world.anna])
    # as it comes back from its file
    return Session(pickle.loads(pickle.dumps(dict(current.session))))


def test_session_brings_the_user_back(world, session):
    user = world.auth(session=session).user

    assert (user.id, user.email, user.first_name) == (world.anna, "anna@example.org", "Anna")


def test_session_holds_no_more_than_the_account_id_and_when(world, session):
    assert set(session.auth) == {"user_id", "last_visit", "stamp"}
    assert world.password_hash[-20:] not in str(session.auth)


def test_anonymous_request_leaves_the_session_empty(world):
    auth = world.auth()
    auth.s3_set_roles()
    auth.permission.has_permission("read")

    assert auth.user is None
    assert dict(current.session) == {}


@pytest.mark.parametrize(("idle", "is_in"), [(3599, True), (3600, False)])
def test_session_expires_after_inactivity(world, session, clock, idle, is_in):
    clock(seconds=idle)

    assert (world.auth(session=session, auth__login_expiration=3600).user is not None) is is_in


def test_visits_prolong_the_session(world, session, clock):
    for seconds in (3000, 6000, 9000):
        clock(seconds=seconds)
        assert world.auth(session=session, auth__login_expiration=3600).user is not None


def test_quick_succession_of_visits_does_not_touch_the_session(world, session, clock):
    before = dict(session.auth)
    clock(seconds=60)

    assert world.auth(session=session, auth__login_expiration=3600).user
    assert session.auth == before


@pytest.mark.parametrize(
    "change", [{"deleted": True}, {"registration_key": "disabled"}, {"registration_key": "pending"}, {"password": "other"}]
)
def test_session_ends_when_the_account_is_closed_or_its_password_changed(world, session, change):
    current.db(current.db.auth_user.id == world.anna).update(**change)

    assert world.auth(session=session).user is None
    assert session.auth is None


def test_session_of_a_vanished_account_is_anonymous(world, session):
    current.db(current.db.auth_user.id == world.anna).update(email="x@example.org")
    session.auth["user_id"] = 4711

    assert world.auth(session=session).user is None


def test_session_of_another_kind_of_login_is_anonymous(world):
    assert world.auth(session=Session({"auth": {"user": {"id": world.user()}, "expiration": 3600}})).user is None


def test_forged_session_stamp_is_refused(world, session):
    session.auth = {**session.auth, "stamp": "0" * 32}

    assert world.auth(session=session).user is None


def test_login_drops_what_was_in_the_session(world):
    anna = world.user()
    auth = world.auth()
    current.session.planted = "by somebody else"

    auth.login_user(current.db.auth_user[anna])

    assert set(current.session) == {"auth"}


def test_login_is_noted(world, clock):
    clock()
    anna = world.user()
    world.auth().login_user(current.db.auth_user[anna])

    event = current.db(current.db.auth_event).select().last()
    assert (event.user_id, event.client_ip, event.description) == (anna, "127.0.0.1", f"User {anna} logged in")
    assert current.db.auth_user[anna].timestmp == MORNING


def test_logout_ends_the_session(world, session):
    auth = world.auth(session=session)

    auth.logout_user()

    assert auth.user is None and not auth.s3_logged_in()
    assert dict(session) == {}


# HTTP Basic


def basic(username, password):
    return {"http_authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def test_basic_authentication_is_for_one_request(world):
    anna = world.user()

    auth = world.auth(headers=basic("Anna@Example.org", PASSWORD))

    assert auth.user.id == anna and auth.s3_logged_in()
    assert dict(current.session) == {}


@pytest.mark.parametrize(
    "headers",
    [
        basic("anna@example.org", "wrong"),
        basic("nobody@example.org", PASSWORD),
        basic("1", PASSWORD),
        basic("", ""),
        {"http_authorization": "Basic !!!"},
        {"http_authorization": "Basic " + base64.b64encode(b"no separator").decode()},
        {"http_authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
        {"http_authorization": "Bearer abc"},
        {"http_authorization": ""},
    ],
)
def test_anything_else_is_anonymous(world, headers):
    world.user()

    auth = world.auth(headers=headers)
    auth.s3_set_roles()

    assert auth.user is None and not auth.s3_logged_in()


@pytest.mark.parametrize("change", [{"deleted": True}, {"registration_key": "disabled"}, {"registration_key": "pending"}])
def test_closed_account_does_not_log_in(world, change):
    anna = world.user()
    current.db(current.db.auth_user.id == anna).update(**change)

    assert world.auth(headers=basic("anna@example.org", PASSWORD)).user is None
    assert current.auth.login_bare("anna@example.org", PASSWORD) is None


def test_account_without_a_password_does_not_log_in(world):
    anna = world.user()
    current.db(current.db.auth_user.id == anna).update(password=None)

    assert [current.auth.login_bare("anna@example.org", password) for password in ("", "None", PASSWORD)] == [None] * 3


def test_login_bare_changes_nothing(world):
    anna = world.user()
    auth = world.auth()

    assert auth.login_bare("anna@example.org", PASSWORD).id == anna
    assert auth.user is None and dict(current.session) == {}


# Impersonation


def test_impersonation_is_by_id_digits_or_address(world):
    anna = world.user()

    for user in (anna, str(anna), "anna@example.org", "ANNA@example.org"):
        assert world.auth().s3_impersonate(user).id == anna
        assert current.auth.user.id == anna


def test_impersonation_brings_roles_person_and_language(world):
    anna = world.user(roles=["WRITER"], language="fr")
    auth = world.auth()
    assert not auth.s3_has_role("WRITER")

    user = auth.s3_impersonate(anna)

    assert auth.s3_has_role("WRITER")
    assert user.pe_id == auth.s3_user_pe_id(anna) is not None
    assert current.T.requested_languages[0] == current.response.s3.language == "fr"


def test_impersonation_never_reaches_the_session(world, session):
    ben = world.user("ben@example.org")
    auth = world.auth(session=session)
    before = dict(session)

    auth.s3_impersonate(ben)
    auth.s3_set_roles()

    assert auth.user.id == ben
    assert dict(session) == before
    assert world.auth(session=session).user.id == world.anna


def test_impersonating_nobody_leaves_the_anonymous_role(world):
    anna = world.user(roles=["ADMIN"])
    auth = world.as_user(anna)

    assert auth.s3_impersonate(None) is None

    assert auth.user is None
    assert list(auth.realms) == [auth.get_system_roles().ANONYMOUS]
    assert not auth.permission.is_admin()


@pytest.mark.parametrize("unknown", [4711, "4711", "nobody@example.org"])
def test_impersonating_an_unknown_user_keeps_the_previous_one(world, unknown):
    anna = world.user()
    auth = world.as_user(anna)

    with pytest.raises(ValueError, match="User not found"):
        auth.s3_impersonate(unknown)

    assert auth.user.id == anna


@pytest.mark.parametrize("change", [{"deleted": True}, {"registration_key": "disabled"}, {"registration_key": "pending"}])
def test_closed_account_is_not_impersonated(world, change):
    anna, ben = world.user(), world.user("ben@example.org")
    current.db(current.db.auth_user.id == ben).update(**change)
    auth = world.as_user(anna)

    with pytest.raises(S3PermissionError, match="not active"):
        auth.s3_impersonate(ben)

    assert auth.user.id == anna


def test_decisions_follow_the_impersonated_user(world):
    admin = world.user("admin@example.org", roles=["ADMIN"])
    auth = world.auth()
    assert not auth.permission.has_permission("read")

    auth.s3_impersonate(admin)
    assert auth.permission.has_permission("read")

    auth.s3_impersonate(None)
    assert not auth.permission.has_permission("read")


# Records of anonymous sessions


def test_anonymous_session_owns_what_it_created(world):
    auth = world.auth(policy=4, security__strict_ownership=True)
    auth.permission.update_acl("ANONYMOUS", c="org", uacl=0, oacl=0x7F)
    table = current.db.org_permission_test
    own, other = table.insert(name="own"), table.insert(name="other")

    auth.s3_make_session_owner(table, own)

    assert (auth.s3_session_owns(table, own), auth.s3_session_owns(table, other)) == (True, False)
    assert [row.id for row in current.db(auth.s3_accessible_query("update", table)).select()] == [own]
    assert auth.s3_has_permission("update", table, own) and not auth.s3_has_permission("update", table, other)

    auth.s3_clear_session_ownership(table, own)
    assert not auth.s3_session_owns(table, own)


def test_user_does_not_own_records_of_the_session(world):
    auth = world.auth()
    auth.s3_make_session_owner(current.db.gis_plain, 1)
    auth.s3_impersonate(world.user())

    assert not auth.s3_session_owns(current.db.gis_plain, 1)


def test_session_ownership_ends_for_one_table_or_all(world):
    auth = world.auth()
    tables = current.db.gis_plain, current.db.org_permission_test
    for table in tables:
        auth.s3_make_session_owner(table, 1)

    auth.s3_clear_session_ownership(tables[0])
    assert [auth.s3_session_owns(table, 1) for table in tables] == [False, True]

    auth.s3_clear_session_ownership()
    assert not auth.s3_session_owns(tables[1], 1)


# Configuration


@pytest.mark.parametrize("key", ["akeytochange", "sha512:change-me", "", None])
def test_known_password_key_is_refused(world, key):
    with pytest.raises(S3ConfigError, match=r"settings\.auth\.hmac_key"):
        world.auth(auth__hmac_key=key)


def test_known_password_key_is_good_enough_for_debugging(world):
    assert isinstance(world.auth(auth__hmac_key="akeytochange", base__debug=True), AuthS3)


def test_bare_anonymous_request_sends_no_query(world):
    def request():
        auth = world.auth(c="default", f="index")
        auth.define_tables()
        auth.s3_set_roles()
        assert auth.permission.has_permission("read")

    assert world.queries(request) == 0
