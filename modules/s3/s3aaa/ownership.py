"""Ownership: who owns a record, and the entity (realm) it belongs to."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3aaa.person import AuthPerson
from s3.s3query import component_query
from s3.s3utils import original_name
from s3dal import Query, Row, Table

__all__ = ("AuthOwnership",)

# Records about a person belong to that person, whoever enters them
_PERSONAL = frozenset((
    "hrm_training",
    "pr_address",
    "pr_contact",
    "pr_contact_emergency",
    "pr_education",
    "pr_group_membership",
    "pr_identity",
    "pr_image",
    "pr_person",
    "pr_person_availability",
    "pr_person_details",
    "pr_physical_description",
))
# Their pe_id is their own identity, not the entity they belong to
_OWN_IDENTITY = ("pr_person", "dvi_body")
_REALM_LINKS = (("organisation_id", "org_organisation"), ("site_id", "org_site"), ("group_id", "pr_group"))


class AuthOwnership(AuthPerson):
    """Sets owners and realms of records."""

    def s3_set_record_owner(self, table: Table, record: Any, force_update: bool = False, **fields: Any) -> None:
        """Set the owner fields of a record after it was created. Does not change modified_on.

        Args:
            record: id or Row
            force_update: replace a realm entity that is set already, also in the components that share it
            fields: explicit owned_by_user, owned_by_group, realm_entity
        """
        row = self._load(table, record)
        if row is None:
            return
        data: dict[str, Any] = {}
        if "owned_by_user" in table.fields:
            self._decide_owner(table, row, fields, data)
        if "owned_by_group" in table.fields:
            self._decide_group(table, row, fields, data)
        if "realm_entity" in table.fields and (force_update or row.realm_entity is None):
            data["realm_entity"] = self.get_realm_entity(table, row, entity=fields.get("realm_entity") or 0)
        self._write(table, [row], data)
        if force_update and "realm_entity" in data:
            self._pass_on(table, [row], data["realm_entity"])

    def set_realm_entity(self, table: Table, records: Any, entity: Any = 0, force_update: bool = False) -> None:
        """Set the realm entity of one or several records. Does not change modified_on.

        Args:
            records: id, Row, a list or Rows of these, or a query
            entity: pe_id, (tablename, id), None for no realm, or 0 for the default of each record
            force_update: also where one is set already, and in the components that share it (``realm_components``)
        """
        if "realm_entity" not in table.fields:
            return
        rows = [row for row in self._load_all(table, records) if force_update or row.realm_entity is None]
        by_realm: dict[int | None, list[Row]] = {}
        explicit = None if entity == 0 else self._as_pe_id(entity)
        for row in rows:
            realm = self.get_realm_entity(table, row) if entity == 0 else explicit
            by_realm.setdefault(realm, []).append(row)
        for realm, members in by_realm.items():
            self._write(table, members, {"realm_entity": realm})
            if force_update:
                self._pass_on(table, members, realm)

    def get_realm_entity(self, table: Table, record: Any, entity: Any = 0) -> int | None:
        """The entity that a record belongs to: explicit, by the deployment's hook, by the table's, else by its references."""
        if entity != 0:
            return self._as_pe_id(entity)
        row = self._load(table, record)
        if row is None:
            return None
        hooks = (
            current.deployment_settings.get_auth_realm_entity(),
            current.s3db.get_config(table._tablename, "realm_entity"),
        )
        for hook in hooks:
            found = hook(table, row) if callable(hook) else 0
            if found != 0:
                return self._as_pe_id(found)
        return self._default_realm_entity(table, row)

    def _default_realm_entity(self, table: Table, row: Row) -> int | None:
        if "pe_id" in table.fields and table._tablename not in _OWN_IDENTITY:
            return row.pe_id
        for field, tablename in _REALM_LINKS:
            if field in table.fields:
                return self._as_pe_id((tablename, row[field]))
        return None

    def _decide_owner(self, table: Table, row: Row, fields: dict[str, Any], data: dict[str, Any]) -> None:
        if "owned_by_user" in fields:
            data["owned_by_user"] = fields["owned_by_user"]
        elif table._tablename in _PERSONAL:
            data["owned_by_user"] = self._user_of(table, row) or row.owned_by_user or self.user_id
        elif not row.owned_by_user:
            data["owned_by_user"] = self.user_id

    def _decide_group(self, table: Table, row: Row, fields: dict[str, Any], data: dict[str, Any]) -> None:
        owner_group = current.s3db.get_config(table._tablename, "owner_group")
        if owner_group is not None:
            data["owned_by_group"] = owner_group(table, row) if callable(owner_group) else owner_group
        elif "owned_by_group" in fields:
            data["owned_by_group"] = fields["owned_by_group"]

    def _user_of(self, table: Table, row: Row) -> int | None:
        """The account of the person whom this record is about."""
        if table._tablename == "pr_person":
            return self.s3_get_user_id(pe_id=row.pe_id)
        if "person_id" in table.fields:
            return self.s3_get_user_id(person_id=row.person_id)
        return self.s3_get_user_id(pe_id=row.pe_id) if "pe_id" in table.fields else None

    def _write(self, table: Table, rows: list[Row], data: dict[str, Any]) -> None:
        """Write these owners into records that have others."""
        changed = [row for row in rows if any(row[name] != value for name, value in data.items())]
        if not changed:
            return
        ids = [row[table._id.name] for row in changed]
        _update_quietly(table, ids, data)
        self._share(table, changed, data)
        for record_id in ids:
            self.permission.forget(table, record_id)

    @staticmethod
    def _share(table: Table, rows: list[Row], owners: dict[str, Any]) -> None:
        """Give the super-records of records their owners, where they have fields for them."""
        s3db = current.s3db
        names = s3db.get_config(table._tablename, "super_entity") or ()
        for supertable in map(s3db.table, (names,) if isinstance(names, str) else names):
            if supertable is None:
                # of a module that is switched off
                continue
            shared = {name: value for name, value in owners.items() if name in supertable.fields}
            if shared:
                key = supertable._id
                current.db(key.belongs([row[key.name] for row in rows])).update(**shared)

    def _pass_on(self, table: Table, rows: list[Row], realm: int | None) -> None:
        """Give the components that share the realm of their master (``realm_components``) a new one. One level."""
        s3db = current.s3db
        for alias in s3db.get_config(original_name(table), "realm_components") or ():
            component = s3db.get_component(original_name(table), alias)
            original = component and current.db[original_name(component.table)]
            if not component or "realm_entity" not in original.fields:
                continue
            own = component.table
            query = _belongs_together(component, table) & table._id.belongs([row[table._id.name] for row in rows])
            found = current.db(query).select(own._id, own.realm_entity, distinct=True)
            _update_quietly(original, [row[own._id.name] for row in found if row.realm_entity != realm], {"realm_entity": realm})
            self.permission.forget(original)

    def _load_all(self, table: Table, records: Any) -> list[Row]:
        if isinstance(records, Query):
            return list(current.db(records).select(table.ALL))
        several = isinstance(records, Iterable) and not isinstance(records, (str, dict, Row))
        ids = [_id_of(table, record) for record in (records if several else [records])]
        return list(current.db(table._id.belongs(ids)).select(table.ALL)) if ids else []

    @staticmethod
    def _load(table: Table, record: Any) -> Row | None:
        if isinstance(record, Row) and all(name in record for name in table.fields):
            return record
        return current.db(table._id == _id_of(table, record)).select(table.ALL, limitby=(0, 1)).first()

    @staticmethod
    def _as_pe_id(entity: Any) -> int | None:
        if not isinstance(entity, tuple):
            return int(entity) if entity else None
        tablename, record_id = entity
        s3db = current.s3db
        table = s3db.table(tablename)
        if table is None or record_id is None:
            return None
        if "pe_id" not in table.fields and "instance_type" in table.fields:
            # a site is an entity as the office or whatever it is
            prefix, name, record_id = s3db.get_instance(table, record_id)
            table = s3db.table(f"{prefix}_{name}") if prefix else None
        if table is None or "pe_id" not in table.fields:
            return None
        row = current.db(table._id == record_id).select(table.pe_id, limitby=(0, 1)).first()
        return row.pe_id if row else None


def _id_of(table: Table, record: Any) -> Any:
    return record[table._id.name] if isinstance(record, (Row, dict)) else record


def _update_quietly(table: Table, ids: list[Any], data: dict[str, Any]) -> None:
    """Write owners. A new owner is no new content: the records are not to be reported as updated because of it."""
    kept = {name: table[name] for name in ("modified_on", "modified_by") if name in table.fields}
    if ids:
        current.db(table._id.belongs(ids)).update(**data, **kept)


def _belongs_together(component: Any, master: Table) -> Query:
    """The query that joins the records of a component, and only those, to those of their master."""
    own, link = component.table, component.linktable
    if link is None:
        query = master[component.pkey] == own[component.fkey]
    else:
        query = (master[component.pkey] == link[component.lkey]) & (link[component.rkey] == own[component.fkey])
    for table in (own, link):
        if table is not None and "deleted" in table.fields:
            query &= table.deleted == False
    restriction = component_query(component, own, master)
    return query if restriction is None else query & restriction
