"""The text of a filter, and its URL variables."""
from __future__ import annotations

import pytest

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3fields import S3Represent
from s3.s3filter import S3FilterString
from s3.s3resource import S3Resource


@pytest.fixture
def item(depot, monkeypatch):
    depot.db.depot_series.insert(name="News <b>")
    depot.db.depot_series.insert(name="Alerts")
    represent = S3Represent(lookup="depot_series", show_link=True, linkto="/series/[id]")
    monkeypatch.setattr(depot.db.depot_item.series_id, "represent", represent)
    monkeypatch.setattr(depot.db.depot_item.number, "represent", S3Represent(options={1: "low", 2: "middle", 3: "high"}))
    monkeypatch.setattr(depot.db.depot_item.at, "represent", lambda value: value.strftime("%d.%m.%Y") if value else "-")
    return S3Resource("depot_item")


def text(resource, *pairs):
    return S3FilterString(resource, [list(pair) for pair in pairs]).represent()


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], ""),
        ([("name", None)], ""),
        ([("name", "x")], 'Name is "x"'),
        ([("name!", "x")], 'Name != "x"'),
        ([("name__ne", "x")], 'Name != "x"'),
        ([("name__ne!", "x")], 'Name is "x"'),
        ([("name", "x,y")], 'Name is "x" or "y"'),
        ([("name__ne", "x,y,z")], 'Name != "x", "y" or "z"'),
        ([("name__belongs", "x,y")], 'Name = "x" or "y"'),
        ([("name__belongs!", "x")], 'Name != "x"'),
        ([("name", "NONE")], "Name is None"),
        # the wildcards as they were written
        ([("name__like", "*A?%*")], 'Name like "*a?%*"'),
        ([("name__like!", "a*")], 'Name not like "a*"'),
        ([("name__contains", "x")], 'Name contains "x"'),
        ([("name__contains!", "x")], 'Name does not contain "x"'),
        ([("tags__contains", "x,y,z")], 'Tags contains "x", "y" and "z"'),
        ([("tags__anyof", "x,y")], 'Tags contains any of "x" or "y"'),
        ([("number__lt", "2")], "Number < middle"),
        ([("number__lt!", "2")], "Number >= middle"),
        ([("number__le", "2")], "Number <= middle"),
        ([("number__ge", "2")], "Number >= middle"),
        ([("number__gt!", "2")], "Number <= middle"),
        ([("number__belongs", "1,2,3")], "Number = low, middle or high"),
        ([("at__ge", "2026-03-01T00:00:00Z")], "At >= 01.03.2026"),
        ([("flag", "True")], "Flag is True"),
        # no links
        ([("series_id__belongs", "1,2")], 'Series Id = "News <b>" or "Alerts"'),
        ([("comp.value", "c")], 'Value (Comp) is "c"'),
        ([("name", "x"), ("status", "y")], 'Name is "x" AND Status is "y"'),
        ([("name", "x"), ("name", "y")], 'Name is "x" AND Name is "y"'),
        ([("name|status", "x")], 'Name is "x" OR Status is "x"'),
        ([("name|status", "x"), ("flag", "1")], '(Name is "x" OR Status is "x") AND Flag is True'),
        ([("name|status!", "x")], 'NOT Name is "x" AND NOT Status is "x"'),
        ([("name|status|text!", "x")], 'NOT Name is "x" AND NOT Status is "x" AND NOT Text is "x"'),
        ([("name|status|text", "x"), ("flag", "1")], '(Name is "x" OR Status is "x" OR Text is "x") AND Flag is True'),
        # none of several: what is not less than 1 and not less than 2 is at least both
        ([("number__lt", "1,2")], "Number < low or middle"),
        ([("number__lt!", "1,2")], "Number >= low and middle"),
        ([("tags", "x,y")], 'Tags is "x" and "y"'),
        ([("tags__contains!", "x,y")], 'Tags does not contain "x" and "y"'),
        ([("tags__anyof!", "x,y")], 'Tags does not contain "x" or "y"'),
        # quotes cannot be taken for the end of a value
        ([("name", 'x\\" or \\"y')], 'Name is "x\\" or \\"y"'),
        ([("name", "x\\")], 'Name is "x\\\\"'),
        ([("name", "a\\b")], 'Name is "a\\b"'),
        ([("name", '"NONE"')], 'Name is "NONE"'),
        # a part of a text is no value of the field, and cannot be looked up
        ([("number__like", "1*")], 'Number like "1*"'),
        # what is gone is named by its number
        ([("series_id__belongs", "2,99")], 'Series Id = "Alerts" or "99"'),
        ([("day", "2026-03-01")], "Day is 2026-03-01"),
        ([("at__lt", "2026-03-01T00:00:07Z")], "At < 2026-03-01 00:00:07"),
        # relative dates stay what they are
        ([("at__ge", "-7D")], "At >= 7 days ago"),
        ([("at__ge", "-1Y3M")], "At >= 1 year, 3 months ago"),
        ([("day__le", "+1D")], "Day <= in 1 day"),
        ([("at__lt", "now")], "At < now"),
        ([("at__lt", "+1M-1D")], "At < now + 1 month - 1 day"),
        ([("at", "NOW,2026-03-01T00:00:00Z")], "At is now or 01.03.2026"),
        # the way to other tables
        ([("series_id$name", "x")], 'Name (Series Id) is "x"'),
        ([("from_id$name|to_id$name", "x")], 'Name (From Id) is "x" OR Name (To Id) is "x"'),
        ([("from_id$region_id$name", "x")], 'Name (From Id, Region Id) is "x"'),
        ([("(location)$name", "x")], 'Name (From Id) is "x"'),
        ([("(region)", "NONE")], "Region Id (From Id) is None"),
        ([("big.value", "x")], 'Value (Big) is "x"'),
        ([("tag.name", "x")], 'Name (Tag) is "x"'),
        ([("item_tag.tag_id", "5")], 'Tag Id (Tag, Link) is "5"'),
        ([("child.name", "x")], 'Name (Child) is "x"'),
        ([("note.body", "x")], 'Body (Note) is "x"'),
    ],
)
def test_filter_is_said_in_words(item, pairs, expected):
    assert text(item, *pairs) == expected


def test_labels_are_those_of_the_lists(item):
    item.configure(notify_fields=[("Title", "name")], list_fields=["name", ("State", "status")])

    assert text(item, ("name", "x"), ("status", "y")) == 'Title is "x" AND State is "y"'


def test_words_are_in_the_language_of_the_reader(item, depot, tmp_path, monkeypatch):
    words = {"%(label)s is %(value)s": "%(label)s ist %(value)s", "%s AND %s": "%s UND %s", "or": "oder"}
    monkeypatch.setattr(depot, "T", lambda key: words.get(key, key))

    assert text(item, ("name", "x,y"), ("status", "z")) == 'Name ist "x" oder "y" UND Status ist "z"'


def test_variables_have_prefixes_and_repeated_keys_a_list(item):
    string = S3FilterString(item, '[["name", "x"], ["item.name", "y"], ["comp.value", "a"], ["~.name", "z"], ["status", null]]')

    assert string.get_vars == {"~.name": ["x", "y", "z"], "comp.value": "a"}


def test_variables_select_what_the_text_says(item, depot):
    depot.db.depot_item.insert(name="a", number=1)
    depot.db.depot_item.insert(name="b", number=2)
    string = S3FilterString(item, [["number__belongs!", "1"]])

    rows = S3Resource("depot_item", vars=string.get_vars).select(["name"]).rows

    assert string.represent() == "Number != low"
    assert [row["depot_item.name"] for row in rows] == ["b"]


@pytest.mark.parametrize("query", ["no json", '{"a": 1}', '[["a"]]'])
def test_malformed_filter_is_an_error(item, query):
    # Eden took it for an empty filter, which selects everything
    with pytest.raises(S3FilterValueError):
        S3FilterString(item, query)


def test_filter_that_does_not_suit_the_table_has_no_text(item):
    with pytest.raises(S3SelectorError):
        text(item, ("nope", "x"))
    with pytest.raises(S3FilterValueError):
        text(item, ("number", "x"))


def test_label_that_cannot_be_made_costs_itself(item, depot, monkeypatch):
    class Broken(S3Represent):
        def represent_row(self, row, prefix=None):
            raise KeyError("no such label")

    monkeypatch.setattr(depot.db.depot_item.series_id, "represent", Broken(lookup="depot_series"))
    monkeypatch.setattr(depot.db.depot_item.flag, "represent", lambda value: {}[value])
    monkeypatch.setattr(depot.db.depot_item.at, "represent", lambda value: value.no_such_method())

    said = text(item, ("series_id__belongs", "1,2"), ("flag", "1"), ("at__ge", "2026-03-01T00:00:00Z"))

    assert said == 'Series Id = "1" or "2" AND Flag is True AND At >= 2026-03-01 00:00'
    assert [line.partition(":")[0] for line in depot.log.lines] == ["depot_item.series_id", "depot_item.flag", "depot_item.at"]


@pytest.mark.parametrize("key", ["comp.item_id", "~.parent_id", "child.parent_id"])
def test_records_that_the_page_hides_are_not_named(depot, monkeypatch, key):
    secret = depot.db.depot_item.insert(name="secret", status="hidden")
    for field in (depot.db.depot_item.parent_id, depot.db.depot_comp.item_id):
        monkeypatch.setattr(field, "represent", S3Represent(lookup="depot_item"))
    is_open = depot.db.depot_item.status == None

    named, unnamed = (text(S3Resource("depot_item", filter=rule), (key, f"{secret},99")) for rule in (None, is_open))

    assert "secret" in named
    assert unnamed.endswith(f'is "{secret}" or "99"')


@pytest.mark.parametrize("represent", [S3Represent(lookup="depot_series"), lambda value: f"called {value}"])
def test_records_that_the_reader_may_not_read_are_not_named(item, depot, monkeypatch, represent):
    monkeypatch.setattr(depot.db.depot_item.series_id, "represent", represent)
    monkeypatch.setattr(depot.db.depot_item.series_id, "readable", False)
    depot.db.depot_item.insert(name="a", series_id=1)
    depot.auth.readable["depot_series"] = lambda table: table.id == 2

    said = text(item, ("series_id__belongs", "1,2"))

    assert 'Series Id = "1" or "' in said and not said.endswith('"2"')


def test_record_that_the_list_shows_is_named(item, depot):
    other = S3Resource("depot_item", filter=depot.db.depot_item.name != "a")
    depot.db.depot_item.insert(name="a", series_id=1)
    depot.auth.readable["depot_series"] = lambda table: table.id == 0

    assert text(item, ("series_id__ne", "1"), ("name", "b")) == 'Series Id != "News <b>" AND Name is "b"'
    assert text(other, ("series_id__ne", "1")) == 'Series Id != "1"'


def test_text_for_somebody_else_names_no_record(item):
    string = S3FilterString(item, [["series_id__belongs", "1"], ["number", "1"]])

    assert string.represent(is_for_reader=False) == 'Series Id = "1" AND Number is low'
