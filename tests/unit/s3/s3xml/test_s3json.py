"""S3XML as S3JSON and back."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3DataError
from s3.s3xml import S3XML

POST = (
    '<s3xml success="true" results="1" url="http://host/eden">'
    '<resource name="cms_post" uuid="urn:uuid:1" mci="1" modified_on="2026-11-21T21:18:43" url="http://host/eden/cms/post/4">'
    '<data field="name">P</data>'
    '<data field="body" value="&quot;Hello&quot;">Hello</data>'
    '<data field="date" value="2026-11-21T21:18:36">2026-11-21 21:18</data>'
    '<data field="expired" value="false">No</data>'
    '<data field="priority" value="1">Informational</data>'
    '<reference field="series_id" resource="cms_series" uuid="urn:uuid:2">News</reference>'
    '<resource name="cms_comment" uuid="urn:uuid:3"><data field="body">Yes</data></resource>'
    '<resource name="cms_comment" uuid="urn:uuid:4"><data field="body">No</data></resource>'
    "</resource></s3xml>"
)


def test_document_is_mapped_as_specified():
    assert json.loads(S3XML.tree2json(S3XML.parse(POST))) == {
        "$_cms_post": [
            {
                "name": "P",
                "body": {"@value": "Hello", "$": "Hello"},
                "date": {"@value": "2026-11-21T21:18:36", "$": "2026-11-21 21:18"},
                "expired": {"@value": False, "$": "No"},
                "priority": {"@value": 1, "$": "Informational"},
                "$k_series_id": {"@resource": "cms_series", "@uuid": "urn:uuid:2", "$": "News"},
                "$_cms_comment": [{"body": "Yes", "@uuid": "urn:uuid:3"}, {"body": "No", "@uuid": "urn:uuid:4"}],
                "@uuid": "urn:uuid:1",
                "@mci": "1",
                "@modified_on": "2026-11-21T21:18:43",
                "@url": "http://host/eden/cms/post/4",
            }
        ],
        "@success": "true",
        "@results": "1",
        "@url": "http://host/eden",
    }


def test_text_is_compact_unless_it_is_for_people():
    tree = S3XML.parse('<s3xml><resource name="a_b"><data field="c">d</data></resource></s3xml>')

    assert S3XML.tree2json(tree) == '{"$_a_b":[{"c":"d"}]}'
    assert S3XML.tree2json(tree, pretty_print=True).count("\n") == 6
    assert S3XML.tree2json(tree, as_dict=True) == {"$_a_b": [{"c": "d"}]}


def test_json_comes_back_as_the_same_document():
    tree = S3XML.parse(POST)

    again = S3XML.json2tree(S3XML.tree2json(tree))

    assert S3XML.tree2json(again, as_dict=True) == S3XML.tree2json(tree, as_dict=True)
    assert again.find(".//data[@field='body']").get("value") == '"Hello"'
    assert again.find(".//data[@field='date']").get("value") == "2026-11-21T21:18:36"


def test_value_that_looks_like_another_type_keeps_its_own():
    tree = S3XML.parse("""<s3xml><resource name="a_b"><data field="c" value='"123"'>x</data></resource></s3xml>""")

    assert S3XML.json2tree(S3XML.tree2json(tree)).find(".//data").get("value") == '"123"'


def test_programs_may_write_plain_values():
    root = S3XML.json2tree('{"$_a_b": [{"c": 5, "d": true, "e": null, "f": ["x", "y"], "$k_g": {"@uuid": ["1", "2"]}}]}')
    resource = root.find("resource")

    assert [(data.get("field"), data.get("value"), data.text) for data in resource.iter("data")] == [
        ("c", "5", None), ("d", "true", None), ("e", "null", None), ("f", None, "x"), ("f", None, "y"),
    ]  # fmt: skip
    assert json.loads(resource.find("reference").get("uuid")) == ["1", "2"]


@pytest.mark.parametrize(
    "document",
    [
        "[]", '"text"', "5", '{"$_a_b": ["text"]}', '{"$_a_b": 5}', '{"$_a_b": [{"$k_c": "text"}]}', '{"$_a_b": [{"c": [["d"]]}]}',
        '{"@": "x"}', '{"@a b": "x"}', '{"$_a_b": [{"c": "\\u0000"}]}', '{"$_a_\\u0000": [{}]}', '{"$_a_b": [{"c": "\\ud800"}]}',
        '{"$_a_b":[{"c":' * 1500 + "1" + "}]}" * 1500,
    ],
)  # fmt: skip
def test_what_is_no_s3json_is_said(document):
    with pytest.raises(S3DataError):
        S3XML.json2tree(document)
