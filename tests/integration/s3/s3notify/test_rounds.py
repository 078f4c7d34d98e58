"""One round at a time: twins, open transactions, floods, hooks that fail, rows that are wrong. Each was a fault once."""
from __future__ import annotations

import datetime as dt
import threading

import pytest


def row_of(world, subscribed):
    return world.row("pr_subscription_resource", subscribed.resource_id)


def token_of(world, resource_id, lease):
    """A token under a lease that is held already, as a task would get it that is run a second time."""
    with world.env() as current:
        from s3.s3datetime import utcnow
        from s3.s3notify import tokens

        token = tokens.issue(resource_id, lease, utcnow())
        current.db.commit()
    return token


def test_a_task_that_is_run_twice_composes_once(app, world, pending):
    """F12: the twin brings the same lease; what differs is that the position has moved."""
    claim = world.claim()
    first_is_rendering, go_on = threading.Event(), threading.Event()
    answers = []

    def subject(resource, data, meta_data):
        if not first_is_rendering.is_set():
            first_is_rendering.set()
            go_on.wait(30)
        return "Subject"

    import builtins

    builtins.test_subject = subject  # type: ignore[attr-defined]
    with app.configured("import builtins; settings.msg.notify_subject = builtins.test_subject"):
        token = token_of(world, pending.resource_id, claim.lease)
        first = threading.Thread(target=lambda: answers.append(world.post(token=token)))
        first.start()
        assert first_is_rendering.wait(30)
        world.create("cms_series", name="something else moves the log on")
        second = world.post(token=token_of(world, pending.resource_id, claim.lease))
        go_on.set()
        first.join(30)
    del builtins.test_subject  # type: ignore[attr-defined]

    assert second.status == 200
    assert answers[0].status == 409
    assert len(world.rows("msg_outbox")) == 1 and len(world.rows("pr_subscription_ledger")) == 1
    assert row_of(world, pending).last_error is None


def test_new_records_come_before_updated_ones_when_there_are_too_many(app, world):
    """F29"""
    old = [world.create(name=f"Old {number}") for number in range(6)]
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    for post in old:
        world.update(post, body="changed")
    world.create(name="Brand-new")
    with app.configured("settings.msg.notify_max_records = 3"):
        world.tick()

    text = world.text()
    assert "1 new record has" in text and "Brand-new" in text
    assert "6 records have been updated" in text and "4 more records" in text


def test_an_open_transaction_does_not_cost_a_daily_subscriber_a_day(app, world):
    """7.1: what lies behind an open transaction is told when that ends, not at the next slot."""
    subscribed = world.subscribe("anna", frequency="daily")
    app.clock.advance(minutes=1)
    with app.env() as current:
        uri = current.db._uri
    if app.kind == "sqlite":
        # writers are serialised: nothing can be committed behind an open transaction
        world.create(name="News")
        world.tick()
    else:
        import psycopg2

        connection = psycopg2.connect("postgresql://" + uri.split("://", 1)[1])
        connection.cursor().execute("SELECT txid_current()")
        world.create(name="News")
        world.tick()
        assert world.mails == [] and (row_of(world, subscribed).next_check_time or app.clock.now) <= app.clock.now
        connection.close()
        app.clock.advance(minutes=5)
        world.tick()

    assert len(world.mails) == 1
    assert row_of(world, subscribed).next_check_time >= app.clock.now + dt.timedelta(hours=23)


def test_a_row_without_time_stamp_does_not_touch_its_neighbours(app, world):
    """X5, F26"""
    world.subscribe("anna")
    bad = world.subscribe("anna")
    world.set("pr_subscription_resource", bad.resource_id, last_check_time=None)
    app.clock.advance(minutes=1)
    world.create(name="News")

    world.tick()

    assert len(world.mails) >= 1
    assert row_of(world, bad).lease_owner is None


def test_a_row_whose_query_fails_does_not_touch_its_neighbours(app, world, monkeypatch):
    """7.3: also where the database refuses everything after a failed statement."""
    subscribed = [world.subscribe("anna") for _ in range(3)]
    app.clock.advance(minutes=1)
    world.create(name="News")
    from s3.s3notify import notifications

    original = notifications._lookup_filters

    def failing(subscription):
        if subscription.id == subscribed[1].resource_id:
            notifications.current.db.executesql("SELECT no_such_column FROM cms_post")
        return original(subscription)

    monkeypatch.setattr(notifications, "_lookup_filters", failing)

    world.tick()

    assert len(world.mails) == 2
    rows = [row_of(world, item) for item in subscribed]
    assert [row.attempts for row in rows] == [0, 1, 0]
    assert "no_such_column" in rows[1].last_error and rows[1].lease_owner is None


def test_a_trigger_added_after_the_token_was_issued_counts(app, world):
    """F19: the time filter of the request must not hide what the settings ask for now."""
    old = world.create(name="Old")
    app.clock.advance(minutes=5)
    subscribed = world.subscribe("anna", notify_on=["new"])
    app.clock.advance(minutes=1)
    world.update(old, name="Edited")
    world.create(name="Created")
    since = row_of(world, subscribed).last_check_time.isoformat() + "Z"
    token = world.token(subscribed.resource_id)
    world.set("pr_subscription", subscribed.subscription_id, notify_on=["new", "upd"])

    answer = world.post(token=token, vars={"~.created_on__ge": since}).json()

    assert (answer["new"], answer["updated"]) == (1, 1)


@pytest.mark.parametrize("sent", [{}, {"~.name": "Other"}, {"~.id__gt": "0"}])
def test_the_saved_filter_holds_whatever_the_request_says(app, world, sent):
    """F19, fail closed: the filter in the URL is for hooks and logs; the one in the database decides."""
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    app.clock.advance(minutes=1)
    world.create(name="Wanted")
    world.create(name="Other")

    answer = world.post(token=world.token(subscribed.resource_id), vars=sent).json()

    assert answer["new"] == 1
    body = world.rows("msg_email")[0].body
    assert "Name: Wanted" in body and "Name: Other" not in body


def test_repairing_a_position_does_not_undo_a_round_that_ended_meanwhile(app, world, monkeypatch):
    subscribed = world.subscribe("anna")
    world.set("pr_subscription_resource", subscribed.resource_id, last_position=None)
    app.clock.advance(minutes=1)
    world.create(name="News")
    token = world.token(subscribed.resource_id)
    with world.env() as current:
        from s3 import s3changes
        from s3.s3datetime import utcnow
        from s3.s3notify import check

        original = s3changes.rebase_position

        def meanwhile(*args, **kwargs):
            if threading.current_thread() is threading.main_thread() and not world.rows_done:
                world.rows_done = True
                assert world.post(token=token).status == 200
            return original(*args, **kwargs)

        world.rows_done = False
        monkeypatch.setattr(s3changes, "rebase_position", meanwhile)
        check._repair_positions("cms_post", utcnow())
        current.db.commit()
    world.set("pr_subscription_resource", subscribed.resource_id, lease_owner=None, lease_until=None)

    world.tick()

    assert len(world.rows("msg_outbox")) == 1


def test_a_failure_moves_no_slot(app, world):
    """F4, X10: refused at seven, served at five past, due at seven again."""
    subscribed = world.subscribe("anna", frequency="daily")
    slot = dt.datetime(2026, 3, 2, 7, 0, 0)
    world.set("pr_subscription_resource", subscribed.resource_id, next_check_time=slot)
    world.create(name="News")
    app.clock.set(slot)
    real, world.url = world.url, "http://127.0.0.1:9"
    world.tick()
    world.url = real
    app.clock.advance(minutes=5)

    world.tick()

    assert len(world.mails) == 1
    assert row_of(world, subscribed).next_check_time == slot + dt.timedelta(days=1)


def test_a_subscription_without_method_is_never_looked_up(app, world):
    """F25"""
    world.subscribe("anna", method=[])
    app.clock.advance(minutes=1)
    world.create()

    assert {world.tick() for _ in range(3)} == {"No notifications to schedule."}


def test_a_subscription_without_subscriber_fails_with_a_reason(app, world):
    """F22"""
    subscribed = world.subscribe("anna")
    before = row_of(world, subscribed).last_position
    world.set("pr_subscription", subscribed.subscription_id, pe_id=None)
    app.clock.advance(minutes=1)
    world.create()

    world.tick()

    row = row_of(world, subscribed)
    assert "nobody to notify" in row.last_error and row.last_position == before
    assert world.rows("pr_subscription_ledger") == []


HOOKS = {
    "attachment": """
def _hook(resource, data, meta_data):
    current.db.executesql("SELECT no_such_column FROM cms_post")
settings.msg.notify_attachment = _hook
""",
    "send_data raises": """
def _hook(resource, data, meta_data):
    current.db.executesql("SELECT no_such_column FROM cms_post")
settings.msg.notify_send_data = _hook
""",
    "send_data clashes": 'settings.msg.notify_send_data = lambda resource, data, meta_data: {"subject": "x", "pe_id": 1}',
    "send_data is none": "settings.msg.notify_send_data = lambda resource, data, meta_data: None",
    "postprocess raises": "settings.msg.send_postprocess = lambda message_id, **data: 1 / 0",
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_fails_costs_its_own_feature(app, world, hook):
    """F45, F46, F49"""
    world.subscribe("anna", attachment=True)
    app.clock.advance(minutes=1)
    world.create(name="News")
    with app.configured(HOOKS[hook]):
        world.tick()

    assert len(world.mails) == 1
    app.clock.advance(minutes=5)
    assert world.tick() == "No notifications to schedule."


@pytest.mark.parametrize("resource", ["cms.post_x", "x_y'z", "os_path", "__init__", "a_" * 200, "pr_", "s3_change", "auth_user"])
def test_a_strange_table_name_stops_nobody_and_is_given_up(app, world, resource):
    """X6, F28"""
    world.subscribe("anna")
    bad = world.subscribe("anna")
    world.set("pr_subscription_resource", bad.resource_id, resource=resource)
    app.clock.advance(minutes=1)
    world.create(name="News")

    for _ in range(4):
        world.tick()
        app.clock.advance(hours=1)

    assert len(world.mails) == 1
    assert world.row("pr_subscription", bad.subscription_id).suspended


def test_a_token_dies_with_its_lease(app, world, pending):
    """The slow twin: a token that lives longer than the lease must not be served under the next one."""
    with app.configured("settings.msg.notify_token_lifetime = 3600"):
        token = world.token(pending.resource_id)
        app.clock.advance(minutes=7)
        assert world.claim().resource_ids == [pending.resource_id]

        assert world.post(token=token).status == 401


def test_a_component_list_can_be_subscribed(app, world):
    series, other = (world.create("cms_series", name=name) for name in ("Alerts", "Other"))
    world.subscribe("anna", url=f"cms/series/{series}/post")
    app.clock.advance(minutes=1)
    world.create(name="Inside", series_id=series)
    world.create(name="Outside", series_id=other)

    world.tick()

    assert len(world.mails) == 1
    assert "Inside" in world.text() and "Outside" not in world.text()


def test_a_task_has_time_for_the_look_up_that_it_begins_last(app, world, pending):
    with app.configured("settings.base.tasks_sync_fallback = False"), world.env() as current:
        from s3 import S3Notifications
        from s3.s3notify.notifications import BATCH_SECONDS

        S3Notifications.check_subscriptions()
        task = current.s3task.scheduler.db.scheduler_task
        rows = current.db(task.function_name == "notify_notify").select()
        timeout = current.deployment_settings.get_msg_notify_lookup_timeout()

    assert len(rows) == 1
    assert rows[0].timeout >= BATCH_SECONDS + timeout


def test_a_worker_that_is_thought_dead_neither_renews_nor_ends_the_lease_of_another(app, world, pending):
    """F11: the slow twin at the other two places where it could write."""
    world.claim()
    before = row_of(world, pending)
    with world.env() as current:
        from s3.s3datetime import utcnow
        from s3.s3error import S3TokenError
        from s3.s3notify import release, tokens
        from s3.s3notify.records import Answer

        with pytest.raises(S3TokenError):
            tokens.issue(pending.resource_id, "the dead one", utcnow(), until=utcnow())
        release.finish(pending.resource_id, "the dead one", True, utcnow())
        release.finish(pending.resource_id, "the dead one", Answer("Success", success=True, status=200), utcnow())
        release.finish(pending.resource_id, "the dead one", Answer("HTTP 500", status=500), utcnow())
        release.give_back([pending.resource_id], "the dead one")
        current.db.commit()

    after = row_of(world, pending)
    assert (after.lease_owner, after.lease_until, after.attempts, after.last_error) == (before.lease_owner, before.lease_until, 0, None)


def test_whoever_composes_too_late_writes_nothing(app, world, pending):
    """The lease has ended, though nobody else has taken it yet."""
    token = world.token(pending.resource_id)
    late = """
def _subject(resource, data, meta_data):
    from s3.s3datetime import set_clock, utcnow
    import datetime
    later = utcnow() + datetime.timedelta(minutes=7)
    set_clock(lambda: later)
    return "Subject"
settings.msg.notify_subject = _subject
"""
    from s3.s3datetime import set_clock

    with app.configured(late):
        status = world.post(token=token).status
    set_clock(app.clock)

    assert status == 409
    assert world.rows("msg_outbox") == []


def test_a_frequency_saved_during_a_look_up_counts(app, world, monkeypatch):
    """The look-up would write the due time of the old one: it composes nothing, and the round comes with the new one."""
    from s3.s3notify import notifications

    subscribed = world.subscribe("anna", frequency="hourly")
    app.clock.advance(hours=2)
    world.create(name="News")
    compose, saving = notifications.compose_messages, []

    def compose_slowly(*args):
        if not saving:
            saving.append(app.env("anna"))
            in_thread(lambda: save_frequency(app, saving[0], subscribed, "weekly"))
        return compose(*args)

    monkeypatch.setattr(notifications, "compose_messages", compose_slowly)
    world.tick()

    assert saving and world.mails == []
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert (row.next_check_time - app.clock.now).days >= 6 and row.attempts == 0
    app.clock.set(row.next_check_time)
    world.tick()
    assert len(world.mails) == 1


def save_frequency(app, environment, subscribed, frequency):
    with environment as current:
        from s3 import update_subscription

        update_subscription([("cms_post", "cms/post")], subscription_id=subscribed.subscription_id, frequency=frequency)
        current.db.commit()


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_batch_ends_when_nobody_answers(app, world):
    """F4: the rest of the batch is free at once, and was not tried."""
    subscribed = [world.subscribe("anna") for _ in range(10)]
    app.clock.advance(minutes=1)
    world.create(name="News")
    world.url = "http://127.0.0.1:9"

    world.tick()

    rows = [row_of(world, item) for item in subscribed]
    assert sum(row.last_error is not None for row in rows) == 4
    assert all(row.lease_owner is None for row in rows)
