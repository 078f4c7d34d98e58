"""Writing: what the database refuses is undone and said."""
from __future__ import annotations

import logging

import pytest
from gluon import current
from gluon.languages import TranslatorFactory

from s3.s3crud.crud import _undone_on_failure
from s3.s3error import S3DataError
from s3dal import DAL, Field


@pytest.fixture
def table():
    current.db = DAL("sqlite:memory:")
    current.log = logging.getLogger("test")
    current.T = TranslatorFactory("languages", "en")
    yield current.db.define_table("test_thing", Field("name", unique=True))
    current.db.close()
    current.__dict__.clear()


def test_record_that_the_database_refuses_is_an_error_of_the_data(table):
    table.insert(name="Tent")
    current.db.commit()

    with pytest.raises(S3DataError, match="cannot be stored"), _undone_on_failure():
        table.insert(name="Stove")
        table.insert(name="Tent")

    assert current.db(table).count() == 1


def test_fault_of_ours_is_passed_on(table):
    with pytest.raises(ZeroDivisionError), _undone_on_failure():
        1 / 0  # noqa: B018
