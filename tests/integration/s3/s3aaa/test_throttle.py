"""Guessing passwords: how often, by whom, for how long one has to wait, and who else does not."""
from __future__ import annotations

import base64
import threading

import cast
import pytest

ANNA = cast.PEOPLE["anna"][2]
LIMITS = "settings.auth.login_attempts = 3; settings.auth.login_attempts_per_account = 6; settings.auth.login_attempts_per_address = 8"


@pytest.fixture(autouse=True)
def few_attempts(app):
    with app.configured(LIMITS):
        yield


def guess(browser, times=1, email=ANNA):
    """Statuses of the answers to wrong passwords."""
    return [browser.submit("/default/user/login", email=email, password="wrong").status for _ in range(times)]


def basic(app, email=ANNA, password="wrong", address="192.0.2.1", **headers):
    credentials = base64.b64encode(f"{email}:{password}".encode()).decode()
    return app.request("/cms/post.json", headers={"Authorization": f"Basic {credentials}", **headers}, remote_addr=address)


def test_after_too_many_wrong_passwords_one_has_to_wait_and_is_told_how_long(app, browser):
    assert guess(browser, 3) == [303, 303, 303]
    app.clock.advance(minutes=1)

    answer = browser.log_in()

    assert answer.status == 429
    assert answer.headers["retry-after"] == str(14 * 60)
    assert "Please try again in 14 minutes" in answer.text and 'role="alert"' in answer.text
    assert cast.PASSWORD not in answer.text
    assert not browser.is_logged_in()


def test_wait_has_an_end(app, browser):
    guess(browser, 3)
    app.clock.advance(minutes=15)

    assert browser.log_in().status == 303
    assert browser.is_logged_in()


def test_waiting_is_not_prolonged_by_further_attempts(app, browser):
    guess(browser, 3)
    app.clock.advance(minutes=14)
    assert guess(browser, 2) == [429, 429]
    app.clock.advance(minutes=1)

    assert browser.log_in().status == 303


def test_right_password_clears_the_count(browser):
    for _ in range(2):
        guess(browser, 2)
        assert browser.log_in().status == 303
        browser.cookies.clear()


def test_one_visitor_cannot_lock_others_out_of_an_account(browser, another):
    guess(browser, 5)

    assert another().log_in().status == 303


def test_many_addresses_together_cannot_guess_without_end(another):
    assert [guess(another(f"198.51.100.{number}"), 2) for number in range(3)] == [[303, 303]] * 3

    assert guess(another("203.0.113.1")) == [429]
    assert another("203.0.113.2").log_in("ben").status == 303


def test_one_address_cannot_try_all_accounts(browser, another):
    statuses = [guess(browser, email=f"somebody{number}@relief.example")[0] for number in range(10)]

    assert statuses == [303] * 8 + [429] * 2
    assert another().log_in().status == 303


def test_accounts_that_there_are_not_answer_alike(browser, another):
    visitor = another()

    assert guess(browser, 4) == guess(visitor, 4, email="nobody@relief.example") == [303, 303, 303, 429]


def test_http_basic_is_counted_and_answered_too(app):
    assert [basic(app).status for _ in range(3)] == [401] * 3

    answer = basic(app, password=cast.PASSWORD)

    assert answer.status == 429
    assert answer.headers["retry-after"] == "900"
    assert answer.json()["statuscode"] == "429" and "try again in 15 minutes" in answer.json()["message"]
    assert basic(app, password=cast.PASSWORD, address="198.51.100.7").status == 200


def test_form_and_http_basic_share_one_count(app, browser):
    guess(browser, 2)
    assert basic(app).status == 401

    assert guess(browser) == [429]


def test_right_passwords_over_http_basic_write_nothing(app, rows):
    for _ in range(5):
        assert basic(app, password=cast.PASSWORD).status == 200

    assert rows("auth_throttle") == []


@pytest.mark.parametrize("forwarded", ["203.0.113.{n}", "203.0.113.{n}, 198.51.100.7"])
def test_invented_addresses_do_not_count(app, forwarded):
    """X-Forwarded-For of somebody who is no proxy."""
    statuses = [basic(app, **{"X-Forwarded-For": forwarded.format(n=n)}).status for n in range(5)]

    assert statuses == [401, 401, 401, 429, 429]


def test_behind_a_proxy_everybody_is_counted_alone(app):
    def through_proxy(client, begun_with=""):
        return basic(app, address="127.0.0.1", **{"X-Forwarded-For": f"{begun_with}{client}"}).status

    statuses = [through_proxy("203.0.113.5", f"10.0.0.{n}, ") for n in range(4)]

    assert statuses == [401, 401, 401, 429]
    assert through_proxy("203.0.113.6") == 401


def test_one_ipv6_network_is_one_visitor(app):
    statuses = [basic(app, address=f"2001:db8:0:1::{n}").status for n in range(1, 6)]

    assert statuses == [401, 401, 401, 429, 429]
    assert basic(app, address="2001:db8:0:2::1").status == 401


def test_closed_account_with_its_right_password_answers_like_a_wrong_one(app, browser):
    with app.env() as current:
        current.auth.disable_user(app.people["anna"].user_id)
        current.db.commit()

    statuses = [browser.log_in().status for _ in range(4)]

    assert statuses == [303, 303, 303, 429]


def test_password_change_cannot_be_used_to_guess(browser):
    browser.log_in()
    new = {"new_password": "a longer secret", "repeat_password": "a longer secret"}
    for _ in range(3):
        browser.submit("/default/user/change_password", password="wrong", **new)

    answer = browser.submit("/default/user/change_password", password=cast.PASSWORD, **new)

    assert answer.status == 200 and "Too many attempts" in answer.text


def test_attempts_count_though_the_request_is_rolled_back(app):
    with app.env() as current:
        for _ in range(3):
            assert current.auth.login_bare(ANNA, "wrong") is None
            current.db.rollback()

        assert current.auth.login_bare(ANNA, cast.PASSWORD) is None


def test_attempts_at_the_same_time_are_all_counted(app, rows):
    barrier = threading.Barrier(4)

    def attempt():
        barrier.wait(30)
        basic(app)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    # as many as come: one that is late must not find that it has to wait
    with app.configured("settings.auth.login_attempts = 50"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

    assert sorted(row["attempts"] for row in rows("auth_throttle")) == [4, 4, 4]


def test_counters_name_nobody(app, browser, rows):
    guess(browser)

    text = str(rows("auth_throttle"))
    assert len(rows("auth_throttle")) == 3
    assert "anna" not in text and "192.0.2.1" not in text


def test_counters_end_with_their_window(app, browser, rows):
    guess(browser)
    with app.env() as current:
        app.clock.advance(minutes=14)
        current.auth.prune()
        current.db.commit()
    assert len(rows("auth_throttle")) == 3

    app.clock.advance(minutes=1)
    with app.env() as current:
        current.auth.prune()
        current.db.commit()
    assert rows("auth_throttle") == []


def test_counters_stay_few_without_maintenance(app, monkeypatch, rows):
    """Somebody who invents accounts from many addresses fills no more than one window."""
    from s3.s3aaa import throttle

    monkeypatch.setattr(throttle, "_PRUNE_EVERY", 5)
    for number in range(6):
        basic(app, email=f"a{number}@relief.example", address=f"198.51.100.{number}")
        app.clock.advance(minutes=10)

    assert len(rows("auth_throttle")) <= 3 * 2 + 5


@pytest.mark.parametrize("by", ["form", "basic"])
def test_log_says_once_that_somebody_has_to_wait(app, browser, rows, by):
    """However often they come meanwhile, or a stranger could fill the database."""
    for _ in range(8):
        guess(browser) if by == "form" else basic(app)

    told = [row["description"] for row in rows("auth_event") if "Too many" in row["description"]]
    assert told == [f"Too many wrong passwords for {ANNA}"]
    assert len([row for row in rows("auth_event") if ANNA in row["description"] and "failed" in row["description"]]) <= 3
