"""Field selectors: where they lead, and what is wrong with those that lead nowhere."""
from __future__ import annotations

import pytest

from s3.s3error import S3SelectorError
from s3.s3query import FS
from s3.s3resource import S3Resource


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
