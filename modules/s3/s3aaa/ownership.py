"""Ownership: who owns a record, and the entity (realm) it belongs to."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3aaa.person import AuthPerson
from s3dal import Row, Table

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
            force_update: replace a realm entity that is set already
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
        self._write(table, row, data)

    def set_realm_entity(self, table: Table, records: Any, entity: Any = 0, force_update: bool = False) -> None:
        """Set the realm entity of one or several records (id, Row, list of them).

        Args:
            entity: pe_id, (tablename, id), or 0 for the default of each record
            force_update: also where one is set already
        """
        if "realm_entity" not in table.fields:
            return
        several = isinstance(records, Iterable) and not isinstance(records, (str, dict, Row))
        for record in records if several else [records]:
            row = self._load(table, record)
            if row is not None and (force_update or row.realm_entity is None):
                self._write(table, row, {"realm_entity": self.get_realm_entity(table, row, entity=entity)})

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

    def _write(self, table: Table, row: Row, data: dict[str, Any]) -> None:
        changed = {name: value for name, value in data.items() if row[name] != value}
        if not changed:
            return
        # A new owner is no new content: the record is not to be reported as updated because of it
        kept = {name: row[name] for name in ("modified_on", "modified_by") if name in table.fields}
        current.db(table._id == row[table._id.name]).update(**changed, **kept)
        self._share(table, row, changed)
        self.permission.forget(table, row[table._id.name])

    @staticmethod
    def _share(table: Table, row: Row, owners: dict[str, Any]) -> None:
        """Give the super-records of a record its owners, where they have fields for them."""
        s3db = current.s3db
        names = s3db.get_config(table._tablename, "super_entity") or ()
        for supertable in map(s3db.table, (names,) if isinstance(names, str) else names):
            # a super-entity of a disabled module is not there
            fields = supertable.fields if supertable is not None else ()
            shared = {name: value for name, value in owners.items() if name in fields}
            if shared:
                current.db(supertable._id == row[supertable._id.name]).update(**shared)

    @staticmethod
    def _load(table: Table, record: Any) -> Row | None:
        if isinstance(record, (Row, dict)):
            record = record[table._id.name]
        return current.db(table._id == record).select(table.ALL, limitby=(0, 1)).first()

    @staticmethod
    def _as_pe_id(entity: Any) -> int | None:
        if not isinstance(entity, tuple):
            return int(entity) if entity else None
        tablename, record_id = entity
        table = current.s3db.table(tablename)
        if table is None or record_id is None or "pe_id" not in table.fields:
            return None
        row = current.db(table._id == record_id).select(table.pe_id, limitby=(0, 1)).first()
        return row.pe_id if row else None
