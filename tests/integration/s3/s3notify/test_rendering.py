"""What a message says by default, and by which methods and in which formats."""
from __future__ import annotations

import datetime as dt
import re

import pytest

SHOW_LINKS = """
def _show_links(r, tablename):
    from s3 import S3Represent
    table = current.s3db.cms_post
    table.series_id.represent = S3Represent(lookup="cms_series", show_link=True)
    current.s3db.configure("cms_post", notify_fields=["name", "series_id"])
settings.customise_cms_post_resource = _show_links
"""


# -- what the default messages say -------------------------------------------------------------------------------------
def test_html_mail_is_one_message_with_its_text_as_alternative(app, world, pending):
    """R42, R46"""
    world.set("pr_subscription", pending.subscription_id, email_format="html")

    world.tick()

    [mail] = world.mails
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = world.bodies()
    assert "1 new record has been added in Posts" in text and "1 new record has been added in Posts" in html
    assert 'style="' in html and "@media (prefers-color-scheme: dark)" in html
    assert not re.search(r"<(link|script|img)|url\(|@import", html)


def test_each_record_has_a_link_to_its_page(app, world, pending):
    post = world.rows("cms_post")[-1].id
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    world.tick()

    text, html = world.bodies()
    [address] = re.findall(rf"http://\S+/cms/post/{post}$", text.replace("\r", ""), re.MULTILINE)
    assert re.search(rf'<a href="{address}"[^>]*>News</a>', html)
    path = address.partition(f"/{app.name}")[2]
    assert "News" in app.request(path, auth="anna").text


@pytest.mark.parametrize(
    ("record_url", "expected"),
    [('"org/office/[id]"', "/org/office/{id}"), ('"https://x.example/[id]"', "https://x.example/{id}"), ('""', None)],
)
def test_page_of_a_record_can_be_configured(app, world, pending, record_url, expected):
    post = world.rows("cms_post")[-1].id
    with world.configured(notify_record_url=record_url):
        world.tick()

    lines = [line.strip() for line in world.text().splitlines()]
    after = lines[lines.index("Body: Body") + 1]
    assert after.endswith(expected.format(id=post)) if expected else after == ""


def test_link_of_the_message_opens_what_the_message_tells_of(app, world):
    """H22, X40: the subscribed page with the filter, and nothing of the look-up."""
    world.subscribe("anna", url="cms/post?x=1", filters=[["title__like", "*Dam & river*"], ["body", "a,b"]], email_format="html")
    app.clock.advance(minutes=1)
    world.create(title="Dam & river rise", body="a")
    world.create(title="Market", body="a")

    world.tick()

    text, html = world.bodies()
    address = next(line for line in text.splitlines() if line.startswith("http"))
    assert address.partition("/cms/post")[2] == "?x=1&~.title__like=%2ADam+%26+river%2A&~.body=a%2Cb"
    assert f'href="{address.replace("&", "&amp;")}"' in html
    page = app.request(address.partition(f"/{app.name}")[2], auth="anna").text
    assert "Dam &amp; river rise" in page and "Market" not in page


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, None),
        ("default/index/subscriptions", "/{app}/default/index/subscriptions"),
        ("https://relief.example/settings?x=1&y=2", "https://relief.example/settings?x=1&y=2"),
    ],
)
def test_message_says_how_to_change_the_subscription(app, world, pending, setting, expected):
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    with app.configured(f"settings.msg.notify_settings_url = {setting!r}"):
        world.tick()

    text, html = world.bodies()
    said = re.search(r"Change or end this subscription:\s+(\S+)", text)
    linked = re.search(r'<a [^>]*href="([^"]+)"[^>]*>Change or end this subscription</a>', html)
    if expected is None:
        assert (said, linked) == (None, None)
    else:
        assert said[1].endswith(expected.format(app=app.name))
        assert linked[1].replace("&amp;", "&") == said[1]


def test_text_of_several_lines_stays_together(app, world):
    world.subscribe("anna", email_format="html")
    app.clock.advance(minutes=1)
    world.create(name="News", body="One\nTwo <b>")

    world.tick()

    text, html = world.bodies()
    assert "    Body: One\r\n        Two " in text
    assert "One<br>Two &lt;b&gt;" in html


def test_links_of_represented_values_are_absolute_in_text_and_html(app, world):
    """X39: a reference whose representation shows a link."""
    series = world.create("cms_series", name="Alerts & more")
    world.subscribe("anna", email_format="html")
    app.clock.advance(minutes=1)
    world.create(name="News", series_id=series)

    with app.configured(SHOW_LINKS):
        world.tick()

    text, html = world.bodies()
    [address] = re.findall(r"Type: Alerts & more \((http://[^)]+)\)", text)
    assert address.endswith(f"/{app.name}/cms/series/{series}")
    assert re.search(rf'<a [^>]*href="{re.escape(address)}"[^>]*>Alerts &amp; more</a>', html)


def test_only_what_is_asked_for_is_in_the_contents(app):
    """R3, R42, F50: the default renderer, without a request."""
    from gluon.storage import Storage

    from s3 import S3Notifications

    with app.env() as current:
        current.auth.override = True
        resource = current.s3db.resource("cms_post")
        resource.insert(name="A", body="a")
        data = resource.select(["id", "name", "created_on"], represent=True, raw_data=True)
        row = data.rows[0]
        rows = [{**row, "_row": row["_row"], "_new": is_new} for is_new in (True, False, False)]
        meta = {"notify_on": ["upd"], "list_url": "https://x.example/eden/cms/post", "record_url": None, "new_rows": 1, "upd_rows": 5}

        contents = S3Notifications._render(resource, Storage(rows=rows, rfields=data.rfields), meta, "text")
        html = S3Notifications._render(resource, Storage(rows=rows, rfields=data.rfields), meta, "html")

    assert contents["new"] is None and "new_records" not in contents
    # no id, no created_on; three more than are listed
    assert (contents["upd"], contents["upd_records"], contents["upd_more"]) == (5, [[("Name", "A")]] * 2, 3)
    assert meta.items() <= contents.items()
    assert (html["upd"], str(html["upd_records"].tag), len(html["upd_records"].elements("tbody"))) == (5, "table", 2)


def test_names_of_the_system_and_the_resource_are_known_to_templates(app, world, views):
    """H13"""
    names = ("systemname", "systemname_short", "resource", "filter_query", "total_rows", "','.join(notify_on)", "last_check_time")
    views("notify_email.html", "|".join(f"{{{{={name}}}}}" for name in names))
    world.subscribe("anna", filters=[["name__like", "n*"]])
    since = app.clock.now
    app.clock.advance(minutes=1)
    world.create(name="News")

    world.tick()

    expected = ["Relief Platform", "Relief", "Posts", 'Name like "n*"', "1", "new,upd", str(since.replace(tzinfo=dt.timezone.utc))]
    assert world.text().strip().split("|") == expected


def test_names_that_look_like_markup_are_names(app, world, pending):
    """X38: also within translated sentences."""
    world.set("pr_subscription", pending.subscription_id, email_format="html")
    with app.configured("settings.base.system_name_short = 'R&D <i>100%</i>'"):
        world.tick()

    text, html = world.bodies()
    assert text.startswith("R&D <i>100%</i>: Posts Update Notification")
    assert "R&amp;D &lt;i&gt;100%&lt;/i&gt;: Posts Update Notification</h1>" in html and "<i>" not in html


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"notify_fields": '[("Headline", "name"), "body"]', "list_fields": '["title"]'}, ["Headline", "Body"]),
        ({"notify_fields": "None", "list_fields": '["name", "title"]'}, ["Name", "Title"]),
        ({"notify_fields": "None", "list_fields": "None"}, None),
    ],
)
def test_fields_are_those_for_notifications_else_of_the_list_else_all_that_are_readable(app, world, pending, options, labels):
    """R53, R54"""
    with world.configured(**options):
        world.tick()

    found = re.findall(r"^    (\w[^:]*): ", world.text(), re.MULTILINE)
    if labels is None:
        with app.env() as current:
            table = current.s3db.cms_post
            labels = [str(field.label) for field in table if field.readable and field.name not in ("id", "created_on")]
    assert found == labels


def test_records_that_wait_for_approval_are_not_told(app, world):
    """H12"""
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="Approved")
    world.set("cms_post", world.create(name="Waiting"), approved_by=None)

    with app.configured('settings.auth.record_approval = True\nsettings.auth.record_approval_required_for = ["cms_post"]'):
        world.tick()

    assert "Approved" in world.text() and "Waiting" not in world.text()


# -- methods and formats -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("own", "setting", "is_html"), [(None, "html", True), (None, "text", False), ("text", "html", False), ("html", "text", True)]
)
def test_format_is_that_of_the_subscription_else_of_the_deployment(app, world, pending, own, setting, is_html):
    """R52, R57"""
    world.set("pr_subscription", pending.subscription_id, email_format=own)
    with app.configured(f"settings.msg.notify_email_format = {setting!r}"):
        world.tick()

    assert (world.mails[0].get_content_type() == "multipart/alternative") is is_html


def test_deployment_with_a_plain_text_template_writes_plain_text_to_everybody(app, world, pending, views):
    """R47, R48: its plain template goes before the html of the defaults, and markup of values does not reach the text."""
    views("notify_email.html", "{{for record in new_records:}}{{for label, value in record:}}{{=value}};{{pass}}{{pass}}")
    world.set("pr_subscription", pending.subscription_id, email_format="html")

    world.tick()

    assert world.mails[0].get_content_type() == "text/plain"
    assert world.text().strip() == "News;Body;"


def test_method_that_cannot_work_is_skipped_with_the_reason_on_the_row(app, world, pending):
    """F47: chosen before it was refused by the form."""
    world.set("pr_subscription", pending.subscription_id, method=["FTP", "EMAIL"])

    world.tick()

    assert len(world.mails) == 1
    assert world.last_error(pending) == "Messages cannot be sent by FTP."


def test_subscription_that_has_lost_its_method_since_the_check_fails_with_the_reason(app, world, pending):
    """F19, F47"""
    token = world.token(pending.resource_id)
    world.set("pr_subscription", pending.subscription_id, method=["FTP"])

    answer = world.post(token=token)

    assert (answer.status, answer.json()["message"]) == (400, "Messages cannot be sent by FTP.")
    assert world.rows("msg_outbox") == []


def test_template_that_renders_to_nothing_suppresses_its_message_alone(app, world, pending, views):
    """H11, F42: nothing to say is done."""
    views("notify_email.html", "{{if False:}}never{{pass}}\n")
    world.set("pr_subscription", pending.subscription_id, method=["EMAIL", "SMS"])

    world.tick()

    assert [row.contact_method for row in world.rows("msg_outbox")] == ["SMS"]
    assert world.last_error(pending) is None
    app.clock.advance(minutes=5)
    assert world.tick() == "No notifications to schedule."


def test_kind_that_nobody_asked_for_makes_no_message(app, world):
    """F50, X20"""
    world.subscribe("anna", notify_on=["upd"])
    app.clock.advance(minutes=1)
    world.create(name="New")
    old = world.create(name="New and changed")
    world.update(old, body="Changed")

    world.tick()

    assert world.mails == [] and world.rows("msg_outbox") == []


def test_record_without_time_of_creation_is_told_like_others(app, world, pending):
    """X19, G17"""
    world.set("cms_post", world.rows("cms_post")[-1].id, created_on=None)

    world.tick()

    assert "1 new record has been added" in world.text() and "Name: News" in world.text()


def test_method_that_cannot_be_composed_keeps_all_for_the_next_try(app, world, pending, monkeypatch):
    """F48: a round is composed as a whole, so that nothing is lost and nothing comes twice."""
    from s3 import S3Msg

    world.set("pr_subscription", pending.subscription_id, method=["EMAIL", "SMS"])
    with monkeypatch.context() as broken:
        broken.setattr(S3Msg, "_insert_sms", lambda *args: 1 / 0)
        world.tick()
    assert world.rows("msg_outbox") == [] and "HTTP 500" in world.last_error(pending)

    app.clock.set(world.row("pr_subscription_resource", pending.resource_id).retry_at)
    world.tick()

    assert sorted(row.contact_method for row in world.rows("msg_outbox")) == ["EMAIL", "SMS"]
    assert len(world.mails) == 1


# -- many --------------------------------------------------------------------------------------------------------------
def copy_post(app, post: int, times: int) -> None:
    """Copies of a post past the DAL, which would take seconds."""
    with app.env() as current:
        table = current.s3db.cms_post
        names = [name for name in table.fields if name not in ("id", "name", "uuid")]
        columns = ", ".join(names)
        current.db.executesql(
            f"WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {times}) "
            f"INSERT INTO cms_post (name, uuid, {columns}) SELECT 'Post ' || number, 'copy ' || number, {columns} FROM cms_post, numbers "
            f"WHERE id = {post}"
        )
        current.db.commit()


def test_ten_thousand_changes_are_one_short_message(app, world):
    """E17: capped, with the total and the way to all of them; the next round is empty."""
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    copy_post(app, world.create(), times=9_999)
    app.clock.advance(minutes=1)

    with app.configured("settings.msg.notify_max_records = 20"):
        world.tick()

    text = world.text()
    assert "10000 new records have been added in Posts" in text and "9980 more records are not listed here." in text
    assert text.count("Name: Post") == 20
    assert re.search(r"Show all of them: http://\S+/cms/post\s", text)
    app.clock.advance(minutes=5)
    world.tick()
    assert len(world.mails) == 1
