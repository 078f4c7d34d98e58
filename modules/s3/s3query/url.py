"""Filters in URL variables: ``~.name__like=*water*``, ``contact.value!=NONE``, ``~.priority__belongs=1,2``.

A variable is a filter if its key contains "." or starts with a context in parentheses, and does not start with "_".
All variables, and the values of a repeated one, must match (AND). The key is ``selector[|selector...][__operator][!]``.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any
from urllib.parse import parse_qsl

from gluon.storage import Storage

from s3.s3error import S3SelectorError
from s3.s3query.operators import OPERATORS
from s3.s3query.path import Subject
from s3.s3query.query import S3ResourceQuery
from s3.s3query.selector import FS

__all__ = ("S3URLQuery",)

# leftmost "__" from which on there is nothing but an operator; "__link." belongs to the selector
_OPERATOR = re.compile(r"__(?!link\.)([a-z_!]*)$")
# an escaped quote, a quote, a comma, or what stands between them
_PIECES = re.compile(r'\\"|"|,|(?:(?!\\")[^",])+')
_NOTHING = ("NONE", "None")
# Filters of Eden's that we do not have: an error, because ignoring them would select more than was asked for
UNSUPPORTED = {"$filter": "an expression", "bbox": "a map section"}
# More alternatives in one key are no filter that a person or a page made
MAX_SELECTORS = 50


class S3URLQuery:
    """Parser of URL filters. Source: Eden s3query.py S3URLQuery."""

    @staticmethod
    def is_filter(key: str) -> bool:
        """True if a URL variable of this name is a filter."""
        if key in UNSUPPORTED:
            return True
        return not key.startswith("_") and ("." in key or (key.startswith("(") and ")" in key))

    @classmethod
    def parse(cls, resource: Subject, get_vars: Mapping[str, Any] | None) -> Storage:
        """Parse all filters among URL variables; their selectors reach only what clients may filter by.

        Returns:
            {alias: [S3ResourceQuery]}: the alias of the component that the selectors start with, else of the resource

        Raises:
            S3SelectorError: unknown operator, or no selector
        """
        queries = Storage()
        for key, value in (get_vars or {}).items():
            if not cls.is_filter(key):
                continue
            selectors, op, invert = cls.parse_expression(key)
            alias = cls._alias(resource, selectors)
            values = value if isinstance(value, (list, tuple)) else [value]
            queries.setdefault(alias, []).extend(cls._query(selectors, op, invert, item) for item in values)
        return queries

    @staticmethod
    def parse_url(url: str) -> Storage:
        """Variables of a URL or query string; a repeated one has a list."""
        query = url.partition("#")[0].partition("?")[2] if "?" in url else url if "=" in url else ""
        result = Storage()
        for key, value in parse_qsl(query, keep_blank_values=True):
            if key not in result:
                result[key] = value
            elif isinstance(result[key], list):
                result[key].append(value)
            else:
                result[key] = [result[key], value]
        return result

    @classmethod
    def parse_expression(cls, key: str) -> tuple[list[str], str, bool]:
        """Split a key into (selectors, operator, whether it is negated).

        Raises:
            S3SelectorError: unknown operator, or no selector
        """
        if key in UNSUPPORTED:
            raise S3SelectorError(f"Filters by {UNSUPPORTED[key]} ({key}) are not supported", selector=key)
        selector, op, invert = cls.parse_key(key)
        selectors = [part for part in selector.split("|") if part]
        if not selectors:
            raise S3SelectorError(f"The filter {key!r} names no field", selector=key)
        if len(selectors) > MAX_SELECTORS:
            raise S3SelectorError(f"The filter {key[:80]!r} has more than {MAX_SELECTORS} selectors", selector=key)
        if op not in OPERATORS:
            raise S3SelectorError(f"The filter {key!r} has the unknown operator {op!r}", selector=key, operator=op)
        return selectors, op, invert

    @staticmethod
    def parse_key(key: str) -> tuple[str, str, bool]:
        """Split a key into (selector, operator, whether it is negated), without judging the parts."""
        plain = key.rstrip("!")
        match = _OPERATOR.search(plain)
        op = match.group(1).strip("_") if match else ""
        selector = plain[: match.start()] if match else plain.rstrip("_")
        return selector, op or "eq", plain != key

    @classmethod
    def parse_value(cls, value: Any) -> Any:
        """Split a value at commas.

        Returns:
            text, None for NONE, or a list of these if there are several

        Text in double quotes may hold commas, and ``\\"`` for a quote; "NONE" in quotes is text. Lists are flattened.
        """
        if isinstance(value, (list, tuple)):
            items = [item for part in value for item in cls._items(part)]
        else:
            items = cls._items(value)
        return items[0] if len(items) == 1 else items

    @staticmethod
    def _items(value: Any) -> list[Any]:
        return [_unquoted(item) for item in _split_outside_quotes(value)] if isinstance(value, str) else [value]

    @staticmethod
    def _alias(resource: Subject, selectors: Iterable[str]) -> str:
        aliases = set()
        for selector in selectors:
            prefix, dot, _ = selector.partition(".")
            if not dot and not selector.startswith("("):
                prefix = "~"
            # the dot of a$b.c stands behind a key, the condition is one on the master
            aliases.add(resource.alias if "$" in prefix or prefix == "~" else prefix)
        return aliases.pop() if len(aliases) == 1 else resource.alias

    @classmethod
    def _query(cls, selectors: Iterable[str], op: str, invert: bool, text: Any) -> S3ResourceQuery:
        value = cls.parse_value(text)
        queries = (cls._condition(selector, op, value) for selector in selectors)
        query = reduce(lambda a, b: a | b, queries)
        return ~query if invert else query

    @classmethod
    def _condition(cls, selector: str, op: str, value: Any) -> S3ResourceQuery:
        if op != "like":
            return S3ResourceQuery(op, FS(selector, is_client=True), value)
        return S3ResourceQuery(op, FS(selector, is_client=True).lower(), _like_patterns(value))


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


def _like_patterns(value: Any) -> Any:
    """LIKE patterns of texts with the wildcards * and ?."""
    if isinstance(value, list):
        return [_like_patterns(item) for item in value if item is not None]
    if value is None:
        return []
    escaped = re.sub(r"[\\%_]", r"\\\g<0>", str(value).lower())
    return escaped.replace("?", "_").replace("*", "%")
