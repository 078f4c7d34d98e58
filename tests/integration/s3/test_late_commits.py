"""The change log on both databases: what is committed late, what is written past the application, what may be forgotten."""
from __future__ import annotations

import datetime as dt
import json
import random
import threading
import time

import pytest

pytestmark = pytest.mark.integration

SECONDS = 60


@pytest.fixture
def env(app):
    """A model environment with an empty log, as somebody who may do everything."""
    from s3.s3changes import define_tables, is_watched

    with app.env() as current:
        current.auth.override = True
        current.db(define_tables(current.db).id > 0).delete()
        assert is_watched(current.s3db.cms_post)
        current.db.commit()
        yield current


def position(current):
    from s3.s3changes import current_position

    return current_position(current.db)


def log_of(current, start=None, end=None, tablename="cms_post"):
    """(record, operation) of the log rows of a table, in the window between two positions or all of them."""
    from s3.s3changes import Window, define_tables

    log = define_tables(current.db)
    query = log.tablename == tablename
    if start is not None:
        query = Window(tablename, start, end if end is not None else position(current)).query(current.db)
    return [(row.record_id, row.operation) for row in current.db(query).select(log.record_id, log.operation, orderby=log.id)]


def insert_post(current, name="Post"):
    return int(current.s3db.cms_post.insert(name=name, body=name))


def insert_posts(current, number):
    post_ids = [insert_post(current) for _ in range(number)]
    current.db.commit()
    return post_ids


# -- late commits ------------------------------------------------------------------------------------------------------
class LateWriter:
    """A transaction of another thread, which stays open until it is told to end."""

    def __init__(self, app, commit=True):
        self.post_id = None
        self._app, self._commit = app, commit
        self._written, self._may_end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._written.wait(SECONDS), "the late writer has not written"
        return self

    def __exit__(self, *error):
        self.end()

    def _run(self):
        with self._app.env() as current:
            current.auth.override = True
            self.post_id = insert_post(current, "Late")
            self._written.set()
            assert self._may_end.wait(SECONDS)
            if self._commit:
                current.db.commit()

    def end(self):
        self._may_end.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive(), "the late writer does not end"


@pytest.fixture
def concurrent_writers(app):
    if app.kind == "sqlite":
        pytest.skip("SQLite has one writer at a time: nobody overtakes an open transaction")


def test_what_is_committed_late_is_in_the_window_after_its_commit(app, env, concurrent_writers):
    start = position(env)

    with LateWriter(app) as late:
        overtaking = insert_posts(env, 2)
        middle = position(env)
        first = log_of(env, start, middle)
        late.end()
        env.db.commit()
        end = position(env)

    second = log_of(env, middle, end)
    # a change behind an open transaction may have to wait for it, but is told once
    assert sorted(first + second) == sorted((post_id, "create") for post_id in [*overtaking, late.post_id])
    assert (late.post_id, "create") in second
    assert log_of(env, end) == []


def test_what_is_rolled_back_late_is_in_no_window(app, env, concurrent_writers):
    start = position(env)

    with LateWriter(app, commit=False) as late:
        overtaking = insert_posts(env, 1)
        middle = position(env)
        first = log_of(env, start, middle)
        late.end()
        env.db.commit()

    assert first + log_of(env, middle) == [(overtaking[0], "create")]


def test_a_late_commit_is_told_once_in_the_next_round(app, concurrent_writers):
    with app.env() as current:
        subscribe(current, app.people["anna"].pe_id)
    with app.serving() as url:
        with LateWriter(app) as late:
            tick(app, url)
            with app.env() as current:
                insert_post(current, "Overtaking")
                current.db.commit()
            tick(app, url)
            assert "Late" not in told_bodies(app)
            late.end()
        for _ in range(3):
            tick(app, url)

    assert sorted(told_bodies(app)) == ["Late", "Overtaking"]


def subscribe(current, pe_id):
    s3db = current.s3db
    subscription_id = s3db.pr_subscription.insert(pe_id=pe_id, notify_on=["new", "upd"], frequency="immediately", method=["EMAIL"])
    s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")
    current.db.commit()


def tick(app, url):
    """One whole round of the worker, some minutes after the last."""
    from s3 import S3Notifications

    app.clock.advance(minutes=6)
    with app.env() as current:
        current.deployment_settings.msg.notify_lookup_url = url
        S3Notifications.check_subscriptions()
        current.msg.process_outbox("EMAIL")
        current.db.commit()


def told_bodies(app):
    """The bodies of all records in all mails."""
    lines = [line.strip() for mail in app.smtp.messages for line in mail.get_content().splitlines()]
    return [line.removeprefix("Body: ") for line in lines if line.startswith("Body: ")]


def test_each_committed_change_is_in_exactly_one_window_whoever_writes_how_long(app, env):
    """E6: writers that hold their transactions open for random times, and a reader who moves his window all the while"""
    writers = [Writer(app, seed) for seed in range(2 if app.kind == "sqlite" else 5)]
    edges, seen = [position(env)], []

    for writer in writers:
        writer.thread.start()
    while any(writer.thread.is_alive() for writer in writers):
        edges.append(position(env))
        seen += log_of(env, edges[-2], edges[-1])
        env.db.commit()
        time.sleep(0.005)
    edges.append(position(env))
    seen += log_of(env, edges[-2], edges[-1])

    assert [writer.error for writer in writers if writer.error] == []
    committed = [change for writer in writers for change in writer.committed]
    assert edges == sorted(edges)
    assert sorted(seen) == sorted(committed)
    assert len({operation for _, operation in seen}) == 3
    assert any(writer.rolled_back for writer in writers)


class Writer:
    """Inserts, updates and deletes posts in transactions of different lengths, of which some are rolled back."""

    TRANSACTIONS = 25

    def __init__(self, app, seed):
        self.app, self.rng = app, random.Random(seed)
        self.hold_seconds = 0.005 if app.kind == "sqlite" else 0.08
        self.committed, self.rolled_back, self.error = [], 0, None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            with self.app.env() as current:
                current.auth.override = True
                for _ in range(self.TRANSACTIONS):
                    self._write(current)
        except Exception as error:
            self.error = repr(error)

    def _write(self, current):
        table, db = current.s3db.cms_post, current.db
        post_id = insert_post(current)
        changes = [(post_id, "create")]
        self._hold()
        mine = sorted({record_id for record_id, _ in self.committed} - {key for key, name in self.committed if name == "delete"})
        if mine:
            chosen = self.rng.choice(mine)
            if self.rng.random() < 0.3:
                db(table.id == chosen).delete()
                changes.append((chosen, "delete"))
            else:
                db(table.id == chosen).update(name=f"Changed {self.rng.random()}")
                changes.append((chosen, "update"))
            self._hold()
        if self.rng.random() < 0.25:
            db.rollback()
            self.rolled_back += 1
        else:
            db.commit()
            self.committed += changes

    def _hold(self):
        time.sleep(self.rng.uniform(0, self.hold_seconds))


# -- what is logged, how often, as what --------------------------------------------------------------------------------
def test_a_bulk_insert_is_one_creation_for_each_record(env):
    table = env.s3db.cms_post

    post_ids = table.bulk_insert([{"name": f"Post {number}", "body": "Body"} for number in range(3)])

    assert log_of(env) == [(post_id, "create") for post_id in post_ids]


def test_a_bulk_update_is_one_update_for_each_record_it_matched(env):
    table = env.s3db.cms_post
    one, two, other = (insert_post(env, name) for name in ("Same", "Same", "Other"))
    start = len(log_of(env))

    # the condition does not match the same records any more when it is done
    env.db((table.name == "Same") & (table.id > 0)).update(name="Different")

    assert log_of(env)[start:] == [(one, "update"), (two, "update")]
    assert (other, "update") not in log_of(env)


def test_update_record_is_one_update(env):
    table = env.s3db.cms_post
    post_id = insert_post(env)

    table[post_id].update_record(name="Other")

    assert log_of(env) == [(post_id, "create"), (post_id, "update")]


def test_archiving_is_a_deletion_and_restoring_a_creation(env):
    table = env.s3db.cms_post
    post_id = insert_post(env)

    env.db(table.id == post_id).update(deleted=True)
    env.db(table.id == post_id).update(deleted=False)

    assert log_of(env) == [(post_id, "create"), (post_id, "delete"), (post_id, "create")]


def test_a_deletion_is_logged_for_each_record(env):
    table = env.s3db.cms_post
    post_ids = [insert_post(env) for _ in range(2)]

    env.db(table.id.belongs(post_ids)).delete()

    assert log_of(env)[2:] == [(post_id, "delete") for post_id in post_ids]


def test_an_update_that_matches_nothing_is_not_logged(env):
    env.db(env.s3db.cms_post.id == -1).update(name="Nobody")

    assert log_of(env) == []


def test_texts_and_passwords_never_get_into_the_log(env):
    from s3.s3changes import define_tables, watch

    users = env.db.auth_user
    watch(users)
    post_id = env.s3db.cms_post.insert(name="Headline", body="secret body")
    env.db(env.s3db.cms_post.id == post_id).update(name="Another", body="another secret body")
    user_id = users.insert(first_name="Eve", email="eve@example.com", password="secret hash")
    env.db(users.id == user_id).update(password="another secret hash", first_name="Eva")

    rows = [json.loads(row.changed) for row in env.db(define_tables(env.db).id > 0).select()]

    assert "secret" not in json.dumps(rows)
    post_created, post_changed, user_created, user_changed = rows
    assert post_created["name"] == [None, "Headline"] and post_created["body"] is None
    assert post_changed == {"name": ["Headline", "Another"], "body": None}
    assert user_created["password"] is None and user_created["first_name"] == [None, "Eve"]
    assert user_changed["password"] is None and user_changed["first_name"] == ["Eve", "Eva"]


# -- the sweep ---------------------------------------------------------------------------------------------------------
OVERLAP = dt.timedelta(minutes=2)


def raw(env, sql, *values):
    mark = "%s" if env.db._dbname == "postgres" else "?"
    env.db.executesql(sql.replace("?", mark), placeholders=[str(value) for value in values])
    env.db.commit()


def sweep(app, env, **later):
    from s3.s3changes import sweep

    found = sweep(env.s3db.cms_post, app.clock.advance(**later), OVERLAP)
    env.db.commit()
    return found


def test_what_was_changed_by_raw_sql_is_found_once(app, env):
    post_id, untouched = insert_posts(env, 2)
    sweep(app, env, minutes=5)
    start = position(env)
    app.clock.advance(minutes=1)
    raw(env, "UPDATE cms_post SET name = 'Raw', modified_on = ? WHERE id = ?", app.clock.now, post_id)

    assert [sweep(app, env, minutes=1) for _ in range(3)] == [1, 0, 0]

    assert log_of(env, start) == [(post_id, "update")]
    assert (untouched, "update") not in log_of(env)


def test_what_was_inserted_by_raw_sql_is_found_once_as_new(app, env):
    model_id = insert_posts(env, 1)[0]
    sweep(app, env, minutes=5)
    start = position(env)
    now = app.clock.advance(minutes=1)
    raw(env, "INSERT INTO cms_post (name, body, deleted, created_on, modified_on) VALUES ('Raw', 'Body', 'F', ?, ?)", now, now)

    assert [sweep(app, env, minutes=1) for _ in range(2)] == [1, 0]

    [(post_id, operation)] = log_of(env, start)
    assert post_id > model_id and operation == "create"


def test_what_the_application_has_written_is_not_found_again(app, env):
    sweep(app, env, minutes=5)
    post_id = insert_posts(env, 1)[0]
    app.clock.advance(minutes=1)
    env.db(env.s3db.cms_post.id == post_id).update(name="Changed")
    env.db.commit()

    assert sweep(app, env, seconds=10) == 0

    assert log_of(env) == [(post_id, "create"), (post_id, "update")]


# -- pruning -----------------------------------------------------------------------------------------------------------
def subscribe_at(env, app, place):
    """A subscribed resource whose reader stands at this position."""
    from s3.s3notify.check import update_quietly

    subscription_id = env.s3db.pr_subscription.insert(
        pe_id=app.people["anna"].pe_id, notify_on=["new"], frequency="immediately", method=["EMAIL"])
    watched = env.s3db.pr_subscription_resource
    resource_id = watched.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")
    update_quietly(watched.id == resource_id, last_position=place)
    env.db.commit()


def prune_after(env, app, **later):
    from s3.s3changes import prune

    prune(app.clock.advance(**later), env.db)
    return [record_id for record_id, _ in log_of(env)]


def test_the_log_is_kept_for_a_week_even_if_nobody_needs_it(app, env):
    post_ids = insert_posts(env, 2)

    assert prune_after(env, app, days=6) == post_ids
    assert prune_after(env, app, days=2) == []


def test_what_a_subscription_has_not_seen_is_kept_and_the_rest_removed(app, env):
    insert_posts(env, 2)
    place = position(env)
    unseen = insert_posts(env, 2)
    subscribe_at(env, app, place)
    insert_posts(env, 1)
    subscribe_at(env, app, position(env))

    assert prune_after(env, app, days=30)[:2] == unseen
    assert len(log_of(env)) == 3


def test_what_a_rebased_subscription_has_not_seen_is_kept_and_the_rest_removed(app, env):
    from s3.s3changes import define_tables

    insert_posts(env, 2)
    unseen = insert_posts(env, 2)
    # minus the id of the first log row that was not seen
    first_row = env.db(define_tables(env.db).record_id == unseen[0]).select().first().id
    subscribe_at(env, app, -first_row)
    subscribe_at(env, app, position(env))

    assert prune_after(env, app, days=30) == unseen


# -- positions by time -------------------------------------------------------------------------------------------------
def test_a_position_by_time_begins_with_the_first_change_at_that_time(app, env):
    from s3.s3changes import position_at

    insert_posts(env, 1)
    when = app.clock.advance(minutes=10)
    seen_by_nobody = insert_posts(env, 2)

    assert [record_id for record_id, _ in log_of(env, position_at(when, env.db))] == seen_by_nobody
    assert log_of(env, position_at(when + dt.timedelta(minutes=10), env.db)) == []


def test_after_a_position_by_time_the_next_windows_go_on_without_gap_or_overlap(app, env):
    from s3.s3changes import position_at

    insert_posts(env, 1)
    app.clock.advance(minutes=10)
    start = position_at(app.clock.now, env.db)
    first = insert_posts(env, 1)
    middle = position(env)
    second = insert_posts(env, 1)

    assert [record_id for record_id, _ in log_of(env, start, middle)] == first
    assert [record_id for record_id, _ in log_of(env, middle)] == second


def test_a_position_of_this_database_is_kept_and_any_other_is_found_by_its_time(app, env):
    from s3.s3changes import position_at, rebase_position

    insert_posts(env, 1)
    now = app.clock.advance(minutes=10)
    unseen = insert_posts(env, 1)
    end = position(env)
    app.clock.advance(minutes=10)
    by_time = position_at(now, env.db)

    assert rebase_position(end - 1, now, end, env.db) == end - 1
    assert rebase_position(by_time, now, end, env.db) == by_time
    assert rebase_position(None, now, end, env.db) == by_time
    assert rebase_position(end + 1000, now, end, env.db) == by_time
    assert [record_id for record_id, _ in log_of(env, by_time)] == unseen
