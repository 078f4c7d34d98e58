"""Detection of records that are there already under another identifier: configuration key ``deduplicate``."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3error import S3ModelError
from s3dal import Field, Query

if TYPE_CHECKING:
    from s3.s3resource.exchange.item import ImportItem

__all__ = ("S3Duplicate",)


class S3Duplicate:
    """Matches a record that is imported with the stored one that has the same values in certain fields.

    ``s3db.configure("cms_series", deduplicate=S3Duplicate())``. Records with the same UUID need no such rule.
    """

    def __init__(
        self,
        primary: Iterable[str] = ("name",),
        secondary: Iterable[str] = (),
        ignore_case: bool = True,
        ignore_deleted: bool = True,
    ) -> None:
        """
        Args:
            primary: names of the fields that must agree; a record that lacks one of them matches nothing
            secondary: names of fields that must agree if the record that is imported has them
            ignore_case: compare text without regard to case
            ignore_deleted: False also matches, and then restores, a deleted record
        """
        self.primary = tuple(primary)
        self.secondary = tuple(secondary)
        self.ignore_case = ignore_case
        self.ignore_deleted = ignore_deleted

    def __call__(self, item: ImportItem) -> None:
        """Set the id and the method of the item if there is such a record."""
        query = self._query(item)
        if query is None:
            return
        table = item.table
        row = current.db(query).select(table._id, limitby=(0, 1), orderby=table._id).first()
        if row is not None:
            item.id = row[table._id.name]
            item.method = item.METHOD.UPDATE

    def _query(self, item: ImportItem) -> Query | None:
        conditions = []
        for name in self.primary:
            value = item.data.get(name)
            if value in (None, ""):
                return None
            conditions.append(self._equals(item, name, value))
        for name in self.secondary:
            value = item.data.get(name)
            if value not in (None, ""):
                conditions.append(self._equals(item, name, value))
        if self.ignore_deleted and "deleted" in item.table.fields:
            conditions.append(item.table.deleted == False)
        query = conditions[0] if conditions else None
        for condition in conditions[1:]:
            query &= condition
        return query

    def _equals(self, item: ImportItem, name: str, value: Any) -> Query:
        if name not in item.table.fields:
            message = f"{item.tablename}: deduplicate compares {name!r}, which the table does not have"
            raise S3ModelError(message, table=item.tablename, key=name)
        field: Field = item.table[name]
        if self.ignore_case and isinstance(value, str) and field.type in ("string", "text"):
            return field.lower() == value.lower()
        return field == value
