"""Random filters: the text of each names all its fields and values, and no two that differ have the same text."""
from __future__ import annotations

import os

import pytest
from depot import reset
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from s3.s3error import S3FilterValueError
from s3.s3fields import S3Represent
from s3.s3filter import S3FilterString
from s3.s3query import S3URLQuery
from s3.s3resource import S3Resource

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "150"))

# selector: what it is called
LABELS = {
    "name": "Name",
    "text": "Text",
    "comp.value": "Value (Comp)",
    "big.value": "Value (Big)",
    "series_id$name": "Name (Series Id)",
    "from_id$name": "Name (From Id)",
    "to_id$name": "Name (To Id)",
    "(region)$name": "Name (From Id, Region Id)",
}
NUMBERS = {"number": "Number", "series_id": "Series Id"}
SERIES = ("News", 'Alerts "now"', "A or B", "Name is")
MIRRORED = {"lt": "ge", "le": "gt", "ge": "lt", "gt": "le", "eq": "ne", "ne": "eq"}

# what could be taken for words of the sentence, or for the end of a value
WORDS = st.sampled_from(["x", "y", "X", '"', '\\"', "\\", " or ", " AND ", "Name is", "*", "?", "%", "_", ",", "None", "NONE", "(", ""])
TEXTS = st.lists(WORDS, min_size=1, max_size=4).map("".join)


@st.composite
def condition(draw):
    is_number = draw(st.booleans())
    selectors = draw(st.lists(st.sampled_from(sorted(NUMBERS if is_number else LABELS)), min_size=1, max_size=3, unique=True))
    if is_number:
        op = draw(st.sampled_from(["eq", "ne", "belongs", "lt", "le", "ge", "gt"]))
        value = ",".join(str(number) for number in draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    else:
        op = draw(st.sampled_from(["eq", "ne", "belongs", "like", "contains", "anyof"]))
        value = draw(TEXTS)
        # in sets, these are wildcards: for once not what the same sentence with one value means
        assume(op != "belongs" or not set("*%") & set(value))
    return f"{'|'.join(selectors)}__{op}{'!' if draw(st.booleans()) else ''}", value


FILTERS = st.lists(condition(), min_size=1, max_size=2)


@pytest.fixture(scope="module")
def world(open_depot):
    reset(open_depot)
    table = open_depot.db.depot_item
    for name in SERIES:
        open_depot.db.depot_series.insert(name=name)
    before = table.series_id.represent
    table.series_id.represent = S3Represent(lookup="depot_series")
    yield open_depot
    table.series_id.represent = before
    open_depot.db.rollback()


def text_of(pairs):
    try:
        return S3FilterString(S3Resource("depot_item"), [list(pair) for pair in pairs]).represent()
    except S3FilterValueError:
        # nothing to be like
        assume(False)


def members(op, value):
    parsed = S3URLQuery.parse_value(value)
    items = parsed if isinstance(parsed, list) else [parsed]
    return tuple(item.lower() for item in items if item is not None) if op == "like" else tuple(items)


def meaning(pairs):
    """The filter as a set of conditions that must all hold; what is written differently but means the same is equal."""
    found = set()
    for key, value in pairs:
        selectors, op, is_negated = S3URLQuery.parse_expression(key)
        items = members(op, value)
        if is_negated and op == "belongs" and len(selectors) == 1:
            op = "eq"
        if is_negated and op in MIRRORED and (len(items) == 1 or op in ("eq", "ne")) and len(selectors) == 1:
            op, is_negated = MIRRORED[op], False
        if op == "anyof" and (is_negated or len(items) == 1):
            op = "contains"
        if is_negated and len(selectors) > 1:
            found |= {("not", selector, op, items) for selector in selectors}
        else:
            found.add((tuple(selectors), op, is_negated, items))
    return found


@given(pairs=FILTERS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_text_names_every_field_and_every_value(world, pairs):
    text = text_of(pairs)

    for key, value in pairs:
        selectors, op, _ = S3URLQuery.parse_expression(key)
        for selector in selectors:
            label = NUMBERS.get(selector) or LABELS[selector]
            assert label in text
            for item in members(op, value):
                named = SERIES[int(item) - 1] if selector == "series_id" else item
                assert "None" in text if named is None else quoted(named) in text or (selector == "number" and named in text)


def quoted(text):
    """As in a sentence: a quote is escaped, and so are backslashes before one."""
    result, backslashes = '"', 0
    for char in [*text, None]:
        if char == "\\":
            backslashes += 1
            continue
        result += "\\" * backslashes * (2 if char in ('"', None) else 1)
        backslashes = 0
        result += "" if char is None else '\\"' if char == '"' else char
    return result + '"'


@given(one=FILTERS, other=FILTERS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_filters_of_the_same_text_mean_the_same(world, one, other):
    assume(meaning(one) != meaning(other))

    assert text_of(one) != text_of(other)


@given(key=st.sampled_from(sorted(LABELS)), op=st.sampled_from(["eq", "like", "contains"]), one=TEXTS, other=TEXTS)
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_values_that_look_alike_are_told_apart(world, key, op, one, other):
    assume(members(op, one) != members(op, other))

    assert text_of([(f"{key}__{op}", one)]) != text_of([(f"{key}__{op}", other)])
