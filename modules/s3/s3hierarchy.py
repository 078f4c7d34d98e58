"""Hierarchies of records: everything below some records, and the path from the top down to each.

A table declares its hierarchy by the configuration key ``hierarchy``: the name of the field that refers to the parent,
``"parent"``; or the field of a link table that does, ``"parent__link.organisation_id"``; or a tuple of one of these and the
name of the field with the category of a record. Nothing is stored: one recursive query answers for any number of
records, and records that are above themselves end it. The field to the parent wants an index (configuration key ``indexes``):
without one PostgreSQL took a minute to find 20,000 records below another one, with one 0.2 seconds.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3error import S3ModelError
from s3.s3utils import original_name, s3_get_foreign_key
from s3dal import Field, Query, Table

__all__ = ("Hierarchy", "find_descendants", "find_hierarchy", "find_paths")

# Ids per "IN (...)"
CHUNK = 1000


@dataclass(frozen=True)
class Hierarchy:
    """How the records of a table stand below one another.

    Attributes:
        table: the table of the records
        key: the field that parents are known by, normally the record id
        child: the field that holds the key of a record, in the table or its link table
        parent: the field beside it that holds the key of the record's parent
        category: the field with the category of a record, if there is one
    """

    table: Table
    key: Field
    child: Field
    parent: Field
    category: Field | None = None


def find_hierarchy(tablename: Table | str) -> Hierarchy | None:
    """The hierarchy that a table declares, None if it declares none.

    Raises:
        S3ModelError: the declaration names something that does not exist
    """
    table = current.s3db.table(original_name(tablename), db_only=True)
    declared = current.s3db.get_config(tablename, "hierarchy") if table is not None else None
    if not declared:
        return None
    selector, category = (*declared, None)[:2] if isinstance(declared, (list, tuple)) else (declared, None)
    link, _, name = selector.rpartition(".")
    category_field = _field(table, category, declared) if category else None
    if not link:
        parent = _field(table, name, declared)
        tablename, keyname, _ = s3_get_foreign_key(parent, m2m=False)
        if tablename != original_name(table):
            raise _wrong(table, declared, f"the field {name!r} does not refer to the table itself")
        return Hierarchy(table, table[keyname], table[keyname], parent, category_field)
    component = _parent_component(table, link, name)
    if component is None:
        raise _wrong(table, declared, f"{link!r} is no link table with a key {name!r} to the parent")
    linktable = component.linktable
    return Hierarchy(table, table[component.pkey], linktable[component.lkey], linktable[name], category_field)


def find_descendants(tablename: Table | str, ids: Iterable[int], category: Any = None) -> set[int]:
    """The given records and everything below them.

    Args:
        ids: keys of records, as parents are known by: normally record ids
        category: leave out records of another category

    Returns:
        their keys; just the given ones if the table has no hierarchy
    """
    found = {int(item) for item in ids}
    hierarchy = find_hierarchy(tablename)
    if hierarchy is None or not found:
        return found
    for chunk in _chunks(sorted(found)):
        found.update(row[0] for row in _recurse(hierarchy, start=hierarchy.parent, step=hierarchy.child, keys=chunk))
    if category is None or hierarchy.category is None:
        return found
    kept: set[int] = set()
    for chunk in _chunks(sorted(found)):
        query = hierarchy.key.belongs(chunk) & (hierarchy.category == category)
        kept.update(row[hierarchy.key] for row in current.db(query).select(hierarchy.key))
    return kept


def find_paths(tablename: Table | str, ids: Iterable[int]) -> dict[int, list[int]]:
    """For each of these records the way to it: the record at the top, ..., its parent, itself.

    Of several parents the one with the lowest key counts. A circle of parents is left where it would begin anew.

    Args:
        ids: as of find_descendants
    """
    keys = sorted({int(item) for item in ids})
    hierarchy = find_hierarchy(tablename)
    parents: dict[int, int] = {}
    if hierarchy is not None:
        for chunk in _chunks(keys):
            for child, parent in _recurse(hierarchy, start=hierarchy.child, step=hierarchy.parent, keys=chunk):
                parents[child] = min(parent, parents.get(child, parent))
    return {key: _path(key, parents) for key in keys}


def _path(key: int, parents: dict[int, int]) -> list[int]:
    path = [key]
    while path[-1] in parents and parents[path[-1]] not in path:
        path.append(parents[path[-1]])
    return path[::-1]


def _recurse(hierarchy: Hierarchy, start: Field, step: Field, keys: list[int]) -> list[tuple[int, int]]:
    """Pairs (child, parent) reached from those whose ``start`` is one of the keys, each by the ``step`` of another."""
    db = current.db
    table = hierarchy.child.table
    child, parent = hierarchy.child.sqlsafe, hierarchy.parent.sqlsafe
    is_pair: Query = hierarchy.parent != None
    if "deleted" in table.fields:
        is_pair &= table.deleted == False
    # UNION leaves out what is known already, which ends circles
    sql = f"""WITH RECURSIVE tree(child, parent) AS (
        SELECT {child}, {parent} FROM {table.sql_shortref} WHERE {db._adapter.expand(is_pair & start.belongs(keys))}
        UNION
        SELECT {child}, {parent} FROM {table.sql_shortref}, tree
        WHERE {db._adapter.expand(is_pair)} AND {start.sqlsafe} = tree.{"child" if step is hierarchy.child else "parent"}
    ) SELECT child, parent FROM tree;"""
    return db.executesql(sql)


def _parent_component(table: Table, link: str, name: str) -> Any:
    """The component that stands for the parent of a record: linked by this table, with this key to the parent."""
    s3db = current.s3db
    alias, is_alias, _ = link.partition("__link")
    for key, hook in s3db.get_hooks(table)[1].items():
        is_meant = key == alias if is_alias else bool(hook.link) and original_name(hook.link).partition("_")[2] == link
        if is_meant and hook.link and hook.key == name:
            return s3db.get_component(table, key)
    return None


def _field(table: Table, name: str, declared: Any) -> Field:
    if name not in table.fields:
        raise _wrong(table, declared, f"the table has no field {name!r}")
    return table[name]


def _wrong(table: Table, declared: Any, problem: str) -> S3ModelError:
    tablename = original_name(table)
    return S3ModelError(f"{tablename}: hierarchy {declared!r}: {problem}", table=tablename, key="hierarchy")


def _chunks(keys: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
