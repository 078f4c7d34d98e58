"""Posts, their series, tags and comments."""
from __future__ import annotations

from typing import Any

from harness import App


def insert(current: Any, tablename: str, **values: Any) -> int:
    return int(current.s3db.resource(tablename).insert(**values))


def test_post_knows_its_time_and_its_author(app: App) -> None:
    with app.env("editor") as current:
        post = current.s3db.cms_post[insert(current, "cms_post", body="The bridge is open")]

        assert post.date == app.clock()
        assert post.person_id == app.people["editor"].person_id
        assert post.created_by == app.people["editor"].user_id


def test_tags_and_comments_are_components(app: App) -> None:
    with app.env() as current:
        current.auth.override = True
        post_id, tag_id = insert(current, "cms_post", body="The bridge is open"), insert(current, "cms_tag", name="roads")
        insert(current, "cms_tag_post", post_id=post_id, tag_id=tag_id)
        insert(current, "cms_comment", post_id=post_id, body="At last")

        data = current.s3db.resource("cms_post", id=post_id).select(["tag.name", "comment.body"])

        row = data.rows[0]
        assert [row[rfield.colname] for rfield in data.rfields if rfield.tname in ("cms_tag", "cms_comment")] == ["roads", "At last"]


def test_post_is_known_by_its_title_or_the_beginning_of_its_text(app: App) -> None:
    with app.env() as current:
        current.auth.override = True
        titled = insert(current, "cms_post", title="Bridge", body="The bridge is open")
        long = insert(current, "cms_post", body="x" * 80)
        represent = current.s3db.cms_comment.post_id.represent

        assert str(represent(titled)) == "Bridge"
        assert str(represent(long)) == "x" * 57 + "..."


def test_rich_text_is_sanitised(app: App) -> None:
    from s3db.cms import body_represent

    html = str(body_represent("<p>open<script>alert(1)</script><b onclick='x()'>now</b></p>"))

    assert "<p>" in html
    assert "<script" not in html
    assert "onclick" not in html
