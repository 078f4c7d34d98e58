"""Whatever a stranger writes into a URL: it selects records, or is refused with a sentence that names it."""
from __future__ import annotations

import datetime as dt

import pytest
from depot import reset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3filter import S3FilterString
from s3.s3query import FS, OPERATORS, S3URLQuery
from s3.s3resource import S3Resource

WORDS = [
    "~", "item", "comp", "big", "child", "tag", "note", "tag__link", "depot_comp", "item_id:depot_comp", "(location)", "(region)", "(x)",
    "nope",
]  # fmt: skip
KEYS = ["from_id", "to_id", "series_id", "parent_id", "pe_id", "name", "nope", "(location)", "place_id"]
FIELDS = [
    "name", "status", "text", "number", "amount", "flag", "day", "at", "tags", "secret", "series_id", "from_id", "id", "uid", "uuid",
    "shout", "value", "body", "deleted", "nope", "", "L1", "(location)", "label",
]  # fmt: skip
GOOD = [
    *(f"~.{name}" for name in FIELDS[:9]), "~.series_id", "~.id", "~.shout", "comp.value", "from_id$name", "to_id$region_id$name",
    "tag.name", "tag__link.tag_id", "child.tags", "(location)$L1", "~.parent_id$number", "comp.place_id$name", "note.body",
]  # fmt: skip
OPS = [*OPERATORS, *OPERATORS, "not", "and", "or", "nope", "intersects", "", "like!", "_"]
VALUES = [
    "", "a", "A%", "*", "?", "\\", "\\%", "%\\", "'", '"', '""', ",", "NONE", "NONE,NONE", '"NONE"', "0", "1", "-1", "1.5", "1e400",
    "nan", "inf", "9" * 10, "9" * 20, "9" * 400, "-" + "9" * 30, "1_000", "٣", "0x10", "True", "false", "maybe",
    "2026-01-01", "2026-01-01T00:00:00Z", "2026-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "NOW", "-7D", "+99999Y",
    "-9999999999999D", "10:00", "25:00", "99", "\0", "a\0b", "\ud800", "\x1e", "\x1f", "é", "İ", "ß", "𝄞", "; DROP TABLE depot_item",
    "1) OR (1=1", "%s", "%(x)s", "{0}", "|", "a|b", "[a]", "x" * 5000, "1,a,2", "2026,x", "*" * 300,
]  # fmt: skip


@st.composite
def selectors(draw):
    steps = [f"{word}." for word in draw(st.lists(st.sampled_from(WORDS), max_size=2))]
    steps += [f"{key}$" for key in draw(st.lists(st.sampled_from(KEYS), max_size=2))]
    return "".join(draw(st.permutations(steps))) + draw(st.sampled_from(FIELDS))


NAMES = st.one_of(*[st.sampled_from(GOOD)] * 4, selectors(), st.text(alphabet="~.$()|_!:ab%' ", max_size=10))
VARIABLES = st.dictionaries(
    st.builds(lambda names, op, end: "|".join(names) + op + end, st.lists(NAMES, min_size=1, max_size=2),
              st.just("") | st.sampled_from(OPS).map(lambda op: f"__{op}"), st.sampled_from(["", "", "!"])),
    st.sampled_from(VALUES) | st.text(max_size=5) | st.lists(st.sampled_from(VALUES), max_size=3)
    | st.lists(st.sampled_from(VALUES), min_size=2, max_size=3).map(",".join),
    min_size=1, max_size=2,
)  # fmt: skip
REFUSED = (S3SelectorError, S3FilterValueError)


@pytest.fixture(scope="module")
def world(open_depot):
    reset(open_depot)
    table = open_depot.db.depot_item
    for name, tags in (("a", ["x"]), ("", []), (None, None), ("A%", ["a|b", "é"])):
        table.insert(name=name, status=name, text=name, number=1, amount=0.5, flag=True, day=dt.date(2026, 1, 1), tags=tags,
                     at=dt.datetime(2026, 1, 1, 12))  # fmt: skip
    open_depot.db.commit()
    return open_depot


@given(variables=VARIABLES)
@settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_filter_of_a_url_selects_or_is_refused(world, variables):
    try:
        selected = S3Resource("depot_item", vars=variables).select(["name"], getids=True).ids
    except REFUSED as error:
        assert str(error)
        return

    # the database is still there, and what is selected is so in Python as well
    everything = S3Resource("depot_item").select(["id"]).rows
    assert set(selected) <= {row["depot_item.id"] for row in everything}
    if any(map(S3URLQuery.is_filter, variables)):
        assert S3FilterString(S3Resource("depot_item"), _pairs(variables)).represent()


def _pairs(variables):
    return [
        [key, item]
        for key, value in variables.items()
        if S3URLQuery.is_filter(key)
        for item in (value if isinstance(value, list) else [value])
    ] or [["~.name", "x"]]


@given(selector=NAMES)
@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_selector_of_code_leads_to_a_field_or_is_refused(world, selector):
    try:
        rfield = FS(selector).resolve(S3Resource("depot_item"))
    except S3SelectorError as error:
        assert error.selector == selector
        return

    assert S3Resource("depot_item").select([selector] if selector else None).rfields[0].colname == rfield.colname
