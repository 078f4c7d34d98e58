"""How the records of a component belong to those of its parent: by a key, or by the records of a link table."""
from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3query import FS
from s3.s3resource.reading import read_columns
from s3.s3resource.writing import create_record
from s3.s3utils import among, original_name
from s3dal import Expression, Field, Query, Table

if TYPE_CHECKING:
    from s3.s3resource.filter import S3ResourceFilter
    from s3.s3resource.resource import S3Resource

__all__ = ("JoiningMixin",)


class JoiningMixin:
    """Part of S3Resource."""

    table: Table
    _table: Table
    parent: S3Resource | None
    linked: S3Resource | None
    link: S3Resource | None
    linktable: Table | None
    hook: Any
    pkey: str | None
    fkey: str | None
    lkey: str | None
    rkey: str | None
    filter: Query | None
    defaults: dict[str, Any]
    rfilter: S3ResourceFilter

    if TYPE_CHECKING:

        def select(self, *args: Any, **attr: Any) -> Any: ...

    # Joins

    def get_join(self) -> Query | None:
        """The condition that joins the component to its parent, by way of the link table if there is one; None for masters."""
        if self.parent is None:
            return None
        query = self._key_query()
        if self.linktable is None:
            query = _not_deleted(query, self.table)
        return query if self.filter is None else query & self.filter

    def get_left_join(self) -> list[Expression] | None:
        """Left joins from the parent to the component; None for masters."""
        if self.parent is None:
            return None
        own, master, link = self.table, self.parent.table, self.linktable
        if link is None:
            return [own.on(self.get_join())]
        on = link[self.rkey] == own[self.fkey]
        return [
            link.on(_not_deleted(master[self.pkey] == link[self.lkey], link)),
            own.on(on if self.filter is None else on & self.filter),
        ]

    def _key_query(self) -> Query:
        """The keys of the component's, the link table's and the parent's records belong together."""
        assert self.parent is not None
        own, master, link = self.table, self.parent.table, self.linktable
        if link is None:
            return master[self.pkey] == own[self.fkey]
        return _not_deleted((master[self.pkey] == link[self.lkey]) & (link[self.rkey] == own[self.fkey]), link)

    # Records that belong together

    def parent_query(self) -> Query:
        """The query for those records of a component that belong to records of its parent."""
        assert self.parent is not None and self.pkey is not None
        if self._is_compared_with_parent():
            return self._compared_query()
        masters = self.parent.subselect(self.pkey)
        if self.linktable is None:
            query = self.table[self.fkey].belongs(masters)
        else:
            link = self.linktable
            links = _not_deleted(link[self.lkey].belongs(masters), link)
            query = self.table[self.fkey].belongs(current.db(links)._select(link[self.rkey]))
        return query if self.filter is None else query & self.filter

    def _is_compared_with_parent(self) -> bool:
        """Whether the records of the component are those that have the same values as their parent's record."""
        filterby = self.hook.filterby
        return isinstance(filterby, Mapping) and any(isinstance(value, FS) for value in filterby.values())

    def _compared_query(self) -> Query:
        assert self.parent is not None
        master = self.parent.table
        # in a select of its own, because the parent's table is no part of the query for the component
        query = self.get_join() & master._id.belongs(self.parent.subselect(master._id.name))
        return self.table._id.belongs(current.db(query)._select(self.table._id))

    def subselect(self, key: str) -> str:
        """SQL of the values of a field of all records of this resource, for "IN (...)"."""
        rfilter = self.rfilter
        if rfilter.virtual is not None or rfilter.extra_filters:
            ids = self.select([self.table._id.name], getids=True).ids or []
            return current.db(among(self.table._id, ids))._select(self.table[key])
        left = rfilter.get_joins()
        return current.db(rfilter.get_query())._select(self.table[key], left=left or None)

    def belonging_ids(self, master_id: Any) -> set[Any]:
        """Ids of all records that belong to a record of the parent, whoever may see them."""
        assert self.parent is not None
        own, master = self.table, self.parent.table
        query = self._key_query() & (master._id == master_id)
        return set(read_columns(query, [own._id])[str(own._id)])

    # Links

    def link_id(self, master_id: Any, component_id: Any) -> int | None:
        """Id of the record of the link table that links a record of the component to one of the parent; None if none does."""
        component = self._linked_component()
        if component is None:
            return None
        return component._find(component.linktable._id, master_id, component.table._id == component_id)

    def component_id(self, master_id: Any, link_id: Any) -> int | None:
        """Id of the record of the component to which a record of the link table leads; None if it leads nowhere.

        Args:
            master_id: id of the parent's record from which it must lead; None for any
        """
        component = self._linked_component()
        if component is None:
            return None
        return component._find(component.table._id, master_id, component.linktable._id == link_id)

    def _linked_component(self) -> Any:
        """This resource, or that to which this link table leads; None without a link table."""
        component = self if self.linked is None else self.linked
        return component if component.linktable is not None else None

    def _find(self, field: Field, master_id: Any, condition: Query) -> int | None:
        assert self.parent is not None
        query = self._key_query() & condition
        if master_id is not None:
            query &= self.parent.table._id == master_id
        found = read_columns(query, [field], limitby=(0, 1))[str(field)]
        return found[0] if found else None

    def update_link(self, master: Mapping[str, Any], record: Mapping[str, Any]) -> int | None:
        """Link a record of the component to one of the parent, unless it is linked already. Checks no permission.

        Args:
            master, record: the two records, with at least their ids and the fields by which they are linked

        Returns:
            the id of the record of the link table; None without a link table, or if a record has no key
        """
        component = self._linked_component()
        if component is None:
            return None
        keys = {component.lkey: master[component.pkey], component.rkey: record[component.fkey]}
        if None in keys.values():
            return None
        link = component.linktable
        query = _not_deleted((link[component.lkey] == keys[component.lkey]) & (link[component.rkey] == keys[component.rkey]), link)
        found = read_columns(query, [link._id], limitby=(0, 1))[str(link._id)]
        return found[0] if found else create_record(current.db[original_name(link)], keys)

    # Defaults

    def get_defaults(
        self, master: Mapping[str, Any], defaults: Mapping[str, Any] | None = None, data: Container[str] = ()
    ) -> dict[str, Any]:
        """Values of a new record of the component, beside its key, that make it one of this component.

        Args:
            master: the record of the parent
            defaults: further values, which go before those that are declared
            data: names of fields that need no default
        """
        if self.parent is None:
            return {}
        values = {**_single_values(self.hook.filterby), **self.defaults, **(defaults or {})}
        return {
            name: FS.extract(self.parent, master, value.name) if isinstance(value, FS) else value
            for name, value in values.items()
            if name not in data
        }


def _not_deleted(query: Query, table: Table) -> Query:
    return query & (table.deleted == False) if "deleted" in table.fields else query


def _single_values(filterby: Any) -> dict[str, Any]:
    """The fields for which there is one value that the filter accepts."""
    values = {}
    for name, value in filterby.items() if isinstance(filterby, Mapping) else ():
        if isinstance(value, (list, tuple, set)):
            if len(value) != 1:
                continue
            value = next(iter(value))
        values[name] = value
    return values
