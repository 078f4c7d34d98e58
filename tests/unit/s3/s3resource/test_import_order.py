"""The order in which records that need one another are written."""
from __future__ import annotations

import pytest

from s3.s3resource.exchange.order import sort_by_need


@pytest.mark.parametrize(
    ("needs", "order"),
    [
        ({"a": [], "b": []}, ["a", "b"]),
        ({"a": [("b", True)], "b": []}, ["b", "a"]),
        ({"a": [("b", False)], "b": [("c", False)], "c": []}, ["c", "b", "a"]),
        # what stands elsewhere is no matter of order
        ({"a": [("z", True)]}, ["a"]),
        # a can do without b, b cannot do without a
        ({"b": [("a", True)], "a": [("b", False)]}, ["a", "b"]),
        ({"a": [("b", False)], "b": [("a", True)]}, ["a", "b"]),
        # a record may refer to itself
        ({"a": [("a", False)]}, ["a"]),
        # a circle of three, broken where it can be, and who waits for it
        ({"x": [("a", True)], "a": [("b", True)], "b": [("c", True)], "c": [("a", False)]}, ["c", "b", "a", "x"]),
    ],
)
def test_what_is_needed_stands_first(needs, order):
    assert sort_by_need(needs) == (order, [])


def test_circle_that_cannot_be_broken_is_named():
    needs = {"a": [("b", True)], "b": [("a", True)], "c": [("b", False)], "d": [("a", True)]}

    assert sort_by_need(needs) == (["c"], ["a", "b", "d"])
    assert sort_by_need({"a": [("a", True)]}) == ([], ["a"])


@pytest.mark.parametrize("is_vital", [True, False])
def test_long_chains_are_sorted_at_once(is_vital):
    chain = {number: [(number + 1, is_vital)] for number in range(20_000)}
    chain[20_000] = []

    order, circular = sort_by_need(chain)

    assert (order, circular) == (list(range(20_000, -1, -1)), [])
