"""Writing through resources: permission, super-records, owners, callbacks; deletion with all that belongs to a record."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3PermissionError
from s3.s3query import FS
from s3.s3resource import S3Resource


@pytest.fixture
def world(depot):
    """An item with a component, a note, a series, a place and a child."""
    db = depot.db
    series = db.depot_series.insert(name="series")
    place = db.depot_place.insert(name="place")
    item = S3Resource("depot_item").insert(name="item", uuid="u1", series_id=series, from_id=place)
    record = db.depot_item(item)
    db.depot_comp.insert(item_id=item, value="c")
    db.depot_note.insert(pe_id=record.pe_id, body="n")
    db.depot_item.insert(name="child", uuid="u2", parent_id=item)
    return record


def state(db, tablename):
    table = db[tablename]
    return [(row.id, row.deleted) for row in db(table).select(table.id, table.deleted, orderby=table.id)]


def test_inserted_record_has_super_record_and_owner_and_is_announced(depot):
    seen = []
    depot.s3db.configure("depot_item", onaccept=lambda form: seen.append(dict(form.vars)))
    resource = S3Resource("depot_item")

    record_id = resource.insert(name="x", uuid="u1")

    record = depot.db.depot_item(record_id)
    entity = depot.db.depot_entity(record.pe_id)
    assert (entity.instance_type, entity.uuid) == ("depot_item", "u1")
    assert record.owned_by_user == 1
    assert resource.lastid == record_id
    assert [(values["id"], values["name"]) for values in seen] == [(record_id, "x")]


def test_insert_needs_the_permission(depot):
    depot.auth.forbidden.add(("create", "depot_item"))

    with pytest.raises(S3PermissionError, match="depot_item"):
        S3Resource("depot_item").insert(name="x")

    assert depot.db(depot.db.depot_item).count() == 0


def test_update_changes_all_records_and_announces_the_old_ones(depot):
    first, second = (depot.db.depot_item.insert(name=name) for name in ("a", "b"))
    seen = []
    depot.s3db.configure("depot_item", update_onaccept=lambda form: seen.append((form.vars.id, form.vars.name, form.record.name)))

    assert S3Resource("depot_item").update(name="c") == 2

    assert seen == [(first, "c", "a"), (second, "c", "b")]
    assert depot.db(depot.db.depot_item.name == "c").count() == 2


def test_update_reaches_the_super_record(depot):
    record_id = S3Resource("depot_item").insert(name="x", uuid="u1")

    S3Resource("depot_item", id=record_id).update(uuid="u9")

    assert depot.db.depot_entity(depot.db.depot_item(record_id).pe_id).uuid == "u9"


def test_update_needs_the_permission_for_every_record(world, depot):
    depot.auth.forbidden.add(("update", "depot_item"))

    with pytest.raises(S3PermissionError):
        S3Resource("depot_item").update(name="y")

    assert depot.db(depot.db.depot_item.name == "y").count() == 0


def test_deleted_record_is_archived_with_its_keys(world, depot):
    assert S3Resource("depot_item", id=world.id).delete() == 1

    record = depot.db.depot_item(world.id)
    assert record.deleted is True
    assert (record.series_id, record.from_id, record.pe_id) == (None, None, None)
    assert json.loads(record.deleted_fk) == {"pe_id": world.pe_id, "series_id": world.series_id, "from_id": world.from_id}
    assert S3Resource("depot_item", filter=FS("name") == "item").count() == 0


def test_deletion_follows_references(world, depot):
    S3Resource("depot_item", id=world.id).delete()

    # cascade, also by way of the super-record
    assert state(depot.db, "depot_comp") == [(1, True)]
    assert state(depot.db, "depot_note") == [(1, True)]
    assert depot.db.depot_entity(world.pe_id).deleted is True
    # set null
    child = depot.db(depot.db.depot_item.name == "child").select().first()
    assert (child.deleted, child.parent_id) == (False, None)


def test_deletion_is_committed_by_the_caller_alone(app):
    with app.env() as current:
        current.auth.override = True
        table = current.s3db.cms_series
        record_id = table.insert(name="Floods")
        current.db.commit()

        deleted = current.s3db.resource("cms_series", id=record_id).delete()
        current.db.rollback()

        assert deleted == 1 and not table(record_id).deleted


def test_record_that_another_must_keep_is_not_deleted(world, depot):
    resource = S3Resource("depot_series")

    assert resource.delete(log_errors=True) == 0

    assert resource.error == depot.ERROR.INTEGRITY_ERROR
    assert state(depot.db, "depot_series") == [(1, False)]
    assert "depot_item" in depot.log.lines[0]


def test_record_that_only_archived_ones_refer_to_can_be_deleted(world, depot):
    S3Resource("depot_item", filter=FS("name") == "item").delete()

    assert S3Resource("depot_series").delete() == 1


def test_deletion_that_is_not_permitted_deep_down_changes_nothing(world, depot):
    depot.auth.forbidden.add(("delete", "depot_note"))
    depot.db.depot_place.insert(name="written before, in the same transaction")
    resource = S3Resource("depot_item", id=world.id)

    assert resource.delete() == 0

    assert resource.error == depot.ERROR.INTEGRITY_ERROR
    assert state(depot.db, "depot_item") == [(1, False), (2, False)]
    assert state(depot.db, "depot_comp") == [(1, False)]
    assert depot.db.depot_item(world.id).pe_id == world.pe_id
    assert depot.db(depot.db.depot_place).count() == 2


def test_deletion_needs_the_permission(world, depot):
    depot.auth.forbidden.add(("delete", "depot_item"))
    resource = S3Resource("depot_item")

    assert resource.delete() == 0

    assert resource.error == depot.ERROR.NOT_PERMITTED


def test_belonging_record_that_the_user_cannot_even_see_is_no_way_round(world, depot):
    depot.auth.readable["depot_comp"] = lambda table: table.id == 0
    depot.auth.forbidden.add(("delete", "depot_comp"))

    assert S3Resource("depot_item", id=world.id).delete() == 0


def test_callback_can_veto_a_deletion(world, depot):
    def veto(row):
        raise RuntimeError("still needed")

    depot.s3db.configure("depot_comp", ondelete_cascade=veto)

    resource = S3Resource("depot_item", id=world.id)
    assert resource.delete() == 0
    assert resource.error == depot.ERROR.INTEGRITY_ERROR


def test_callback_after_deletion_sees_the_keys_as_they_were(world, depot):
    seen = []
    depot.s3db.configure("depot_item", ondelete=lambda row: seen.append((row.id, row.series_id, row.pe_id)))

    S3Resource("depot_item", id=world.id).delete()

    assert seen == [(world.id, world.series_id, world.pe_id)]


def test_records_are_removed_if_the_deployment_keeps_no_archive(world, depot, monkeypatch):
    monkeypatch.setitem(depot.deployment_settings.security, "archive_not_delete", False)

    assert S3Resource("depot_item", id=world.id).delete() == 1

    assert state(depot.db, "depot_item") == [(2, False)]
    assert state(depot.db, "depot_comp") == []


def test_nothing_to_delete(depot):
    resource = S3Resource("depot_item", id=99)

    assert resource.delete() == 0
    assert resource.error is None


def test_archived_record_is_not_updated(world, depot):
    resource = S3Resource("depot_item", id=world.id, include_deleted=True)
    S3Resource("depot_item", id=world.id).delete()

    assert resource.update(name="y") == 0
    assert resource.update(deleted=False) == 1


def test_replacement_is_noted(depot):
    table = depot.db.define_table("depot_merged", *[field.clone() for field in depot.db.depot_tag if field.name != "id"],
                                  depot.db.depot_item.number.clone(name="deleted_rb"))
    old, new = table.insert(name="old"), table.insert(name="new")

    S3Resource("depot_merged", id=old).delete(replaced_by={old: new})

    assert table(old).deleted_rb == new
    assert table(new).deleted_rb is None
    depot.db.commit()
    table.drop()


def test_records_are_approved(world, depot):
    seen = []
    depot.s3db.configure("depot_item", onapprove=lambda row: seen.append((row.id, row.approved_by)))
    resource = S3Resource("depot_item", id=world.id)

    assert resource.approve(components=None) is True
    assert (depot.db.depot_item(world.id).approved_by, seen) == (1, [(world.id, 1)])

    assert resource.approve(components=None, approve=False) is True
    assert depot.db.depot_item(world.id).approved_by is None


def test_records_are_approved_with_their_components(world, depot):
    S3Resource("depot_item", id=world.id).approve(approved_by=0)

    child = depot.db(depot.db.depot_item.name == "child").select().first()
    assert child.approved_by == 0


def test_nobody_cannot_approve(world, depot):
    depot.auth.user = None

    assert S3Resource("depot_item", id=world.id).approve() is False
