"""Functions of s3utils that look at tables."""
import pytest
from gluon.validators import IS_INT_IN_RANGE, IS_NOT_EMPTY, IS_NOT_IN_DB

from s3.s3utils import among, s3_fullname, s3_get_foreign_key, s3_has_foreign_key, s3_validate
from s3cfg import S3Config
from s3dal import Field


@pytest.fixture
def table(models):
    """A table that refers to others in every way."""
    s3db = models.s3db
    s3db.super_entity("test_entity", "entity_id", {})
    s3db.define_table("test_master", Field("name"))
    s3db.configure("test_detail", references={"organisation_id": "test_master"})
    return s3db.define_table(
        "test_detail",
        s3db.super_link("entity_id", "test_entity"),
        Field("name", requires=[IS_NOT_EMPTY(), IS_NOT_IN_DB(models.db, "test_detail.name")]),
        Field("number", "integer", requires=IS_INT_IN_RANGE(1, 10)),
        Field("master_id", "reference test_master"),
        Field("master_ids", "list:reference test_master"),
        Field("organisation_id", "integer"),
        Field("plain", "integer"),
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("entity_id", ("test_entity", "entity_id", False)),
        ("master_id", ("test_master", "id", False)),
        ("master_ids", ("test_master", "id", True)),
        ("organisation_id", ("test_master", "id", False)),
        ("plain", (None, None, None)),
        ("name", (None, None, None)),
        ("id", (None, None, None)),
    ],
)
def test_where_a_field_refers_to(table, name, expected):
    assert s3_get_foreign_key(table[name]) == expected
    assert s3_has_foreign_key(table[name]) is (expected[0] is not None)


def test_lists_of_references_do_not_count_if_single_ones_are_wanted(table):
    assert s3_get_foreign_key(table.master_ids, m2m=False) == (None, None, None)
    assert not s3_has_foreign_key(table.master_ids, m2m=False)


def test_an_alias_refers_to_what_its_table_refers_to(table):
    alias = table.with_alias("test_other_detail")

    assert s3_get_foreign_key(alias.organisation_id) == ("test_master", "id", False)


def test_a_reference_to_a_table_that_is_not_available_is_none(models):
    models.db._migrate_enabled = False
    table = models.s3db.define_table("test_lost", Field("missing_id", "reference missing_table"))

    assert s3_get_foreign_key(table.missing_id) == (None, None, None)
    assert s3_has_foreign_key(table.missing_id)


def test_a_field_outside_a_table_refers_to_what_its_type_says(models):
    models.s3db.define_table("test_master", Field("name"))

    assert s3_get_foreign_key(Field("a", "reference test_master")) == ("test_master", "id", False)
    assert s3_get_foreign_key(Field("a", "integer")) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("number", "5", (5, None)), ("number", "50", ("50", "Enter an integer between 1 and 9")), ("plain", "x", ("x", None))],
)
def test_a_value_is_validated_and_converted(table, name, value, expected):
    table.plain.requires = None

    result, error = s3_validate(table, name, value)

    assert (result, None if error is None else str(error)) == expected


def test_a_stored_value_that_stays_is_not_validated_again(models, table):
    record = models.db.test_detail[table.insert(name="x", number=99)]

    assert s3_validate(table, table.number, 99, record=record) == (99, None)
    assert s3_validate(table, table.number, 98, record=record)[1] is not None


def test_a_unique_value_may_be_the_records_own(models, table):
    record = models.db.test_detail[table.insert(name="x")]
    models.db.test_detail.insert(name="y")

    assert s3_validate(table, "name", "X".lower(), record=None)[1] is not None
    assert s3_validate(table, "name", "y", record=record)[1] is not None
    assert s3_validate(table, "name", "z", record=record) == ("z", None)


def test_a_full_name_is_looked_up_by_record_or_entity(models):
    models.deployment_settings = S3Config()
    table = models.s3db.define_table(
        "pr_person",
        Field("pe_id", "integer"),
        Field("first_name"),
        Field("middle_name"),
        Field("last_name"),
        Field("deleted", "boolean", notnull=True, default=False),
    )
    person_id = int(table.insert(pe_id=77, first_name="Anna", last_name="Abel"))
    gone_id = int(table.insert(pe_id=78, first_name="Gone", deleted=True))

    assert s3_fullname(person_id) == s3_fullname(pe_id=77) == s3_fullname(table[person_id]) == "Anna Abel"
    assert s3_fullname(gone_id) == s3_fullname(999) == s3_fullname() == ""


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("number", [1, 2], {1, 2}),
        ("number", {3}, {3}),
        ("number", [], set()),
        ("plain", ["7"], {7}),
        # no number at all
        ("name", ["a", "b'"], {"a", "b'"}),
    ],
)
def test_among_finds_what_belongs_finds(models, table, name, values, expected):
    for number, text in ((1, "a"), (2, "b'"), (3, "c")):
        table.insert(number=number, name=text, plain=number + 6, master_id=models.db.test_master.insert(name=text))

    for query in (among(table[name], values), table[name].belongs(values)):
        assert {row[name] for row in models.db(query).select(table[name])} == expected


def test_among_takes_references_for_numbers(models, table):
    ids = [table.insert(master_id=models.db.test_master.insert(name=text)) for text in "abc"]

    assert models.db(among(table.id, ids[:2])).count() == 2
    assert models.db(among(table.master_id, ids[:2])).count() == 2
    assert models.db(~among(table.id, ids[:2])).count() == 1
