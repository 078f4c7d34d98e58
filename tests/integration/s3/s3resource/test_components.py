"""Components: the records of other tables that belong to those of a resource."""
from __future__ import annotations

import pytest

from s3.s3error import S3SelectorError
from s3.s3query import FS
from s3.s3resource import S3Resource


@pytest.fixture
def letters(depot):
    db = depot.db
    ids = {name: db.depot_item.insert(name=name) for name in "ABC"}
    for name, value, kind in (("A", "A0", "big"), ("A", "A1", None), ("B", "B0", None)):
        db.depot_comp.insert(item_id=ids[name], value=value, kind=kind)
    return ids


def values(resource, alias="comp"):
    component = resource.components[alias]
    return [row[f"{component.table._tablename}.value"] for row in component.select(["value"]).rows]


def test_component_has_the_records_of_its_parent(letters):
    assert values(S3Resource("depot_item")) == ["A0", "A1", "B0"]
    assert values(S3Resource("depot_item", id=letters["A"])) == ["A0", "A1"]
    assert values(S3Resource("depot_item", filter=FS("name") == "B")) == ["B0"]
    assert values(S3Resource("depot_item", id=letters["A"]), "big") == ["A0"]


def test_component_knows_how_it_is_joined(letters):
    component = S3Resource("depot_item").components["big"]

    assert (component.tablename, component.alias, component.table._tablename) == ("depot_comp", "big", "depot_big_comp")
    assert (component.pkey, component.fkey, component.multiple, component.link) == ("id", "item_id", True, None)


def test_component_of_a_component(letters, depot):
    depot.db(depot.db.depot_item.name == "B").update(parent_id=letters["A"])

    children = S3Resource("depot_item", id=letters["A"]).components["child"]

    assert [row["depot_child_item.name"] for row in children.select(["name"]).rows] == ["B"]
    assert values(children) == ["B0"]


def test_component_by_link_table(letters, depot):
    red, blue = depot.db.depot_tag.insert(name="red"), depot.db.depot_tag.insert(name="blue")
    depot.db.depot_item_tag.insert(item_id=letters["A"], tag_id=red)
    depot.db.depot_item_tag.insert(item_id=letters["B"], tag_id=blue)
    depot.db.depot_item_tag.insert(item_id=letters["A"], tag_id=blue, deleted=True)
    resource = S3Resource("depot_item", id=letters["A"])

    component = resource.components["tag"]

    assert [row["depot_tag.name"] for row in component.select(["name"]).rows] == ["red"]
    assert component.link.alias == "tag__link"
    assert component.link.linked is component
    assert [row["depot_item_tag.tag_id"] for row in component.link.select(["tag_id"]).rows] == [red]
    assert resource.components["tag__link"] is component.link
    assert resource.links["item_tag"] is component.link


def test_component_of_the_super_entity(depot):
    pe_id = depot.db.depot_entity.insert(instance_type="depot_item")
    item = depot.db.depot_item.insert(name="x", pe_id=pe_id)
    depot.db.depot_note.insert(pe_id=pe_id, body="mine")
    depot.db.depot_note.insert(pe_id=depot.db.depot_entity.insert(), body="other")

    component = S3Resource("depot_item", id=item).components["note"]

    assert [row["depot_note.body"] for row in component.select(["body"]).rows] == ["mine"]


def test_url_filter_restricts_the_master_and_the_component(letters):
    resource = S3Resource("depot_item", vars={"comp.value": "A0"})

    assert [row["depot_item.name"] for row in resource.select(["name"]).rows] == ["A"]
    assert values(resource) == ["A0"]


def test_url_filter_for_a_component_alone(letters):
    resource = S3Resource("depot_item", vars={"comp.value": "A0"}, filter_component="comp")

    assert resource.count() == 3
    assert values(resource) == ["A0"]


def test_filter_for_a_component_alone(letters):
    resource = S3Resource("depot_item")
    resource.add_component_filter("comp", FS("value") == "A1")

    assert resource.count() == 3
    assert values(resource) == ["A1"]


def test_filter_of_the_parent_by_another_component(letters):
    resource = S3Resource("depot_item", filter=FS("big.value") == "A0")

    assert values(resource) == ["A0", "A1"]


def test_filter_of_the_parent_by_a_computed_field(letters):
    assert values(S3Resource("depot_item", filter=FS("shout") == "B!")) == ["B0"]


def test_component_obeys_its_own_permissions(letters, depot):
    depot.auth.readable["depot_comp"] = lambda table: table.value != "A0"

    assert values(S3Resource("depot_item")) == ["A1", "B0"]


def test_component_hides_what_belongs_to_records_that_the_user_may_not_read(letters, depot):
    depot.auth.readable["depot_item"] = lambda table: table.name != "A"

    assert values(S3Resource("depot_item")) == ["B0"]


def test_components_are_exposed_all_or_some(letters):
    assert sorted(S3Resource("depot_item").components.keys()) == ["big", "child", "comp", "note", "tag"]
    resource = S3Resource("depot_item", components=["comp"])
    assert list(resource.components) == ["comp"]
    assert "big" in resource.components


def test_component_that_does_not_exist(letters):
    components = S3Resource("depot_item").components

    assert components.get("nope") is None
    assert "nope" not in components
    with pytest.raises(KeyError):
        components["nope"]


def test_records_of_a_component_by_master_record(letters):
    resource = S3Resource("depot_item")
    resource.load()

    assert resource.get(letters["B"]).name == "B"
    assert [row.value for row in resource.get(letters["A"], component="comp")] == ["A0", "A1"]
    with pytest.raises(KeyError):
        resource.get(99)
    with pytest.raises(AttributeError):
        resource.get(letters["A"], component="nope")


def test_bad_filter_for_a_component_fails_when_the_component_is_read(letters):
    resource = S3Resource("depot_item")
    resource.add_component_filter("comp", FS("nope") == 1)

    with pytest.raises(S3SelectorError):
        resource.components["comp"].select(["value"])
