"""Computed fields of a select: rows for the functions of a model, as those know them."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from s3.s3query import S3ResourceField
from s3.s3resource.faults import Fallible
from s3.s3utils import original_name
from s3dal import Field, Row, Table

__all__ = ("computable_fields", "compute_rows", "computation", "make_row")

# Loaded on demand only, also for computed fields
LARGE_TYPES = frozenset(("blob",))


def computable_fields(table: Table) -> list[Field]:
    """The fields of a table that its computed fields may need."""
    return [field for field in table if field.type not in LARGE_TYPES]


def computation(rfield: S3ResourceField) -> Fallible:
    """What gives the value of a computed field for a row; None, and a line in the log, if the model's function fails."""
    return Fallible(rfield.method.f, _nothing, f"{original_name(rfield.path.table)}.{rfield.fname} cannot be computed")


def make_row(table: Table, names: Sequence[str], values: Iterable[Any], others: Iterable[tuple[str, Any]] = ()) -> Row:
    """A record whose values are found as ``row.name`` and as ``row.<table>.name``: functions of models use either.

    Args:
        others: (colname, value) of fields of other tables
    """
    row = Row(zip(names, values, strict=True))
    nested = Row(row)
    row[original_name(table)] = row[table._tablename] = nested
    for colname, value in others:
        tname, _, fname = colname.partition(".")
        if tname not in row:
            row[tname] = Row()
        row[tname][fname] = value
    for virtual in table._virtual_methods:
        nested[virtual.name] = row[virtual.name] = virtual.handler(virtual.f, row)
    for virtual in table._virtual_fields:
        nested[virtual.name] = row[virtual.name] = Fallible(virtual.f, _nothing, f"{virtual.name} cannot be computed")(row)
    return row


def compute_rows(rfield: S3ResourceField, values: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Values of a computed field of a joined table, for all rows of a select; None where nothing is joined.

    Args:
        values: {"table.field": values}, also of the table's computable fields and of its id
    """
    table, compute = rfield.path.table, computation(rfield)
    fields = computable_fields(table)
    names = [field.name for field in fields]
    rows = zip(*(values[str(field)] for field in fields), strict=True)
    keyed = zip(values[str(table._id)], rows, strict=True)
    return [None if key is None else compute(make_row(table, names, row)) for key, row in keyed]


def _nothing(row: Row) -> None:
    """What stands where nothing can be computed."""
