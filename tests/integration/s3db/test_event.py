"""Events, incidents, reports, and the posts about them."""
from __future__ import annotations

from typing import Any

from harness import App


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource(tablename).insert(**values))


def values_of(current: Any, tablename: str, record_id: int, *selectors: str, represent: bool = False) -> list[Any]:
    data = current.s3db.resource(tablename, id=record_id).select(list(selectors), represent=represent)
    colnames = {rfield.selector.removeprefix("~."): rfield.colname for rfield in data.rfields}
    return [data.rows[0][colnames[selector]] for selector in selectors]


def test_a_new_incident_is_open_and_now(app: App) -> None:
    with app.env() as current:
        incident = current.s3db.event_incident[insert(current, "event_incident", name="Flood")]

        assert (incident.date, incident.end_date, incident.closed, incident.exercise) == (app.clock(), None, False, False)
        assert current.s3db.get_crud_string("event_incident", "title_list") == "Incidents"


def test_an_incident_belongs_to_its_event(app: App) -> None:
    with app.env() as current:
        event_id = insert(current, "event_event", name="Storm season")
        insert(current, "event_incident", name="Flood", event_id=event_id)
        insert(current, "event_incident", name="Landslide", event_id=event_id)

        assert values_of(current, "event_event", event_id, "incident.name") == [["Flood", "Landslide"]]
        current.auth.override = True
        assert current.s3db.resource("event_event", id=event_id).delete() == 1
        assert current.db(current.s3db.event_incident.deleted == False).isempty()


def test_kinds_of_incidents_are_a_tree(app: App) -> None:
    with app.env() as current:
        storm = insert(current, "event_incident_type", name="Storm")
        hail = insert(current, "event_incident_type", name="Hail", parent=storm)
        incident_id = insert(current, "event_incident", name="Windows", incident_type_id=hail)
        from s3 import find_descendants

        assert values_of(current, "event_incident", incident_id, "incident_type_id", represent=True) == ["Storm > Hail"]
        assert find_descendants("event_incident_type", [storm]) == {storm, hail}
        assert values_of(current, "event_incident_type", storm, "child.name") == ["Hail"]


def test_posts_are_about_events_and_incidents(app: App) -> None:
    with app.env() as current:
        event_id = insert(current, "event_event", name="Storm season")
        incident_id = insert(current, "event_incident", name="Flood", event_id=event_id)
        post_id = insert(current, "cms_post", body="Stay inside")
        other_id = insert(current, "cms_post", body="Fair weather")
        insert(current, "event_post", event_id=event_id, incident_id=incident_id, post_id=post_id)
        from s3 import FS

        assert values_of(current, "cms_post", post_id, "event.name", "incident.name") == ["Storm season", "Flood"]
        assert values_of(current, "event_incident", incident_id, "post.body") == ["Stay inside"]
        for context, value in (("(event)", event_id), ("(incident)", incident_id)):
            found = current.s3db.resource("cms_post", filter=FS(context) == value).select(["id"], getids=True).ids
            assert found == [post_id]
        assert values_of(current, "cms_post", other_id, "event.name") == [None]


def test_reports_are_linked_to_incidents(app: App) -> None:
    with app.env() as current:
        incident_id = insert(current, "event_incident", name="Flood")
        report_id = insert(current, "event_incident_report", name="Water in the cellar", contact="+4912345678")
        insert(current, "event_incident_report_incident", incident_report_id=report_id, incident_id=incident_id)

        assert values_of(current, "event_incident", incident_id, "incident_report.name") == ["Water in the cellar"]
        assert values_of(current, "event_incident_report", report_id, "incident.name") == ["Flood"]
        assert current.s3db.event_incident_report.fields.count("contact") == 1


def test_events_can_be_read_and_written_over_http(app: App) -> None:
    created = app.request("/event/incident.json", "POST", json={"name": "Flood"}, auth="admin")
    record_id = created.json()["created"][0]

    assert created.status == 200 or created.status == 201
    assert "Flood" in app.request("/event/incident", auth="admin").text
    assert "Reports" in app.request(f"/event/incident/{record_id}", auth="admin").text
    assert app.request("/event/index", auth="admin").headers["location"].endswith("/event/incident")
    assert app.request("/event/incident.json", auth="ben").status == 403
