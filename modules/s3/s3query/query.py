"""Filters as expressions of conditions on field selectors: translated to SQL, or evaluated on rows in Python."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Union

from s3.s3datetime import S3TypeConverter
from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query.client import MAX_JOINS
from s3.s3query.joins import Joins
from s3.s3query.operators import OPERATORS, Operator, all_of, any_of, negate, sql_any
from s3.s3query.path import Subject
from s3.s3query.values import convert_value
from s3.s3utils import original_name
from s3dal import Query

if TYPE_CHECKING:
    from s3.s3query.selector import S3FieldSelector, S3ResourceField

__all__ = ("S3ResourceQuery", "values_as_set")

AND, OR, NOT = "and", "or", "not"
# Whoever may filter by such a field can find its value out, letter by letter, without ever being shown it
SECRET_FIELDS = frozenset(("auth_token", "registration_key", "reset_password_key"))
# Credentials of gateways; API keys are among the parameters
SECRET_CHANNEL_FIELDS = frozenset(("parameters", "username"))
Operand = Union["S3ResourceQuery", Query]


class S3ResourceQuery:
    """A condition on a field selector, or a combination of conditions with ``&``, ``|`` and ``~``.

    Queries of the DAL can stand on the right of ``&`` and ``|``. Source: Eden s3query.py S3ResourceQuery.
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
        if op not in (AND, OR, NOT) and op not in OPERATORS:
            raise S3SelectorError(f"Unknown filter operator {op!r}", operator=op)
        self.op = op
        self.left = left
        self.right = right
        # by the last resource: splitting, translating and evaluating all resolve the same selector
        self._resolved: tuple[Subject, S3ResourceField] | None = None

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

    def resolve(self, resource: Subject) -> S3ResourceField:
        """The field of a condition."""
        if self._resolved is None or self._resolved[0] is not resource:
            rfield = self.selector.resolve(resource)
            if _is_secret(rfield):
                raise S3SelectorError(f"{rfield.selector}: passwords and keys cannot be filtered", selector=rfield.selector)
            self._resolved = (resource, rfield)
        return self._resolved[1]

    def is_virtual(self, resource: Subject) -> bool:
        """True if the expression has computed fields, so that SQL cannot decide it."""
        return any(condition.resolve(resource).virtual for condition in self.conditions())

    def split(self, resource: Subject) -> tuple[Operand | None, S3ResourceQuery | None]:
        """Split into a part for SQL and a part for Python; records must match both.

        Raises:
            S3SelectorError: a selector does not resolve
        """
        if not self.is_virtual(resource):
            return self, None
        if self.op == NOT and isinstance(self.left, S3ResourceQuery) and self.left.op == OR:
            return S3ResourceQuery(AND, *(_inverted(operand) for operand in self.left.operands())).split(resource)
        if self.op != AND:
            return None, self
        parts = [_split(operand, resource) for operand in self.operands()]
        return _joined([part[0] for part in parts]), _joined([part[1] for part in parts])

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
        rfield = self.resolve(resource)
        if rfield.field is None:
            raise S3SelectorError(
                f"{rfield.selector} is computed, the database cannot filter by it", selector=rfield.selector
            )
        joins.add(rfield.joins)
        if self.selector.is_client and len(joins) > MAX_JOINS:
            raise S3SelectorError(f"{rfield.selector}: the filters join more than {MAX_JOINS} tables", selector=rfield.selector)
        expression = self.selector.expr(rfield.field)
        operation, value = values_as_set(self.operator, self.value_for(rfield), rfield.is_list)
        try:
            if _is_many(operation, value, rfield.is_list):
                return sql_any(operation.sql(expression, item) for item in value)
            query = operation.sql(expression, value)
        except S3FilterValueError as error:
            raise S3FilterValueError(f"{rfield.selector}: {error}", selector=rfield.selector, value=value) from error
        return ~query if self._is_exclusion(operation) else query

    def value_for(self, rfield: S3ResourceField) -> Any:
        """The value of a condition, converted to the type of its field.

        Raises:
            S3FilterValueError: it cannot be converted
        """
        if hasattr(self.right, "resolve"):
            raise S3FilterValueError(f"{rfield.selector}: compared with a selector, not a value", selector=rfield.selector)
        ftype = rfield.ftype if self.operator.is_typed else "text"
        return convert_value(ftype, self.right, rfield.selector)

    def _is_exclusion(self, operation: Operator) -> bool:
        # "ne" with several values has become "belongs"
        return self.op == "ne" and operation is not self.operator

    def __call__(self, resource: Subject, row: Any) -> bool | None:
        """Decide for one row in Python, with the logic of SQL.

        Args:
            row: {colname: value} of at least all fields of the expression

        Returns:
            None for unknown, as SQL's NULL; such a row is not selected

        Raises:
            S3SelectorError: a selector does not resolve or leads to several records, or a query of the DAL takes part
        """
        if self.is_condition:
            return self._test(resource, row)
        results = [_evaluate(operand, resource, row) for operand in self.operands()]
        if self.op == NOT:
            return negate(results[0])
        return all_of(results) if self.op == AND else any_of(results)

    def _test(self, resource: Subject, row: Any) -> bool | None:
        rfield = self.resolve(resource)
        if rfield.multiple:
            # SQL decides for each combination of joined records, which a row of collected values does not show
            raise S3SelectorError(
                f"{rfield.selector} can have several values and cannot stand beside a computed field", selector=rfield.selector
            )
        return self._test_value(rfield, rfield.extract(row))

    def _test_value(self, rfield: S3ResourceField, left: Any) -> bool | None:
        is_list = isinstance(left, (list, tuple))
        try:
            right = _converted_like(left, self.right) if rfield.virtual else self.value_for(rfield)
        except (TypeError, ValueError):
            if not rfield.virtual:
                raise
            return None
        operation, right = values_as_set(self.operator, right, is_list)
        left = self.selector.expr(left)
        if _is_many(operation, right, is_list):
            return any_of(operation.test(left, item) for item in right)
        result = operation.test(left, right)
        return negate(result) if self._is_exclusion(operation) else result


def values_as_set(operation: Operator, value: Any, is_list: bool) -> tuple[Operator, Any]:
    """Equality with several values is membership: the operator to use, and the value.

    Args:
        is_list: the field itself holds a list
    """
    if isinstance(value, (list, tuple)) and not is_list and operation.key in ("eq", "ne"):
        return OPERATORS["belongs"], value
    return operation, value


def _is_many(operation: Operator, value: Any, is_list: bool) -> bool:
    """True if the value is several values, one of which suffices."""
    if is_list or operation.takes_list or not isinstance(value, (list, tuple)):
        return False
    if not value:
        raise S3FilterValueError(f"The filter operator {operation.key} needs a value")
    return True


def _converted_like(left: Any, right: Any) -> Any:
    example = left[0] if isinstance(left, (list, tuple)) and left else left
    if example is None or isinstance(right, (list, tuple)):
        return [S3TypeConverter.convert(example, item) for item in right] if isinstance(right, (list, tuple)) else right
    return S3TypeConverter.convert(example, right)


def _is_secret(rfield: S3ResourceField) -> bool:
    if rfield.ftype == "password" or rfield.fname in SECRET_FIELDS:
        return True
    tablename = original_name(rfield.path.table)
    return rfield.fname in SECRET_CHANNEL_FIELDS and tablename.startswith("msg_") and tablename.endswith("_channel")


def _operand(query: Any) -> Operand:
    if not isinstance(query, (S3ResourceQuery, Query)):
        raise S3SelectorError(f"Not a filter: {query!r}")
    return query


def _inverted(operand: Operand) -> Operand:
    return ~operand


def _split(operand: Operand, resource: Subject) -> tuple[Operand | None, S3ResourceQuery | None]:
    return operand.split(resource) if isinstance(operand, S3ResourceQuery) else (operand, None)


def _joined(parts: list[Any]) -> Any:
    given = [part for part in parts if part is not None]
    return S3ResourceQuery(AND, *given) if len(given) == 2 else given[0] if given else None


def _evaluate(operand: Operand, resource: Subject, row: Any) -> bool | None:
    if isinstance(operand, S3ResourceQuery):
        return operand(resource, row)
    raise S3SelectorError("A query of the DAL cannot be combined with computed fields")
