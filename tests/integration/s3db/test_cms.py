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


def test_web_addresses_in_plain_text_become_links() -> None:
    from s3db.cms import link_urls

    assert str(link_urls("See https://example.org/a?b=1&c=2, or <b>ask</b> (http://example.com).")) == (
        'See <a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer" target="_blank">https://example.org/a?b=1&amp;c=2</a>, '
        'or &lt;b&gt;ask&lt;/b&gt; (<a href="http://example.com" rel="noopener noreferrer" target="_blank">http://example.com</a>).'
    )
    assert link_urls("<b>no address</b>") == "<b>no address</b>"
    assert [link_urls(value) for value in (None, "")] == ["-", "-"]


def test_posts_take_over_what_their_series_says(app: App) -> None:
    with app.env() as current:
        current.auth.override = True
        series_id = insert(current, "cms_series", name="News")
        same, other = (insert(current, "cms_post", body="A", series_id=series_id, replies=replies) for replies in (True, False))
        app.clock.advance(hours=1)

        current.s3db.resource("cms_series", id=series_id).update(replies=True)

        posts = [current.db.cms_post[post_id] for post_id in (same, other)]
        assert [post.replies for post in posts] == [True, True]
        assert [post.modified_on == app.clock() for post in posts] == [False, True], "only what differs is written"


def test_what_posts_belong_to_are_components(app: App) -> None:
    with app.env("anna") as current:
        current.auth.override = True
        post_id, organisation_id = insert(current, "cms_post", body="A"), insert(current, "org_organisation", name="Red Cross")
        insert(current, "cms_post_module", post_id=post_id, module="org", resource="organisation", record=str(organisation_id))
        insert(current, "cms_post_organisation", post_id=post_id, organisation_id=organisation_id)
        insert(current, "cms_post_user", post_id=post_id)
        insert(current, "cms_post_role", post_id=post_id, group_id=1)

        data = current.s3db.resource("cms_post", id=post_id).select(
            ["post_module.module", "post_organisation.organisation_id", "bookmark.user_id", "roles.id"])

        row = data.rows[0]
        assert [row[rfield.colname] for rfield in data.rfields] == ["org", organisation_id, app.people["anna"].user_id, 1]
        assert current.s3db.get_component("cms_post", "post_organisation").multiple is False


def test_every_component_of_a_post_can_be_selected(app: App) -> None:
    """The original has one, `group`, that is a KeyError."""
    with app.env("anna") as current:
        current.auth.override = True
        insert(current, "cms_post", body="A")
        resource = current.s3db.resource("cms_post")
        aliases = sorted(current.s3db.get_components("cms_post"))

        data = resource.select([f"{alias}.id" for alias in aliases])

        assert {"comment", "tag", "roles", "event", "incident"} <= set(aliases)
        assert [list(row.values()) for row in data.rows] == [[None] * len(aliases)]
