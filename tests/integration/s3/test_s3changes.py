"""The change log: what the hooks write, what the windows hold, what survives a restored dump, what is pruned."""
from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.integration

OVERLAP = dt.timedelta(seconds=120)
#: How far ahead the transaction ids of the cluster were that a dump comes from
OTHER_CLUSTER = 2**40


@pytest.fixture
def env(app):
    with app.env() as current:
        current.auth.override = True
        # what the cast has written is no matter of these tests
        current.db(log_table(current).id > 0).delete()
        current.db.commit()
        yield current


@pytest.fixture
def postgresql(app):
    if app.kind != "postgresql":
        pytest.skip("SQLite has neither concurrent writers nor transaction ids")


def log_table(current):
    from s3.s3changes import define_tables

    return define_tables(current.db)


def log_rows(current, tablename="cms_post"):
    log = log_table(current)
    return list(current.db(log.tablename == tablename).select(orderby=log.id))


def logged(current, tablename="cms_post"):
    return [(row.record_id, row.operation) for row in log_rows(current, tablename)]


def window(current, start, end=None, tablename="cms_post"):
    """(record, operation) of each log row between two positions."""
    from s3.s3changes import Window, current_position

    log = log_table(current)
    between = Window(tablename, start, current_position() if end is None else end)
    rows = current.db(between.query(current.db)).select(log.record_id, log.operation, orderby=log.id)
    return [(row.record_id, row.operation) for row in rows]


def position():
    from s3.s3changes import current_position

    return current_position()


def post(current, name="Post", tablename="cms_post"):
    text = {"body": "Body"} if tablename == "cms_post" else {}
    record_id = int(current.s3db[tablename].insert(name=name, **text))
    current.db.commit()
    return record_id


def rename(current, record_id, name="Renamed"):
    current.db(current.s3db.cms_post.id == record_id).update(name=name)
    current.db.commit()


def subscribe(app, current, tablename="cms_post", notify_on=("new", "upd"), frequency="immediately", **values):
    s3db = current.s3db
    pe_id = app.people["anna"].pe_id
    subscription_id = s3db.pr_subscription.insert(pe_id=pe_id, notify_on=list(notify_on), frequency=frequency, method=["EMAIL"])
    resource_id = s3db.pr_subscription_resource.insert(
        subscription_id=subscription_id, resource=tablename, url=tablename.replace("_", "/"), **values
    )
    current.db.commit()
    return int(resource_id)


def reader(current, resource_id):
    rtable = current.s3db.pr_subscription_resource
    return current.db(rtable.id == resource_id).select(limitby=(0, 1)).first()


def raw(current, sql, *values):
    """Write past the hooks."""
    mark = "%s" if current.db._dbname == "postgres" else "?"
    current.db.executesql(sql.replace("?", mark), placeholders=[str(item) for item in values])
    current.db.commit()


def raw_rename(current, record_id, modified_on):
    raw(current, "UPDATE cms_post SET name = 'By hand', modified_on = ? WHERE id = ?", modified_on, record_id)


def sweep(app, current, tablename="cms_post"):
    from s3.s3changes import sweep

    found = sweep(current.s3db[tablename], app.clock.now, OVERLAP)
    current.db.commit()
    return found


def prune(app, current):
    from s3.s3changes import prune

    pruned = prune(app.clock.now)
    current.db.commit()
    return pruned


@contextmanager
def open_transaction(current):
    """A transaction on a connection of its own, which has logged the creation of record 4711 and not ended yet."""
    import psycopg2

    from s3.s3datetime import utcnow

    connection = psycopg2.connect("postgresql://" + current.db._uri.split("://", 1)[1])
    try:
        sql = """INSERT INTO s3_change (tablename, record_id, operation, changed_at, txid)
                 VALUES ('cms_post', 4711, 'create', %s, txid_current())"""
        connection.cursor().execute(sql, (utcnow(),))
        yield connection
    finally:
        connection.close()


LATE = (4711, "create")


# -- hooks -------------------------------------------------------------------------------------------------------------
def test_each_way_to_write_is_logged_once_as_what_it_is(env):
    table, db = env.s3db.cms_post, env.db
    one = table.insert(name="One", body="Body")
    two, three = table.bulk_insert([{"name": "Two", "body": "Body"}, {"name": "Three", "body": "Body"}])
    steps = [
        (lambda: table[one].update_record(name="Uno"), [(one, "update")]),
        (lambda: db(table.name.belongs(("Two", "Three"))).update(name="Many"), [(two, "update"), (three, "update")]),
        (lambda: db(table.id == two).update(deleted=True), [(two, "delete")]),
        (lambda: db(table.id == two).update(deleted=False), [(two, "create")]),
        (lambda: db(table.id == two).update(deleted=False, name="Dos"), [(two, "update")]),
        (lambda: db(table.id == three).delete(), [(three, "delete")]),
    ]

    written = logged(env)
    assert written == [(one, "create"), (two, "create"), (three, "create")]
    for write, expected in steps:
        write()
        written, before = logged(env), len(written)
        assert written[before:] == expected


def test_a_change_of_many_records_is_logged_for_each(env):
    """More rows than one statement of the log holds"""
    table = env.s3db.cms_post
    ids = [int(record_id) for record_id in table.bulk_insert([{"name": f"Post {number}", "body": "Body"} for number in range(450)])]

    env.db(table.id.belongs(ids)).update(name="Same")

    assert logged(env)[450:] == [(record_id, "update") for record_id in ids]


@pytest.mark.parametrize(("type", "old", "new"), [("text", "Secret one", "Secret two"), ("password", "Secret1", "Secret2"),
                                                  ("json", {"Secret": 1}, {"Secret": 2}), ("blob", b"Secret1", b"Secret2")])
def test_values_of_private_or_large_types_never_get_into_the_log(env, type, old, new):
    from s3dal import Field

    with scratch_table(env, Field("value", type)) as table:
        record_id = table.insert(value=old)
        env.db(table.id == record_id).update(value=new)

        created, changed = [json.loads(row.changed) for row in log_rows(env, "s3_scratch")]

    assert created == {"value": None}
    assert changed == {"value": None}


def test_long_values_are_cut(env):
    from s3dal import Field

    with scratch_table(env, Field("value", length=1024)) as table:
        record_id = table.insert(value="a" * 1000)
        env.db(table.id == record_id).update(value="b" * 1000)

        created, changed = [json.loads(row.changed) for row in log_rows(env, "s3_scratch")]

    assert created == {"value": [None, "a" * 255]}
    assert changed == {"value": ["a" * 255, "b" * 255]}


@contextmanager
def scratch_table(current, *fields):
    """A watched table that exists until the transaction is rolled back."""
    from s3.s3changes import watch

    db = current.db
    columns = "id INTEGER PRIMARY KEY AUTOINCREMENT" if db._dbname == "sqlite" else "id SERIAL PRIMARY KEY"
    kind = {"blob": "BLOB" if db._dbname == "sqlite" else "BYTEA", "json": "JSON"}.get(fields[0].type, "TEXT")
    db.executesql(f"CREATE TABLE s3_scratch ({columns}, {fields[0].name} {kind})")
    table = db.define_table("s3_scratch", *fields)
    watch(table)
    try:
        yield table
    finally:
        db.rollback()
        db.executesql("DROP TABLE IF EXISTS s3_scratch")
        db.commit()


# -- windows -----------------------------------------------------------------------------------------------------------
def test_windows_that_follow_one_another_hold_each_change_once(env):
    positions, expected = [position()], []
    for number in range(3):
        expected.append((post(env, f"Post {number}"), "create"))
        positions.append(position())

    found = [window(env, start, end) for start, end in zip(positions, positions[1:], strict=False)]

    assert found == [[change] for change in expected]


def test_a_late_commit_is_in_the_next_window_and_only_there(env, postgresql):
    start = position()
    with open_transaction(env) as late:
        overtaking = (post(env), "create")
        middle = position()
        first = window(env, start, middle)
        late.commit()
    env.db.commit()
    end = position()

    second = window(env, middle, end)

    assert LATE not in first and second.count(LATE) == 1
    assert (first + second).count(overtaking) == 1
    assert window(env, end) == []


# -- positions by time -------------------------------------------------------------------------------------------------
def test_a_position_by_time_looks_back_for_what_was_stamped_earlier_than_committed(app, env):
    from s3.s3changes import position_at

    post(env, "Long before")
    app.clock.advance(seconds=1)
    stamped = post(env, "Stamped just not longer ago than the overlap")
    when = app.clock.advance(seconds=120)
    app.clock.advance(seconds=1)
    later = post(env, "Later")

    assert window(env, position_at(when)) == [(stamped, "create"), (later, "create")]


def test_a_position_by_time_does_not_miss_what_was_invisible_then(app, env, postgresql):
    from s3.s3changes import position_at

    with open_transaction(env) as late:
        when = app.clock.advance(minutes=1)
        app.clock.advance(minutes=1)
        post(env)
        late.commit()
    env.db.commit()

    assert LATE in window(env, position_at(when))


@pytest.mark.parametrize("others", [0, 1])
def test_a_position_by_time_does_not_miss_what_is_invisible_still(app, env, postgresql, others):
    from s3.s3changes import position_at

    with open_transaction(env) as late:
        when = app.clock.advance(hours=1)
        for _ in range(others):
            post(env)
        start = position_at(when)
        late.commit()
    env.db.commit()

    assert LATE in window(env, start)


def test_a_position_by_time_after_everything_is_the_present_one(app, env):
    from s3.s3changes import position_at

    post(env, "Long before")
    start = position_at(app.clock.advance(hours=1))
    new = post(env)

    assert window(env, start) == [(new, "create")]


def test_without_position_and_time_stamp_a_reader_starts_now(app, env):
    """The check takes the present for a missing time stamp."""
    from s3.s3changes import rebase_position

    post(env)
    end = position()

    assert rebase_position(None, app.clock.now, end) == end


def test_the_position_does_not_go_back_when_the_log_is_pruned(env):
    """SQLite: it would, if it was counted from the rows that are left"""
    post(env)
    before = position()
    env.db(log_table(env).id > 0).delete()
    env.db.commit()

    assert position() >= before
    new = post(env)
    assert window(env, before) == [(new, "create")]


# -- a dump of another cluster -----------------------------------------------------------------------------------------
def restore_elsewhere(current):
    """What a restore into a cluster with lower transaction ids leaves."""
    current.db.executesql(f"UPDATE s3_change SET txid = txid + {OTHER_CLUSTER}")
    current.db.executesql(f"UPDATE pr_subscription_resource SET last_position = last_position + {OTHER_CLUSTER}")
    current.db.commit()


def test_after_a_restore_readers_go_on_where_they_were(app, env, postgresql):
    early = subscribe(app, env)
    first = post(env, "First")
    app.clock.advance(minutes=10)
    late = subscribe(app, env)
    second = post(env, "Second")
    app.clock.advance(minutes=10)
    nothing_new = subscribe(app, env)
    restore_elsewhere(env)
    app.clock.advance(minutes=10)
    third = post(env, "After the restore")

    sweep(app, env)

    expected = {early: [first, second, third], late: [second, third], nothing_new: [third]}
    for resource_id, posts in expected.items():
        assert window(env, reader(env, resource_id).last_position) == [(post_id, "create") for post_id in posts]


def test_after_a_restore_what_is_still_open_is_not_missed(app, env, postgresql):
    resource_id = subscribe(app, env)
    post(env, "Before")
    restore_elsewhere(env)
    with open_transaction(env) as late:
        post(env, "Overtaking")
        sweep(app, env)
        start, middle = reader(env, resource_id).last_position, position()
        first = window(env, start, middle)
        late.commit()
    env.db.commit()

    assert (first + window(env, middle)).count(LATE) == 1


def test_after_a_restore_nothing_looks_new_for_ever(app, env, postgresql):
    from s3.s3changes import latest_changes

    post(env)
    restore_elsewhere(env)

    sweep(app, env)

    position_of_newest, row_id = latest_changes("cms_post").created
    assert position_of_newest < position()
    assert row_id == log_rows(env)[-1].id


def test_after_a_restore_positions_below_the_present_do_not_miss_rows_above_it(app, env, postgresql):
    """The present of the new cluster lies between the position and the rows that it waits for."""
    resource_id = subscribe(app, env)
    new = post(env)
    env.db.executesql(f"UPDATE s3_change SET txid = txid + {OTHER_CLUSTER}")
    env.db.commit()

    sweep(app, env)

    assert window(env, reader(env, resource_id).last_position) == [(new, "create")]


def test_who_subscribes_after_a_restore_gets_no_old_news(app, env, postgresql):
    post(env, "Before")
    restore_elsewhere(env)
    app.clock.advance(hours=1)
    resource_id = subscribe(app, env)
    new = post(env)

    sweep(app, env)

    assert window(env, reader(env, resource_id).last_position) == [(new, "create")]


def test_a_restored_log_is_settled_once_and_quietly(app, env, postgresql):
    resource_id = subscribe(app, env)
    before = reader(env, resource_id)
    post(env)
    restore_elsewhere(env)
    app.clock.advance(minutes=5)
    sweep(app, env)
    settled = reader(env, resource_id)
    # own rows of a transaction that is not finished are not of another cluster
    env.s3db.cms_post.insert(name="Mine", body="Body")
    app.clock.advance(minutes=5)
    sweep(app, env)

    assert settled.last_position < 0
    assert reader(env, resource_id).last_position == settled.last_position
    assert [row.txid for row in log_rows(env)][0] == 0
    assert all(row.txid > 0 for row in log_rows(env)[1:])
    assert settled.modified_on == before.modified_on


def test_own_rows_are_not_taken_for_those_of_another_cluster(app, env, postgresql):
    """The id of the own transaction may lie beyond the snapshot."""
    resource_id = subscribe(app, env)
    start = reader(env, resource_id).last_position

    new = int(env.s3db.cms_post.insert(name="Mine", body="Body"))
    sweep(app, env)

    assert reader(env, resource_id).last_position == start
    assert window(env, start) == [(new, "create")]
    assert log_rows(env)[0].txid > 0


def test_a_restored_log_can_be_pruned(app, env, postgresql):
    subscribe(app, env)
    seen_by_all = post(env)
    env.db(env.s3db.pr_subscription_resource.id > 0).update_naive(last_position=position())
    unseen = post(env)
    restore_elsewhere(env)
    app.clock.advance(days=30)

    prune(app, env)

    assert logged(env) == [(unseen, "create")]
    assert seen_by_all != unseen


# -- sweep -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("seconds", "found"), [(120, 1), (121, 0)])
def test_a_sweep_looks_back_as_far_as_the_overlap(app, env, seconds, found):
    post_id = post(env)
    app.clock.advance(hours=1)
    sweep(app, env)
    swept = app.clock.now
    # committed after the last sweep, stamped before it
    app.clock.advance(minutes=1)
    start = position()
    raw_rename(env, post_id, swept - dt.timedelta(seconds=seconds))
    app.clock.advance(minutes=4)

    assert [sweep(app, env), sweep(app, env)] == [found, 0]
    assert window(env, start) == [(post_id, "update")] * found


def test_the_first_sweep_begins_with_the_oldest_active_subscription(app, env):
    before, after = post(env, "Before"), post(env, "After")
    app.clock.advance(hours=1)
    raw_rename(env, before, app.clock.now)
    app.clock.advance(hours=1)
    subscribe(app, env)
    app.clock.advance(minutes=1)
    raw_rename(env, after, app.clock.now)
    app.clock.advance(hours=1)
    subscribe(app, env)

    assert [sweep(app, env), sweep(app, env)] == [1, 0]
    assert logged(env)[2:] == [(after, "update")]


SWITCHED_OFF = [
    ("pr_subscription", {"frequency": "never"}),
    ("pr_subscription", {"suspended": True}),
    ("pr_subscription", {"deleted": True}),
    ("pr_subscription_resource", {"deleted": True}),
]


def switch_off(current, tablename, values):
    table = current.s3db[tablename]
    current.db(table.id > 0).update_naive(**values)
    current.db.commit()


@pytest.mark.parametrize(("tablename", "values"), SWITCHED_OFF)
def test_the_first_sweep_is_not_for_who_is_switched_off(app, env, tablename, values):
    post_id = post(env)
    app.clock.advance(hours=1)
    subscribe(app, env)
    switch_off(env, tablename, values)
    app.clock.advance(minutes=1)
    raw_rename(env, post_id, app.clock.now)
    app.clock.advance(hours=1)

    assert sweep(app, env) == 0


def test_of_two_first_sweeps_one_finds_the_change(app, env, postgresql):
    from concurrent.futures import ThreadPoolExecutor

    post_id = post(env)
    app.clock.advance(hours=1)
    subscribe(app, env)
    app.clock.advance(minutes=1)
    raw_rename(env, post_id, app.clock.now)
    app.clock.advance(hours=1)

    def other_check():
        with app.env() as current:
            return sweep(app, current)

    with ThreadPoolExecutor(4) as pool:
        found = [future.result(60) for future in [pool.submit(other_check) for _ in range(4)]]

    assert sorted(found) == [0, 0, 0, 1]
    env.db.commit()
    assert logged(env)[1:] == [(post_id, "update")]


# -- prune -------------------------------------------------------------------------------------------------------------
def test_what_an_active_subscription_waits_for_is_kept_however_old(app, env):
    passed = post(env, "Passed")
    subscribe(app, env)
    pending = post(env, "Pending")
    app.clock.advance(days=365)

    assert prune(app, env) == 1
    assert logged(env) == [(pending, "create")]
    assert passed != pending


def test_each_table_is_pruned_by_its_own_subscriptions(app, env):
    subscribe(app, env, "cms_series")
    waiting = post(env, "Waiting", "cms_series")
    post(env, "Passed")
    subscribe(app, env)
    app.clock.advance(days=30)

    prune(app, env)

    assert logged(env) == []
    assert logged(env, "cms_series") == [(waiting, "create")]


@pytest.mark.parametrize(("tablename", "values"), SWITCHED_OFF)
def test_who_is_switched_off_holds_only_the_last_week(app, env, tablename, values):
    subscribe(app, env)
    switch_off(env, tablename, values)
    post(env, "Older")
    app.clock.advance(seconds=1)
    younger = post(env, "A week old")
    app.clock.advance(days=7)

    assert prune(app, env) == 1
    assert logged(env) == [(younger, "create")]


def test_without_subscriptions_the_last_week_is_kept(app, env):
    post(env, "Older")
    app.clock.advance(seconds=1)
    younger = post(env, "A week old")
    app.clock.advance(days=7)

    assert prune(app, env) == 1
    assert logged(env) == [(younger, "create")]


@pytest.mark.parametrize(
    ("notify_on", "held"),
    # there are an old creation and an old deletion
    [(["new"], True), (["upd"], False), (["new", "upd"], True)],
)
def test_who_waits_for_another_kind_of_change_does_not_hold_the_log(app, env, notify_on, held):
    resource_id = subscribe(app, env, notify_on=notify_on)
    before = reader(env, resource_id)
    env.db(env.s3db.cms_post.id == post(env)).delete()
    env.db.commit()
    app.clock.advance(days=30)
    present = position()

    assert prune(app, env) == (0 if held else 2)

    after = reader(env, resource_id)
    assert after.last_position == (before.last_position if held else present)
    assert (after.modified_on, after.last_check_time) == (before.modified_on, before.last_check_time)


def test_who_was_moved_on_misses_nothing(app, env):
    resource_id = subscribe(app, env, notify_on=["upd"])
    post_id = post(env)
    app.clock.advance(days=30)
    prune(app, env)

    rename(env, post_id)

    assert window(env, reader(env, resource_id).last_position) == [(post_id, "update")]


def test_who_was_moved_on_does_not_miss_a_late_commit(app, env, postgresql):
    post(env, "Passed")
    resource_id = subscribe(app, env)
    with open_transaction(env) as late:
        app.clock.advance(days=30)
        prune(app, env)
        late.commit()
    env.db.commit()

    assert window(env, reader(env, resource_id).last_position) == [LATE]


def test_who_was_moved_on_does_not_miss_what_is_committed_during_the_look(app, env, postgresql, monkeypatch):
    from s3.s3changes import upkeep

    post(env, "Passed")
    resource_id = subscribe(app, env)
    look = upkeep.latest_changes
    with open_transaction(env) as late:

        def look_and_be_overtaken(*args):
            found = look(*args)
            late.commit()
            return found

        monkeypatch.setattr(upkeep, "latest_changes", look_and_be_overtaken)
        app.clock.advance(days=30)
        prune(app, env)

    assert logged(env) == [LATE]
    assert window(env, reader(env, resource_id).last_position) == [LATE]


def test_positions_that_are_row_ids_hold_what_they_wait_for_or_are_moved_on(app, env):
    post(env, "Passed")
    first_unseen = log_rows(env)[-1].id + 1
    pending = post(env, "Pending")
    waiting = subscribe(app, env, last_position=-first_unseen)
    idle = subscribe(app, env, notify_on=["upd"], last_position=-first_unseen)
    app.clock.advance(days=30)
    present = position()

    assert prune(app, env) == 1

    assert logged(env) == [(pending, "create")]
    assert reader(env, waiting).last_position == -first_unseen
    assert reader(env, idle).last_position == present


@pytest.mark.parametrize("place", [None, 2**60])
def test_who_has_no_valid_position_holds_what_came_after_the_time_stamp(app, env, place):
    post(env, "Passed")
    app.clock.advance(hours=1)
    resource_id = subscribe(app, env)
    env.db(env.s3db.pr_subscription_resource.id == resource_id).update_naive(last_position=place)
    app.clock.advance(hours=1)
    pending = post(env, "Pending")
    app.clock.advance(days=30)

    assert prune(app, env) == 1
    assert logged(env) == [(pending, "create")]


def test_a_sweep_does_not_report_what_was_pruned(app, env):
    subscribe(app, env, frequency="weekly")
    app.clock.advance(hours=1)
    post(env)
    app.clock.advance(seconds=60)
    sweep(app, env)
    env.db(env.s3db.pr_subscription_resource.id > 0).update_naive(last_position=position())
    app.clock.advance(days=8)
    prune(app, env)

    assert sweep(app, env) == 0


def test_the_first_sweep_after_a_time_without_subscriptions_does_not_report_what_was_pruned(app, env):
    subscribe(app, env)
    sweep(app, env)
    switch_off(env, *SWITCHED_OFF[0])
    app.clock.advance(hours=1)
    post(env)
    app.clock.advance(days=30)
    prune(app, env)
    switch_off(env, "pr_subscription", {"frequency": "daily"})

    assert logged(env) == []
    assert [sweep(app, env), sweep(app, env)] == [0, 0]
