"""Saved filters: what is no filter at all."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3FilterValueError
from s3.s3filter import parse_filter


@pytest.mark.parametrize("query", [None, "", "[]", []])
def test_empty_filter_has_no_conditions(query):
    assert parse_filter(query) == []


def test_conditions_are_pairs_of_key_and_value():
    query = [["status", "open"], ["~.name__like", 'it\'s "so"'], ["note.body", None]]

    assert parse_filter(json.dumps(query)) == parse_filter(query) == [tuple(pair) for pair in query]


@pytest.mark.parametrize(
    "query",
    [
        "status=open",
        "{",
        '{"status": "open"}',
        '"status"',
        "5",
        '["status"]',
        '[["status"]]',
        '[["status", "open", 1]]',
        '[[1, "open"]]',
        '[["", "open"]]',
        '[["status", 5]]',
        '[["status", ["open"]]]',
        '[{"status": "open"}]',
        "[" * 10_000,
        json.dumps([["~.name", "x" * 20_000]]),
        json.dumps([["~.name", "x"]] * 101),
    ],
)
def test_what_is_no_filter_is_an_error(query):
    with pytest.raises(S3FilterValueError) as error:
        parse_filter(query)

    assert len(str(error.value)) < 300
