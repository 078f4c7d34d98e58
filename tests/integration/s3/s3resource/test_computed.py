"""Computed fields of a resource: what their functions are given, what becomes of what they return, and filters by them."""
from __future__ import annotations

import pytest
from bare import counted_queries
from gluon.html import XML

from s3.s3fields import s3_fieldmethod
from s3.s3query import FS
from s3.s3resource import S3Resource
from s3.s3utils import s3_str
from s3dal import Field


@pytest.fixture
def letters(depot):
    """A has A0 and A1, B has B0, C has nothing; B is a child of A."""
    db = depot.db
    ids = {name: db.depot_item.insert(name=name, number=number) for name, number in (("A", 1), ("B", 2), ("C", None))}
    for name, value in (("A", "A0"), ("A", "A1"), ("B", "B0")):
        db.depot_comp.insert(item_id=ids[name], value=value)
    db(db.depot_item.id == ids["B"]).update(parent_id=ids["A"])
    return ids


@pytest.fixture
def compute(depot):
    """Adds a computed field to items until the end of the test."""
    virtuals = depot.db.depot_item._virtual_methods
    before = list(virtuals)

    def add(name, f, **attr):
        virtuals.append(s3_fieldmethod(name, f, **attr) if attr else Field.Method(name, f))

    yield add
    virtuals[:] = before


def values(selector, resource=None, **options):
    data = (resource or S3Resource("depot_item")).select([selector], **options)
    return [row[data.rfields[0].colname] for row in data.rows]


def names(resource, **options):
    return values("name", resource, **options)


def double(row):
    return row.number * 2


def test_function_may_read_the_row_either_way(letters, compute):
    compute("flat", lambda row: row.name + "!")
    compute("nested", lambda row: row.depot_item.name + "!")
    # the custom of functions that are also called with plain rows
    compute("either", lambda row: (row.depot_item if hasattr(row, "depot_item") else row)["name"] + "!")
    compute("dotted", lambda row: row["depot_item.name"] + "!")

    for name in ("flat", "nested", "either", "dotted"):
        assert values(name) == ["A!", "B!", "C!"]


def test_functions_may_call_one_another(letters, compute):
    compute("twice", lambda row: row.shout() + row.depot_item.shout())

    assert values("twice") == ["A!A!", "B!B!", "C!C!"]


def test_function_of_a_joined_record_may_read_it_either_way(letters, compute):
    compute("nested", lambda row: row.depot_item.name + "!")

    assert values("parent_id$nested") == [None, "A!", None]
    assert values("parent_id$shout") == [None, "A!", None]


def test_function_fails_for_one_record_alone(letters, depot, compute):
    compute("double", double)

    assert values("double") == [2, 4, None]
    assert values("double", represent=True) == ["2", "4", "-"]
    # one line for each select, however many records
    assert len(depot.log.lines) == 2
    assert depot.log.lines[0].startswith("depot_item.double cannot be computed: TypeError")


def test_function_of_a_joined_record_fails_for_this_record_alone(letters, depot, compute):
    compute("tenth", lambda row: 10 / (row.number - 1))

    assert values("parent_id$tenth") == [None, None, None]
    assert "depot_item.tenth cannot be computed: ZeroDivisionError" in depot.log.lines[0]


def test_fault_of_the_database_is_no_fault_of_a_function(letters, depot, compute):
    compute("broken", lambda row: depot.db.executesql("SELECT nonsense"))

    with pytest.raises(Exception, match="nonsense"):
        values("broken")


def test_representation_of_a_computed_field(letters, compute):
    compute("double", double, represent=lambda value: "nothing" if value is None else f"{value} pieces")

    assert values("double", represent=True) == ["2 pieces", "4 pieces", "nothing"]


def test_fields_that_a_function_needs_of_other_tables_are_given_to_it(letters, depot, compute):
    depot.s3db.configure("depot_item", extra_fields=["comp.value", "parent_id$name"])
    compute("parts", lambda row: row.depot_comp.value)
    compute("parent", lambda row: row.depot_parent_id_item.name)

    data = S3Resource("depot_item").select(["parts", "parent"])

    assert [list(row.values()) for row in data.rows] == [[["A0", "A1"], None], ["B0", "A"], [None, None]]


def test_function_that_returns_a_list(letters, compute):
    compute("both", lambda row: [row.name, row.number] if row.number != 2 else [row.name])

    assert values("both") == [["A", 1], ["B"], ["C", None]]
    # nothing is left out but what is missing
    assert values("both", represent=True) == ["A, 1", "B", "C"]
    data = S3Resource("depot_item").select(["both"], represent=True, raw_data=True)
    assert [row._row["depot_item.both"] for row in data.rows] == [["A", 1], ["B"], ["C", None]]


def test_values_of_any_type_are_represented_one_by_one(letters, compute):
    # equal as keys of a dict, or no keys at all
    compute("any", lambda row: {"A": 1, "B": True, "C": {"x": []}}[row.name])

    assert values("any", represent=True) == ["1", "True", "{'x': []}"]


def test_element_among_texts_of_a_computed_field(letters, compute):
    compute("mixed", lambda row: [row.name, "<b>"], represent=lambda value: XML("<i>A</i>") if value == "A" else value)

    shown = values("mixed", represent=True)

    assert s3_str(shown[0].xml()) == "<i>A</i>, &lt;b&gt;"
    assert shown[1] == "B, <b>"


def test_virtual_field_of_the_dal(letters, depot):
    virtual = Field.Virtual("size", lambda row: len(row.depot_item.name))
    depot.db.depot_item._virtual_fields.append(virtual)
    try:
        assert values("size") == [1, 1, 1]
        assert names(S3Resource("depot_item", filter=FS("size") == 2)) == []
    finally:
        depot.db.depot_item._virtual_fields.remove(virtual)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_old_virtual_fields_of_rows_on_request(letters, depot, is_wanted):
    class Extra:
        def half(self):
            return 0.5

    depot.db.depot_item.virtualfields.append(Extra())
    try:
        rows = S3Resource("depot_item").select(["name"], as_rows=True, virtual=is_wanted).rows
        loaded = S3Resource("depot_item").load(virtual=is_wanted)
    finally:
        depot.db.depot_item.virtualfields.clear()

    assert ("half" in rows[0], "half" in loaded[0]) == (is_wanted, is_wanted)


# filters


def test_page_and_totals_of_a_filter_by_a_computed_field(letters):
    resource = S3Resource("depot_item", filter=FS("shout") != "B!")

    data = resource.select(["name"], start=1, limit=1, orderby="name desc")

    assert ([row["depot_item.name"] for row in data.rows], data.numrows, data.ids) == (["A"], 2, [letters["C"], letters["A"]])
    assert resource.count() == 2


def test_filter_by_a_computed_field_needs_no_field_to_be_selected(letters, compute, depot):
    depot.s3db.configure("depot_item", extra_fields=["parent_id$name"])
    compute("root", lambda row: row.depot_parent_id_item.name or row.name)

    assert names(S3Resource("depot_item", filter=FS("root") == "A")) == ["A", "B"]
    assert S3Resource("depot_item", filter=FS("root") == "A").count() == 2


@pytest.mark.parametrize("invert", [False, True])
def test_record_whose_value_cannot_be_computed_does_not_match(letters, compute, invert):
    compute("double", double)
    query = FS("double") == 4

    # neither the condition nor its negation
    assert names(S3Resource("depot_item", filter=~query if invert else query)) == (["A"] if invert else ["B"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # one part each
        (lambda: (FS("shout") != "B!") & (FS("comp.value") == "A1"), ["A"]),
        # SQL cannot decide a part of it
        (lambda: (FS("shout") == "C!") | (FS("comp.value") == "A1"), ["A", "C"]),
        (lambda: (FS("shout") == "B!") | (FS("comp.value") == None), ["B", "C"]),
        # a component different from A0, not: no component A0
        (lambda: ~((FS("shout") == "C!") | (FS("comp.value") == "A0")), ["A", "B"]),
        # the same component record must match both
        (lambda: (FS("comp.value") == "A0") & ((FS("shout") == "?") | (FS("comp.value") == "A1")), []),
        (lambda: (FS("comp.value") == "A0") & ((FS("shout") == "A!") | (FS("comp.value") == "A1")), ["A"]),
        # a computed field of a joined record, and of a component
        (lambda: FS("parent_id$shout") == "A!", ["B"]),
        (lambda: (FS("child.shout") == "B!") | (FS("name") == "C"), ["A", "C"]),
    ],
)
def test_computed_fields_beside_components(letters, query, expected):
    resource = S3Resource("depot_item", filter=query())

    assert names(resource) == expected
    assert resource.count() == len(expected)
    data = resource.select(["name", "comp.value"], limit=1, count=True)
    assert (data.numrows, len(data.rows)) == (len(expected), min(1, len(expected)))


def test_list_fields_beside_computed_fields(letters, depot):
    for name, tags in (("A", ["x"]), ("B", ["x", "y"])):
        depot.db(depot.db.depot_item.name == name).update(tags=tags)

    assert names(S3Resource("depot_item", filter=(FS("tags").contains("x")) & (FS("shout") == "A!"))) == ["A"]
    assert names(S3Resource("depot_item", filter=(FS("tags").contains("x")) | (FS("shout") == "C!"))) == ["A", "B", "C"]
    assert names(S3Resource("depot_item", filter=(FS("tags").contains(["x", "y"])) | (FS("shout") == "?"))) == ["B"]


def test_computed_fields_of_a_component_that_may_not_be_read_do_not_match(letters, depot):
    depot.auth.readable["depot_comp"] = lambda table: table.value != "A1"

    assert names(S3Resource("depot_item", filter=(FS("shout") == "?") | (FS("comp.value") == "A1"))) == []


def test_groups_of_a_filter_by_a_computed_field(letters, depot):
    data = S3Resource("depot_item", filter=FS("shout") == "A!").select(["name"], groupby="name")

    assert [row.name for row in data.rows] == ["A"]


def test_rows_of_the_dal_of_a_filter_by_a_computed_field(letters):
    rows = S3Resource("depot_item", filter=FS("shout") != "B!").select(["name"], as_rows=True, limit=1, start=1).rows

    assert [row.name for row in rows] == ["C"]


def test_number_of_queries_of_a_filter_by_a_computed_field_does_not_grow(depot):
    for number in range(30):
        item = depot.db.depot_item.insert(name=str(number))
        depot.db.depot_comp.insert(item_id=item, value=str(number % 2))

    with counted_queries(depot.db) as sent:
        data = S3Resource("depot_item", filter=(FS("shout") == "7!") | (FS("comp.value") == "0")).select(["name", "comp.value"])

    assert data.numrows == 16
    # the ids; what the filter needs of the records and of the components; the records and the components
    assert len(sent) == 5
