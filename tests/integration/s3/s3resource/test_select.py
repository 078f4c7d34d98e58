"""Select: which records, which values, in which shape and order."""
from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from bare import counted_queries
from gluon.html import XML, A
from pydal.helpers.classes import SQLCustomType

from s3.s3error import S3SelectorError
from s3.s3fields import S3Represent
from s3.s3query import FS
from s3.s3resource import S3Resource
from s3.s3utils import s3_str
from s3dal import Field


@pytest.fixture
def letters(depot):
    """The conformance table C.2: A has A0 and A1, B has B0, C nothing, D three times D0."""
    db = depot.db
    ids = {name: db.depot_item.insert(name=name, status=status) for name, status in (("A", "x"), ("B", "y"), ("C", None), ("D", "x"))}
    for name, value in (("A", "A0"), ("A", "A1"), ("B", "B0"), ("D", "D0"), ("D", "D0"), ("D", "D0")):
        db.depot_comp.insert(item_id=ids[name], value=value)
    return ids


def names(resource, **options):
    return [row["depot_item.name"] for row in resource.select(["name"], **options).rows]


def values(resource, selector, **options):
    data = resource.select([selector], **options)
    return [row[data.rfields[0].colname] for row in data.rows]


def test_component_values_are_collected_per_record(letters):
    rows = S3Resource("depot_item").select(["name", "comp.value"]).rows

    assert rows == [
        {"depot_item.name": "A", "depot_comp.value": ["A0", "A1"]},
        {"depot_item.name": "B", "depot_comp.value": "B0"},
        {"depot_item.name": "C", "depot_comp.value": None},
        {"depot_item.name": "D", "depot_comp.value": "D0"},
    ]


def test_component_values_are_represented_as_one_text(letters):
    assert values(S3Resource("depot_item"), "comp.value", represent=True) == ["A0, A1", "B0", "-", "D0"]


def test_filter_by_component_selects_records_with_all_their_values(letters):
    resource = S3Resource("depot_item", filter=FS("comp.value") == "A0")

    assert resource.select(["name", "comp.value"]).rows == [{"depot_item.name": "A", "depot_comp.value": ["A0", "A1"]}]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # a component different from A0, not: no component A0
        (lambda: FS("comp.value") != "A0", ["A", "B", "D"]),
        (lambda: FS("comp.value") == None, ["C"]),
        (lambda: FS("status") != "x", ["B"]),
        (lambda: ~(FS("comp.value") == "A0"), ["A", "B", "D"]),
    ],
)
def test_component_condition_selects(letters, query, expected):
    resource = S3Resource("depot_item", filter=query())

    assert names(resource) == expected
    assert resource.count() == len(expected)


@pytest.mark.parametrize(
    ("orderby", "expected"),
    [
        # no value comes first in ascending order, last in descending
        ("comp.value desc", "DBAC"),
        ("comp.value", "CABD"),
        ("depot_item.name desc", "DCBA"),
        ("name desc", "DCBA"),
        # upper case does not reverse the order
        ("name ASC", "ABCD"),
        ("depot_item.name DESC", "DCBA"),
        ("status, name desc", "CDAB"),
        (None, "ABCD"),
    ],
)
def test_order_by_text(letters, orderby, expected):
    assert names(S3Resource("depot_item"), orderby=orderby) == list(expected)
    assert names(S3Resource("depot_item", filter=FS("comp.id").belongs(list(range(99)) + [None])), orderby=orderby) == list(expected)


def test_order_by_expressions(letters, depot):
    table = depot.db.depot_item
    resource = S3Resource("depot_item")

    assert names(resource, orderby=~table.name) == list("DCBA")
    assert names(resource, orderby=[table.status, ~table.name]) == list("CDAB")
    assert names(resource, orderby=table.status | ~table.name) == list("CDAB")


def test_order_by_the_table_of_a_selected_component(letters):
    data = S3Resource("depot_item").select(["name", "comp.value"], orderby="depot_comp.value desc")

    assert [row["depot_item.name"] for row in data.rows] == list("DBAC")


@pytest.mark.parametrize("orderby", ["nope", "name upwards", "name desc, nope.x", "shout", "name, "])
def test_order_by_what_does_not_exist_fails(letters, orderby):
    with pytest.raises(S3SelectorError):
        S3Resource("depot_item").select(["name"], orderby=orderby)


def test_load_in_the_order_of_a_component_has_each_record_once(letters):
    resource = S3Resource("depot_item")

    assert [row.name for row in resource.load(orderby="comp.value desc")] == list("DBAC")


@pytest.mark.parametrize(
    ("options", "expected", "numrows", "ids"),
    [
        ({}, "ABCD", 4, 4),
        ({"limit": 2}, "AB", 0, None),
        ({"start": 1, "limit": 2}, "BC", 0, None),
        ({"limit": 2, "count": True}, "AB", 4, 4),
        ({"start": 1, "limit": 2, "getids": True}, "BC", 4, 4),
        ({"start": 3}, "D", 0, None),
        ({"start": 9, "limit": 2, "count": True}, "", 4, 4),
        ({"start": -5, "limit": -5}, "A", 0, None),
        ({"limit": 0}, "ABCD", 0, None),
    ],
)
def test_page_and_totals(letters, options, expected, numrows, ids):
    data = S3Resource("depot_item").select(["name"], **options)

    assert [row["depot_item.name"] for row in data.rows] == list(expected)
    assert data.numrows == numrows
    assert (None if data.ids is None else len(data.ids)) == ids


def test_page_of_a_filter_by_component_has_totals(letters):
    data = S3Resource("depot_item", filter=FS("comp.value") != None).select(["name"], limit=1)

    assert (len(data.rows), data.numrows, data.ids) == (1, 3, [letters["A"], letters["B"], letters["D"]])


def test_no_match(letters):
    data = S3Resource("depot_item", filter=FS("name") == "Z").select(["name", "comp.value"], represent=True, limit=5, count=True)

    assert (data.rows, data.numrows, data.ids) == ([], 0, [])


@pytest.fixture
def crowd(depot, monkeypatch):
    """Fifty items with three references that are looked up, and a component each."""
    for i in range(50):
        place = depot.db.depot_place.insert(name=f"P{i}", uuid=f"U{i}")
        series = depot.db.depot_series.insert(name=f"S{i}")
        item = depot.db.depot_item.insert(name=f"I{i}", number=i, flag=True, from_id=place, to_id=place, series_id=series)
        depot.db.depot_comp.insert(item_id=item, value=str(i))
    for name in ("from_id", "to_id", "series_id"):
        lookup = "depot_series" if name == "series_id" else "depot_place"
        monkeypatch.setattr(depot.db.depot_item[name], "represent", S3Represent(lookup=lookup))


@pytest.mark.parametrize(
    ("filters", "options", "statements"),
    [
        # the records, the component, and one look-up per key
        ({}, {}, 5),
        # and the ids of all records that match, if they are more than those of the page, or if the filter joins
        ({}, {"limit": 30, "count": True}, 6),
        ({"comp.value__ne": "7"}, {}, 6),
        ({"comp.value__ne": "7"}, {"limit": 30, "orderby": "from_id$name desc"}, 6),
        ({"~.from_id$name__like": "p*"}, {"raw_data": True, "getids": True}, 6),
    ],
)
def test_number_of_queries_does_not_grow_with_the_records(crowd, depot, filters, options, statements):
    fields = ["name", "number", "flag", "at", "from_id", "to_id", "series_id", "comp.value"]
    resource = S3Resource("depot_item", vars=filters)

    with counted_queries(depot.db) as sent:
        rows = resource.select(fields, represent=True, **options).rows

    row = next(row for row in rows if row["depot_item.name"] == "I27")
    row.pop("_row", None)
    assert list(row.values()) == ["I27", "27", "True", "-", "P27", "P27", "S27", "27"]
    assert len(sent) == statements


def test_tables_that_keys_lead_to_need_no_query_of_their_own(crowd, depot):
    with counted_queries(depot.db) as sent:
        rows = S3Resource("depot_item").select(["name", "from_id$name", "from_id$uuid", "to_id$name", "series_id$name"]).rows

    assert list(rows[3].values()) == ["I3", "P3", "U3", "P3", "S3"]
    assert len(sent) == 1


def test_more_tables_than_a_database_joins(depot):
    place = depot.db.depot_place.insert(name="North")
    item = depot.db.depot_item.insert(name="root", from_id=place, tags=["x"])
    depot.db.depot_item.insert(name="leaf", parent_id=item)
    chains = ["parent_id$" * depth for depth in range(30)]
    fields = [f"{chain}{name}" for chain in chains for name in ("name", "tags", "from_id$name", "to_id$name")]

    rows = S3Resource("depot_item").select(fields).rows

    assert list(rows[1].values())[:8] == ["leaf", [None], None, None, "root", ["x"], "North", None]
    assert set(map(str, list(rows[1].values())[8:])) == {"None", "[None]"}
    # and in a filter that is decided in Python
    query = (FS("shout") == "?") | (FS("parent_id$from_id$name") == "North")
    for chain in chains:
        query |= FS(f"{chain}to_id$name") == "?"
    assert names(S3Resource("depot_item", filter=query)) == ["leaf"]


def test_two_keys_to_the_same_table_and_a_chain(depot):
    region = depot.db.depot_region.insert(name="R")
    north = depot.db.depot_place.insert(name="North", region_id=region)
    south = depot.db.depot_place.insert(name="South")
    depot.db.depot_item.insert(name="x", from_id=north, to_id=south)

    data = S3Resource("depot_item").select(["from_id$name", "to_id$name", "from_id$region_id$name"], orderby="to_id$name")

    assert list(data.rows[0].values()) == ["North", "South", "R"]
    assert len({rfield.colname for rfield in data.rfields}) == 3


def test_name_of_the_parent_is_not_the_own_name(depot):
    parent = depot.db.depot_item.insert(name="parent")
    depot.db.depot_item.insert(name="child", parent_id=parent)

    assert values(S3Resource("depot_item"), "parent_id$name") == [None, "parent"]
    assert values(S3Resource("depot_item"), "child.name") == ["child", None]


def test_component_by_link_table(letters, depot):
    red, blue = depot.db.depot_tag.insert(name="red"), depot.db.depot_tag.insert(name="blue")
    for tag in (blue, red):
        depot.db.depot_item_tag.insert(item_id=letters["A"], tag_id=tag)
    depot.db.depot_item_tag.insert(item_id=letters["B"], tag_id=red, deleted=True)

    resource = S3Resource("depot_item", filter=FS("tag.name") != None)

    assert resource.select(["name", "tag.name"]).rows == [{"depot_item.name": "A", "depot_tag.name": ["red", "blue"]}]


def test_component_of_the_super_entity(depot):
    pe_id = depot.db.depot_entity.insert(instance_type="depot_item")
    depot.db.depot_item.insert(name="x", pe_id=pe_id)
    depot.db.depot_note.insert(pe_id=pe_id, body="note")
    depot.db.depot_note.insert(pe_id=pe_id, body="gone", deleted=True)

    assert values(S3Resource("depot_item"), "note.body") == ["note"]


def test_filtered_component_has_only_its_records(letters, depot):
    depot.db.depot_comp.insert(item_id=letters["A"], value="A2", kind="big")

    rows = S3Resource("depot_item", id=letters["A"]).select(["comp.value", "big.value"]).rows

    assert rows == [{"depot_comp.value": ["A0", "A1", "A2"], "depot_big_comp.value": "A2"}]


def test_joined_records_that_the_user_may_not_read_do_not_exist_for_him(letters, depot):
    depot.auth.readable["depot_comp"] = lambda table: table.value != "A1"

    assert values(S3Resource("depot_item"), "comp.value") == ["A0", "B0", None, "D0"]
    hidden = S3Resource("depot_item", filter=FS("comp.value") == "A1")
    assert names(hidden) == []
    # and the count does not tell that there is one
    assert hidden.count() == 0


def test_records_that_the_user_may_not_read_are_not_selected(letters, depot):
    depot.auth.readable["depot_item"] = lambda table: table.name != "B"

    assert names(S3Resource("depot_item")) == ["A", "C", "D"]
    assert S3Resource("depot_item").count() == 3


def test_restriction_applies_to_a_table_under_every_alias(depot):
    place = depot.db.depot_place.insert(name="Secret")
    depot.db.depot_item.insert(name="x", from_id=place, to_id=place)
    depot.auth.readable["depot_place"] = lambda table: table.name != "Secret"

    assert S3Resource("depot_item").select(["from_id$name", "to_id$name"]).rows[0] == {
        "depot_from_id_place.name": None, "depot_to_id_place.name": None,
    }  # fmt: skip


def test_archived_records_are_left_out_unless_asked_for(letters, depot):
    depot.db(depot.db.depot_item.name == "B").update(deleted=True)

    assert names(S3Resource("depot_item")) == ["A", "C", "D"]
    assert names(S3Resource("depot_item", include_deleted=True)) == ["A", "B", "C", "D"]


def test_lists_stay_lists(depot):
    depot.db.depot_item.insert(name="0", tags=None)
    depot.db.depot_item.insert(name="1", tags=["a"])
    depot.db.depot_item.insert(name="2", tags=["a", "b"])
    resource = S3Resource("depot_item")

    assert values(resource, "tags") == [[None], ["a"], ["a", "b"]]
    data = resource.select(["tags"], represent=True, raw_data=True)
    assert [row["depot_item.tags"] for row in data.rows] == ["", "a", "a, b"]
    assert [row._row["depot_item.tags"] for row in data.rows] == [None, "a", ["a", "b"]]


def test_values_without_representation_are_text(depot):
    depot.db.depot_item.insert(name="<b>", flag=True, amount=1.5, at=dt.datetime(2026, 11, 21, 21, 18, 43))

    row = S3Resource("depot_item").select(["name", "flag", "amount", "at", "number", "id"], represent=True).rows[0]

    # text is not escaped: whoever makes HTML of it does that
    assert list(row.values()) == ["<b>", "True", "1.5", "2026-11-21 21:18:43", "-", "1"]


def test_elements_of_several_values_become_one_element(letters, depot, monkeypatch):
    field = depot.db.depot_comp.value
    monkeypatch.setattr(field, "represent", lambda value: A(value, _href="#") if value else "-")

    data = values(S3Resource("depot_item"), "comp.value", represent=True)

    assert s3_str(data[0].xml()) == '<a href="#">A0</a>, <a href="#">A1</a>'
    assert data[2] == "-"


def test_plain_text_beside_elements_is_escaped(letters, depot, monkeypatch):
    monkeypatch.setattr(depot.db.depot_comp.value, "represent", lambda value: XML("<i>0</i>") if value == "A0" else f"<{value}>")

    assert s3_str(values(S3Resource("depot_item"), "comp.value", represent=True)[0].xml()) == "<i>0</i>, &lt;A1&gt;"


def test_links_can_be_switched_off(depot, monkeypatch):
    series = depot.db.depot_series.insert(name="News <b>")
    depot.db.depot_item.insert(series_id=series)
    represent = S3Represent(lookup="depot_series", show_link=True, linkto="/series/[id]")
    monkeypatch.setattr(depot.db.depot_item.series_id, "represent", represent)
    resource = S3Resource("depot_item")

    assert s3_str(values(resource, "series_id", represent=True)[0].xml()) == '<a href="/series/1">News &lt;b&gt;</a>'
    assert values(resource, "series_id", represent=True, show_links=False) == ["News <b>"]


def test_representation_that_fails_falls_back_to_the_value(letters, depot, monkeypatch):
    monkeypatch.setattr(depot.db.depot_item.name, "represent", lambda value: value.nope)

    assert names(S3Resource("depot_item"), represent=True) == ["A", "B", "C", "D"]
    assert "nope" in depot.log.lines[0]


def test_computed_field_sees_the_whole_record(letters, depot):
    assert values(S3Resource("depot_item"), "shout") == ["A!", "B!", "C!", "D!"]
    assert values(S3Resource("depot_item"), "shout", represent=True) == ["A!", "B!", "C!", "D!"]


def test_computed_field_of_a_joined_record(letters, depot):
    depot.db(depot.db.depot_item.name == "A").update(parent_id=letters["B"])

    assert values(S3Resource("depot_item"), "parent_id$shout") == ["B!", None, None, None]


def test_filter_by_a_computed_field(letters):
    resource = S3Resource("depot_item", filter=(FS("shout") == "D!") | (FS("name") == "A"))

    data = resource.select(["name"], limit=1, count=True)

    assert ([row["depot_item.name"] for row in data.rows], data.numrows) == (["A"], 2)
    assert resource.count() == 2


def test_labels_of_the_request_win(depot):
    data = S3Resource("depot_item").select([("Title", "name"), "series_id"])

    assert [rfield.label for rfield in data.rfields] == ["Title", "Series Id"]


def test_field_that_does_not_exist_fails(depot):
    with pytest.raises(S3SelectorError):
        S3Resource("depot_item").select(["name", "nope"])


def test_same_field_twice_is_one_column(letters):
    data = S3Resource("depot_item").select(["name", "~.name", FS("name")])

    assert len(data.rfields) == 1


def test_rows_of_the_dal(letters):
    data = S3Resource("depot_item", filter=FS("comp.value") == "A0").select(["name", "comp.value"], as_rows=True)

    assert [(row.depot_item.name, row.depot_comp.value) for row in data.rows] == [("A", "A0"), ("A", "A1")]


def test_groups(letters, depot):
    data = S3Resource("depot_item").select(["status"], groupby=depot.db.depot_item.status)

    assert sorted(str(row.status) for row in data.rows) == ["None", "x", "y"]


def test_extra_filters_reduce_the_ids_in_order(letters):
    def only(resource, ids, wanted):
        return [record_id for record_id in reversed(ids) if record_id in wanted]

    resource = S3Resource("depot_item", extra_filters=[(only, list(letters.values())[1:])])

    assert names(resource, orderby="name desc") == ["D", "C", "B"]
    assert resource.count() == 3


def test_custom_join_of_the_caller(letters, depot):
    db = depot.db
    resource = S3Resource("depot_item", filter=db.depot_comp.value.startswith("A"))
    left = db.depot_comp.on(db.depot_comp.item_id == db.depot_item.id)

    assert names(resource, left=left) == ["A"]
    assert resource.count(left=left) == 1


def test_hook_after_select_may_change_rows(letters, depot):
    def shorten(rows, rfields, represent, as_rows):
        for row in rows.values():
            row["depot_item.name"] += "?"

    depot.s3db.configure("depot_item", postprocess_select=shorten)

    assert names(S3Resource("depot_item")) == ["A?", "B?", "C?", "D?"]


def test_more_ids_than_fit_into_one_query(depot, monkeypatch):
    from s3.s3resource import reading

    monkeypatch.setattr(reading, "CHUNK", 3)
    for i in range(10):
        item = depot.db.depot_item.insert(name=str(i))
        depot.db.depot_comp.insert(item_id=item, value=str(i))

    rows = S3Resource("depot_item", filter=FS("comp.value") != None).select(["name", "comp.value"]).rows

    assert [(row["depot_item.name"], row["depot_comp.value"]) for row in rows] == [(str(i), str(i)) for i in range(10)]


def test_json_has_dates_as_iso_text(depot):
    depot.db.depot_item.insert(name="x", day=dt.date(2026, 1, 2), at=dt.datetime(2026, 1, 2, 3, 4, 5), tags=["a"])

    rows = json.loads(S3Resource("depot_item").json(["name", "day", "at", "tags"]))

    assert list(rows[0].values()) == ["x", "2026-01-02", "2026-01-02T03:04:05Z", ["a"]]


def test_result_can_be_read_like_a_dict(letters):
    data = S3Resource("depot_item").select(["name"])

    assert data["numrows"] == 4
    with pytest.raises(AttributeError):
        data["nope"]


@pytest.fixture
def kinds(depot):
    """A table with a field of every type."""
    table = depot.db.define_table(
        "depot_kind", Field("flag", "boolean"), Field("whole", "bigint"), Field("price", "decimal(10,2)"), Field("day", "date"),
        Field("clock", "time"), Field("moment", "datetime"), Field("data", "json"), Field("words", "list:string"),
        Field("numbers", "list:integer"), Field("places", "list:reference depot_place"), Field("bytes", "blob"),
        Field("shout", filter_out=lambda value: value and value.upper()),
    )  # fmt: skip
    yield table
    depot.db.commit()
    table.drop()


VALUES = {
    "flag": False, "whole": 2**40, "price": Decimal("1.50"), "day": dt.date(2026, 1, 2), "clock": dt.time(8, 30),
    "moment": dt.datetime(2026, 1, 2, 3, 4, 5), "data": {"a": [1, "x"]}, "words": ["a|b", "c"], "numbers": [1, 2], "places": [7],
    "bytes": "raw", "shout": "hey",
}  # fmt: skip


def test_values_of_every_type(kinds):
    kinds.insert(**VALUES)
    kinds.insert()

    rows = S3Resource("depot_kind").select(list(VALUES)).rows

    given = dict(zip(VALUES, rows[0].values(), strict=True))
    assert given == {**VALUES, "data": '{"a": [1, "x"]}', "shout": "HEY"}
    assert [type(given[name]) for name in ("flag", "day", "moment")] == [bool, dt.date, dt.datetime]
    assert type(given["places"][0]) is int
    lists = {f"depot_kind.{name}": [None] for name in ("words", "numbers", "places")}
    assert rows[1] == {**dict.fromkeys(rows[0]), **lists}


def test_values_of_every_type_are_those_of_the_dal(kinds, depot):
    kinds.insert(**VALUES)

    selected = S3Resource("depot_kind").select(list(VALUES)).rows[0]

    row = depot.db(kinds).select().first()
    expected = {f"depot_kind.{name}": row[name] for name in VALUES}
    assert selected == {**expected, "depot_kind.data": json.dumps(row.data)}


@pytest.mark.parametrize("value", ["text", 5, [], {}, True])
def test_json_is_given_as_text_of_json(kinds, value):
    kinds.insert(data=value)

    assert S3Resource("depot_kind").select(["data"]).rows[0]["depot_kind.data"] == json.dumps(value)


def test_values_of_a_type_of_the_deployment(depot):
    pair = SQLCustomType(type="string", native="VARCHAR(20)", encoder=",".join, decoder=lambda value: value.split(","))
    table = depot.db.define_table("depot_pair", Field("pair", pair))
    for value in (["a", "b"], ["a"]):
        table.insert(pair=value)

    data = S3Resource("depot_pair").select(["pair"], represent=True, raw_data=True)

    assert [row["depot_pair.pair"] for row in data.rows] == ["a, b", "a"]
    assert [row._row["depot_pair.pair"] for row in data.rows] == [["a", "b"], ["a"]]
    depot.db.commit()
    table.drop()


def test_lazy_translations_are_text_among_texts(letters, depot, monkeypatch):
    monkeypatch.setattr(depot.db.depot_comp.value, "represent", lambda value: depot.T("<%s>") % value)

    assert values(S3Resource("depot_item"), "comp.value", represent=True)[0] == "<A0>, <A1>"


def test_lazy_translation_beside_an_element_is_escaped(letters, depot, monkeypatch):
    represent = {"A0": XML("<i>0</i>"), "A1": depot.T("<b>")}.get
    monkeypatch.setattr(depot.db.depot_comp.value, "represent", represent)

    assert s3_str(values(S3Resource("depot_item"), "comp.value", represent=True)[0].xml()) == "<i>0</i>, &lt;b&gt;"


def test_nothing_is_no_part_of_several_values(letters, depot, monkeypatch):
    monkeypatch.setattr(depot.db.depot_comp.value, "represent", lambda value: None if value == "A0" else value)

    assert values(S3Resource("depot_item"), "comp.value", represent=True) == ["A1", "B0", None, "D0"]


def test_label_that_cannot_be_made_costs_its_own_value(depot, monkeypatch):
    for name in ("good", "bad"):
        depot.db.depot_item.insert(name=name, series_id=depot.db.depot_series.insert(name=name))
    represent = S3Represent(lookup="depot_series", labels=lambda row: {"good": "Good"}[row.name])
    monkeypatch.setattr(depot.db.depot_item.series_id, "represent", represent)

    assert values(S3Resource("depot_item"), "series_id", represent=True) == ["Good", "2"]
    assert "depot_item.series_id cannot be represented: KeyError 'bad'" in depot.log.lines


def test_list_that_cannot_be_represented_is_given_as_text(depot, monkeypatch):
    depot.db.depot_item.insert(tags=["a", "b"])
    represent = S3Represent(options={"a": "A"}, multiple=True)
    monkeypatch.setattr(represent, "render_list", lambda *args, **options: 1 / 0)
    monkeypatch.setattr(depot.db.depot_item.tags, "represent", represent)

    assert values(S3Resource("depot_item"), "tags", represent=True) == ["A, Unknown"]
    assert "ZeroDivisionError" in depot.log.lines[0]


def test_links_stay_switched_on_after_a_representation_without(letters, depot, monkeypatch):
    represent = S3Represent(options={"A": "a"}, linkto="/[id]", show_link=True)
    monkeypatch.setattr(depot.db.depot_item.name, "represent", represent)

    assert names(S3Resource("depot_item", id=letters["A"]), represent=True, show_links=False) == ["a"]
    assert represent.show_link is True


def test_join_of_the_caller_is_restricted_to_what_the_user_may_read(letters, depot):
    db = depot.db
    depot.auth.readable["depot_comp"] = lambda table: table.value != "A1"
    left = db.depot_comp.on(db.depot_comp.item_id == db.depot_item.id)

    assert names(S3Resource("depot_item", filter=db.depot_comp.value == "A1"), left=left) == []
    assert S3Resource("depot_item", filter=db.depot_comp.value == "A1").count(left=left) == 0
    assert names(S3Resource("depot_item", filter=db.depot_comp.value == "A0"), left=[left]) == ["A"]


def test_order_and_page_by_what_a_filter_joins_too(letters):
    data = S3Resource("depot_item", vars={"comp.value__like": "*0"}).select(["name"], orderby="comp.value desc", start=1, limit=1)

    assert ([row["depot_item.name"] for row in data.rows], data.numrows) == (["B"], 3)


def test_no_fields_are_no_columns(letters):
    data = S3Resource("depot_item").select([])

    assert (data.rfields, data.rows, data.numrows) == ([], [{}, {}, {}, {}], 4)


def test_readable_fields_are_selected_by_default(letters, depot):
    data = S3Resource("depot_item", id=letters["A"]).select(None)

    assert [rfield.fname for rfield in data.rfields] == [field.name for field in S3Resource("depot_item").readable_fields()]


def test_record_that_is_deleted_meanwhile_is_no_row(letters, depot, monkeypatch):
    from s3.s3resource import data

    find = data.S3ResourceData._find_ids
    monkeypatch.setattr(data.S3ResourceData, "_find_ids", lambda self: [*find(self), 99])

    assert names(S3Resource("depot_item"), count=True, limit=9) == ["A", "B", "C", "D"]
