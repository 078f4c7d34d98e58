"""Conversion of filter values to the type of the field they are compared with.

A value that cannot be converted is an error: ignoring it would widen the filter (deviation from Eden).
"""
from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from functools import cache
from typing import Any

from s3.s3datetime import S3TypeConverter
from s3.s3error import S3FilterValueError
from s3.s3utils import s3_str
from s3dal import Expression

__all__ = ("convert_value",)

_TYPES: dict[str, type] = {
    "id": int,
    "integer": int,
    "bigint": int,
    "reference": int,
    "double": float,
    "float": float,
    "decimal": Decimal,
    "boolean": bool,
    "date": dt.date,
    "datetime": dt.datetime,
    "time": dt.time,
    "string": str,
    "text": str,
    "upload": str,
}


def convert_value(ftype: str, value: Any, selector: str) -> Any:
    """Convert a value, or each of a list of values, for a field.

    Args:
        ftype: type of the field; of a list type, that of its members
        selector: of the field, for the error message

    Raises:
        S3FilterValueError: no such value, or no values of this type can be compared
    """
    if isinstance(value, (list, tuple, set, frozenset)):
        return [convert_value(ftype, item, selector) for item in value]
    if value is None or isinstance(value, Expression):
        return value
    target = _target_type(ftype)
    if target is None:
        raise S3FilterValueError(f"{selector}: fields of type {ftype} cannot be filtered", selector=selector, value=value)
    try:
        return _checked(s3_str(value) if target is str else S3TypeConverter.convert(target, value))
    except (TypeError, ValueError, OverflowError) as error:
        raise S3FilterValueError(f"{selector}: {value!r} is no value for it ({error})", selector=selector, value=value) from error


@cache
def _target_type(ftype: str) -> type | None:
    member = ftype[5:] if ftype.startswith("list:") else ftype
    return _TYPES.get(member.partition(" ")[0].partition("(")[0])


def _checked(value: Any) -> Any:
    """Refuse what databases cannot store and would answer with errors of their own."""
    if isinstance(value, str):
        value.encode()
        if "\0" in value:
            raise ValueError("text cannot hold the character NUL")
    elif isinstance(value, (dt.datetime, dt.time)):
        # databases hold whole seconds
        return value.replace(microsecond=0)
    elif isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise ValueError("not a finite number")
    return value
