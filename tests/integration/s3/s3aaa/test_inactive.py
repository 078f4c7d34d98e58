"""Accounts that are not active are refused everywhere, in every state: login, session, HTTP Basic, impersonation, tasks."""
from __future__ import annotations

import cast
import pytest

from s3.s3error import S3DataError, S3PermissionError

ANNA = cast.PEOPLE["anna"][2]
STATES = {
    "pending": {"registration_key": "pending"},
    "disabled": {"registration_key": "disabled"},
    "blocked": {"registration_key": "blocked"},
    "unverified": {"registration_key": "verify:0123456789abcdef"},
    "verified by the original": {"registration_key": "9c3f6b1e-2b1c-4a55-8f0e-0d1c5f7a9b11"},
    "deleted": {"deleted": True},
}


@pytest.fixture(params=STATES)
def close(app, request):
    """Brings anna's account into one of the states."""

    def close():
        with app.env() as current:
            current.db(current.db.auth_user.email == ANNA).update(**STATES[request.param])
            current.db.commit()

    return close


def test_login_is_refused_with_the_same_words_as_a_wrong_password(browser, close):
    close()

    page = browser.follow(browser.log_in())

    assert "Invalid login" in page.text
    assert not browser.is_logged_in()


def test_open_session_ends(browser, close):
    browser.log_in()
    assert browser.is_logged_in()

    close()

    assert not browser.is_logged_in()


def test_remembered_session_ends(browser, close):
    browser.log_in(remember="on")

    close()

    assert not browser.is_logged_in()


def test_http_basic_is_refused(app, close):
    close()

    assert app.request("/cms/post.json", auth="anna").status == 401


def test_nobody_acts_as_the_account(app, close):
    close()

    with app.env(user="ben") as current:
        for user in (app.people["anna"].user_id, ANNA):
            with pytest.raises(S3PermissionError, match="not active"):
                current.auth.s3_impersonate(user)
        assert current.auth.user.id == app.people["ben"].user_id


def test_lost_password_opens_nothing(browser, post, close):
    browser.submit("/default/user/retrieve_password", email=ANNA)
    link = post.link(ANNA)

    close()

    assert browser.get(link).status == 303
    assert not browser.is_logged_in()


def test_confirmation_by_an_old_key_opens_nothing(app, browser, close):
    close()

    for key in ("pending", "disabled", "0123456789abcdef", "9c3f6b1e-2b1c-4a55-8f0e-0d1c5f7a9b11", ""):
        assert browser.get(f"/default/user/verify_email/{key}").status == 303


# -- those who close and open accounts ---------------------------------------------------------------------------------
def test_disabled_account_can_be_enabled_again(app, browser):
    anna = app.people["anna"].user_id
    with app.env(user="admin") as current:
        current.auth.disable_user(anna)
        current.db.commit()
    assert browser.follow(browser.log_in()).text.count("Invalid login") == 1
    with app.env(user="admin") as current:
        current.auth.enable_user(anna)
        current.db.commit()

    assert browser.log_in().status == 303 and browser.is_logged_in()


def test_deleted_account_loses_its_roles_and_keeps_its_person(app, rows):
    anna = app.people["anna"]
    with app.env(user="admin") as current:
        current.auth.delete_user(anna.user_id)
        current.db.commit()

    assert rows("auth_membership", user_id=anna.user_id) == []
    assert not rows("pr_person", id=anna.person_id)[0]["deleted"]
    assert rows("auth_user", id=anna.user_id)[0]["password"] is None


@pytest.mark.parametrize("email", ["no address", cast.PEOPLE["ben"][2]])
def test_address_of_an_account_stays_valid_and_unique(app, email):
    with app.env(user="admin") as current:
        with pytest.raises(S3DataError, match="Cannot change the address"):
            current.auth.update_user(app.people["anna"].user_id, email=email)


def test_changed_account_changes_its_person(app):
    anna = app.people["anna"]
    with app.env(user="admin") as current:
        current.auth.update_user(anna.user_id, email=" Anna@New.example", first_name="Annika")

        person = current.s3db.pr_person[anna.person_id]
        values = {row.value for row in current.db(current.s3db.pr_contact.pe_id == anna.pe_id).select()}
        assert person.first_name == "Annika" and "anna@new.example" in values
        assert current.auth.login_bare("anna@new.example", cast.PASSWORD).id == anna.user_id
