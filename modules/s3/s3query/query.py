"""Filters as expressions of conditions on field selectors: translated to SQL, or evaluated on rows in Python."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Union

from gluon.storage import Storage

from s3.s3error import S3SelectorError
from s3.s3query import writing
from s3.s3query.client import MAX_JOINS
from s3.s3query.condition import Condition, climbed_tables, convert_for, prepare, values_as_set
from s3.s3query.joins import Joins
from s3.s3query.logic import all_of, any_of, negate
from s3.s3query.operators import OPERATORS, Operator
from s3.s3query.path import Subject
from s3.s3utils import original_name
from s3dal import Query

if TYPE_CHECKING:
    from s3.s3query.selector import S3FieldSelector, S3ResourceField

__all__ = ("S3ResourceQuery", "adopt", "values_as_set")

AND, OR, NOT = "and", "or", "not"
# Whoever may filter by such a field can find its value out, letter by letter, without ever being shown it
SECRET_FIELDS = frozenset(("auth_token", "registration_key", "reset_password_key"))
# Credentials of gateways; API keys are among the parameters
SECRET_CHANNEL_FIELDS = frozenset(("parameters", "username"))
Operand = Union["S3ResourceQuery", Query]


class S3ResourceQuery:
    """A condition on a field selector, or a combination of conditions with ``&``, ``|`` and ``~``.

    A filter selects a record if, with one record of each joined table, the whole expression is true for it: conditions on
    the same component must be met by the same one of its records, and so must negations: "another value than" needs a
    record that has one. What is true of nothing (NULL) is unknown, and unknown is not selected. SQL and Python agree.

    Queries of the DAL can be combined with these. Source: Eden s3query.py S3ResourceQuery.
    """

    def __init__(self, op: str, left: Any = None, right: Any = None) -> None:
        """
        Args:
            op: "and", "or", "not", or the key of an operator
            left: a query, or the field selector of a condition
            right: a query, or the value of a condition

        Raises:
            S3SelectorError: unknown operator
        """
        if op not in OPERATORS and op not in (AND, OR, NOT):
            raise S3SelectorError(f"Unknown filter operator {op!r}", operator=op)
        self.op = op
        self.left = left
        self.right = right
        # by the last resource: splitting, translating and evaluating all resolve the same selector
        self._resolved: tuple[Subject, S3ResourceField] | None = None
        self._prepared: tuple[Subject, Condition] | None = None

    def __repr__(self) -> str:
        return f"<S3ResourceQuery {self.op} {self.left!r} {self.right!r}>"

    def __and__(self, other: Operand) -> S3ResourceQuery:
        return S3ResourceQuery(AND, self, _operand(other))

    def __or__(self, other: Operand) -> S3ResourceQuery:
        return S3ResourceQuery(OR, self, _operand(other))

    def __invert__(self) -> Any:
        return self.left if self.op == NOT else S3ResourceQuery(NOT, self)

    @property
    def is_condition(self) -> bool:
        return self.op in OPERATORS

    @property
    def operator(self) -> Operator:
        """The operator of a condition."""
        return OPERATORS[self.op]

    @property
    def selector(self) -> S3FieldSelector:
        """The field selector of a condition."""
        return self.left

    def operands(self) -> list[Operand]:
        """The parts of a combination."""
        return [self.left] if self.op == NOT else [self.left, self.right]

    def conditions(self) -> Iterator[S3ResourceQuery]:
        """All conditions in the expression."""
        if self.is_condition:
            yield self
            return
        for operand in self.operands():
            if isinstance(operand, S3ResourceQuery):
                yield from operand.conditions()

    def fields(self) -> list[str]:
        """Names of all selectors in the expression."""
        return [condition.selector.name for condition in self.conditions()]

    def compared_fields(self, resource: Subject) -> list[S3ResourceField]:
        """The fields whose values a row must hold to be evaluated; mostly those of the selectors."""
        return [condition.prepare(resource).rfield for condition in self.conditions()]

    def resolve(self, resource: Subject) -> S3ResourceField:
        """The field of a condition.

        Raises:
            S3SelectorError: there is none, or nobody may filter by it
        """
        if self._resolved is None or self._resolved[0] is not resource:
            rfield = self.selector.resolve(resource)
            if _is_secret(rfield):
                raise S3SelectorError(f"{rfield.selector}: passwords and keys cannot be filtered", selector=rfield.selector)
            if self.op == "typeof" and self.selector.is_client:
                # the hierarchy tells of all records of its table, as a join would
                rfield.path = replace(rfield.path, reached=rfield.path.reached | climbed_tables(rfield))
            self._resolved = (resource, rfield)
        return self._resolved[1]

    def prepare(self, resource: Subject) -> Condition:
        """The condition with its field and its value, remembered for the resource.

        Raises:
            S3SelectorError: the selector does not resolve
            S3FilterValueError: the value cannot be converted to the type of the field
        """
        if self._prepared is None or self._prepared[0] is not resource:
            condition = prepare(self.resolve(resource), self.operator, self.right, self.selector.op)
            self._prepared = (resource, condition)
        return self._prepared[1]

    def value_for(self, rfield: S3ResourceField) -> Any:
        """The value of a condition, converted to the type of its field.

        Raises:
            S3FilterValueError: it cannot be converted
        """
        return convert_for(rfield, self.operator, self.right)

    def is_virtual(self, resource: Subject) -> bool:
        """True if the expression has computed fields, so that SQL cannot decide it."""
        return any(condition.resolve(resource).virtual for condition in self.conditions())

    def split(self, resource: Subject) -> tuple[Operand | None, S3ResourceQuery | None]:
        """Split into a part for SQL and a part for Python; the same joined records must match both.

        Raises:
            S3SelectorError: a selector does not resolve
        """
        if self.is_condition:
            return (None, self) if self.resolve(resource).virtual else (self, None)
        if not self.is_virtual(resource):
            return self, None
        if self.op == NOT and isinstance(self.left, S3ResourceQuery) and self.left.op == OR:
            return S3ResourceQuery(AND, *(~operand for operand in self.left.operands())).split(resource)
        if self.op != AND:
            return None, self
        parts = [_split(operand, resource) for operand in self.operands()]
        return _conjunction([part[0] for part in parts]), _conjunction([part[1] for part in parts])

    def query(self, resource: Subject, joins: Joins | None = None) -> Query:
        """Translate to a query of the DAL.

        Args:
            joins: the joins that the query needs are added to these

        Raises:
            S3SelectorError: a selector does not resolve, or means a computed field
            S3FilterValueError: a value cannot be converted to the type of its field
        """
        joins = Joins() if joins is None else joins
        if self.is_condition:
            return self._condition_query(resource, joins)
        queries = [part.query(resource, joins) if isinstance(part, S3ResourceQuery) else part for part in self.operands()]
        if self.op == NOT:
            return ~queries[0]
        return queries[0] & queries[1] if self.op == AND else queries[0] | queries[1]

    def _condition_query(self, resource: Subject, joins: Joins) -> Query:
        condition = self.prepare(resource)
        rfield = condition.rfield
        joins.add(rfield.joins)
        if self.selector.is_client and len(joins) > MAX_JOINS:
            raise S3SelectorError(f"{rfield.selector}: the filters join more than {MAX_JOINS} tables", selector=rfield.selector)
        return condition.query()

    def __call__(self, resource: Subject, row: Any) -> bool | None:
        """Decide for one row in Python, with the logic of SQL.

        Args:
            row: {colname: value} of at least the compared_fields, for one record of the resource with one record of each
                joined table; the record of the resource is selected if one of its rows is

        Returns:
            None for unknown, as SQL's NULL; such a row is not selected

        Raises:
            S3SelectorError: a selector does not resolve, a field that is no list has several values, or a query of the DAL
                takes part
        """
        if self.is_condition:
            return self.prepare(resource).test(row)
        results = [_evaluate(operand, resource, row) for operand in self.operands()]
        if self.op == NOT:
            return negate(results[0])
        return all_of(results) if self.op == AND else any_of(results)

    def represent(self, resource: Subject) -> str:
        """The filter as text for logs and debugging, with the names of columns: ``((a == "x") and (b in [1, 2]))``."""
        return writing.describe(self, resource)

    def serialize_url(self, resource: Subject | None = None) -> Storage:
        """The filter as URL variables: {key: text, or list of texts}, from which S3URLQuery makes the same filter.

        Args:
            resource: tells which fields hold lists, so that more alternatives can be said

        Raises:
            S3FilterValueError, S3SelectorError: URLs cannot say it, and what they can say would select something else
        """
        return writing.serialize(self, resource)


def adopt(query: Any) -> Any:
    """A filter of a query of the DAL that has been combined with filters on its right: ``(table.id > 1) & (FS("a") == 2)``.

    The DAL takes anything for an operand. Other queries are returned as they are.
    """
    if not isinstance(query, Query) or isinstance(query, S3ResourceQuery):
        return query
    operands = [adopt(operand) for operand in (query.first, query.second) if operand is not None]
    if not any(isinstance(operand, S3ResourceQuery) for operand in operands):
        return query
    dialect = query._dialect
    combinations = {dialect._and: AND, dialect._or: OR, dialect._not: NOT}
    if query.op not in combinations:
        raise S3SelectorError(f"Not a filter: {operands!r}")
    return S3ResourceQuery(combinations[query.op], *(_operand(operand) for operand in operands))


def _is_secret(rfield: S3ResourceField) -> bool:
    if rfield.ftype == "password" or rfield.fname in SECRET_FIELDS:
        return True
    if rfield.fname not in SECRET_CHANNEL_FIELDS:
        return False
    tablename = original_name(rfield.path.table)
    return tablename.startswith("msg_") and tablename.endswith("_channel")


def _operand(query: Any) -> Operand:
    query = adopt(query)
    if not isinstance(query, (S3ResourceQuery, Query)):
        raise S3SelectorError(f"Not a filter: {query!r}")
    return query


def _split(operand: Operand, resource: Subject) -> tuple[Operand | None, S3ResourceQuery | None]:
    return operand.split(resource) if isinstance(operand, S3ResourceQuery) else (operand, None)


def _conjunction(parts: list[Any]) -> Any:
    given = [part for part in parts if part is not None]
    return S3ResourceQuery(AND, *given) if len(given) == 2 else given[0] if given else None


def _evaluate(operand: Operand, resource: Subject, row: Any) -> bool | None:
    if isinstance(operand, S3ResourceQuery):
        return operand(resource, row)
    raise S3SelectorError("A query of the DAL cannot be combined with computed fields")
