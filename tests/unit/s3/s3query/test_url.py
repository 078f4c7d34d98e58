"""URL filters: how keys and values are read, before any table is involved."""
from __future__ import annotations

import pytest
from gluon.storage import Storage

from s3.s3error import S3SelectorError
from s3.s3query import S3URLQuery

RESOURCE = Storage(alias="person")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,2,3", ["1", "2", "3"]),
        ('"1,2",3', ["1,2", "3"]),
        ("NONE,1", [None, "1"]),
        ('"NONE"', "NONE"),
        (r'"Test\""', 'Test"'),
        ("", ""),
        ("NONE", None),
        ("None", None),
        ("a", "a"),
        ("a,", ["a", ""]),
        ('12" pipe', '12" pipe'),
        (["1,2", "3"], ["1", "2", "3"]),
        ("a\\b", "a\\b"),
    ],
)
def test_values_are_split_at_commas_outside_quotes(value, expected):
    assert S3URLQuery.parse_value(value) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("~.name", ("~.name", "eq", False)),
        ("~.name!", ("~.name", "eq", True)),
        ("~.name__like", ("~.name", "like", False)),
        ("~.name__like!", ("~.name", "like", True)),
        ("s__link.x", ("s__link.x", "eq", False)),
        ("s__link.x__ne", ("s__link.x", "ne", False)),
        ("s__", ("s", "eq", False)),
        ("s___", ("s", "eq", False)),
        ("s_", ("s", "eq", False)),
        ("s!__op", ("s!", "op", False)),
        ("s__!op", ("s", "!op", False)),
        ("~.location_id$L1__belongs", ("~.location_id$L1", "belongs", False)),
        ("~.a_b__contains", ("~.a_b", "contains", False)),
    ],
)
def test_keys_are_split_into_selector_operator_and_negation(key, expected):
    assert S3URLQuery.parse_key(key) == expected


def test_alternatives_are_separated_by_bars_and_empty_ones_dropped():
    assert S3URLQuery.parse_expression("~.a||~.b|__like!") == (["~.a", "~.b"], "like", True)


@pytest.mark.parametrize("key", ["~.gender__foo", "s__!op", "~.a__not", "~.a__and", "|__like", "$filter", "bbox"])
def test_a_key_that_means_nothing_is_an_error_that_names_it(key):
    with pytest.raises(S3SelectorError) as error:
        S3URLQuery.parse_expression(key)

    assert error.value.selector == key


@pytest.mark.parametrize(
    ("key", "is_filter"),
    [
        ("~.name", True),
        ("contact.value__like", True),
        ("(location)$L1", True),
        ("$filter", True),
        ("bbox", True),
        ("first_name", False),
        ("format", False),
        ("_next.page", False),
        ("(open", False),
    ],
)
def test_only_keys_with_a_dot_or_a_context_are_filters(key, is_filter):
    assert S3URLQuery.is_filter(key) is is_filter


def test_queries_are_grouped_by_the_component_they_begin_with():
    queries = S3URLQuery.parse(RESOURCE, {"~.a": "1", "person.b": "1", "contact.value": "x", "~.a|contact.b": "1", "limit": "5"})

    assert {alias: len(items) for alias, items in queries.items()} == {"person": 3, "contact": 1}


def test_every_value_of_a_repeated_variable_is_a_condition():
    queries = S3URLQuery.parse(RESOURCE, {"~.first_name": ["A", "B"]})

    assert sorted(query.right for query in queries["person"]) == ["A", "B"]


def test_like_is_case_insensitive_with_its_own_wildcards():
    query = S3URLQuery.parse(RESOURCE, {"~.a__like": "50%_*X?"})["person"][0]

    assert query.right == r"50\%\_%x_"
    assert query.selector.op == "lower"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/app?a=1&b=2#x", {"a": "1", "b": "2"}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("?~.a__like=*x*&c=", {"~.a__like": "*x*", "c": ""}),
        ("cms/post", {}),
    ],
)
def test_variables_are_read_from_urls(url, expected):
    assert S3URLQuery.parse_url(url) == expected


def test_a_key_with_very_many_alternatives_is_refused():
    with pytest.raises(S3SelectorError):
        S3URLQuery.parse_expression("|".join(f"~.a{i}" for i in range(51)))
