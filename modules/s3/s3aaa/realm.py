"""The hierarchy of entities: who is an organization unit of whom, by affiliation (pr_role, pr_affiliation).

An entity (``pr_role.pe_id``) has roles of the type "organization unit"; what is affiliated to one of them is a part of it.
Realms of users are made of this, by ``roles``; realms of records are set by ``ownership``.

SQL of its own: the levels of a hierarchy need a recursive statement, and a request that asks who its user is must not pay for
the definition of the tables.
"""
from __future__ import annotations

from collections.abc import Iterable

from gluon import current

from s3dal import Field

__all__ = ("find_ancestors", "find_default_realm", "find_descendants", "person_below", "sql_boolean", "sql_list")

#: pr_role.role_type of organization units
OU = 1
PERSON = "pr_person"


def find_default_realm(pe_id: int) -> list[int]:
    """The entities of which this one is immediately a part."""
    rows = current.db.executesql(f"SELECT DISTINCT r.pe_id FROM {_units()} AND a.pe_id = {int(pe_id)}")
    return sorted(row[0] for row in rows)


def find_descendants(pe_ids: Iterable[int]) -> dict[int, set[int]]:
    """{entity: all entities below it, persons excepted}; one query, whatever the number of levels."""
    found: dict[int, set[int]] = {pe_id: set() for pe_id in pe_ids}
    # persons are left out before the tree is climbed: with 50,000 of them 20 ms instead of 400.
    # UNION drops what was found before, so that circles end.
    rows = current.db.executesql(
        f"WITH RECURSIVE edge(parent, child) AS ("
        f"SELECT r.pe_id, a.pe_id FROM pr_pentity p, {_units()} AND p.pe_id = a.pe_id AND p.instance_type <> '{PERSON}'"
        f"), tree(root, pe_id) AS ("
        f"SELECT parent, child FROM edge WHERE parent IN ({sql_list(found)}) "
        f"UNION SELECT tree.root, edge.child FROM tree, edge WHERE edge.parent = tree.pe_id"
        f") SELECT root, pe_id FROM tree"
    )
    for root, pe_id in rows:
        found[root].add(pe_id)
    return found


def find_ancestors(pe_id: int) -> set[int]:
    """All entities above a person; nothing for any other entity."""
    return {row[0] for row in current.db.executesql(f"{_above(str(int(pe_id)))} SELECT pe_id FROM above")}


def person_below(field: Field, pe_ids: Iterable[int]) -> str:
    """The SQL statement that gives the value of a field if that is a person below entities, for ``field.belongs()``.

    It climbs from the one person of a record, by indexes: a list of all persons below takes PostgreSQL a second or more.
    """
    value = str(current.db._adapter.expand(field))
    return f"{_above(value)} SELECT {value} FROM above WHERE pe_id IN ({sql_list(pe_ids)});"


def _above(pe_id: str) -> str:
    """SQL of the entities above a person, whose pe_id is a number or a column of the statement around it."""
    return (
        f"WITH RECURSIVE above(pe_id) AS ("
        f"SELECT r.pe_id FROM pr_pentity p, {_units()} AND a.pe_id = {pe_id} AND p.pe_id = a.pe_id "
        f"AND p.instance_type = '{PERSON}' "
        f"UNION SELECT r.pe_id FROM above, {_units()} AND a.pe_id = above.pe_id)"
    )


def _units() -> str:
    """Tables and condition of "entity r.pe_id has the organization unit a.pe_id"."""
    no = sql_boolean(False)
    return (
        f"pr_role r, pr_affiliation a "
        f"WHERE a.role_id = r.id AND r.role_type = {OU} AND r.deleted = {no} AND a.deleted = {no}"
    )


def sql_boolean(value: bool) -> str:
    """How the database writes a truth value."""
    return str(current.db._adapter.represent(value, "boolean"))


def sql_list(ids: Iterable[int]) -> str:
    """Ids for ``IN (...)``; none at all find nothing."""
    return ",".join(str(int(value)) for value in ids) or "NULL"
