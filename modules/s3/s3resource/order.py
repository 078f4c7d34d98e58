"""The order of the records of a select, the same on every database."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s3.s3error import S3SelectorError
from s3.s3query import Joins, resolve_path
from s3dal import Expression, Field

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("Order",)


@dataclass(frozen=True)
class _Term:
    expression: Expression
    is_descending: bool
    is_joined: bool


class Order:
    """Ordering terms of a select, with the joins they need.

    Ascending order begins with records that have no value (NULL), descending order ends with them. Records that are
    otherwise equal are ordered by id.
    """

    def __init__(self, resource: S3Resource, orderby: Any, joins: Iterable[Any] = (), tables: Iterable[str] = ()) -> None:
        """
        Args:
            orderby: "field [asc|desc], ..." with selectors or "table.field", a Field, an expression of the DAL, or a list
            joins: joins of the select by whose tables can be ordered
            tables: alias names of tables that the caller of the select joins
        """
        self.resource = resource
        self.joins = Joins()
        self._known = {join.alias: join for join in joins}
        self._chains = list(joins)
        self._tables = set(tables)
        self.terms = list(self._parse(orderby))

    @property
    def is_joined(self) -> bool:
        return any(term.is_joined for term in self.terms)

    def sql(self, is_grouped: bool) -> list[Expression]:
        """Expressions for ``orderby=``.

        Args:
            is_grouped: the select groups by record id: by the lowest of several values if ascending, the highest if
                descending
        """
        result: list[Expression] = []
        for term in self.terms:
            expression = term.expression
            if is_grouped and term.is_joined and isinstance(expression, Field):
                expression = expression.max() if term.is_descending else expression.min()
            result += self._null_term(expression, term)
            result.append(~expression if term.is_descending else expression)
        return [*result, self.resource.table._id]

    @staticmethod
    def _null_term(expression: Expression, term: _Term) -> list[Expression]:
        # SQLite sorts NULL as the lowest value, PostgreSQL as the highest
        db = term.expression.db
        is_nullable = term.is_joined or not (isinstance(term.expression, Field) and _is_never_null(term.expression))
        if db._adapter.dbengine != "postgres" or not is_nullable:
            return []
        is_null = Expression(db, f"{db._adapter.expand(expression)} IS NULL")
        return [is_null if term.is_descending else ~is_null]

    def _parse(self, orderby: Any) -> Iterable[_Term]:
        if orderby is None:
            return
        if isinstance(orderby, str):
            for item in orderby.split(",") if orderby else ():
                yield self._parse_text(item)
        elif isinstance(orderby, (list, tuple)):
            for item in orderby:
                yield from self._parse(item)
        else:
            yield from self._parse_expression(orderby, is_descending=False)

    def _parse_text(self, item: str) -> _Term:
        words = item.split()
        direction = words[1].lower() if len(words) == 2 else "asc"
        if not words or len(words) > 2 or direction not in ("asc", "desc"):
            raise self._error(item)
        return self._field_term(self._find_field(words[0]), direction == "desc")

    def _find_field(self, name: str) -> Field:
        prefix, _, fname = name.rpartition(".")
        if prefix in ("", self.resource.tablename, self.resource.table._tablename) and "$" not in fname:
            prefix, fname = "~", fname
        elif prefix in self._known:
            table = self._known[prefix].table
            if fname in table.fields:
                return table[fname]
        selector = f"{prefix}.{fname}" if prefix else f"~.{fname}"
        path = resolve_path(self.resource, selector)
        if path.field is None:
            raise self._error(name)
        self.joins.add(path.joins)
        return path.field

    def _parse_expression(self, expression: Expression, is_descending: bool) -> Iterable[_Term]:
        if isinstance(expression, Field):
            yield self._field_term(expression, is_descending)
        elif not isinstance(expression, Expression):
            raise self._error(expression)
        elif expression.op == expression._dialect.invert:
            yield from self._parse_expression(expression.first, not is_descending)
        elif expression.op == expression._dialect.comma:
            yield from self._parse_expression(expression.first, is_descending)
            yield from self._parse_expression(expression.second, is_descending)
        else:
            yield _Term(expression, is_descending, is_joined=True)

    def _field_term(self, field: Field, is_descending: bool) -> _Term:
        tablename = field.tablename
        if tablename == self.resource.table._tablename:
            return _Term(field, is_descending, is_joined=False)
        if tablename in self._known:
            # up to this table: each join stands after those that it needs
            position = self._chains.index(self._known[tablename])
            self.joins.add(self._chains[: position + 1])
        elif tablename not in self._tables and self.joins.get(tablename) is None:
            raise self._error(field)
        return _Term(field, is_descending, is_joined=True)

    def _error(self, item: Any) -> S3SelectorError:
        return S3SelectorError(f"Cannot order {self.resource.tablename} by {str(item)!r}", selector=str(item))


def _is_never_null(field: Field) -> bool:
    return field.type == "id" or field.notnull
