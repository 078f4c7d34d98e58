import datetime as dt
from dataclasses import replace

import pytest

from s3.s3notify.health import Findings, describe, problems

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)
HEALTHY = Findings(
    now=NOW, worker_alive=True, last_heartbeat=NOW - dt.timedelta(seconds=2), checks_wanted=True, checks_scheduled=True, check_interval=300,
    last_check=NOW - dt.timedelta(seconds=120), oldest_due=None, due=0, queued_tasks=0, unsent=3, dead_letters=0, withheld=0, suspended=0,
)  # fmt: skip


def test_a_healthy_instance_needs_nobody():
    assert problems(HEALTHY) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"worker_alive": False}, "No worker is alive: start one"),
        # 300 s + ten minutes = 900 s
        ({"last_check": NOW - dt.timedelta(seconds=901)}, "has not checked for a while"),
        ({"checks_scheduled": False}, "is missing or disabled"),
        ({"dead_letters": 2}, "2 messages were not delivered"),
        ({"suspended": 1}, "1 subscriptions are suspended"),
        ({"knows_case": False}, "knows capitals from A to Z only"),
    ],
)
def test_what_needs_a_person_is_one_sentence_that_says_what_to_do(change, problem):
    (sentence,) = problems(replace(HEALTHY, **change))

    assert problem in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "change",
    [
        {"last_check": NOW - dt.timedelta(seconds=899)},
        # a new instance, whose worker has only just begun
        {"last_check": None},
        {"due": 5, "oldest_due": NOW - dt.timedelta(minutes=4)},
        {"queued_tasks": 9, "unsent": 100},
        {"withheld": 3},
        {"checks_wanted": False, "checks_scheduled": False, "last_check": NOW - dt.timedelta(days=9)},
    ],
)
def test_what_goes_away_by_itself_needs_nobody(change):
    assert problems(replace(HEALTHY, **change)) == []


def test_the_state_is_told_in_lines_with_the_age_of_each_time():
    lines = describe(replace(HEALTHY, due=2, oldest_due=NOW - dt.timedelta(minutes=1)))

    assert "Worker:                  alive, last heartbeat 2026-03-02 05:59:58 UTC (2 s ago)" in lines
    assert "Due subscriptions:       2, the oldest since 2026-03-02 05:59:00 UTC (60 s ago)" in lines
    assert "Dead letters:            0" in lines
    assert "Withheld messages:       0" in lines


def test_a_worker_that_has_never_been_there_is_told_so():
    lines = describe(replace(HEALTHY, worker_alive=False, last_heartbeat=None))

    assert "Worker:                  not alive, last heartbeat never" in lines
