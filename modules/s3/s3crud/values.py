"""Values of records in JSON: how they are written, and how what a client sends becomes values of fields."""
from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Callable, Mapping
from typing import Any

from gluon import current

from s3.s3datetime import s3_utc
from s3.s3utils import s3_str, s3_validate
from s3dal import Field, Row, Table

__all__ = ("check_values", "dump_json", "length_error", "storable_text")


def dump_json(data: Any) -> str:
    """JSON text of extracted data; date/times as ISO text with "Z"."""
    return json.dumps(data, default=_encode, ensure_ascii=False)


def _encode(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return f"{value.replace(microsecond=0, tzinfo=None).isoformat()}Z"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    return s3_str(value)


def check_values(
    table: Table,
    given: Mapping[str, Any],
    record: Row | None = None,
    preset: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], dict[str, str]]:
    """Validate what a client sends for a record.

    Args:
        table: the table to write to
        given: {field name or colname: JSON value}
        record: the stored record for an update, None for a new one
        preset: values that are set anyhow and need not be given

    Returns:
        The values to store, and {field name: what is wrong}; nothing may be stored if that is not empty.
        Fields that the user must not write are unknown.
    """
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    prefix = f"{table._tablename}."
    for key, raw in given.items():
        name = key.removeprefix(prefix)
        field = table[name] if name in table.fields else None
        if field is None or not field.writable or name == table._id.name:
            errors[key] = s3_str(current.T("invalid field"))
            continue
        _check(table, field, raw, record, values, errors)
    if record is None:
        known = {**values, **errors, **(preset or {})}
        for field in table:
            if field.name not in known and field.name != table._id.name and field.writable:
                _check_missing(table, field, errors)
    return values, errors


def _check(table: Table, field: Field, raw: Any, record: Row | None, values: dict[str, Any], errors: dict[str, str]) -> None:
    try:
        value = _convert(str(field.type), raw)
    except (TypeError, ValueError) as exc:
        errors[field.name] = str(exc)
        return
    value, error = s3_validate(table, field, value, record)
    if error is None and value is None and field.notnull:
        error = current.T("enter a value")
    error = error or length_error(field, value)
    if error is None:
        values[field.name] = value
    else:
        errors[field.name] = s3_str(error)


def length_error(field: Field, value: Any) -> Any:
    """What is wrong with the length of a text, None if nothing is; not every database would cut it or complain."""
    if field.type == "string" and isinstance(value, str) and field.length and len(value) > field.length:
        return current.T("at most %(length)s characters") % {"length": field.length}
    return None


def _check_missing(table: Table, field: Field, errors: dict[str, str]) -> None:
    """A field of a new record that is not given must have a default or be optional."""
    default = field.default() if callable(field.default) else field.default
    if default is not None:
        return
    error = s3_validate(table, field, None)[1]
    if error is None and field.notnull:
        error = current.T("enter a value")
    if error is not None:
        errors[field.name] = s3_str(error)


def storable_text(raw: Any) -> str:
    """The text, if databases can store it.

    Raises:
        TypeError, ValueError: says what is wrong
    """
    if not isinstance(raw, str):
        raise TypeError("must be text")
    if "\x00" in raw or any("\ud800" <= sign <= "\udfff" for sign in raw):
        # no database stores these
        raise ValueError("must be text without control characters")
    return raw


def _integer(raw: Any) -> int:
    if isinstance(raw, bool) or not isinstance(raw, (int, str)):
        raise TypeError("must be a whole number")
    try:
        return int(raw)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _number(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise TypeError("must be a number")
    try:
        return float(raw)
    except ValueError:
        raise ValueError("must be a number") from None


def _boolean(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise TypeError("must be true or false")
    return raw


def _datetime(raw: Any) -> dt.datetime:
    text = storable_text(raw)
    try:
        # fromisoformat knows "Z" from Python 3.11 on
        value = s3_utc(dt.datetime.fromisoformat(text.removesuffix("Z") + "+00:00" if text.endswith("Z") else text))
    except (OverflowError, ValueError):
        raise ValueError("must be a date and time such as 2020-12-31T23:59:59Z") from None
    assert value is not None
    return value.replace(tzinfo=None, microsecond=0)


def _date(raw: Any) -> dt.date:
    try:
        return dt.date.fromisoformat(storable_text(raw))
    except ValueError:
        raise ValueError("must be a date such as 2020-12-31") from None


def _refuse(raw: Any) -> Any:
    raise TypeError("cannot be set in this format")


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "string": storable_text,
    "text": storable_text,
    "time": storable_text,
    "integer": _integer,
    "bigint": _integer,
    "reference": _integer,
    "double": _number,
    "boolean": _boolean,
    "datetime": _datetime,
    "date": _date,
    "upload": _refuse,
    "blob": _refuse,
    "password": _refuse,
}


def _convert(ftype: str, raw: Any) -> Any:
    """The value of a field from its JSON form.

    Raises:
        TypeError, ValueError: it is none; says what it must be
    """
    if raw is None:
        return None
    if ftype.startswith("list:"):
        if not isinstance(raw, list):
            raise TypeError("must be a list")
        element = ftype[5:]
        return [_convert(element, item) for item in raw]
    convert = CONVERTERS.get(ftype.split("(")[0].split(" ")[0])
    return convert(raw) if convert else raw
