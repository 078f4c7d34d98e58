"""Lost passwords: the mail, the key, the new password, and that nobody learns who has an account."""
from __future__ import annotations

import re

import cast
import pytest

from s3.s3aaa.onetime import hash_key

ANNA = cast.PEOPLE["anna"][2]
PATH = "/default/user/retrieve_password"
NEW = {"new_password": "a longer secret", "repeat_password": "a longer secret"}


def ask(browser, email=ANNA):
    return browser.submit(PATH, email=email)


def test_link_of_the_mail_sets_a_new_password(browser, post):
    told = browser.follow(ask(browser))
    assert "We have sent a mail to this address" in told.text

    answer = browser.submit(post.link(ANNA), **NEW)

    assert "You can log in now" in browser.follow(answer).text
    assert not browser.is_logged_in()
    browser.log_in(password="a longer secret")
    assert browser.is_logged_in()


def test_old_password_and_all_sessions_end(app, browser, another, post):
    session = another()
    session.log_in()
    assert session.is_logged_in()
    ask(browser)

    browser.submit(post.link(ANNA), **NEW)

    assert not session.is_logged_in()
    assert app.request("/cms/post.json", auth="anna").status == 401


def test_known_and_unknown_addresses_get_the_same_answer_and_one_mail_each(browser, another, post):
    known = browser.follow(ask(browser))
    visitor = another()
    unknown = visitor.follow(ask(visitor, "nobody@relief.example"))

    def without_keys(page):
        return re.sub(r'value="[^"]*"', "", page.text)

    assert "We have sent a mail to this address" in known.text
    assert without_keys(known) == without_keys(unknown)
    assert "no account with this address" in post.text("nobody@relief.example")
    assert len(post.to(ANNA)) == 1


@pytest.mark.parametrize("email", [ANNA, "nobody@relief.example"])
def test_mail_that_cannot_be_sent_is_said_to_all_alike(app, browser, rows, email):
    with app.configured("settings.mail.server = '127.0.0.1:1'"):
        answer = ask(browser, email)

    assert answer.status == 503
    assert "could not be sent" in answer.text
    assert all(not row["reset_password_key"] for row in rows("auth_user"))


@pytest.mark.parametrize("state", [{"registration_key": "disabled"}, {"registration_key": "pending"}, {"deleted": True}])
def test_closed_account_gets_no_key(app, browser, post, rows, state):
    with app.env() as current:
        current.db(current.db.auth_user.email == ANNA).update(**state)
        current.db.commit()

    ask(browser)

    assert "reset_password" not in post.text(ANNA)
    assert not rows("auth_user", email=ANNA)[0]["reset_password_key"]


@pytest.mark.parametrize("wrong", ["used", "late", "replaced", "closed", "changed", "prolonged", "missing"])
def test_key_is_good_once_and_for_its_time(app, browser, another, post, wrong):
    ask(browser)
    link = post.link(ANNA)
    page, _, key = link.rpartition("/")
    if wrong == "used":
        browser.submit(link, **NEW)
    elif wrong == "late":
        app.clock.advance(hours=1)
    elif wrong == "replaced":
        ask(browser)
    elif wrong == "closed":
        with app.env() as current:
            current.auth.disable_user(app.people["anna"].user_id)
            current.db.commit()
    elif wrong == "changed":
        link = link[:-1] + ("0" if link[-1] != "0" else "1")
    elif wrong == "prolonged":
        link = f"{page}/{int(key.partition('-')[0]) + 3600}-{key.partition('-')[2]}"
    else:
        link = page

    visitor = another()
    answer = visitor.get(link)

    assert "used or is too old" in visitor.follow(answer).text


def test_form_that_was_opened_in_time_and_sent_too_late_changes_nothing(app, browser, post):
    ask(browser)
    link = post.link(ANNA)
    browser.get(link)
    app.clock.advance(hours=1)

    browser.send(link, **NEW)

    assert app.request("/cms/post.json", auth="anna").status == 200


def test_key_sets_one_password_even_if_it_is_sent_twice_at_once(app, browser, post):
    ask(browser)
    key = post.link(ANNA).rpartition("/")[2]
    with app.env() as current:
        account = current.auth.find_password_reset(key)
        assert account is not None
        # another request was faster, between the look and the change
        current.auth.find_password_reset = lambda _key: account
        assert current.auth.reset_password(key, "a longer secret")
        assert not current.auth.reset_password(key, "another secret")
        assert current.auth.login_bare(ANNA, "a longer secret")


def test_only_a_hash_of_the_key_is_stored_anywhere(browser, post, rows):
    ask(browser)
    key = post.link(ANNA).rpartition("/")[2]

    assert rows("auth_user", email=ANNA)[0]["reset_password_key"] == hash_key(key)
    for tablename in ("auth_user", "auth_event", "msg_email", "msg_outbox"):
        assert key.partition("-")[2] not in str(rows(tablename))


def test_password_change_ends_the_key(browser, another, post):
    ask(browser)
    visitor = another()
    visitor.log_in()
    visitor.submit("/default/user/change_password", password=cast.PASSWORD, **NEW)

    answer = browser.get(post.link(ANNA))

    assert "used or is too old" in browser.follow(answer).text


@pytest.mark.parametrize("new", [{"new_password": "short", "repeat_password": "short"}, {**NEW, "repeat_password": "another secret"}])
def test_new_password_is_checked(browser, post, new):
    ask(browser)
    link = post.link(ANNA)

    assert browser.submit(link, **new).status == 200
    assert browser.submit(link, **NEW).status == 303


def test_mails_to_one_address_are_few(browser, another, post):
    for number in range(3):
        assert ask(another(f"198.51.100.{number}")).status == 303

    answer = ask(browser)

    assert answer.status == 429 and answer.headers["retry-after"] == "3600"
    assert len(post.to(ANNA)) == 3


def test_mail_is_in_the_language_of_the_account(app, browser, post):
    with app.configured("settings.L10n.languages = {'en': 'English', 'de': 'Deutsch'}"):
        with app.env() as current:
            current.db(current.db.auth_user.email == ANNA).update(language="de")
            current.db.commit()
        ask(browser)

    assert post.to(ANNA)[0]["Subject"] == "Relief: Neues Passwort setzen"


def test_lost_passwords_can_be_left_to_the_administrator(app, browser):
    with app.configured("settings.auth.password_retrieval = False"):
        answer = browser.get(PATH)
        login = browser.get("/default/user/login")

    assert answer.status == 403 and "Ask the administrator" in answer.text
    assert "retrieve_password" not in login.text


def test_form_of_another_session_does_nothing(browser, another, post):
    browser.get(PATH)
    visitor = another()
    visitor.get(PATH)
    visitor.page = browser.page

    answer = visitor.send(PATH, email=ANNA)

    assert answer.status == 200 and "This form has expired" in answer.text
    assert post.to(ANNA) == []
