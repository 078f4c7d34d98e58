"""The select of a resource: finds the records of a page, collects their values column by column, represents them in bulk.

The number of queries depends on the number of tables involved, not on the number of records.
"""
from __future__ import annotations

import json
import operator
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3query import Join, Joins, S3ResourceField
from s3.s3resource.deciding import accepted_ids
from s3.s3resource.gathering import Gathering
from s3.s3resource.order import Order
from s3.s3resource.reading import chunks, read_columns, virtual_fields
from s3.s3resource.rendering import represent_column
from s3.s3utils import among
from s3dal import Expression, Field, Rows

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("S3ResourceData", "limitby")

NO_LIMIT = 2**40


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
        self.left = [_restricted(join) for join in (left if isinstance(left, (list, tuple)) else [left]) if join is not None]
        self.page = limitby(start, limit)
        self.is_counted = count or getids
        self.numrows = 0
        self.ids: list[Any] | None = None
        joins = [*self.rfilter.joins, *(join for column in self.columns for join in column.joins)]
        self.order = Order(resource, orderby, joins, tables=[item.first._tablename for item in self.left])
        if groupby:
            self.rows: Any = self._grouped(groupby)
        elif as_rows:
            self.rows = self._joined_rows(virtual)
        else:
            self.rows = self._extract(represent, show_links, raw_data)

    def __getitem__(self, key: str) -> Any:
        if key not in ("rfields", "rows", "numrows", "ids"):
            raise AttributeError(key)
        return getattr(self, key)

    def _extract(self, represent: bool, show_links: bool, raw_data: bool) -> list[Storage]:
        gathering = Gathering(self.resource, self.columns)
        if self._is_simple():
            gathering.read(self.rfilter.get_query(), self.order.sql(is_grouped=False), self.page)
            if self.page is None:
                self.ids, self.numrows = gathering.ids, len(gathering.ids)
        else:
            gathering.read_ids(self._page_ids())
        rows = self._rows(gathering, represent, show_links, raw_data)
        hook = self.resource.get_config("postprocess_select")
        if not hook:
            return rows
        by_id = dict(zip(gathering.ids, rows, strict=True))
        hook(by_id, rfields=self.rfields, represent=represent, as_rows=False)
        return list(by_id.values())

    def _rows(self, gathering: Gathering, represent: bool, show_links: bool, raw_data: bool) -> list[Storage]:
        ids = gathering.ids
        names = [rfield.colname for rfield in self.rfields]
        shown = [gathering.columns[name] for name in names]
        if represent:
            values = [represent_column(column, ids, show_links) for column in shown]
        else:
            values = [column.values(ids) for column in shown]
        rows = _storages(names, values, len(ids))
        if represent and raw_data:
            raw_rows = _storages(names, [column.raw_values(ids) for column in shown], len(ids))
            for row, raw_row in zip(rows, raw_rows, strict=True):
                row["_row"] = raw_row
        return rows

    def _is_simple(self) -> bool:
        """Whether one query on the master table alone finds the page."""
        is_plain = not (self.rfilter.joins or self.left or self.order.is_joined or self._is_filtered_in_python())
        return is_plain and (self.page is None or not self.is_counted)

    def _is_filtered_in_python(self) -> bool:
        return self.rfilter.virtual is not None or bool(self.rfilter.extra_filters)

    def _page_ids(self) -> list[Any]:
        ids = self._find_ids()
        if self.rfilter.virtual is not None:
            accepted = accepted_ids(self.resource, ids, self.left)
            ids = [record_id for record_id in ids if record_id in accepted]
        ids = self.rfilter.apply_extra(ids)
        self.ids, self.numrows = ids, len(ids)
        return ids if self.page is None else ids[self.page[0] : self.page[1]]

    def _find_ids(self) -> list[Any]:
        """Ids of all records that match in SQL, in order."""
        left = self._left(self.order.joins)
        attributes: dict[str, Any] = {"orderby": self.order.sql(is_grouped=bool(left))}
        if left:
            attributes.update(left=left, groupby=self.table._id)
        return list(read_columns(self.rfilter.get_query(), [self.table._id], **attributes)[str(self.table._id)])

    def _left(self, *needed: Iterable[Join]) -> list[Expression]:
        """Joins of the filter, these, and those of the caller."""
        joins = Joins(self.rfilter.joins)
        for others in needed:
            joins.add(others)
        return [*joins.left(), *self.left]

    def _joined_rows(self, virtual: bool) -> Rows:
        """Rows of the DAL, one for each combination of joined records."""
        fields = [self.table._id, *(rfield.field for rfield in self.columns if rfield.field is not None)]
        left = self._left(self.order.joins, *(rfield.joins for rfield in self.columns))
        attributes = {"left": left or None, "orderby": self.order.sql(is_grouped=False)}
        with virtual_fields(self.table, virtual):
            # an empty page gives Rows, too
            parts = [
                current.db(among(self.table._id, chunk)).select(*_unique_fields(fields), **attributes)
                for chunk in list(chunks(self._page_ids())) or [()]
            ]
        return reduce(operator.add, parts)

    def _grouped(self, groupby: Any) -> Rows:
        """One row of the DAL for each combination of values of the fields to group by."""
        order = Order(self.resource, groupby, [join for column in self.columns for join in column.joins])
        fields = [term.expression for term in order.terms]
        query = self.rfilter.get_query()
        if self._is_filtered_in_python():
            query &= among(self.table._id, self._page_ids())
        return current.db(query).select(*fields, left=self._left(order.joins) or None, groupby=fields)


def _restricted(join: Expression) -> Expression:
    """The join of a caller, of the records that the user may read."""
    accessible: Any = current.auth.s3_accessible_query("read", join.first)
    return join.first.on(join.second & accessible)


def _storages(names: list[str], columns: list[list[Any]], length: int) -> list[Storage]:
    if not names:
        return [Storage() for _ in range(length)]
    return [Storage(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _unique(rfields: Iterable[S3ResourceField]) -> list[S3ResourceField]:
    unique: dict[str, S3ResourceField] = {}
    for rfield in rfields:
        unique.setdefault(rfield.colname, rfield)
    return list(unique.values())


def _unique_fields(fields: Iterable[Field]) -> list[Field]:
    return list({str(field): field for field in fields}.values())


def json_default(value: Any) -> str:
    """Text for JSON of what JSON has no type for: dates as ISO 8601, UTC with "Z"."""
    if hasattr(value, "isoformat"):
        text = value.isoformat()
        return f"{text}Z" if hasattr(value, "hour") and hasattr(value, "year") and value.tzinfo is None else text
    return str(value)


def rows_to_json(rows: list[Storage]) -> str:
    """JSON list of the rows of a select."""
    return json.dumps(rows, default=json_default)
