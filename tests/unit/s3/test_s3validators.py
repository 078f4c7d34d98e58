import datetime as dt

import pytest
from gluon import current
from gluon.storage import Storage

from s3.s3validators import IS_JSONS3, IS_PHONE_NUMBER_MULTI, IS_PHONE_NUMBER_SINGLE, IS_UTC_DATE, IS_UTC_DATETIME
from s3cfg import S3Config


@pytest.fixture
def settings():
    """Settings of a deployment in Stockholm: two hours ahead of UTC in May, one in November."""
    before = dict(current.__dict__)
    current.deployment_settings = settings = S3Config()
    settings.L10n.timezone = "Europe/Stockholm"
    current.request = Storage(post_vars=Storage())
    current.response = Storage(s3=Storage())
    current.session = Storage()
    current.T = lambda text: text
    yield settings
    current.__dict__.clear()
    current.__dict__.update(before)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2019-05-08T10:00:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08 10:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08 10:00:30", dt.datetime(2019, 5, 8, 8, 0, 30)),
        ("2019-11-08 10:00", dt.datetime(2019, 11, 8, 9, 0)),
        ("2019-05-08T10:00:00Z", dt.datetime(2019, 5, 8, 10, 0)),
        ("2019-05-08 10:00+0500", dt.datetime(2019, 5, 8, 5, 0)),
        ("2019-05-08T10:00:00-01:00", dt.datetime(2019, 5, 8, 11, 0)),
        (dt.datetime(2019, 5, 8, 10, 0), dt.datetime(2019, 5, 8, 10, 0)),
    ],
)
def test_a_date_time_is_stored_as_naive_utc(settings, text, utc):
    assert IS_UTC_DATETIME()(text) == (utc, None)


@pytest.mark.parametrize("text", ["", "tomorrow", "2019-13-08 10:00", "2019-05-08", None])
def test_what_is_no_date_time_is_refused(settings, text):
    value, error = IS_UTC_DATETIME()(text)

    assert error == "Enter a valid date/time"


def test_the_format_of_the_deployment_comes_first(settings):
    settings.L10n.date_format = "%d/%m/%Y"

    assert IS_UTC_DATETIME()("08/05/2019 10:00") == (dt.datetime(2019, 5, 8, 8, 0), None)
    assert IS_UTC_DATETIME().formatter(dt.datetime(2019, 5, 8, 8, 0)) == "08/05/2019 10:00"
    assert IS_UTC_DATE()("08/05/2019") == (dt.date(2019, 5, 8), None)
    assert IS_UTC_DATE().formatter(dt.date(2019, 5, 8)) == "08/05/2019"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        # 10:00 in Stockholm is 8:00 UTC
        ("2019-05-08 10:00", None),
        ("2019-05-08 09:59", "Not before 2019-05-08 10:00"),
        ("2019-05-08 12:00", None),
        ("2019-05-08 12:01", "Not after 2019-05-08 12:00"),
    ],
)
def test_limits_are_included_and_named_in_local_time(settings, text, error):
    validator = IS_UTC_DATETIME(minimum=dt.datetime(2019, 5, 8, 8, 0), maximum=dt.datetime(2019, 5, 8, 10, 0))

    assert validator(text)[1] == error


def test_a_message_of_ones_own_replaces_all_others(settings):
    validator = IS_UTC_DATETIME(minimum=dt.datetime(2019, 5, 8), error_message="No")

    assert [validator(text)[1] for text in ("2018-05-08 10:00", "x")] == ["No", "No"]


@pytest.mark.parametrize(
    "value",
    ["2019-05-08", dt.date(2019, 5, 8), dt.datetime(2019, 5, 8, 23, 0)],
)
def test_a_date_stays_the_date_it_is(settings, value):
    assert IS_UTC_DATE()(value) == (dt.date(2019, 5, 8), None)


def test_a_date_has_limits(settings):
    validator = IS_UTC_DATE(minimum=dt.date(2019, 5, 1))

    assert validator("2019-04-30")[1] == "Not before 2019-05-01"
    assert validator("x")[1] == "Enter a valid date"


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        ("+44 123 456", "+44123456"),
        ("+46 78-375 49 57", "+46783754957"),
        ("\u200e+46783754957", "+46783754957"),
        ("+1 (555) 123-4567", "+15551234567"),
    ],
)
def test_an_international_number_is_stored_without_separators(settings, number, stored):
    assert IS_PHONE_NUMBER_SINGLE(international=True)(number) == (stored, None)


@pytest.mark.parametrize(
    "number",
    ["070 123 45 67", "0046783754957", "+0123456", "+1 555", "+46 78 375 49 57 x12", "abc", "", "+44 123 456, +44 123 457"],
)
def test_a_number_that_is_not_international_is_refused_where_it_must_be(settings, number):
    assert IS_PHONE_NUMBER_SINGLE(international=True)(number)[1] == "Enter phone number in international format like +46783754957"


def test_a_deployment_may_allow_local_mobile_numbers(settings):
    settings.msg.require_international_phone_numbers = False

    assert IS_PHONE_NUMBER_SINGLE(international=True)("070 123 45 67") == ("070 123 45 67", None)


@pytest.mark.parametrize(
    ("number", "error"),
    [("(0)20 7946-0958", None), ("+46 8 123 456 x12", None), ("abc", "Enter a valid phone number")],
)
def test_other_numbers_are_kept_as_they_are_written(settings, number, error):
    assert IS_PHONE_NUMBER_SINGLE()(number) == (number, error)


@pytest.mark.parametrize(
    ("numbers", "result"),
    [
        ("555 1234", ("555 1234", None)),
        ("555 1234/555 1235;555 1236 , 555 1237", ("555 1234, 555 1235, 555 1236, 555 1237", None)),
        ("555 1234,", ("555 1234", None)),
        ("", ("", "Enter a valid phone number")),
        (";", (";", "Enter a valid phone number")),
        ("555 1234, none", ("555 1234, none", "Enter a valid phone number")),
    ],
)
def test_several_numbers_may_be_separated(settings, numbers, result):
    assert IS_PHONE_NUMBER_MULTI()(numbers) == result


def test_json_is_stored_as_written_apostrophes_and_all():
    text = '[["~.name__like", "O\'Neill"]]'

    assert IS_JSONS3()(text) == (text, None)


def test_what_is_no_json_is_refused_with_the_place():
    assert IS_JSONS3()("[['a', 1]]")[1].startswith("Invalid JSON: Expecting value: line 1 column 3")


def test_json_may_be_checked_further():
    validator = IS_JSONS3(check=lambda parsed: None if isinstance(parsed, list) else "a list is expected")

    assert validator("[]") == ("[]", None)
    assert validator("{}") == ("{}", "a list is expected")
