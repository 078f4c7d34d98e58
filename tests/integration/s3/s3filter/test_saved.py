"""Saved filters: checked against the tables that they are for, before they are stored."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3filter import validate_filter
from s3.s3resource import S3Resource

GOOD = [
    ["name", "A"],
    ["~.status__belongs!", "x,NONE"],
    ["comp.value__like", "*a*"],
    ["from_id$name|to_id$name", "North"],
    ["at__ge", None],
]


def test_filter_that_suits_the_table_is_stored_as_json(depot):
    assert json.loads(validate_filter(GOOD, ["depot_item"])) == GOOD
    assert json.loads(validate_filter(json.dumps(GOOD), [S3Resource("depot_item")])) == GOOD
    assert json.loads(validate_filter(None, ["depot_item"])) == []


@pytest.mark.parametrize(
    ("key", "value", "error"),
    [
        ("nope", "1", S3SelectorError),
        ("~.nope", "1", S3SelectorError),
        ("nope.value", "1", S3SelectorError),
        ("name__nope", "1", S3SelectorError),
        ("$filter", "name eq 1", S3SelectorError),
        ("secret__like", "a*", S3SelectorError),
        ("number", "many", S3FilterValueError),
        ("at__ge", "soonish", S3FilterValueError),
        ("name__like", "NONE", S3FilterValueError),
    ],
)
def test_filter_that_does_not_suit_the_table_is_refused(depot, key, value, error):
    with pytest.raises(error) as refused:
        validate_filter([["name", "A"], [key, value]], ["depot_item"])

    assert key.partition("__")[0] in str(refused.value) or value in str(refused.value) or "like" in str(refused.value)


def test_filter_must_suit_every_table(depot):
    assert validate_filter([["name", "x"]], ["depot_item", "depot_place"])
    with pytest.raises(S3SelectorError, match="depot_place"):
        validate_filter([["status", "x"]], ["depot_item", "depot_place"])


def test_unknown_operator_is_refused_without_a_table():
    with pytest.raises(S3SelectorError):
        validate_filter([["name__nope", "x"]])
