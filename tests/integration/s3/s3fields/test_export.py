"""Representation for exports: many values at once, plain text, escaped text."""
import bare
import pytest
from gluon.html import XML, B
from lxml import etree

from s3.s3fields import S3Represent, S3RepresentLazy, s3_represent_value
from s3dal import Field


@pytest.fixture
def series(models):
    table = models.s3db.define_table("test_series", Field("name"))
    return [int(table.insert(name=name)) for name in ("News <b>", "Alerts", "Reports")]


def test_the_first_value_that_is_needed_has_all_represented(models, series):
    renderer = S3Represent(lookup="test_series")
    values = [S3RepresentLazy(record_id, renderer) for record_id in [*series, 999, None]]

    with bare.counted_queries(models.db) as sent:
        labels = [value.represent() for value in values[:4]]

    assert labels == ["News <b>", "Alerts", "Reports", "Unknown"]
    assert len(sent) == 2, "unknown values are not remembered"
    assert str(values[4]) == "-"


def test_values_that_come_later_are_represented_with_the_next_one(models, series):
    renderer = S3Represent(lookup="test_series")
    assert str(S3RepresentLazy(series[0], renderer)) == "News <b>"

    later = [S3RepresentLazy(record_id, renderer) for record_id in series[1:]]

    with bare.counted_queries(models.db) as sent:
        assert [str(value) for value in later] == ["Alerts", "Reports"]
    assert len(sent) == 1


def test_lists_are_represented_together_as_well(models, series):
    renderer = S3Represent(lookup="test_series", multiple=True)
    values = [S3RepresentLazy(value, renderer) for value in (series[:2], [], None, series[2:])]

    with bare.counted_queries(models.db) as sent:
        assert [value.represent() for value in values] == ["News <b>, Alerts", "-", "-", "Reports"]
    assert len(sent) == 1


def test_links_are_rendered_as_elements_and_exported_as_text(series):
    value = S3RepresentLazy(series[0], S3Represent(lookup="test_series", show_link=True, linkto="/[id]"))
    element, attributes = etree.Element("reference"), {}

    value.render_node(element, attributes, "text")
    value.render_node(None, attributes, "text")

    assert str(value.render()) == f'<a href="/{series[0]}">News &lt;b&gt;</a>'
    assert (element.text, attributes) == ("News <b>", {"text": "News <b>"})
    assert etree.tostring(element) == b"<reference>News &lt;b&gt;</reference>"


def test_text_that_looks_like_markup_is_exported_as_it_is(series):
    value = S3RepresentLazy(series[0], S3Represent(lookup="test_series"))
    element = etree.Element("reference")

    value.render_node(element, {}, "text")

    assert element.text == "News <b>"


@pytest.mark.parametrize(
    ("field", "value", "options", "text"),
    [
        (Field("name"), "a < b", {}, "a &lt; b"),
        (Field("name"), "a < b", {"non_xml_output": True}, "a < b"),
        (Field("name"), "<5 m & <b>up</b>", {"strip_markup": True}, "<5 m & <b>up</b>"),
        (Field("name", represent=lambda value: value), "<b>up</b> &amp;", {"strip_markup": True}, "<b>up</b> &amp;"),
        (Field("name"), "<b>up</b>", {"strip_markup": True, "xml_escape": True}, "&lt;b&gt;up&lt;/b&gt;"),
        (Field("name", represent=lambda value: B(value)), "a < b", {"strip_markup": True}, "a < b"),
        (Field("name", represent=lambda value: B(value)), "x", {}, "<b>x</b>"),
        (Field("name", represent=lambda value: B(value)), "a < b", {"non_xml_output": True, "strip_markup": True}, "a < b"),
        (Field("name", represent=lambda value: XML("<i>1 & 2</i>")), "x", {"strip_markup": True, "xml_escape": True}, "1 &amp; 2"),
        (Field("number", "integer"), 5, {}, "5"),
        (Field("number", "integer"), None, {}, "-"),
        (Field("names", "list:string"), ["a", "b"], {}, "a, b"),
        (Field("number", "integer", represent=S3Represent(options={1: "One & only"})), 1, {"xml_escape": True}, "One &amp; only"),
    ],
)
def test_a_value_is_represented_for_an_export(models, field, value, options, text):
    assert s3_represent_value(field, value, **options) == text


def test_a_value_is_taken_from_its_record(models, series):
    table = models.db.test_series

    assert s3_represent_value(table.name, record=table[series[1]]) == "Alerts"


def test_a_value_is_represented_whenever_it_is_exported(models):
    languages = iter(("News", "Nachrichten"))
    field = Field("series", represent=lambda value: next(languages))

    assert [s3_represent_value(field, "n") for _ in range(2)] == ["News", "Nachrichten"]
