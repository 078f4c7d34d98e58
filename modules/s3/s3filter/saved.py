"""Saved filters (pr_filter.query): a JSON list of ``[key, value]``, keys as in URLs, checked before they are stored.

After: S3FilterString makes URL variables and a text of them.
"""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3error import S3FilterValueError
from s3.s3query import Joins, S3URLQuery

if TYPE_CHECKING:
    from s3.s3resource import S3Resource

__all__ = ("parse_filter", "quoted_json", "validate_filter")

MAX_CHARACTERS = 20_000
MAX_CONDITIONS = 100

Pairs = list[tuple[str, "str | None"]]


def parse_filter(query: Any) -> Pairs:
    """Read a saved filter, without regard to any table.

    Args:
        query: JSON text or list of [key, value]; None and "" are the empty filter

    Raises:
        S3FilterValueError: it is too long, no JSON, or has another shape
    """
    if query is None or query == "":
        return []
    if isinstance(query, (str, bytes)):
        query = _decoded(query)
    if not isinstance(query, (list, tuple)):
        raise S3FilterValueError(f"A filter is a list of [key, value], not {query!r:.80}", value=query)
    if len(query) > MAX_CONDITIONS:
        raise S3FilterValueError(f"A filter has at most {MAX_CONDITIONS} conditions, not {len(query)}")
    return [_pair(item) for item in query]


def _decoded(text: str | bytes) -> Any:
    if len(text) > MAX_CHARACTERS:
        raise S3FilterValueError(f"A filter has at most {MAX_CHARACTERS} characters, not {len(text)}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise S3FilterValueError(f"The filter is no JSON ({error})", value=text) from error


def _pair(item: Any) -> tuple[str, str | None]:
    is_pair = isinstance(item, (list, tuple)) and len(item) == 2
    if not is_pair or not isinstance(item[0], str) or not item[0]:
        raise S3FilterValueError(f"A condition of a filter is [key, value], not {item!r:.80}", value=item)
    key, value = item
    if value is not None and not isinstance(value, str):
        raise S3FilterValueError(f"The value of {key!r} is a text or null, not {value!r:.80}", value=value)
    return key, value


def quoted_json(text: str) -> str:
    """A filter as people write it, [['status', 'open']], as JSON: with no quotation mark inside, there is only one way to read it."""
    return text if '"' in text else text.replace("'", '"')


def validate_filter(query: Any, tables: Iterable[Any] = ()) -> str:
    """Check a saved filter for everything that would make it fail later.

    Args:
        query: as of parse_filter
        tables: names of the tables (or resources) that it will be applied to; each must know all fields of the filter

    Returns:
        the filter as JSON text, to be stored

    Raises:
        S3FilterValueError: it is malformed, or a value does not suit its field
        S3SelectorError: a key has an unknown operator, or names no field of one of the tables
    """
    pairs = parse_filter(query)
    for key, _ in pairs:
        S3URLQuery.parse_expression(key)
    for table in tables:
        _apply(pairs, current.s3db.resource(table) if isinstance(table, str) else table)
    return json.dumps(pairs)


def _apply(pairs: Pairs, resource: S3Resource) -> None:
    variables: dict[str, list[str]] = {}
    for key, value in pairs:
        if value is not None:
            variables.setdefault(resource.prefix_selector(key), []).append(value)
    joins = Joins()
    for queries in S3URLQuery.parse(resource, variables).values():
        for query in queries:
            real, _ = query.split(resource)
            if real is not None:
                real.query(resource, joins)
