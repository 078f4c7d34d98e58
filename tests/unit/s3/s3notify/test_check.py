"""When a subscription is due again."""
from __future__ import annotations

import datetime as dt

import pytest

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)
INTERVALS = {"immediately": 5, "hourly": 60, "daily": 1440, "weekly": 10080, "never": 0}


@pytest.mark.parametrize(
    ("frequency", "previous", "expected"),
    [
        # never checked before: one interval from now
        ("hourly", None, NOW + dt.timedelta(hours=1)),
        ("daily", None, NOW + dt.timedelta(days=1)),
        # counted from when it was due, not from when the check came: 05:58 + 1 h
        ("hourly", NOW - dt.timedelta(minutes=2), NOW + dt.timedelta(minutes=58)),
        # slots that were missed are skipped: 01:30 due, 06:00 now -> 06:30
        ("hourly", NOW - dt.timedelta(hours=4, minutes=30), NOW + dt.timedelta(minutes=30)),
        # exactly one interval late: the next slot must be in the future
        ("daily", NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=1)),
        ("weekly", NOW, NOW + dt.timedelta(days=7)),
        # due at every check
        ("immediately", NOW - dt.timedelta(days=3), NOW),
        # a value that nobody knows must not silence the subscription
        ("fortnightly", None, NOW),
    ],
)
def test_next_due(frequency, previous, expected):
    from s3.s3notify.check import next_due

    assert next_due(previous, frequency, NOW, INTERVALS) == expected


def test_daily_does_not_drift_when_checks_come_late():
    from s3.s3notify.check import next_due

    due = NOW
    for day in range(30):
        due = next_due(due, "daily", due + dt.timedelta(minutes=day), INTERVALS)

    assert due == NOW + dt.timedelta(days=30)
