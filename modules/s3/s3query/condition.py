"""A condition at work: its selector resolved, its value converted, told in SQL and asked of Python values."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3datetime import S3TypeConverter
from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3hierarchy import find_descendants, find_hierarchy
from s3.s3query import comparing
from s3.s3query.logic import any_of, negate, sql_any
from s3.s3query.operators import OPERATORS, Operator
from s3.s3query.values import convert_value
from s3.s3utils import original_name, s3_get_foreign_key
from s3dal import Expression, Query

if TYPE_CHECKING:
    from s3.s3query.selector import S3ResourceField

__all__ = ("Condition", "climbed_tables", "convert_for", "prepare", "values_as_set")


@dataclass(frozen=True)
class Condition:
    """A comparison of a field with a value.

    Attributes:
        rfield: the field that is compared: that of the selector, or with "typeof" maybe the key of its table
        operation: the operator that compares, see values_as_set
        value: as the operator takes it; of a computed field as it was given
        case: "lower" or "upper" if texts are compared in this case
        is_excluded: records that match are those not meant
    """

    rfield: S3ResourceField
    operation: Operator
    value: Any
    case: str | None = None
    is_excluded: bool = False

    def query(self) -> Query:
        """The condition for the database.

        Raises:
            S3SelectorError: the field is computed
            S3FilterValueError: the operator cannot compare such a field, or with such a value
        """
        rfield = self.rfield
        if rfield.field is None:
            raise S3SelectorError(f"{rfield.selector} is computed, the database cannot filter by it", selector=rfield.selector)
        expression = comparing.fold(rfield.field, self.case)
        try:
            if _is_many(self.operation, self.value, rfield.is_list):
                return sql_any(self.operation.sql(expression, item) for item in self.value)
            query = self.operation.sql(expression, self.value)
        except S3FilterValueError as error:
            raise S3FilterValueError(f"{rfield.selector}: {error}", selector=rfield.selector, value=self.value) from error
        return ~query if self.is_excluded else query

    def test(self, row: Any) -> bool | None:
        """Decide for one row, see S3ResourceQuery."""
        if isinstance(self.value, Expression):
            raise S3SelectorError(f"{self.rfield.selector}: compared with a field by the database only", selector=self.rfield.selector)
        left = self.rfield.extract(row)
        if self.rfield.virtual:
            return _test_computed(self, left)
        is_list = self.rfield.is_list
        if isinstance(left, (list, tuple)) and not is_list:
            raise S3SelectorError(
                f"{self.rfield.selector} has several values in this row; a row has those of one combination of joined records",
                selector=self.rfield.selector,
            )
        if self.rfield.ftype in comparing.TEXT_TYPES:
            left = comparing.folded(left, self.case)
        return self.decide(left, self.value, is_list)

    def decide(self, left: Any, right: Any, is_list: bool) -> bool | None:
        if _is_many(self.operation, right, is_list):
            return any_of(self.operation.test(left, item) for item in right)
        result = self.operation.test(left, right)
        return negate(result) if self.is_excluded else result


def prepare(rfield: S3ResourceField, operation: Operator, right: Any, case: str | None) -> Condition:
    """Make a condition of an operator and the value as it was given.

    Raises:
        S3FilterValueError: it cannot be converted to the type of the field
    """
    if rfield.virtual:
        _check_value(rfield, right)
        return Condition(rfield, operation, right, case)
    value = convert_for(rfield, operation, right)
    if operation.key == "typeof":
        rfield, value = _within(rfield, value)
    used, value = values_as_set(operation, value, rfield.is_list)
    # "ne" with several values has become "belongs"
    return Condition(rfield, used, value, case, is_excluded=operation.key == "ne" and used is not operation)


def convert_for(rfield: S3ResourceField, operation: Operator, right: Any) -> Any:
    """The value of a condition, converted to the type of its field.

    Raises:
        S3FilterValueError: it cannot be converted
    """
    _check_value(rfield, right)
    return convert_value(rfield.ftype if operation.is_typed else "text", right, rfield.selector)


def _check_value(rfield: S3ResourceField, right: Any) -> None:
    # of the type, because record ids of the DAL look for any attribute in their record
    if hasattr(type(right), "resolve"):
        raise S3FilterValueError(f"{rfield.selector}: compared with a selector, not a value", selector=rfield.selector)


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


def _test_computed(condition: Condition, left: Any) -> bool | None:
    """Compare with the type that a computed field happens to have for this record."""
    is_list = isinstance(left, (list, tuple))
    given = condition.operation
    try:
        right = _converted_like(left, condition.value) if given.is_typed else _texts(condition.value)
    except (TypeError, ValueError):
        return None
    used, right = values_as_set(given, right, is_list)
    compared = Condition(condition.rfield, used, right, condition.case, is_excluded=given.key == "ne" and used is not given)
    try:
        return compared.decide(comparing.folded(left, condition.case), right, is_list)
    except TypeError:
        # things that have no order
        return None


def _converted_like(left: Any, right: Any) -> Any:
    example = left[0] if isinstance(left, (list, tuple)) and left else left
    if isinstance(right, (list, tuple, set, frozenset)):
        return [S3TypeConverter.convert(example, item) for item in right]
    return right if example is None else S3TypeConverter.convert(example, right)


def _texts(value: Any) -> Any:
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_texts(item) for item in value]
    return value if value is None else str(value)


# hierarchies
def climbed_tables(rfield: S3ResourceField) -> frozenset[str]:
    """Names of the tables whose hierarchies "typeof" may follow from a field."""
    if rfield.field is None:
        return frozenset()
    table = current.db[original_name(rfield.path.table)]
    names = (original_name(table), s3_get_foreign_key(table[rfield.field.name])[0])
    return frozenset(name for name in names if name and find_hierarchy(name) is not None)


def _within(rfield: S3ResourceField, value: Any) -> tuple[S3ResourceField, Any]:
    """The field that knows the record, and the records that are meant or stand below those that are."""
    table = current.db[original_name(rfield.path.table)]
    assert rfield.field is not None
    target, key, _ = s3_get_foreign_key(table[rfield.field.name])
    referenced = find_hierarchy(target) if target else None
    if referenced is not None and referenced.key.name == key:
        return rfield, _with_descendants(target, value)
    own = find_hierarchy(table)
    if own is None:
        return rfield, value
    if rfield.field.name == own.key.name:
        return rfield, _with_descendants(table, value)
    return rfield.sibling(own.key.name), _with_descendants(table, _look_up(rfield, own.key, value))


def _with_descendants(table: Any, value: Any) -> list[Any]:
    values = comparing.members(value)
    found: list[Any] = sorted(find_descendants(table, [item for item in values if item is not None]))
    return [*found, None] if None in values else found


def _look_up(rfield: S3ResourceField, key: Any, value: Any) -> list[Any]:
    """Keys of the records, of those that may be read, whose field has one of the values."""
    table = key.table
    values = comparing.members(value)
    given = [item for item in values if item is not None]
    query = OPERATORS["belongs"].sql(table[rfield.fname], given)
    query &= current.auth.s3_accessible_query("read", table)
    if "deleted" in table.fields:
        query &= table.deleted == False
    found: Iterable[Any] = (row[key] for row in current.db(query).select(key))
    return [*found, None] if None in values else [*found]
