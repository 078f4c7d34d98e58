"""Roles: what there is, who has which, and the roles of the user of this request."""
from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3aaa.person import AuthPerson
from s3.s3aaa.policy import Realms
from s3.s3aaa.realm import find_default_realm, find_descendants, sql_boolean
from s3dal import Query, Row

__all__ = ("SYSTEM_ROLES", "AuthRoles")

# UID: display name, description; in the order of their creation
SYSTEM_ROLES = {
    "ADMIN": ("Administrator", "System administrator: can access and change anything"),
    "AUTHENTICATED": ("Authenticated", "Every user who is logged in"),
    "ANONYMOUS": ("Anonymous", "Everybody, logged in or not"),
    "EDITOR": ("Editor", "May change the records of others under the editor policy"),
}
_UNRESTRICTED = ("ADMIN", "AUTHENTICATED", "ANONYMOUS")
# what databases give for a true value
_TRUE = ("T", True, 1)

Role = int | str


class AuthRoles(AuthPerson):
    """Role tests and role management."""

    # Roles of this request

    def s3_set_roles(self) -> None:
        """Read the roles of the current user and its person entity: one query, if somebody is logged in.

        Under the policies with realms one more for the default realm, if a role is held for it, and under policy 7 one for
        all the entities below.
        """
        self.permission.clear_cache()
        self._system_roles = None
        self._realms = None
        user = self.user
        if user is not None:
            user.realms = self._realms = self._find_realms(user)

    @property
    def realms(self) -> Realms:
        """{role id: entities it is held for, None for unrestricted} of whoever makes this request."""
        if self._realms is None:
            user = self.user
            self._realms = self._find_realms(user) if user else self._anonymous_realms()
        return self._realms

    def _anonymous_realms(self) -> Realms:
        anonymous = self.get_system_roles().ANONYMOUS
        return {} if anonymous is None else {anonymous: None}

    def _find_realms(self, user: Storage) -> Realms:
        """The realms of a user, who gets a person entity on the way."""
        no, yes, user_id = sql_boolean(False), sql_boolean(True), int(user.id)
        # not by the DAL: every request of a user comes here, and to define these tables takes it several milliseconds
        rows = current.db.executesql(
            "SELECT g.id, g.uuid, g.system, m.id, m.pe_id, "
            f"(SELECT p.pe_id FROM pr_person_user p WHERE p.user_id = {user_id} AND p.deleted = {no} ORDER BY p.id LIMIT 1) "
            "FROM auth_group g LEFT JOIN auth_membership m "
            f"ON m.group_id = g.id AND m.user_id = {user_id} AND m.deleted = {no} "
            f"WHERE g.deleted = {no} AND (g.system = {yes} OR m.id IS NOT NULL)"
        )
        user.pe_id = rows[0][5] if rows else self.s3_user_pe_id(user_id)
        self._system_roles = Storage({uid: role for role, uid, is_system, *_ in rows if is_system in _TRUE})
        held = [(role, pe_id) for role, _, _, membership, pe_id, _ in rows if membership is not None]
        if self.permission.uses_realms:
            realms = self._limited_realms(held, user)
        else:
            # Policies 1-5 know no realms: who holds a role holds it everywhere
            realms = {role: None for role, _ in held}
        realms.update(self._anonymous_realms())
        return realms

    def _limited_realms(self, held: list[tuple[int, int | None]], user: Storage) -> Realms:
        """Realms by the assignments (role, entity) of a user. A role that is held for no entity at all is not held."""
        site_wide = {role for role, pe_id in held if pe_id == 0} | set(self._unrestricted_roles())
        limited = [(role, pe_id) for role, pe_id in held if role not in site_wide]
        default: list[int] = []
        if any(pe_id is None for _, pe_id in limited):
            default = find_default_realm(user.pe_id) if user.pe_id else []
        found: dict[int, set[int]] = {}
        for role, pe_id in limited:
            found.setdefault(role, set()).update(default if pe_id is None else [pe_id])
        if self.permission.uses_hierarchy and any(found.values()):
            below = find_descendants(set().union(*found.values()))
            found = {role: realm.union(*(below[pe_id] for pe_id in realm)) for role, realm in found.items()}
        realms: Realms = {role: None for role, _ in held if role in site_wide}
        realms.update({role: sorted(realm) for role, realm in found.items() if realm})
        return realms

    def get_system_roles(self) -> Storage:
        """{UID: id} of the system roles that exist; one query per request."""
        if self._system_roles is None:
            rows = current.db.executesql(
                f"SELECT uuid, id FROM auth_group WHERE system = {sql_boolean(True)} AND deleted = {sql_boolean(False)}"
            )
            self._system_roles = Storage(rows)
        return self._system_roles

    def get_system_role(self, uid: str) -> int | None:
        return self.get_system_roles().get(uid)

    def create_system_roles(self) -> None:
        """Create or complete the system roles. Idempotent."""
        for uid, (name, description) in SYSTEM_ROLES.items():
            self.s3_create_role(name, description, uid=uid, system=True, protected=True)

    # Role tests

    def s3_has_role(self, role: Role, for_pe: int | None = None, include_admin: bool = True) -> bool:
        """Whether the current user holds a role.

        Args:
            role: id (also as digits) or UID; an unknown one is held by nobody
            for_pe: for this entity; 0 for the whole site
            include_admin: administrators hold every role
        """
        if self.override:
            return True
        role_id = self.find_role_id(role)
        realms = self.realms
        if include_admin and self.get_system_roles().ADMIN in realms:
            return True
        if role_id is None or role_id not in realms:
            return False
        realm = realms[role_id]
        return realm is None or for_pe is None or for_pe in realm

    def s3_has_roles(self, roles: Role | Iterable[Role], for_pe: int | None = None, all: bool = False) -> bool:
        """Whether the current user holds any of the roles, or with ``all`` every one; no roles at all: True."""
        roles = _as_list(roles)
        if self.override or not roles:
            return True
        held = [self.s3_has_role(role, for_pe=for_pe) for role in roles]
        return False not in held if all else True in held

    def requires_membership(self, role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator of functions, such as pages, for those who hold a role; others are refused as by S3Permission.fail."""

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(function)
            def guarded(*args: Any, **attr: Any) -> Any:
                auth = current.auth
                if not auth.s3_has_role(role):
                    auth.permission.fail()
                return function(*args, **attr)

            return guarded

        return decorate

    def s3_get_roles(self, user_id: int, **realm: Any) -> list[int]:
        """Ids of the roles that are assigned to a user; with ``for_pe`` those for that realm, or for any of several, alone."""
        table = self.table("auth_membership")
        query = (table.user_id == user_id) & (table.deleted == False) & self._for_realm(**realm)
        rows = current.db(query).select(table.group_id, distinct=True, orderby=table.group_id)
        return [row.group_id for row in rows]

    def s3_group_members(self, group_id: Role, **realm: Any) -> list[int]:
        """Ids of the users who hold a role by assignment; with ``for_pe`` those for that realm, or for any of several, alone."""
        role_id = self.find_role_id(group_id)
        if role_id is None:
            return []
        table = self.table("auth_membership")
        query = (table.group_id == role_id) & (table.deleted == False) & self._for_realm(**realm)
        rows = current.db(query).select(table.user_id, distinct=True, orderby=table.user_id)
        return [row.user_id for row in rows]

    def _for_realm(self, **realm: Any) -> Query:
        """The query for assignments for a realm: None, 0, an entity or a list of these; for any if there is no ``for_pe``."""
        table = self.table("auth_membership")
        if "for_pe" not in realm:
            return table.id > 0
        entities = realm["for_pe"]
        if not isinstance(entities, (list, tuple, set)):
            entities = [entities]
        query = table.pe_id.belongs([entity for entity in entities if entity is not None])
        return query | (table.pe_id == None) if None in entities else query

    # Role management

    def s3_create_role(
        self,
        role: str,
        description: str | dict[str, Any] | None = None,
        *acls: dict[str, Any],
        uid: str | None = None,
        hidden: bool | None = None,
        system: bool | None = None,
        protected: bool | None = None,
    ) -> int:
        """Create a role, or update and revive the one with this UID.

        Args:
            role: display name
            description: may be left out, even before rules
            acls: rules of the role, keyword arguments of S3Permission.update_acl
            uid: what code calls it; default is a new UUID

        Returns:
            the role's id
        """
        if isinstance(description, dict):
            acls, description = (description, *acls), None
        table = self.table("auth_group")
        flags = {"hidden": hidden, "system": system, "protected": protected}
        data = {"role": role, "description": description, **{k: v for k, v in flags.items() if v is not None}}
        known = current.db(table.uuid == uid).select(table.id).first() if uid else None
        if known:
            known.update_record(deleted=False, **data)
            role_id = known.id
        else:
            role_id = int(table.insert(**data, uuid=uid or uuid.uuid4().urn))
        self._system_roles = None
        self.s3_update_acls(role_id, *acls)
        return role_id

    def s3_update_acls(self, role: Role, *acls: dict[str, Any]) -> None:
        """Set rules of a role: keyword arguments of S3Permission.update_acl each."""
        for acl in acls:
            self.permission.update_acl(role, **acl)

    def s3_delete_role(self, role: Role) -> bool:
        """Archive a role with its assignments and rules; False if there is no such role or it is protected."""
        record = self._find_role(role)
        if record is None or record.protected:
            return False
        db = current.db
        for name in ("auth_membership", "s3_permission"):
            table = self.table(name)
            db(table.group_id == record.id).update(
                deleted=True, group_id=None, deleted_fk=json.dumps({"group_id": record.id})
            )
        record.update_record(deleted=True, role=None, uuid=f"{uuid.uuid4().hex[:12]}-deleted-{record.uuid}"[:64])
        self._renew_roles()
        return True

    def s3_assign_role(self, user_id: int, group_id: Role | Iterable[Role], for_pe: int | None = None) -> None:
        """Give a user roles. Assigning twice changes nothing.

        Args:
            group_id: id or UID of a role, or several; an unknown UID becomes a new role
            for_pe: realm: None the user's own, 0 the whole site, else this entity; ADMIN, AUTHENTICATED and ANONYMOUS have none

        Raises:
            ValueError: there is no role with this id
        """
        for role in _as_list(group_id):
            self._add_membership(self._ensure_role(role), user_id, for_pe)
        self._renew_roles(user_id)

    def s3_withdraw_role(self, user_id: int, group_id: Role | Iterable[Role], for_pe: Any = None) -> None:
        """Take roles from a user, for one realm as in s3_assign_role, for several, or with ``for_pe=[]`` for all."""
        table = self.table("auth_membership")
        role_ids = [self.find_role_id(role) for role in _as_list(group_id)]
        query = (
            (table.user_id == user_id)
            & (table.group_id.belongs([role_id for role_id in role_ids if role_id is not None]))
            & (table.deleted == False)
        )
        if for_pe != []:
            query &= self._for_realm(for_pe=for_pe) | table.group_id.belongs(self._unrestricted_roles())
        for row in current.db(query).select():
            row.update_record(
                deleted=True,
                user_id=None,
                group_id=None,
                deleted_fk=json.dumps({"user_id": row.user_id, "group_id": row.group_id, "pe_id": row.pe_id}),
            )
        self._renew_roles(user_id)

    def _ensure_role(self, role: Role) -> int:
        record = self._find_role(role)
        if record is not None:
            return int(record.id)
        if isinstance(role, int) or role.isdigit():
            raise ValueError(f"There is no role with the id {role}")
        return self.s3_create_role(role, uid=role)

    def _add_membership(self, role_id: int, user_id: int, pe_id: int | None) -> None:
        if role_id in self._unrestricted_roles():
            pe_id = None
        table = self.table("auth_membership")
        query = (
            (table.user_id == user_id)
            & (table.group_id == role_id)
            & (table.pe_id == pe_id)
            & (table.deleted == False)
        )
        if current.db(query).isempty():
            table.insert(user_id=user_id, group_id=role_id, pe_id=pe_id)

    def _unrestricted_roles(self) -> list[int]:
        roles = self.get_system_roles()
        return [roles[uid] for uid in _UNRESTRICTED if roles[uid] is not None]

    def _renew_roles(self, user_id: int | None = None) -> None:
        """Roles have changed: the current user, if concerned, has the new ones at once."""
        if self._restored and self.user and user_id in (None, self.user.id):
            self.s3_set_roles()
        else:
            self.permission.clear_cache()

    def find_role_id(self, role: Role) -> int | None:
        if isinstance(role, int):
            return role
        if role.isdigit():
            return int(role)
        system_role = self.get_system_role(role)
        if system_role is not None:
            return system_role
        record = self._find_role(role)
        return record.id if record else None

    def _find_role(self, role: Role) -> Row | None:
        table = self.table("auth_group")
        by_id = isinstance(role, int) or role.isdigit()
        query = (table.id == int(role)) if by_id else (table.uuid == role)
        return current.db(query & (table.deleted == False)).select().first()


def _as_list(roles: Role | Iterable[Role]) -> list[Role]:
    if isinstance(roles, (int, str)):
        return [roles]
    return list(roles)
