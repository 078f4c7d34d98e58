"""Dates and times: ISO text, relative expressions, conversion between UTC and local time."""
from __future__ import annotations

import datetime as dt

import pytest
from gluon import current
from gluon.storage import Storage

from s3.s3datetime import (
    S3DateTime,
    S3TypeConverter,
    relative_steps,
    s3_decode_iso_datetime,
    s3_encode_iso_datetime,
    s3_format_datetime,
    s3_get_tzinfo,
    s3_parse_datetime,
    s3_relative_datetime,
    s3_utc,
    set_clock,
    utcnow,
)
from s3cfg import S3Config

NOW = dt.datetime(2026, 1, 31, 12, 0, 0)
UTC = dt.timezone.utc


@pytest.fixture(autouse=True)
def request_in_stockholm(monkeypatch):
    """A request of a client whose session says Europe/Stockholm, at a fixed time."""
    for name, value in {
        "request": Storage(post_vars=Storage()),
        "response": Storage(s3=Storage()),
        "session": Storage(s3=Storage(tzname="Europe/Stockholm")),
        "deployment_settings": S3Config(),
    }.items():
        monkeypatch.setattr(current, name, value, raising=False)
    set_clock(lambda: NOW)
    yield
    set_clock(None)


def test_clock_gives_whole_seconds():
    set_clock(lambda: dt.datetime(2026, 1, 1, 0, 0, 0, 999999))

    assert utcnow() == dt.datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Stockholm is UTC+2 in May
        ("2019-05-08T10:00:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10:00:00Z", dt.datetime(2019, 5, 8, 10, 0)),
        # a zone that is not named is the reader's, however the rest is spelt
        ("2019-05-08 10:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08 10:00:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10:00:00.750", dt.datetime(2019, 5, 8, 8, 0, 0, 750000)),
        ("20190508T100000", dt.datetime(2019, 5, 8, 8, 0)),
        ("May 8, 2019 10:00", dt.datetime(2019, 5, 8, 8, 0)),
        # it can be named in any form of ISO 8601
        ("2019-05-08 10:00+0200", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10:00:00+02:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T10:00+02", dt.datetime(2019, 5, 8, 8, 0)),
        ("20190508T080000Z", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08 08:00:00 UTC", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08T23:00-05:00", dt.datetime(2019, 5, 9, 4, 0)),
        # a plus that a URL has made a blank of
        ("2019-05-08T10:00:00 02:00", dt.datetime(2019, 5, 8, 8, 0)),
        ("2019-05-08 10:00 0200", dt.datetime(2019, 5, 8, 8, 0)),
        # without a time: midnight in Stockholm
        ("2019-05-08", dt.datetime(2019, 5, 7, 22, 0)),
        ("20190508", dt.datetime(2019, 5, 7, 22, 0)),
        ("2019-W19-3", dt.datetime(2019, 5, 7, 22, 0)),
        ("2019-05", dt.datetime(2019, 4, 30, 22, 0)),
        ("08/05/2019", dt.datetime(2019, 8, 4, 22, 0)),
        # without a date: today
        ("10:00", dt.datetime(2026, 1, 31, 9, 0)),
        ("NOW", NOW),
        ("-1D", dt.datetime(2026, 1, 30, 12, 0)),
        (" 1D", dt.datetime(2026, 2, 1, 12, 0)),
        (" 2019-05-08", dt.datetime(2019, 5, 7, 22, 0)),
    ],
)
def test_text_of_a_date_time_is_converted_to_utc(text, expected):
    assert S3TypeConverter.convert(dt.datetime, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-05-08", dt.date(2019, 5, 8)),
        ("20190508", dt.date(2019, 5, 8)),
        ("2019-W19-3", dt.date(2019, 5, 8)),
        ("NOW", dt.date(2026, 1, 31)),
        ("2019-05-08T23:30:00Z", dt.date(2019, 5, 8)),
    ],
)
def test_text_of_a_date_is_converted(text, expected):
    assert S3TypeConverter.convert(dt.date, text) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, "5", 5),
        (int, " -7 ", -7),
        (1, "5", 5),
        (float, "1.5", 1.5),
        (bool, "True", True),
        (bool, "0", False),
        (bool, 1, True),
        (str, 5, "5"),
        (dt.time, "10:30", dt.time(10, 30)),
        ([1], "1,2", [1, 2]),
        ([1], ["1", "2"], [1, 2]),
        (int, ["1", "2"], [1, 2]),
        (int, None, None),
        (None, "x", "x"),
    ],
)
def test_values_are_converted_to_a_type(kind, value, expected):
    assert S3TypeConverter.convert(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (int, "five", ValueError),
        (int, "1_000", ValueError),
        (float, "x", ValueError),
        (bool, "maybe", TypeError),
        (dt.datetime, "soon", ValueError),
        (dt.datetime, "", ValueError),
        (dt.datetime, 5, TypeError),
        (dt.time, "25:00", ValueError),
        (dict, "x", TypeError),
    ],
)
def test_what_cannot_be_converted_is_an_error(kind, value, error):
    with pytest.raises(error):
        S3TypeConverter.convert(kind, value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now", NOW),
        ("+1Y3M", dt.datetime(2027, 4, 30, 12, 0)),
        # January 31st plus a month: the last day of February
        ("+1M", dt.datetime(2026, 2, 28, 12, 0)),
        ("-1D", dt.datetime(2026, 1, 30, 12, 0)),
        ("-1D12h", dt.datetime(2026, 1, 30, 0, 0)),
        ("-1D+2h", dt.datetime(2026, 1, 30, 14, 0)),
        ("+90m", dt.datetime(2026, 1, 31, 13, 30)),
        ("1D", None),
        ("+", None),
        ("+1X", None),
        ("+1D2X", None),
    ],
)
def test_relative_expressions_count_from_now(expression, expected):
    assert s3_relative_datetime(expression) == expected
    assert (relative_steps(expression) is None) is (expected is None)


def test_sign_of_a_relative_expression_holds_until_the_next_one():
    assert relative_steps("-1Y3M+2h") == [(-1, "years"), (-3, "months"), (2, "hours")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T06:00:00Z", dt.datetime(2026, 3, 1, 6, tzinfo=UTC)),
        ("2026-03-01", dt.datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01 06:00", dt.datetime(2026, 3, 1, 6, tzinfo=UTC)),
        # today's year and month
        ("15:30", dt.datetime(2026, 1, 31, 15, 30, tzinfo=UTC)),
    ],
)
def test_iso_text_is_read_leniently(text, expected):
    assert s3_decode_iso_datetime(text) == expected


def test_a_zone_in_iso_text_is_kept():
    assert s3_decode_iso_datetime("2026-03-01T06:00:00+03:00").utcoffset() == dt.timedelta(hours=3)


@pytest.mark.parametrize("text", ["", None, "no date", "2026-13-45"])
def test_what_is_no_date_raises(text):
    with pytest.raises(ValueError):
        s3_decode_iso_datetime(text)


def test_iso_text_has_no_microseconds():
    assert s3_encode_iso_datetime(dt.datetime(2026, 1, 2, 3, 4, 5, 6)) == "2026-01-02T03:04:05"
    assert s3_encode_iso_datetime(dt.date(2026, 1, 2)) == "2026-01-02"


def test_utc_of_nothing_is_nothing():
    assert s3_utc(None) is None
    assert s3_utc(dt.datetime(2026, 1, 1)) == dt.datetime(2026, 1, 1, tzinfo=UTC)


def test_a_strict_format_is_read_or_refused():
    assert s3_parse_datetime("2026-01-02T03:04:05") == dt.datetime(2026, 1, 2, 3, 4, 5)
    assert s3_parse_datetime("2026-01-02") is None
    assert s3_format_datetime() == "2026-01-31T12:00:00"


def test_local_time_of_the_client_is_shown():
    # UTC+1 in January
    assert S3DateTime.datetime_represent(NOW, utc=True) == "2026-01-31 13:00"
    assert S3DateTime.datetime_represent(NOW) == "2026-01-31 12:00"
    assert S3DateTime.date_represent(dt.datetime(2026, 1, 31, 23, 30), utc=True) == "2026-02-01"
    assert S3DateTime.time_represent(dt.time(12, 0), utc=True) == "13:00"
    assert S3DateTime.time_represent(dt.time(0, 0)) == "00:00"


def test_nothing_is_shown_as_a_dash_and_other_types_are_refused():
    assert S3DateTime.datetime_represent(None) == "-"
    with pytest.raises(TypeError):
        S3DateTime.date_represent("2026-01-01")


def test_a_date_stands_for_the_morning_of_the_day():
    assert S3DateTime.to_utc(dt.date(2026, 1, 31)) == dt.datetime(2026, 1, 31, 7, 0)
    assert S3DateTime.to_local(dt.date(2026, 1, 31)) == dt.datetime(2026, 1, 31, 8, 0)
    assert S3DateTime.to_utc(None) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+0530", 19800), ("-03:00", -10800), ("UTC +0800", 28800), ("+3.5", 12600), (6, 21600), ("x", 0), (None, 0)],
)
def test_utc_offsets_are_seconds(text, seconds):
    assert S3DateTime.get_offset_value(text) == seconds


def test_the_form_names_the_time_zone_before_the_session():
    current.request.post_vars["_timezone"] = "Asia/Tokyo"

    assert S3DateTime.to_local(NOW) == dt.datetime(2026, 1, 31, 21, 0)


def test_a_browser_offset_is_negative_in_the_east():
    current.session.s3.tzname = None
    current.request.post_vars["_utc_offset"] = "-330"

    assert S3DateTime.to_local(NOW) == dt.datetime(2026, 1, 31, 17, 30)


def test_an_unknown_time_zone_is_ignored():
    current.session.s3.tzname = "../../etc/passwd"

    assert s3_get_tzinfo() is None
