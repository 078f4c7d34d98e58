"""Conditions as SQL: which records they select."""
from __future__ import annotations

import datetime as dt

import pytest

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query import FS, OPERATORS, S3ResourceQuery
from s3.s3resource import S3Resource

OFF = "50% off_a\\b"

@pytest.fixture
def items(depot):
    """Records with text, NULL, numbers, dates and lists; gives a function that selects names."""
    table = depot.db.depot_item
    for name, status, number, amount, flag, day, tags in (
        ("A", "open", 1, 0.5, True, dt.date(2026, 1, 1), ["x"]),
        ("AB", "Closed", 2, 1.5, False, dt.date(2026, 2, 1), ["x", "y"]),
        ("B", None, None, None, None, None, None),
        (OFF, "", 10, -1, False, dt.date(2025, 1, 1), ["a|b", "X"]),
    ):
        at = dt.datetime.combine(day, dt.time(12)) if day else None
        table.insert(name=name, status=status, number=number, amount=amount, flag=flag, day=day, at=at, tags=tags)

    def select(query=None, **variables):
        resource = S3Resource("depot_item", filter=query, vars=variables)
        return [row["depot_item.name"] for row in resource.select(["name"]).rows]

    return select


@pytest.mark.parametrize(
    ("query", "names"),
    [
        # conformance vectors C.1, on other fields
        (lambda: FS("name") == ["A", "B"], ["A", "B"]),
        (lambda: FS("status") != ["open", None], ["AB", OFF]),
        (lambda: FS("id").belongs([1, 2, None]), ["A", "AB"]),
        (lambda: FS("number").belongs([1, 2, None]), ["A", "AB", "B"]),
        (lambda: FS("name").belongs(["A*", "B"]), ["A", "AB", "B"]),
        (lambda: FS("number").belongs([]), []),
        (lambda: FS("number") == [], []),
        (lambda: FS("number").belongs(1), ["A"]),
        (lambda: FS("number").belongs([None]), ["B"]),
        (lambda: FS("number").belongs(None), ["B"]),
        (lambda: FS("number") < [1, 2], ["A"]),
        (lambda: FS("number") == None, ["B"]),
        (lambda: FS("number") != None, ["A", "AB", OFF]),
        # a comparison with nothing is unknown, and so is its negation
        (lambda: FS("number") != 1, ["AB", OFF]),
        (lambda: ~(FS("number") == 1), ["AB", OFF]),
        (lambda: ~~(FS("number") == 1), ["A"]),
        (lambda: FS("number") <= 2, ["A", "AB"]),
        (lambda: FS("number") >= 2, ["AB", OFF]),
        (lambda: FS("number") > 2, [OFF]),
        (lambda: FS("amount") == "1.5", ["AB"]),
        (lambda: FS("flag") == "True", ["A"]),
        (lambda: FS("flag") == "false", ["AB", OFF]),
        (lambda: FS("day") >= "2026-01-01", ["A", "AB"]),
        (lambda: FS("at") > "2026-01-01T12:00:00Z", ["AB"]),
        (lambda: FS("at") == ["2026-01-01T12:00:00Z"], ["A"]),
        (lambda: FS("name").like("A_"), ["AB"]),
        (lambda: FS("name").like(["A_", "B"]), ["AB", "B"]),
        (lambda: FS("name").like("50\\%%"), [OFF]),
        (lambda: FS("status").lower().like("closed"), ["AB"]),
        (lambda: FS("status").upper() == "CLOSED", ["AB"]),
        (lambda: FS("id").lower().like("%1%"), ["A"]),
        (lambda: FS("number").like("1"), ["A"]),
        (lambda: FS("name").contains("a"), ["A", "AB", OFF]),
        (lambda: FS("name").contains("%"), [OFF]),
        (lambda: FS("name").contains(["B", "%"]), ["AB", "B", OFF]),
        (lambda: FS("name").anyof(["B", "%"]), ["AB", "B", OFF]),
        # lists: contains means all, anyof any
        (lambda: FS("tags").contains(["x", "y"]), ["AB"]),
        (lambda: FS("tags").anyof(["y", "a|b"]), ["AB", OFF]),
        (lambda: FS("tags").contains("x"), ["A", "AB", OFF]),
        (lambda: FS("tags").anyof(["y", None]), ["AB", "B"]),
        (lambda: FS("tags").contains([]), []),
        (lambda: FS("tags").belongs(["y"]), ["AB"]),
        (lambda: FS("tags") == ["x", "y"], ["AB"]),
        (lambda: (FS("number") == 1) | (FS("number") == 2), ["A", "AB"]),
        (lambda: (FS("name").like("A%")) & (FS("number") == 2), ["AB"]),
    ],
)
def test_condition_selects(items, query, names):
    assert items(query()) == names


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({"~.name": "A"}, ["A"]),
        ({"~.name": ["A", "B"]}, []),
        ({"~.name": "A,B"}, ["A", "B"]),
        ({"~.name__ne": "A,B"}, ["AB", OFF]),
        ({"~.name|~.status!": "A"}, ["AB", OFF]),
        ({"~.name|~.status": "A,open"}, ["A"]),
        ({"~.number__lt": "2,3"}, ["A", "AB"]),
        ({"~.number": "NONE"}, ["B"]),
        ({"~.number!": "NONE"}, ["A", "AB", OFF]),
        ({"~.number__belongs": "NONE,1"}, ["A", "B"]),
        ({"~.number__belongs!": "1,2"}, [OFF]),
        ({"~.status": ""}, [OFF]),
        ({"~.status__like": "*clo*"}, ["AB"]),
        ({"~.status__like": "clos?d"}, ["AB"]),
        ({"~.status__like": "clos"}, []),
        # the wildcards of SQL are ordinary characters
        ({"~.name__like": "50%*"}, [OFF]),
        ({"~.name__like": "*f_a\\b"}, [OFF]),
        ({"~.name__like": "%"}, []),
        ({"~.tags__contains": "x,y"}, ["AB"]),
        ({"~.tags__anyof": "y,nope"}, ["AB"]),
        ({"~.at__ge": "2026-01-15T00:00:00Z"}, ["AB"]),
        ({"~.flag": "True"}, ["A"]),
        ({"~.number__ge": "1", "~.number__lt": "10"}, ["A", "AB"]),
        # no filters
        ({"name": "A", "limit": "1", "_x.y": "1"}, ["A", "AB", "B", OFF]),
    ],
)
def test_url_variable_selects(items, variables, names):
    assert items(**variables) == names


@pytest.mark.parametrize(
    ("variables", "culprit"),
    [
        ({"~.foo": "1"}, "~.foo"),
        ({"foo.bar": "1"}, "foo.bar"),
        ({"~.series_id$bad": "1"}, "~.series_id$bad"),
        ({"~.name$x": "1"}, "~.name$x"),
        ({"depot_item.name": "1"}, "depot_item.name"),
        ({"~.": "1"}, "~."),
        ({"(foo)$L1": "x"}, "(foo)$L1"),
        # the valid alternative must not decide alone
        ({"~.name|~.foo": "A"}, "~.foo"),
        ({"~.gender__foo": "1"}, "~.gender__foo"),
    ],
)
def test_filter_by_what_does_not_exist_fails_and_names_it(items, variables, culprit):
    with pytest.raises(S3SelectorError) as error:
        items(**variables)

    assert error.value.selector == culprit


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        (lambda: FS("id") == "abc", "id"),
        (lambda: FS("number") > "x", "number"),
        (lambda: FS("number") == "", "number"),
        (lambda: FS("series_id") == "abc", "series_id"),
        (lambda: FS("amount") == "nan", "amount"),
        (lambda: FS("flag") == "maybe", "flag"),
        (lambda: FS("day") == "someday", "day"),
        (lambda: FS("at") == ["2026-01-01", "x"], "at"),
        (lambda: FS("at") < None, "at"),
        (lambda: FS("number").contains("1"), "number"),
        (lambda: FS("tags") < "a", "tags"),
        (lambda: FS("tags").contains(""), "tags"),
        (lambda: FS("name") == "a\0b", "name"),
        (lambda: FS("name") == FS("status"), "name"),
    ],
)
def test_value_that_does_not_suit_the_field_fails_and_names_it(items, query, culprit):
    with pytest.raises(S3FilterValueError) as error:
        items(query())

    assert error.value.selector == culprit
    assert culprit in str(error.value)


def test_like_without_any_value_fails(items):
    with pytest.raises(S3FilterValueError):
        items(**{"~.name__like": "NONE"})


def test_unresolved_context_does_not_widen_a_conjunction(items):
    # Eden ignored the context and selected by the other condition alone
    with pytest.raises(S3SelectorError):
        items((FS("(nope)") == "X") & (FS("number") == 1))


def test_unknown_operator_fails():
    with pytest.raises(S3SelectorError):
        S3ResourceQuery("nope", FS("name"), 1)


def test_query_of_the_dal_can_stand_on_the_right(items, depot):
    table = depot.db.depot_item

    assert items((FS("number") > 0) & (table.number < 3)) == ["A", "AB"]
    assert items((FS("number") == 1) | (table.number == 10)) == ["A", OFF]


def test_something_else_cannot_be_combined():
    with pytest.raises(S3SelectorError):
        (FS("name") == "A") & "x"


def test_many_alternatives_do_not_exhaust_the_stack(items):
    assert items(FS("name").like([f"x{i}%" for i in range(2000)] + ["AB"])) == ["AB"]


def test_two_keys_to_the_same_table_are_filtered_separately(depot):
    north = depot.db.depot_place.insert(name="North")
    south = depot.db.depot_place.insert(name="South")
    depot.db.depot_item.insert(name="down", from_id=north, to_id=south)
    depot.db.depot_item.insert(name="up", from_id=south, to_id=north)

    resource = S3Resource("depot_item", filter=(FS("from_id$name") == "North") & (FS("to_id$name") == "South"))

    rows = resource.select(["name", "from_id$name", "to_id$name"]).rows
    assert rows == [{"depot_item.name": "down", "depot_from_id_place.name": "North", "depot_to_id_place.name": "South"}]


def test_fields_of_a_query_are_named(depot):
    assert ((FS("a") == 1) & ~((FS("b.c") == 2) | (FS("d") == 3))).fields() == ["a", "b.c", "d"]


def test_every_operator_has_a_method_of_selectors_or_a_comparison():
    names = {"lt": "__lt__", "le": "__le__", "eq": "__eq__", "ne": "__ne__", "ge": "__ge__", "gt": "__gt__"}

    for key in OPERATORS:
        assert getattr(FS("x"), names.get(key, key))("1").op == key
