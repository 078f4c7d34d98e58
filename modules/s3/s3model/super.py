"""Super-entities: one table of keys that the records of several instance tables share, such as persons and organisations.

Before: a record has been written (CRUD, import, ``S3Resource.insert``). Here: its super-records are brought in step.
After: ownership and the onaccept callbacks, which may rely on the super keys.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.html import TAG
from gluon.storage import Storage
from gluon.validators import IS_EMPTY_OR

from s3.s3error import S3DataError, S3ModelError
from s3.s3fields import DelegatedRepresent, S3Represent
from s3.s3utils import original_name
from s3.s3validators import IS_ONE_OF
from s3dal import Field, Row, Table

if TYPE_CHECKING:
    from s3.s3model.model import ModelStore

__all__ = ("SuperEntityMixin",)

# What every super-record holds about its instance, beside the fields that both tables share
LINK_FIELDS = ("instance_type", "deleted", "uuid")


class _TypeRepresent(S3Represent):
    """Label of an instance type; its name if it has none."""

    def _labels(self, values: list[Any], rows: Any, show_link: bool) -> dict[Any, Any]:
        return {**{value: value for value in values}, **super()._labels(values, rows, show_link)}


class SuperEntityMixin:
    """Part of S3Model."""

    store: ModelStore

    if TYPE_CHECKING:

        def table(self, tablename: str, default: Any = None, db_only: bool = False) -> Any: ...
        def table_or_none(self, tablename: str, wanted_by: str) -> Table | None: ...
        def is_provided(self, tablename: str) -> bool: ...
        def define_table(self, tablename: str, *fields: Any, watch: bool | None = None, **args: Any) -> Table: ...
        def get_config(self, tablename: Table | str, key: str, default: Any = None) -> Any: ...
        def onaccept(self, table: Table | str, record: Any, method: str = "create") -> None: ...
        def resource(self, tablename: str, *args: Any, **kwargs: Any) -> Any: ...

    def super_entity(self, tablename: str, key: str, types: Mapping[str, Any], *fields: Field, **args: Any) -> Table:
        """Define a table of super-records.

        Args:
            key: name of the primary key
            types: {name of instance table: label}
            fields: what the super-records share with their instances
        """
        return self.define_table(
            tablename,
            Field(key, "id", readable=False, writable=False),
            Field("deleted", "boolean", notnull=True, default=False, readable=False, writable=False),
            Field("instance_type", represent=_TypeRepresent(options=types), readable=False, writable=False),
            Field("uuid", length=128, readable=False, writable=False),
            *fields,
            **args,
        )

    def super_link(
        self,
        name: str | None,
        supertable: Table | str,
        label: Any = None,
        comment: Any = None,
        represent: Any = None,
        orderby: Any = None,
        sort: bool = True,
        filterby: str | None = None,
        filter_opts: Iterable[Any] | None = None,
        not_filterby: str | None = None,
        not_filter_opts: Iterable[Any] | None = None,
        instance_types: Iterable[str] | None = None,
        realms: Iterable[int] | None = None,
        updateable: bool = False,
        groupby: str | None = None,
        script: Any = None,
        widget: Any = None,
        empty: bool = True,
        default: Any = None,
        ondelete: str = "CASCADE",
        readable: bool = False,
        writable: bool = False,
    ) -> Field:
        """Make the foreign key of a super-entity for an instance table, or for a table that refers to any instance.

        Args:
            name: of the field, must be that of the super key; None takes it from there
            represent: default is what the model of the super-entity provides as <supertable>_represent
            empty: whether the value may be missing
            filterby, ..., groupby: which records may be chosen, see IS_ONE_OF
            script: element that is rendered after the comment

        Returns:
            the field; a plain integer field if the supertable is not available

        Raises:
            S3ModelError: the name is not that of the super key
        """
        tablename = original_name(supertable)
        if not self.is_provided(tablename):
            return Field(_require_name(name, supertable), "integer", ondelete=ondelete, readable=False, writable=False)
        key = self._key_of_link(name, tablename)
        if script:
            comment = TAG[""](comment, script) if comment else script
        represent = represent or DelegatedRepresent(f"{tablename}_represent", lookup=tablename)
        requires = IS_ONE_OF(
            current.db,
            f"{tablename}.{key}",
            represent,
            filterby=filterby,
            filter_opts=filter_opts,
            not_filterby=not_filterby,
            not_filter_opts=not_filter_opts,
            instance_types=instance_types,
            realms=realms,
            updateable=updateable,
            groupby=groupby,
            orderby=orderby,
            sort=sort,
        )
        return Field(
            key,
            f"reference {tablename}",
            default=default,
            ondelete=ondelete,
            requires=IS_EMPTY_OR(requires) if empty else requires,
            label=label,
            comment=comment,
            represent=represent,
            widget=widget,
            readable=readable,
            writable=writable,
        )

    def _key_of_link(self, name: str | None, tablename: str) -> str:
        """Name of the field that refers to a super-entity.

        The set-up, which defines everything, holds declarations against the super-entity; later requests believe them,
        because each table that is defined without need costs them half a millisecond.
        """
        if name and not current.db._migrate_enabled and tablename not in current.db.tables:
            return name
        key: str = self.table(tablename, db_only=True)._id.name
        if name and name != key:
            raise S3ModelError(f"super_link: the key of {tablename} is {key!r}, not {name!r}", table=tablename, key=name)
        return key

    def super_key(self, supertable: Table | str, default: str | None = None) -> str | None:
        """Name of the primary key of a super-entity; the default if it is not available."""
        table = supertable if isinstance(supertable, Table) else self.table(supertable, db_only=True)
        return default if table is None else table._id.name

    def get_super_keys(self, table: Table | str) -> list[str]:
        """Names of the super keys that the table holds."""
        instance = table if isinstance(table, Table) else self.table(table, db_only=True)
        if instance is None:
            return []
        keys = [supertable._id.name for supertable in self._supertables(instance)]
        return [key for key in keys if key in instance.fields]

    def insert_with_super(self, table: Table, **values: Any) -> Storage:
        """Insert a record of an instance table with its super-records, in two statements where insert and update_super need four.

        Only for records whose super-records cannot exist yet. Permissions, ownership and callbacks of the record are the caller's.

        Returns:
            the id of the record and its super keys
        """
        supertables = [supertable for supertable in self._supertables(table) if supertable._id.name in table.fields]
        # the defaults as well, because both records must hold the same
        needed = [field for field in self._needed_fields(table, supertables) if field is not table._id]
        instance = Storage({field.name: values.get(field.name, _default(field)) for field in needed})
        keys = {supertable._id.name: self._write_super(supertable, table, instance) for supertable in supertables}
        record_id = table.insert(**{**values, **instance, **keys})
        return Storage({table._id.name: int(record_id), **keys})

    def update_super(self, table: Table, record: Any) -> bool:
        """Bring the super-records of a record in step with it; create those that are missing.

        Whoever inserts or updates a record of an instance table calls this right after it, in the same transaction.
        Does not count as a change of the record: neither ``modified_on`` nor the change log knows of it.

        Args:
            record: anything that holds the id of the record; the super keys are added to it

        Returns:
            False if there is nothing to do: no super-entities, or no such record
        """
        supertables = self._supertables(table)
        record_id = record.get(table._id.name) if supertables else None
        if not record_id:
            return False
        needed = self._needed_fields(table, supertables)
        instance = current.db(table._id == record_id).select(*needed, limitby=(0, 1)).first()
        if instance is None:
            return False
        keys: dict[str, int] = {}
        for supertable in supertables:
            key = supertable._id.name
            if key in table.fields:
                keys[key] = self._write_super(supertable, table, instance)
        changed = {key: value for key, value in keys.items() if instance[key] != value}
        if changed:
            # naive: the DAL hooks of the change log must not take this for an update
            current.db(table._id == record_id).update_naive(**changed, **_unchanged_stamps(table, changed))
        record.update(keys)
        return True

    def delete_super(self, table: Table, record: Any) -> bool:
        """Delete the super-records of a record that is about to be deleted, with everything that refers to them.

        Args:
            record: holds the id; its super keys are set to None

        Returns:
            False if a super-record could not be deleted, its key is then restored; the caller must roll back

        Raises:
            S3DataError: the record has no id
        """
        supertables = self._supertables(table)
        if not supertables:
            return True
        record_id = record.get(table._id.name)
        if not record_id:
            raise S3DataError(f"{original_name(table)}: cannot delete the super-records of a record without id")
        keys = [supertable._id.name for supertable in supertables if supertable._id.name in table.fields]
        stored = current.db(table._id == record_id).select(table._id, *[table[key] for key in keys], limitby=(0, 1)).first()
        return all(self._delete_one_super(supertable, table, stored, record) for supertable in supertables)

    def get_instance(self, supertable: Table | str, superid: Any) -> tuple[str, str, int] | tuple[None, None, None]:
        """Find the record that a super-record stands for.

        Returns:
            (prefix, name, record id), or three times None
        """
        db = current.db
        table = supertable if isinstance(supertable, Table) else self.table(supertable, db_only=True)
        if table is None:
            return None, None, None
        entity = db(table._id == superid).select(table.instance_type, table.uuid, limitby=(0, 1)).first()
        instance = self.table(entity.instance_type, db_only=True) if entity is not None and entity.instance_type else None
        if entity is None or instance is None:
            return None, None, None
        row = db(instance.uuid == entity.uuid).select(instance._id, limitby=(0, 1)).first()
        if row is None:
            return None, None, None
        prefix, name = entity.instance_type.split("_", 1)
        return prefix, name, row[instance._id.name]

    def _supertables(self, table: Table | str) -> list[Table]:
        """The super-entities that a table is an instance of, without those of modules that are not there.

        Raises:
            S3ModelError: a module has no such table
        """
        configured = self.get_config(table, "super_entity")
        if not configured:
            return []
        if not isinstance(configured, (list, tuple)):
            configured = (configured,)
        wanted_by = f"{original_name(table)}: super_entity"
        tables = (item if isinstance(item, Table) else self.table_or_none(item, wanted_by) for item in configured)
        return [item for item in tables if item is not None]

    def _write_super(self, supertable: Table, table: Table, instance: Row) -> int:
        """Update or insert one super-record, give its key."""
        key = supertable._id.name
        data = self._shared_values(supertable, table, instance)
        super_id = instance[key]
        if super_id and current.db(supertable._id == super_id).update(**data):
            method = "update"
        else:
            super_id = int(supertable.insert(**data))
            method = "create"
        self.onaccept(supertable, Storage(data, **{key: super_id}), method=method)
        return super_id

    def _needed_fields(self, table: Table, supertables: Iterable[Table]) -> list[Field]:
        """The id, the super keys and what is shared: the rest of a record, a long text above all, does not concern its super-records."""
        names = {table._id.name, "deleted", "uuid"}
        for supertable in supertables:
            names.add(supertable._id.name)
            names.update(self._shared_fields(supertable, table).values())
        return [field for field in table if field.name in names]

    def _shared_fields(self, supertable: Table, table: Table) -> dict[str, str]:
        """{field of the super-entity: field of the instance table that it is taken from}"""
        mapping: dict[str, str] | None = self.get_config(table, f"{original_name(supertable)}_fields")
        if mapping is None:
            private = self.get_config(supertable, "no_shared_fields") or ()
            mapping = {name: name for name in supertable.fields if name != supertable._id.name and name not in private}
        return {name: own for name, own in mapping.items() if own in table.fields and name not in LINK_FIELDS}

    def _shared_values(self, supertable: Table, table: Table, instance: Row) -> dict[str, Any]:
        data = {name: instance[own] for name, own in self._shared_fields(supertable, table).items()}
        data["instance_type"] = original_name(table)
        data["deleted"] = bool(instance.deleted) if "deleted" in table.fields else False
        if "uuid" in table.fields:
            data["uuid"] = instance.uuid
        return data

    def _delete_one_super(self, supertable: Table, table: Table, stored: Row | None, record: Any) -> bool:
        key = supertable._id.name
        value = stored[key] if stored is not None and key in table.fields else None
        if not value:
            return True
        record_id = record.get(table._id.name)
        self._set_super_key(table, record_id, key, None)
        record[key] = None
        if self.resource(original_name(supertable), id=value).delete(cascade=True, log_errors=True):
            return True
        self._set_super_key(table, record_id, key, value)
        record[key] = value
        return False

    @staticmethod
    def _set_super_key(table: Table, record_id: int, key: str, value: int | None) -> None:
        changed = {key: value}
        current.db(table._id == record_id).update_naive(**changed, **_unchanged_stamps(table, changed))


def _default(field: Field) -> Any:
    return field.default() if callable(field.default) else field.default


def _require_name(name: str | None, supertable: Table | str) -> str:
    if not name:
        raise S3ModelError(f"super_link to {supertable}, which is not available, needs the name of the field", table=supertable)
    return name


def _unchanged_stamps(table: Table, changed: Mapping[str, Any]) -> dict[str, Field]:
    """Every field that the DAL would stamp on update, assigned to itself."""
    return {field.name: field for field in table if field.update is not None and field.name not in changed}
