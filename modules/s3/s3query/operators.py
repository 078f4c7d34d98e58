"""The filter operators, one table: key, SQL, evaluation on Python values, form in URLs, and the sentence that says it to people.

A filter and its text cannot drift, because both come from the same row of OPERATORS. SQL and Python use the same
three-valued logic: a comparison with nothing is unknown (NULL, None), and unknown records are not selected, neither by
a condition nor by its negation.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from s3.s3error import S3FilterValueError
from s3.s3query import comparing
from s3.s3query.logic import all_of, any_of, negate, sql_all, sql_any
from s3cfg import to_translate
from s3dal import Expression, Query

__all__ = ("OPERATORS", "Operator", "all_of", "any_of", "negate", "sql_all", "sql_any")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Operator:
    """One way to compare a field with a value.

    Attributes:
        sql: (field expression, value) -> DAL query
        test: (value of the field, value of the filter) -> True, False, or None for unknown
        sentence: English text with %(label)s and %(value)s, to be translated
        negated: the same for the negation
        code: how filters in code are written, for the reference
        meaning: what the condition says, for the reference
        nothing: what it says of NONE (None), for the reference
        conjunction: how the sentence joins several values that are compared with a list
        takes_list: the operator compares a single value with several at once; for the others several values mean
            "at least one of these comparisons"
        is_typed: values are converted to the type of the field; else they stay text
        url_case: "lower" if a URL compares the lower case of the field
        from_url: value of a URL -> value; to_url: the way back, which raises S3FilterValueError if there is none
    """

    key: str
    sql: Callable[[Expression, Any], Query]
    test: Callable[[Any, Any], bool | None]
    sentence: str
    negated: str
    code: str
    meaning: str
    nothing: str
    conjunction: str = to_translate("or")
    takes_list: bool = False
    is_typed: bool = True
    url_case: str | None = None
    from_url: Callable[[Any], Any] = _same
    to_url: Callable[[Any], Any] = _same


def _like_patterns(value: Any) -> Any:
    """LIKE patterns of texts with the wildcards * and ?."""
    if isinstance(value, list):
        return [_like_patterns(item) for item in value if item is not None]
    if value is None:
        return []
    return comparing.escaped(str(value).lower()).replace("?", "_").replace("*", "%")


def _url_patterns(value: Any) -> Any:
    """Texts with the wildcards * and ? of LIKE patterns."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_url_patterns(item) for item in value]
    if value is None or str(value) != str(value).lower():
        raise S3FilterValueError(f"{value!r} is no pattern for a URL, which has text in lower case")
    return "".join(_url_character(char, is_wildcard) for char, is_wildcard in comparing.pattern_tokens(str(value)))


def _url_character(char: str, is_wildcard: bool) -> str:
    if is_wildcard:
        return {"%": "*", "_": "?"}[char]
    if char in "*?":
        raise S3FilterValueError(f"{char!r} is a wildcard in URLs, and cannot be looked for")
    return char


_UNKNOWN = "refused"
_EMPTY = "has no value"

OPERATORS: dict[str, Operator] = {
    row.key: row
    for row in (
        Operator(
            "lt", comparing.lt_sql, comparing.is_less, *to_translate(("%(label)s < %(value)s", "%(label)s >= %(value)s")),
            code="FS(f) < v", meaning="is less than the value, or earlier", nothing=_UNKNOWN,
        ),
        Operator(
            "le", comparing.le_sql, comparing.is_less_or_equal, *to_translate(("%(label)s <= %(value)s", "%(label)s > %(value)s")),
            code="FS(f) <= v", meaning="is at most the value, or not later", nothing=_UNKNOWN,
        ),
        Operator(
            "eq", comparing.eq_sql, comparing.is_equal, *to_translate(("%(label)s is %(value)s", "%(label)s != %(value)s")),
            code="FS(f) == v", meaning="is the value; of several, one of them, as with `belongs`; a list is this very list",
            nothing=_EMPTY,
        ),
        Operator(
            "ne", comparing.ne_sql, comparing.is_unequal, *to_translate(("%(label)s != %(value)s", "%(label)s is %(value)s")),
            code="FS(f) != v", meaning="has a value, which is not this one; of several, none of them", nothing="has a value",
        ),
        Operator(
            "ge", comparing.ge_sql, comparing.is_greater_or_equal, *to_translate(("%(label)s >= %(value)s", "%(label)s < %(value)s")),
            code="FS(f) >= v", meaning="is at least the value, or not earlier", nothing=_UNKNOWN,
        ),
        Operator(
            "gt", comparing.gt_sql, comparing.is_greater, *to_translate(("%(label)s > %(value)s", "%(label)s <= %(value)s")),
            code="FS(f) > v", meaning="is more than the value, or later", nothing=_UNKNOWN,
        ),
        Operator(
            "like", comparing.like_sql, comparing.is_like, *to_translate(("%(label)s like %(value)s", "%(label)s not like %(value)s")),
            code="FS(f).like(v)",
            meaning="matches the pattern as a whole. In URLs `*` stands for anything, `?` for one character, and case does not "
            "matter; in code `%` and `_` do, a backslash escapes them, and case matters unless it is `FS(f).lower()`",
            nothing=f"in URLs refused, in code {_EMPTY}",
            is_typed=False, url_case="lower", from_url=_like_patterns, to_url=_url_patterns,
        ),
        Operator(
            "ilike", comparing.ilike_sql, comparing.is_ilike,
            *to_translate(("%(label)s like %(value)s", "%(label)s not like %(value)s")),
            code="FS(f).ilike(v)", meaning="like `like`, in code without regard to case as well", nothing="as with `like`",
            is_typed=False, from_url=_like_patterns, to_url=_url_patterns,
        ),
        Operator(
            "belongs", comparing.belongs_sql, comparing.is_in, *to_translate(("%(label)s = %(value)s", "%(label)s != %(value)s")),
            code="FS(f).belongs([v, w])",
            meaning="is one of the values; in those for text `*` stands for anything; a list holds at least one of them",
            nothing=_EMPTY, takes_list=True,
        ),
        Operator(
            "contains", comparing.contains_sql, comparing.is_containing,
            *to_translate(("%(label)s contains %(value)s", "%(label)s does not contain %(value)s")), conjunction=to_translate("and"),
            code="FS(f).contains(v)",
            meaning="the text contains the value, of several at least one; the list holds all of the values; case does not matter",
            nothing=_EMPTY,
        ),
        Operator(
            "anyof", comparing.anyof_sql, comparing.is_anyof,
            *to_translate(("%(label)s contains any of %(value)s", "%(label)s does not contain %(value)s")),
            code="FS(f).anyof([v, w])",
            meaning="the text contains, or the list holds, at least one of the values; case does not matter", nothing=_EMPTY,
        ),
        Operator(
            "typeof", comparing.belongs_sql, comparing.is_in,
            *to_translate(("%(label)s is within %(value)s", "%(label)s is not within %(value)s")),
            code="FS(f).typeof(v)",
            meaning="is one of the records, or below one of them in the hierarchy of their table; without a hierarchy as `belongs`",
            nothing=_EMPTY, takes_list=True,
        ),
    )
}  # fmt: skip
"""The operators by their key in URLs and saved filters."""


def reference() -> str:
    """The table of operators for docs/queries.md, in Markdown."""
    lines = ["| URL | code | the field | with `NONE` | sentence |", "|---|---|---|---|---|"]
    for row in OPERATORS.values():
        says, says_not = (words % {"label": "F", "value": "V"} for words in (row.sentence, row.negated))
        cells = (f"`__{row.key}`", f"`{row.code}`", row.meaning, row.nothing, f"{says}; {says_not}")
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)
