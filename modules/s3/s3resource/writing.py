"""Writing through a resource: create, update, approve and delete, with everything that belongs to a write.

The order is always: permission, the record, its super-records, its owner, the callbacks; in the caller's transaction.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3DataError, S3PermissionError
from s3.s3resource.deletion import Deletion, alive
from s3.s3utils import original_name
from s3dal import Row, Table, savepoint

if TYPE_CHECKING:
    from s3.s3resource.components import S3Components
    from s3.s3resource.data import S3ResourceData
    from s3.s3resource.resource import S3Resource

__all__ = ("WritingMixin", "create_record", "update_record")


def create_record(table: Table, data: dict[str, Any]) -> int:
    """Insert a record with its super-records and owner, and run the callbacks. Checks no permission.

    Returns:
        the record id
    """
    record_id = int(table.insert(**data))
    record = Storage(data, **{table._id.name: record_id})
    current.s3db.update_super(table, record)
    current.auth.s3_set_record_owner(table, record_id)
    current.s3db.onaccept(table, record, method="create")
    return record_id


def update_record(table: Table, record_id: int, data: dict[str, Any]) -> bool:
    """Update a record with its super-records, and run the callbacks. Checks no permission.

    Returns:
        False if there is no such record, or it is deleted; with ``deleted=False`` it is restored
    """
    query = table._id == record_id
    old = current.db(query).select(*table, limitby=(0, 1)).first()
    if old is None:
        return False
    if "deleted" in table.fields and old.deleted:
        return data.get("deleted") is False and _restore_record(table, record_id, data)
    current.db(query).update(**data)
    record = Storage(data, **{table._id.name: record_id})
    current.s3db.update_super(table, record)
    if current.s3db.get_config(original_name(table), "update_realm"):
        current.auth.set_realm_entity(table, record_id, force_update=True)
    form = Storage(vars=record, record=old, errors=Storage())
    current.s3db.onaccept(table, form, method="update")
    return True


def _restore_record(table: Table, record_id: int, data: dict[str, Any]) -> bool:
    """Bring a record back from the archive, as one that is created now."""
    authorship = {name: table[name].default for name in ("created_on", "created_by") if name in table.fields}
    data = {**{name: value() if callable(value) else value for name, value in authorship.items()}, **data}
    current.db(table._id == record_id).update(**data)
    record = Storage(data, **{table._id.name: record_id})
    current.s3db.update_super(table, record)
    current.auth.s3_set_record_owner(table, record_id)
    current.s3db.onaccept(table, record, method="create")
    return True


class WritingMixin:
    """Part of S3Resource."""

    table: Table
    _table: Table
    tablename: str
    components: S3Components
    linked: S3Resource | None
    autodelete: bool
    error: Any
    lastid: Any

    if TYPE_CHECKING:

        def select(self, *args: Any, **attr: Any) -> S3ResourceData: ...
        def get_config(self, key: str, default: Any = None) -> Any: ...
        def clear(self) -> None: ...

    def insert(self, **fields: Any) -> int:
        """Create a record. Validates nothing.

        Raises:
            S3PermissionError: the user may not create records of this table
        """
        if not current.auth.s3_has_permission("create", self._table):
            raise S3PermissionError(f"Operation not permitted: create {self.tablename}", table=self.tablename)
        auth = current.auth
        self.lastid = create_record(self._table, fields)
        if not (auth.user or auth.override):
            # a visitor goes on with what he has entered, as long as his session lasts
            auth.s3_make_session_owner(self._table, self.lastid)
        self.clear()
        return self.lastid

    def update(self, **fields: Any) -> int:
        """Update all records of this resource. Validates nothing.

        Returns:
            number of updated records

        Raises:
            S3PermissionError: the user may not update one of them; none is updated
        """
        ids = self._all_ids()
        for record_id in ids:
            if not current.auth.s3_has_permission("update", self._table, record_id=record_id):
                raise S3PermissionError(f"Operation not permitted: update {self.tablename} {record_id}", table=self.tablename)
        updated = sum(update_record(self._table, record_id, fields) for record_id in ids)
        self.clear()
        return updated

    def delete(
        self, format: str | None = None, cascade: bool = False, replaced_by: dict[Any, Any] | None = None, log_errors: bool = False
    ) -> int:
        """Delete all records of this resource, with the records that belong to them.

        Records of tables that have the field ``deleted`` are archived: their keys are kept in ``deleted_fk``.

        Args:
            cascade: part of another deletion, which undoes it if it fails
            replaced_by: {id of a record: id of the record that replaces it}
            log_errors: log why nothing could be deleted

        Returns:
            number of deleted records; 0 if one of them could not be deleted, the reason is in ``self.error`` then
        """
        if not cascade:
            # a table that is not defined would keep its references to what is gone
            current.s3db.load_all_models()
        self.error = None
        ids = self._all_ids()
        try:
            with savepoint(current.db, "s3_delete"):
                deleted = self._delete_records(ids) if ids else 0
                self._note_replacements(replaced_by)
        except S3PermissionError as error:
            return self._failed(current.ERROR.NOT_PERMITTED, error, log_errors)
        except S3DataError as error:
            return self._failed(current.ERROR.INTEGRITY_ERROR, error, log_errors)
        self.clear()
        return deleted

    def _delete_records(self, ids: list[Any]) -> int:
        deletion, query = Deletion(), self._table._id.belongs(ids)
        if self.linked is None or not (self.autodelete and self.linked.autodelete):
            return deletion.delete(self._table, query)
        key, linked = self._table[self.linked.rkey], self.linked._table
        keys = {row[key] for row in current.db(query).select(key)}
        deleted = deletion.delete(self._table, query)
        remaining = {row[key] for row in current.db(alive(self._table, key.belongs(keys))).select(key)}
        deletion.delete(linked, alive(linked, linked[self.linked.fkey].belongs(keys - remaining)))
        return deleted

    def _failed(self, message: Any, reason: Exception, log_errors: bool) -> int:
        self.error = message
        if log_errors:
            current.log.error(f"{self.tablename} not deleted: {reason}")
        return 0

    def _note_replacements(self, replaced_by: dict[Any, Any] | None) -> None:
        table = self._table
        for record_id, replacement in (replaced_by or {}).items() if "deleted_rb" in table.fields else ():
            current.db((table._id == record_id) & (table.deleted == True)).update(deleted_rb=replacement)

    def approve(self, components: Iterable[str] | None = (), approve: bool = True, approved_by: int | None = None) -> bool:
        """Approve all records of this resource.

        Args:
            components: aliases of components to approve as well; () for all exposed ones, None for none
            approve: False withdraws the approval
            approved_by: id of the user who approves, 0 for the system; default is the current user

        Returns:
            False if nobody is logged in
        """
        auth = current.auth
        if approve and approved_by is None:
            if not auth.user:
                return False
            approved_by = auth.user.id
        if "approved_by" in self.table.fields:
            self._set_approver(approved_by if approve else None)
        if components is None:
            return True
        parts = [self.components[alias] for alias in components] if components else list(self.components.values())
        return all([part.approve(components=None, approve=approve, approved_by=approved_by) for part in parts])

    def _set_approver(self, approved_by: int | None) -> None:
        table = self._table
        onapprove = self.get_config("onapprove")
        ids = self._all_ids()
        for row in current.db(table._id.belongs(ids)).select(*table):
            self._approve_row(table, row, approved_by)
            if onapprove and approved_by is not None:
                onapprove(row)

    @staticmethod
    def _approve_row(table: Table, row: Row, approved_by: int | None) -> None:
        current.db(table._id == row[table._id.name]).update(approved_by=approved_by)
        row["approved_by"] = approved_by

    def _all_ids(self) -> list[Any]:
        return self.select([self.table._id.name], getids=True).ids or []
