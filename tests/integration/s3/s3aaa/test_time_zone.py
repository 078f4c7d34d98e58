"""The time zone of an account, in which dates are shown to its owner."""
from __future__ import annotations

import datetime as dt

import pytest

NOON = dt.datetime(2026, 7, 1, 12, 0)
OWN_NAMES = {"first_name": "Anna", "last_name": "Abel", "language": "en"}


def set_time_zone(app, zone):
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(timezone=zone)
        current.db.commit()


@pytest.mark.parametrize(
    ("own", "site", "expected"),
    [
        ("Asia/Kathmandu", None, "17:45"),
        ("Asia/Kathmandu", "Europe/Berlin", "17:45"),
        (None, "Europe/Berlin", "14:00"),
        # from an earlier version of the list of zones
        ("Atlantis/Center", "Europe/Berlin", "14:00"),
        (None, None, "12:00"),
    ],
)
def test_dates_are_in_the_zone_of_the_account_else_of_the_site(app, own, site, expected):
    """X41"""
    from s3.s3datetime import S3DateTime

    set_time_zone(app, own)
    with app.configured(f"settings.L10n.timezone = {site!r}"), app.env() as current:
        # shown to somebody else before
        S3DateTime.datetime_represent(NOON, utc=True)
        current.auth.s3_impersonate(app.people["anna"].user_id)

        assert S3DateTime.datetime_represent(NOON, utc=True) == f"2026-07-01 {expected}"


@pytest.mark.parametrize(("given", "stored"), [("Europe/Berlin", "Europe/Berlin"), (" Asia/Kathmandu ", "Asia/Kathmandu"), ("", None)])
def test_people_set_their_time_zone_in_their_profile(app, browser, given, stored):
    set_time_zone(app, "America/Bogota")
    browser.log_in("anna")

    browser.submit("/default/user/profile", timezone=given, **OWN_NAMES)

    with app.env() as current:
        assert current.db.auth_user[app.people["anna"].user_id].timezone == stored
    assert (f'value="{stored}"' in browser.get("/default/user/profile").text) is bool(stored)


@pytest.mark.parametrize("zone", ["Berlin", "../etc/passwd", "/etc/localtime", "Europe/", "<script>", "x" * 300])
def test_zone_that_there_is_not_is_refused_beside_its_field(app, browser, zone):
    browser.log_in("anna")

    answer = browser.submit("/default/user/profile", timezone=zone, **OWN_NAMES)

    assert answer.status == 200 and "There is no such time zone" in answer.text
    with app.env() as current:
        assert current.db.auth_user[app.people["anna"].user_id].timezone is None
