"""What the arguments of a REST URL stand for."""
from __future__ import annotations

import pytest

from s3.s3rest.address import split_args, split_extension


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], (None, [])),
        (["5"], ("5", [])),
        (["5.json"], ("5", [])),
        (["create"], (None, [("create", None)])),
        (["update", "5"], (None, [("update", "5")])),
        (["5", "update"], ("5", [("update", None)])),
        (["5", "contact", "7", "Update.html"], ("5", [("contact", "7"), ("update", None)])),
        (["contact", "7"], (None, [("contact", "7")])),
        # a second id in a row is no id
        (["5", "7"], ("5", [("7", None)])),
        # only the first four are looked at
        (["5", "contact", "7", "update", "now"], ("5", [("contact", "7"), ("update", None)])),
        # digits of other scripts are no ids
        (["٥"], (None, [("٥", None)])),
        (["", ".json"], (None, [])),
    ],
)
def test_url_arguments_pair_names_with_ids(args, expected):
    assert split_args(args) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5.JSON", ("5", "json")), ("5", ("5", None)), ("a.b.csv", ("a.b", "csv")), ("5.", ("5", None))],
)
def test_extension_is_what_follows_the_last_dot(text, expected):
    assert split_extension(text) == expected
