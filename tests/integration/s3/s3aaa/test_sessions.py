"""What a login leaves behind: stronger hashes, cookies that stay, and sessions that end with the account."""
from __future__ import annotations

import datetime as dt
import re

import cast
import pytest
from gluon.validators import CRYPT
from harness import MORNING

from s3.s3aaa import passwords

ANNA = cast.PEOPLE["anna"][2]


def stored_password(rows):
    return rows("auth_user", email=ANNA)[0]["password"]


def store(app, password):
    with app.env() as current:
        current.db(current.db.auth_user.email == ANNA).update(password=password)
        current.db.commit()


def cookie_of(answer):
    return next(morsel for name, morsel in answer.cookies.items() if name.startswith("session_id"))


# -- hashes ------------------------------------------------------------------------------------------------------------
def test_hash_of_the_original_becomes_a_slow_one_at_login(app, browser, rows):
    with app.env() as current:
        key = current.auth.hmac_key
    store(app, str(CRYPT(key=key, digest_alg="sha512", salt=True)(cast.PASSWORD)[0]))

    browser.log_in()

    assert stored_password(rows).startswith(f"pbkdf2({passwords.ITERATIONS},32,sha512)$")
    assert browser.is_logged_in()
    assert app.request("/cms/post.json", auth="anna").status == 200


def test_hash_of_fewer_rounds_is_replaced_too_and_todays_stays(browser, another, rows):
    assert stored_password(rows).startswith("pbkdf2(1,")
    browser.log_in()
    after = stored_password(rows)
    another().log_in()

    assert after.startswith(f"pbkdf2({passwords.ITERATIONS},")
    assert stored_password(rows) == after


def test_wrong_password_leaves_the_hash(browser, rows):
    before = stored_password(rows)

    browser.log_in(password="wrong")

    assert stored_password(rows) == before


def test_new_hash_of_the_same_password_is_no_change_of_the_account(app, browser, rows):
    before = rows("auth_user", email=ANNA)[0]["modified_on"]
    app.clock.advance(hours=1)

    browser.log_in()

    assert rows("auth_user", email=ANNA)[0]["modified_on"] == before
    assert rows("auth_event", tablename="auth_user", record_id=app.people["anna"].user_id, action="updated") == []


# -- staying logged in -------------------------------------------------------------------------------------------------
def test_cookie_of_a_login_ends_with_the_browser(browser):
    assert cookie_of(browser.log_in())["expires"] == ""


def test_cookie_of_a_login_that_is_to_stay_is_kept(browser):
    answer = browser.log_in(remember="on")

    assert dt.datetime.strptime(cookie_of(answer)["expires"], "%a, %d %b %Y %H:%M:%S GMT") == MORNING + dt.timedelta(days=30)


def test_login_that_is_to_stay_stays_for_its_time_after_the_last_visit(app, browser):
    browser.log_in(remember="on")
    for _ in range(2):
        app.clock.advance(days=29)
        page = browser.get("/cms/post")
        assert page.status == 200 and cookie_of(page)["expires"]

    app.clock.advance(days=30)
    assert not browser.is_logged_in()


def test_login_without_it_ends_after_an_hour(app, browser):
    browser.log_in()
    app.clock.advance(hours=1)

    assert not browser.is_logged_in()


def test_deployment_that_takes_it_back_ends_such_logins(app, browser):
    browser.log_in(remember="on")
    app.clock.advance(hours=2)

    with app.configured("settings.auth.login_remember = None"):
        assert "Stay logged in" not in browser.get("/default/user/login").text
        assert not browser.is_logged_in()


def test_box_that_is_not_offered_does_nothing(app, browser):
    with app.configured("settings.auth.login_remember = None"):
        answer = browser.log_in(remember="on")
        app.clock.advance(hours=2)

        assert cookie_of(answer)["expires"] == ""
        assert not browser.is_logged_in()


def test_logging_out_ends_a_login_that_was_to_stay(browser):
    browser.log_in(remember="on")
    cookies = dict(browser.cookies)

    browser.submit("/default/user/logout")

    browser.cookies.clear()
    browser.cookies.update(cookies)
    assert not browser.is_logged_in()


# -- whose session -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("step", ["login", "password", "verification"])
def test_session_gets_a_new_id_with_each_login(app, browser, post, step):
    if step == "login":
        before = browser.get("/default/user/login")
        after = browser.send("/default/user/login", email=ANNA, password=cast.PASSWORD)
    elif step == "password":
        before = browser.log_in()
        new = {"new_password": "a longer secret", "repeat_password": "a longer secret"}
        after = browser.submit("/default/user/change_password", password=cast.PASSWORD, **new)
    else:
        with app.configured("settings.security.self_registration = True"):
            browser.submit(
                "/default/user/register", first_name="Cleo", last_name="", email="c@relief.example", new_password="long enough",
                repeat_password="long enough",
            )  # fmt: skip
            before = browser.get(post.link("c@relief.example"))
            after = browser.send(post.link("c@relief.example"), password="long enough")

    assert after.status == 303 and browser.is_logged_in()
    assert cookie_of(before).value != cookie_of(after).value
    stolen = app.request("/default/user/profile", cookies=before.cookies)
    assert stolen.status == 303


# -- the pages ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", ["login", "register", "retrieve_password", "profile", "change_password"])
def test_every_field_has_a_label_and_every_page_a_title(app, browser, page):
    if page in ("profile", "change_password"):
        browser.log_in()
    with app.configured("settings.security.self_registration = True"):
        text = browser.get(f"/default/user/{page}").text

    form = text[text.index('<form action="#"'):]
    fields = [tag for tag in re.findall(r"<(?:input|select)[^>]*>", form) if not re.search(r'type="(?:hidden|submit)"', tag)]
    labelled = set(re.findall(r'<label for="([^"]*)"', form))
    assert fields
    assert {re.search(r' id="([^"]*)"', tag)[1] for tag in fields} == labelled
    assert re.search(r"<title>[^·<]+·", text)


def test_wrong_field_is_marked_and_points_to_its_sentence(app, browser):
    with app.configured("settings.security.self_registration = True"):
        page = browser.submit(
            "/default/user/register", first_name="", last_name="", email="x", new_password="short", repeat_password="short"
        )

    for name in ("first_name", "email", "new_password"):
        tag = next(tag for tag in re.findall(r"<input[^>]*>", page.text) if f'name="{name}"' in tag)
        assert 'aria-invalid="true"' in tag and f'aria-describedby="{name}__error"' in tag
        assert f'id="{name}__error"' in page.text
