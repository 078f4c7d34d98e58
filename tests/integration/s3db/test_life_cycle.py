"""When a record counts as modified: what notifications of updates rest on."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness import App


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource(tablename).insert(**values))


def update(current: Any, tablename: str, record_id: int, **values: Any) -> None:
    current.s3db.resource(tablename, id=record_id).update(**values)


def archive_series(current: Any, ids: dict[str, int]) -> None:
    # references with ondelete SET NULL are set to None; posts refer to persons with RESTRICT and to series with CASCADE
    current.s3db.cms_post.series_id.ondelete = "SET NULL"
    assert current.s3db.resource("cms_series", id=ids["series"]).delete() == 1


TOUCHING: dict[str, Callable[[Any, dict[str, int]], Any]] = {
    "update": lambda current, ids: update(current, "cms_post", ids["post"], body="B"),
    "update to the same value": lambda current, ids: update(current, "cms_post", ids["post"], body="A"),
    "bulk update": lambda current, ids: current.db(current.s3db.cms_post.id > 0).update(body="B"),
    "archiving": lambda current, ids: current.s3db.resource("cms_post", id=ids["post"]).delete(),
    "approval": lambda current, ids: current.s3db.resource("cms_post", id=ids["post"]).approve(components=None, approved_by=0),
    "key set to null": archive_series,
}
LEAVING: dict[str, Callable[[Any, dict[str, int]], Any]] = {
    "new component record": lambda current, ids: insert(current, "cms_comment", post_id=ids["post"], body="C"),
    "new link": lambda current, ids: insert(current, "cms_tag_post", post_id=ids["post"], tag_id=ids["tag"]),
    "changed component record": lambda current, ids: update(current, "cms_comment", ids["comment"], body="C"),
    "changed referenced record": lambda current, ids: update(current, "cms_series", ids["series"], name="Renamed"),
    "super record brought in step": lambda current, ids: current.s3db.update_super(current.s3db.cms_post, {"id": ids["post"]}),
    "new owner": lambda current, ids: current.auth.s3_set_record_owner(current.s3db.cms_post, ids["post"], owned_by_user=1),
}


def touch(app: App, change: Callable[[Any, dict[str, int]], Any]) -> tuple[Any, Any]:
    """created_on and modified_on of a post after a change, an hour after it was written."""
    with app.env() as current:
        ids = {"series": insert(current, "cms_series", name="News"), "tag": insert(current, "cms_tag", name="roads")}
        ids["post"] = insert(current, "cms_post", body="A", series_id=ids["series"])
        ids["comment"] = insert(current, "cms_comment", post_id=ids["post"], body="B")
        app.clock.advance(hours=1)

        change(current, ids)

        post = current.db.cms_post[ids["post"]]
        return post.created_on, post.modified_on


@pytest.mark.parametrize("change", TOUCHING.values(), ids=TOUCHING)
def test_a_record_is_modified_by(app: App, change: Any) -> None:
    created, modified = touch(app, change)

    assert (modified - created).total_seconds() == 3600


@pytest.mark.parametrize("change", LEAVING.values(), ids=LEAVING)
def test_a_record_is_not_modified_by(app: App, change: Any) -> None:
    created, modified = touch(app, change)

    assert modified == created


def test_an_archived_record_keeps_its_keys_aside(app: App) -> None:
    import json

    with app.env() as current:
        series_id = insert(current, "cms_series", name="News")
        post_id = insert(current, "cms_post", body="A", series_id=series_id)
        doc_id = current.s3db.cms_post[post_id].doc_id

        assert current.s3db.resource("cms_post", id=post_id).delete() == 1

        post = current.db.cms_post[post_id]
        assert (post.deleted, post.series_id, post.doc_id) == (True, None, None)
        kept = json.loads(post.deleted_fk)
        assert (kept["series_id"], "doc_id" in kept) == (series_id, bool(doc_id))
        assert current.s3db.resource("cms_post", id=post_id).select(["id"]).rows == []
        assert len(current.s3db.resource("cms_post", id=post_id, include_deleted=True).select(["id"]).rows) == 1
