"""Gathering of the values of a select: one statement for the table, and one for each table that has several records per record.

Tables that keys lead to are joined to the first statement: they have one record for each.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from s3.s3query import Joins, S3ResourceField
from s3.s3resource.column import Column
from s3.s3resource.computing import computable_fields, computation, compute_rows, make_row
from s3.s3resource.reading import chunks, read_columns
from s3.s3utils import among
from s3dal import Expression, Query

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("Gathering",)

# SQLite joins at most 64 tables in one statement, and a query brings its own
MAX_TABLES = 40


class Gathering:
    """Values of some fields of some records.

    Attributes:
        ids: the records that have been found, in order
        columns: by name of the column
    """

    def __init__(self, resource: S3Resource, rfields: Iterable[S3ResourceField]) -> None:
        self.table = resource.table
        self.ids: list[Any] = []
        self.columns = {rfield.colname: Column(rfield) for rfield in rfields}
        self._own: list[S3ResourceField] = []
        self._computed: list[S3ResourceField] = []
        self._joined: dict[tuple[str, ...], list[S3ResourceField]] = {}
        self._tables: set[str] = set()
        for column in self.columns.values():
            self._sort(column.rfield)
        # values of the table that computed fields need
        self._names: list[str] = []
        self._records: dict[Any, Sequence[Any]] = {}

    def _sort(self, rfield: S3ResourceField) -> None:
        if rfield.virtual and not rfield.joins:
            self._computed.append(rfield)
            return
        tables = tuple(join.alias for join in rfield.joins)
        if rfield.virtual or rfield.multiple or len(self._tables.union(tables)) > MAX_TABLES:
            self._joined.setdefault(tables, []).append(rfield)
        else:
            self._tables.update(tables)
            self._own.append(rfield)

    def read(self, query: Query, orderby: list[Expression] | None = None, page: tuple[int, int] | None = None) -> None:
        """Gather from the records that match a query on the table alone."""
        self._read_own(query, orderby=orderby, limitby=page)
        self._complete([query] if page is None else self._by_id(self.ids))

    def read_ids(self, ids: Sequence[Any]) -> None:
        """Gather from these records, in this order."""
        queries = self._by_id(ids)
        for query in queries:
            self._read_own(query)
        found = set(self.ids)
        self.ids = [record_id for record_id in ids if record_id in found]
        self._complete(queries)

    def _by_id(self, ids: Sequence[Any]) -> list[Query]:
        return [among(self.table._id, chunk) for chunk in chunks(ids)]

    def _complete(self, queries: list[Query]) -> None:
        for rfields in self._joined.values():
            for query in queries:
                self._read_joined(rfields, query)
        if self._computed:
            self._compute()

    def _read_own(self, query: Query, **attributes: Any) -> None:
        joins = Joins(join for rfield in self._own for join in rfield.joins)
        needed = computable_fields(self.table) if self._computed else []
        fields = [self.table._id, *needed, *(rfield.field for rfield in self._own if rfield.field is not None)]
        values = read_columns(query, fields, left=joins.left() or None, **attributes)
        ids = values[str(self.table._id)]
        self.ids.extend(ids)
        for rfield in self._own:
            self.columns[rfield.colname].fill(ids, values[str(rfield.field)])
        if needed:
            self._names = [field.name for field in needed]
            rows = zip(*(values[str(field)] for field in needed), strict=True)
            self._records.update(zip(ids, rows, strict=True))

    def _read_joined(self, rfields: list[S3ResourceField], query: Query) -> None:
        """Values of the fields of one joined table."""
        table = rfields[0].path.table
        needed = computable_fields(table) if any(rfield.virtual for rfield in rfields) else []
        fields = [self.table._id, table._id, *needed, *(rfield.field for rfield in rfields if rfield.field is not None)]
        values = read_columns(query, fields, left=Joins(rfields[0].joins).left(), orderby=table._id)
        for rfield in rfields:
            column, ids = self.columns[rfield.colname], values[str(self.table._id)]
            if rfield.field is None:
                column.collect(ids, compute_rows(rfield, values))
            elif rfield.multiple:
                column.collect(ids, values[str(rfield.field)])
            else:
                column.fill(ids, values[str(rfield.field)])

    def _compute(self) -> None:
        """Values of computed fields, from rows that hold all that has been gathered."""
        others = {name: column.raw_values(self.ids) for name, column in self.columns.items() if column.rfield.joins}
        rows = []
        for position, record_id in enumerate(self.ids):
            given = [(name, column[position]) for name, column in others.items()]
            rows.append(make_row(self.table, self._names, self._records[record_id], given))
        for rfield in self._computed:
            self.columns[rfield.colname].fill(self.ids, map(computation(rfield), rows))
