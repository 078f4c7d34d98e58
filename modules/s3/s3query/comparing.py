"""How values are compared, for each operator twice: as SQL, and in Python, with the same results on every database.

Texts are ordered by their code points, which no locale changes. Case is that of Unicode: SQLite learns it in s3dal, of
PostgreSQL the locale must be a UTF-8 one.
"""
from __future__ import annotations

import operator
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydal.helpers.methods import bar_encode

from s3.s3error import S3FilterValueError
from s3.s3query.logic import all_of, any_of, negate, sql_all, sql_any
from s3.s3utils import among
from s3dal import Expression, Field, Query

__all__ = (
    "TEXT_TYPES", "anyof_sql", "belongs_sql", "contains_sql", "eq_sql", "escaped", "fold", "folded", "ge_sql", "gt_sql", "ilike_sql",
    "is_anyof", "is_in", "is_containing", "is_equal", "is_greater", "is_greater_or_equal", "is_ilike", "is_less",
    "is_less_or_equal", "is_like", "is_list_type", "is_unequal", "le_sql", "like_sql", "lt_sql", "ne_sql", "pattern_tokens",
)  # fmt: skip

TEXT_TYPES = frozenset(("string", "text", "upload"))
# What has one text on every database and in Python; numbers with fractions and truth values have not
LEGIBLE_TYPES = TEXT_TYPES | {"id", "integer", "bigint", "reference", "date", "datetime", "time"}
WILDCARD = "*"
_ESCAPES = str.maketrans({char: f"\\{char}" for char in "\\%_"})
# Stands for a bar within the members of a list, while those between them are looked for
INNER_BAR = "\x1e"


def is_list_type(ftype: str) -> bool:
    return ftype.startswith("list:")


def members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]


def fold(expression: Expression, case: str | None) -> Expression:
    """Lower or upper case of a text; other expressions as they are."""
    return getattr(expression, case)() if case and expression.type in TEXT_TYPES else expression


def folded(value: Any, case: str | None) -> Any:
    """The same for a value of a text field."""
    return getattr(value, case)() if case and isinstance(value, str) else value


def _nothing(expression: Expression) -> Query:
    """A query that no record matches."""
    return expression.belongs([])


def _sql(kind: type, expression: Expression, template: str, *values: str) -> Any:
    """An expression or query of the DAL of SQL with %s for an expression, and for each of the texts."""
    adapter = expression.db._adapter

    def write(first: Expression, query_env: Any = None) -> str:
        literals = (adapter.represent(value, "string") for value in values)
        return template % (adapter.expand(first, query_env=query_env or {}), *literals)

    result = kind(expression.db, write, expression)
    if kind is Expression:
        result.type = "text"
    return result


def _is_sqlite(expression: Expression) -> bool:
    return expression.db._adapter.dbengine == "sqlite"


# more, less
def _comparison(compare: Callable[[Any, Any], Any]) -> tuple[Callable[..., Query], Callable[..., bool | None]]:
    def sql(expression: Expression, value: Any) -> Query:
        if value is None:
            raise S3FilterValueError("Nothing (NONE) is neither more nor less than a value")
        if is_list_type(expression.type):
            raise S3FilterValueError("A list is neither more nor less than a value")
        return compare(_ordered(expression), value)

    def test(left: Any, right: Any) -> bool | None:
        if left is None or right is None:
            return None
        return bool(compare(left, right))

    return sql, test


def _ordered(expression: Expression) -> Expression:
    if expression.type not in TEXT_TYPES or _is_sqlite(expression):
        return expression
    # else the locale of the database decides, and may ignore case and punctuation
    return _sql(Expression, expression, '(%s COLLATE "C")')


lt_sql, is_less = _comparison(operator.lt)
le_sql, is_less_or_equal = _comparison(operator.le)
ge_sql, is_greater_or_equal = _comparison(operator.ge)
gt_sql, is_greater = _comparison(operator.gt)


# equal
def eq_sql(expression: Expression, value: Any) -> Query:
    return expression == _comparable(expression, value)


def ne_sql(expression: Expression, value: Any) -> Query:
    return expression != _comparable(expression, value)


def _comparable(expression: Expression, value: Any) -> Any:
    if value is None or not is_list_type(expression.type):
        return value
    for item in members(value):
        _check_member(item)
    return members(value)


def is_equal(left: Any, right: Any) -> bool | None:
    if right is None:
        return left is None
    if isinstance(left, (list, tuple)):
        return list(left) == members(right)
    return None if left is None else bool(left == right)


def is_unequal(left: Any, right: Any) -> bool | None:
    return negate(is_equal(left, right))


# patterns
def _legible(expression: Expression) -> Expression:
    """Text of an expression."""
    if expression.type in TEXT_TYPES:
        return expression
    if expression.type.partition(" ")[0] not in LEGIBLE_TYPES:
        raise S3FilterValueError(f"A field of type {expression.type} has no text to search in")
    # PostgreSQL has no LIKE for numbers, and pydal's own cast pads with blanks
    return expression.cast("text")


def _matches(text: Expression, pattern: str) -> Query:
    glob = _glob(pattern)
    if not _is_sqlite(text):
        # with an explicit escape pydal leaves the pattern alone; without, it doubles the backslashes and escapes are lost
        return text.like(pattern, escape="\\")
    # SQLite's LIKE ignores the case of ASCII letters; its GLOB has other wildcards, and brackets as escapes
    return _sql(Query, text, "(%s GLOB %s)", glob)


def like_sql(expression: Expression, value: Any) -> Query:
    return expression == None if value is None else _matches(_legible(expression), str(value))


def ilike_sql(expression: Expression, value: Any) -> Query:
    return expression == None if value is None else _matches(_lower(_legible(expression)), str(value).lower())


def _lower(text: Expression) -> Expression:
    return _sql(Expression, text, "LOWER(%s)")


def pattern_tokens(like: str) -> list[tuple[str, bool]]:
    """The characters of a LIKE pattern, and whether each is a wildcard."""
    tokens: list[tuple[str, bool]] = []
    is_escaped = False
    for char in like:
        if char == "\\" and not is_escaped:
            is_escaped = True
            continue
        tokens.append((char, char in "%_" and not is_escaped))
        is_escaped = False
    if is_escaped:
        raise S3FilterValueError(f"The pattern {like!r} ends with an escape character")
    return tokens


def _glob(like: str) -> str:
    """The same pattern for GLOB; raises S3FilterValueError if it is none."""
    wildcards = {"%": "*", "_": "?"}
    return "".join(wildcards[char] if is_wildcard else f"[{char}]" if char in "*?[" else char for char, is_wildcard in pattern_tokens(like))


@lru_cache(maxsize=256)
def _segments(like: str) -> tuple[tuple[re.Pattern[str], int], ...]:
    """What stands between the % of a LIKE pattern, as regular expressions with their lengths.

    One expression for the whole pattern could take for ever: whoever writes the filter decides how often it tries again.
    """
    segments: list[list[str]] = [[]]
    for char, is_wildcard in pattern_tokens(like):
        if is_wildcard and char == "%":
            segments.append([])
        else:
            segments[-1].append("." if is_wildcard else re.escape(char))
    return tuple((re.compile("".join(parts), re.DOTALL), len(parts)) for parts in segments)


def _is_match(text: str, like: str) -> bool:
    (first, _), *others = _segments(like)
    if not others:
        return first.fullmatch(text) is not None
    found = first.match(text)
    *inner, (last, length) = others
    for segment, _ in inner:
        found = segment.search(text, found.end()) if found else None
    # the last one stands at the end, the others as far to the front as they can
    return found is not None and found.end() <= len(text) - length and last.match(text, len(text) - length) is not None


def is_like(left: Any, right: Any) -> bool | None:
    if right is None:
        return left is None
    return None if left is None else _is_match(str(left), str(right))


def is_ilike(left: Any, right: Any) -> bool | None:
    return is_like(left if left is None else str(left).lower(), right if right is None else str(right).lower())


def escaped(text: str) -> str:
    """The text as a LIKE pattern that it alone matches."""
    return text.translate(_ESCAPES)


# members of lists, parts of texts
def _check_member(value: Any) -> None:
    if value is None or not str(value).strip():
        raise S3FilterValueError("An empty value is no member of a list")


def _member_sql(expression: Expression, value: Any) -> Query:
    """The list holds the value, or the text contains it; without regard to case."""
    if value is None:
        return expression == None
    text, part = expression, str(value)
    if is_list_type(expression.type):
        _check_member(value)
        # |a|b||c| holds "a" and "b|c", but neither "b" nor "c"
        part = bar_encode([part]).replace("||", INNER_BAR)
        text = _sql(Expression, text, "REPLACE(%s, %s, %s)", "||", INNER_BAR)
    elif expression.type not in TEXT_TYPES:
        raise S3FilterValueError(f"A field of type {expression.type} has no parts to search in")
    return _matches(_lower(text), f"%{escaped(part.lower())}%")


def _is_member(left: Any, value: Any) -> bool | None:
    if value is None:
        return left is None
    if left is None:
        return None
    if isinstance(left, (list, tuple)):
        return str(value).lower() in [str(item).lower() for item in left]
    return str(value).lower() in str(left).lower()


def contains_sql(expression: Expression, value: Any) -> Query:
    values = members(value)
    return sql_all(_member_sql(expression, item) for item in values) if values else _nothing(expression)


def is_containing(left: Any, right: Any) -> bool | None:
    values = members(right)
    return all_of(_is_member(left, item) for item in values) if values else False


def anyof_sql(expression: Expression, value: Any) -> Query:
    values = members(value)
    return sql_any(_member_sql(expression, item) for item in values) if values else _nothing(expression)


def is_anyof(left: Any, right: Any) -> bool | None:
    return any_of(_is_member(left, item) for item in members(right))


# members of a set
def _is_pattern(value: Any) -> bool:
    return isinstance(value, str) and WILDCARD in value


def _with_wildcards(value: str) -> str:
    return escaped(value).replace(WILDCARD, "%")


def belongs_sql(expression: Expression, value: Any) -> Query:
    if is_list_type(expression.type):
        return anyof_sql(expression, value)
    values = members(value)
    given = [item for item in values if item is not None]
    query = _any_value_sql(expression, given) if given or not values else None
    if query is not None and len(given) == len(values):
        return query
    is_empty = expression == None
    return is_empty if query is None else query | is_empty


def _any_value_sql(expression: Expression, values: list[Any]) -> Query:
    patterns = [_with_wildcards(item) for item in values if _is_pattern(item)] if expression.type in TEXT_TYPES else []
    if not patterns:
        if len(values) == 1:
            return expression == values[0]
        # branches of a hierarchy may be many
        return among(expression, values) if isinstance(expression, Field) else expression.belongs(values)
    plain = [item for item in values if not _is_pattern(item)]
    queries = [_matches(expression, pattern) for pattern in patterns]
    return sql_any([*queries, expression.belongs(plain)] if plain else queries)


def is_in(left: Any, right: Any) -> bool | None:
    if isinstance(left, (list, tuple)):
        return is_anyof(left, right)
    return any_of(_is_value(left, item) for item in members(right))


def _is_value(left: Any, value: Any) -> bool | None:
    return is_like(left, _with_wildcards(value)) if _is_pattern(value) else is_equal(left, value)
