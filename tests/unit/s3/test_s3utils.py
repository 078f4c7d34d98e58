import sys

import pytest
from gluon import TAG, XML, A, B, current
from gluon.storage import Storage

from s3.s3utils import (
    import_module,
    s3_fullname,
    s3_get_extension,
    s3_get_last_record_id,
    s3_options_represent,
    s3_phone_represent,
    s3_plain_text,
    s3_remove_last_record_id,
    s3_store_last_record_id,
    s3_str,
    s3_strip_markup,
    s3_truncate,
    s3_url_represent,
    s3_yes_no_represent,
)
from s3cfg import S3Config


@pytest.fixture
def request_scope():
    """``current`` with what the functions of this module ask for."""
    before = dict(current.__dict__)
    current.deployment_settings = S3Config()
    current.session = Storage()
    current.T = lambda text: text
    yield current
    current.__dict__.clear()
    current.__dict__.update(before)


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A place for modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "importable"]:
        del sys.modules[name]


def test_a_module_is_imported_by_its_whole_name(packages):
    (packages / "importable").mkdir()
    (packages / "importable" / "inner.py").write_text("VALUE = 5")

    assert import_module("importable.inner").VALUE == 5


@pytest.mark.parametrize("name", ["importable", "importable.inner", "importable.inner.deeper"])
def test_a_module_that_does_not_exist_is_none(packages, name):
    assert import_module(name) is None


def test_a_missing_module_in_an_existing_package_is_none(packages):
    (packages / "importable").mkdir()
    (packages / "importable" / "__init__.py").write_text("")

    assert import_module("importable.inner") is None


@pytest.mark.parametrize(
    ("source", "error"),
    [("import importable_missing", ModuleNotFoundError), ("from importable import nothing", ImportError), ("1 / 0", ZeroDivisionError)],
)
def test_an_error_inside_a_module_is_raised(packages, source, error):
    (packages / "importable").mkdir()
    (packages / "importable" / "inner.py").write_text(source)

    with pytest.raises(error):
        import_module("importable.inner")


@pytest.mark.parametrize(("value", "text"), [("ä", "ä"), ("ä".encode(), "ä"), (5, "5"), (None, "None")])
def test_s3_str(value, text):
    assert s3_str(value) == text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("plain", "plain"),
        ("<p>one <b>two</b></p>", "one two"),
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("a < b", "a < b"),
        ("<script>alert('x')</script>after<style>p {}</style>", "after"),
        ('<a href="x">link</a><br/>next', "linknext"),
        (5, "5"),
        ("", ""),
    ],
)
def test_markup_is_stripped(markup, text):
    assert s3_strip_markup(markup) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("<5 m & <b>up</b>", "<5 m & <b>up</b>"),
        (B("a < b"), "a < b"),
        (XML("<i>1 &amp; 2</i>"), "1 & 2"),
        (TAG[""](A("x", _href="/"), ", <b>"), "x, <b>"),
        (5, "5"),
    ],
)
def test_only_elements_have_markup(value, text):
    assert s3_plain_text(value) == text


@pytest.mark.parametrize(
    ("text", "length", "nice", "short"),
    [
        ("short", 20, True, "short"),
        # 20 characters, minus the partial word "jumps", cut to 17
        ("the quick brown fox jumps over", 20, True, "the quick brown f..."),
        ("the quick brown fox jumps over", 20, False, "the quick brown f..."),
        # the last word that fits ends at 9
        ("the quick brownish", 12, True, "the quick..."),
        ("x" * 24, 24, True, "x" * 24),
    ],
)
def test_long_text_is_truncated(text, length, nice, short):
    assert s3_truncate(text, length, nice) == short


def test_options_are_represented_without_unknown():
    represent = s3_options_represent({1: "One"})

    assert [represent(1), represent(2), represent(None)] == ["One", "-", "-"]


def test_yes_and_no(request_scope):
    assert [s3_yes_no_represent(value) for value in (True, False, None)] == ["Yes", "No", "-"]


def test_phone_numbers_stay_left_to_right():
    assert s3_phone_represent("+46123") == "\u200e+46123"
    assert s3_phone_represent(None) == s3_phone_represent("") == "-"


def test_only_web_addresses_become_links():
    assert str(s3_url_represent("https://example.com/?a=<b>")) == (
        '<a href="https://example.com/?a=&lt;b&gt;" rel="noopener noreferrer" target="_blank">https://example.com/?a=&lt;b&gt;</a>'
    )
    assert s3_url_represent("javascript:alert(1)") == "javascript:alert(1)"
    assert s3_url_represent(None) == "-"


def name(first="", middle="", last=""):
    return Storage(first_name=first, middle_name=middle, last_name=last)


@pytest.mark.parametrize(
    ("person", "fullname"),
    [
        (name("Anna", None, "Abel"), "Anna Abel"),
        (name(" Anna ", "B.", "Abel"), "Anna B. Abel"),
        (name("Anna"), "Anna"),
        (Storage(pr_person=name("Anna", "", "Abel")), "Anna Abel"),
        # 32 characters: 21 of them and dots
        (name("Maximilian-Alexander", "", "Oppenheimer"), "Maximilian-Alexander ..."),
        (None, ""),
    ],
)
def test_a_full_name_follows_the_format_of_the_deployment(request_scope, person, fullname):
    assert s3_fullname(person) == fullname


def test_a_full_name_may_be_long_if_asked_for(request_scope):
    assert s3_fullname(name("Maximilian-Alexander", "", "Oppenheimer"), truncate=False) == "Maximilian-Alexander Oppenheimer"


@pytest.mark.parametrize(
    ("get_vars", "args", "extension"),
    [
        ({"format": "MSG"}, ["1.json"], "msg"),
        ({"format": ["xml", "json"]}, [], "json"),
        ({}, ["1.json", "update"], "json"),
        ({}, ["1"], "html"),
    ],
)
def test_the_format_of_a_request(get_vars, args, extension):
    assert s3_get_extension(Storage(get_vars=Storage(get_vars), args=args, extension="html")) == extension


def test_the_session_remembers_the_last_opened_records(request_scope):
    assert s3_get_last_record_id("cms_post") is None

    s3_store_last_record_id("cms_post", "5")
    s3_store_last_record_id("pr_person", 7)
    s3_remove_last_record_id("cms_post")
    assert (s3_get_last_record_id("cms_post"), s3_get_last_record_id("pr_person")) == (None, 7)

    s3_remove_last_record_id()
    assert s3_get_last_record_id("pr_person") is None

