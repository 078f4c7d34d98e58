"""The text of a filter: what it selects, in a sentence, in the language of the reader.

The words stand beside the SQL of each operator, in ``s3query.operators``; what fields and values are called, in ``words``.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3filter.saved import parse_filter
from s3.s3filter.words import FieldNames, ValueTexts
from s3.s3languages import isolated
from s3.s3query import OPERATORS, S3ResourceField, S3ResourceQuery, S3URLQuery
from s3.s3query.query import values_as_set
from s3.s3utils import s3_str
from s3cfg import to_translate

if TYPE_CHECKING:
    from s3.s3resource import S3Resource

__all__ = ("S3FilterString",)

AND_WORDS = to_translate("%s AND %s")
OR_WORDS = to_translate("%s OR %s")
NOT_WORDS = to_translate("NOT %s")

OPPOSITE = {"and": "or", "or": "and"}
# "neither less than 2 nor less than 3" is "at least 2 and 3"
ORDERING = ("lt", "le", "ge", "gt")


@dataclass(frozen=True)
class Clause:
    """A part of the sentence.

    Attributes:
        connective: "and" or "or" if it is made of several parts, which need parentheses beside other words
    """

    text: str
    connective: str | None = None


class S3FilterString:
    """A saved filter as URL variables and as text. Source: Eden s3filter.py S3FilterString.

    Attributes:
        get_vars: {key: value}, a list if the key occurs several times; keys are prefixed with "~."
    """

    def __init__(self, resource: S3Resource, query: Any) -> None:
        """
        Args:
            query: JSON text or list of [key, value]; conditions without a value (null) are left out

        Raises:
            S3FilterValueError: the filter is malformed
        """
        self.resource = resource
        self.get_vars: Storage = Storage()
        self._names = FieldNames(resource)
        self._texts = ValueTexts(resource)
        for key, value in parse_filter(query):
            if value is not None:
                self._add(resource.prefix_selector(key), value)

    def _add(self, key: str, value: str) -> None:
        if key not in self.get_vars:
            self.get_vars[key] = value
        elif isinstance(self.get_vars[key], list):
            self.get_vars[key].append(value)
        else:
            self.get_vars[key] = [self.get_vars[key], value]

    def represent(self, is_for_reader: bool = True) -> str:
        """What the filter selects, as plain text; "" if it is empty.

        Every condition is in it, with the name of its field and all its values. Records that the reader may not know by
        name stay numbers. Looks up what values are called with a few queries for each field that refers to records.

        Args:
            is_for_reader: False if somebody else than the user of this request will read it; then all records stay numbers

        Raises:
            S3SelectorError, S3FilterValueError: the filter does not suit the resource
        """
        queries = [query for items in S3URLQuery.parse(self.resource, self.get_vars).values() for query in items]
        if not queries:
            return ""
        self._texts.look_up((self._sought(item) for query in queries for item in query.conditions()), is_for_reader)
        return _joined("and", [self._clause(query, False) for query in queries]).text

    def _sought(self, condition: S3ResourceQuery) -> tuple[S3ResourceField, list[Any]]:
        rfield = condition.resolve(self.resource)
        return rfield, [] if self._texts.is_part(condition, rfield) else _members(_value(condition, rfield))

    def _clause(self, query: S3ResourceQuery, invert: bool) -> Clause:
        if query.op == "not":
            return self._clause(query.left, not invert)
        if query.is_condition:
            return Clause(self._condition(query, invert))
        connective = OPPOSITE[query.op] if invert else query.op
        return _joined(connective, [self._operand(operand, invert) for operand in _flat(query)])

    def _operand(self, operand: S3ResourceQuery, invert: bool) -> Clause:
        if invert and operand.is_condition:
            return Clause(s3_str(current.T(NOT_WORDS)) % self._condition(operand, False))
        return self._clause(operand, invert)

    def _condition(self, query: S3ResourceQuery, invert: bool) -> str:
        rfield = query.resolve(self.resource)
        value = _value(query, rfield)
        operation, value = values_as_set(query.operator, value, rfield.is_list)
        is_exclusion = query.op == "ne" and operation is not query.operator
        # several values of "!=" are looked up as a set, but people know the field as being none of them
        words = OPERATORS["ne"] if is_exclusion else OPERATORS["eq"] if query.op == "eq" else operation
        texts = self._texts.texts(query, rfield, _members(value))
        template = words.negated if invert else words.sentence
        return s3_str(current.T(template)) % {
            "label": self._names.name(rfield),
            "value": _listed([isolated(text) for text in texts], _conjunction(query, rfield, invert)),
        }


def _flat(query: S3ResourceQuery) -> Iterator[S3ResourceQuery]:
    """The operands of a combination, with those of the same combination within it."""
    for operand in query.operands():
        if isinstance(operand, S3ResourceQuery) and operand.op == query.op:
            yield from _flat(operand)
        else:
            yield operand  # type: ignore[misc]  # queries of the DAL do not come from URLs


def _joined(connective: str, clauses: list[Clause]) -> Clause:
    if len(clauses) == 1:
        return clauses[0]
    words = s3_str(current.T(AND_WORDS if connective == "and" else OR_WORDS))
    text = ""
    for clause in clauses:
        part = f"({clause.text})" if clause.connective not in (None, connective) else clause.text
        text = words % (text, part) if text else part
    return Clause(text, connective)


def _value(query: S3ResourceQuery, rfield: S3ResourceField) -> Any:
    """What the filter compares with: of the type of the field."""
    return query.right if rfield.virtual else query.value_for(rfield)


def _members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _conjunction(query: S3ResourceQuery, rfield: S3ResourceField, invert: bool) -> str:
    """How several values of one condition hang together, in English."""
    if rfield.is_list:
        # equal is a list with the same members
        return "and" if query.op in ("eq", "ne") else query.operator.conjunction
    return "and" if invert and query.op in ORDERING else "or"


def _listed(texts: Iterable[str], conjunction: str) -> str:
    *first, last = texts
    return f"{', '.join(first)} {s3_str(current.T(conjunction))} {last}" if first else last
