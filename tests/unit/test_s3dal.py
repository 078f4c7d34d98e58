"""Connections to SQLite are kept for the next request, and know the case of all letters."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from s3dal import DAL, Field

URI = "sqlite://storage.db"


def connect(folder: Path) -> Any:
    db = DAL(URI, folder=str(folder), pool_size=5, migrate=False)
    db.define_table("thing", Field("name"))
    return db


@pytest.fixture
def place(tmp_path: Path) -> Path:
    create(tmp_path)
    return tmp_path


def create(folder: Path) -> None:
    db = DAL(URI, folder=str(folder))
    db.executesql('CREATE TABLE "thing"("id" INTEGER PRIMARY KEY AUTOINCREMENT, "name" CHAR(512))')
    db.commit()
    db.close()


def test_the_next_request_gets_the_connection_of_the_last_one(place):
    first = connect(place)
    connection = first._adapter.connection
    first.close()

    second = connect(place)

    assert second._adapter.connection is connection
    second.close()


def test_what_was_not_committed_is_gone_with_its_request(place):
    first = connect(place)
    first.thing.insert(name="half")
    first._adapter.close("rollback")

    second = connect(place)

    assert second(second.thing.id > 0).isempty()
    second.close()


def test_a_file_of_the_same_name_elsewhere_is_another_database(place, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("other")
    create(elsewhere)
    first = connect(place)
    first.thing.insert(name="here")
    first.close()

    second = connect(elsewhere)

    assert second(second.thing.id > 0).isempty()
    second.close()


def test_a_file_that_was_replaced_is_read_anew(place):
    first = connect(place)
    first.thing.insert(name="old")
    first.close()
    (place / "storage.db").unlink()
    create(place)

    second = connect(place)

    assert second(second.thing.id > 0).isempty()
    second.close()


def test_sqlite_knows_the_case_of_all_letters(tmp_path):
    db = DAL("sqlite:memory", folder=str(tmp_path))
    table = db.define_table("depot_word", Field("name"))
    for name in ("ÉCLAIR", "Œuvre", None):
        table.insert(name=name)

    found = [
        db(query).count()
        for query in (table.name.lower() == "éclair", table.name.upper() == "ŒUVRE", table.name.contains("œuv"), table.name.ilike("é%"))
    ]
    db.close()

    assert found == [1, 1, 1, 1]
