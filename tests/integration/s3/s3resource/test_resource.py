"""Resources: how they are made, what they load, and which fields they list."""
from __future__ import annotations

import pytest

from s3.s3error import S3FilterValueError, S3ModelError, S3SelectorError
from s3.s3query import FS
from s3.s3resource import S3Resource


@pytest.fixture
def letters(depot):
    return {name: depot.db.depot_item.insert(name=name, uuid=f"uuid-{name}") for name in "ABC"}


def names(resource):
    return [row.name for row in resource]


def test_table_is_named_in_several_ways(depot):
    for resource in (S3Resource("depot_item"), S3Resource("item", prefix="depot"), S3Resource(depot.db.depot_item)):
        assert (resource.tablename, resource.prefix, resource.name, resource.alias) == ("depot_item", "depot", "item", "item")


def test_another_resource_gives_the_table_without_its_filters(letters):
    assert S3Resource(S3Resource("depot_item", id=letters["A"])).count() == 3


@pytest.mark.parametrize(
    ("name", "error"),
    [("item", S3ModelError), ("depot_nope", S3SelectorError), ("zz_nope", S3SelectorError), (5, S3ModelError)],
)
def test_unknown_table_is_an_error_that_names_it(depot, name, error):
    with pytest.raises(error, match=str(name)):
        S3Resource(name)


def test_errors_are_those_that_python_people_expect(depot):
    with pytest.raises(AttributeError):
        S3Resource("depot_nope")
    with pytest.raises(SyntaxError):
        S3Resource("item")
    with pytest.raises(ValueError):
        S3Resource("depot_item", id="abc")


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        ({"id": 1}, ["A"]),
        ({"id": "2"}, ["B"]),
        ({"id": [1, 3]}, ["A", "C"]),
        ({"id": []}, []),
        ({"uid": "uuid-C"}, ["C"]),
        ({"uid": ["uuid-A", "uuid-B"]}, ["A", "B"]),
        ({"id": 1, "uid": "uuid-B"}, []),
    ],
)
def test_resource_is_restricted_to_records(letters, restriction, expected):
    assert names(S3Resource("depot_item", **restriction)) == expected


def test_resource_of_a_single_record_is_not_multiple(depot):
    assert S3Resource("depot_item").multiple is True
    assert S3Resource("depot_item", id=1).multiple is False
    assert S3Resource("depot_item", id=[1]).multiple is True


def test_filters_are_added_up(letters):
    resource = S3Resource("depot_item", filter=FS("name") != "A")
    assert resource.count() == 2

    resource.add_filter(FS("name") != "B")
    resource.add_filter(None)

    assert resource.count() == 1
    assert names(resource) == ["C"]


def test_filters_are_replaced(letters):
    resource = S3Resource("depot_item", id=letters["A"])

    resource.build_query(filter=FS("name") == "B")
    assert names(resource) == ["B"]

    resource.clear_query()
    assert resource.count() == 3


@pytest.mark.parametrize(
    "read",
    [
        lambda resource: resource.select(["name"]),
        lambda resource: resource.load(),
        lambda resource: resource.count(),
        lambda resource: resource.get_query(),
        lambda resource: resource.get_id(),
        lambda resource: resource.json(),
        lambda resource: resource.delete(),
        lambda resource: resource.update(name="y"),
        lambda resource: resource.components["comp"].load(),
    ],
)
def test_bad_filter_fails_however_the_records_are_read(letters, read):
    added = S3Resource("depot_item")
    added.add_filter(FS("nope") == 1)

    for resource in (S3Resource("depot_item", vars={"~.nope": "1"}), added):
        with pytest.raises(S3SelectorError):
            read(resource)
    with pytest.raises(S3FilterValueError):
        read(S3Resource("depot_item", filter=FS("number") == "x"))


def test_table_may_be_configured_between_filter_and_reading(letters, depot):
    resource = S3Resource("depot_item", vars={"(later)": "A"})

    depot.s3db.configure("depot_item", context={"later": "name"})

    assert names(resource) == ["A"]


def test_global_filter_applies_on_request(letters, depot):
    depot.s3db.context = FS("name") == "A"

    assert S3Resource("depot_item", context=True).count() == 1
    assert S3Resource("depot_item").count() == 3


def test_records_are_loaded_once(letters):
    resource = S3Resource("depot_item")

    assert len(resource) == 0
    assert bool(resource) is True
    assert [row.name for row in resource.load(start=1, limit=1)] == ["B"]
    assert len(resource) == 1
    assert names(resource) == ["B"]
    resource.clear()
    assert names(resource) == ["A", "B", "C"]


def test_loaded_records_can_be_found_by_id(letters):
    resource = S3Resource("depot_item")
    resource.load(orderby="name desc")

    assert resource[letters["B"]].name == "B"
    assert resource[str(letters["B"])].name == "B"
    with pytest.raises(IndexError):
        resource[99]


def test_records_that_are_loaded_anew_are_found_anew(letters):
    resource = S3Resource("depot_item", id=letters["A"])

    assert resource[letters["A"]].name == "A"
    resource.build_query(id=letters["B"])
    assert resource[letters["B"]].name == "B"
    with pytest.raises(IndexError):
        resource[letters["A"]]


def test_loaded_records_are_given_as_rows_of_the_dal(letters):
    resource = S3Resource("depot_item", id=[letters["A"], letters["C"]])

    rows = resource.records()

    assert [row.name for row in rows] == ["A", "C"]
    assert (len(rows), rows.first().name, [row["name"] for row in rows.as_list()]) == (2, "A", ["A", "C"])
    assert rows.first() is resource[letters["A"]]


def test_some_fields_are_loaded_with_those_that_are_always_needed(letters):
    row = S3Resource("depot_item").load(fields=["name"])[0]

    assert {"id", "uuid", "name", "deleted"} <= set(row.keys())
    assert "status" not in row
    assert "name" not in S3Resource("depot_item").load(skip=["name"])[0]


def test_records_are_loaded_by_filters_that_join(letters, depot):
    depot.db.depot_comp.insert(item_id=letters["B"], value="x")
    depot.db.depot_comp.insert(item_id=letters["B"], value="xx")

    assert names(S3Resource("depot_item", filter=FS("comp.value").like("x%"))) == ["B"]


def test_ids_of_the_records(letters):
    assert S3Resource("depot_item", id=letters["A"]).get_id() == letters["A"]
    assert S3Resource("depot_item").get_id() == list(letters.values())
    assert S3Resource("depot_item", id=99).get_id() is None
    assert S3Resource("depot_item", id=letters["A"]).get_uid() == "uuid-A"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("name", "~.name"),
        ("~.name", "~.name"),
        ("a$b.c", "~.a$b.c"),
        ("item.comp.value", "~.comp.value"),
        ("comp.value", "comp.value"),
        ("(location)$name", "~.(location)$name"),
    ],
)
def test_selectors_are_prefixed(depot, selector, expected):
    assert S3Resource("depot_item").prefix_selector(selector) == expected


def test_selector_is_in_a_resource_if_it_is_a_field(depot):
    resource = S3Resource("depot_item")

    assert "name" in resource
    assert "comp.value" in resource
    assert "shout" not in resource
    assert "nope" not in resource


def test_fields_for_a_list_are_those_configured(depot):
    resource = S3Resource("depot_item")
    resource.configure(list_fields=["name", ("Status", "status"), "~.name"])

    assert resource.list_fields() == ["id", "name", ("Status", "status")]
    assert resource.list_fields(id_column=True) == ["name", ("Status", "status")]
    assert resource.list_fields(id_column=False) == ["name", ("Status", "status")]


def test_label_of_the_id_is_kept(depot):
    resource = S3Resource("depot_item")
    resource.configure(list_fields=["name", ("No.", "id")])

    assert resource.list_fields() == [("No.", "id"), "name"]
    assert resource.list_fields(id_column=True) == ["name", ("No.", "id")]
    assert resource.list_fields(id_column=False) == ["name"]


def test_fields_for_notifications_fall_back_to_those_for_lists(depot):
    resource = S3Resource("depot_item")
    readable = [field.name for field in resource.readable_fields()]

    assert resource.list_fields("notify_fields", id_column=False) == readable[1:]
    resource.configure(list_fields=["name"])
    assert resource.list_fields("notify_fields", id_column=False) == ["name"]
    resource.configure(notify_fields=["status"])
    assert resource.list_fields("notify_fields", id_column=False) == ["status"]


def test_passwords_are_never_readable(depot):
    names = [field.name for field in S3Resource("depot_item").readable_fields()]

    assert "secret" not in names
    assert names[0] == "id"


def test_component_does_not_list_the_key_to_its_parent(depot):
    component = S3Resource("depot_item").components["comp"]
    component.configure(list_fields=["item_id", "value"])

    assert component.list_fields(id_column=True) == ["value"]
    assert "item_id" not in [field.name for field in component.readable_fields()]
    depot.response.s3.component_show_key = True
    assert component.list_fields(id_column=True) == ["item_id", "value"]


def test_selectors_are_resolved_with_labels_and_joins(depot):
    rfields, _, left, distinct = S3Resource("depot_item").resolve_selectors(["name", ("V", "comp.value")])

    assert [(rfield.selector, rfield.label) for rfield in rfields] == [("~.name", "Name"), ("comp.value", "V")]
    assert (list(left), distinct) == (["depot_comp"], True)


def test_components_can_be_skipped(depot):
    rfields, *_ = S3Resource("depot_item").resolve_selectors(["name", "comp.value"], skip_components=True)

    assert [rfield.selector for rfield in rfields] == ["~.name"]


def test_extra_fields_are_loaded_for_computed_fields_but_not_shown(depot):
    depot.db.depot_item.insert(name="x", status="y")
    depot.s3db.configure("depot_item", extra_fields=["status"])

    data = S3Resource("depot_item").select(["shout"])

    assert data.rows == [{"depot_item.shout": "X!"}]
