"""Random filters on random records of every type: SQL, evaluation in Python and a naive reading select the same."""
from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import bare
import oddities
import pytest
from hypothesis import HealthCheck, assume, given, settings

from s3.s3error import S3FilterValueError
from s3.s3query import Joins, S3URLQuery
from s3.s3resource import S3Resource


class World:
    """The database, and the records of each batch by id."""

    def __init__(self, current: Any, batches: list[dict[int, Any]]) -> None:
        self.current = current
        self.batches = batches


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def world(request, tmp_path_factory, web2py_folder):
    from depot import Warden

    uri = "sqlite:memory" if request.param == "sqlite" else request.getfixturevalue("postgres").uri
    with bare.environment(tmp_path_factory.mktemp("odd"), uri) as current:
        current.auth = Warden()
        oddities.define(current)
        yield World(current, oddities.fill(current))


def variables_of(query):
    """URL variables of a filter, by way of the text of a URL; None if there are none that mean the same."""
    try:
        return S3URLQuery.parse_url("?" + urlencode(query.serialize_url(S3Resource("odd_thing")), doseq=True))
    except S3FilterValueError:
        return None


def evaluated(world, query, table, batch):
    """Ids of the records of a batch, of which the filter is true for one row of joined records, as Python decides."""
    resource = S3Resource("odd_thing")
    fields = query.compared_fields(resource)
    joins = Joins(join for rfield in fields for join in rfield.joins)
    db = world.current.db
    needed = {str(rfield.field): rfield.field for rfield in fields if rfield.field is not None}
    # what the computed fields are computed from
    needed.update({str(field): field for field in (table.id, table.name, table.number)})
    rows = db(table.batch == batch).select(*needed.values(), left=joins.left() or None, orderby=table.id, cacheable=True)
    found = []
    for row in rows:
        own = row.odd_thing if "odd_thing" in row else row
        if own.id not in found:
            values = {rfield.colname: rfield.method.f(own) if rfield.virtual else row[rfield.field] for rfield in fields}
            if query(resource, values):
                found.append(own.id)
    return found


@settings(max_examples=2000, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=oddities.CASES)
def test_database_python_and_a_naive_reading_select_the_same(world, case):
    batch, query = case
    things = world.batches[batch]
    table = world.current.db.odd_thing
    oracle = oddities.Oracle()
    expected = [record_id for record_id, thing in things.items() if oracle.selects(query, thing)]

    resource = S3Resource("odd_thing", filter=table.batch == batch)
    resource.add_filter(query)

    assert resource.select(["id"], getids=True).ids == expected
    assert evaluated(world, query, table, batch) == expected


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=oddities.CASES)
def test_filter_in_a_url_selects_the_same(world, case):
    batch, query = case
    variables = variables_of(query)
    assume(variables is not None)
    expected = [record_id for record_id, thing in world.batches[batch].items() if oddities.Oracle().selects(query, thing)]

    resource = S3Resource("odd_thing", filter=world.current.db.odd_thing.batch == batch, vars=variables)

    assert resource.select(["id"], getids=True).ids == expected
