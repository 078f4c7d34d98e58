"""Documents and images of other records."""
from __future__ import annotations

from typing import Any

import pytest
from harness import App

INSTANCES = {
    "cms_post": {"body": "The bridge is open"},
    "pr_group": {"name": "Night watch"},
    "org_office": {"name": "Headquarters"},
    "event_incident": {"name": "Flood"},
}


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource(tablename).insert(**values))


@pytest.mark.parametrize("tablename", INSTANCES)
def test_a_record_can_have_documents_and_images(app: App, tablename: str) -> None:
    with app.env() as current:
        record_id = insert(current, tablename, **INSTANCES[tablename])
        other_id = insert(current, tablename, **INSTANCES[tablename])
        doc_id = current.s3db[tablename][record_id].doc_id
        insert(current, "doc_document", doc_id=doc_id, name="Report")
        insert(current, "doc_image", doc_id=doc_id, name="Photo")

        data = current.s3db.resource(tablename, id=[record_id, other_id]).select(
            ["document.name", "image.name"], orderby=current.s3db[tablename].id)

        assert [[row["doc_document.name"], row["doc_image.name"]] for row in data.rows] == [["Report", "Photo"], [None, None]]
        assert current.s3db.get_instance("doc_entity", doc_id)[:2] == tuple(tablename.split("_", 1))


def test_documents_go_with_their_record(app: App) -> None:
    with app.env() as current:
        post_id = insert(current, "cms_post", body="The bridge is open")
        document_id = insert(current, "doc_document", doc_id=current.s3db.cms_post[post_id].doc_id, name="Report")
        current.auth.override = True

        assert current.s3db.resource("cms_post", id=post_id).delete() == 1

        assert current.s3db.doc_document[document_id].deleted


def test_a_document_needs_no_record(app: App) -> None:
    with app.env() as current:
        assert current.s3db.doc_document[insert(current, "doc_document", name="Alone")].doc_id is None


def test_documents_of_a_record_have_a_page_below_it(app: App) -> None:
    with app.env() as current:
        post_id = insert(current, "cms_post", body="The bridge is open")
        current.db.commit()

    created = app.request(f"/cms/post/{post_id}/document.json", "POST", json={"name": "Report"}, auth="admin")

    assert created.status in (200, 201), created.text
    assert "Report" in app.request(f"/cms/post/{post_id}/document", auth="admin").text
