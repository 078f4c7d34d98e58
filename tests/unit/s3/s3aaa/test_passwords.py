"""Password hashes: slow, keyed, and verified at the same cost for everybody."""
from __future__ import annotations

import time

import pytest
from gluon import current
from gluon.validators import CRYPT

from s3.s3aaa.passwords import ITERATIONS, check_password, hash_password, needs_rehash

KEY = "a key for tests"
PASSWORD = "correct horse"
CHEAP_HASH = hash_password(PASSWORD, KEY, iterations=1)


def test_hash_says_how_it_was_made_and_is_salted():
    one, two = (hash_password(PASSWORD, KEY) for _ in range(2))

    algorithm, salt, digest = one.split("$")
    assert (algorithm, len(salt), len(digest)) == (f"pbkdf2({ITERATIONS},32,sha512)", 16, 64)
    assert one != two


@pytest.mark.parametrize(
    ("password", "key", "expected"),
    [(PASSWORD, KEY, True), (PASSWORD + " ", KEY, False), ("", KEY, False), (PASSWORD, "another key", False)],
)
def test_hash_belongs_to_one_password_and_one_key(password, key, expected):
    assert check_password(password, CHEAP_HASH, key) is expected


def test_password_of_any_script_and_length_is_kept_apart():
    stored = hash_password("пароль" * 1000, KEY, iterations=1)

    assert check_password("пароль" * 1000, stored, KEY)
    assert not check_password("пароль" * 999, stored, KEY)


def test_hash_of_the_original_is_verified():
    stored = str(CRYPT(key=KEY, digest_alg="sha512", salt=True)(PASSWORD)[0])

    assert stored.startswith("sha512$")
    assert check_password(PASSWORD, stored, KEY)
    assert not check_password("wrong", stored, KEY)


@pytest.mark.parametrize("stored", [None, "", "no hash", "pbkdf2(1,32,sha512)$$"])
def test_nothing_matches_without_a_hash(stored):
    assert not check_password("", stored, KEY)


@pytest.mark.parametrize(
    "stored",
    [hash_password(PASSWORD, KEY), str(CRYPT(key=KEY, digest_alg="sha512", salt=True)(PASSWORD)[0])],
    ids=["today's hash", "the original's"],
)
def test_missing_account_costs_as_much_as_a_wrong_password(stored):
    def cost(hashed):
        return min(_seconds(lambda: check_password("wrong", hashed, KEY)) for _ in range(3))

    # Both are one PBKDF2: within a factor of two even on a busy machine, where a shortcut would make it a thousand
    assert 0.5 < cost(None) / cost(stored) < 2


def test_hash_takes_long_enough_to_slow_down_guessing():
    assert min(_seconds(lambda: hash_password(PASSWORD, KEY)) for _ in range(3)) > 0.02


def _seconds(function):
    # of this thread alone: the machine may be busy with something else
    start = time.thread_time()
    function()
    return time.thread_time() - start


def test_password_field_hashes_what_a_form_sends(world):
    value, error = current.db.auth_user.password.validate(PASSWORD)

    assert error is None
    assert check_password(PASSWORD, value, KEY)


def test_password_field_refuses_short_passwords(world):
    world.auth(auth__password_min_length=10)

    value, error = current.db.auth_user.password.validate("short one")

    assert error == "Enter at least 10 characters"


@pytest.mark.parametrize(
    ("stored", "weak"),
    [
        (hash_password(PASSWORD, KEY), False),
        (hash_password(PASSWORD, KEY, iterations=ITERATIONS + 1), False),
        (hash_password(PASSWORD, KEY, iterations=ITERATIONS - 1), True),
        ("sha512$salt$hash", True),
        ("", True),
        (None, True),
    ],
    ids=["today's", "stronger", "weaker", "the original's", "empty", "none"],
)
def test_hash_weaker_than_todays_is_to_be_replaced(stored, weak):
    assert needs_rehash(stored) is weak
