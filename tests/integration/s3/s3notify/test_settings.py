"""update_subscription: what a settings page saves (R17), and what comes of it in the next rounds."""
from __future__ import annotations

import contextlib
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

POSTS = ("cms_post", "cms/post")
PLACES = ("gis_location", "gis/location")
NOW = {"notify_on": ["new", "upd"], "frequency": "immediately", "method": ["EMAIL"]}


@contextlib.contextmanager
def acting(app, who="anna"):
    """The environment of somebody's request, which commits at its end."""
    with app.env(who) as current:
        yield current
        current.db.commit()


def save(app, *subscribe, who="anna", filters=None, **settings):
    from s3.s3notify import update_subscription

    with acting(app, who):
        return update_subscription(subscribe, filters, **settings)


def watched(world) -> dict[tuple[str, str], Any]:
    return {(row.resource, row.url): row for row in world.rows("pr_subscription_resource") if not row.deleted}


def state(world) -> list[list[dict[str, Any]]]:
    return [[row.as_dict() for row in world.rows(name)] for name in ("pr_filter", "pr_subscription", "pr_subscription_resource")]


def test_several_lists_are_subscribed_with_one_filter(app, world):
    saved = save(app, POSTS, PLACES, filters=[["name__like", "*Alder*"]], **{**NOW, "email_format": "html"})

    (subscription,), (stored,) = world.rows("pr_subscription"), world.rows("pr_filter")
    anna = app.people["anna"]
    assert (saved.id, saved.filter_id) == (subscription.id, stored.id)
    assert (subscription.pe_id, subscription.owned_by_user, subscription.filter_id) == (anna.pe_id, anna.user_id, stored.id)
    assert {name: subscription[name] for name in (*NOW, "email_format")} == {**NOW, "email_format": "html"}
    assert (stored.pe_id, json.loads(stored.query)) == (anna.pe_id, [["name__like", "*Alder*"]])
    assert {key: (row.last_check_time, row.next_check_time) for key, row in watched(world).items()} == {
        POSTS: (app.clock.now, None),
        PLACES: (app.clock.now, None),
    }


def test_saving_again_changes_the_same_subscription(app, world):
    first = save(app, POSTS, filters=[["name", "A"]], **NOW)
    again = save(app, POSTS, filters=[["name", "B"]], frequency="weekly")

    assert (again.id, again.filter_id, again.subscribed, again.unsubscribed) == (first.id, first.filter_id, (), ())
    (subscription,), (stored,) = world.rows("pr_subscription"), world.rows("pr_filter")
    assert (subscription.frequency, subscription.notify_on) == ("weekly", ["new", "upd"])
    assert json.loads(stored.query) == [["name", "B"]]


def test_filter_is_kept_when_none_is_given_and_emptied_by_an_empty_one(app, world):
    save(app, POSTS, filters=[["name", "A"]], **NOW)

    save(app, POSTS)
    kept = world.rows("pr_filter")[0].query
    save(app, POSTS, filters=[])

    assert json.loads(kept) == [["name", "A"]]
    assert [json.loads(row.query) for row in world.rows("pr_filter")] == [[]]


def test_whoever_comes_back_is_told_of_what_happens_from_then_on(app, world):
    save(app, POSTS, **NOW)
    (before,) = watched(world).values()
    left = save(app)
    app.clock.advance(hours=1)
    world.create(name="While away")
    world.tick()
    app.clock.advance(hours=1)

    back = save(app, POSTS)
    app.clock.advance(minutes=1)
    world.create(name="Since then")
    world.tick()

    (row,) = world.rows("pr_subscription_resource")
    assert (left.unsubscribed, back.subscribed) == ((as_watched(POSTS),), (as_watched(POSTS),))
    assert (row.id, row.deleted, row.deleted_fk, row.subscription_id) == (before.id, False, None, back.id)
    (mail,) = world.mails
    assert "Since then" in mail.get_content() and "While away" not in mail.get_content()


def as_watched(pair):
    from s3.s3notify import Watched

    return Watched(*pair)


def test_unsubscribed_list_remembers_whose_it_was(app, world):
    saved = save(app, POSTS, PLACES, **NOW)

    save(app, PLACES)

    (row,) = [row for row in world.rows("pr_subscription_resource") if row.deleted]
    assert (row.resource, row.subscription_id) == ("cms_post", None)
    assert json.loads(row.deleted_fk) == {"subscription_id": saved.id}
    assert list(watched(world)) == [PLACES]


@pytest.mark.parametrize("memory, is_ours", [
    ('{"subscription_id": %d}', True),
    ('{"subscription_id":%d}', True),
    ('{"created_by": 1, "subscription_id": "%d"}', True),
    ('{"created_by": %d}', False),
    ('{"subscription_id": %d0}', False),
    ("%d, but no JSON", False),
    ("[%d]", False),
])
def test_former_row_is_recognised_by_what_its_memory_means(app, world, memory, is_ours):
    save(app, POSTS, **NOW)
    save(app)
    (row,) = world.rows("pr_subscription_resource")
    (subscription,) = world.rows("pr_subscription")
    world.set("pr_subscription_resource", row.id, deleted_fk=memory % subscription.id, attempts=4, retry_at=app.clock.now)

    save(app, POSTS)

    (live,) = watched(world).values()
    assert (live.id == row.id) is is_ours
    assert (live.attempts, live.retry_at) == (0, None)


def test_former_row_is_recognised_when_its_address_has_a_slash(app, world):
    save(app, POSTS, **NOW)
    (row,) = world.rows("pr_subscription_resource")
    world.set("pr_subscription_resource", row.id, url="/cms/post")
    save(app)

    save(app, POSTS)

    assert [(row.url, row.deleted) for row in world.rows("pr_subscription_resource")] == [("cms/post", False)]


def test_row_that_somebody_else_has_left_is_not_taken_over(app, world):
    save(app, POSTS, who="anna", **NOW)
    save(app, who="anna")

    save(app, POSTS, who="editor", **NOW)

    assert [row.deleted for row in world.rows("pr_subscription_resource")] == [True, False]


def test_another_frequency_counts_from_the_last_check(app, world):
    start = app.clock.now
    save(app, POSTS, **{**NOW, "frequency": "daily"})
    (row,) = watched(world).values()
    world.set("pr_subscription_resource", row.id, next_check_time=start + dt.timedelta(days=1))
    app.clock.advance(minutes=30)

    save(app, POSTS, frequency="hourly")

    # 06:00 + 60 min, not 06:30 + 60 min
    assert watched(world)[POSTS].next_check_time == start + dt.timedelta(hours=1)


def test_saving_the_same_frequency_keeps_the_hour(app, world):
    """A round that came four minutes late must not make all mails of the next days late."""
    save(app, POSTS, **{**NOW, "frequency": "daily"})
    due = app.clock.now + dt.timedelta(days=1)
    world.set("pr_subscription_resource", watched(world)[POSTS].id, next_check_time=due)
    app.clock.advance(days=1, minutes=4)
    world.create(name="News")
    world.tick()

    save(app, POSTS, filters=[["name", "A"]], **{**NOW, "frequency": "daily"})

    row = watched(world)[POSTS]
    assert row.last_check_time == due + dt.timedelta(minutes=4)
    assert row.next_check_time == due + dt.timedelta(days=1)


def test_subscribed_list_without_a_last_check_gets_one(app, world):
    save(app, POSTS, **NOW)
    (row,) = watched(world).values()
    world.set("pr_subscription_resource", row.id, last_check_time=None)

    save(app, POSTS, frequency="weekly")

    row = watched(world)[POSTS]
    assert (row.last_check_time, row.next_check_time) == (app.clock.now, app.clock.now + dt.timedelta(days=7))


@pytest.mark.parametrize("subscribe, filters, settings, names", [
    ([POSTS], None, {"notify_on": [], "method": []}, {"notify_on", "method"}),
    ([POSTS], None, {"frequency": "every full moon"}, {"frequency"}),
    ([POSTS], None, {"method": ["EMAIL", "PIGEON"]}, {"method"}),
    ([POSTS], None, {"email_format": "pdf"}, {"email_format"}),
    ([POSTS], [["colour__belongs", "red"]], {}, {"filters"}),
    ([POSTS], "no JSON", {}, {"filters"}),
    ([POSTS, PLACES], [["series_id__belongs", "1"]], {}, {"filters", "resources"}),
    ([("cms_nothing", "cms/post")], None, {}, {"resources"}),
    ([("cms_post", "https://example.org/")], None, {}, {"resources"}),
    ([("cms_post", "cms/post/1")], None, {}, {"resources"}),
])
def test_what_cannot_be_saved_is_named_and_changes_nothing(app, world, subscribe, filters, settings, names):
    from s3 import S3SettingsError

    save(app, PLACES, filters=[["name", "A"]], **NOW)
    before = state(world)

    with pytest.raises(S3SettingsError) as raised:
        save(app, *subscribe, filters=filters, **{**NOW, **settings})

    assert set(raised.value.errors) and set(raised.value.errors) <= names
    assert state(world) == before


def test_faults_leave_the_rest_of_the_transaction_alone(app, world):
    from s3 import S3SettingsError
    from s3.s3notify import update_subscription

    with acting(app) as current:
        current.s3db.cms_series.insert(name="Written before")
        with pytest.raises(S3SettingsError):
            update_subscription([POSTS, ("cms_nothing", "cms/post")], [["name", "A"]], **NOW)

    assert [row.name for row in world.rows("cms_series")] == ["Written before"]
    assert state(world) == [[], [], []]


def test_filter_may_stop_to_suit_what_is_unsubscribed_with_it(app, world):
    save(app, POSTS, PLACES, filters=[["name", "A"]], **NOW)

    save(app, POSTS, filters=[["series_id__belongs", "1"]])

    assert list(watched(world)) == [POSTS]


def test_nothing_wanted_needs_neither_triggers_nor_methods(app, world):
    save(app, POSTS, **NOW)

    saved = save(app, filters=[], notify_on=[], method=[])

    assert saved.unsubscribed == (as_watched(POSTS),)
    assert world.rows("pr_subscription")[0].method == ["EMAIL"]


def test_nothing_wanted_of_nothing_stores_nothing(app, world):
    assert save(app, filters=[["name", "A"]], **NOW).id is None
    assert state(world) == [[], [], []]


def test_visitor_has_no_settings(app):
    from s3 import S3PermissionError
    from s3.s3notify import own_subscription, unsubscribe_all, update_subscription

    with app.env():
        for call in (own_subscription, unsubscribe_all, lambda: update_subscription([POSTS])):
            with pytest.raises(S3PermissionError):
                call()


def test_somebody_elses_subscription_is_out_of_reach(app, world):
    from s3 import S3RecordError
    from s3.s3notify import own_subscription

    annas = save(app, POSTS, filters=[["name", "A"]], **NOW)
    before = state(world)

    with pytest.raises(S3RecordError):
        save(app, PLACES, who="ben", subscription_id=annas.id, **NOW)
    with app.env("ben"), pytest.raises(S3RecordError):
        own_subscription(annas.id)

    assert state(world) == before


def test_filter_that_others_depend_on_is_left_to_them(app, world):
    """The filter of an administrator, and one that a second subscription uses too."""
    theirs = world.subscribe("ben", filters=[["name", "A"]])
    shared = world.rows("pr_filter")[0].id
    mine = world.subscribe("anna")
    world.set("pr_subscription", mine.subscription_id, filter_id=shared)

    saved = save(app, POSTS, filters=[["name", "B"]])

    assert saved.filter_id != shared
    assert world.row("pr_subscription", theirs.subscription_id).filter_id == shared
    assert [json.loads(row.query) for row in world.rows("pr_filter")] == [[["name", "A"]], [["name", "B"]]]


def test_filter_that_was_saved_under_a_name_keeps_what_it_says(app, world):
    mine = world.subscribe("anna", filters=[["name", "A"]])
    saved_filter = world.rows("pr_filter")[0].id
    world.set("pr_filter", saved_filter, resource="cms_post", title="My filter")

    first = save(app, POSTS, filters=[["name", "B"]])
    again = save(app, POSTS, filters=[["name", "C"]])

    assert first.id == again.id == mine.subscription_id
    assert saved_filter != first.filter_id == again.filter_id
    assert [(row.title, json.loads(row.query)) for row in world.rows("pr_filter")] == [
        ("My filter", [["name", "A"]]),
        ("Notification Settings", [["name", "C"]]),
    ]


def test_saving_resumes_a_subscription_whose_filter_was_deleted(app, world):
    saved = save(app, POSTS, filters=[["name", "A"]], **NOW)
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("pr_filter", id=saved.filter_id).delete()
        current.db.commit()
    assert world.rows("pr_subscription")[0].suspended

    again = save(app, POSTS, filters=[])

    (subscription,) = world.rows("pr_subscription")
    assert (subscription.suspended, subscription.suspended_reason) == (False, None)
    assert subscription.filter_id == again.filter_id != saved.filter_id


def test_filter_that_was_deleted_is_missed_unless_nothing_is_wanted(app, world):
    from s3 import S3SettingsError
    from s3.s3filter import delete_filter

    saved = save(app, POSTS, filters=[["name", "A"]], **NOW)
    with acting(app):
        delete_filter(saved.filter_id)
    before = state(world)

    with pytest.raises(S3SettingsError) as raised:
        save(app, POSTS, frequency="weekly")
    unchanged = state(world)
    left = save(app)

    assert list(raised.value.errors) == ["filters"] and "was deleted" in raised.value.errors["filters"]
    assert unchanged == before
    assert left.unsubscribed == (as_watched(POSTS),)


def test_everything_is_unsubscribed_whichever_page_has_made_it(app, world):
    from s3.s3notify import unsubscribe_all

    save(app, POSTS, PLACES, **NOW)
    world.subscribe("anna", url="cms/post?a=1")
    bens = world.subscribe("ben")

    with acting(app):
        gone = unsubscribe_all()

    assert len(gone) == 3
    assert [row.id for row in watched(world).values()] == [bens.resource_id]


def test_look_up_that_is_under_way_sends_nothing_once_its_list_is_unsubscribed(app, world):
    save(app, POSTS, **NOW)
    app.clock.advance(minutes=1)
    world.create(name="In between")
    token = world.token(next(iter(watched(world).values())).id)

    save(app)
    answer = world.post(token=token)

    assert answer.status == 401
    assert world.rows("msg_outbox") == []


def test_own_subscription_is_what_was_saved(app, world):
    from s3.s3notify import own_subscription

    with app.env("anna"):
        assert own_subscription() is None

    saved = save(app, POSTS, PLACES, filters=[["name", "A"], ["comments", None]], **NOW)

    with app.env("anna"):
        own = own_subscription(saved.id)
        assert own.watched == [as_watched(POSTS), as_watched(PLACES)]
        assert own.filters == [("name", "A"), ("comments", None)]
        assert own.record.method == ["EMAIL"]


def test_subscription_that_watches_something_is_meant_before_one_that_has_ended(app, world):
    from s3.s3notify import own_subscription, own_subscriptions

    ended = world.subscribe("anna")
    lives = world.subscribe("anna", filters=[["name", "A"]])
    world.set("pr_subscription_resource", ended.resource_id, deleted=True, subscription_id=None)

    with app.env("anna"):
        own, all_own = own_subscription(), own_subscriptions()

    assert own.record.id == lives.subscription_id
    assert [(each.record.id, each.watched, each.filters) for each in all_own] == [
        (lives.subscription_id, [as_watched(POSTS)], [("name", "A")])
    ]


def test_list_of_another_subscription_is_taken_over_with_what_it_has_not_told_yet(app, world):
    """Nobody is told of the same twice, or misses what happened before the move."""
    save(app, PLACES, **NOW)
    other, third = world.subscribe("anna", filters=[["name", "A"]]), world.subscribe("anna", filters=[["name", "B"]])
    bens = world.subscribe("ben")
    app.clock.advance(minutes=1)
    world.create(name="News")

    saved = save(app, PLACES, POSTS, filters=[], **NOW)
    world.tick()

    assert (saved.subscribed, saved.unsubscribed) == ((as_watched(POSTS),), ())
    assert [mail["To"] for mail in world.mails if "anna" in mail["To"]] == ["anna@cast.example"]
    moved, archived, left_alone = (world.row("pr_subscription_resource", made.resource_id) for made in (other, third, bens))
    assert (moved.subscription_id, moved.deleted) == (saved.id, False)
    assert (archived.deleted, json.loads(archived.deleted_fk)) == (True, {"subscription_id": third.subscription_id})
    assert left_alone.subscription_id == bens.subscription_id


def test_whoever_names_a_subscription_may_watch_a_list_with_several(app, world):
    first = save(app, PLACES, **NOW)
    other = world.subscribe("anna", filters=[["name", "A"]])

    save(app, PLACES, POSTS, subscription_id=first.id)

    assert world.row("pr_subscription_resource", other.resource_id).subscription_id == other.subscription_id
    assert len(world.rows("pr_subscription_resource")) == 3


def test_two_saves_at_once_make_one_subscription(app, world):
    """The second one waits until the first one has committed."""
    import threading

    from s3.s3notify import update_subscription

    second = threading.Thread(target=save, args=(app, POSTS), kwargs=NOW)
    with app.env("anna") as current:
        update_subscription([POSTS], **NOW)
        second.start()
        second.join(0.5)
        assert second.is_alive()
        current.db.commit()
        second.join(30)

    assert len(world.rows("pr_subscription")) == len(watched(world)) == 1


def test_example_of_the_documentation_works(app, world):
    page = (Path(__file__).resolve().parents[4] / "docs" / "subscriptions.md").read_text(encoding="utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    known: dict[str, Any] = {}

    with acting(app):
        exec(example, known)

    assert [(row.resource, row.url) for row in world.rows("pr_subscription_resource")] == list(known["saved"].subscribed)
    assert len(known["saved"].subscribed) == 2
