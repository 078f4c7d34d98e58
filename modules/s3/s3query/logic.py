"""Three-valued logic, as databases have it: true, false, and unknown (NULL, None); in Python, and as SQL."""
from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from s3dal import Query

__all__ = ("all_of", "any_of", "negate", "sql_all", "sql_any")


def negate(result: bool | None) -> bool | None:
    """NOT in three-valued logic."""
    return None if result is None else not result


def any_of(results: Iterable[bool | None]) -> bool | None:
    """OR in three-valued logic; False for none."""
    found: bool | None = False
    for result in results:
        if result:
            return True
        if result is None:
            found = None
    return found


def all_of(results: Iterable[bool | None]) -> bool | None:
    """AND in three-valued logic; True for none."""
    return negate(any_of(negate(result) for result in results))


def sql_any(queries: Iterable[Query]) -> Query:
    """OR of one or more queries."""
    return _balanced(list(queries), operator.or_)


def sql_all(queries: Iterable[Query]) -> Query:
    """AND of one or more queries."""
    return _balanced(list(queries), operator.and_)


def _balanced(queries: list[Any], combine: Callable[[Any, Any], Any]) -> Any:
    # a chain of some hundred would exceed the recursion limit when the DAL writes its SQL
    if len(queries) == 1:
        return queries[0]
    middle = len(queries) // 2
    return combine(_balanced(queries[:middle], combine), _balanced(queries[middle:], combine))
