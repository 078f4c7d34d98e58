"""What the check finds, claims and queues: R20 to R23, leases, bad rows."""
from __future__ import annotations

import datetime as dt
import json
import threading

import pytest


def due_ids(world):
    with world.env():
        from s3 import S3Notifications

        return S3Notifications._subscriptions()


def test_nothing_subscribed_nothing_scheduled(app, world):
    """R22, G4"""
    world.create()

    assert world.tick() == "No notifications to schedule."


@pytest.mark.parametrize(
    ("notify_on", "expected"),
    # one old record edited, one record created
    [(["new"], (1, 0)), (["upd"], (0, 1)), (["new", "upd"], (1, 1))],
)
def test_triggers(app, world, notify_on, expected):
    """R3"""
    old = world.create(name="Old")
    world.subscribe("anna", notify_on=notify_on)
    app.clock.advance(minutes=1)
    world.update(old, name="Edited")
    world.create(name="Created")

    world.tick()

    text = world.text()
    assert ("Created" in text, "Edited" in text) == tuple(bool(count) for count in expected)


def test_a_subscriber_of_updates_is_not_bothered_by_new_records(app, world):
    world.subscribe("anna", notify_on=["upd"])
    app.clock.advance(minutes=1)
    world.create()

    assert due_ids(world) == []


def test_only_pairs_with_updates_are_queued_each_once(app, world):
    """R23: three subscribed resources, two tables changed. R20, R21: the queue is that of the worker."""
    first = world.subscribe("anna")
    offices = world.watch(first.subscription_id, "org_organisation", "org/organisation")
    series = world.watch(first.subscription_id, "cms_series", "cms/series")
    app.clock.advance(minutes=1)
    world.create()
    world.create("org_organisation", name="Helpers")

    with app.configured("settings.base.tasks_sync_fallback = False"), world.env() as current:
        from s3 import S3Notifications

        assert S3Notifications.check_subscriptions() == "2 notifications scheduled."
        assert S3Notifications.check_subscriptions() == "No notifications to schedule."
        task = current.s3task.scheduler.db.scheduler_task
        queued = [json.loads(row.args)[0] for row in current.db(task.function_name == "notify_notify").select()]
        check = current.db(task.function_name == "notify_check_subscriptions").select().first()

    assert [sorted(ids) for ids in queued] == [sorted([first.resource_id, offices])]
    assert series not in queued[0]
    # every five minutes, for ever, also after an error
    assert (check.period, check.timeout, check.repeats, check.retry_failed) == (300, 300, 0, -1)


@pytest.mark.parametrize(
    "settings",
    [{"frequency": "never"}, {"deleted": True}, {"suspended": True}],
)
def test_a_subscription_that_is_switched_off_is_not_due(app, world, settings):
    """H6"""
    subscribed = world.subscribe("anna")
    world.set("pr_subscription", subscribed.subscription_id, **settings)
    app.clock.advance(minutes=1)
    world.create()

    assert due_ids(world) == []


@pytest.mark.parametrize(("minutes", "expected"), [(-1, True), (0, True), (1, False)])
def test_due_time(app, world, minutes, expected):
    """H7: empty is due now, else when the time has come."""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create()
    world.set("pr_subscription_resource", subscribed.resource_id, next_check_time=app.clock.now + dt.timedelta(minutes=minutes))

    assert (due_ids(world) == [subscribed.resource_id]) is expected


def test_a_subscription_that_is_leased_is_not_due_until_the_lease_ends(app, world):
    """H8, W2: a dead worker delays, it does not lock up."""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create()

    first = world.claim()
    assert first.resource_ids == [subscribed.resource_id]
    assert world.claim().resource_ids == []

    app.clock.advance(minutes=16)
    assert world.claim().resource_ids == [subscribed.resource_id]


def test_two_checks_at_the_same_time_never_claim_the_same_row(app, world):
    """F30: 8 checks, 40 due rows."""
    ids = {world.subscribe("anna").resource_id for _ in range(40)}
    app.clock.advance(minutes=1)
    world.create()
    claims = []
    threads = [threading.Thread(target=lambda: claims.append(world.claim().resource_ids)) for _ in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    claimed = [resource_id for claim in claims for resource_id in claim]
    assert len(claims) == 8
    assert sorted(claimed) == sorted(ids)


@pytest.mark.parametrize("resource", ["nonsense", "no_such_table", "", None, "pr_subscription"])
def test_a_row_with_a_bad_table_stops_nobody_else(app, world, resource):
    """X6: the reason is on the row, the others are served."""
    good = world.subscribe("anna")
    bad = world.subscribe("ben")
    world.set("pr_subscription_resource", bad.resource_id, resource=resource)
    app.clock.advance(minutes=1)
    world.create()

    assert world.tick() == "1 notifications scheduled."

    assert len(world.mails) == 1
    assert world.row("pr_subscription_resource", good.resource_id).last_error is None
    if resource:
        assert repr(resource) in world.row("pr_subscription_resource", bad.resource_id).last_error


def test_a_row_without_watermark_starts_now(app, world):
    """F26"""
    subscribed = world.subscribe("anna")
    world.create(name="Before")
    world.set("pr_subscription_resource", subscribed.resource_id, last_check_time=None, last_position=None)
    app.clock.advance(minutes=1)
    assert due_ids(world) == []
    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.check_subscriptions()
        current.db.commit()
    app.clock.advance(minutes=1)
    world.create(name="After")

    world.tick()

    assert len(world.mails) == 1
    assert "After" in world.text() and "Before" not in world.text()


def test_an_imported_row_with_a_time_but_no_position_starts_at_its_time(app, world):
    subscribed = world.subscribe("anna")
    world.create(name="Long ago")
    app.clock.advance(minutes=10)
    seen_until = app.clock.now
    app.clock.advance(minutes=10)
    world.create(name="Lately")
    world.set("pr_subscription_resource", subscribed.resource_id, last_check_time=seen_until, last_position=None)

    world.tick()

    assert "Lately" in world.text() and "Long ago" not in world.text()


def test_a_position_of_another_database_cluster_is_rebased(app, world):
    """Architecture 7.1: transaction ids start over when a dump is restored elsewhere."""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="After the move")
    world.set("pr_subscription_resource", subscribed.resource_id, last_position=2**60)

    world.tick()

    assert len(world.mails) == 1 and "After the move" in world.text()


def test_queries_of_a_check_do_not_grow_with_the_number_of_subscriptions(app, world):
    """Architecture 7.5"""

    def queries():
        with world.env() as current:
            from s3.s3datetime import utcnow
            from s3.s3notify import check

            current.db._timings.clear()
            check.claim_due(utcnow())
            return len(current.db._timings)

    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create()
    few = queries()
    for _ in range(30):
        world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create()

    assert queries() == few


def test_an_idle_check_leaves_no_open_transaction(app, world):
    """G20"""
    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.check_subscriptions()
        if app.kind == "postgresql":
            status = current.db._adapter.connection.get_transaction_status()
            assert status == 0  # idle
        else:
            assert not current.db._adapter.connection.in_transaction
