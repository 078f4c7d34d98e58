"""Filters written as URL variables, before any table is involved: what is read again is the same filter."""
from __future__ import annotations

import pytest
from gluon.storage import Storage
from hypothesis import given, settings
from hypothesis import strategies as st

from s3.s3error import S3FilterValueError
from s3.s3query import FS, OPERATORS, S3ResourceQuery, S3URLQuery

RESOURCE = Storage(alias="person")
SELECTORS = ("~.name", "title", "contact.value", "location_id$L1", "(location)$name", "tag__link.tag_id")
PLAIN = st.sampled_from(["a", "A b", "", "NONE", "a,b", 'say "x"', "50%", "a_b", "1", "é"])


def canonical(query, invert=False):
    """A filter as conjuncts of (operator, negated, selectors, values), without regard to how it is nested."""
    if query.op == "and":
        return canonical(query.left) | canonical(query.right)
    if query.op == "not":
        return canonical(query.left, not invert)
    leaves = flat(query)
    selectors = frozenset(leaf.left.name if "." in leaf.left.name or leaf.left.name[0] == "(" else f"~.{leaf.left.name}" for leaf in leaves)
    values = [tuple(leaf.right) if isinstance(leaf.right, list) else (leaf.right,) for leaf in leaves]
    if len(selectors) == 1:
        values = [tuple(value for items in values for value in items)]
    assert len(set(values)) == 1
    return {(leaves[0].op, leaves[0].left.op, invert, selectors, values[0])}


def flat(query):
    return [*flat(query.left), *flat(query.right)] if query.op == "or" else [query]


def read(variables):
    queries = [query for items in S3URLQuery.parse(RESOURCE, variables).values() for query in items]
    return set().union(*(canonical(query) for query in queries))


@st.composite
def speakable(draw):
    """A condition, alternatives for which URLs have words, or the negation of these."""
    op = draw(st.sampled_from(sorted(OPERATORS)))
    is_pattern = op in ("like", "ilike")
    items = st.sampled_from(["a", "a%", "_b", "\\%", "\\\\", "x\\_"]) if is_pattern else PLAIN
    nothing = st.nothing() if is_pattern else st.none()
    value = draw(items | nothing | st.lists(items | nothing, min_size=2, max_size=3))
    selectors = draw(st.lists(st.sampled_from(SELECTORS), min_size=1, max_size=3, unique=True))
    leaves = []
    for selector in selectors:
        left = FS(selector).lower() if op == "like" else FS(selector)
        leaves.append(S3ResourceQuery(op, left, value))
    query = leaves[0]
    for leaf in leaves[1:]:
        query = query | leaf
    return ~query if draw(st.booleans()) else query


@given(parts=st.lists(speakable(), min_size=1, max_size=4))
@settings(max_examples=500, deadline=None)
def test_filter_that_is_written_is_read_as_the_same(parts):
    query = parts[0]
    for part in parts[1:]:
        query = query & part

    assert read(query.serialize_url()) == canonical(query)


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (lambda: FS("name") == "A", {"~.name": "A"}),
        (lambda: FS("~.name") != None, {"~.name__ne": "NONE"}),
        (lambda: ~(FS("contact.value") == ["a", None]), {"contact.value!": "a,NONE"}),
        # the same field twice is a repeated variable, not the last one alone
        (lambda: (FS("a") == "1") & (FS("a") == "2"), {"~.a": ["1", "2"]}),
        (lambda: (FS("a") == "1") & (FS("a") == "2") & (FS("a") == "3"), {"~.a": ["1", "2", "3"]}),
        (lambda: (FS("a") > 1) & (FS("b") <= 2), {"~.a__gt": "1", "~.b__le": "2"}),
        (lambda: (FS("a") == "x") | (FS("b.c") == "x"), {"~.a|b.c": "x"}),
        (lambda: ~((FS("a") == "x") | (FS("b.c") == "x")), {"~.a|b.c!": "x"}),
        (lambda: (FS("a") < 1) | (FS("a") < [2, 3]), {"~.a__lt": "1,2,3"}),
        (lambda: FS("a").lower().like("50\\%%_"), {"~.a__like": "50%*?"}),
        (lambda: FS("a").ilike("%b"), {"~.a__ilike": "*b"}),
        (lambda: FS("a").belongs({"y", "x", None}), {"~.a__belongs": "x,y,NONE"}),
        (lambda: FS("a").typeof([5]), {"~.a__typeof": "5"}),
    ],
)
def test_filter_is_written(query, variables):
    assert query().serialize_url() == variables


@pytest.mark.parametrize(
    "query",
    [
        lambda: (FS("a") == 1) | (FS("b") == 2),
        lambda: (FS("a") == 1) | (FS("a") > 2),
        # without the resource nobody knows that it is no list, of which 1,2 is one value
        lambda: (FS("a") == 1) | (FS("a") == 2),
        lambda: ~((FS("a") == 1) & (FS("b") == 2)),
        lambda: (FS("a") == 1) | ((FS("b") == 2) & (FS("c") == 3)),
        lambda: (FS("a") == 1) | ~(FS("a") == 2),
        lambda: (FS("a") != 1) | (FS("a") != 2),
        # URLs know no case
        lambda: FS("a").like("A%"),
        lambda: FS("a").lower().like("A%"),
        lambda: FS("a").upper() == "A",
        # * and ? are wildcards there
        lambda: FS("a").ilike("a*"),
        # a list of one pattern would be read as one text
        lambda: FS("a") == ["a*"],
        lambda: FS("a") == [],
        lambda: FS("a").belongs([]),
        lambda: FS("a") == FS("b"),
    ],
)
def test_filter_for_which_urls_have_no_words_is_refused(query):
    with pytest.raises(S3FilterValueError):
        query().serialize_url()


def test_selectors_are_not_changed_by_their_case():
    selector = FS("name")

    assert (selector.lower().op, selector.upper().op, selector.op) == ("lower", "upper", None)
