"""Fields that many tables have: comments, dates, language, roles, and computed fields."""
from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from gluon import current
from gluon.html import XML
from gluon.validators import IS_EMPTY_OR, IS_IN_SET, IS_TIME

from s3.s3datetime import S3DateTime, utcnow
from s3.s3fields.represent import S3Represent
from s3.s3utils import NONE, s3_str
from s3.s3validators import IS_ONE_OF, IS_UTC_DATE, IS_UTC_DATETIME
from s3dal import Field

__all__ = (
    "s3_comments",
    "s3_comments_represent",
    "s3_currency",
    "s3_date",
    "s3_datetime",
    "s3_fieldmethod",
    "s3_language",
    "s3_role_required",
    "s3_roles_permitted",
    "s3_time",
)

# How a month counts in the range of a date field
DAYS_PER_MONTH = 30.4375


def s3_comments(name: str = "comments", **attr: Any) -> Field:
    """Text field for remarks."""
    attr.setdefault("label", current.T("Comments"))
    attr.setdefault("represent", s3_comments_represent)
    return Field(name, "text", **attr)


def s3_comments_represent(value: str | None, row: Any = None) -> Any:
    """Remarks as they were written, with the harmless subset of markup only."""
    if not value:
        return NONE
    # sanitized: any user who may write a remark could otherwise run scripts in the browser of its readers
    return XML(value, sanitize=True)


def s3_date(name: str = "date", **attr: Any) -> Field:
    """Date field.

    Args:
        attr: attributes of the field, and
            default: a date, a callable, or "now" (today at the time of writing)
            past, future: how many months the date may lie back or ahead
            empty: False makes a value mandatory
    """
    if attr.get("default") == "now":
        attr["default"] = _today
    minimum, maximum = _date_limits(attr.pop("past", None), attr.pop("future", None))
    attr.setdefault("label", current.T("Date"))
    attr.setdefault("represent", _represent_date)
    _set_validator(attr, IS_UTC_DATE(minimum=minimum, maximum=maximum))
    return Field(name, "date", **attr)


def s3_datetime(name: str = "date", **attr: Any) -> Field:
    """Date/time field, stored as naive UTC, shown and entered in the client's time zone.

    Args:
        attr: attributes of the field, and
            default: a datetime, a callable, or "now" (the time of writing)
            past, future: how many hours the time may lie back or ahead
            min, max: earliest and latest time, naive UTC
            represent: "date" to show the date only, or a callable
            widget: "date" to enter the date only
            empty: False makes a value mandatory
    """
    if attr.get("default") == "now":
        attr["default"] = utcnow
    minimum, maximum = _time_limits(attr.pop("past", None), attr.pop("future", None))
    minimum = attr.pop("min", None) or minimum
    maximum = attr.pop("max", None) or maximum
    date_only = attr.get("widget") == "date"
    if date_only:
        del attr["widget"]
    represent = attr.get("represent") or ("date" if date_only else None)
    if not callable(represent):
        attr["represent"] = _represent_datetime_as_date if represent == "date" else _represent_datetime
    attr.setdefault("label", current.T("Date"))
    validator = IS_UTC_DATE if date_only else IS_UTC_DATETIME
    _set_validator(attr, validator(minimum=minimum, maximum=maximum))
    return Field(name, "datetime", **attr)


def s3_time(name: str = "time_of_day", **attr: Any) -> Field:
    """Time of day, without zone.

    Args:
        attr: attributes of the field, and
            default: a time, a callable, or "now" (the client's time at the time of writing)
            empty: False makes a value mandatory
    """
    if attr.get("default") == "now":
        attr["default"] = _time_of_day
    attr.setdefault("label", current.T("Time"))
    attr.setdefault("represent", _represent_time)
    _set_validator(attr, IS_TIME())
    return Field(name, "time", **attr)


def s3_currency(name: str = "currency", **attr: Any) -> Field:
    """Currency code, one of the currencies of the deployment."""
    settings = current.deployment_settings
    currencies = settings.get_fin_currencies()
    attr.setdefault("label", current.T("Currency"))
    attr.setdefault("default", settings.get_fin_currency_default())
    attr.setdefault("represent", lambda value, row=None: value or NONE)
    _set_validator(attr, IS_IN_SET(list(currencies), zero=None))
    return Field(name, "string", length=3, **attr)


def _set_validator(attr: dict[str, Any], validator: Any) -> None:
    empty = attr.pop("empty", True)
    if "requires" not in attr:
        attr["requires"] = validator if empty is False else IS_EMPTY_OR(validator)


def _today() -> dt.date:
    local = S3DateTime.to_local(utcnow())
    return (local or utcnow()).date()


def _time_of_day() -> dt.time:
    return (S3DateTime.to_local(utcnow()) or utcnow()).time()


def _date_limits(past: float | None, future: float | None) -> tuple[dt.date | None, dt.date | None]:
    today = _today() if past is not None or future is not None else None
    return (
        None if past is None or today is None else today - dt.timedelta(days=past * DAYS_PER_MONTH),
        None if future is None or today is None else today + dt.timedelta(days=future * DAYS_PER_MONTH),
    )


def _time_limits(past: float | None, future: float | None) -> tuple[dt.datetime | None, dt.datetime | None]:
    now = utcnow()
    return (
        None if past is None else now - dt.timedelta(hours=past),
        None if future is None else now + dt.timedelta(hours=future),
    )


def _represent_date(value: dt.date | None, row: Any = None) -> str:
    return S3DateTime.date_represent(value)


def _represent_datetime(value: dt.datetime | None, row: Any = None) -> str:
    return S3DateTime.datetime_represent(value, utc=True)


def _represent_datetime_as_date(value: dt.datetime | None, row: Any = None) -> str:
    return S3DateTime.date_represent(value, utc=True)


def _represent_time(value: dt.time | None, row: Any = None) -> str:
    return S3DateTime.time_represent(value)


def s3_language(name: str = "language", **attr: Any) -> Field:
    """Language code, one of the languages of the deployment."""
    settings = current.deployment_settings
    languages = settings.get_L10n_languages()
    attr.setdefault("label", current.T("Language"))
    attr.setdefault("default", settings.get_L10n_default_language())
    attr.setdefault("represent", S3Represent(options=languages))
    _set_validator(attr, IS_IN_SET(languages, zero=None))
    return Field(name, "string", length=16, **attr)


def s3_roles_permitted(name: str = "roles_permitted", **attr: Any) -> Field:
    """User roles that may access a record."""
    attr.setdefault("label", current.T("Roles Permitted"))
    attr.setdefault("represent", S3Represent(lookup="auth_group", fields=("role",), multiple=True))
    _set_validator(attr, IS_ONE_OF(current.db, "auth_group.id", "%(role)s", multiple=True, sort=True))
    return Field(name, "list:reference auth_group", **attr)


def s3_role_required(name: str = "role_required", **attr: Any) -> Field:
    """The user role that one must have to access a record."""
    attr.setdefault("label", current.T("Role Required"))
    attr.setdefault("represent", S3Represent(lookup="auth_group", fields=("role",)))
    attr.setdefault("ondelete", "RESTRICT")
    _set_validator(attr, IS_ONE_OF(current.db, "auth_group.id", "%(role)s", sort=True))
    return Field(name, "reference auth_group", **attr)


def s3_fieldmethod(
    name: str, f: Callable[[Any], Any], represent: Callable[[Any], Any] | None = None, search_field: str | None = None
) -> Any:
    """Field that is computed when it is read.

    Args:
        f: callable(row) that gives the value
        represent: of the computed value; default its text
        search_field: name of a field to search instead of this one
    """

    handler = type("Handler", (_MethodValue,), {"represent": staticmethod(represent or s3_str), "search_field": search_field})
    return Field.Method(name, f, handler)


class _MethodValue:
    """The attribute of a row for a field method: called, it computes the value."""

    def __init__(self, method: Callable[..., Any], row: Any) -> None:
        self.method = method
        self.row = row

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.method(self.row, *args, **kwargs)
