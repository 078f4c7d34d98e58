"""Field selectors: where they lead, and what is wrong with those that lead nowhere."""
from __future__ import annotations

from functools import reduce

import pytest
from gluon.validators import IS_EMPTY_OR, IS_IN_SET

from s3.s3error import S3SelectorError
from s3.s3query import FS, S3ResourceQuery
from s3.s3resource import S3Resource
from s3dal import Field


def resolve(selector):
    return S3Resource("depot_item").resolve_selector(selector)


@pytest.mark.parametrize(
    ("selector", "colname", "joined"),
    [
        ("name", "depot_item.name", []),
        ("~.name", "depot_item.name", []),
        # the alias of a master is its name without prefix
        ("item.name", "depot_item.name", []),
        ("id", "depot_item.id", []),
        ("uid", "depot_item.uid", []),
        ("comp.value", "depot_comp.value", ["depot_comp"]),
        # a filtered component has an alias of its own
        ("big.value", "depot_big_comp.value", ["depot_big_comp"]),
        # a table that is its own component as well
        ("child.name", "depot_child_item.name", ["depot_child_item"]),
        # by way of a link table
        ("tag.name", "depot_tag.name", ["depot_item_tag", "depot_tag"]),
        ("tag__link.tag_id", "depot_item_tag.tag_id", ["depot_item_tag"]),
        ("item_tag.tag_id", "depot_item_tag.tag_id", ["depot_item_tag"]),
        # a component of the super-entity
        ("note.body", "depot_note.body", ["depot_note"]),
        # the only key to a table: the table's own name
        ("series_id$name", "depot_series.name", ["depot_series"]),
        ("pe_id$label", "depot_entity.label", ["depot_entity"]),
        # two keys to the same table: each under an alias of its own
        ("from_id$name", "depot_from_id_place.name", ["depot_from_id_place"]),
        ("to_id$name", "depot_to_id_place.name", ["depot_to_id_place"]),
        ("parent_id$name", "depot_parent_id_item.name", ["depot_parent_id_item"]),
        # chains
        ("from_id$region_id$name", "depot_from_id__region_id_region.name", ["depot_from_id_place", "depot_from_id__region_id_region"]),
        ("comp.place_id$name", "depot_comp__place_id_place.name", ["depot_comp", "depot_comp__place_id_place"]),
        ("child.comp.value", "depot_child__comp_comp.value", ["depot_child_item", "depot_child__comp_comp"]),
        # contexts
        ("(location)$name", "depot_from_id_place.name", ["depot_from_id_place"]),
        ("~.(location)$name", "depot_from_id_place.name", ["depot_from_id_place"]),
        ("(region)$name", "depot_from_id__region_id_region.name", ["depot_from_id_place", "depot_from_id__region_id_region"]),
        ("(location)", "depot_item.from_id", []),
        # a table that is no component, by its only key to this one
        ("depot_item_tag.tag_id", "depot_item_tag.tag_id", ["depot_item_tag"]),
        ("item_id:depot_comp.value", "depot_item_id_depot_comp_comp.value", ["depot_item_id_depot_comp_comp"]),
    ],
)
def test_selector_leads_to_a_field_by_left_joins(depot, selector, colname, joined):
    rfield = resolve(selector)

    assert rfield.colname == colname
    assert [join.alias for join in rfield.joins] == joined
    assert rfield.field is not None


@pytest.mark.parametrize(
    "selector",
    [
        "nope",
        "~.nope",
        "~.",
        "",
        ".name",
        "name.",
        "nope.value",
        "comp.nope",
        "nope$name",
        "name$x",
        "tags$x",
        "series_id$nope",
        "series_id$",
        # the full name of the own table is no alias
        "depot_item.name",
        "depot_region.name",
        "other_table.name",
        "(nope)",
        "(nope)$name",
        "(location",
        "$filter",
        "to_id:depot_comp.value",
        "name; DROP TABLE depot_item",
    ],
)
def test_selector_that_leads_nowhere_is_an_error_that_names_it(depot, selector):
    with pytest.raises(S3SelectorError) as error:
        resolve(selector)

    assert error.value.selector == selector


def test_contexts_that_stand_for_each_other_are_an_error(depot):
    depot.s3db.configure("depot_item", context={"a": "(b)", "b": "(a)"})

    with pytest.raises(S3SelectorError):
        resolve("(a)$name")


def test_computed_field_has_its_method_and_label(depot):
    rfield = resolve("shout")

    assert (rfield.virtual, rfield.ftype, rfield.field, rfield.label) == (True, "virtual", None, "Shout")


def test_long_paths_get_an_alias_that_the_database_does_not_cut(depot):
    rfield = resolve("parent_id$parent_id$parent_id$parent_id$parent_id$parent_id$name")

    aliases = [join.alias for join in rfield.joins]
    assert len(set(aliases)) == 6
    assert max(len(alias) for alias in aliases) <= 60


def test_component_is_aliased_if_a_key_leads_to_its_table_too(depot):
    link = {"link": "depot_item_tag", "joinby": "item_id", "key": "tag_id"}
    depot.s3db.add_components("depot_item", depot_series={"name": "episode", **link})

    assert resolve("series_id$name").tname != resolve("episode.name").tname


def test_selector_of_a_component_resource_is_relative_to_it(depot):
    component = S3Resource("depot_item").components["big"]

    assert component.resolve_selector("value").colname == "depot_big_comp.value"
    assert component.resolve_selector("big.value").colname == "depot_big_comp.value"
    assert component.resolve_selector("place_id$name").colname == "depot_place.name"


def test_password_cannot_be_filtered(depot):
    with pytest.raises(S3SelectorError, match="password"):
        S3Resource("depot_item", filter=FS("secret").like("a%")).count()


@pytest.mark.parametrize("name", ["", None, 5])
def test_selector_is_a_text(depot, name):
    with pytest.raises(S3SelectorError):
        FS(name)


def test_value_is_extracted_from_nested_flat_and_extracted_rows(depot):
    resource = S3Resource("depot_item")

    assert FS.extract(resource, {"depot_item": {"name": "x"}}, "~.name") == "x"
    assert FS.extract(resource, {"name": "x"}, FS("name").upper()) == "X"
    assert FS.extract(resource, {"depot_item.name": "x"}, depot.db.depot_item.name) == "x"
    assert FS.extract(resource, {}, 5) == 5
    with pytest.raises(KeyError):
        FS.extract(resource, {"status": "y"}, "~.name")


def joined(depot, *selectors):
    """Aliases of the tables that a filter by all of these selectors joins; the database must take it."""
    resource = S3Resource("depot_item", filter=reduce(S3ResourceQuery.__and__, (FS(selector) == None for selector in selectors)))
    assert resource.count() == len(resource.select(list(selectors)).rows)
    return [join.alias for join in resource.rfilter.joins]


def test_components_of_the_same_table_by_different_keys_are_joined_separately(depot):
    depot.s3db.add_components(
        "depot_item", depot_bond=[{"name": "above", "joinby": "lower_id"}, {"name": "below", "joinby": "upper_id"}, "lower_id"]
    )

    aliases = joined(depot, "above.upper_id", "below.lower_id", "bond.upper_id")

    assert sorted(aliases) == ["depot_above_bond", "depot_below_bond", "depot_bond"]


def test_link_table_with_two_keys_to_the_master_is_joined_for_each(depot):
    depot.s3db.add_components(
        "depot_item",
        depot_item=[
            {"name": "above", "link": "depot_bond", "joinby": "lower_id", "key": "upper_id"},
            {"name": "below", "link": "depot_bond", "joinby": "upper_id", "key": "lower_id"},
        ],
        depot_bond="lower_id",
    )

    aliases = joined(depot, "above.name", "below.name", "bond.upper_id", "above__link.lower_id")

    assert len(aliases) == len(set(aliases)) == 5


def test_table_that_is_component_and_reached_by_a_key_of_another_is_joined_twice(depot):
    aliases = joined(depot, "comp.place_id$name", "from_id$name", "to_id$region_id$name", "from_id$region_id$name")

    assert len(aliases) == len(set(aliases)) == 6


def test_free_join_beside_a_component_of_the_same_table(depot):
    depot.s3db.add_components("depot_item", depot_bond={"name": "above", "joinby": "lower_id"})

    aliases = joined(depot, "above.upper_id", "upper_id:depot_bond.lower_id", "lower_id:depot_bond.upper_id")

    assert len(aliases) == len(set(aliases)) == 3


def test_chains_to_the_same_table_are_filtered_separately(depot):
    db = depot.db
    regions = {name: db.depot_region.insert(name=name) for name in ("North", "South")}
    places = {name: db.depot_place.insert(name=name, region_id=region) for name, region in regions.items()}
    parent = db.depot_item.insert(name="parent", from_id=places["South"], to_id=places["North"])
    db.depot_item.insert(name="child", from_id=places["North"], to_id=places["South"], parent_id=parent)
    query = (FS("from_id$region_id$name") == "North") & (FS("to_id$region_id$name") == "South")
    query &= (FS("parent_id$from_id$region_id$name") == "South") & (FS("parent_id$name") == "parent")

    rows = S3Resource("depot_item", filter=query).select(["name", "parent_id$name", "parent_id$to_id$region_id$name"]).rows

    assert [list(row.values()) for row in rows] == [["child", "parent", "North"]]


@pytest.mark.parametrize(
    ("table", "config"),
    [
        ("depot_item", {"references": {"owned_by_user": "depot_place"}}),
        ("depot_place", {"referenced_by": [("depot_item", "owned_by_user")]}),
    ],
)
def test_field_that_is_declared_to_refer_to_a_table_is_followed(depot, table, config):
    depot.s3db.configure(table, **config)
    place = depot.db.depot_place.insert(name="here", region_id=depot.db.depot_region.insert(name="North"))
    depot.db.depot_item.insert(name="A", owned_by_user=place)

    resource = S3Resource("depot_item", filter=FS("owned_by_user$region_id$name") == "North")

    assert resource.select(["owned_by_user$name"]).rows == [{resolve("owned_by_user$name").colname: "here"}]
    # beside the keys of the DAL, which lead to the same table
    assert len(set(joined(depot, "owned_by_user$name", "from_id$name", "to_id$name"))) == 3
    # and back from there
    back = S3Resource("depot_place", filter=FS("owned_by_user:depot_item.name") == "A")
    assert back.select(["name"]).rows == [{"depot_place.name": "here"}]


def test_list_of_references_is_no_key_to_follow(depot):
    with pytest.raises(S3SelectorError, match="no reference"):
        resolve("tags$name")


def test_component_by_the_context_that_stands_for_its_alias(depot):
    depot.s3db.configure("depot_item", context={"parts": "comp", "where": "comp.place_id"})

    assert resolve("(parts).value").colname == "depot_comp.value"
    assert resolve("~.(parts).value").colname == "depot_comp.value"
    assert resolve("(where)$name").colname == resolve("comp.place_id$name").colname


def test_link_resource_reaches_its_component_by_the_alias(depot):
    db = depot.db
    item, tag = db.depot_item.insert(name="A"), db.depot_tag.insert(name="red")
    db.depot_item_tag.insert(item_id=item, tag_id=tag)
    resource = S3Resource("depot_item")
    resource.components.get("tag")
    link = resource.components.links["tag__link"]

    assert link.resolve_selector("tag.name").colname == "depot_tag.name"
    assert link.select(["tag.name"]).rows == [{"depot_tag.name": "red"}]


def test_joins_are_known_by_the_table_that_they_lead_to(depot):
    left = resolve("from_id$region_id$name").left

    assert list(left) == ["depot_from_id_place", "depot_from_id__region_id_region"]
    assert [join.first._tablename for join in left["depot_from_id__region_id_region"]] == list(left)
    assert [len(joins) for joins in left.values()] == [1, 2]


def test_other_field_of_the_same_table_is_found_by_the_same_way(depot):
    rfield = resolve("from_id$name")
    sibling = rfield.sibling("L1")

    assert (sibling.colname, sibling.label, sibling.joins) == ("depot_from_id_place.L1", depot.db.depot_place.L1.label, rfield.joins)
    assert rfield.colname == "depot_from_id_place.name"


def test_uuid_can_be_selected_by_either_name(depot):
    depot.db.depot_item.insert(name="A", uuid="urn:1")

    assert list(S3Resource("depot_item").select(["uid"]).rows[0].values()) == ["urn:1"]


def test_field_of_one_value_does_not_say_that_it_has_several(depot):
    assert [resolve(selector).multiple for selector in ("name", "from_id$name", "comp.value")] == [False, False, True]


@pytest.mark.parametrize(
    ("ftype", "options", "kinds"),
    [
        ("string", {"a": "A", "b": "B"}, ["lookup"]),
        ("string", ["a", "b"], ["lookup"]),
        ("integer", {1: "One"}, ["lookup"]),
        # numbers to choose from are numbers
        ("integer", [1, 2], ["numeric"]),
        ("string", None, ["string"]),
        ("text", None, ["string"]),
        ("double", None, ["numeric"]),
        ("decimal(10,2)", None, ["numeric"]),
        ("date", None, ["datetime"]),
        ("time", None, ["datetime"]),
        ("reference depot_place", None, ["reference"]),
        ("list:string", None, ["list"]),
        ("boolean", None, []),
    ],
)
def test_kind_of_a_field(depot, ftype, options, kinds):
    requires = IS_EMPTY_OR(IS_IN_SET(options)) if options else None
    field = Field("kind", ftype, requires=requires)
    rfield = resolve("name")
    rfield.field, rfield.ftype, rfield.is_list = field, ftype, ftype.startswith("list:")

    found = [kind for kind in ("lookup", "numeric", "string", "datetime", "reference", "list") if getattr(rfield, f"is_{kind}")]

    assert found == kinds
