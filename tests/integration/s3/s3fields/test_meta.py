import datetime as dt

import pytest
from gluon.storage import Storage

from s3.s3datetime import set_clock
from s3.s3fields import S3MetaFields, s3_all_meta_field_names, s3_meta_fields
from s3dal import Field

CREATED = dt.datetime(2026, 3, 2, 6, 0)
LATER = CREATED + dt.timedelta(hours=1)


@pytest.fixture
def table(models):
    """A table with all meta fields; the clock stands at CREATED."""
    set_clock(lambda: CREATED)
    yield models.s3db.define_table("test_meta", Field("name"), *s3_meta_fields())
    set_clock(None)


def insert(models, **data):
    return models.db.test_meta[models.db.test_meta.insert(**data)]


def log_in(models, email):
    models.auth.user = Storage(id=int(models.db.auth_user.insert(email=email)))
    return models.auth.user.id


def test_the_meta_fields_follow_the_own_fields_in_a_fixed_order(table):
    assert table.fields == ["id", "name", *s3_all_meta_field_names()]
    assert table.fields[2:] == [
        "uuid", "mci", "deleted", "deleted_fk", "deleted_rb", "created_on", "created_by", "modified_on", "modified_by",
        "approved_by", "owned_by_user", "owned_by_group", "realm_entity",
    ]  # fmt: skip


def test_no_form_shows_a_meta_field(table):
    assert not any(table[name].readable or table[name].writable for name in s3_all_meta_field_names())


def test_a_record_knows_when_and_as_what_it_came_to_be(models, table):
    record = insert(models, name="x")

    assert record.uuid.startswith("urn:uuid:") and len(record.uuid) == 45
    assert (record.created_on, record.modified_on) == (CREATED, CREATED)
    assert (record.mci, record.deleted, record.deleted_fk, record.deleted_rb) == (0, False, None, None)
    assert record.uuid != insert(models).uuid


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_identifier_is_replaced_by_a_new_one(models, table, nothing):
    record = insert(models, uuid=nothing)
    assert record.uuid.startswith("urn:uuid:")

    models.db(table.id == record.id).update(uuid=nothing)
    assert models.db.test_meta[record.id].uuid not in ("", None, record.uuid)
    assert insert(models, uuid="given").uuid == "given"


def test_a_record_made_by_nobody_is_approved_by_the_system(models, table):
    record = insert(models)

    assert (record.created_by, record.modified_by, record.owned_by_user, record.approved_by) == (None, None, None, 0)
    assert (record.owned_by_group, record.realm_entity) == (None, None)


def test_the_user_of_the_moment_is_stamped_not_the_one_who_saw_the_table_defined(models, table):
    anna = log_in(models, "anna@example.com")
    record = insert(models)
    assert (record.created_by, record.modified_by, record.owned_by_user, record.approved_by) == (anna, anna, anna, anna)

    ben = log_in(models, "ben@example.com")
    models.db(table.id == record.id).update(name="changed")

    record = models.db.test_meta[record.id]
    assert (record.created_by, record.modified_by, record.owned_by_user) == (anna, ben, anna)


def test_where_approval_is_required_a_new_record_is_unapproved(models, table):
    models.deployment_settings.auth.record_approval = True
    log_in(models, "anna@example.com")
    assert insert(models).approved_by is None

    models.auth.override = True
    assert insert(models).approved_by == 0


@pytest.mark.parametrize("values", [{"name": "other"}, {"name": "x"}])
def test_every_update_moves_modified_on_even_to_the_same_value(models, table, values):
    record = insert(models, name="x")
    set_clock(lambda: LATER)

    models.db(table.id == record.id).update(**values)

    record = models.db.test_meta[record.id]
    assert (record.created_on, record.modified_on) == (CREATED, LATER)


def test_a_modified_on_that_is_given_is_kept(models, table):
    record = insert(models, name="x")
    set_clock(lambda: LATER)

    models.db(table.id == record.id).update(name="y", modified_on=CREATED)

    assert models.db.test_meta[record.id].modified_on == CREATED


def test_deleted_is_never_null(models, table):
    assert table.deleted.notnull is True
    assert models.db(table.deleted == False).count() == 0
    insert(models)
    assert models.db(table.deleted == False).count() == 1


def test_time_stamps_are_shown_to_the_second_in_the_zone_of_the_reader(models, table):
    models.response.s3.tzinfo = dt.timezone(dt.timedelta(hours=9))

    shown = [table[name].represent(dt.datetime(2026, 11, 21, 21, 18, 43)) for name in ("created_on", "modified_on")]

    assert shown == ["2026-11-22 06:18:43"] * 2
    assert table.created_on.represent(None) == "-"


def test_accounts_of_all_tables_are_looked_up_together(models, table):
    other = models.s3db.define_table("test_other", *s3_meta_fields())
    anna = log_in(models, "anna@example.com")
    represent = table.created_by.represent

    assert represent(anna) == "anna@example.com"
    assert other.modified_by.represent is table.owned_by_user.represent is represent


def test_fields_of_two_tables_share_nothing(models, table):
    other = models.s3db.define_table("test_other", *s3_meta_fields())
    other.deleted.label = "Gone"
    other.uuid.requires.append("validator")

    assert (table.deleted.label, table.uuid.requires) == ("Deleted", [])
    assert str(other.deleted) != str(table.deleted)


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (S3MetaFields.sync_meta_fields, ["uuid", "mci", "deleted", "deleted_fk", "deleted_rb", "created_on", "modified_on"]),
        (S3MetaFields.owner_meta_fields, ["owned_by_user", "owned_by_group", "realm_entity"]),
        (S3MetaFields.timestamps, ["created_on", "modified_on"]),
    ],
)
def test_groups_of_meta_fields(models, group, names):
    assert [field.name for field in group()] == names


@pytest.mark.parametrize(
    ("name", "ondelete"), [("created_by", "SET NULL"), ("modified_by", "SET NULL"), ("owned_by_user", "RESTRICT")]
)
def test_what_happens_when_an_account_is_deleted(table, name, ondelete):
    assert table[name].ondelete == ondelete
