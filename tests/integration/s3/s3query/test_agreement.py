"""Random filters on random records: SQL, evaluation in Python and a naive reading of the filter select the same."""
from __future__ import annotations

import datetime as dt
import operator
import re

import pytest
from depot import reset
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from s3.s3query import S3URLQuery
from s3.s3resource import S3Resource

COMPARISONS = {"lt": operator.lt, "le": operator.le, "ge": operator.ge, "gt": operator.gt}

# few values, so that records and filters meet; texts with everything that means something to somebody
TRICKY = ["", "a", "A", "ab", "a%", "a_b", "a\\", "\\%", "?", "a,b", "NONE", "b é"]
TEXTS = st.sampled_from(TRICKY) | st.text(alphabet="aAb%_*?\\, ", max_size=3)
DAYS = st.dates(dt.date(2026, 1, 1), dt.date(2026, 1, 3))
TIMES = st.sampled_from([dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 0, 0, 1), dt.datetime(2026, 1, 2, 23, 59, 59)])

VALUES = {
    "name": TEXTS,
    "number": st.integers(-1, 1),
    "amount": st.sampled_from([-1.5, 0.0, 0.5]),
    "flag": st.booleans(),
    "day": DAYS,
    "at": TIMES,
}


def naive(compare, value, items):
    """Whether a value compares with one of the items; None if nobody knows."""
    results = [compare(value, item) for item in items]
    return True if True in results else None if None in results else False


def equals(value, item):
    return value is None if item is None else None if value is None else value == item


def matches(value, item):
    if value is None:
        return None
    pattern = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in item.lower())
    # both databases of the tests agree on the case of ASCII letters only
    return re.fullmatch(pattern, value.lower(), re.DOTALL) is not None


def decide(value, op, items):
    if op in COMPARISONS:
        return naive(lambda a, b: None if a is None else COMPARISONS[op](a, b), value, items)
    if op == "like":
        return naive(matches, value, items)
    found = naive(equals, value, items)
    return found if op in ("eq", "belongs") else None if found is None else not found


def is_selected(row, conditions):
    for field, op, items, is_negated in conditions:
        result = decide(row[field], op, items)
        if result is None or result is is_negated:
            return False
    return True


def encode(item):
    if item is None:
        return "NONE"
    if isinstance(item, dt.datetime):
        return item.isoformat() + "Z"
    text = str(item)
    return f'"{text}"' if "," in text or text in ("NONE", "None") else text


@st.composite
def condition(draw):
    field = draw(st.sampled_from(sorted(VALUES)))
    # databases sort letters by the rules of a language, so texts are not compared
    op = draw(st.sampled_from(["eq", "ne", "belongs", *(["like"] if field == "name" else COMPARISONS)]))
    item = VALUES[field] if op in COMPARISONS or op == "like" else st.none() | VALUES[field]
    items = draw(st.lists(item, min_size=1, max_size=3))
    if field == "name":
        # an escaped quote, which the format has no way to say otherwise
        assume(not any(text and "," in text and text.endswith("\\") for text in items))
        if op in ("belongs", "eq", "ne"):
            assume(not any(text and ("*" in text or "%" in text) for text in items))
    return field, op, items, draw(st.booleans())


ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), min_size=3, max_size=6)


@pytest.fixture(scope="module")
def world(open_depot):
    reset(open_depot)
    return open_depot


@given(rows=ROWS, conditions=st.lists(condition(), min_size=1, max_size=2))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
def test_url_filter_selects_what_a_naive_reading_selects(world, rows, conditions):
    table = world.db.depot_item
    ids = [table.insert(**row) for row in rows]
    variables: dict[str, list[str]] = {}
    for field, op, items, is_negated in conditions:
        key = f"~.{field}__{op}{'!' if is_negated else ''}"
        variables.setdefault(key, []).append(",".join(encode(item) for item in items))
    expected = [record_id for record_id, row in zip(ids, rows, strict=True) if is_selected(row, conditions)]

    resource = S3Resource("depot_item", vars=variables)
    selected = resource.select(["id"], getids=True).ids
    queries = [query for items in S3URLQuery.parse(resource, variables).values() for query in items]
    everything = S3Resource("depot_item").select(["id", *VALUES]).rows
    evaluated = [row["depot_item.id"] for row in everything if all(query(resource, row) is True for query in queries)]
    world.db.rollback()

    assert selected == expected
    assert evaluated == expected
