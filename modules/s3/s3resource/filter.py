"""The effective filter of a resource: what the user may see, what was asked for, and what its parent shows."""
from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any, TypeAlias

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query import Joins, S3ResourceQuery, S3URLQuery
from s3.s3query.logic import sql_all
from s3.s3query.query import adopt
from s3.s3utils import among, original_name
from s3dal import Expression, Query

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("ExtraFilter", "S3ResourceFilter")

Filter: TypeAlias = "S3ResourceQuery | Query"
ExtraFilter = tuple[Any, Any]


class S3ResourceFilter:
    """Collects the conditions of one resource, translates them when they are first needed.

    A filter that cannot be translated raises: see S3ResourceQuery.query.
    """

    def __init__(
        self,
        resource: S3Resource,
        id: Any = None,
        uid: Any = None,
        filter: Filter | None = None,
        vars: Mapping[str, Any] | None = None,
        extra_filters: Iterable[ExtraFilter] | None = None,
        filter_component: str | None = None,
    ) -> None:
        """Parameters as those of S3Resource."""
        self.resource = resource
        self.conditions: list[Filter] = []
        self.component_filters: dict[str, list[Filter]] = {}
        # whether code hides records of the resource; aliases of the components of which it does
        self.hides_records = False
        self.hidden_components: set[str] = set()
        self.extra_filters: list[ExtraFilter] = list(extra_filters or ())
        self.ids = _record_ids(id)
        self.uids = _as_list(uid)
        self.is_single = any(value is not None and not isinstance(value, (list, tuple, set)) for value in (id, uid))
        self._translated: tuple[Query, Joins, S3ResourceQuery | None] | None = None
        self.add(filter)
        for alias, queries in S3URLQuery.parse(resource, vars).items():
            if alias != filter_component:
                self.conditions.extend(queries)
            if alias != resource.alias:
                self.component_filters.setdefault(alias, []).extend(queries)

    def add(self, condition: Filter | None, hides: bool = True) -> None:
        """Add a condition that all records must match.

        Args:
            hides: the condition keeps records from the user; False if it only chooses among those that the user may read
        """
        if condition is not None:
            self.conditions.append(adopt(condition))
            self.hides_records = self.hides_records or hides
            self._translated = None

    def add_component_filter(self, alias: str, condition: Filter | None) -> None:
        """Add a condition for the records of a component that does not restrict the master."""
        if condition is not None:
            self.component_filters.setdefault(alias, []).append(adopt(condition))
            self.hidden_components.add(alias)
            self._translated = None

    def get_query(self) -> Query:
        """The query of the DAL; needs the joins.

        Raises:
            S3SelectorError, S3FilterValueError: the filter cannot be translated
        """
        return self._translate()[0]

    @property
    def joins(self) -> Joins:
        return self._translate()[1]

    def get_joins(self, left: bool = True) -> list[Expression]:
        """The left joins of the query, restricted to what the user may read."""
        return self.joins.left() if left else []

    @property
    def virtual(self) -> S3ResourceQuery | None:
        """The part of the filter that only Python can decide."""
        return self._translate()[2]

    def get_fields(self) -> list[str]:
        """Selectors of the fields that the virtual part needs."""
        return self.virtual.fields() if self.virtual is not None else []

    @property
    def distinct(self) -> bool:
        return bool(self.joins)

    @property
    def multiple(self) -> bool:
        """Whether more than one record can match."""
        return not self.is_single

    def count(self, left: Any = None, distinct: bool = False) -> int:
        """Number of records that match."""
        return self.resource.count(left=left, distinct=distinct)

    def serialize_url(self) -> Storage:
        """The filters as URL variables, from which S3URLQuery makes the same filters; ids and queries of the DAL are no part of it.

        Raises:
            S3FilterValueError, S3SelectorError: URLs cannot say one of the filters
        """
        filters = [condition for condition in self.conditions if isinstance(condition, S3ResourceQuery)]
        return reduce(operator.and_, filters).serialize_url(self.resource) if filters else Storage()

    def apply_extra(self, ids: list[Any]) -> list[Any]:
        """Reduce ids by the extra filters, in the same order."""
        for method, expression in self.extra_filters:
            accepted = set(method(self.resource, ids, expression))
            ids = [record_id for record_id in ids if record_id in accepted]
        return ids

    def _translate(self) -> tuple[Query, Joins, S3ResourceQuery | None]:
        if self._translated is None:
            joins = Joins()
            queries: list[Query] = self._base_queries()
            virtual: S3ResourceQuery | None = None
            hidden = self.hidden_tables()
            for condition in self._all_conditions():
                _check_reach(condition, self.resource, hidden)
                real, computed = _split(condition, self.resource)
                if real is not None:
                    queries.append(real.query(self.resource, joins) if isinstance(real, S3ResourceQuery) else real)
                if computed is not None:
                    virtual = computed if virtual is None else virtual & computed
            self._translated = sql_all(queries), joins, virtual
        return self._translated

    def hidden_tables(self) -> set[str]:
        """Names of the tables of which code hides records from this page, which it cannot do where clients join them."""
        resource = self.resource
        tables = {resource.tablename} if self.hides_records else set()
        for alias in self.hidden_components:
            component = current.s3db.get_component(resource.tablename, alias)
            if component is not None:
                tables.add(original_name(component.table))
        return tables if resource.parent is None else tables | resource.parent.rfilter.hidden_tables()

    def _all_conditions(self) -> list[Filter]:
        parent = self.resource.parent
        inherited = parent.rfilter.component_filters.get(self.resource.alias, []) if parent is not None else []
        return [*self.conditions, *inherited]

    def _base_queries(self) -> list[Query]:
        resource = self.resource
        table = resource.table
        queries: list[Query] = []
        if self.ids is not None:
            queries.append(_is_one_of(table._id, self.ids))
        if self.uids is not None:
            queries.append(_is_one_of(table.uuid, self.uids))
        queries.append(current.auth.s3_accessible_query(resource.access_methods, table))
        if "deleted" in table.fields and not resource.include_deleted:
            queries.append(table.deleted == False)
        if resource.parent is not None:
            queries.append(resource.parent_query())
        return queries


def _split(condition: Filter, resource: S3Resource) -> tuple[Filter | None, S3ResourceQuery | None]:
    return condition.split(resource) if isinstance(condition, S3ResourceQuery) else (condition, None)


def _check_reach(condition: Filter, resource: S3Resource, hidden: set[str]) -> None:
    if not hidden or not isinstance(condition, S3ResourceQuery):
        return
    for part in condition.conditions():
        rfield = part.resolve(resource)
        reached = sorted(rfield.path.reached & hidden)
        if reached:
            raise S3SelectorError(
                f"{rfield.selector} joins {reached[0]}, of which this page hides records", selector=rfield.selector
            )


def _is_one_of(field: Any, values: list[Any]) -> Query:
    return field == values[0] if len(values) == 1 else among(field, values)


def _as_list(value: Any) -> list[Any] | None:
    if value is None:
        return None
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def _record_ids(value: Any) -> list[int] | None:
    values = _as_list(value)
    try:
        return None if values is None else [int(item) for item in values]
    except (TypeError, ValueError) as error:
        raise S3FilterValueError(f"Not a record id: {value!r}", value=value) from error
