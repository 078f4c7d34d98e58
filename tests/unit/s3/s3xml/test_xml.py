import datetime as dt
import json

import pytest

from s3.s3xml import S3XML


def test_a_message_without_arguments_reports_success():
    assert S3XML.json_message() == '{"status": "success", "statuscode": "200"}'


def test_a_failure_is_404_unless_it_says_otherwise():
    assert json.loads(S3XML.json_message(False)) == {"status": "failed", "statuscode": "404"}


def test_items_stand_in_a_fixed_order():
    text = S3XML.json_message(False, 405, message="Test", records=3, created=[1])

    assert list(json.loads(text).items()) == [
        ("status", "failed"),
        ("statuscode", "405"),
        ("message", "Test"),
        ("records", 3),
        ("created", [1]),
    ]


def test_a_message_alone_reports_success():
    assert json.loads(S3XML.json_message(message="Done"))["status"] == "success"


@pytest.mark.parametrize(("message", "expected"), [("Test", {"a": [1, 2]}), (None, None)])
def test_a_tree_is_spliced_in_as_it_is_beside_a_message(message, expected):
    report = json.loads(S3XML.json_message(False, 400, message=message, tree='{"a": [1, 2]}'))

    assert report.get("tree") == expected


def test_values_that_json_does_not_know_are_written_as_text():
    class Lazy:
        def __str__(self):
            return "translated"

    report = json.loads(
        S3XML.json_message(message=Lazy(), at=dt.datetime(2026, 3, 2, 6, 0), day=dt.date(2026, 3, 2), label=Lazy(), name="Ünal")
    )

    assert report["message"] == report["label"] == "translated"
    assert (report["at"], report["day"], report["name"]) == ("2026-03-02T06:00:00Z", "2026-03-02", "Ünal")


@pytest.mark.parametrize(
    ("text", "encoded"),
    [("a < b & 'c' > \"d\"", "a &lt; b &amp; &apos;c&apos; &gt; &quot;d&quot;"), ("&lt;", "&amp;lt;")],
)
def test_reserved_characters_are_escaped_and_come_back(text, encoded):
    assert S3XML.xml_encode(text) == encoded
    assert S3XML.xml_decode(encoded) == text
