"""Time: the one clock, and the conversions between stored (naive UTC), ISO and local date/times."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil import parser as lenient_parser
from dateutil.relativedelta import relativedelta
from gluon import current

__all__ = (
    "S3DateTime",
    "S3TypeConverter",
    "is_time_zone",
    "relative_steps",
    "s3_decode_iso_datetime",
    "s3_encode_iso_datetime",
    "s3_format_datetime",
    "s3_get_tzinfo",
    "s3_parse_datetime",
    "s3_relative_datetime",
    "s3_utc",
    "set_clock",
    "utcnow",
)

ISO_FORMAT = "%Y-%m-%dT%H:%M:%S"
# The time of day of a date without one: morning, so that the day stays the same in most time zones
MORNING = dt.time(8)

_OFFSET = re.compile(r"\s*(?:UTC\s*)?([+-])?\s*(?:(\d{1,2}):?(\d{2})|(\d{1,2}(?:\.\d+)?))\s*$")
_TRAILING_OFFSET = re.compile(r"\s*([+-]\d{2}:?\d{2})$")
# A "+" that a URL was given as it is reads as a blank
_LOST_PLUS = re.compile(r"([T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:?\d{2})$")
_HAS_TIME = re.compile(r"[:T ]")
_RELATIVE_STEP = re.compile(r"([+-]?)\s*(\d+)\s*([YMDhms])")
_RELATIVE_UNITS = {"Y": "years", "M": "months", "D": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def _system_clock() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)


_clock: Callable[[], dt.datetime] = _system_clock


def utcnow() -> dt.datetime:
    """Current time as naive UTC in whole seconds, as the database stores it. The only clock of the application."""
    return _clock().replace(microsecond=0)


def set_clock(clock: Callable[[], dt.datetime] | None) -> None:
    """Replace the clock of this process, for tests.

    Args:
        clock: gives naive UTC; None restores the system clock
    """
    global _clock
    _clock = clock or _system_clock


def s3_utc(value: dt.datetime | None) -> dt.datetime | None:
    """Make a date/time zone-aware UTC; a naive one is taken as UTC."""
    if value is None:
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=dt.timezone.utc)
    return value.astimezone(dt.timezone.utc)


def _naive_utc(value: dt.datetime) -> dt.datetime:
    utc = s3_utc(value)
    assert utc is not None
    return utc.replace(tzinfo=None)


def s3_encode_iso_datetime(value: dt.date | dt.datetime) -> str:
    """ISO 8601 text of a date or date/time, without microseconds; a naive one gets no offset."""
    if isinstance(value, dt.datetime):
        value = value.replace(microsecond=0)
    return value.isoformat()


def s3_decode_iso_datetime(text: str) -> dt.datetime:
    """Read a date/time from text, leniently.

    Returns:
        a zone-aware date/time: UTC unless the text names a zone, 08:00:00 unless it gives a time,
        with today's date where the text leaves parts of it out

    Raises:
        ValueError: the text is no date/time
    """
    if not text or not isinstance(text, str):
        raise ValueError(f"not a date/time: {text!r}")
    try:
        value = lenient_parser.parse(text, default=dt.datetime.combine(utcnow().date(), MORNING))
    except (OverflowError, TypeError) as error:
        raise ValueError(f"not a date/time: {text!r}") from error
    return value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)


def _parse_iso(text: str) -> dt.datetime | None:
    """Read any form of ISO 8601; naive if it names no zone."""
    try:
        return lenient_parser.isoparse(text)
    except ValueError:
        return None


def _parse_leniently(text: str) -> dt.datetime:
    today = S3DateTime.to_local(utcnow())
    assert today is not None
    try:
        return lenient_parser.parse(text, default=dt.datetime.combine(today.date(), dt.time()))
    except (OverflowError, TypeError) as error:
        raise ValueError(f"not a date/time: {text!r}") from error


def s3_format_datetime(value: dt.datetime | None = None, fmt: str = ISO_FORMAT) -> str:
    """Text of a date/time, default now, in the given format."""
    return (value or utcnow()).strftime(fmt)


def s3_parse_datetime(text: str, fmt: str = ISO_FORMAT) -> dt.datetime | None:
    """Read a date/time in exactly this format; None if the text has another one."""
    try:
        return dt.datetime.strptime(text, fmt)
    except (TypeError, ValueError):
        return None


def s3_relative_datetime(expression: str) -> dt.datetime | None:
    """Compute a date/time relative to now.

    Args:
        expression: "NOW", or steps like "+1Y3M" or "-1D": [sign]number unit, units Y M D h m s; a sign holds until
            the next one

    Returns:
        naive UTC; None if the text is no such expression
    """
    steps = relative_steps(expression)
    if steps is None:
        return None
    result = utcnow()
    for number, unit in steps:
        result += relativedelta(**{unit: number})
    return result


def relative_steps(expression: str) -> list[tuple[int, str]] | None:
    """Read an expression of s3_relative_datetime.

    Returns:
        [(number, unit)] with units "years" to "seconds", and negative numbers for the past; empty for now; None if the
        text is no such expression
    """
    text = expression.strip()
    if text.upper() == "NOW":
        return []
    if text[:1] not in ("+", "-"):
        return None
    found = _RELATIVE_STEP.findall(text)
    # a step in an unknown unit must not be skipped: the rest would mean another time
    if not found or _RELATIVE_STEP.sub("", text).strip():
        return None
    steps, sign = [], 1
    for direction, number, unit in found:
        if direction:
            sign = -1 if direction == "-" else 1
        steps.append((sign * int(number), _RELATIVE_UNITS[unit]))
    return steps


def s3_get_tzinfo() -> dt.tzinfo | None:
    """Time zone of the client of this request; None means UTC.

    From the form (``_timezone``, ``_utc_offset``), the session, the account, then the setting ``L10n.timezone``.
    """
    s3 = getattr(getattr(current, "response", None), "s3", None)
    if s3 is None:
        return None
    if s3.tzinfo is None:
        # "" remembers that there is none
        s3.tzinfo = _find_tzinfo() or ""
    return s3.tzinfo or None


def _find_tzinfo() -> dt.tzinfo | None:
    form = current.request.post_vars
    session = current.session.s3 or {}
    account = getattr(getattr(current, "auth", None), "user", None) or {}
    settings = current.deployment_settings
    return (
        _zone(form.get("_timezone"))
        or _zone(session.get("tzname"))
        or _browser_offset(form.get("_utc_offset"))
        or _browser_offset(session.get("utc_offset"))
        or _zone(account.get("timezone"))
        or _zone(settings.get_L10n_timezone())
    )


def _zone(name: Any) -> dt.tzinfo | None:
    if not name or not isinstance(name, str):
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def is_time_zone(name: Any) -> bool:
    """Is there a time zone of this name, such as Europe/Berlin?"""
    return _zone(name) is not None


def _browser_offset(minutes: Any) -> dt.tzinfo | None:
    # as JavaScript's getTimezoneOffset: minutes, negative in the east
    try:
        return dt.timezone(dt.timedelta(minutes=-int(minutes)))
    except (TypeError, ValueError):
        return None


class S3DateTime:
    """Local conversion and text of dates and times, in the client's time zone and the configured formats."""

    @staticmethod
    def to_local(value: dt.date | dt.datetime | None) -> dt.datetime | None:
        """Naive local date/time of a UTC one; a date becomes 08:00 local time of that day."""
        if not value:
            return None
        if not isinstance(value, dt.datetime):
            return dt.datetime.combine(value, MORNING)
        zone = s3_get_tzinfo() or dt.timezone.utc
        utc = s3_utc(value)
        assert utc is not None
        return utc.astimezone(zone).replace(tzinfo=None)

    @staticmethod
    def to_utc(value: dt.date | dt.datetime | None) -> dt.datetime | None:
        """Naive UTC of a local date/time; a date is taken as 08:00 local time of that day."""
        if not value:
            return None
        if not isinstance(value, dt.datetime):
            value = dt.datetime.combine(value, MORNING)
        if value.tzinfo is None:
            value = value.replace(tzinfo=s3_get_tzinfo() or dt.timezone.utc)
        return _naive_utc(value)

    @staticmethod
    def get_offset_value(text: Any) -> int:
        """Seconds of a UTC offset such as "+0530", "-03:00", "UTC +0800", "+3.5" or 6; 0 if it is none."""
        match = _OFFSET.match(str(text))
        if not match:
            return 0
        sign, hours, minutes, decimal_hours = match.groups()
        seconds = float(decimal_hours) * 3600 if decimal_hours else int(hours) * 3600 + int(minutes) * 60
        return int(-seconds if sign == "-" else seconds)

    @classmethod
    def date_represent(cls, value: Any, format: str | None = None, utc: bool = False, calendar: Any = None) -> str:
        """Text of a date.

        Args:
            utc: the value is UTC and to be shown in local time
        """
        return cls._represent(value, format or _settings().get_L10n_date_format(), utc)

    @classmethod
    def datetime_represent(cls, value: Any, format: str | None = None, utc: bool = False, calendar: Any = None) -> str:
        """Text of a date/time; see date_represent."""
        return cls._represent(value, format or _local_datetime_format(), utc)

    @classmethod
    def timestamp_represent(cls, value: Any, utc: bool = False) -> str:
        """Text of a date/time to the second; see date_represent."""
        settings = _settings()
        return cls._represent(value, f"{settings.get_L10n_date_format()}{settings.get_L10n_datetime_separator()}%H:%M:%S", utc)

    @classmethod
    def time_represent(cls, value: Any, format: str | None = None, utc: bool = False) -> str:
        """Text of a time of day; see date_represent."""
        fmt = format or _settings().get_L10n_time_format()
        if isinstance(value, dt.time):
            # midnight is a time, and the zone offset is that of today
            return cls._represent(dt.datetime.combine(utcnow().date(), value), fmt, utc)
        return cls._represent(value, fmt, utc)

    @classmethod
    def _represent(cls, value: Any, fmt: str, utc: bool) -> str:
        if not value:
            return "-"
        if not isinstance(value, dt.date):
            raise TypeError(f"not a date/time: {value!r}")
        if utc:
            value = cls.to_local(value)
        if isinstance(value, dt.datetime):
            value = value.replace(microsecond=0)
        return value.strftime(fmt)


def _settings() -> Any:
    return current.deployment_settings


def _local_datetime_format() -> str:
    settings = _settings()
    separator = settings.get_L10n_datetime_separator()
    return f"{settings.get_L10n_date_format()}{separator}{settings.get_L10n_time_format()}"


class S3TypeConverter:
    """Conversion of a value, usually text of a URL, to the type of another."""

    @classmethod
    def convert(cls, a: Any, b: Any) -> Any:
        """Convert b to the type of a.

        Args:
            a: a value or a class; a list converts each member of b

        Raises:
            TypeError: there is no such conversion
            ValueError: the text is no such value
        """
        if isinstance(a, (list, tuple)) and a:
            return cls._convert_members(a[0], b)
        if a is list or isinstance(a, (list, tuple)):
            return cls._members(b)
        if b is None:
            return None
        if isinstance(b, (list, tuple)):
            return [cls.convert(a, item) for item in b]
        return cls._convert_scalar(a if isinstance(a, type) else type(a), b)

    @classmethod
    def _convert_members(cls, a: Any, b: Any) -> list[Any] | None:
        members = cls._members(b)
        return None if members is None else [cls.convert(a, item) for item in members]

    @staticmethod
    def _members(b: Any) -> list[Any] | None:
        if b is None:
            return None
        if isinstance(b, str):
            return b.split(",")
        return list(b) if isinstance(b, (list, tuple)) else [b]

    @classmethod
    def _convert_scalar(cls, target: type, b: Any) -> Any:
        converter = _CONVERTER_OF.get(target)
        if converter is not None:
            return converter(b)
        for kind, converter in _CONVERTERS:
            if issubclass(target, kind):
                return converter(b)
        raise TypeError(f"cannot convert {b!r} to {target.__name__}")

    @staticmethod
    def _bool(b: Any) -> bool:
        if isinstance(b, str):
            known = {"true": True, "1": True, "false": False, "0": False}
            if b.strip().lower() in known:
                return known[b.strip().lower()]
        elif isinstance(b, int):
            return bool(b)
        raise TypeError(f"not a truth value: {b!r}")

    @staticmethod
    def _int(b: Any) -> int:
        # int() also reads "1_000" and other scripts' digits, which databases do not
        if isinstance(b, str) and not re.fullmatch(r"\s*[+-]?[0-9]+\s*", b):
            raise ValueError(f"not a whole number: {b!r}")
        return int(b)

    @staticmethod
    def _decimal(b: Any) -> Decimal:
        try:
            return Decimal(str(b))
        except InvalidOperation as error:
            raise ValueError(f"not a number: {b!r}") from error

    @classmethod
    def _datetime(cls, b: Any) -> dt.datetime:
        """Naive UTC of text, date or date/time.

        Text without a zone is local time, however it is spelt; without a time it is midnight.
        """
        if isinstance(b, dt.datetime):
            return _naive_utc(b)
        if isinstance(b, dt.date):
            return dt.datetime.combine(b, dt.time())
        if not isinstance(b, str):
            raise TypeError(f"not a date/time: {b!r}")
        relative = cls._relative(b)
        if relative is not None:
            return relative
        text = b.strip()
        if " " in text:
            text = _LOST_PLUS.sub(r"\1+\2", text)
        value = _parse_iso(text) if "T" in text else None
        value = value or cls._in_local_format(text) or _parse_iso(text) or _parse_leniently(text)
        utc = S3DateTime.to_utc(value)
        assert utc is not None
        return utc

    @staticmethod
    def _in_local_format(text: str) -> dt.datetime | None:
        offset = _TRAILING_OFFSET.search(text)
        value = s3_parse_datetime(text[: offset.start()] if offset else text, _local_datetime_format())
        if value is not None and offset:
            seconds = S3DateTime.get_offset_value(offset.group(1))
            return value.replace(tzinfo=dt.timezone(dt.timedelta(seconds=seconds)))
        return value

    @classmethod
    def _date(cls, b: Any) -> dt.date:
        if isinstance(b, dt.datetime):
            return b.date()
        if isinstance(b, dt.date):
            return b
        if not isinstance(b, str):
            raise TypeError(f"not a date: {b!r}")
        relative = cls._relative(b)
        if relative is not None:
            return relative.date()
        text = b.strip()
        value = s3_parse_datetime(text, _settings().get_L10n_date_format()) or (None if _HAS_TIME.search(text) else _parse_iso(text))
        if value is not None:
            # by way of 08:00 local time, so the day changes only where the offset exceeds eight hours
            utc = S3DateTime.to_utc(value.date())
            assert utc is not None
            return utc.date()
        return cls._datetime(b).date()

    @staticmethod
    def _time(b: Any) -> dt.time:
        if isinstance(b, dt.datetime):
            return b.time()
        if isinstance(b, dt.time):
            return b
        for fmt in ("%H:%M:%S", "%H:%M"):
            value = s3_parse_datetime(b, fmt)
            if value is not None:
                return value.time()
        raise ValueError(f"not a time of day: {b!r}")

    @staticmethod
    def _relative(text: str) -> dt.datetime | None:
        if text[:1] == " ":
            # see _LOST_PLUS
            text = f"+{text[1:]}"
        return s3_relative_datetime(text) if text[:1] in ("+", "-", "n", "N") else None


# in this order: a bool is an int, and a datetime is a date
_CONVERTERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (type(None), lambda value: value),
    (bool, S3TypeConverter._bool),
    (int, S3TypeConverter._int),
    (float, float),
    (Decimal, S3TypeConverter._decimal),
    (str, str),
    (dt.datetime, S3TypeConverter._datetime),
    (dt.date, S3TypeConverter._date),
    (dt.time, S3TypeConverter._time),
)
_CONVERTER_OF = dict(_CONVERTERS)
