import datetime as dt

import pytest
from gluon.storage import Storage
from gluon.validators import IS_EMPTY_OR

from s3.s3datetime import set_clock
from s3.s3fields import (
    s3_comments,
    s3_currency,
    s3_date,
    s3_datetime,
    s3_fieldmethod,
    s3_language,
    s3_role_required,
    s3_roles_permitted,
    s3_time,
)
from s3dal import Field

NOW = dt.datetime(2026, 3, 2, 23, 30)


@pytest.fixture(autouse=True)
def stockholm(models):
    """One hour ahead of UTC in March; it is 00:30 of the third there."""
    models.deployment_settings.L10n.timezone = "Europe/Stockholm"
    set_clock(lambda: NOW)
    yield
    set_clock(None)


def test_comments_keep_harmless_markup_only():
    field = s3_comments()

    assert (field.name, field.type, str(field.label)) == ("comments", "text", "Comments")
    assert str(field.represent("<b>bold</b>")) == "<b>bold</b>"
    assert "<script>" not in str(field.represent("<script>alert(1)</script>"))
    assert [field.represent(value) for value in (None, "")] == ["-", "-"]


def test_a_date_time_is_shown_in_local_time():
    field = s3_datetime("happened_on", label="When")

    assert (field.name, field.type, field.label, field.default) == ("happened_on", "datetime", "When", None)
    assert field.represent(NOW) == "2026-03-03 00:30"
    assert field.represent(None) == "-"
    assert isinstance(field.requires, IS_EMPTY_OR)
    assert field.requires("2026-03-03 00:30") == (NOW, None)


def test_a_date_time_may_be_shown_and_entered_as_a_date():
    assert s3_datetime(represent="date").represent(NOW) == "2026-03-03"
    assert s3_datetime(widget="date").represent(NOW) == "2026-03-03"
    assert s3_datetime(widget="date").widget is None
    assert s3_datetime(represent=lambda value: "custom").represent(NOW) == "custom"


def test_now_is_the_time_of_writing_not_of_the_definition(models):
    table = models.s3db.define_table("test_event", s3_datetime(default="now"), s3_date("day", default="now"))
    set_clock(lambda: NOW + dt.timedelta(days=1))

    row = models.db.test_event[table.insert()]

    assert row.date == dt.datetime(2026, 3, 3, 23, 30)
    assert row.day == dt.date(2026, 3, 4), "today is a local day"


def test_a_date_time_may_be_limited_to_hours_around_now():
    field = s3_datetime(past=2, future=0, empty=False)

    assert [field.requires(text)[1] for text in ("2026-03-02 22:30", "2026-03-03 00:30")] == [None, None]
    assert field.requires("2026-03-02 22:29")[1] == "Not before 2026-03-02 22:30"
    assert field.requires("2026-03-03 00:31")[1] == "Not after 2026-03-03 00:30"
    assert field.requires("")[1] == "Enter a valid date/time"


def test_a_date_time_may_be_limited_absolutely():
    field = s3_datetime(min=dt.datetime(2026, 3, 1), max=dt.datetime(2026, 3, 2))

    assert field.requires("2026-03-01 00:30")[1] == "Not before 2026-03-01 01:00"
    assert field.requires("2026-03-01 01:00")[1] is None


def test_a_date_is_shown_as_it_is_and_may_be_limited_to_months():
    field = s3_date(past=1, future=0)

    assert field.represent(dt.date(2026, 3, 2)) == "2026-03-02"
    assert field.requires("2026-03-03") == (dt.date(2026, 3, 3), None)
    assert field.requires("2026-03-04")[1] == "Not after 2026-03-03"
    assert field.requires("2026-01-31")[1] == "Not before 2026-02-01"
    assert field.requires("") == (None, None)


def test_a_language_is_one_of_the_deployment(models):
    models.deployment_settings.L10n.languages = {"en": "English", "sv": "Svenska"}

    field = s3_language(empty=False)

    assert (field.name, field.default, field.represent("sv")) == ("language", "en", "Svenska")
    assert field.requires("sv") == ("sv", None)
    assert field.requires("xx")[1] is not None


def test_a_time_of_day_has_no_zone(models):
    table = models.s3db.define_table("test_shift", s3_time("begin", empty=False, label="Begin"), s3_time("written", default="now"))

    row = models.db.test_shift[table.insert(begin=dt.time(6, 30))]

    assert (table.begin.type, table.begin.label, str(table.written.label)) == ("time", "Begin", "Time")
    assert (row.begin, row.written) == (dt.time(6, 30), dt.time(0, 30)), "now is the client's time"
    assert [table.begin.represent(value) for value in (row.begin, dt.time(0, 0), None)] == ["06:30", "00:00", "-"]
    assert table.begin.requires("06:30") == (dt.time(6, 30), None)
    assert table.begin.requires("25:00")[1] is not None
    assert table.written.requires("") == (None, None)


def test_a_currency_is_one_of_the_deployment(models):
    assert s3_currency().default == "USD"
    models.deployment_settings.fin.update(currencies={"SEK": "Swedish Krona"}, currency_default="SEK")

    field = s3_currency(empty=False)

    assert (field.name, field.length, field.default) == ("currency", 3, "SEK")
    assert field.requires("SEK") == ("SEK", None)
    assert field.requires("USD")[1] is not None
    assert [field.represent(value) for value in ("SEK", None)] == ["SEK", "-"]


@pytest.fixture
def roles(models):
    table = models.s3db.define_table("auth_group", Field("role"), Field("deleted", "boolean", default=False, notnull=True))
    return [int(table.insert(role=role)) for role in ("Reader", "Editor")]


def test_roles_permitted_are_a_list_of_existing_roles(roles):
    field = s3_roles_permitted()
    reader, editor = roles

    assert (field.name, field.type) == ("roles_permitted", "list:reference auth_group")
    assert field.represent([reader, editor]) == "Reader, Editor"
    assert field.requires([str(reader)]) == ([reader], None)
    assert field.requires([str(reader), "999"])[1] is not None


def test_a_role_required_is_an_existing_role(roles):
    field = s3_role_required(empty=False)

    assert (field.type, field.ondelete, field.represent(roles[0])) == ("reference auth_group", "RESTRICT", "Reader")
    assert field.requires.options() == [("", ""), (str(roles[1]), "Editor"), (str(roles[0]), "Reader")]


def test_a_field_method_is_computed_when_it_is_read(models):
    method = s3_fieldmethod("size", lambda row: len(row.test_named.name), represent=lambda value: f"{value} letters", search_field="name")
    models.s3db.define_table("test_named", Field("name"), method)
    models.db.test_named.insert(name="four")

    row = models.db(models.db.test_named).select().first()

    assert row.size() == 4
    handler = models.db.test_named.size.handler
    assert (handler.represent(4), handler.search_field) == ("4 letters", "name")
    assert Storage(plain=s3_fieldmethod("plain", len)).plain.handler.represent(4) == "4"
