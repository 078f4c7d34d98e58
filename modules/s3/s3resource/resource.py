"""S3Resource: the records of one table that a user may see, filtered, and how to read and write them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gluon import current

from s3.s3error import S3ModelError, S3SelectorError
from s3.s3query import S3ResourceQuery, component_query
from s3.s3resource.components import S3Components
from s3.s3resource.data import S3ResourceData, limitby, rows_to_json
from s3.s3resource.exchange.mixin import ExchangeMixin
from s3.s3resource.fields import FieldsMixin
from s3.s3resource.filter import ExtraFilter, Filter, S3ResourceFilter
from s3.s3resource.joining import JoiningMixin
from s3.s3resource.records import RecordsMixin
from s3.s3resource.writing import WritingMixin
from s3.s3utils import original_name
from s3dal import Query, Table

__all__ = ("S3Resource",)


class S3Resource(ExchangeMixin, FieldsMixin, JoiningMixin, RecordsMixin, WritingMixin):
    """The records of a table that the current user may read and that match the filters.

    Source: Eden s3resource.py S3Resource.

    Attributes:
        tablename, prefix, name: "cms_post", "cms", "post"
        alias: the name, or the alias as component
        table: the table, possibly an alias; _table: the table itself
        parent: the resource that this is a component of
        linked: the component that this link table leads to; link: the link table of this component
        error: why the last write failed
    """

    def __init__(
        self,
        tablename: str | Table | S3Resource,
        id: Any = None,
        prefix: str | None = None,
        uid: Any = None,
        filter: Filter | None = None,
        vars: Mapping[str, Any] | None = None,
        parent: S3Resource | None = None,
        linked: S3Resource | None = None,
        linktable: Table | None = None,
        alias: str | None = None,
        components: Iterable[str] | None = None,
        filter_component: str | None = None,
        include_deleted: bool = False,
        approved: bool = True,
        unapproved: bool = False,
        context: bool = False,
        extra_filters: Iterable[ExtraFilter] | None = None,
        hook: Any = None,
    ) -> None:
        """
        Args:
            tablename: full name, name without prefix if that is given, Table, or another resource of the table
            id, uid: record id(s), uuid(s) to restrict the resource to; [] for no records
            filter: S3ResourceQuery or Query of the DAL
            vars: URL variables, of which the filters are applied
            components: aliases of components to expose; None for all
            filter_component: alias; URL filters for this component do not restrict the master
            include_deleted: also archived records
            approved, unapproved: records that are, or are not yet, approved
            context: apply the global filter of the deployment
            extra_filters: (method(resource, ids, expression) -> ids, expression), applied after all others
            parent, linked, linktable, alias, hook: for components

        Raises:
            S3ModelError, S3SelectorError: no such table
            S3SelectorError: an unknown operator in a URL filter

        That a filter does not suit the table shows when records are first read or counted: until then a deployment may
        still configure the table, for example its contexts.
        """
        self.table = self._find_table(tablename, prefix)
        self.tablename: str = original_name(self.table)
        self.prefix, _, self.name = self.tablename.partition("_")
        self.alias = alias or self.name
        self._table: Table = current.db[self.tablename]
        self._alias: str = self.table._tablename
        self._id = self.table._id
        self.fields: list[str] = list(self.table.fields)
        self.parent = parent
        self.linked = linked
        self.link: S3Resource | None = None
        self.linktable = hook.linktable if hook is not None else linktable
        self._join_to_parent(hook)
        self.include_deleted: bool = parent.include_deleted if parent is not None else include_deleted
        self.access_methods: str | list[str] = parent.access_methods if parent is not None else _access_methods(approved, unapproved)
        current.auth.permission.set_default_approver(self._table)
        self.components = S3Components(self, expose=components)
        self.vars = vars
        self.error: Any = None
        self.lastid: Any = None
        self.clear()
        self.build_query(id, uid, filter, vars, extra_filters, filter_component)
        if context:
            self.add_filter(current.s3db.context)

    def __repr__(self) -> str:
        return f"<S3Resource {self.tablename} alias={self.alias}>"

    @staticmethod
    def _find_table(tablename: str | Table | S3Resource, prefix: str | None) -> Table:
        if isinstance(tablename, Table):
            return tablename
        if isinstance(tablename, S3Resource):
            return tablename.table
        if not isinstance(tablename, str):
            raise S3ModelError(f"Not a table: {tablename!r}")
        fullname = f"{prefix}_{tablename}" if prefix else tablename
        if "_" not in fullname:
            raise S3ModelError(f"Not a table name: {fullname!r}, expected <prefix>_<name>")
        table = current.s3db.table(fullname, db_only=True)
        if table is None:
            raise S3SelectorError(f"Undefined table: {fullname}{current.s3db.why_missing(fullname)}", table=fullname)
        return table

    def _join_to_parent(self, hook: Any) -> None:
        self.hook = hook
        self.pkey: str | None = hook.pkey if hook is not None else None
        self.fkey: str | None = hook.fkey if hook is not None else None
        self.lkey: str | None = hook.lkey if hook is not None else None
        self.rkey: str | None = hook.rkey if hook is not None else None
        self.multiple: bool = bool(hook.multiple) if hook is not None else True
        self.actuate: Any = hook.actuate if hook is not None else None
        self.autodelete: Any = hook.autodelete if hook is not None else False
        self.defaults: dict[str, Any] = dict(hook.defaults or {}) if hook is not None else {}
        has_filter = hook is not None and self.parent is not None
        self.filter: Query | None = component_query(hook, self.table, self.parent.table) if has_filter and self.parent else None

    @property
    def links(self) -> dict[str, S3Resource]:
        """Link tables of the components loaded so far, by alias and by name."""
        return self.components.links

    # Configuration

    def configure(self, **settings: Any) -> None:
        """Set configuration keys of the table."""
        current.s3db.configure(self.tablename, **settings)

    def get_config(self, key: str, default: Any = None) -> Any:
        """Value of a configuration key of the table."""
        return current.s3db.get_config(self.tablename, key, default)

    def clear_config(self, *keys: str) -> None:
        """Remove configuration keys of the table."""
        current.s3db.clear_config(self.tablename, *keys)

    # Filters

    def build_query(
        self,
        id: Any = None,
        uid: Any = None,
        filter: Filter | None = None,
        vars: Mapping[str, Any] | None = None,
        extra_filters: Iterable[ExtraFilter] | None = None,
        filter_component: str | None = None,
    ) -> S3ResourceFilter:
        """Replace all filters; parameters as those of the constructor."""
        self.rfilter = S3ResourceFilter(self, id, uid, filter, vars, extra_filters, filter_component)
        if self.rfilter.is_single:
            self.multiple = False
        self.clear()
        return self.rfilter

    def add_filter(self, f: Filter | None = None, c: str | None = None, hides: bool = True) -> None:
        """Add a filter.

        Args:
            c: alias of a component; the filter then restricts the records of this component, not those of the master
            hides: the filter keeps records from the user, so that no filter of a client may join the table a second
                time; False if it only chooses among the records that the user may read
        """
        if f is None:
            return
        if c is not None and c != self.alias:
            self.add_component_filter(c, f)
            return
        self.rfilter.add(f, hides)
        self.clear()

    def add_component_filter(self, alias: str, f: Filter | None = None) -> None:
        """Add a filter for the records of a component that does not restrict the master."""
        self.rfilter.add_component_filter(alias, f)
        self.components.reset([alias])

    def add_extra_filter(self, method: Any, expression: Any) -> None:
        """Add a filter method(resource, ids, expression) -> ids, applied after all others."""
        self.rfilter.extra_filters.append((method, expression))
        self.clear()

    def set_extra_filters(self, filters: Iterable[ExtraFilter] | None) -> None:
        """Replace the extra filters."""
        self.rfilter.extra_filters = list(filters or ())
        self.clear()

    def get_query(self) -> Query:
        """Query of the DAL with all filters; needs the joins of ``rfilter.get_joins()``."""
        return self.rfilter.get_query()

    def get_filter(self) -> S3ResourceQuery | None:
        """The part of the filters that only Python can decide, if any."""
        return self.rfilter.virtual

    def clear_query(self) -> None:
        """Remove all filters beside those of permissions and deletion."""
        self.build_query()

    # Reading

    @staticmethod
    def limitby(start: int | None = 0, limit: int | None = 0) -> tuple[int, int] | None:
        """First and last record of a page: no limit if it is None, the default page length if 0."""
        return limitby(start, limit)

    def count(self, left: Any = None, distinct: bool = False) -> int:
        """Number of records that match; remembered until filters change."""
        if self._length is None:
            rfilter = self.rfilter
            if left or rfilter.virtual is not None or rfilter.extra_filters:
                self._length = self.select([self._id.name], left=left, getids=True).numrows
            else:
                joins = rfilter.get_joins()
                number = self._id.count(distinct=True) if joins else self._id.count()
                self._length = int(current.db(rfilter.get_query()).select(number, left=joins or None).first()[number])
        return self._length

    def select(
        self,
        fields: Iterable[Any] | None,
        start: int | None = 0,
        limit: int | None = None,
        left: Any = None,
        orderby: Any = None,
        groupby: Any = None,
        distinct: bool = False,
        virtual: bool = True,
        count: bool = False,
        getids: bool = False,
        as_rows: bool = False,
        represent: bool = False,
        show_links: bool = True,
        raw_data: bool = False,
    ) -> S3ResourceData:
        """Extract fields of the records.

        Args:
            fields: selectors, or (label, selector); None for the readable fields
            start, limit: page; limit None for all records, 0 for the default page length
            left: left joins that a filter of the DAL needs
            orderby: "field [desc], ...", Field, ~Field, expression of the DAL, or a list of these
            groupby: field(s), gives Rows of these alone
            distinct: no effect, because each record comes once anyway
            virtual: with as_rows, also what the table's ``virtualfields`` add to each row
            count, getids: determine numrows and ids also for a page
            as_rows: give Rows of the DAL, one for each combination of joined records
            represent: give representations instead of values
            show_links: False represents without links
            raw_data: with represent, add the values as "_row"

        Returns:
            an object with rfields, rows, numrows and ids. rows is a list of {colname: value}, each record once: None, a
            value, or a list if a component has several different ones; fields of list types are always lists.
            Represented: text or HTML element; several are joined by ", ". Text is not escaped.

        Raises:
            S3SelectorError: a selector means no field of this resource
        """
        return S3ResourceData(
            self, fields, start=start, limit=limit, left=left, orderby=orderby, groupby=groupby, distinct=distinct, virtual=virtual,
            count=count, getids=getids, as_rows=as_rows, represent=represent, show_links=show_links, raw_data=raw_data,
        )  # fmt: skip

    def json(
        self,
        fields: Iterable[Any] | None = None,
        start: int | None = 0,
        limit: int | None = None,
        left: Any = None,
        distinct: bool = False,
        orderby: Any = None,
    ) -> str:
        """JSON list of the records, {colname: value} each; dates are ISO 8601, UTC with "Z"."""
        data = self.select(fields, start=start, limit=limit, left=left, distinct=distinct, orderby=orderby)
        return rows_to_json(data.rows)


def _access_methods(approved: bool, unapproved: bool) -> str | list[str]:
    methods = [name for name, is_wanted in (("read", approved), ("review", unapproved)) if is_wanted]
    return methods[0] if len(methods) == 1 else methods or "read"
