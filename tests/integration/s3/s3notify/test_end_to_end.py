"""From a change in a record to a mail in a mailbox: E1 to E4, E16 and E20, and what a reader would call the point of it all."""
from __future__ import annotations

import datetime as dt


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
    assert "1 records have been updated in Posts" in body
    new, updated = body.split("1 records have been updated")
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


def test_email_and_sms_are_two_messages_and_the_sms_is_text(app, world):
    """E3 without an SMS gateway: the message waits in the outbox, it is not lost. R30, R31"""
    world.subscribe("anna", method=["EMAIL", "SMS"], email_format="html")
    app.clock.advance(minutes=1)
    world.create(name="First")

    world.tick()

    methods = [(row.contact_method, row.status) for row in world.rows("msg_outbox")]
    assert sorted(methods) == [("EMAIL", 2), ("SMS", 1)]
    assert len(world.mails) == 1
    sms = world.rows("msg_sms")[0].body
    assert "<" not in sms and "Relief: 1 new Posts" in sms


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


def test_time_zones_of_site_user_and_server_do_not_matter(app, world):
    """E16, G22: the position decides, and the time parameter always ends in Z."""
    subscribed = world.subscribe("anna")
    app.clock.advance(seconds=1)
    world.create(name="Near the edge")

    with app.configured('settings.L10n.timezone = "America/Los_Angeles"'):
        world.tick()

    assert len(world.mails) == 1 and "Near the edge" in world.text()
    with world.app.env():
        from gluon import current

        from s3.s3notify.records import find_subscription

        found = find_subscription(current.s3db.pr_subscription_resource.id == subscribed.resource_id)
        assert found.time_filter == ("~.modified_on__ge", app.clock.now.isoformat() + "Z")


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

    assert "1 new records" in world.text() and "updated in" not in world.text()
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
