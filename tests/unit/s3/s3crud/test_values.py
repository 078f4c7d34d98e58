"""Values of records in JSON."""
from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from gluon import current
from gluon.validators import IS_EMPTY_OR, IS_INT_IN_RANGE, IS_NOT_EMPTY

from s3.s3crud.values import check_values, dump_json
from s3dal import DAL, Field


@pytest.fixture
def table():
    from gluon.languages import TranslatorFactory

    current.T = TranslatorFactory("languages", "en")
    db = DAL("sqlite:memory:", migrate=True)
    yield db.define_table(
        "test_thing",
        Field("name", notnull=True, requires=IS_NOT_EMPTY("Enter a name")),
        Field("size", "integer", requires=IS_EMPTY_OR(IS_INT_IN_RANGE(0, 10))),
        Field("weight", "double"),
        Field("open", "boolean"),
        Field("begins", "datetime"),
        Field("day", "date"),
        Field("tags", "list:string"),
        Field("secret", writable=False),
        Field("kind", notnull=True, default="plain"),
    )
    db.close()
    current.__dict__.clear()


def test_values_of_every_type_are_converted(table):
    values, errors = check_values(
        table,
        {
            "name": "Tent",
            "size": 4,
            "weight": 2,
            "open": True,
            "begins": "2026-03-02T07:30:00+01:00",
            "day": "2026-03-02",
            "tags": ["a", "b"],
        },
    )

    assert errors == {}
    assert values == {
        "name": "Tent",
        "size": 4,
        "weight": 2.0,
        "open": True,
        # 07:30 at +01:00 is 06:30 UTC
        "begins": dt.datetime(2026, 3, 2, 6, 30),
        "day": dt.date(2026, 3, 2),
        "tags": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("name", 5),
        ("name", None),
        ("name", ""),
        ("size", 11),
        ("size", "many"),
        ("size", True),
        ("weight", "heavy"),
        ("open", "yes"),
        ("begins", "tomorrow"),
        ("begins", 5),
        ("day", "2026-02-30"),
        ("tags", "a"),
        ("tags", [1]),
        # not for the user to write
        ("secret", "x"),
        ("id", 7),
        ("nothing", 1),
        ("other_table.name", "x"),
    ],
)
def test_wrong_value_is_reported_under_its_name(table, name, raw):
    values, errors = check_values(table, {"name": "Tent", name: raw})

    assert list(errors) == [name]
    assert name not in values


def test_what_is_mandatory_must_be_given_for_a_new_record_only(table):
    assert list(check_values(table, {"size": 1})[1]) == ["name"]
    assert check_values(table, {"size": 1}, preset={"name": "Tent"})[1] == {}
    assert check_values(table, {"size": 1}, record={"id": 1, "name": "Tent"}) == ({"size": 1}, {})


def test_colnames_that_a_list_gives_can_be_sent_back(table):
    assert check_values(table, {"test_thing.name": "Tent"}) == ({"name": "Tent"}, {})


def test_datetimes_are_written_with_their_zone():
    data = {"at": dt.datetime(2026, 3, 2, 6, 30), "day": dt.date(2026, 3, 2), "price": Decimal("1.50"), "none": None}

    assert json.loads(dump_json(data)) == {"at": "2026-03-02T06:30:00Z", "day": "2026-03-02", "price": 1.5, "none": None}


def test_text_that_is_too_long_is_reported(table):
    assert list(check_values(table, {"name": "Tent", "kind": "x" * 513})[1]) == ["kind"]
    assert check_values(table, {"name": "Tent", "kind": "x" * 512})[1] == {}
