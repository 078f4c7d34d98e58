"""Values and keys of URL filters: what is written is read as the same."""
from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3query import OPERATORS
from s3.s3query.syntax import key_parts, make_key, parse_expression, parse_value, write_value

TEXTS = st.text(alphabet='ab ,"\\|*%!_NOE', max_size=8) | st.sampled_from(["NONE", "None", '"', '""', "", ",", "\\", '\\"', "é"])
SELECTORS = st.sampled_from(["~.name", "contact.value", "~.location_id$L1", "(location)$L1", "tag__link.tag_id", "~.a_b", "a$b.c"])


def has_words(value):
    """A text that needs quotes must not end with a backslash, which would escape the closing one."""
    return value is None or not ("," in value and value.endswith("\\"))


VALUES = st.none() | TEXTS.filter(has_words)


@given(value=VALUES | st.lists(VALUES, min_size=2, max_size=4))
def test_value_that_is_written_is_read_as_the_same(value):
    assert parse_value(write_value(value)) == value


@given(values=st.lists(st.text(alphabet="ab *_%!|é", min_size=1, max_size=5), min_size=1, max_size=4))
def test_plain_texts_are_split_at_commas(values):
    assert parse_value(",".join(values)) == (values if len(values) > 1 else values[0])


@given(text=st.text(max_size=20))
def test_any_text_can_be_read(text):
    value = parse_value(text)

    assert value is None or isinstance(value, (str, list))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "True"),
        (0, "0"),
        (-1.5, "-1.5"),
        (Decimal("1.50"), "1.50"),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, 4, 5, 6), "2026-01-02T03:04:05Z"),
        (dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=2))), "2026-01-02T01:04:00Z"),
        (dt.time(8, 30), "08:30:00"),
        ((1, None), "1,NONE"),
    ],
)
def test_other_values_are_written_so_that_no_zone_is_lost(value, text):
    assert write_value(value) == text


@pytest.mark.parametrize("value", [[], object(), "a,b\\"])
def test_what_has_no_words_is_refused(value):
    with pytest.raises(S3FilterValueError):
        write_value(value)


@given(selectors=st.lists(SELECTORS, min_size=1, max_size=3, unique=True), op=st.sampled_from(sorted(OPERATORS)), invert=st.booleans())
def test_key_that_is_made_is_read_as_the_same(selectors, op, invert):
    assert parse_expression(make_key(selectors, op, invert)) == (selectors, op, invert)


def test_field_of_the_resource_itself_is_marked_as_one():
    assert make_key(["name"], "eq", False) == "~.name"
    assert make_key(["location_id$name", "title"], "like", True) == "~.location_id$name|title__like!"


@pytest.mark.parametrize("selector", ["~.a__like", "~.a|b", "~.name!", "~.a_"])
def test_selector_that_a_url_would_read_as_another_is_refused(selector):
    with pytest.raises(S3SelectorError):
        make_key([selector], "eq", False)


@given(key=st.text(alphabet="ab._!~|$()", max_size=12))
def test_any_key_is_split(key):
    selector, op, invert = key_parts(key)

    assert op and key.startswith(selector)
    assert invert is key.endswith("!")
