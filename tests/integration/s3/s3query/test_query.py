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


@pytest.mark.parametrize(
    ("query", "names"),
    [
        # case matters in code, on every database
        (lambda: FS("name").like("a%"), []),
        (lambda: FS("name").ilike("a%"), ["A", "AB"]),
        (lambda: FS("name").lower().like("a%"), ["A", "AB"]),
        (lambda: FS("status").ilike(["OPEN", "clo%"]), ["A", "AB"]),
        (lambda: ~FS("status").ilike("OPEN"), ["AB", OFF]),
        (lambda: FS("name").ilike("50\\%%A\\\\b"), [OFF]),
        (lambda: FS("name").like("[A]%"), []),
        (lambda: FS("number").ilike("1%"), ["A", OFF]),
        (lambda: FS("day").like("2026-%"), ["A", "AB"]),
        (lambda: FS("at").like("%12:00:00"), ["A", "AB", OFF]),
        # the only wildcard of a set is *
        (lambda: FS("name").belongs(["50%", "A_"]), []),
        (lambda: FS("name").belongs(["50%*", "_"]), [OFF]),
        (lambda: FS("name").belongs(["*f_a\\b"]), [OFF]),
        (lambda: ~FS("name").belongs(["A*"]), ["B", OFF]),
        (lambda: ~FS("status").belongs(["o*", None]), ["AB", OFF]),
        # texts in the order of their characters, whatever the locale
        (lambda: FS("status") > "Z", ["A"]),
        (lambda: FS("status") < "a", ["AB", OFF]),
        # a list is equal to a list of the same members
        (lambda: FS("tags") == "x", ["A"]),
        (lambda: FS("tags") != ["x", "y"], ["A", OFF]),
        # and has members, not parts of members
        (lambda: FS("tags").contains("b"), []),
        (lambda: FS("tags").contains("a|B"), [OFF]),
        (lambda: FS("tags").contains("|"), []),
        (lambda: FS("tags").typeof(["y"]), ["AB"]),
    ],
)
def test_texts_and_lists_are_compared_alike_on_every_database(items, query, names):
    assert items(query()) == names


def test_case_of_all_letters_is_known(items, depot):
    depot.db.depot_item.insert(name="École", status="ÜBER", tags=["Ñandú"])

    for query in (
        FS("name").ilike("é%"), FS("name").lower() == "école", FS("status").contains("über"), FS("tags").contains("ñANDÚ"),
        FS("status").lower().like("ü%"),
    ):  # fmt: skip
        assert items(query) == ["École"]
    assert items(**{"~.name__like": "ÉCOLE"}) == ["École"]


@pytest.mark.parametrize(
    "query",
    [
        lambda: FS("amount").like("1%"),
        lambda: FS("flag").like("T%"),
        lambda: FS("tags").like("x%"),
        lambda: FS("name").like("a\\"),
        lambda: FS("tags") == ["x", None],
        lambda: FS("tags") == " ",
        lambda: FS("tags").contains(" "),
        lambda: FS("name") < None,
        lambda: FS("series_id").typeof("abc"),
        lambda: FS("number").typeof(["1", "x"]),
    ],
)
def test_comparison_that_means_nothing_is_refused(items, query):
    with pytest.raises(S3FilterValueError):
        items(query())


def test_query_of_the_dal_can_stand_on_the_left(items, depot):
    table = depot.db.depot_item

    assert items((table.number > 0) & (FS("number") < 3)) == ["A", "AB"]
    assert items((table.number == 10) | (FS("number") == 1)) == ["A", OFF]
    assert items(((table.number == 10) | (FS("number") == 1)) & (table.name != "A")) == [OFF]
    assert items(~((table.number == 10) | (FS("number") == 1))) == ["AB"]
    assert items((FS("number") > 0) & ((table.number == 10) | (FS("number") == 1))) == ["A", OFF]


def test_something_else_of_the_dal_cannot_hold_a_filter(depot):
    with pytest.raises(S3SelectorError, match="Not a filter"):
        S3Resource("depot_item", filter=depot.db.depot_item.number == (FS("name") == "A"))


@pytest.mark.parametrize("op", ["and", "or", "not"])
def test_connectives_are_no_operators_of_urls(items, op):
    with pytest.raises(S3SelectorError, match=f"__{op}"):
        items(**{f"~.name__{op}": "A"})


@pytest.mark.parametrize(
    ("query", "names"),
    [
        # "another value" needs a component that has one
        (lambda: FS("comp.value") != "x", ["B", "AB"]),
        (lambda: ~(FS("comp.value") == "x"), ["B", "AB"]),
        (lambda: FS("comp.value") == None, [OFF]),
        (lambda: FS("comp.id") == None, [OFF]),
        # conditions on a component must be met by the same one of its records
        (lambda: (FS("comp.value") == "x") & (FS("comp.kind") == "2"), []),
        (lambda: (FS("comp.value") == "y") & (FS("comp.kind") == "2"), ["B"]),
        (lambda: (FS("comp.value") == "y") & (FS("shout") == "B!"), ["B"]),
        (lambda: (FS("comp.value") == "x") & ((FS("shout") == "NO!") | (FS("comp.kind") == "2")), []),
        (lambda: (FS("comp.value") == "y") & ((FS("shout") == "NO!") | (FS("comp.kind") == "2")), ["B"]),
        (lambda: ~((FS("shout") == "B!") | (FS("comp.value") == "x")), ["AB"]),
        (lambda: (FS("shout") == "A!") | (FS("comp.value") != "x"), ["A", "B", "AB"]),
        # filtered components are others
        (lambda: (FS("comp.value") == "x") & (FS("big.value") == "z"), ["AB"]),
        # an alternative that is met needs nothing of the others
        (lambda: (FS("comp.value") == "z") | (FS("tag.name") == "red"), ["A", "AB"]),
    ],
)
def test_conditions_on_components(items, depot, query, names):
    db = depot.db
    ids = {row.name: row.id for row in db(db.depot_item).select()}
    for name, value, kind in (("A", "x", "1"), ("B", "x", "1"), ("B", "y", "2"), ("AB", "x", "1"), ("AB", "z", "big")):
        db.depot_comp.insert(item_id=ids[name], value=value, kind=kind)
    db.depot_item_tag.insert(item_id=ids["A"], tag_id=db.depot_tag.insert(name="red"))

    assert sorted(items(query())) == sorted(names)


def test_row_of_collected_values_cannot_be_evaluated(depot):
    resource = S3Resource("depot_item")
    query = FS("comp.value") == "x"

    assert query(resource, {"depot_comp.value": "x"}) is True
    with pytest.raises(S3SelectorError, match="several values"):
        query(resource, {"depot_comp.value": ["x", "y"]})


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (lambda: FS("name") == "x", '(depot_item.name == "x")'),
        (lambda: (FS("name").belongs(["x", None])) & (FS("number") < 5), '((depot_item.name in ["x", None]) and (depot_item.number < 5))'),
        (lambda: FS("tags").contains("x") | FS("tags").anyof(["y"]),
         '(("x" in depot_item.tags) or (depot_item.tags contains any of ["y"]))'),
        (lambda: ~FS("name").lower().like("a%"), '(not (depot_item.name.lower() like "a%"))'),
        (lambda: FS("from_id").typeof(5), "(depot_item.from_id is a type of 5)"),
        (lambda: FS("comp.value") != "x", '(depot_comp.value != "x")'),
        (lambda: FS("nope.value") == 1, "(nope.value? == 1)"),
    ],
)
def test_filter_as_text_for_logs(depot, query, text):
    assert query().represent(S3Resource("depot_item")) == text


def test_filter_with_a_query_of_the_dal_as_text(depot):
    query = (FS("number") == 1) & (depot.db.depot_item.name == "x")

    assert query.represent(S3Resource("depot_item")).startswith("((depot_item.number == 1) and ")
    with pytest.raises(S3FilterValueError):
        query.serialize_url()


def test_alternatives_of_a_field_need_to_know_that_it_is_no_list(depot):
    resource = S3Resource("depot_item")

    assert ((FS("name") == "A") | (FS("name") == "B")).serialize_url(resource) == {"~.name": "A,B"}
    assert (FS("name").contains("A") | FS("name").contains("B")).serialize_url(resource) == {"~.name__contains": "A,B"}
    for name, value in (("tags", "x"), ("shout", "x"), ("name", "x*")):
        query = (FS(name) == value) | (FS(name) == "y")
        with pytest.raises(S3FilterValueError):
            query.serialize_url(resource)


def test_values_of_fractions_of_a_second_are_compared_as_the_database_has_them(items):
    assert items(FS("at") == dt.datetime(2026, 1, 1, 12, 0, 0, 999)) == ["A"]
    assert items(**{"~.at": "2026-01-01T13:00:00.5+01:00"}) == ["A"]


def test_id_that_the_dal_gave_is_a_value(items, depot):
    series = depot.db.depot_series.insert(name="S")
    item = depot.db.depot_item.insert(name="in series", series_id=series)

    assert items(FS("series_id") == series) == ["in series"]
    assert items(FS("id").belongs([item])) == ["in series"]


def test_fields_of_the_dal_are_values_for_the_database_alone(items, depot):
    table = depot.db.depot_item
    depot.db(table.name == "A").update(status="A")

    assert items(FS("name") == table.status) == ["A"]
    with pytest.raises(S3SelectorError, match="database only"):
        (FS("name") == table.status)(S3Resource("depot_item"), {"depot_item.name": "A"})
