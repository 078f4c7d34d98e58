"""Filters by hierarchies: records, or what is below them."""
from __future__ import annotations

import pytest
from bare import counted_queries

from s3.s3error import S3SelectorError
from s3.s3query import FS, S3URLQuery
from s3.s3resource import S3Resource


@pytest.fixture
def places(depot):
    """World > (North > (Town, Village), South) in a hierarchy of items, with a record of another table for each; {name: id}."""
    db = depot.db
    depot.s3db.configure("depot_item", hierarchy="parent_id")
    ids = {}
    for name, parent in (("World", None), ("North", "World"), ("South", "World"), ("Town", "North"), ("Village", "North")):
        ids[name] = db.depot_item.insert(name=name, parent_id=ids.get(parent))
        db.depot_comp.insert(value=name, item_id=ids[name])
    db.depot_comp.insert(value="nowhere")
    return ids


def names(query=None, **variables):
    return [row["depot_comp.value"] for row in S3Resource("depot_comp", filter=query, vars=variables).select(["value"]).rows]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["North"], ["North", "Town", "Village"]),
        (["World"], ["World", "North", "South", "Town", "Village"]),
        (["South", "Town"], ["South", "Town"]),
        ([], []),
        (["South", None], ["South", "nowhere"]),
        ([None], ["nowhere"]),
    ],
)
def test_key_of_a_record_or_of_one_below(places, wanted, found):
    ids = [None if name is None else places[name] for name in wanted]

    assert names(FS("item_id").typeof(ids)) == found
    assert names(FS("item_id$id").typeof(ids)) == found


def test_records_of_the_hierarchy_and_their_components(places):
    def found(query):
        return [row["depot_item.name"] for row in S3Resource("depot_item", filter=query).select(["name"]).rows]

    assert found(FS("id").typeof(places["North"])) == ["North", "Town", "Village"]
    assert found(FS("name").typeof("North")) == ["North", "Town", "Village"]
    assert found(FS("parent_id").typeof(places["World"])) == ["North", "South", "Town", "Village"]
    assert found(FS("comp.item_id").typeof(places["North"])) == ["North", "Town", "Village"]
    assert found(FS("child.name").typeof("Town")) == ["North"]


def test_one_value_needs_no_list(places):
    assert names(FS("item_id").typeof(places["North"])) == ["North", "Town", "Village"]
    assert names(**{"~.item_id__typeof": str(int(places["North"]))}) == ["North", "Town", "Village"]
    assert names(**{"~.item_id__typeof!": str(int(places["North"]))}) == ["World", "South"]
    assert names(**{"~.item_id__typeof": f"{int(places['South'])},NONE"}) == ["South", "nowhere"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("North", ["North", "Town", "Village"]),
        (["South", "Village"], ["South", "Village"]),
        ("N*", ["North", "Town", "Village"]),
        ("nope", []),
        (["South", None], ["South", "nowhere"]),
    ],
)
def test_other_field_of_the_table_finds_the_records_first(places, wanted, found):
    assert names(FS("item_id$name").typeof(wanted)) == found


def test_of_records_that_may_not_be_read_nothing_is_told(places, depot):
    depot.auth.readable["depot_item"] = lambda table: table.name != "North"

    assert names(FS("item_id$name").typeof("North")) == []
    assert names(FS("item_id$name").typeof("Town")) == ["Town"]


def test_archived_records_are_not_found_by_name(places, depot):
    depot.db(depot.db.depot_item.name == "North").update(deleted=True)

    assert names(FS("item_id$name").typeof("North")) == []


def test_field_without_a_hierarchy_is_compared_as_with_belongs(places):
    assert names(FS("value").typeof(["North", "S*"])) == ["North", "South"]
    assert names(FS("place_id").typeof([None])) == ["World", "North", "South", "Town", "Village", "nowhere"]


def test_computed_fields_beside_hierarchies(places):
    query = (FS("item_id$shout") == "SOUTH!") | FS("item_id$name").typeof("North")

    assert names(query) == ["North", "South", "Town", "Village"]


def test_hierarchy_is_looked_up_once(places, depot):
    resource = S3Resource("depot_comp", filter=(FS("item_id$shout") == "x") | FS("item_id").typeof(places["North"]))

    with counted_queries(depot.db) as sent:
        resource.select(["value"])

    assert len([sql for sql in sent if "RECURSIVE" in sql]) == 1


def test_hierarchy_in_a_url_is_the_same(places):
    query = FS("item_id$name").typeof(["South", "Village"])

    assert query.serialize_url() == {"~.item_id$name__typeof": "South,Village"}
    assert names(**S3URLQuery.parse_url("?~.item_id$name__typeof=South,Village")) == ["South", "Village"]


@pytest.mark.parametrize("selector", ["~.parent_id", "~.id", "~.name"])
def test_hierarchy_tells_nothing_of_records_that_code_hides(places, depot, selector):
    variables = {f"{selector}__typeof": "2"}

    hiding = S3Resource("depot_item", filter=depot.db.depot_item.name != "North", vars=variables)

    with pytest.raises(S3SelectorError, match="hides records"):
        hiding.count()
    assert S3Resource("depot_comp", filter=FS("value") != "x", vars={"~.item_id__typeof": "2"}).count() == 3
