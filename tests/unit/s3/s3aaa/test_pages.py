"""The account pages: where a login may lead, and registration where it is open."""
from __future__ import annotations

import pytest
from gluon import current
from gluon.http import HTTP

from s3.s3aaa import local_path


@pytest.mark.parametrize("path", ["/", "/eden/cms/post", "/eden/cms/post/5?x=http://a.example/&y=//b", "/a//b"])
def test_path_on_this_host_is_taken(path):
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [None, "", "eden/cms", "http://evil.example/", "https:evil.example", "//evil.example", "/\\evil.example", "\\/evil.example",
     "/\t/evil.example", "/\n/evil.example", " /eden", "javascript:alert(1)", "/eden\r\nSet-Cookie: a=b", "/%0a\x00", "/a\\b", 5],
)  # fmt: skip
def test_anything_that_could_be_another_host_is_not(path):
    assert local_path(path) is None


def test_last_of_repeated_targets_counts():
    assert local_path(["/a", "//evil.example"]) is None
    assert local_path([]) is None


@pytest.mark.parametrize("page", ["nosuch", "__init__", "impersonate", "consent"])
def test_account_page_that_there_is_not_is_404(world, page):
    auth = world.auth(c="default", f="user")
    current.request.args = [page]

    with pytest.raises(HTTP) as refused:
        auth()

    assert refused.value.status == 404


OPEN = {"security__self_registration": True, "auth__registration_requires_verification": False}
CLEO = {
    "first_name": "Cleo",
    "last_name": "Cox",
    "email": "Cleo@example.org",
    "new_password": "long enough",
    "repeat_password": "long enough",
}


def register(world, settings=OPEN, **fields):
    """Open the form and send it; gives the answer, None if the form is shown again."""
    world.auth(c="default", f="user", **settings)
    current.request.args = ["register"]
    key = current.auth().formkey
    auth = world.auth(c="default", f="user", session=current.session, **settings)
    current.request.args = ["register"]
    current.request._post_vars.update(_formname="register", _formkey=key, **{**CLEO, **fields})
    try:
        auth()
    except HTTP as answer:
        return answer
    return None


def test_registered_user_can_log_in_with_no_more_than_the_basic_role(world):
    answer = register(world)

    assert (answer.status, answer.headers["Location"]) == (303, "/eden/default/user/login")
    auth = world.auth()
    user = auth.login_bare("cleo@example.org", "long enough")
    assert (user.first_name, user.last_name) == ("Cleo", "Cox")
    assert auth.s3_get_roles(user.id) == [auth.get_system_roles().AUTHENTICATED]
    assert auth.s3_user_pe_id(user.id)


def test_registered_user_gets_the_configured_roles(world):
    current.auth.s3_create_role("Reader", uid="READER")

    register(world, {**OPEN, "auth__registration_roles": ["READER"]})

    auth = current.auth
    assert auth.find_role_id("READER") in auth.s3_get_roles(auth.s3_get_user_id("cleo@example.org"))


def test_registered_user_waits_for_approval_where_it_is_required(world):
    register(world, {**OPEN, "auth__registration_requires_approval": True})

    assert current.db.auth_user(email="cleo@example.org").registration_key == "pending"
    assert current.auth.login_bare("cleo@example.org", "long enough") is None


def test_registration_does_not_tell_who_has_an_account(world):
    first = register(world)
    confirmation = current.session.confirmation

    second = register(world, first_name="Mallory", new_password="another one", repeat_password="another one")

    assert (second.status, second.headers["Location"], current.session.confirmation) == (303, first.headers["Location"], confirmation)
    assert current.db.auth_user(email="cleo@example.org").first_name == "Cleo"
    assert current.auth.login_bare("cleo@example.org", "another one") is None


@pytest.mark.parametrize(
    "wrong", [{"email": "no address"}, {"first_name": ""}, {"new_password": "short", "repeat_password": "short"},
              {"repeat_password": "different"}, {"first_name": "x" * 200}],
)  # fmt: skip
def test_wrong_registration_creates_nothing(world, wrong):
    assert register(world, **wrong) is None
    assert current.db(current.db.auth_user).isempty()


def test_posted_registration_cannot_choose_other_fields(world):
    register(world, registration_key="x", id="77", deleted="T", roles="ADMIN")

    account = current.db(current.db.auth_user).select().first()
    assert (account.id, account.registration_key, account.deleted) == (1, "", False)


@pytest.mark.parametrize(
    "missing",
    [{}, {"mail__sender": "alerts@example.org"}, {"base__public_url": "https://relief.example"}],
    ids=["both", "address", "sender"],
)
def test_registration_that_cannot_be_verified_is_refused_before_anybody_types(world, missing):
    auth = world.auth(c="default", f="user", security__self_registration=True, **missing)
    current.request.args = ["register"]

    with pytest.raises(HTTP) as refused:
        auth()

    assert refused.value.status == 503
    assert "no mails can be sent" in refused.value.body


def test_closed_registration_is_refused_with_a_reason(world):
    auth = world.auth(c="default", f="user")
    current.request.args = ["register"]

    with pytest.raises(HTTP) as refused:
        auth()

    assert refused.value.status == 403
    assert "Registration is not open here" in refused.value.body


def test_password_change_can_be_switched_off(world):
    anna = world.user()
    auth = world.as_user(anna, c="default", f="user", auth__password_changes=False)
    current.request.args = ["change_password"]

    with pytest.raises(HTTP) as refused:
        auth()

    assert refused.value.status == 403
