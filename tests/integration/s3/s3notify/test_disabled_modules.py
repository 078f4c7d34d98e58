"""Deployments without some of the modules: what remains works, the notifications above all."""
from __future__ import annotations

import pytest

#: the database is not to be brought in step with settings that hold for one test
WITHOUT = """
settings.base.migrate = False
for name in {names!r}:
    settings.modules.pop(name, None)
"""

DISABLED = [["doc"], ["event"], ["doc", "event", "gis", "org", "pr"]]


@pytest.mark.parametrize("names", DISABLED, ids=",".join)
def test_notifications_work_without(app, world, names):
    world.subscribe("anna", email_format="html")
    app.clock.advance(minutes=10)
    with app.configured(WITHOUT.format(names=names)):
        world.create(name="First", body="Water at the school https://example.org/")

        world.tick()

    assert len(world.mails) == 1
    assert "Water at the school" in world.text()


@pytest.mark.parametrize("names", DISABLED, ids=",".join)
def test_pages_work_without(app, names):
    with app.configured(WITHOUT.format(names=names)):
        created = app.request("/cms/post.json", "POST", json={"body": "Water at the school"}, auth="admin")
        record_id = created.json()["created"][0]

        pages = ("/default/index", "/cms/post", f"/cms/post/{record_id}", f"/cms/post/{record_id}.json", f"/cms/post/{record_id}/comment")
        assert {page: app.request(page, auth="admin").status for page in pages} == dict.fromkeys(pages, 200)
        assert app.request(f"/cms/post/{record_id}.json", "DELETE", auth="admin").status == 200
        # documents have no pages of their own
        gone = [f"/{name}/index" for name in names if name != "doc"]
        assert {page: app.request(page, auth="admin").status for page in gone} == dict.fromkeys(gone, 404)


@pytest.mark.parametrize("names", [*DISABLED, ["cms", "doc", "event", "msg"]], ids=",".join)
def test_records_can_be_written_and_deleted_without(app, names):
    with app.configured(WITHOUT.format(names=names)), app.env() as current:
        current.auth.override = True
        s3db = current.s3db
        for tablename, values in (
            ("pr_group", {"name": "Watch"}),
            ("org_organisation", {"name": "Red Cross"}),
            ("org_office", {"name": "Headquarters"}),
            ("gis_location", {"name": "Utopia", "level": "L0"}),
            ("pr_person", {"first_name": "Nora"}),
        ):
            record_id = s3db.resource(tablename).insert(**values)
            resource = s3db.resource(tablename, id=record_id)
            assert len(resource.select(resource.get_config("list_fields"), represent=True).rows) == 1, tablename
            assert resource.update(comments="Changed") == 1, tablename
            assert resource.delete() == 1, f"{tablename}: {resource.error}"


def test_what_a_disabled_module_provides_to_others_stands_in(app):
    with app.configured(WITHOUT.format(names=["cms", "doc", "event", "msg"])), app.env() as current:
        provided = (
            "cms_series_id", "cms_post_id", "cms_status_id", "cms_tag_id", "doc_document_id", "event_event_id", "event_incident_id",
            "event_incident_type_id", "event_incident_report_id", "msg_message_id", "msg_channel_id",
        )  # fmt: skip

        fields = {name: getattr(current.s3db, name)() for name in provided}

        assert {name: (field.name, field.type, field.readable, field.writable) for name, field in fields.items()} == {
            name: (name.partition("_")[2], "integer", False, False) for name in provided
        }
        names = ("cms_post", "doc_document", "event_incident", "msg_email", "doc_entity")
        assert [current.s3db.table(name) for name in names] == [None] * 5
        assert current.s3db.pr_group.doc_id.type == "integer"
