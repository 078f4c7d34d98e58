"""The part of a filter that only Python can decide: conditions on computed fields, and what is combined with them.

As SQL, Python decides about combinations of joined records: a record matches if one of its combinations does.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from s3.s3query import Joins, S3ResourceField
from s3.s3resource.computing import computable_fields, compute_rows
from s3.s3resource.gathering import Gathering
from s3.s3resource.reading import read_columns
from s3dal import Expression

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("accepted_ids",)

Combination = tuple[Any, dict[str, Any]]


def accepted_ids(resource: S3Resource, ids: Sequence[Any], left: Sequence[Expression] = ()) -> set[Any]:
    """Those of the records whose values match the virtual part of the filter.

    Args:
        ids: the records that match the other part
        left: joins that the other part needs beside its own
    """
    virtual = resource.rfilter.virtual
    assert virtual is not None
    rfields = list({rfield.colname: rfield for rfield in virtual.compared_fields(resource)}.values())
    joined = [rfield for rfield in rfields if rfield.multiple or (rfield.virtual and rfield.joins)]
    singles = _single_values(resource, ids, [rfield for rfield in rfields if rfield not in joined])
    combinations = _combinations(resource, joined, left) if joined else ((record_id, {}) for record_id in singles)
    accepted = set()
    for record_id, values in combinations:
        single = singles.get(record_id)
        if single is not None and record_id not in accepted and virtual(resource, {**single, **values}):
            accepted.add(record_id)
    return accepted


def _single_values(resource: S3Resource, ids: Sequence[Any], rfields: list[S3ResourceField]) -> dict[Any, dict[str, Any]]:
    """{record id: {colname: value}} of fields that have one value for each record."""
    extra = resource.resolve_selectors(resource.get_config("extra_fields") or (), extra_fields=False)[0]
    gathering = Gathering(resource, [*rfields, *extra])
    gathering.read_ids(ids)
    columns = {rfield.colname: gathering.columns[rfield.colname].stored_values(gathering.ids) for rfield in rfields}
    return {
        record_id: {name: column[position] for name, column in columns.items()} for position, record_id in enumerate(gathering.ids)
    }


def _combinations(resource: S3Resource, rfields: list[S3ResourceField], left: Sequence[Expression]) -> Iterator[Combination]:
    """Each combination of joined records: the record's id, and the values of the fields by name of their column."""
    joins = Joins(resource.rfilter.joins)
    fields = [resource.table._id]
    for rfield in rfields:
        joins.add(rfield.joins)
        table = rfield.path.table
        fields += [rfield.field] if rfield.field is not None else [table._id, *computable_fields(table)]
    values = read_columns(resource.rfilter.get_query(), fields, left=[*joins.left(), *left])
    columns = {
        rfield.colname: compute_rows(rfield, values) if rfield.field is None else values[str(rfield.field)] for rfield in rfields
    }
    for position, record_id in enumerate(values[str(resource.table._id)]):
        yield record_id, {name: column[position] for name, column in columns.items()}
