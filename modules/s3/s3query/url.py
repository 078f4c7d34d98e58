"""Filters in URL variables: ``~.name__like=*water*``, ``contact.value!=NONE``, ``~.priority__belongs=1,2``.

A variable is a filter if its key contains "." or starts with a context in parentheses, and does not start with "_".
All variables, and the values of a repeated one, must match (AND).
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any
from urllib.parse import parse_qsl

from gluon.storage import Storage

from s3.s3query import syntax
from s3.s3query.operators import OPERATORS, Operator
from s3.s3query.path import Subject
from s3.s3query.query import S3ResourceQuery
from s3.s3query.selector import FS

__all__ = ("S3URLQuery",)


class S3URLQuery:
    """Parser of URL filters. Source: Eden s3query.py S3URLQuery."""

    is_filter = staticmethod(syntax.is_filter)
    parse_key = staticmethod(syntax.key_parts)
    parse_expression = staticmethod(syntax.parse_expression)
    parse_value = staticmethod(syntax.parse_value)

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
            if not syntax.is_filter(key):
                continue
            selectors, op, invert = syntax.parse_expression(key)
            alias = _alias(resource, selectors)
            values = value if isinstance(value, (list, tuple)) else [value]
            queries.setdefault(alias, []).extend(_query(selectors, OPERATORS[op], invert, item) for item in values)
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


def _alias(resource: Subject, selectors: Iterable[str]) -> str:
    aliases = set()
    for selector in selectors:
        prefix, dot, _ = selector.partition(".")
        if not dot and not selector.startswith("("):
            prefix = "~"
        # the dot of a$b.c stands behind a key, the condition is one on the master
        aliases.add(resource.alias if "$" in prefix or prefix == "~" else prefix)
    return aliases.pop() if len(aliases) == 1 else resource.alias


def _query(selectors: Iterable[str], operation: Operator, invert: bool, text: Any) -> S3ResourceQuery:
    value = operation.from_url(syntax.parse_value(text))
    query = reduce(S3ResourceQuery.__or__, (_condition(selector, operation, value) for selector in selectors))
    return ~query if invert else query


def _condition(selector: str, operation: Operator, value: Any) -> S3ResourceQuery:
    left = FS(selector, is_client=True)
    left.op = operation.url_case
    return S3ResourceQuery(operation.key, left, value)
