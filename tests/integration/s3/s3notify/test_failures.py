"""What goes wrong, and what it may cost: nothing lost, nothing twice, nobody else bothered. F numbers name the failure."""
from __future__ import annotations

import datetime as dt
import socket
import threading

import pytest


def row_of(world, subscribed):
    return world.row("pr_subscription_resource", subscribed.resource_id)


def retry(app, world, subscribed):
    """Wait until the back-off is over, then a whole round."""
    app.clock.set(max(app.clock.now, row_of(world, subscribed).retry_at or app.clock.now))
    return world.tick()


def test_an_answer_that_is_lost_sends_nothing_twice(app, world, pending):
    """F7, F9, F13: the web server has committed, the worker hears nothing."""
    real = world.url
    with _mute_proxy(real) as proxy:
        world.url = proxy
        world.tick()
    world.url = real
    assert row_of(world, pending).last_error and len(world.mails) == 1

    retry(app, world, pending)

    assert len(world.mails) == 1
    assert len(world.rows("msg_outbox")) == 1


class _mute_proxy:
    """Passes a request on, waits for the answer, and hangs up without a word."""

    def __init__(self, target: str) -> None:
        self.target = ("127.0.0.1", int(target.rpartition(":")[2]))

    def __enter__(self) -> str:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _serve(self) -> None:
        client, _ = self.listener.accept()
        with client, socket.create_connection(self.target) as server:
            data = client.recv(65536)
            while b"\r\n\r\n" not in data or not data.endswith(b"}"):
                data += client.recv(65536)
            server.sendall(data)
            server.settimeout(30)
            assert server.recv(65536)

    def __exit__(self, *error: object) -> None:
        self.thread.join(30)
        self.listener.close()


def test_a_server_that_is_down_delays_and_is_not_held_against_anybody(app, world, pending):
    """F4"""
    real, world.url = world.url, "http://127.0.0.1:9"
    for _ in range(25):
        retry(app, world, pending)
    row = row_of(world, pending)
    assert row.attempts == 0 and "ConnectionRefusedError" in row.last_error
    assert not world.row("pr_subscription", pending.subscription_id).suspended
    world.url = real

    retry(app, world, pending)

    assert len(world.mails) == 1
    assert row_of(world, pending).last_error is None


def test_a_hook_that_fails_three_times_and_then_works_costs_time_only(app, world, pending):
    """F3"""
    broken = "settings.customise_cms_post_controller = lambda **attr: 1 / 0"
    with app.configured(broken):
        for _ in range(3):
            retry(app, world, pending)
            assert "HTTP 500" in row_of(world, pending).last_error
            assert world.rows("msg_outbox") == []
    world.create(name="Later news")

    retry(app, world, pending)

    assert len(world.mails) == 1
    assert "News" in world.text() and "Later news" in world.text()


@pytest.mark.parametrize(("url", "status"), [("cms/nothing_here", 404), ("cms/post/create", 405)])
def test_a_wrong_address_is_suspended_after_three_attempts(app, world, url, status):
    """F2"""
    subscribed = world.subscribe("anna", url=url)
    app.clock.advance(minutes=1)
    world.create()

    for _ in range(3):
        retry(app, world, subscribed)

    assert f"HTTP {status}" in row_of(world, subscribed).last_error
    subscription = world.row("pr_subscription", subscribed.subscription_id)
    assert subscription.suspended and f"HTTP {status}" in subscription.suspended_reason
    assert world.mails == []


def test_who_may_not_read_is_tried_with_growing_pauses_and_then_suspended(app, world):
    """F1, P6d"""
    subscribed = world.subscribe("ben")
    app.clock.advance(minutes=1)
    world.create()
    pauses = []

    for _ in range(20):
        retry(app, world, subscribed)
        pauses.append(row_of(world, subscribed).retry_at - app.clock.now)

    # 5, 10, 20, 40, 80, 160, 320 minutes, then 6 hours
    expected = [dt.timedelta(minutes=min(5 * 2**n, 360)) for n in range(20)]
    assert pauses == expected
    assert world.row("pr_subscription", subscribed.subscription_id).suspended
    app.clock.advance(days=1)
    assert world.tick() == "No notifications to schedule."


@pytest.mark.parametrize(
    "query",
    [
        "no json",
        '{"name": "x"}',
        '[["nonsense.field", "x"]]',
        '[["no_such_field", "x"]]',
        '[["id__lt", "many"]]',
        '[["name__foo", "x"]]',
    ],
)
def test_a_broken_filter_fails_closed_with_its_reason(app, world, query):
    """F21, X11: never unfiltered."""
    subscribed = world.subscribe("anna", filters=[["name", "x"]])
    with app.env() as current:
        current.db(current.s3db.pr_filter.id > 0).update_naive(query=query)
        current.db.commit()
    app.clock.advance(minutes=1)
    world.create(name="Not for everybody")

    world.tick()

    assert world.mails == [] and world.rows("msg_outbox") == []
    assert row_of(world, subscribed).last_error
    assert row_of(world, subscribed).attempts == 1


def test_deleting_a_saved_filter_suspends_instead_of_widening(app, world):
    """F20, X12"""
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    filter_id = world.row("pr_subscription", subscribed.subscription_id).filter_id
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("pr_filter", id=filter_id).delete()
        current.db.commit()
    app.clock.advance(minutes=1)
    world.create(name="Other")

    world.tick()

    assert world.mails == []
    assert world.row("pr_subscription", subscribed.subscription_id).suspended


@pytest.mark.parametrize("change", [{"deleted": True}, {"frequency": "never"}, {"suspended": True}])
def test_who_leaves_after_the_claim_gets_nothing_and_no_lease_is_stuck(app, world, pending, change):
    """F18"""
    claim = world.claim()
    world.set("pr_subscription", pending.subscription_id, **change)

    with world.env() as current:
        from s3 import S3Notifications

        assert S3Notifications.notify(pending.resource_id, claim.lease) is True
        current.db.commit()

    assert world.mails == [] and world.rows("msg_outbox") == []
    assert row_of(world, pending).lease_owner is None


def test_settings_changed_after_the_token_was_issued_count(app, world, pending):
    """F19"""
    token = world.token(pending.resource_id)
    world.set("pr_subscription", pending.subscription_id, email_format="html")

    assert world.post(token=token).status == 200

    assert world.rows("msg_email")[0].html_body.startswith("<!DOCTYPE html>")


def test_a_worker_that_lost_its_lease_writes_nothing(app, world, pending):
    """F12: fencing."""
    with world.env() as current:
        from s3.s3datetime import utcnow
        from s3.s3error import S3TokenError
        from s3.s3notify import check, deliver, tokens
        from s3.s3notify.records import Lookup, Updates, find_subscription

        mine = current.s3db.pr_subscription_resource.id == pending.resource_id
        old = Lookup(subscription=find_subscription(mine), lease="somebody who was thought dead")
        check.claim_due(utcnow())
        current.db.commit()
        with pytest.raises(S3TokenError):
            deliver.compose(old, [deliver.Message("EMAIL", "s", "b")], Updates(None, 1, 0, 99), {}, utcnow())
        with pytest.raises(S3TokenError):
            tokens.issue(pending.resource_id, old.lease, utcnow())

    assert world.rows("msg_outbox") == [] and row_of(world, pending).last_position != 99


def test_a_dead_worker_delays_the_message_and_does_not_lose_it(app, world, pending):
    """F11, F12: killed after the claim; the lease ends and the next check takes over."""
    world.claim()
    assert world.tick() == "No notifications to schedule."

    app.clock.advance(minutes=16)

    assert world.tick() == "1 notifications scheduled."
    assert len(world.mails) == 1


@pytest.mark.parametrize("status", ["FAILED", "TIMEOUT"])
def test_a_task_that_breaks_down_delays_until_the_next_check_only(app, world, pending, status):
    """A fault in 000_config.py, for three seconds: the models of the task end before a line of it has run."""
    with world.env() as current:
        from s3 import S3Notifications

        assert S3Notifications.check_subscriptions() == "1 notifications scheduled."
        assert S3Notifications.check_subscriptions() == "No notifications to schedule."
        task = current.s3task.scheduler.db.scheduler_task
        current.db(task.function_name == "notify_notify").update(status=status, last_run_time=app.clock.now)
        current.db.commit()
    app.clock.advance(minutes=5)

    world.tick()

    assert len(world.mails) == 1
    assert row_of(world, pending).attempts == 0


def test_a_bad_pair_does_not_touch_its_neighbours(app, world, pending):
    """7.3: seven pairs, two of them hopeless."""
    good = [world.subscribe("anna") for _ in range(4)]
    bad = [world.subscribe("ben"), world.subscribe("anna", url="cms/nothing_here")]
    app.clock.advance(minutes=1)
    world.create(name="For all")

    world.tick()

    assert len(world.mails) == 5
    assert all(row_of(world, subscribed).attempts == 0 for subscribed in good)
    assert all(row_of(world, subscribed).attempts == 1 for subscribed in bad)


@pytest.mark.parametrize(
    "url",
    ["../admin/index", "http://evil.example/x", "//evil.example/x", "cms/post@evil", "cms", "", "nosuch/thing", "cms/../admin"],
)
def test_an_address_outside_the_application_is_never_called(app, world, pending, url):
    """X51: neither saved by the form nor called when it got into the table."""
    world.set("pr_subscription_resource", pending.resource_id, url=url)
    real, world.url = world.url, "http://127.0.0.1:9"

    world.tick()

    world.url = real
    assert "ConnectionRefused" not in row_of(world, pending).last_error
    assert row_of(world, pending).attempts == 1
    response = app.request(f"/pr/subscription/{pending.subscription_id}/subscription_resource/create.json", "POST",
                           json={"resource": "cms_post", "url": url}, auth="admin")  # fmt: skip
    assert response.status == 400 and "url" in response.text.lower()


def test_unknown_table_in_a_subscription_is_refused_by_the_form(app, world, pending):
    response = app.request(f"/pr/subscription/{pending.subscription_id}/subscription_resource/create.json", "POST",
                           json={"resource": "no_such_table", "url": "cms/post"}, auth="admin")  # fmt: skip

    assert response.status == 400 and "no_such_table" in response.text
    assert len(world.rows("pr_subscription_resource")) == 1


def test_a_flood_is_capped_and_counted(app, world, pending):
    """F29"""
    for number in range(12):
        world.create(name=f"Post {number}")
    with app.configured("settings.msg.notify_max_records = 5"):
        world.tick()

    text = world.text()
    assert "13 new records" in text and "8 more records" in text
    assert text.count("Body: ") == 5
    assert world.tick() == "No notifications to schedule."


@pytest.mark.parametrize(
    "template",
    [
        "{{=1 / 0}}",
        # also where the database refuses everything after a failed statement
        "{{current.db.executesql('SELECT no_such_column FROM cms_post')}}",
    ],
)
def test_a_broken_message_template_falls_back_to_the_next_one(app, world, pending, tmp_path, monkeypatch, template):
    """F40: an error of the deployment costs its template, not the message."""
    from s3.s3notify import templates

    views = tmp_path / "views" / "msg"
    views.mkdir(parents=True)
    (views / "notify_email.html").write_text(template)
    original = templates.template_folders
    monkeypatch.setattr(templates, "template_folders", lambda: [views, *original()])

    world.tick()

    assert world.text().startswith("Relief: Posts Update Notification")


def test_a_method_without_any_template_sends_a_notice(app, world, pending):
    """F41, G14"""
    with app.configured(
        """
def _template(r, tablename):
    current.s3db.configure("cms_post", notify_template="no_such_prefix")
settings.customise_cms_post_resource = _template
"""
    ):
        world.tick()

    assert world.text().split("\r\n")[:2] == ["New updates are available.", "Posts: 1"]
    assert f"/{app.name}/cms/post" in world.text()


def test_an_empty_subscription_has_nothing_to_say(app, world):
    """F25: no method configured is not due at all."""
    world.subscribe("anna", method=[])
    app.clock.advance(minutes=1)
    world.create()

    assert world.tick() in ("No notifications to schedule.", "1 notifications scheduled.")
    assert world.rows("msg_outbox") == []


@pytest.mark.parametrize("text", ["nie erreicht: ÄÖÜ ß", "مرحبا بالعالم", "日本語", "emoji 🚒", "50% % $s $r {{=1}}"])
def test_text_of_any_script_arrives_as_it_is(app, world, pending, text):
    world.create(name=text)

    world.tick()

    assert text in world.text()
