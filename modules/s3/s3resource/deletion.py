"""Deletion of records: archived rather than removed, with what belongs to them, all or nothing."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3error import S3DataError, S3Error, S3PermissionError
from s3.s3utils import original_name, s3_has_foreign_key
from s3dal import Field, Query, Row, Table

__all__ = ("Deletion", "alive")

# The database would refuse to remove a record that these refer to; we refuse before anything is written
RESTRICTING = ("RESTRICT", "NO ACTION")
# An archived record is still there: NO ACTION references keep pointing to it, and its ondelete says what that means
RESTRICTING_ARCHIVE = ("RESTRICT",)


class Deletion:
    """Deletes records and follows the references to them. The caller undoes it if it raises."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, Any]] = set()

    def delete(self, table: Table, query: Query) -> int:
        """Delete the records of a table.

        Returns:
            number of records of this table that were deleted

        Raises:
            S3PermissionError: one of them, or of those that belong to them, may not be deleted
            S3DataError: a record that must stay refers to one of them, or a callback refuses
        """
        rows = [row for row in self._load(table, query) if (original_name(table), row[table._id.name]) not in self._seen]
        self._seen.update((original_name(table), row[table._id.name]) for row in rows)
        for row in rows:
            self._require_permission(table, row)
            self._ask_callback(table, row)
        self._refuse_restricted(table, rows)
        for row in rows:
            self._delete_one(table, row)
        return len(rows)

    @staticmethod
    def _load(table: Table, query: Query) -> Iterable[Row]:
        fields = [field for field in table if field.type not in ("text", "blob")]
        return current.db(query).select(*fields)

    @staticmethod
    def _require_permission(table: Table, row: Row) -> None:
        record_id = row[table._id.name]
        if not current.auth.s3_has_permission("delete", table, record_id=record_id):
            raise S3PermissionError(f"{original_name(table)} {record_id} may not be deleted", table=original_name(table))

    @staticmethod
    def _ask_callback(table: Table, row: Row) -> None:
        callback = current.s3db.get_config(original_name(table), "ondelete_cascade")
        if not callback:
            return
        try:
            callback(row)
        except (S3Error, RuntimeError, ValueError) as error:
            raise S3DataError(f"{original_name(table)} {row[table._id.name]} may not be deleted: {error}") from error

    def _refuse_restricted(self, table: Table, rows: list[Row]) -> None:
        own = original_name(table)
        restricting = RESTRICTING_ARCHIVE if _archives(table) else RESTRICTING
        for field in _references(table):
            if field.ondelete not in restricting:
                continue
            for row in self._referring(field, [row[table._id.name] for row in rows]):
                referring = (original_name(field.table), row[field.table._id.name])
                if referring not in self._seen:
                    raise S3DataError(f"{own} is still referred to by {referring[0]} {referring[1]} ({field.name})", table=own)

    @staticmethod
    def _referring(field: Field, ids: list[Any]) -> Iterable[Row]:
        table = field.table
        query = alive(table, field.belongs(ids))
        return current.db(query).select(table._id)

    def _delete_one(self, table: Table, row: Row) -> None:
        record_id = row[table._id.name]
        before = Row(row)
        for field in _references(table):
            self._cascade(field, record_id)
        if not current.s3db.delete_super(table, row):
            raise S3DataError(f"A super-record of {original_name(table)} {record_id} cannot be deleted", table=original_name(table))
        if _archives(table):
            self._archive(table, before)
        else:
            current.db(table._id == record_id).delete()
        ondelete = current.s3db.get_config(original_name(table), "ondelete")
        for callback in ondelete if isinstance(ondelete, (list, tuple)) else (ondelete,):
            if callback:
                callback(before)

    def _cascade(self, field: Field, record_id: Any) -> None:
        table = field.table
        query = alive(table, field == record_id)
        if field.ondelete == "CASCADE":
            self.delete(table, query)
        elif field.ondelete in ("SET NULL", "SET DEFAULT"):
            value = field.default if field.ondelete == "SET DEFAULT" else None
            current.db(query).update(**{field.name: value() if callable(value) else value})

    @staticmethod
    def _archive(table: Table, row: Row) -> None:
        keys = [field for field in table if field.type != "id" and s3_has_foreign_key(field)]
        data: dict[str, Any] = {field.name: None for field in keys if not field.notnull}
        data["deleted"] = True
        if "deleted_fk" in table.fields:
            data["deleted_fk"] = json.dumps({field.name: row[field.name] for field in keys if row[field.name] is not None})
        current.db(table._id == row[table._id.name]).update(**data)


def _archives(table: Table) -> bool:
    return "deleted" in table.fields and bool(current.deployment_settings.get_security_archive_not_delete())


def _references(table: Table) -> list[Field]:
    """All fields that refer to the table, of the tables that are defined."""
    original = current.db[original_name(table)]
    return list(original._referenced_by)


def alive(table: Table, query: Query) -> Query:
    """The query without archived records."""
    return query & (table.deleted == False) if "deleted" in table.fields else query
