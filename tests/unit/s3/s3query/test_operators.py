"""The operator table: evaluation in Python, with the three-valued logic of SQL."""
from __future__ import annotations

import pytest

from s3.s3query import OPERATORS
from s3.s3query.operators import all_of, any_of, negate


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("eq", 1, 1, True),
        ("eq", None, 1, None),
        ("eq", None, None, True),
        ("eq", 1, None, False),
        ("ne", 1, 2, True),
        ("ne", None, 2, None),
        ("ne", None, None, False),
        ("ne", 1, None, True),
        ("lt", 1, 2, True),
        ("lt", None, 2, None),
        ("le", 2, 2, True),
        ("gt", 2, 2, False),
        ("ge", 2, 2, True),
        ("like", "ab", "a%", True),
        ("like", "xab", "a%", False),
        ("like", "a%", "a\\%", True),
        ("like", "ab", "a\\%", False),
        ("like", "a_", "a\\_", True),
        ("like", "a\\", "a\\\\", True),
        ("like", "a.b", "a_b", True),
        ("like", "axb", "a.b", False),
        ("like", "a\nb", "a%", True),
        ("like", None, "%", None),
        ("like", "abcabc", "a%bc%c", True),
        ("like", "abc", "%b%bc", False),
        ("like", "abab", "ab%ab", True),
        ("like", "aba", "ab%ba", False),
        ("like", "xaybz", "%a_b%", True),
        ("like", "", "%%", True),
        ("like", "ABC", "a%", False),
        ("ilike", "ÉCOLE", "é%", True),
        ("ilike", None, "%", None),
        ("ilike", None, None, True),
        ("typeof", 3, [1, 3], True),
        ("typeof", None, [1, None], True),
        ("contains", "Hello", "ELL", True),
        ("contains", ["a", "b"], ["a", "B"], True),
        ("contains", ["a", "b"], ["a", "c"], False),
        ("contains", ["ab"], "a", False),
        ("contains", None, "a", None),
        ("contains", ["a"], [], False),
        ("anyof", ["a", "b"], ["c", "b"], True),
        ("anyof", ["a"], [], False),
        ("anyof", None, ["a", None], True),
        ("belongs", 1, [1, 2], True),
        ("belongs", 3, [1, 2], False),
        ("belongs", None, [1, 2], None),
        ("belongs", None, [1, None], True),
        ("belongs", None, [], False),
        ("belongs", "abc", ["x", "a*"], True),
        ("belongs", ["a", "b"], ["b"], True),
    ],
)
def test_operator_decides(op, left, right, expected):
    assert OPERATORS[op].test(left, right) is expected


def test_unknown_stays_unknown_unless_the_rest_decides():
    assert negate(None) is None
    assert any_of([None, True]) is True
    assert any_of([None, False]) is None
    assert all_of([None, False]) is False
    assert all_of([None, True]) is None
    assert (any_of([]), all_of([])) == (False, True)


def test_every_operator_says_itself_and_its_negation():
    for operation in OPERATORS.values():
        for words in (operation.sentence, operation.negated):
            assert words % {"label": "L", "value": "V"} != words
        assert operation.sentence != operation.negated


def test_patterns_of_strangers_come_to_an_end():
    # one regular expression would try every way to share the text among its parts
    assert OPERATORS["like"].test("a" * 20_000, "%a" * 40 + "b") is False
