"""How long a failed look-up waits."""
from __future__ import annotations

import datetime as dt

import pytest


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 320), (8, 360), (20, 360), (10_000, 360)],
)
def test_backoff_doubles_up_to_six_hours(web2py_folder, attempts, minutes):
    from s3.s3notify.release import backoff

    assert backoff(attempts) == dt.timedelta(minutes=minutes)
