import datetime as dt

import pytest
from gluon.html import B, I
from gluon.storage import Storage

from s3.s3datetime import set_clock
from s3.s3error import S3DataError, S3ModelError
from s3.s3fields import S3Represent, s3_meta_fields
from s3.s3model import S3Model
from s3dal import Field

CREATED = dt.datetime(2026, 3, 2, 6, 0)
LATER = CREATED + dt.timedelta(hours=1)


@pytest.fixture
def s3db(models):
    """A super-entity with two shared fields, and an instance of it."""
    s3db = models.s3db
    set_clock(lambda: CREATED)
    s3db.super_entity("test_entity", "entity_id", {"test_instance": "Instance"}, Field("label"), Field("code"))
    s3db.define_table("test_instance", s3db.super_link("entity_id", "test_entity"), Field("label"), Field("code"), *s3_meta_fields())
    s3db.configure("test_instance", super_entity="test_entity")
    yield s3db
    set_clock(None)


def insert(s3db, **data):
    record = Storage(data, id=s3db.test_instance.insert(**data))
    assert s3db.update_super(s3db.test_instance, record)
    return record


def entity(models, entity_id):
    return models.db.test_entity[entity_id]


def test_a_new_record_gets_a_super_record_with_what_both_share(models, s3db):
    record = insert(s3db, label="L", code="C")

    stored = models.db.test_instance[record.id]
    superrecord = entity(models, stored.entity_id)
    assert record.entity_id == stored.entity_id
    assert (superrecord.label, superrecord.code, superrecord.instance_type) == ("L", "C", "test_instance")
    assert superrecord.uuid == stored.uuid
    assert superrecord.deleted is False


def test_a_later_update_reaches_the_same_super_record(models, s3db):
    record = insert(s3db, label="old")
    models.db(s3db.test_instance.id == record.id).update(label="new", deleted=True)

    s3db.update_super(s3db.test_instance, {"id": record.id})

    assert models.db(models.db.test_entity).count() == 1
    assert entity(models, record.entity_id).label == "new"
    assert entity(models, record.entity_id).deleted is True


def test_a_lost_super_record_is_made_again(models, s3db):
    record = insert(s3db)
    models.db(s3db.test_instance.id == record.id).update(entity_id=None)

    s3db.update_super(s3db.test_instance, {"id": record.id})

    stored = models.db.test_instance[record.id]
    assert entity(models, stored.entity_id).uuid == stored.uuid


def test_writing_the_key_back_is_no_change_of_the_record(models, s3db):
    models.auth.user = Storage(id=models.db.auth_user.insert(email="anna@example.com"))
    table = s3db.test_instance
    record = Storage(id=table.insert(label="L"))
    logged = models.db(models.db.s3_change).count()
    models.auth.user = None
    set_clock(lambda: LATER)

    s3db.update_super(table, record)

    stored = models.db.test_instance[record.id]
    assert stored.entity_id
    assert stored.modified_on == CREATED
    assert stored.modified_by is not None
    assert models.db(models.db.s3_change).count() == logged == 1


def test_the_record_is_given_its_keys_and_nothing_else(s3db):
    record = insert(s3db, label="L")

    assert set(record) == {"id", "label", "entity_id"}


@pytest.mark.parametrize("record", [{}, {"id": None}, {"id": 999}])
def test_without_record_nothing_happens(models, s3db, record):
    assert s3db.update_super(s3db.test_instance, record) is False
    assert models.db(models.db.test_entity).isempty()


def test_a_table_without_super_entity_has_nothing_to_do(models, s3db):
    table = s3db.define_table("test_plain", Field("name"))

    assert s3db.update_super(table, {"id": table.insert(name="x")}) is False
    assert s3db.delete_super(table, {"id": 1}) is True


@pytest.mark.parametrize("values", [{}, {"label": "L", "code": "C"}, {"label": None}, {"deleted": True}], ids=str)
def test_both_records_at_once_are_as_those_one_after_the_other(models, s3db, values):
    db, table = models.db, s3db.test_instance
    table.label.default, table.code.default = "default", lambda: "called"
    first = insert(s3db, **values)
    second = s3db.insert_with_super(table, **values)

    assert set(second) == {"id", "entity_id"}
    for stored, key in ((db.test_instance, "id"), (db.test_entity, "entity_id")):
        one, other = ({**stored[record[key]].as_dict(), "id": 0, "entity_id": 0, "uuid": ""} for record in (first, second))
        assert one == other
    assert db.test_instance[second.id].entity_id == second.entity_id
    assert db.test_instance[second.id].uuid == entity(models, second.entity_id).uuid

    before = entity(models, second.entity_id).as_dict()
    s3db.update_super(table, {"id": second.id})
    assert entity(models, second.entity_id).as_dict() == before


def test_super_entities_that_are_not_available_are_passed_over(models, s3db):
    s3db.configure("test_instance", super_entity=("missing_entity", "test_entity"))

    assert insert(s3db).entity_id
    assert s3db.get_super_keys("test_instance") == ["entity_id"]


def test_shared_fields_can_be_mapped_or_kept_private(models, s3db):
    s3db.configure("test_instance", test_entity_fields={"label": "code"})
    assert entity(models, insert(s3db, label="L", code="C").entity_id).label == "C"

    s3db.clear_config("test_instance", "test_entity_fields")
    s3db.configure("test_entity", no_shared_fields=("code",))
    superrecord = entity(models, insert(s3db, label="L", code="C").entity_id)
    assert (superrecord.label, superrecord.code) == ("L", None)


def test_callbacks_of_the_super_entity_are_run(s3db):
    log = []
    s3db.configure(
        "test_entity",
        create_onaccept=lambda form: log.append(("create", form.vars.entity_id)),
        onaccept=lambda form: log.append(("update", form.vars.entity_id)),
    )

    record = insert(s3db)
    s3db.update_super(s3db.test_instance, record)

    assert log == [("create", record.entity_id), ("update", record.entity_id)]


def test_the_instance_of_a_super_record_is_found(s3db):
    record = insert(s3db)

    assert s3db.get_instance("test_entity", record.entity_id) == ("test", "instance", record.id)
    assert s3db.get_instance("test_entity", 999) == (None, None, None)
    assert s3db.get_instance("missing_entity", 1) == (None, None, None)


def test_the_key_of_a_super_entity(s3db):
    assert s3db.super_key("test_entity") == "entity_id"
    assert s3db.super_key("missing_entity", "default") == "default"


def test_a_link_to_a_super_entity_is_hidden_and_optional(s3db):
    field = s3db.super_link("entity_id", "test_entity")

    assert (field.name, field.type, field.ondelete) == ("entity_id", "reference test_entity", "CASCADE")
    assert not field.readable and not field.writable
    assert field.requires("") == (None, None)


def test_a_link_is_represented_by_what_the_super_entity_provides(models, s3db):
    field = s3db.super_link("entity_id", "test_entity")
    record = insert(s3db)
    assert field.represent(record.entity_id) == str(record.entity_id)

    models.response.s3.test_entity_represent = S3Represent(options={record.entity_id: "provided"})
    assert field.represent(record.entity_id) == "provided"


def test_a_mandatory_link_needs_an_existing_super_record(s3db):
    field = s3db.super_link("entity_id", "test_entity", empty=False)
    record = insert(s3db)

    assert field.requires(str(record.entity_id)) == (record.entity_id, None)
    assert field.requires("999")[1] is not None
    assert field.requires("")[1] is not None


def test_a_link_named_otherwise_than_the_key_is_refused(s3db):
    with pytest.raises(S3ModelError, match="test_entity is 'entity_id', not 'other_id'"):
        s3db.super_link("other_id", "test_entity")


def test_a_link_to_a_missing_super_entity_is_a_plain_number(s3db):
    field = s3db.super_link("doc_id", "doc_entity")

    assert (field.name, field.type) == ("doc_id", "integer")
    with pytest.raises(S3ModelError, match="doc_entity"):
        s3db.super_link(None, "doc_entity")


def test_super_records_of_a_record_without_id_cannot_be_deleted(s3db):
    with pytest.raises(S3DataError, match="test_instance"):
        s3db.delete_super(s3db.test_instance, {})


def test_the_instance_type_is_represented_by_its_label(s3db):
    represent = s3db.test_entity.instance_type.represent

    assert represent("test_instance") == "Instance"
    assert represent("other_type") == "other_type"
    assert represent(None) == "-"
    assert represent.bulk(["test_instance", "other_type"]) == {"test_instance": "Instance", "other_type": "other_type", None: "-"}


def test_a_link_does_not_define_the_table_of_the_super_entity(models, s3db):
    models.db._migrate_enabled = False
    s3db.store.modules["test"] = (type("EntityModel", (S3Model,), {"names": ("test_thing",)}),)
    models.deployment_settings.modules["test"] = {}

    field = s3db.super_link("thing_id", "test_thing", empty=False)

    assert (field.name, field.type) == ("thing_id", "reference test_thing")
    assert "test_thing" not in models.db.tables


def test_a_link_offers_one_record_of_each_group(models, s3db):
    for label, code in (("A", "x"), ("B", "x"), ("C", "y")):
        insert(s3db, label=label, code=code)
    field = s3db.super_link("entity_id", "test_entity", groupby="test_entity.code", orderby="test_entity.label DESC",
                            represent=S3Represent(lookup="test_entity", key="entity_id", fields=["label"]), sort=False, empty=False)

    assert [label for _, label in field.requires.options(zero=False)] == ["C", "B"]


def test_a_script_of_a_link_follows_its_comment(s3db):
    assert str(s3db.super_link("entity_id", "test_entity", comment=B("help"), script=I("script")).comment) == "<b>help</b><i>script</i>"
    assert str(s3db.super_link("entity_id", "test_entity", script=I("script")).comment) == "<i>script</i>"


def test_a_super_entity_that_its_module_does_not_have_is_named(s3db):
    s3db.configure("test_instance", super_entity="zoo_keepers")

    with pytest.raises(S3ModelError, match="test_instance: super_entity: there is no table 'zoo_keepers'; did you mean 'zoo_keeper'"):
        s3db.get_super_keys("test_instance")
