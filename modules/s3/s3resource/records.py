"""Loaded records of a resource, as rows of the DAL."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3fields import s3_all_meta_field_names
from s3.s3resource.data import limitby
from s3.s3resource.order import Order
from s3.s3resource.reading import chunks, virtual_fields
from s3.s3utils import among
from s3dal import Field, Row, Rows

if TYPE_CHECKING:
    from s3.s3resource.components import S3Components
    from s3.s3resource.data import S3ResourceData
    from s3.s3resource.filter import S3ResourceFilter
    from s3dal import Table

__all__ = ("RecordsMixin",)


class RecordsMixin:
    """Part of S3Resource.

    ``len(resource)`` is the number of loaded records, ``resource[id]`` one of them; iterating loads all if none are.
    """

    table: Table
    _id: Field
    parent: Any
    pkey: str | None
    fkey: str | None
    components: S3Components
    rfilter: S3ResourceFilter
    _rows: list[Row] | None
    _by_id: dict[str, Row] | None
    _length: int | None

    if TYPE_CHECKING:

        def select(self, *args: Any, **attr: Any) -> S3ResourceData: ...

    def load(
        self,
        fields: Iterable[str] | None = None,
        skip: Iterable[str] | None = None,
        start: int | None = None,
        limit: int | None = None,
        orderby: Any = None,
        virtual: bool = True,
        cacheable: bool = False,
    ) -> list[Row]:
        """Load the records into this resource.

        Args:
            fields: names of the fields to load, beside id, uuid, meta fields and keys; None for all
            skip: names of fields not to load
            start, limit: page; None for all records
            virtual: with what the table's ``virtualfields`` add to each row
            cacheable: load rows without functions, which can be cached

        Returns:
            the records, in order
        """
        self._by_id = None
        if self._is_plain():
            order = Order(self, orderby)  # type: ignore[arg-type]
            query, page = self.rfilter.get_query(), limitby(start, limit)
            # ordering by a joined table needs the joins, and then a record may come more than once
            if not order.joins:
                rows = self._load_rows(query, fields, skip, virtual, cacheable, orderby=order.sql(is_grouped=False), limitby=page)
                self._rows = list(rows)
                return self._rows
        key = self._id.name
        data = self.select([key], start=start, limit=limit, orderby=orderby)
        ids = [row[f"{self.table._tablename}.{key}"] for row in data.rows]
        queries = [among(self._id, chunk) for chunk in chunks(ids)]
        found = {row[key]: row for query in queries for row in self._load_rows(query, fields, skip, virtual, cacheable)}
        self._rows = [found[record_id] for record_id in ids if record_id in found]
        return self._rows

    def _is_plain(self) -> bool:
        rfilter = self.rfilter
        return not (rfilter.joins or rfilter.virtual is not None or rfilter.extra_filters)

    def _load_rows(
        self, query: Any, fields: Iterable[str] | None, skip: Iterable[str] | None, virtual: bool, cacheable: bool, **attr: Any
    ) -> Rows:
        selected = self._fields_to_load(fields, skip)
        with virtual_fields(self.table, virtual):
            return current.db(query).select(*selected, cacheable=cacheable, **attr)

    def _fields_to_load(self, fields: Iterable[str] | None, skip: Iterable[str] | None) -> list[Field]:
        if fields is None and skip is None:
            return list(self.table)
        always = {self._id.name, "uuid", self.fkey, *s3_all_meta_field_names(), *current.s3db.get_super_keys(self.table)}
        wanted = set(self.table.fields if fields is None else fields) - set(skip or ())
        return [field for field in self.table if field.name in wanted or field.name in always]

    def records(self) -> Rows:
        """The loaded records; loads them if they are not yet."""
        return Rows(current.db, list(self), list(map(str, self._fields_to_load(None, None))), compact=False)

    def clear(self) -> None:
        """Forget the loaded records and the count."""
        self._rows = None
        self._by_id = None
        self._length = None

    def __len__(self) -> int:
        return len(self._rows) if self._rows is not None else 0

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Row]:
        return iter(self.load() if self._rows is None else self._rows)

    def __getitem__(self, key: Any) -> Row:
        if self._by_id is None:
            self._by_id = {str(row[self._id.name]): row for row in self}
        try:
            return self._by_id[str(key)]
        except KeyError:
            raise IndexError(key) from None

    def get(self, key: Any, component: str | None = None, link: str | None = None) -> Any:
        """A loaded record, or the records of a component or link table that belong to it.

        Raises:
            KeyError: there is no such record
            AttributeError: there is no such component
        """
        try:
            row = self[key]
        except IndexError:
            raise KeyError(f"Record not found: {key}") from None
        if component is None and link is None:
            return row
        part = self.components.get(f"{component or link}__link" if link else component or "")
        if part is None:
            raise AttributeError(f"Undefined component: {component or link}")
        belonging = part.belonging_ids(row[self._id.name])
        return [item for item in part if item[part._id.name] in belonging]

    def get_id(self) -> Any:
        """Id of the only record, a list of several, None for none."""
        return self._values_of(self._id.name)

    def get_uid(self) -> Any:
        """UUID of the only record, a list of several, None for none."""
        return self._values_of("uuid") if "uuid" in self.table.fields else None

    def _values_of(self, name: str) -> Any:
        if self._rows is not None:
            values = [row[name] for row in self._rows]
        else:
            colname = f"{self.table._tablename}.{name}"
            values = [row[colname] for row in self.select([name]).rows]
        return values[0] if len(values) == 1 else values or None
