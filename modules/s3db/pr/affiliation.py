"""The hierarchy of entities: which entity is a part of which other, and who belongs to it.

An entity has roles (pr_role), for example "Members" or "Sites"; what is affiliated to one of them (pr_affiliation) belongs
to the entity. Roles of the type "organization unit" make the hierarchy that the realms of users rest on.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_NOT_EMPTY, current

from s3 import (
    IS_ONE_OF,
    S3Duplicate,
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_meta_fields,
)
from s3dal import Field, Query, Table

__all__ = (
    "RoleModel",
    "pr_add_affiliation",
    "pr_ancestors",
    "pr_default_realms",
    "pr_descendants",
    "pr_get_ancestors",
    "pr_get_descendants",
    "pr_realm_users",
    "pr_remove_affiliation",
    "pr_set_affiliation",
)

#: role type "organization unit"
OU = 1


class RoleModel(S3Model):
    """Affiliations: which entity is part of which other."""

    names = ("pr_role", "pr_role_id", "pr_role_types", "pr_affiliation")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        types = {OU: T("Organization Units"), 2: T("Membership"), 3: T("Association"), 9: T("Other")}
        self.define_table(
            "pr_role",
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Corporate Entity"),
                            represent=self.pr_pentity_represent, readable=True, writable=True),
            Field("role_type", "integer", default=OU, label=T("Role Type"),
                  requires=IS_IN_SET(types, zero=None), represent=S3Represent(options=types)),
            Field("role", notnull=True, requires=IS_NOT_EMPTY(), label=T("Role")),
            # materialised ancestors; NULL is "not known"
            Field("path", readable=False, writable=False),
            Field("entity_type", label=T("Entity Type")),
            Field("sub_type", "integer", readable=False, writable=False),
            *s3_meta_fields(),
        )
        self.configure(
            "pr_role",
            list_fields=["pe_id", "role_type", "role"], local_fields=["path"], indexes=["pe_id"],
            # sites and branches make theirs by themselves
            deduplicate=S3Duplicate(primary=("pe_id", "role_type", "role")),
        )
        self.add_components("pr_role", pr_affiliation="role_id")
        represent = S3Represent(lookup="pr_role", fields=["role"])
        role_id = S3ReusableField(
            "role_id", "reference pr_role",
            label=T("Role"), represent=represent, ondelete="CASCADE",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "pr_role.id", represent)),
        )
        self.define_table(
            "pr_affiliation",
            role_id(empty=False),
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Entity"),
                            represent=self.pr_pentity_represent, readable=True, writable=True),
            *s3_meta_fields(),
        )
        self.configure(
            "pr_affiliation",
            deduplicate=S3Duplicate(primary=("role_id", "pe_id")),
            onaccept=affiliation_onaccept,
            indexes=["role_id", "pe_id"],
        )
        return {"pr_role_id": role_id, "pr_role_types": types}


def pr_add_affiliation(master: Any, affiliate: Any, role: str | None = None, role_type: int = OU) -> int | None:
    """Make one entity a part of another; nothing is written if it is that already.

    Args:
        master, affiliate: entities, as for pr_get_pe_id
        role: name of the role of the master, which is created if necessary
        role_type: type of the role if it is created

    Returns:
        id of the role; None without a role or if one of the entities does not exist
    """
    s3db = current.s3db
    master_id, affiliate_id = s3db.pr_get_pe_id(master), s3db.pr_get_pe_id(affiliate)
    if not role or not master_id or not affiliate_id:
        return None
    roles, affiliations = s3db.pr_role, s3db.pr_affiliation
    query = (roles.pe_id == master_id) & (roles.role == role) & (roles.deleted == False)
    row = current.db(query).select(roles.id, orderby=roles.id, limitby=(0, 1)).first()
    role_id = int(row.id if row else roles.insert(pe_id=master_id, role=role, role_type=role_type))
    is_there = (affiliations.role_id == role_id) & (affiliations.pe_id == affiliate_id) & (affiliations.deleted == False)
    if current.db(is_there).isempty():
        affiliations.insert(role_id=role_id, pe_id=affiliate_id)
    return role_id


def pr_remove_affiliation(master: Any, affiliate: Any, role: str | None = None) -> None:
    """End that one entity is a part of another.

    Args:
        master: None for all that have the role
        role: None for all roles
    """
    s3db = current.s3db
    master_id, affiliate_id = master and s3db.pr_get_pe_id(master), s3db.pr_get_pe_id(affiliate)
    if not affiliate_id or (master and not master_id):
        return
    roles, affiliations = s3db.pr_role, s3db.pr_affiliation
    query = (affiliations.pe_id == affiliate_id) & (affiliations.role_id == roles.id)
    if master_id:
        query &= roles.pe_id == master_id
    if role:
        query &= roles.role == role
    _archive(query)


def pr_set_affiliation(master: Any, affiliate: Any, role: str) -> None:
    """Make an entity a part of one entity only, by this role; master None for none at all."""
    s3db = current.s3db
    master_id, affiliate_id = master and s3db.pr_get_pe_id(master), s3db.pr_get_pe_id(affiliate)
    roles, affiliations = s3db.pr_role, s3db.pr_affiliation
    query = (affiliations.pe_id == affiliate_id) & (affiliations.role_id == roles.id) & (roles.role == role)
    _archive(query & (roles.pe_id != master_id) if master_id else query)
    if master_id:
        pr_add_affiliation(master_id, affiliate_id, role=role)


def _archive(query: Query) -> None:
    """Archive affiliations of a query that joins them to their roles."""
    affiliations = current.s3db.pr_affiliation
    rows = current.db(query & (affiliations.deleted == False)).select(affiliations.id)
    if rows:
        current.db(affiliations.id.belongs([row.id for row in rows])).update(deleted=True)


def pr_default_realms(pe_id: int) -> list[int]:
    """The entities of which this one is immediately an organization unit."""
    roles, affiliations = current.s3db.pr_role, current.s3db.pr_affiliation
    query = _is_unit(roles, affiliations) & (affiliations.pe_id == pe_id)
    return [row.pe_id for row in current.db(query).select(roles.pe_id, distinct=True, orderby=roles.pe_id)]


def pr_get_ancestors(pe_id: int) -> list[int]:
    """All entities above this one, at any level."""
    return pr_ancestors([pe_id])[int(pe_id)]


def pr_ancestors(pe_ids: Iterable[int]) -> dict[int, list[int]]:
    """{entity: all entities above it}; one query for any number of entities and levels."""
    return _walk(pe_ids, is_down=False)


def pr_get_descendants(pe_ids: int | Iterable[int], entity_types: str | Iterable[str] | None = None) -> list[int]:
    """All entities below these, at any level, persons included.

    Args:
        entity_types: only entities of these tables
    """
    roots = [pe_ids] if isinstance(pe_ids, (int, str)) else pe_ids
    found = sorted({pe_id for below in _walk(roots, is_down=True).values() for pe_id in below})
    if entity_types is None:
        return found
    types = [entity_types] if isinstance(entity_types, str) else list(entity_types)
    entities = current.s3db.pr_pentity
    rows = current.db(entities.pe_id.belongs(found) & entities.instance_type.belongs(types)).select(entities.pe_id)
    return sorted(row.pe_id for row in rows)


def pr_descendants(pe_ids: Iterable[int], exclude_persons: bool = True) -> dict[int, list[int]]:
    """{entity: all entities below it}; one query for any number of entities and levels.

    Args:
        exclude_persons: leave out persons, at every level
    """
    return _walk(pe_ids, is_down=True, exclude_persons=exclude_persons)


def pr_realm_users(
    realm: int | Iterable[int] | None, roles: str | Iterable[str] | None = None, role_types: int | Iterable[int] | None = OU
) -> dict[int, str]:
    """Accounts of the persons that belong to entities.

    Args:
        realm: entities; None for all accounts
        roles: names of the roles by which the persons belong to them; None for all
        role_types: types of these roles; None for all

    Returns:
        {account id: e-mail address}
    """
    db, s3db = current.db, current.s3db
    users = db.auth_user
    query = users.deleted == False
    if realm is not None:
        table, affiliations, links = s3db.pr_role, s3db.pr_affiliation, s3db.pr_person_user
        query &= (links.user_id == users.id) & (links.deleted == False) & (affiliations.pe_id == links.pe_id)
        query &= (affiliations.role_id == table.id) & (affiliations.deleted == False) & (table.deleted == False)
        query &= table.pe_id.belongs(_as_list(realm))
        if roles is not None:
            query &= table.role.belongs(_as_list(roles))
        if role_types is not None:
            query &= table.role_type.belongs(_as_list(role_types))
    return {row.id: row.email for row in db(query).select(users.id, users.email, distinct=True)}


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, (int, str)) else list(value)


def _walk(pe_ids: Iterable[int], is_down: bool, exclude_persons: bool = False) -> dict[int, list[int]]:
    """What is below or above each of these entities, without itself."""
    found: dict[int, list[int]] = {int(pe_id): [] for pe_id in pe_ids}
    if not found:
        return found
    roles, affiliations, entities = current.s3db.pr_role, current.s3db.pr_affiliation, current.s3db.pr_pentity
    near, far = (roles.pe_id, affiliations.pe_id) if is_down else (affiliations.pe_id, roles.pe_id)
    is_unit = _is_unit(roles, affiliations)
    is_wanted = f"AND {entities.instance_type != 'pr_person'}" if exclude_persons else ""
    # UNION drops what was found before, so that circles end
    rows = current.db.executesql(
        f"WITH RECURSIVE tree(root, pe_id) AS ("
        f"SELECT {near}, {far} FROM {roles}, {affiliations} WHERE {is_unit & near.belongs(list(found))} "
        f"UNION SELECT tree.root, {far} FROM tree, {roles}, {affiliations} WHERE {near} = tree.pe_id AND {is_unit}"
        f") SELECT tree.root, tree.pe_id FROM tree, {entities} "
        f"WHERE {entities.pe_id} = tree.pe_id AND tree.pe_id <> tree.root {is_wanted} ORDER BY tree.root, tree.pe_id"
    )
    for root, pe_id in rows:
        found[root].append(pe_id)
    return found


def _is_unit(roles: Table, affiliations: Table) -> Query:
    return (
        (affiliations.role_id == roles.id)
        & (roles.role_type == OU)
        & (roles.deleted == False)
        & (affiliations.deleted == False)
    )


def affiliation_onaccept(form: Any) -> None:
    """An entity has a role once; of affiliations that say the same, the last one stays."""
    table = current.s3db.pr_affiliation
    record = current.db(table.id == form.vars.id).select(table.id, table.role_id, table.pe_id, limitby=(0, 1)).first()
    is_same = (table.role_id == record.role_id) & (table.pe_id == record.pe_id) & (table.id != record.id)
    current.db(is_same & (table.deleted == False)).update(deleted=True)
