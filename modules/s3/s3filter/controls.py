"""Names of form controls that stand for filters, ``<variable>[<kind>]``, and how what they send becomes the variable.

A form without script sends each control by itself, also an empty one: ``~.series_id__belongs[]=1&~.series_id__belongs[]=2``
is ``~.series_id__belongs=1,2``. The kind says how; no knowledge of the form is needed, so that the URL that a form leads to
means the same in every format.
"""
from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3datetime import S3DateTime, S3TypeConverter, s3_parse_datetime, s3_relative_datetime
from s3.s3error import S3SelectorError
from s3.s3languages import isolated
from s3.s3query import S3URLQuery
from s3.s3query.syntax import write_value
from s3.s3utils import s3_str
from s3cfg import to_translate

__all__ = ("KINDS", "choice_error", "control_error", "control_name", "read_day", "texts_of", "translate_controls")

# More words are no search
MAX_WORDS = 20

_CONTROL = re.compile(r"(?P<variable>.+__[a-z]+)\[(?P<kind>[a-z]*)\]")
# words, and phrases in double quotes
_WORDS = re.compile(r'"([^"]+)"|(\S+)')
END_OF_DAY = dt.time(23, 59, 59)

NO_CHOICE = to_translate('"%(value)s" cannot be chosen')
NO_DATE = to_translate('"%(value)s" is no date, such as %(example)s')
NO_NUMBER = to_translate('"%(value)s" is no number')
NO_INTEGER = to_translate('"%(value)s" is no whole number')
NO_TEXT = to_translate("Please search for text without control characters")
TOO_MANY_WORDS = to_translate("Please search for fewer words")


def control_name(variable: str, kind: str = "") -> str:
    """The name of a control for a filter; kind is one of KINDS, or "op"."""
    return f"{variable}[{kind}]"


def texts_of(variables: Mapping[str, Any], name: str) -> list[str]:
    """What was given for a variable, as often as it was."""
    value = variables.get(name)
    values = value if isinstance(value, (list, tuple)) else [value]
    return [item for item in values if isinstance(item, str)]


def translate_controls(variables: Mapping[str, Any]) -> Storage:
    """The variables with filters in the place of controls.

    What a control sent and cannot be read stays as it is, under the name of the control. As a filter that is an error.
    """
    result = Storage()
    for key, value in variables.items():
        control = _CONTROL.fullmatch(key) if key.endswith("]") else None
        if control is None or not _is_known(control):
            _add(result, key, value)
            continue
        if control["kind"] == "op":
            continue
        try:
            values = KINDS[control["kind"]](control["variable"], texts_of(variables, key))
        except ValueError:
            result[key] = value
            continue
        variable = _chosen(control["variable"], variables)
        for item in values:
            _add(result, variable, item)
    return result


def control_error(name: str, texts: list[str]) -> str | None:
    """Why what a control sent cannot be read, for the reader; None if it can."""
    control = _CONTROL.fullmatch(name)
    if control is None or control["kind"] not in KINDS:
        return None
    try:
        KINDS[control["kind"]](control["variable"], texts)
    except ValueError as error:
        return str(error)
    return None


def choice_error(value: str) -> str:
    """That a value is none of its field, for the reader."""
    return _said(NO_CHOICE, value=value.replace("\0", "\ufffd"))


def _said(message: str, **values: str) -> str:
    """A sentence about values, in the language of the reader."""
    return s3_str(current.T(message)) % {key: isolated(value) for key, value in values.items()}


def _is_known(control: re.Match[str]) -> bool:
    if control["kind"] not in KINDS and control["kind"] != "op":
        return False
    try:
        S3URLQuery.parse_expression(control["variable"])
    except S3SelectorError:
        return False
    return True


def _add(variables: Storage, key: str, value: Any) -> None:
    if key in variables:
        known = variables[key] if isinstance(variables[key], list) else [variables[key]]
        value = [*known, *(value if isinstance(value, list) else [value])]
    variables[key] = value


def _chosen(variable: str, variables: Mapping[str, Any]) -> str:
    """The variable with the operator that was chosen in a control beside it."""
    chosen = texts_of(variables, control_name(variable, "op"))
    if not chosen or chosen[-1] not in ("anyof", "contains", "belongs"):
        return variable
    return f"{variable.rpartition('__')[0]}__{chosen[-1]}"


# kinds
def _members(variable: str, texts: list[str]) -> list[str]:
    """Options, each written as in a URL: one condition with all of them."""
    chosen = [text for text in texts if text]
    return [",".join(chosen)] if chosen else []


def _words(variable: str, texts: list[str]) -> list[str]:
    """Words: one condition for each."""
    return [write_value(pattern) for pattern in _patterns(texts)]


def _any_word(variable: str, texts: list[str]) -> list[str]:
    """Words: one condition that any of them meets."""
    patterns = list(_patterns(texts))
    return [write_value(patterns)] if patterns else []


def _patterns(texts: list[str]) -> Iterator[str]:
    if any("\0" in text for text in texts):
        # no database can compare it
        raise ValueError(s3_str(current.T(NO_TEXT)))
    found = [phrase or word for text in texts for phrase, word in _WORDS.findall(text)]
    if len(found) > MAX_WORDS:
        raise ValueError(s3_str(current.T(TOO_MANY_WORDS)))
    for word in found:
        # who writes wildcards means them; a quotation mark that opens no phrase is none of a word
        yield word if "*" in word or "?" in word else f"*{word}*"


def _number(variable: str, texts: list[str]) -> list[str]:
    return [_checked(text, float, NO_NUMBER) for text in _filled(texts)]


def _integer(variable: str, texts: list[str]) -> list[str]:
    return [_checked(text, int, NO_INTEGER) for text in _filled(texts)]


def _checked(text: str, convert: type, message: str) -> str:
    try:
        if not math.isfinite(S3TypeConverter.convert(convert, text)):
            raise ValueError(text)
    except (OverflowError, TypeError, ValueError):
        raise ValueError(_said(message, value=text)) from None
    return text


def _date(variable: str, texts: list[str]) -> list[str]:
    return [text if _is_relative(text) else write_value(read_day(text)) for text in _filled(texts)]


def _day(variable: str, texts: list[str]) -> list[str]:
    """Days of the reader's calendar, for times: from their first second, or to their last one."""
    end = END_OF_DAY if variable.endswith(("__le", "__gt")) else dt.time()
    return [text if _is_relative(text) else _utc_text(dt.datetime.combine(read_day(text), end)) for text in _filled(texts)]


def _time(variable: str, texts: list[str]) -> list[str]:
    return [text if _is_relative(text) else _utc_text(_read_time(text)) for text in _filled(texts)]


def _utc_text(local: dt.datetime) -> str:
    try:
        return write_value(S3DateTime.to_utc(local))
    except OverflowError:
        raise _no_date(local.date().isoformat()) from None


def read_day(text: str) -> dt.date:
    """A day as browsers send it, or in the format of the deployment.

    Raises:
        ValueError: it is none; says so to the reader
    """
    date_format = current.deployment_settings.get_L10n_date_format()
    for fmt in ("%Y-%m-%d", date_format):
        value = s3_parse_datetime(text, fmt)
        if value is not None:
            return value.date()
    raise _no_date(text)


def _no_date(text: str) -> ValueError:
    example = dt.date(2020, 12, 31).strftime(current.deployment_settings.get_L10n_date_format())
    return ValueError(_said(NO_DATE, value=text, example=example))


def _read_time(text: str) -> dt.datetime:
    """Local date and time."""
    settings = current.deployment_settings
    for fmt in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", settings.get_L10n_datetime_format()):
        value = s3_parse_datetime(text, fmt)
        if value is not None:
            return value
    return dt.datetime.combine(read_day(text), dt.time())


def _is_relative(text: str) -> bool:
    """Whether a date is said as a distance from now, such as -7D.

    Raises:
        ValueError: it leads beyond the calendar; says so to the reader
    """
    if text[:1] not in ("+", "-", "n", "N"):
        return False
    try:
        return s3_relative_datetime(text) is not None
    except (OverflowError, ValueError):
        raise _no_date(text) from None


def _filled(texts: list[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]


KINDS: dict[str, Callable[[str, list[str]], list[str]]] = {
    "": _members,
    "words": _words,
    "any": _any_word,
    "number": _number,
    "integer": _integer,
    "date": _date,
    "day": _day,
    "time": _time,
}
"""How what a control sent is read: (variable, texts) -> values, each of them a condition.

Raise ValueError with a sentence for the reader.
"""
