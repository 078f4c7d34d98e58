"""The select of a resource: finds the records of a page, collects their values column by column, represents them in bulk.

The number of queries depends on the number of tables involved, not on the number of records.
"""
from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3query import Joins, S3ResourceField
from s3.s3resource.order import Order
from s3.s3resource.rendering import Column
from s3dal import Expression, Field, Query, Row, Rows

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("S3ResourceData", "limitby")

# Ids per "IN (...)"
CHUNK = 1000
NO_LIMIT = 2**40
# Loaded on demand only, also for computed fields
LARGE_TYPES = frozenset(("blob",))


def limitby(start: int | None = 0, limit: int | None = 0) -> tuple[int, int] | None:
    """First and last record of a page, None for everything.

    Args:
        limit: None for no limit, 0 for the default page length
    """
    start = max(start or 0, 0)
    if limit is None:
        return (start, NO_LIMIT) if start else None
    if limit == 0:
        limit = current.response.s3.ROWSPERPAGE or 20
    return start, start + max(limit, 1)


class S3ResourceData:
    """Result of a select.

    Attributes:
        rfields: the columns, S3ResourceFields in the order of the request
        rows: [{colname: value}] in the order of the records, see S3Resource.select
        numrows: how many records match; 0 if that was not determined
        ids: of all records that match, None if that was not determined
    """

    def __init__(
        self,
        resource: S3Resource,
        fields: Iterable[Any] | None,
        start: int | None = 0,
        limit: int | None = None,
        left: Any = None,
        orderby: Any = None,
        groupby: Any = None,
        distinct: bool = False,
        virtual: bool = True,
        count: bool = False,
        getids: bool = False,
        as_rows: bool = False,
        represent: bool = False,
        show_links: bool = True,
        raw_data: bool = False,
    ) -> None:
        self.resource = resource
        self.table = resource.table
        self.rfilter = resource.rfilter
        self.columns = _unique(resource.resolve_selectors(fields)[0])
        self.rfields: list[S3ResourceField] = [column for column in self.columns if column.show]
        self.left = list(left) if isinstance(left, (list, tuple)) else [left] if left is not None else []
        self.page = limitby(start, limit)
        self.is_counted = count or getids
        self.numrows = 0
        self.ids: list[Any] | None = None
        joins = [*self.rfilter.joins, *(join for column in self.columns for join in column.joins)]
        self.order = Order(resource, orderby, joins, tables=[item.first._tablename for item in self.left])
        if groupby:
            self.rows: Any = self._grouped(groupby)
        elif as_rows:
            self.rows = self._joined_rows()
        else:
            self.rows = self._extract(represent, show_links, raw_data)

    def __getitem__(self, key: str) -> Any:
        if key not in ("rfields", "rows", "numrows", "ids"):
            raise AttributeError(key)
        return getattr(self, key)

    def _extract(self, represent: bool, show_links: bool, raw_data: bool) -> list[Storage]:
        if self._is_simple():
            records = self._load_master(self.rfilter.get_query(), self.order.sql(is_grouped=False), self.page)
            if self.page is None:
                self.ids, self.numrows = list(records), len(records)
            ids = list(records)
        else:
            ids = self._page_ids()
            records = self._load_master_by_id(ids)
        columns = self._collect(self.columns, ids, records)
        return self._render(ids, columns, represent, show_links, raw_data)

    def _is_simple(self) -> bool:
        """Whether one query on the master table alone finds the page."""
        is_plain = not (self.rfilter.joins or self.left or self.order.is_joined or self._is_filtered_in_python())
        return is_plain and (self.page is None or not self.is_counted)

    def _is_filtered_in_python(self) -> bool:
        return self.rfilter.virtual is not None or bool(self.rfilter.extra_filters)

    def _page_ids(self) -> list[Any]:
        ids = self._find_ids()
        if self.rfilter.virtual is not None:
            ids = self._filter_in_python(ids)
        ids = self.rfilter.apply_extra(ids)
        self.ids, self.numrows = ids, len(ids)
        return ids if self.page is None else ids[self.page[0] : self.page[1]]

    def _find_ids(self) -> list[Any]:
        """Ids of all records that match in SQL, in order."""
        joins = self._filter_joins()
        left = [*joins.left(), *self.left]
        attributes: dict[str, Any] = {"orderby": self.order.sql(is_grouped=bool(left))}
        if left:
            attributes.update(left=left, groupby=self.table._id)
        # the plain SQL: the DAL would make an object of each of maybe 100,000 ids
        dbset = current.db(self.rfilter.get_query())
        return [row[0] for row in current.db.executesql(dbset._select(self.table._id, **attributes))]

    def _filter_joins(self) -> Joins:
        joins = Joins(self.rfilter.joins)
        joins.add(self.order.joins)
        return joins

    def _filter_in_python(self, ids: list[Any]) -> list[Any]:
        virtual = self.rfilter.virtual
        assert virtual is not None
        columns = _unique(self.resource.resolve_selectors([*self.rfilter.get_fields(), *self._extra_fields()])[0])
        collected = self._collect(columns, ids, self._load_master_by_id(ids, columns))
        accepted = []
        for record_id in ids:
            row = Storage({colname: column.raw(record_id) for colname, column in collected.items()})
            if virtual(self.resource, row):
                accepted.append(record_id)
        return accepted

    def _extra_fields(self) -> list[str]:
        return list(self.resource.get_config("extra_fields") or ())

    def _own_fields(self, columns: Iterable[S3ResourceField]) -> list[Field]:
        """Fields of the master table to load."""
        own = [column for column in columns if not column.joins]
        if any(column.virtual for column in own):
            return [field for field in self.table if field.type not in LARGE_TYPES]
        fields = {column.field.name: column.field for column in own if column.field is not None}
        fields.setdefault(self.table._id.name, self.table._id)
        return list(fields.values())

    def _load_master_by_id(self, ids: list[Any], columns: Iterable[S3ResourceField] | None = None) -> dict[Any, Row]:
        records: dict[Any, Row] = {}
        for chunk in _chunks(ids):
            records.update(self._load_master(self.table._id.belongs(chunk), columns=columns))
        return records

    def _load_master(
        self,
        query: Query,
        orderby: list[Expression] | None = None,
        page: tuple[int, int] | None = None,
        columns: Iterable[S3ResourceField] | None = None,
    ) -> dict[Any, Row]:
        fields = self._own_fields(self.columns if columns is None else columns)
        rows = current.db(query).select(*fields, orderby=orderby, limitby=page, cacheable=True)
        key = self.table._id.name
        return {row[key]: row for row in rows}

    def _collect(self, rfields: list[S3ResourceField], ids: list[Any], records: dict[Any, Row]) -> dict[str, Column]:
        """Values of all columns for these records."""
        columns = {rfield.colname: Column(rfield) for rfield in rfields}
        joined: dict[tuple[str, ...], list[S3ResourceField]] = {}
        for rfield in rfields:
            if rfield.joins:
                joined.setdefault(tuple(join.alias for join in rfield.joins), []).append(rfield)
            elif rfield.field is not None:
                name = rfield.field.name
                columns[rfield.colname].fill((record_id, records[record_id][name]) for record_id in ids if record_id in records)
        for group in joined.values():
            self._collect_joined(group, ids, columns)
        own_virtual = [rfield for rfield in rfields if rfield.virtual and not rfield.joins]
        if own_virtual:
            self._collect_virtual(own_virtual, ids, records, columns)
        return columns

    def _collect_joined(self, rfields: list[S3ResourceField], ids: list[Any], columns: dict[str, Column]) -> None:
        """Values of the fields of one joined table."""
        joined = rfields[0].path.table
        computed = [rfield for rfield in rfields if rfield.virtual]
        if computed:
            fields = [field for field in joined if field.type not in LARGE_TYPES]
        else:
            fields = list({rfield.field.name: rfield.field for rfield in rfields if rfield.field is not None}.values())
        left = Joins(rfields[0].joins).left()
        own_key, tname = self.table._id, joined._tablename
        for chunk in _chunks(ids):
            rows = current.db(own_key.belongs(chunk)).select(own_key, *fields, left=left, orderby=[own_key, joined._id], cacheable=True)
            for row in rows:
                record_id, values = row[own_key], row[tname]
                for rfield in rfields:
                    value = _compute(rfield, values) if rfield.field is None else values[rfield.field.name]
                    columns[rfield.colname].add(record_id, value)

    def _collect_virtual(
        self, rfields: list[S3ResourceField], ids: list[Any], records: dict[Any, Row], columns: dict[str, Column]
    ) -> None:
        """Values of computed fields, from rows that hold all that has been loaded."""
        others = [column for column in columns.values() if column.rfield.joins]
        for record_id in ids:
            if record_id not in records:
                continue
            row = Row(records[record_id])
            for column in others:
                tname = column.rfield.tname
                if tname not in row:
                    row[tname] = Row()
                row[tname][column.rfield.fname] = column.raw(record_id)
            for rfield in rfields:
                columns[rfield.colname].add(record_id, _compute(rfield, row))

    def _render(
        self, ids: list[Any], columns: dict[str, Column], represent: bool, show_links: bool, raw_data: bool
    ) -> list[Storage]:
        shown = [columns[rfield.colname] for rfield in self.rfields]
        rows: dict[Any, Storage] = {}
        renderers = {column.rfield.colname: column.renderer(ids, show_links) for column in shown} if represent else {}
        for record_id in ids:
            if represent:
                row = Storage({name: render(record_id) for name, render in renderers.items()})
            else:
                row = Storage({column.rfield.colname: column.value(record_id) for column in shown})
            if represent and raw_data:
                row["_row"] = Storage({column.rfield.colname: column.raw(record_id) for column in shown})
            rows[record_id] = row
        hook = self.resource.get_config("postprocess_select")
        if hook:
            hook(rows, rfields=self.rfields, represent=represent, as_rows=False)
        return list(rows.values())

    def _joined_rows(self) -> Rows:
        """Rows of the DAL, one for each combination of joined records."""
        ids = self._page_ids()
        fields = [self.table._id, *(rfield.field for rfield in self.columns if rfield.field is not None)]
        joins = self._filter_joins()
        for rfield in self.columns:
            joins.add(rfield.joins)
        left = [*joins.left(), *self.left]
        return current.db(self.table._id.belongs(ids)).select(
            *_unique_fields(fields), left=left or None, orderby=self.order.sql(is_grouped=False)
        )

    def _grouped(self, groupby: Any) -> Rows:
        """One row of the DAL for each combination of values of the fields to group by."""
        order = Order(self.resource, groupby, [join for column in self.columns for join in column.joins])
        fields = [term.expression for term in order.terms]
        joins = self._filter_joins()
        joins.add(order.joins)
        left = [*joins.left(), *self.left]
        return current.db(self.rfilter.get_query()).select(*fields, left=left or None, groupby=fields)


def _compute(rfield: S3ResourceField, row: Row) -> Any:
    """Value of a computed field for a row; None if a left join found no record."""
    if all(value is None for value in row.values() if not callable(value)):
        return None
    return rfield.method.f(row)


def _unique(rfields: Iterable[S3ResourceField]) -> list[S3ResourceField]:
    unique: dict[str, S3ResourceField] = {}
    for rfield in rfields:
        unique.setdefault(rfield.colname, rfield)
    return list(unique.values())


def _unique_fields(fields: Iterable[Field]) -> list[Field]:
    return list({str(field): field for field in fields}.values())


def _chunks(ids: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def json_default(value: Any) -> str:
    """Text for JSON of what JSON has no type for: dates as ISO 8601, UTC with "Z"."""
    if hasattr(value, "isoformat"):
        text = value.isoformat()
        return f"{text}Z" if hasattr(value, "hour") and hasattr(value, "year") and value.tzinfo is None else text
    return str(value)


def rows_to_json(rows: list[Storage]) -> str:
    """JSON list of the rows of a select."""
    return json.dumps(rows, default=json_default)
