"""Keys that are good once: random, with an end that nobody can move."""
from __future__ import annotations

import datetime as dt

import pytest

from s3.s3aaa.onetime import hash_key, is_timely, new_key

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)


def test_key_holds_its_end_and_256_random_bits():
    one, two = (new_key(60, NOW) for _ in range(2))

    end, secret = one.split("-")
    assert int(end) == 1772431200 + 60  # 2026-03-02T06:00:00Z
    assert len(bytes.fromhex(secret)) == 32
    assert one != two


@pytest.mark.parametrize(("seconds", "timely"), [(0, True), (59, True), (60, False), (3600, False)])
def test_key_ends(seconds, timely):
    assert is_timely(new_key(60, NOW), NOW + dt.timedelta(seconds=seconds)) is timely


@pytest.mark.parametrize("key", ["", "-", "abc", "-abc", "99999999999999999999-abc", "\u0661\u0662-abc", "-5-abc", "1e9-abc", "\x00"])
def test_what_is_no_key_is_late(key):
    assert not is_timely(key, NOW)


def test_end_is_part_of_what_is_hashed():
    end, _, secret = new_key(60, NOW).partition("-")

    assert hash_key(f"{end}-{secret}") != hash_key(f"{int(end) + 1}-{secret}")


def test_hash_gives_nothing_away():
    key = new_key(60, NOW)

    assert len(hash_key(key)) == 64 and key.partition("-")[2] not in hash_key(key)
