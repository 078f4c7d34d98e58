"""The filter operators, one table: key, SQL, evaluation on Python values, and the sentence that says it to people.

A filter and its text cannot drift, because both come from the same row of OPERATORS. SQL and Python use the same
three-valued logic: a comparison with nothing is unknown (NULL, None), and unknown records are not selected, neither by
a condition nor by its negation.
"""
from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from s3.s3error import S3FilterValueError
from s3dal import Expression, Query

__all__ = ("OPERATORS", "Operator", "all_of", "any_of", "negate")

TEXT_TYPES = frozenset(("string", "text"))
# Text that people filter by parts of, stored in a column that is text
SEARCHABLE_TYPES = TEXT_TYPES | {"upload"}


@dataclass(frozen=True)
class Operator:
    """One way to compare a field with a value.

    Attributes:
        sql: (field expression, value) -> DAL query
        test: (value of the field, value of the filter) -> True, False, or None for unknown
        sentence: English text with %(label)s and %(value)s, to be translated
        negated: the same for the negation
        conjunction: how the sentence joins several values that are compared with a list
        takes_list: the operator compares a single value with several at once; for the others several values mean
            "at least one of these comparisons"
        is_typed: values are converted to the type of the field; else they stay text
    """

    key: str
    sql: Callable[[Expression, Any], Query]
    test: Callable[[Any, Any], bool | None]
    sentence: str
    negated: str
    conjunction: str = "or"
    takes_list: bool = False
    is_typed: bool = True


def is_list_type(ftype: str) -> bool:
    return ftype.startswith("list:")


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


def members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def nothing(expression: Expression) -> Query:
    """A query that no record matches."""
    return expression.belongs([])



def _comparison(compare: Callable[[Any, Any], Any]) -> tuple[Callable[..., Query], Callable[..., bool | None]]:
    def sql(expression: Expression, value: Any) -> Query:
        if value is None:
            raise S3FilterValueError("Nothing (NONE) is neither more nor less than a value")
        if is_list_type(expression.type):
            raise S3FilterValueError("A list is neither more nor less than a value")
        return compare(expression, value)

    def test(left: Any, right: Any) -> bool | None:
        if left is None or right is None:
            return None
        return bool(compare(left, right))

    return sql, test


def _eq_sql(expression: Expression, value: Any) -> Query:
    return expression == value


def _eq(left: Any, right: Any) -> bool | None:
    if right is None:
        return left is None
    return None if left is None else bool(left == right)


def _ne_sql(expression: Expression, value: Any) -> Query:
    return expression != value


def _ne(left: Any, right: Any) -> bool | None:
    return negate(_eq(left, right))



def _as_text(expression: Expression) -> Expression:
    # PostgreSQL has no LIKE for numbers, and pydal's own cast pads with blanks
    return expression if expression.type in SEARCHABLE_TYPES else expression.cast("text")


def _like_sql(expression: Expression, value: Any) -> Query:
    if value is None:
        return expression == None
    # with an explicit escape pydal leaves the pattern alone; without, it doubles the backslashes and escapes are lost
    return _as_text(expression).like(str(value), escape="\\")


@lru_cache(maxsize=256)
def _pattern(like: str) -> re.Pattern[str]:
    """Regular expression of a LIKE pattern."""
    wildcards = {"%": ".*", "_": "."}
    parts, escaped = [], False
    for char in like:
        if escaped or char not in "\\%_":
            parts.append(re.escape(char))
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            parts.append(wildcards[char])
    return re.compile("".join(parts), re.DOTALL)


def _like(left: Any, right: Any) -> bool | None:
    if right is None:
        return left is None
    return None if left is None else _pattern(str(right)).fullmatch(str(left)) is not None



def _member_sql(expression: Expression, value: Any) -> Query:
    """The list holds the value, or the text contains it; without regard to case."""
    if value is None:
        return expression == None
    if is_list_type(expression.type):
        if str(value) == "":
            raise S3FilterValueError("An empty value is no member of a list")
    elif expression.type not in SEARCHABLE_TYPES:
        raise S3FilterValueError(f"A field of type {expression.type} has no parts to search in")
    return expression.contains(str(value))


def _is_member(left: Any, value: Any) -> bool | None:
    if value is None:
        return left is None
    if left is None:
        return None
    if isinstance(left, (list, tuple)):
        return str(value).lower() in [str(item).lower() for item in left]
    return str(value).lower() in str(left).lower()


def _contains_sql(expression: Expression, value: Any) -> Query:
    values = members(value)
    return sql_all(_member_sql(expression, item) for item in values) if values else nothing(expression)


def _contains(left: Any, right: Any) -> bool | None:
    values = members(right)
    return all_of(_is_member(left, item) for item in values) if values else False


def _anyof_sql(expression: Expression, value: Any) -> Query:
    values = members(value)
    return sql_any(_member_sql(expression, item) for item in values) if values else nothing(expression)


def _anyof(left: Any, right: Any) -> bool | None:
    return any_of(_is_member(left, item) for item in members(right))



def _with_wildcards(value: Any) -> Any:
    """Member of a set as LIKE pattern, if it is text with a wildcard; else as it is."""
    if isinstance(value, str) and "%" not in value:
        return value.replace("*", "%")
    return value


def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and "%" in value


def _belongs_sql(expression: Expression, value: Any) -> Query:
    if is_list_type(expression.type):
        return _anyof_sql(expression, value)
    values = members(value)
    given = [item for item in values if item is not None]
    if expression.type in TEXT_TYPES:
        given = [_with_wildcards(item) for item in given]
    query = _any_value_sql(expression, given) if given or not values else None
    if len(given) == len(values):
        assert query is not None
        return query
    is_empty = expression == None
    return is_empty if query is None else query | is_empty


def _any_value_sql(expression: Expression, values: list[Any]) -> Query:
    if expression.type in TEXT_TYPES and any(_is_pattern(item) for item in values):
        return sql_any(_like_sql(expression, item) if _is_pattern(item) else expression == item for item in values)
    return expression == values[0] if len(values) == 1 else expression.belongs(values)


def _belongs(left: Any, right: Any) -> bool | None:
    if isinstance(left, (list, tuple)):
        return _anyof(left, right)
    return any_of(_is_value(left, item) for item in members(right))


def _is_value(left: Any, value: Any) -> bool | None:
    value = _with_wildcards(value)
    return _like(left, value) if _is_pattern(value) else _eq(left, value)


_LT, _LE, _GE, _GT = (_comparison(compare) for compare in (operator.lt, operator.le, operator.ge, operator.gt))

OPERATORS: dict[str, Operator] = {
    row.key: row
    for row in (
        Operator("lt", *_LT, "%(label)s < %(value)s", "%(label)s >= %(value)s"),
        Operator("le", *_LE, "%(label)s <= %(value)s", "%(label)s > %(value)s"),
        Operator("eq", _eq_sql, _eq, "%(label)s is %(value)s", "%(label)s != %(value)s"),
        Operator("ne", _ne_sql, _ne, "%(label)s != %(value)s", "%(label)s is %(value)s"),
        Operator("ge", *_GE, "%(label)s >= %(value)s", "%(label)s < %(value)s"),
        Operator("gt", *_GT, "%(label)s > %(value)s", "%(label)s <= %(value)s"),
        Operator("like", _like_sql, _like, "%(label)s like %(value)s", "%(label)s not like %(value)s", is_typed=False),
        Operator("belongs", _belongs_sql, _belongs, "%(label)s = %(value)s", "%(label)s != %(value)s", takes_list=True),
        Operator(
            "contains", _contains_sql, _contains,
            "%(label)s contains %(value)s", "%(label)s does not contain %(value)s", "and",
        ),
        Operator(
            "anyof", _anyof_sql, _anyof,
            "%(label)s contains any of %(value)s", "%(label)s does not contain %(value)s",
        ),
    )
}
"""The operators by their key in URLs and saved filters."""
