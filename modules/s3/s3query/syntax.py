"""The syntax of filters in URLs: keys, ``selector[|selector...][__operator][!]``, and values, read and written."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query.operators import OPERATORS

__all__ = ("is_filter", "key_parts", "make_key", "parse_expression", "parse_value", "write_value")

# leftmost "__" from which on there is nothing but an operator; "__link." belongs to the selector
_OPERATOR = re.compile(r"__(?!link\.)([a-z_!]*)$")
# an escaped quote, a quote, a comma, or what stands between them
_PIECES = re.compile(r'\\"|"|,|(?:(?!\\")[^",])+')
NOTHING = "NONE"
_NOTHING = (NOTHING, "None")
# Filters of Eden's that we do not have: an error, because ignoring them would select more than was asked for
UNSUPPORTED = {"$filter": "an expression", "bbox": "a map section"}
# More alternatives in one key are no filter that a person or a page made
MAX_SELECTORS = 50


def is_filter(key: str) -> bool:
    """True if a URL variable of this name is a filter."""
    if key in UNSUPPORTED:
        return True
    return not key.startswith("_") and ("." in key or (key.startswith("(") and ")" in key))


def key_parts(key: str) -> tuple[str, str, bool]:
    """Split a key into (selector, operator, whether it is negated), without judging the parts."""
    if "__" not in key and key[-1:] not in ("!", "_"):
        return key, "eq", False
    plain = key.rstrip("!")
    match = _OPERATOR.search(plain)
    op = match.group(1).strip("_") if match else ""
    selector = plain[: match.start()] if match else plain.rstrip("_")
    return selector, op or "eq", plain != key


def parse_expression(key: str) -> tuple[list[str], str, bool]:
    """Split a key into (selectors, operator, whether it is negated).

    Raises:
        S3SelectorError: unknown operator, or no selector
    """
    if key in UNSUPPORTED:
        raise S3SelectorError(f"Filters by {UNSUPPORTED[key]} ({key}) are not supported", selector=key)
    selector, op, invert = key_parts(key)
    selectors = [part for part in selector.split("|") if part] if "|" in selector else [selector] if selector else []
    if not selectors:
        raise S3SelectorError(f"The filter {key!r} names no field", selector=key)
    if len(selectors) > MAX_SELECTORS:
        raise S3SelectorError(f"The filter {key[:80]!r} has more than {MAX_SELECTORS} selectors", selector=key)
    if op not in OPERATORS:
        raise S3SelectorError(f"The filter {key!r} has the unknown operator {op!r}", selector=key, operator=op)
    return selectors, op, invert


def make_key(selectors: Iterable[str], op: str, invert: bool) -> str:
    """The key of a condition; that a selector without a dot is one of the resource must be said in URLs.

    Raises:
        S3SelectorError: a selector cannot stand in a URL
    """
    names = list(dict.fromkeys(selectors))
    names[0] = names[0] if is_filter(names[0]) else f"~.{names[0]}"
    key = "|".join(names) + ("" if op == "eq" else f"__{op}") + ("!" if invert else "")
    if not is_filter(key) or parse_expression(key) != (names, op, invert):
        raise S3SelectorError(f"The filter {key!r} cannot be said in a URL", selector=key)
    return key


def parse_value(value: Any) -> Any:
    """Split a value at commas.

    Returns:
        text, None for NONE, or a list of these if there are several

    Text in double quotes may hold commas, and ``\\"`` for a quote; "NONE" in quotes is text. Lists are flattened.
    """
    if isinstance(value, (list, tuple)):
        items = [item for part in value for item in _items(part)]
    else:
        items = _items(value)
    return items[0] if len(items) == 1 else items


def _items(value: Any) -> list[Any]:
    if not isinstance(value, str):
        return [value]
    if "," not in value and '"' not in value:
        return [None if value in _NOTHING else value]
    return [_unquoted(item) for item in _split_outside_quotes(value)]


def _split_outside_quotes(text: str) -> list[str]:
    items = [""]
    is_quoted = False
    for piece in _PIECES.findall(text):
        if piece == '"':
            is_quoted = not is_quoted
        if piece == "," and not is_quoted:
            items.append("")
        else:
            items[-1] += piece
    return items


def _unquoted(item: str) -> str | None:
    if item in _NOTHING:
        return None
    if len(item) > 1 and item[0] == item[-1] == '"':
        item = item[1:-1]
    return item.replace('\\"', '"')


def write_value(value: Any) -> str:
    """Text of a value, or several, from which ``parse_value`` makes the same.

    Raises:
        S3FilterValueError: there is no such text
    """
    if not isinstance(value, (list, tuple, set, frozenset)):
        return _text(value)
    if not value:
        raise S3FilterValueError("A filter that no value can match cannot be said in a URL", value=value)
    return ",".join(_text(item) for item in value)


def _text(value: Any) -> str:
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else _plain(value)
    escaped = text.replace('"', '\\"')
    if "," not in text and text not in _NOTHING:
        return escaped
    if text.endswith("\\"):
        raise S3FilterValueError(f"{text!r} cannot be said in a URL: its backslash would escape the closing quote", value=value)
    return f'"{escaped}"'


def _plain(value: Any) -> str:
    if isinstance(value, dt.datetime):
        utc = value.astimezone(dt.timezone.utc).replace(tzinfo=None) if value.tzinfo else value
        return f"{utc.replace(microsecond=0).isoformat()}Z"
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (bool, int, float)) or hasattr(value, "as_tuple"):
        return str(value)
    raise S3FilterValueError(f"{value!r} cannot be said in a URL", value=value)
