"""What the columns of a CSV file mean: their names are selectors of the fields that they fill.

=========================== ==============================================================================
column                      meaning
=========================== ==============================================================================
``name``                    a field of the record
``uuid``                    the identifier of the record
``series_id$name``          the record that the field refers to, found by its name; several such columns
                            of one field must all agree
``location_id$L1``          any selector that finds it
``pe_id$pr_person.pe_label`` the same, where the field refers to a super-entity
``contact.value``           a field of a component; all columns of one component are one record
``tag.name``                behind a link table: the record to be linked
=========================== ==============================================================================
"""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3DataError
from s3.s3utils import original_name, s3_get_foreign_key
from s3dal import Table

__all__ = ("Columns", "Lookup")

UID = "uuid"


@dataclass
class Lookup:
    """Columns that find the record which a field refers to."""

    field: str
    tablename: str
    multiple: bool
    #: {column: selector in that table}
    selectors: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass
class Columns:
    """The columns of one table, and of its components."""

    table: Table
    #: {column: field}
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    #: column of the identifier
    uid: str | None = None
    #: {name of the field: how to find what it refers to}
    lookups: dict[str, Lookup] = dataclasses.field(default_factory=dict)
    #: {alias: (component, its columns)}
    components: dict[str, tuple[Storage, Columns]] = dataclasses.field(default_factory=dict)
    #: {alias: (component, how to find what to link)}
    links: dict[str, tuple[Storage, Lookup]] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, table: Table, names: list[str]) -> Columns:
        """Find out what columns mean.

        Raises:
            S3DataError: a column means nothing; names it, and the nearest field
        """
        columns = cls(table)
        for name in names:
            columns._add(name, name)
        return columns

    def _add(self, column: str, selector: str) -> None:
        head, separator, rest = selector.partition("$")
        alias, dot, part = head.partition(".")
        if dot and not (separator and "." in alias):
            self._add_to_component(column, alias, part + separator + rest)
        elif separator:
            self._add_lookup(column, head, rest)
        elif head == UID and UID in self.table.fields:
            self.uid = column
        else:
            self._add_field(column, head)

    def _add_field(self, column: str, name: str) -> None:
        if name not in self.table.fields:
            raise self._unknown(column, name)
        if s3_get_foreign_key(self.table[name])[0] is not None:
            raise S3DataError(f"column {column!r}: {name} is a reference; say how to find the record, such as {name}$name or {name}$uuid")
        self.fields[column] = name

    def _add_lookup(self, column: str, name: str, selector: str) -> None:
        if name not in self.table.fields:
            raise self._unknown(column, name)
        tablename, key, multiple = s3_get_foreign_key(self.table[name])
        if tablename is None or key is None:
            raise S3DataError(f"column {column!r}: {name} is no reference")
        instance, dot, rest = selector.partition(".")
        if dot and _is_instance(instance, tablename):
            tablename, selector = instance, rest
        lookup = self.lookups.setdefault(name, Lookup(name, tablename, bool(multiple)))
        if lookup.tablename != tablename:
            raise S3DataError(f"column {column!r}: {name} is looked up in {lookup.tablename} and in {tablename}")
        lookup.selectors[column] = selector

    def _add_to_component(self, column: str, alias: str, selector: str) -> None:
        hook = current.s3db.get_component(self.table, alias)
        if hook is None:
            raise S3DataError(f"column {column!r}: {original_name(self.table)} has no component {alias!r}")
        if hook.linktable is not None:
            _, lookup = self.links.setdefault(alias, (hook, Lookup(hook.rkey, original_name(hook.table), True)))
            lookup.selectors[column] = selector
            return
        table = current.s3db.table(original_name(hook.table), db_only=True)
        self.components.setdefault(alias, (hook, Columns(table)))[1]._add(column, selector)

    def _unknown(self, column: str, name: str) -> S3DataError:
        near = get_close_matches(name, self.table.fields, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return S3DataError(f"column {column!r}: {original_name(self.table)} has no field {name!r}{hint}")


def _is_instance(tablename: str, supertable: str) -> bool:
    if "_" not in tablename or current.s3db.table(tablename, db_only=True) is None:
        return False
    supers: Any = current.s3db.get_config(tablename, "super_entity") or ()
    names = supers if isinstance(supers, (list, tuple)) else (supers,)
    return supertable in {original_name(item) for item in names}
