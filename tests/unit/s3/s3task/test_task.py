from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gluon import current
from gluon.storage import Storage

from s3.s3datetime import set_clock
from s3.s3task import PeriodicTask, S3Task, background_task, periodic_tasks
from s3cfg import S3Config
from s3dal import DAL
from s3log import S3Log

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)
OUTBOX = PeriodicTask("msg_process_outbox", 60, 300, args=["EMAIL"])
CHECK = PeriodicTask("notify_check_subscriptions", 300, 300)


class Clock:
    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def settings() -> S3Config:
    settings = S3Config()
    settings.modules["msg"] = Storage()
    settings.log.level = None
    return settings


class Auth:
    """Stands for AuthS3: remembers who is impersonated."""

    def __init__(self) -> None:
        self.user: Any = None

    def s3_impersonate(self, user_id: int | None) -> None:
        self.user = Storage(id=user_id) if user_id else None


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    set_clock(clock)
    yield clock
    set_clock(None)


@pytest.fixture
def calls() -> list[Any]:
    return []


@pytest.fixture
def tasks(tmp_path: Path, clock: Clock, calls: list[Any]) -> Iterator[S3Task]:
    """S3Task on a database of its own."""
    saved = dict(current.__dict__)
    current.__dict__.clear()
    current.db = DAL("sqlite://tasks.db", folder=str(tmp_path))
    current.deployment_settings = settings()
    current.request = Storage(application="eden", controller="default", env=Storage())
    current.T = str
    current.auth = Auth()
    current.log = S3Log()
    functions: dict[str, Callable[..., Any]] = {
        name: (lambda *args, **vars: calls.append((args, vars)))
        for name in ("dummy", "msg_process_outbox", "notify_check_subscriptions", "notify_notify", "maintenance")
    }
    current.response = Storage(s3=Storage(tasks=functions))
    s3task = S3Task()
    s3task.define_tables(migrate=True)
    yield s3task
    current.db.close()
    current.__dict__.clear()
    current.__dict__.update(saved)


def rows(tasks: S3Task) -> list[Any]:
    return list(tasks.scheduler.db(tasks.scheduler.db.scheduler_task).select(orderby=tasks.scheduler.db.scheduler_task.id))


def start_worker(tasks: S3Task, name: str = "worker", **values: Any) -> None:
    worker = {"worker_name": name, "first_heartbeat": NOW, "last_heartbeat": NOW, "status": "ACTIVE", "is_ticker": True, **values}
    tasks.scheduler.db.scheduler_worker.insert(**worker)


# -- run_async ---------------------------------------------------------------------------------------------------------
def test_task_is_queued_for_one_run_as_the_user(tasks: S3Task) -> None:
    current.auth.user = Storage(id=7)

    task_id = tasks.run_async("dummy", args=[1, None, [True]], vars={"a": "ü"}, timeout=30)

    [row] = rows(tasks)
    assert row.id == task_id
    assert (row.function_name, row.application_name, row.status, row.repeats, row.timeout) == ("dummy", "eden/default", "QUEUED", 1, 30)
    assert json.loads(row.args) == [1, None, [True]]
    assert json.loads(row.vars) == {"a": "ü", "user_id": 7}
    assert row.next_run_time == NOW


def test_vars_of_the_caller_are_not_changed(tasks: S3Task) -> None:
    current.auth.user = Storage(id=7)
    vars: dict[str, Any] = {}

    tasks.run_async("dummy", vars=vars)

    assert vars == {}


def test_unknown_task_is_logged_and_refused(tasks: S3Task, caplog: pytest.LogCaptureFixture) -> None:
    current.deployment_settings.log.level = "ERROR"
    current.log = S3Log()

    assert tasks.run_async("no_such_task") is False
    assert rows(tasks) == []
    assert "no_such_task" in caplog.text


def test_arguments_that_are_no_json_are_refused(tasks: S3Task) -> None:
    with pytest.raises(TypeError):
        tasks.run_async("dummy", args=[object()])

    assert rows(tasks) == []


def test_queueing_is_undone_with_the_transaction_of_the_caller(tasks: S3Task) -> None:
    tasks.run_async("dummy")

    current.db.rollback()

    assert rows(tasks) == []


def test_without_a_worker_the_task_waits_for_one(tasks: S3Task, calls: list[Any]) -> None:
    assert tasks.run_async("dummy")
    assert calls == []


def test_without_a_worker_the_task_runs_at_once_where_that_is_allowed(tasks: S3Task, calls: list[Any]) -> None:
    current.deployment_settings.base.tasks_sync_fallback = True

    result = tasks.run_async("dummy", args=[1, None], vars={"x": True})

    assert result is None
    assert calls == [((1, None), {"x": True})]
    assert rows(tasks) == []


def test_with_a_worker_nothing_runs_in_the_caller(tasks: S3Task, calls: list[Any]) -> None:
    current.deployment_settings.base.tasks_sync_fallback = True
    start_worker(tasks)

    assert tasks.run_async("dummy")
    assert calls == []


def test_look_ups_never_run_inside_a_web_request(tasks: S3Task, calls: list[Any]) -> None:
    """A web server with one thread would wait for itself."""
    current.deployment_settings.base.tasks_sync_fallback = True
    current.request.wsgi = object()

    assert tasks.run_async("notify_notify", args=[1])
    assert calls == []


def test_queueing_prods_the_worker_that_hands_out_tasks(tasks: S3Task) -> None:
    start_worker(tasks)
    start_worker(tasks, "other", is_ticker=False)

    tasks.run_async("dummy")

    db = tasks.scheduler.db
    assert {row.worker_name: row.status for row in db(db.scheduler_worker).select()} == {"worker": "PICK", "other": "ACTIVE"}


# -- is_alive ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("age", "status", "alive"),
    [(0, "ACTIVE", True), (14, "ACTIVE", True), (16, "ACTIVE", False), (0, "TERMINATE", False), (0, "PICK", True)],
)
def test_worker_is_alive_while_its_heart_beats(tasks: S3Task, age: int, status: str, alive: bool) -> None:
    start_worker(tasks, last_heartbeat=NOW - dt.timedelta(seconds=age), status=status)

    assert tasks.is_alive() is alive


def test_answer_is_kept_for_three_seconds(tasks: S3Task, clock: Clock) -> None:
    before = tasks.is_alive()
    start_worker(tasks, last_heartbeat=NOW + dt.timedelta(seconds=3))

    at_once = tasks.is_alive()
    clock.now += dt.timedelta(seconds=3)

    assert (before, at_once, tasks.is_alive()) == (False, False, True)


# -- schedule_task -----------------------------------------------------------------------------------------------------
def test_options_reach_the_row(tasks: S3Task) -> None:
    later = NOW + dt.timedelta(hours=1)

    tasks.schedule_task("dummy", args=[1], start_time=later, repeats=3, period=120, timeout=10)

    [row] = rows(tasks)
    assert (row.start_time, row.next_run_time, row.repeats, row.period, row.timeout) == (later, later, 3, 120, 10)


def test_same_call_is_not_scheduled_twice_whoever_asks(tasks: S3Task) -> None:
    first = tasks.schedule_task("dummy", args=[1], vars={"a": 1})
    current.auth.user = Storage(id=7)

    assert first
    assert tasks.schedule_task("dummy", args=[1], vars={"a": 1}) is False
    assert tasks.schedule_task("dummy", args=[2], vars={"a": 1})
    assert len(rows(tasks)) == 2


@pytest.mark.parametrize("status", ["QUEUED", "ASSIGNED", "RUNNING"])
def test_living_row_of_any_origin_counts_as_a_duplicate(tasks: S3Task, status: str) -> None:
    task_id = tasks.run_async("dummy", args=[1])
    tasks.scheduler.db.scheduler_task[task_id].update_record(status=status)

    assert tasks.schedule_task("dummy", args=[1]) is False


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "TIMEOUT", "STOPPED", "EXPIRED"])
def test_finished_task_can_be_scheduled_again(tasks: S3Task, status: str) -> None:
    first = tasks.schedule_task("dummy", args=[1])
    tasks.scheduler.db.scheduler_task[first].update_record(status=status)

    second = tasks.schedule_task("dummy", args=[1])

    assert second and second != first


def test_duplicate_can_be_wanted(tasks: S3Task) -> None:
    assert tasks.schedule_task("dummy", args=[1])
    assert tasks.schedule_task("dummy", args=[1], ignore_duplicate=True)


# -- periodic tasks ----------------------------------------------------------------------------------------------------
def test_settings_decide_which_tasks_are_repeated() -> None:
    wanted = settings()

    assert [(task.function, task.args, task.period, task.timeout) for task in periodic_tasks(wanted)] == [
        ("maintenance", [], 86400, 600),
        ("msg_process_outbox", ["EMAIL"], 60, 300),
        ("msg_process_outbox", ["SMS"], 60, 300),
        ("notify_check_subscriptions", [], 300, 300),
    ]
    wanted.msg.notify_check_subscriptions = False
    assert "notify_check_subscriptions" not in [task.function for task in periodic_tasks(wanted)]
    del wanted.modules["msg"]
    assert [task.function for task in periodic_tasks(wanted)] == ["maintenance"]


def test_missing_periodic_tasks_are_inserted_once_and_never_end(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX, CHECK])
    tasks.sync_periodic([OUTBOX, CHECK])

    found = [(row.function_name, json.loads(row.args), row.period, row.repeats, row.retry_failed, row.enabled) for row in rows(tasks)]
    assert found == [("msg_process_outbox", ["EMAIL"], 60, 0, -1, True), ("notify_check_subscriptions", [], 300, 0, -1, True)]


def test_changed_period_reaches_the_row(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])

    tasks.sync_periodic([PeriodicTask("msg_process_outbox", 10, 90, args=["EMAIL"])])

    [row] = rows(tasks)
    assert (row.period, row.timeout) == (10, 90)


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "TIMEOUT", "STOPPED", "EXPIRED"])
def test_periodic_task_that_has_ended_is_revived(tasks: S3Task, status: str) -> None:
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(status=status, next_run_time=NOW - dt.timedelta(days=9), retry_failed=0)

    tasks.sync_periodic([OUTBOX])

    [row] = rows(tasks)
    assert (row.status, row.next_run_time, row.retry_failed) == ("QUEUED", NOW, -1)


def test_task_of_a_worker_that_is_gone_is_freed(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(status="RUNNING", assigned_worker_name="dead")

    tasks.sync_periodic([OUTBOX])

    assert rows(tasks)[0].status == "QUEUED"


def test_task_of_a_living_worker_is_left_alone(tasks: S3Task) -> None:
    start_worker(tasks)
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(status="RUNNING", assigned_worker_name="worker")

    tasks.sync_periodic([OUTBOX])

    assert rows(tasks)[0].status == "RUNNING"


def test_task_that_a_person_disabled_stays_disabled(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(enabled=False)

    tasks.sync_periodic([OUTBOX])

    assert rows(tasks)[0].enabled is False


def test_task_that_the_settings_do_not_want_is_off_until_they_do(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX, CHECK])

    tasks.sync_periodic([OUTBOX])
    off = {row.function_name: row.enabled for row in rows(tasks)}
    tasks.sync_periodic([OUTBOX, CHECK])

    assert off == {"msg_process_outbox": True, "notify_check_subscriptions": False}
    assert [row.enabled for row in rows(tasks)] == [True, True]


def test_duplicate_rows_of_a_periodic_task_are_removed(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])
    tasks.schedule_task("msg_process_outbox", args=["EMAIL"], repeats=0, ignore_duplicate=True)

    tasks.sync_periodic([OUTBOX])

    assert len(rows(tasks)) == 1


def test_single_runs_of_a_periodic_function_are_left_alone(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])
    tasks.run_async("msg_process_outbox", args=["EMAIL"])

    tasks.sync_periodic([OUTBOX])

    assert len(rows(tasks)) == 2


# -- wake --------------------------------------------------------------------------------------------------------------
@pytest.fixture
def sleeping(tasks: S3Task) -> S3Task:
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(next_run_time=NOW + dt.timedelta(seconds=50))
    return tasks


def test_waking_makes_the_periodic_task_due_now(sleeping: S3Task) -> None:
    assert sleeping.wake("msg_process_outbox", ["EMAIL"]) is True

    assert [row.next_run_time for row in rows(sleeping)] == [NOW]


@pytest.mark.parametrize("status", ["ASSIGNED", "RUNNING"])
def test_waking_a_task_that_a_worker_has_lets_one_more_run_follow(sleeping: S3Task, status: str) -> None:
    """The run may have looked already, and its end would overwrite the time of the next run."""
    rows(sleeping)[0].update_record(status=status)

    assert sleeping.wake("msg_process_outbox", ["EMAIL"]) is True
    assert sleeping.wake("msg_process_outbox", ["EMAIL"]) is True

    assert [(row.status, row.repeats) for row in rows(sleeping)] == [(status, 0), ("QUEUED", 1)]


def test_disabled_task_is_not_woken(sleeping: S3Task) -> None:
    rows(sleeping)[0].update_record(enabled=False)

    assert sleeping.wake("msg_process_outbox", ["EMAIL"]) is False


def test_other_arguments_are_another_task(sleeping: S3Task) -> None:
    assert sleeping.wake("msg_process_outbox", ["SMS"]) is False
    assert rows(sleeping)[0].next_run_time > NOW


# -- reset and prune ---------------------------------------------------------------------------------------------------
def test_failed_task_can_be_queued_again(tasks: S3Task) -> None:
    task_id = tasks.run_async("dummy")
    tasks.scheduler.db.scheduler_task[task_id].update_record(status="FAILED")

    assert tasks.reset(task_id) is True
    assert tasks.reset(task_id) is False
    assert rows(tasks)[0].status == "QUEUED"


def test_finished_tasks_go_after_a_week_and_runs_after_four(tasks: S3Task) -> None:
    db = tasks.scheduler.db
    for status, days in (("COMPLETED", 8), ("COMPLETED", 6), ("QUEUED", 8)):
        task_id = tasks.run_async("dummy")
        db.scheduler_task[task_id].update_record(status=status, next_run_time=NOW - dt.timedelta(days=days))
    kept = rows(tasks)[1].id
    for days in (29, 27):
        db.scheduler_run.insert(task_id=kept, status="COMPLETED", start_time=NOW - dt.timedelta(days=days))

    deleted = tasks.prune(NOW)

    assert deleted == 2
    assert [row.status for row in rows(tasks)] == ["COMPLETED", "QUEUED"]
    assert [row.start_time for row in db(db.scheduler_run).select()] == [NOW - dt.timedelta(days=27)]


def test_periodic_tasks_are_never_pruned(tasks: S3Task) -> None:
    tasks.sync_periodic([OUTBOX])
    rows(tasks)[0].update_record(status="FAILED", next_run_time=NOW - dt.timedelta(days=100))

    assert tasks.prune(NOW) == 0


# -- the boundary of a task --------------------------------------------------------------------------------------------
def test_task_commits(tasks: S3Task) -> None:
    background_task(lambda: tasks.scheduler.db.scheduler_worker.insert(worker_name="w"))()

    current.db.rollback()

    assert tasks.scheduler.db(tasks.scheduler.db.scheduler_worker).count() == 1


def test_error_is_rolled_back_and_told_instead_of_raised(tasks: S3Task) -> None:
    @background_task
    def broken() -> None:
        tasks.scheduler.db.scheduler_worker.insert(worker_name="w")
        raise ValueError("no such thing")

    assert broken() == "ERROR: ValueError: no such thing"
    assert tasks.scheduler.db(tasks.scheduler.db.scheduler_worker).count() == 0


def test_task_acts_as_the_user_and_gives_the_identity_back(tasks: S3Task) -> None:
    current.auth.user = Storage(id=1)

    acted_as = background_task(lambda: current.auth.user.id)(user_id=7)

    assert (acted_as, current.auth.user.id) == (7, 1)


def test_identity_is_given_back_after_an_error(tasks: S3Task) -> None:
    background_task(lambda: 1 / 0)(user_id=7)

    assert current.auth.user is None


def test_result_that_is_no_json_becomes_a_text(tasks: S3Task) -> None:
    assert background_task(lambda: {NOW})() == str({NOW})
    assert background_task(lambda: {"a": 1})() == {"a": 1}


def test_scheduler_is_made_on_first_use_only(tasks: S3Task) -> None:
    fresh = S3Task()

    assert fresh._scheduler is None
    assert fresh.scheduler.utc_time is True


def test_worker_identity_differs_between_two_starts_of_one_process_id() -> None:
    from s3.s3task.workers import worker_name

    assert worker_name() != worker_name()


def test_worker_start_is_told_from_its_tasks(tasks: S3Task) -> None:
    del current._scheduler
    starting = S3Task()
    current.db = DAL("sqlite:memory")

    starting.serve()
    forked = SimpleNamespace(made_by=-1, db=None)
    current._scheduler, current.db = forked, DAL("sqlite:memory")
    child = S3Task()
    child.serve()

    assert (starting.is_worker_start, child.is_worker_start) == (True, False)


def test_worker_guards_its_forks_and_a_task_does_not(tasks: S3Task) -> None:
    del current._scheduler
    current.db = DAL("sqlite:memory")
    worker = S3Task()
    worker.serve()
    # what a forked task finds: the scheduler of another process, and a connection of its own
    current._scheduler.made_by, current.db = -1, DAL("sqlite:memory")
    task = S3Task()

    task.serve()

    assert worker.scheduler is not task.scheduler
    assert (hasattr(worker.scheduler, "fork_guard"), hasattr(task.scheduler, "fork_guard")) == (True, False)


# -- handing out -------------------------------------------------------------------------------------------------------
def test_worker_that_is_being_hurried_hands_out_tasks_all_the_same(tasks: S3Task) -> None:
    tasks.run_async("dummy")
    stats = {"status": "ACTIVE", "sleep": 1, "total": 0, "errors": 0, "empty_runs": 0, "queue": 0, "distribution": None, "workers": 1}
    start_worker(tasks, tasks.scheduler.worker_name, status="PICK", group_names=["main"], worker_stats=stats)

    tasks.scheduler.assign_tasks()

    [row] = rows(tasks)
    assert (row.status, row.assigned_worker_name) == ("ASSIGNED", tasks.scheduler.worker_name)
