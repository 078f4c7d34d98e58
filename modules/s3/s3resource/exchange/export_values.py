"""Values of fields in a document: the value itself for programs, its representation for people."""
from __future__ import annotations

import datetime as dt
import decimal
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from s3.s3datetime import s3_encode_iso_datetime
from s3.s3utils import s3_plain_text, s3_str
from s3dal import Field

__all__ = ("encode_value", "labels_of", "xml_text")

# What a represent function raises on a value it was not made for
REPRESENT_ERRORS = (AttributeError, LookupError, TypeError, ValueError)

TEXT_TYPES = ("string", "text")

# Characters that no XML document can hold, not even as a reference
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(value: Any) -> str:
    """Text that XML can hold."""
    return _NOT_XML.sub("\ufffd", s3_str(value))


def encode_value(field: Field, value: Any) -> str | None:
    """The value attribute of a data element; None if the text of the element says it all."""
    if isinstance(value, (dt.date, dt.time)):
        return s3_encode_iso_datetime(value) if isinstance(value, dt.date) else value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if field.type in TEXT_TYPES and field.represent is None and not _NOT_XML.search(value):
        return None
    # ASCII: escapes of JSON carry what XML cannot
    return json.dumps(value, default=s3_str)


def labels_of(field: Field, values: Iterable[Any]) -> Callable[[Any], str]:
    """Represent many values at once.

    Returns:
        a function that gives the text of one of them
    """
    represent = field.represent
    if represent is None:
        return lambda value: _plain_text(field, value)
    if str(field.type).startswith("list:"):
        return _labels_of_lists(represent, values)
    unique = {_key(value): value for value in values if value is not None}
    if hasattr(represent, "bulk"):
        labels = represent.bulk(list(unique.values()), list_type=False, show_link=False)
    else:
        labels = {key: _represent(represent, value) for key, value in unique.items()}
    return lambda value: s3_plain_text(labels.get(_key(value)))


def _labels_of_lists(represent: Any, values: Iterable[Any]) -> Callable[[Any], str]:
    if not (hasattr(represent, "bulk") and hasattr(represent, "render_list")):
        return lambda value: s3_plain_text(_represent(represent, value))
    labels = represent.bulk([value for value in values if value], show_link=False)
    return lambda value: s3_plain_text(represent.render_list(value, labels, show_link=False))


def _represent(represent: Any, value: Any) -> Any:
    try:
        return represent(value)
    except REPRESENT_ERRORS:
        return value


def _plain_text(field: Field, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) or field.type in ("json", "jsonb"):
        return json.dumps(value, default=s3_str)
    return ", ".join(map(s3_str, value)) if isinstance(value, (list, tuple)) else s3_str(value)


def _key(value: Any) -> Any:
    """The value as key of a dict."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
