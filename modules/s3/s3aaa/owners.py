"""Who owns a record, as far as permissions are concerned."""
from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gluon import current

from s3dal import Query, Row, Table

if TYPE_CHECKING:
    from s3.s3aaa.auth import AuthS3

__all__ = ("Owners",)

_OWNER_FIELDS = ("realm_entity", "owned_by_group", "owned_by_user")


class Owners:
    """Ownership tests and the query for owned records."""

    auth: AuthS3
    uses_realms: bool

    def get_owners(self, table: Table | None, record: Any) -> tuple[int | None, int | None, int | None]:
        """(realm_entity, owner group, owner user) of a record (id or Row); None where it has none."""
        if table is None or not record:
            return None, None, None
        fields = [name for name in _OWNER_FIELDS if name in table.fields]
        if not isinstance(record, (Row, dict)) or any(name not in record for name in fields):
            record_id = record[table._id.name] if isinstance(record, (Row, dict)) else record
            columns = [table[name] for name in fields]
            query = table._id == record_id
            record = current.db(query).select(*columns, limitby=(0, 1)).first() if columns else None
        realm, group, user = (record.get(name) if record else None for name in _OWNER_FIELDS)
        return realm, group, user

    def is_owner(
        self,
        table: Table | None,
        record: Any,
        owners: tuple[int | None, int | None, int | None] | None = None,
        strict: bool = False,
    ) -> bool:
        """Whether the current user owns a record; True without a record.

        Args:
            owners: as from get_owners, if known
            strict: a record without any owner is owned by nobody, else by every logged-in user

        A role owns for its user only the records of the entities that it is held for.
        """
        if self.auth.permission.is_admin() or not record:
            return True
        user = self.auth.user
        if user is None:
            record_id = record.get("id") if isinstance(record, (Row, dict)) else record
            return table is not None and self.auth.s3_session_owns(table, record_id)
        realm, group, owner = owners or self.get_owners(table, record)
        if owner == user.id:
            return True
        if not (group or owner or (realm and self.uses_realms)):
            # Without realms (policies 1-5) the realm entity says nothing about ownership; as in owner_query
            return not strict
        return group is not None and self._holds(group, realm)

    def _holds(self, role: int, realm: int | None) -> bool:
        """Whether the current user holds a role for this entity."""
        realms = self.auth.realms
        if role not in realms:
            return False
        held_for = realms[role]
        return held_for is None or realm in held_for

    def _is_own(self, table: Table, record_id: Any) -> bool:
        """Whether the current user in person (or the session of an anonymous visitor) owns this record."""
        user = self.auth.user
        if user is None:
            return self.auth.s3_session_owns(table, record_id)
        return self.get_owners(table, record_id)[2] == user.id

    def owner_query(self, table: Table, strict: bool = True, groups: bool = True) -> Query | None:
        """The query for records that the current user owns, None if there can be none.

        Args:
            groups: also records owned by a role of the user
        """
        user = self.auth.user
        if user is None:
            owned = self.auth.s3_session_records(table)
            return table._id.belongs(owned) if owned else None
        has_user, has_group = "owned_by_user" in table.fields, "owned_by_group" in table.fields
        queries = []
        if has_user:
            queries.append(table.owned_by_user == user.id)
        if not strict:
            queries.append(_all_empty(table, ("owned_by_user", "owned_by_group", *(["realm_entity"] if self.uses_realms else []))))
        if has_group and groups:
            queries.extend(self._group_queries(table))
        return functools.reduce(operator.or_, queries) if queries else None

    def _group_queries(self, table: Table) -> Iterator[Query]:
        """The records that roles of the user own, as far as the roles are held for the entities of these records."""
        realms = self.auth.realms
        yield table.owned_by_group.belongs([role for role, realm in realms.items() if realm is None])
        roles_by_realm: dict[tuple[int, ...], list[int]] = {}
        for role, realm in realms.items():
            if realm and "realm_entity" in table.fields:
                roles_by_realm.setdefault(tuple(realm), []).append(role)
        for entities, roles in roles_by_realm.items():
            yield table.owned_by_group.belongs(roles) & table.realm_entity.belongs(entities)


def _all_empty(table: Table, names: Iterable[str]) -> Query:
    """The query for records in which none of these fields is set; all records if the table has none of them."""
    conditions = [table[name] == None for name in names if name in table.fields]
    return functools.reduce(operator.and_, conditions) if conditions else table._id > 0
