"""Components: the records of other tables that belong to those of a resource."""
from __future__ import annotations

import pytest
from bare import counted_queries

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


@pytest.fixture
def tagged(letters, depot):
    """A is red and blue, B is red; C is green no more."""
    tags = {name: depot.db.depot_tag.insert(name=name) for name in ("red", "blue", "green")}
    for item, tag in (("A", "red"), ("A", "blue"), ("B", "red")):
        depot.db.depot_item_tag.insert(item_id=letters[item], tag_id=tags[tag])
    depot.db.depot_item_tag.insert(item_id=letters["C"], tag_id=tags["green"], deleted=True)
    return tags


def test_component_of_the_same_values_as_its_parent(letters, depot):
    depot.s3db.add_components("depot_item", depot_comp={"name": "own", "joinby": "item_id", "filterby": {"kind": FS("status")}})
    depot.db(depot.db.depot_item.id == letters["A"]).update(status="big")
    depot.db(depot.db.depot_item.id == letters["B"]).update(status="big")

    assert values(S3Resource("depot_item"), "own") == ["A0"]
    assert values(S3Resource("depot_item", id=letters["B"]), "own") == []
    # as the joins of a selector find them
    assert [row["depot_own_comp.value"] for row in S3Resource("depot_item").select(["own.value"]).rows] == ["A0", None, None]


def test_component_of_the_same_values_by_a_link_table(tagged, letters, depot):
    depot.s3db.add_components(
        "depot_item",
        depot_tag={"name": "same", "link": "depot_item_tag", "joinby": "item_id", "key": "tag_id", "filterby": {"name": FS("status")}},
    )
    depot.db(depot.db.depot_item).update(status="red")

    component = S3Resource("depot_item", id=letters["A"]).components["same"]

    assert [row["depot_same_tag.name"] for row in component.select(["name"]).rows] == ["red"]
    assert S3Resource("depot_item", id=letters["C"]).components["same"].count() == 0


def test_joins_of_a_component(tagged, letters, depot):
    db = depot.db
    master = S3Resource("depot_item")
    for alias, expected in (("comp", 3), ("big", 1), ("tag", 3)):
        component = master.components[alias]
        pairs = db(component.get_join()).select(db.depot_item.id, component._id)
        rows = db(db.depot_item.id > 0).select(component._id, left=component.get_left_join())

        assert len(pairs) == expected
        assert sorted(str(row[component._id.name]) for row in rows if row[component._id.name]) == sorted(
            str(row[component.table._tablename].id) for row in pairs
        )
    assert (master.get_join(), master.get_left_join()) == (None, None)


def test_records_of_a_linked_component_by_master_record(tagged, letters):
    resource = S3Resource("depot_item")

    assert [row.name for row in resource.get(letters["A"], component="tag")] == ["red", "blue"]
    assert resource.get(letters["C"], component="tag") == []
    assert [row.tag_id for row in resource.get(letters["B"], link="tag")] == [tagged["red"]]


def test_records_of_a_component_are_found_with_few_queries(letters, depot):
    resource = S3Resource("depot_item")
    resource.load()
    resource.components["comp"].load()

    with counted_queries(depot.db) as sent:
        resource.get(letters["A"], component="comp")

    assert len(sent) == 1


def test_links_are_found_from_either_side(tagged, letters, depot):
    component = S3Resource("depot_item").components["tag"]
    link = depot.db(depot.db.depot_item_tag.item_id == letters["B"]).select().first()

    for resource in (component, component.link):
        assert resource.link_id(letters["B"], tagged["red"]) == link.id
        assert resource.link_id(letters["B"], tagged["blue"]) is None
        assert resource.link_id(letters["C"], tagged["green"]) is None
        assert resource.component_id(letters["B"], link.id) == tagged["red"]
        assert resource.component_id(letters["A"], link.id) is None
        assert resource.component_id(None, link.id) == tagged["red"]


def test_without_a_link_table_nothing_is_linked(letters):
    component = S3Resource("depot_item").components["comp"]

    assert component.link_id(letters["A"], 1) is None
    assert component.component_id(letters["A"], 1) is None
    assert component.update_link({"id": letters["A"]}, {"id": 1}) is None


def test_records_are_linked_once(tagged, letters, depot):
    seen = []
    depot.s3db.configure("depot_item_tag", create_onaccept=lambda form: seen.append(form.vars.id))
    link = S3Resource("depot_item").components["tag"].link
    master, record = depot.db.depot_item(letters["C"]), depot.db.depot_tag(tagged["green"])

    made = link.update_link(master, record)

    assert seen == [made]
    assert depot.db.depot_item_tag(made).tag_id == tagged["green"]
    assert link.update_link(master, record) == made
    # the link that has been removed stays removed
    assert depot.db(depot.db.depot_item_tag.tag_id == tagged["green"]).count() == 2


def test_record_without_key_cannot_be_linked(tagged, letters):
    link = S3Resource("depot_item").components["tag"].link

    assert link.update_link({"id": None}, {"id": tagged["red"]}) is None


def test_values_that_make_a_record_one_of_the_component(letters, depot):
    depot.s3db.add_components("depot_item", depot_comp={
        "name": "own", "joinby": "item_id", "defaults": {"value": "?"},
        "filterby": {"kind": FS("status"), "value": ["v"], "place_id": [1, 2]},
    })  # fmt: skip
    depot.db(depot.db.depot_item.id == letters["A"]).update(status="big")
    component = S3Resource("depot_item").components["own"]
    master = depot.db.depot_item(letters["A"])

    assert component.get_defaults(master) == {"kind": "big", "value": "?"}
    assert component.get_defaults(master, defaults={"value": "!"}) == {"kind": "big", "value": "!"}
    assert component.get_defaults(master, data={"kind": "small"}) == {"value": "?"}
    assert S3Resource("depot_item").get_defaults(master) == {}


def test_components_are_made_anew_after_a_reset(letters):
    components = S3Resource("depot_item").components
    first = components["comp"]

    assert components["comp"] is first
    components.reset(["big"])
    assert components["comp"] is first
    components.reset(expose=["comp"])
    assert components["comp"] is not first
    assert list(components.keys()) == ["comp"]
    assert components.loaded == {"comp": components["comp"]}


def test_name_of_one_component_exposes_it(letters):
    assert list(S3Resource("depot_item", components="comp").components.keys()) == ["comp"]


def test_component_inherits_what_records_its_parent_has(letters, depot):
    depot.db(depot.db.depot_comp.value == "A1").update(deleted=True)

    assert values(S3Resource("depot_item")) == ["A0", "B0"]
    assert values(S3Resource("depot_item", include_deleted=True)) == ["A0", "A1", "B0"]


def test_filter_of_a_component_by_a_computed_field_of_its_parent_counts_right(letters):
    component = S3Resource("depot_item", filter=FS("shout") != "B!").components["comp"]

    assert component.count() == 2
    assert component.select(["value"], limit=1, count=True).numrows == 2


def test_link_table_without_the_flag_keeps_the_linked_records(tagged, letters, depot):
    assert S3Resource("depot_item", id=letters["A"]).components["tag"].link.delete() == 2

    assert depot.db(depot.db.depot_tag.deleted == False).count() == 3


def test_linked_record_goes_with_its_last_link(tagged, letters, depot):
    depot.s3db.add_components("depot_item", depot_tag={"link": "depot_item_tag", "joinby": "item_id", "key": "tag_id", "autodelete": True})

    assert S3Resource("depot_item", id=letters["A"]).components["tag"].link.delete() == 2

    # red is B's, too
    assert [row.name for row in depot.db(depot.db.depot_tag.deleted == False).select()] == ["red", "green"]


def test_linked_record_that_may_not_go_keeps_its_link(tagged, letters, depot):
    depot.s3db.add_components("depot_item", depot_tag={"link": "depot_item_tag", "joinby": "item_id", "key": "tag_id", "autodelete": True})
    depot.auth.forbidden.add(("delete", "depot_tag"))
    link = S3Resource("depot_item", id=letters["A"]).components["tag"].link

    assert link.delete() == 0

    assert link.error == depot.ERROR.NOT_PERMITTED
    assert depot.db(depot.db.depot_item_tag.deleted == False).count() == 3


def test_filter_of_one_component_by_name(letters):
    resource = S3Resource("depot_item")
    resource.add_filter(FS("value") == "A1", "comp")
    resource.add_filter(FS("name") == "A", "item")

    assert values(resource) == ["A1"]
    assert resource.count() == 1


def test_component_filter_of_the_dal_beside_url_filters(letters, depot):
    resource = S3Resource("depot_item", vars={"comp.value__belongs": "A0,A1"}, filter_component="comp")
    resource.add_component_filter("comp", depot.db.depot_comp.value != "A0")

    assert values(resource) == ["A1"]
    assert resource.count() == 3
