"""The hierarchy of entities: who is an organization unit of whom, by affiliation (pr_role, pr_affiliation).

An entity (``pr_role.pe_id``) has roles of the type "organization unit"; what is affiliated to one of them is a part of it.
Realms of users are made of this, by ``roles``; realms of records are set by ``ownership``.
"""
from __future__ import annotations

from collections.abc import Iterable

from gluon import current

from s3dal import Query, Table

__all__ = ("find_ancestors", "find_default_realm", "find_descendants", "persons_below")

#: pr_role.role_type of organization units
OU = 1
PERSON = "pr_person"


def find_default_realm(pe_id: int) -> list[int]:
    """The entities of which this one is immediately a part."""
    role, affiliation = _tables()
    rows = current.db(
        _is_unit(role, affiliation)
        & (affiliation.pe_id == pe_id)
    ).select(role.pe_id, distinct=True, orderby=role.pe_id)
    return [row.pe_id for row in rows]


def find_descendants(pe_ids: Iterable[int]) -> dict[int, set[int]]:
    """{entity: all entities below it, persons excepted}; one query, whatever the number of levels."""
    role, affiliation = _tables()
    pentity = current.s3db.pr_pentity
    found: dict[int, set[int]] = {pe_id: set() for pe_id in pe_ids}
    is_unit = _is_unit(role, affiliation)
    # UNION drops what was found before, so that circles end
    rows = current.db.executesql(
        f"WITH RECURSIVE tree(root, pe_id) AS ("
        f"SELECT {role.pe_id}, {affiliation.pe_id} FROM {role}, {affiliation} "
        f"WHERE {is_unit & role.pe_id.belongs(list(found))} "
        f"UNION SELECT tree.root, {affiliation.pe_id} FROM tree, {role}, {affiliation} "
        f"WHERE {role.pe_id} = tree.pe_id AND {is_unit}"
        f") SELECT tree.root, tree.pe_id FROM tree, {pentity} "
        f"WHERE {pentity.pe_id} = tree.pe_id AND {pentity.instance_type != PERSON}"
    )
    for root, pe_id in rows:
        found[root].add(pe_id)
    return found


def find_ancestors(pe_id: int) -> set[int]:
    """All entities above a person; nothing for any other entity."""
    role, affiliation = _tables()
    pentity = current.s3db.pr_pentity
    is_unit = _is_unit(role, affiliation)
    is_person = (pentity.pe_id == affiliation.pe_id) & (pentity.instance_type == PERSON)
    rows = current.db.executesql(
        f"WITH RECURSIVE above(pe_id) AS ("
        f"SELECT {role.pe_id} FROM {role}, {affiliation}, {pentity} "
        f"WHERE {is_unit & (affiliation.pe_id == int(pe_id)) & is_person} "
        f"UNION SELECT {role.pe_id} FROM above, {role}, {affiliation} "
        f"WHERE {affiliation.pe_id} = above.pe_id AND {is_unit}"
        f") SELECT pe_id FROM above"
    )
    return {row[0] for row in rows}


def persons_below(pe_ids: Iterable[int]) -> str:
    """The SQL statement that finds the persons below entities, at any level, for ``field.belongs()``."""
    role, affiliation = _tables()
    pentity = current.s3db.pr_pentity
    is_unit = _is_unit(role, affiliation)
    return (
        f"WITH RECURSIVE tree(pe_id) AS ("
        f"SELECT {affiliation.pe_id} FROM {role}, {affiliation} "
        f"WHERE {is_unit & role.pe_id.belongs(sorted(pe_ids))} "
        f"UNION SELECT {affiliation.pe_id} FROM tree, {role}, {affiliation} "
        f"WHERE {role.pe_id} = tree.pe_id AND {is_unit}"
        f") SELECT tree.pe_id FROM tree, {pentity} "
        f"WHERE {pentity.pe_id} = tree.pe_id AND {pentity.instance_type == PERSON};"
    )


def _tables() -> tuple[Table, Table]:
    return current.s3db.pr_role, current.s3db.pr_affiliation


def _is_unit(role: Table, affiliation: Table) -> Query:
    return (
        (affiliation.role_id == role.id)
        & (role.role_type == OU)
        & (role.deleted == False)
        & (affiliation.deleted == False)
    )
