"""models/tasks.py, the daily maintenance and the queue, as the application wires them."""
from __future__ import annotations

import datetime as dt
import os
import pickle
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from gluon.newcron import parsecronline
from harness import App

from s3.s3task import PeriodicTask

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "check_subscriptions", "dummy", "maintenance", "msg_process_outbox", "notify_check_subscriptions", "notify_notify", "s3db_task",
    "settings_task",
)  # fmt: skip


# -- the tasks ---------------------------------------------------------------------------------------------------------
def test_worker_finds_every_task_by_its_name(app: App) -> None:
    with app.env() as current:
        tasks = current.response.s3.tasks

    assert tuple(sorted(tasks)) == NAMES
    assert {name: task.__name__ for name, task in tasks.items() if task.__name__ != name} == {
        "check_subscriptions": "notify_check_subscriptions"
    }


def test_without_the_messaging_module_its_tasks_are_not_there(app: App) -> None:
    with app.env() as current:
        wanted = {task.function for task in _periodic(current, without="msg")}

    assert wanted == {"maintenance"}


def _periodic(current: Any, without: str) -> list[PeriodicTask]:
    from s3.s3task import periodic_tasks

    del current.deployment_settings.modules[without]
    return periodic_tasks(current.deployment_settings)


def test_request_that_queues_nothing_does_not_define_the_scheduler(app: App) -> None:
    with app.env() as current:
        assert not [name for name in current.db.tables if name.startswith("scheduler_")]


def test_task_acts_as_the_account_it_is_given(app: App) -> None:
    anna = app.people["anna"]
    with app.env() as current:
        current.deployment_settings.tasks.who = lambda: current.auth.user and current.auth.user.id

        as_anna = current.response.s3.tasks["settings_task"]("who", user_id=anna.user_id)
        as_nobody = current.response.s3.tasks["settings_task"]("who")

    assert (as_anna, as_nobody) == (anna.user_id, None)


def test_task_commits_what_it_did(app: App) -> None:
    with app.env() as current:
        current.deployment_settings.tasks.write = lambda name: current.s3db.pr_group.insert(name=name)
        current.response.s3.tasks["settings_task"]("write", name="Team")

    with app.env() as current:
        assert [row.name for row in current.db(current.s3db.pr_group).select()] == ["Team"]


def test_task_that_fails_undoes_what_it_did_and_says_why(app: App) -> None:
    with app.env() as current:

        def fail() -> None:
            current.s3db.pr_group.insert(name="Team")
            raise ValueError("no such thing")

        current.deployment_settings.tasks.fail = fail

        assert current.response.s3.tasks["settings_task"]("fail") == "ERROR: ValueError: no such thing"
        assert current.db(current.s3db.pr_group).isempty()


def test_unknown_task_of_the_deployment_does_nothing(app: App) -> None:
    with app.env() as current:
        assert current.response.s3.tasks["settings_task"]("nobody_registered_this") is None


def test_function_of_the_models_can_be_a_task(app: App) -> None:
    with app.env() as current:
        pe_id = app.people["anna"].pe_id

        assert current.response.s3.tasks["s3db_task"]("pr_instance_type", pe_id=pe_id) == "pr_person"


def test_outbox_task_reports_what_it_sent_and_nothing_when_idle(app: App) -> None:
    with app.env() as current:
        task = current.response.s3.tasks["msg_process_outbox"]
        idle = task("EMAIL")
        current.msg.send_by_pe_id(app.people["anna"].pe_id, "News", "Hello", system_generated=True)

        busy = task("EMAIL")

    assert (idle, busy) == (None, "EMAIL: 1 sent")
    assert app.smtp is not None
    assert app.smtp.recipients == [["anna@cast.example"]]


def test_check_with_nothing_to_do_says_so(app: App) -> None:
    with app.env() as current:
        assert current.response.s3.tasks["notify_check_subscriptions"]() == "No notifications to schedule."


def test_notification_of_a_row_that_is_gone_is_no_error(app: App) -> None:
    with app.env() as current:
        notify = current.response.s3.tasks["notify_notify"]

        assert notify(999) is True
        assert notify([998, 999], lease="gone") == {998: True, 999: True}


# -- the queue ---------------------------------------------------------------------------------------------------------
def test_first_run_has_queued_the_periodic_tasks(app: App) -> None:
    with app.env() as current:
        st = current.s3task.scheduler.db.scheduler_task
        rows = current.db(st.repeats == 0).select(orderby=(st.function_name, st.args))

    found = [(row.function_name, row.args, row.period, row.retry_failed) for row in rows]
    assert found == [
        ("maintenance", "[]", 86400, -1),
        ("msg_process_outbox", '["EMAIL"]', 60, -1),
        ("msg_process_outbox", '["SMS"]', 60, -1),
        ("notify_check_subscriptions", "[]", 300, -1),
    ]


@pytest.fixture
def own_tasks(app: App) -> Any:
    """Rows of the function `dummy`, removed afterwards."""
    yield "dummy"
    with app.env() as current:
        st = current.s3task.scheduler.db.scheduler_task
        current.db(st.function_name == "dummy").delete()
        current.db.commit()


def at_once(app: App, action: Any, number: int = 6) -> list[Any]:
    """Do something in several environments at the same time; gives the results, errors included."""
    barrier = threading.Barrier(number)
    results: list[Any] = []

    def work() -> None:
        try:
            with app.env() as current:
                current.s3task.scheduler  # noqa: B018 - the tables are defined before the start
                barrier.wait(20)
                results.append(action(current))
                current.db.commit()
        except BaseException as error:
            results.append(error)

    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def count(app: App, function: str) -> int:
    with app.env() as current:
        return int(current.db(current.s3task.scheduler.db.scheduler_task.function_name == function).count())


def test_same_task_scheduled_by_several_at_the_same_time_is_queued_once(app: App, own_tasks: str) -> None:
    results = at_once(app, lambda current: current.s3task.schedule_task(own_tasks, args=[1]))

    assert [result for result in results if isinstance(result, BaseException)] == []
    assert len([result for result in results if result]) == 1
    assert count(app, own_tasks) == 1


def test_periodic_task_synced_by_several_at_the_same_time_is_inserted_once(app: App, own_tasks: str) -> None:
    results = at_once(app, lambda current: current.s3task.sync_periodic([PeriodicTask(own_tasks, 60, 60)]))

    try:
        assert results == [None] * 6
        assert count(app, own_tasks) == 1
    finally:
        # it has switched off what it was not asked for
        with app.env() as current:
            current.s3task.sync_periodic()
            current.db.commit()


# -- maintenance -------------------------------------------------------------------------------------------------------
@pytest.fixture
def old_file(app: App) -> Any:
    """Writes a file in a folder of the application that was last touched some time ago."""
    made: list[Path] = []

    def write(folder: str, name: str, content: bytes = b"", **age: float) -> Path:
        path = app.folder / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        stamp = (app.clock() - dt.timedelta(**age)).replace(tzinfo=dt.timezone.utc).timestamp()
        os.utime(path, (stamp, stamp))
        made.append(path)
        return path

    yield write
    for path in made:
        path.unlink(missing_ok=True)


def session_of(expiration: int | None) -> bytes:
    return pickle.dumps({"auth": {"expiration": expiration}} if expiration else {})


def maintain(app: App) -> str:
    with app.env() as current:
        return str(current.response.s3.tasks["maintenance"]("daily"))


def test_sessions_go_when_their_login_has_expired(app: App, old_file: Any) -> None:
    visitor = old_file("sessions", "127.0.0.1-aa", session_of(None), hours=2)
    fresh = old_file("sessions", "127.0.0.1-ab", session_of(None), minutes=30)
    remembered = old_file("sessions", "127.0.0.1-ac", session_of(30 * 86400), hours=2)
    ancient = old_file("sessions", "127.0.0.1-ad", session_of(365 * 86400), days=29)
    damaged = old_file("sessions", "127.0.0.1-ae", b"no pickle", hours=2)

    result = maintain(app)

    assert [path.exists() for path in (visitor, fresh, remembered, ancient, damaged)] == [False, True, True, False, False]
    assert "3 sessions" in result


def test_error_tickets_go_after_four_weeks(app: App, old_file: Any) -> None:
    old, recent = old_file("errors", "old", days=29), old_file("errors", "recent", days=27)

    maintain(app)

    assert (old.exists(), recent.exists()) == (False, True)


def test_maintenance_reports_what_it_removed(app: App) -> None:
    assert maintain(app).startswith("Removed ")


def test_deployment_template_can_bring_its_own_maintenance(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("templates.default.maintenance")
    module.Daily = lambda: lambda: "ours"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "templates.default.maintenance", module)

    assert maintain(app) == "ours"


def test_maintenance_for_another_period_is_not_there(app: App) -> None:
    with app.env() as current:
        assert current.response.s3.tasks["maintenance"]("hourly") == "There is no hourly maintenance"


# -- cron --------------------------------------------------------------------------------------------------------------
def test_crontab_runs_the_daily_maintenance_with_the_models(app: App) -> None:
    lines = [line for line in (ROOT / "cron" / "crontab").read_text().splitlines() if line and not line.startswith("#")]

    [job] = [parsecronline(line) for line in lines]

    assert (job["min"], job["hr"]) == ([0], [2])
    assert job["cmd"] == "*applications/eden/cron/daily.py"
    assert (ROOT / "cron" / "daily.py").exists()


def test_cron_script_runs_in_the_environment_of_the_models(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    with app.env() as current:
        exec(compile((ROOT / "cron" / "daily.py").read_text(), "daily.py", "exec"), {"s3": current.response.s3})

    assert capsys.readouterr().out.startswith("Removed ")
