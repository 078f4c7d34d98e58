"""Values of a document as values of fields."""
from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections.abc import Callable
from typing import Any

from dateutil.parser import isoparse

from s3.s3datetime import s3_utc
from s3dal import Field

__all__ = ("decode_datetime", "decode_value", "length_fault")

TEXT_TYPES = ("string", "text")
TRUE, FALSE = frozenset(("true", "t", "1", "yes")), frozenset(("false", "f", "0", "no"))
# A date without time is meant for the whole day: morning, so that it stays the same day in most time zones
MORNING = dt.time(8)
ISO_DATE_LENGTH = 10
# What the integer columns of our databases hold
MAX_INTEGER = {"integer": 2**31 - 1, "bigint": 2**63 - 1}


def decode_value(field: Field, encoded: str | None, text: str | None) -> Any:
    """The value of a data element.

    Args:
        encoded: its value attribute, which goes before the text

    Raises:
        ValueError: it is none of this field; says what it must be
    """
    raw: Any = text if encoded is None else _json_or_text(encoded)
    ftype = str(field.type).partition("(")[0]
    if ftype in TEXT_TYPES:
        return None if raw is None and encoded is not None else _text(raw or "")
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    if ftype in ("json", "jsonb"):
        return _json_or_text(raw) if isinstance(raw, str) else raw
    if ftype.startswith("list:"):
        members = raw if isinstance(raw, list) else raw.strip("|").split("|") if isinstance(raw, str) else [raw]
        return [_convert(ftype[5:], member) for member in members]
    return _convert(ftype, raw)


def decode_datetime(text: str) -> dt.datetime:
    """Naive UTC, whole seconds; UTC unless the text names a zone.

    Raises:
        ValueError: it is no ISO date/time
    """
    return _datetime(text)


def length_fault(field: Field, value: Any) -> str | None:
    """What is wrong with the length of a text; not every database would cut it or complain."""
    if field.type == "string" and isinstance(value, str) and field.length and len(value) > field.length:
        return f"at most {field.length} characters"
    return None


def _json_or_text(encoded: str) -> Any:
    try:
        return json.loads(encoded)
    except (ValueError, RecursionError):
        return encoded


def _convert(ftype: str, raw: Any) -> Any:
    converter = CONVERTERS.get(ftype)
    return converter(raw) if converter else _text(raw)


def _text(raw: Any) -> str:
    if isinstance(raw, (bool, list, dict)) or raw is None:
        raise ValueError("must be text")
    text = raw if isinstance(raw, str) else str(raw)
    if "\x00" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        # no database stores these
        raise ValueError("must be text without control characters")
    return text


def _integer(raw: Any, ftype: str = "integer") -> int:
    if isinstance(raw, (bool, list, dict)):
        raise ValueError("must be a whole number")
    try:
        number = int(str(raw).strip())
    except ValueError:
        raise ValueError("must be a whole number") from None
    if abs(number) > MAX_INTEGER[ftype]:
        raise ValueError("is too large a number")
    return number


def _number(raw: Any) -> float:
    if isinstance(raw, (bool, list, dict)):
        raise ValueError("must be a number")
    try:
        number = float(raw)
    except (ValueError, OverflowError):
        raise ValueError("must be a number") from None
    if not math.isfinite(number):
        raise ValueError("must be a number")
    return number


def _decimal(raw: Any) -> decimal.Decimal:
    if isinstance(raw, (bool, list, dict)):
        raise ValueError("must be a number")
    try:
        number = decimal.Decimal(str(raw).strip())
    except decimal.InvalidOperation:
        raise ValueError("must be a number") from None
    if not number.is_finite():
        raise ValueError("must be a number")
    return number


def _boolean(raw: Any) -> bool:
    text = str(raw).strip().lower()
    if isinstance(raw, (list, dict)) or text not in TRUE | FALSE:
        raise ValueError("must be true or false")
    return text in TRUE


def _iso(raw: Any, wanted: str) -> tuple[str, dt.datetime]:
    text = str(raw).strip()
    try:
        # "2020-12-31 23:59" is how people write it
        return text, isoparse(text.replace(" ", "T", 1))
    except (OverflowError, ValueError):
        raise ValueError(f"must be {wanted}") from None


def _datetime(raw: Any) -> dt.datetime:
    text, value = _iso(raw, "a date and time such as 2020-12-31T23:59:59Z")
    if len(text) <= ISO_DATE_LENGTH:
        value = dt.datetime.combine(value.date(), MORNING)
    try:
        utc = s3_utc(value)
    except OverflowError:
        raise ValueError("must be a date and time such as 2020-12-31T23:59:59Z") from None
    assert utc is not None
    return utc.replace(tzinfo=None, microsecond=0)


def _date(raw: Any) -> dt.date:
    return _iso(raw, "a date such as 2020-12-31")[1].date()


def _time(raw: Any) -> dt.time:
    try:
        return dt.time.fromisoformat(str(raw).strip()).replace(microsecond=0, tzinfo=None)
    except ValueError:
        raise ValueError("must be a time such as 23:59:59") from None


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "bigint": lambda raw: _integer(raw, "bigint"),
    "float": _number,
    "double": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "time": _time,
}
