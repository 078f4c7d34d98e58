"""From a change in a record to a mail in a mailbox: E1 to E4, E16 and E20, and what a reader would call the point of it all."""
from __future__ import annotations

import datetime as dt
import io
import time
from urllib.parse import parse_qs

import pytest
from providers import sms_provider


def configure(names):
    """The list fields of posts, as a deployment would set them."""
    return f"""
def _customise_cms_post(r, tablename):
    current.s3db.configure("cms_post", notify_fields={names!r})
settings.customise_cms_post_resource = _customise_cms_post
"""


def test_new_and_updated_records_become_one_text_mail(app, world):
    """E1, R1, R3, R32"""
    old = world.create(name="Old bridge", body="Closed")
    subscribed = world.subscribe("anna", frequency="daily")
    app.clock.advance(minutes=10)
    world.create(name="First", body="Water at the school")
    world.create(name="Second", body="Road blocked")
    world.update(old, body="Open again")

    with app.configured(configure([("Headline", "name"), ("Text", "body")])):
        text = world.tick()

    assert text == "1 notifications scheduled."
    assert len(world.mails) == 1
    mail = world.mails[0]
    assert mail["To"] == "anna@cast.example"
    assert mail["Subject"] == "Relief Update Notification: Posts"
    assert mail.get_content_type() == "text/plain"
    lines = world.text().splitlines()
    assert lines[0] == "Relief: Posts Update Notification"
    assert lines[1] == "=" * len(lines[0])
    body = world.text()
    assert f"/{app.name}/cms/post" in body
    assert "2 new records have been added in Posts" in body
    assert "1 record has been updated in Posts" in body
    new, updated = body.split("1 record has been updated")
    assert "Headline: First" in new and "Text: Water at the school" in new and "Headline: Second" in new
    assert "Headline: Old bridge" in updated and "Text: Open again" in updated

    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert not row.locked and row.lease_owner is None and row.lease_until is None and row.auth_token is None
    assert row.last_check_time == app.clock.now
    assert row.next_check_time == app.clock.now + dt.timedelta(days=1)
    assert row.attempts == 0 and row.last_error is None
    assert [outbox.status for outbox in world.rows("msg_outbox")] == [2]


def test_html_mail_has_two_tables_and_no_raw_markup(app, world):
    """E2, R46"""
    old = world.create(name="Old", body="Before")
    world.subscribe("anna", email_format="html")
    app.clock.advance(minutes=10)
    world.create(name="<script>alert(1)</script>", body="New")
    world.update(old, name="<b>bold</b>")

    with app.configured(configure(["name"])):
        world.tick()

    mail = world.mails[0]
    part = mail.get_body(("html",))
    html = part.get_content()
    assert part.get_content_type() == "text/html"
    assert html.count("<table") == 2
    assert "<script" not in html and "&lt;script&gt;" in html
    assert "<b>bold</b>" not in html and "&lt;b&gt;bold&lt;/b&gt;" in html


def attach_document(app):
    """Store a document as a deployment's hook would find it; gives its id."""
    with app.env() as current:
        table = current.s3db.doc_document
        stored = table.file.store(io.BytesIO(b"<alert/>"), "alert.xml")
        document_id = table.insert(name="Alert", file=stored)
        current.db.commit()
    return int(document_id)


def test_email_and_sms_are_two_messages_and_only_the_mail_has_the_attachment(app, world):
    """E3, R30, R31, H2"""
    world.subscribe("anna", method=["EMAIL", "SMS"], email_format="html", attachment=True)
    document_id = attach_document(app)
    app.clock.advance(minutes=1)
    world.create(name="First & foremost")
    with sms_provider() as provider:
        with app.env() as current:
            s3db = current.s3db
            s3db.pr_contact.insert(pe_id=app.people["anna"].pe_id, contact_method="SMS", value="+49123456789")
            channel = s3db.msg_sms_webapi_channel
            record = {"id": channel.insert(name="Gateway", url=provider.url)}
            s3db.update_super(channel, record)
            s3db.msg_sms_outbound_gateway.insert(channel_id=record["channel_id"])
            current.db.commit()
        with app.configured(f"settings.msg.notify_attachment = lambda resource, data, meta_data: [{document_id}]"):
            world.tick()
        with world.env() as current:
            current.msg.process_outbox("SMS")
            current.db.commit()

    [mail] = world.mails
    assert "First &amp; foremost" in mail.get_body(("html",)).get_content()
    [attachment] = mail.iter_attachments()
    assert attachment.get_filename() == "Alert.xml" and attachment.get_content() == b"<alert/>"
    [form] = provider.forms
    assert form["to"] == "49123456789"
    assert form["text"].startswith("Relief: 1 new Posts") and "<" not in form["text"]
    assert sorted((row.contact_method, row.status) for row in world.rows("msg_outbox")) == [("EMAIL", 2), ("SMS", 2)]


def test_without_a_gateway_the_text_message_waits_and_is_not_lost(app, world):
    """F77"""
    world.subscribe("anna", method=["EMAIL", "SMS"])
    app.clock.advance(minutes=1)
    world.create(name="First")

    world.tick()

    assert sorted((row.contact_method, row.status) for row in world.rows("msg_outbox")) == [("EMAIL", 2), ("SMS", 1)]


def test_changes_of_no_interest_send_nothing_and_move_the_watermark(app, world):
    """E4: something changed, but nothing that this subscriber's filter lets through."""
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    before = world.row("pr_subscription_resource", subscribed.resource_id)
    app.clock.advance(minutes=10)
    world.create(name="Other")

    with world.env() as current:
        from s3 import S3Notifications

        result = S3Notifications.notify(subscribed.resource_id)
        current.db.commit()

    assert result == "No records found"
    assert world.rows("msg_outbox") == [] and world.mails == []
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert row.last_check_time == app.clock.now > before.last_check_time
    assert row.last_position > before.last_position
    assert world.tick() == "No notifications to schedule."


def test_a_second_round_reports_nothing_twice(app, world):
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="Once")

    world.tick()
    app.clock.advance(minutes=5)
    second = world.tick()

    assert second == "No notifications to schedule."
    assert len(world.mails) == 1


@pytest.fixture(params=["America/Los_Angeles", "UTC", "Asia/Kolkata"])
def server_zone(request, monkeypatch):
    """The whole server stands in this zone; the clock is the real one."""
    from s3.s3datetime import set_clock

    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    set_clock(None)
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("site_zone", ["Pacific/Auckland", "America/New_York"])
def test_time_zones_of_site_and_server_do_not_matter(app, world, monkeypatch, server_zone, site_zone):
    """E16, G22: stored and sent times are UTC, the parameter ends in Z, and nothing is missed or repeated."""
    from gluon import main

    queries = []
    original = main.wsgibase

    def recording(environ, responder):
        queries.append(parse_qs(environ["QUERY_STRING"]))
        return original(environ, responder)

    with app.configured(f"settings.L10n.timezone = {site_zone!r}"):
        subscribed = world.subscribe("anna")
        world.create(name="Near the edge")
        monkeypatch.setattr(main, "wsgibase", recording)
        with app.serving() as url:
            world.url = url
            first, second = world.tick(), world.tick()

    assert (first, second) == ("1 notifications scheduled.", "No notifications to schedule.")
    assert len(world.mails) == 1 and "Near the edge" in world.text()
    [since] = queries[0]["~.modified_on__ge"]
    assert since.endswith("Z")
    now = dt.datetime.now(dt.timezone.utc)
    assert now - dt.datetime.fromisoformat(since.replace("Z", "+00:00")) < dt.timedelta(minutes=5)
    stored = world.row("pr_subscription_resource", subscribed.resource_id).last_check_time
    assert abs(now.replace(tzinfo=None) - stored) < dt.timedelta(minutes=5)


def test_without_a_worker_the_whole_chain_runs_in_one_call(app, world):
    """E20: check, notify and outbox in one call chain leave the same final state as with a worker."""
    subscribed = world.subscribe("anna", frequency="hourly")
    app.clock.advance(minutes=1)
    world.create(name="Synchronous")

    assert world.tick() == "1 notifications scheduled."

    assert len(world.mails) == 1
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert row.lease_owner is None and row.auth_token is None
    assert row.next_check_time == app.clock.now + dt.timedelta(hours=1)
    assert [outbox.status for outbox in world.rows("msg_outbox")] == [2]
    assert len(world.rows("pr_subscription_ledger")) == 1


def test_a_record_that_was_created_and_deleted_again_is_not_reported(app, world):
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    post = world.create(name="Mistake")
    world.update(post, deleted=True)

    world.tick()

    assert world.mails == []


def test_a_record_created_and_edited_in_one_window_counts_once_as_new(app, world):
    """R3"""
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    post = world.create(name="Draft")
    app.clock.advance(minutes=1)
    world.update(post, name="Final")

    world.tick()

    assert "1 new record has" in world.text() and "updated in" not in world.text()
    assert "Final" in world.text() and "Draft" not in world.text()


def test_deleting_is_no_trigger(app, world):
    post = world.create(name="Gone")
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.update(post, deleted=True)

    assert world.tick() == "No notifications to schedule."


def test_changes_past_the_dal_are_found_by_the_sweep(app, world):
    """Architecture 7.1: raw SQL that moves modified_on."""
    post = world.create(name="Raw")
    world.subscribe("anna")
    world.tick()
    app.clock.advance(minutes=5)
    with app.env() as current:
        current.db.executesql(f"UPDATE cms_post SET name = 'Changed by hand', modified_on = '{app.clock.now}' WHERE id = {post}")
        current.db.commit()

    world.tick()

    assert len(world.mails) == 1 and "Changed by hand" in world.text()
