"""Values of documents as values of fields."""
from __future__ import annotations

import datetime as dt
import decimal

import pytest

from s3.s3resource.exchange.import_values import decode_datetime, decode_value, length_fault
from s3dal import Field


@pytest.mark.parametrize(
    ("ftype", "encoded", "text", "value"),
    [
        ("string", None, "a", "a"),
        ("string", None, None, ""),
        ("string", "null", None, None),
        ("string", '"a"', "b", "a"),
        ("string", "a", "b", "a"),
        ("string", "5", None, "5"),
        ("text", None, "  ", "  "),
        ("integer", "5", "five", 5),
        ("integer", None, " 5 ", 5),
        ("integer", None, " ", None),
        ("integer", "null", "5", None),
        ("bigint", "9223372036854775807", None, 2**63 - 1),
        ("double", "1.5", None, 1.5),
        ("double", None, "1e3", 1000.0),
        ("decimal(10,2)", "1.50", None, decimal.Decimal("1.5")),
        ("boolean", "true", "Ja", True),
        ("boolean", None, "No", False),
        ("boolean", None, "1", True),
        ("date", "2026-03-02", "2 March", dt.date(2026, 3, 2)),
        ("date", '"2026-03-02"', None, dt.date(2026, 3, 2)),
        ("time", "06:30:00", None, dt.time(6, 30)),
        ("list:string", '["a", "b"]', None, ["a", "b"]),
        ("list:string", None, "|a|b|", ["a", "b"]),
        ("list:string", None, "a", ["a"]),
        ("list:integer", "[1, 2]", None, [1, 2]),
        ("list:integer", "1", None, [1]),
        ("json", '{"a": [1]}', None, {"a": [1]}),
    ],
)
def test_value_goes_before_text(ftype, encoded, text, value):
    assert decode_value(Field("f", ftype), encoded, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-02T06:00:00Z", (6, 0, 0)),
        ("2026-03-02T06:00:00", (6, 0, 0)),
        ("2026-03-02T06:00:00.750Z", (6, 0, 0)),
        ("2026-03-02T08:00:00+02:00", (6, 0, 0)),
        ("2026-03-02 06:00", (6, 0, 0)),
        ("20260302T060000Z", (6, 0, 0)),
        # a day without time is meant for the morning
        ("2026-03-02", (8, 0, 0)),
    ],
)
def test_date_times_are_naive_utc(text, value):
    assert decode_datetime(text) == dt.datetime(2026, 3, 2, *value)


@pytest.mark.parametrize(
    ("ftype", "encoded", "text"),
    [
        ("integer", "true", None), ("integer", None, "5.5"), ("integer", None, "five"), ("integer", "[5]", None),
        ("integer", "99999999999", None),
        ("bigint", "9223372036854775808", None), ("double", None, "nan"), ("double", "1e999", None), ("double", "true", None),
        ("decimal(10,2)", None, "sNaN"), ("decimal(10,2)", None, "x"),
        ("boolean", "2", None), ("boolean", None, "perhaps"), ("boolean", "{}", None),
        ("datetime", None, "someday"), ("datetime", None, "02/03/2026"), ("datetime", "5", None),
        ("datetime", None, "9999-12-31T23:59:59-12:00"),
        ("datetime", None, "2026-02-30"), ("date", None, "tomorrow"), ("time", None, "25:00"),
        ("string", "[1]", None), ("string", '{"a": 1}', None), ("string", "true", None), ("string", '"\\u0000"', None),
        ("text", '"\\ud800"', None),
        ("list:integer", '["x"]', None), ("list:string", '[["a"]]', None),
    ],
)  # fmt: skip
def test_what_is_no_such_value_is_said(ftype, encoded, text):
    with pytest.raises(ValueError, match="must be|too large"):
        decode_value(Field("f", ftype), encoded, text)


def test_text_is_not_longer_than_its_column():
    assert length_fault(Field("f", length=3), "abcd") == "at most 3 characters"
    assert length_fault(Field("f", length=3), "abc") is None
    assert length_fault(Field("f", "text"), "a" * 100_000) is None
