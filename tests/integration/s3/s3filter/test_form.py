"""Filter forms inside other forms: from stored filters to controls, and from what was sent back to what is stored."""
from __future__ import annotations

import re

import pytest

from s3.s3error import S3FilterValueError


def make_form(**opts):
    from s3 import S3DateFilter, S3FilterForm, S3LocationFilter, S3OptionsFilter, S3TextFilter

    return S3FilterForm([
        S3TextFilter("title"),
        S3OptionsFilter("series_id", resource="cms_post", **opts),
        S3LocationFilter("location_id", levels=["L0", "L1"], resource="cms_post"),
        S3DateFilter("date", resource="cms_post", hide_time=True),
    ])  # fmt: skip


@pytest.fixture
def world(app):
    """Two series with posts in two provinces, read by anna."""
    with app.env(user="anna") as current:
        current.auth.override = True
        resource = current.s3db.resource
        country = resource("gis_location").insert(name="Land", level="L0")
        for name in ("North", "South, East"):
            place = resource("gis_location").insert(name=name, level="L1", parent=country)
            series = resource("cms_series").insert(name=f"News of {name}")
            resource("cms_post").insert(body="b", series_id=series, location_id=place)
        current.auth.override = False
        yield current


def controls(rows):
    """[(name, value, whether it is ticked)] of the controls."""
    inputs = re.findall(r"<input ([^>]*)>", "".join(str(row) for row in rows))
    fields = [dict(re.findall(r'([a-z]+)="([^"]*)"', text)) for text in inputs]
    return [(field["name"], field["value"], "checked" in field) for field in fields]


def test_stored_filter_fills_the_controls(world):
    form = make_form()
    series = world.db(world.s3db.cms_series.name == "News of North").select().first().id

    stored = [
        ["series_id__belongs", str(series)], ["location_id$L1__belongs", '"South, East"'], ["title__like", "*red*"],
        ["title__like", "*hot water*"], ["date__ge", "2026-03-01T00:00:00Z"],
    ]  # fmt: skip

    rows = form.fields(get_vars=form.values_of(stored))

    found = controls(rows)
    assert ("title__like[words]", "red &quot;hot water&quot;", False) in found
    assert [value for name, value, is_ticked in found if name == "series_id__belongs[]" and is_ticked] == [str(series)]
    assert [value for name, value, is_ticked in found if name.startswith("location_id") and is_ticked] == ["&quot;South, East&quot;"]
    assert ("date__ge[day]", "2026-03-01", False) in found


def test_what_a_form_sends_becomes_pairs_and_null_where_nothing_was_chosen(world):
    pairs = make_form().pairs_of({
        "title__like[words]": "red water", "series_id__belongs[]": ["1", "2"], "location_id$L1__belongs[]": '"South, East"',
        "date__ge[day]": "", "date__le[day]": "2026-03-02", "frequency": "daily", "_formkey": "x",
    })  # fmt: skip

    assert pairs == [
        ("title__like", "*red*"), ("title__like", "*water*"), ("series_id__belongs", "1,2"), ("location_id$L0__belongs", None),
        ("location_id$L1__belongs", '"South, East"'), ("date__ge", None), ("date__le", "2026-03-02T23:59:59Z"),
    ]  # fmt: skip


def test_what_no_control_shows_is_kept_when_the_rest_is_changed(world):
    stored = [["body__like", "*x*"], ["title__like", "exactly"], ["series_id__belongs!", "1"], ["series_id__belongs", "1"]]

    pairs = make_form().pairs_of({"series_id__belongs[]": "2"}, stored=stored)

    assert [pair for pair in pairs if pair[1] is not None] == [
        ("series_id__belongs", "2"), ("body__like", "*x*"), ("title__like", "exactly"), ("series_id__belongs!", "1")]


@pytest.mark.parametrize("stored", [
    [["series_id__belongs", "1"], ["~.series_id__belongs", "2"]],
    [["series_id__belongs", "1,2"], ["series_id__belongs", "2,3"]],
])  # fmt: skip
def test_conditions_that_must_both_match_do_not_become_alternatives(world, stored):
    form = make_form()

    rows = form.fields(get_vars=form.values_of(stored))

    assert [value for name, value, is_ticked in controls(rows) if is_ticked] == []
    kept = [value for name, value in form.pairs_of({}, stored=stored) if value is not None]
    assert kept == [value for _, value in stored]


def test_of_two_ways_to_say_a_condition_one_is_shown_and_the_other_is_kept(world):
    form = make_form()
    stored = [["series_id__belongs", "1,2"], ["series_id", "2"]]

    ticked = [value for name, value, is_ticked in controls(form.fields(get_vars=form.values_of(stored))) if is_ticked]

    assert sorted(ticked) == ["1", "2"]
    sent = form.pairs_of({"series_id__belongs[]": ["1", "2"]}, stored=stored)
    assert [pair for pair in sent if pair[1] is not None] == [("series_id__belongs", "1,2"), ("series_id", "2")]


def test_filter_that_is_sent_as_it_is_shown_stays_the_same(world):
    form = make_form()
    stored = [["title__like", "*red*"], ["series_id__belongs", "1,2"], ["location_id$L0__belongs", "Land"], ["date__ge", "-7D"]]

    sent = {}
    for name, value, is_ticked in controls(form.fields(get_vars=form.values_of(stored))):
        if is_ticked or not re.search(r"\[\]$", name):
            sent.setdefault(name, []).append(value)

    assert [list(pair) for pair in form.pairs_of(sent, stored=stored) if pair[1] is not None] == stored


@pytest.mark.parametrize("sent", ["abc", ["1", "abc"]])
def test_choice_that_is_no_value_of_its_field_is_refused_and_said_beside_its_control(world, sent):
    form = make_form()

    with pytest.raises(S3FilterValueError) as caught:
        form.pairs_of({"series_id__belongs[]": sent}, stored=[["title__like", "*red*"]])
    page = "".join(str(row) for row in form.fields(get_vars={"series_id__belongs[]": sent, "title__like[words]": "red"}))

    assert caught.value.errors == {"series_id__belongs[]": 'Type: "abc" cannot be chosen'}
    assert '<fieldset aria-describedby="series_id-options-filter__error"' in page
    assert '<div class="error_wrapper" id="series_id-options-filter__error">&quot;abc&quot; cannot be chosen</div>' in page
    assert 'value="red"' in page


def test_value_that_is_none_is_refused_and_said_beside_its_control(world):
    form = make_form()
    sent = {"date__ge[day]": "31.02.2026", "title__like[words]": "red"}

    with pytest.raises(S3FilterValueError) as caught:
        form.pairs_of(sent)
    page = "".join(str(row) for row in form.fields(get_vars=sent))

    assert list(caught.value.errors) == ["date__ge[day]"]
    assert re.search(r'<input aria-describedby="(date-date-filter-ge__error)" aria-invalid="true"[^>]* value="31.02.2026"', page)
    assert re.search(r'id="date-date-filter-ge__error">&quot;31.02.2026&quot; is no date', page)
    assert 'value="red"' in page
