from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest

from s3.s3msg.failure import channel_down, invalid, permanent, temporary
from s3.s3msg.outbox import FAILED, INVALID_ROW, UNSENT, after_failure, recipient_key, retry_delay

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)


def row(**values: Any) -> Any:
    return SimpleNamespace(**{"attempts": 0, "retries": 9, "ambiguous": 0, **values})


@pytest.mark.parametrize(
    ("attempts", "minutes"),
    [(1, 1), (2, 5), (3, 15), (4, 60), (5, 180), (6, 360), (7, 720), (8, 1440), (9, 1440), (10, 1440), (100, 1440)],
)
def test_wait_grows_with_every_failure_and_stays_at_a_day(attempts: int, minutes: int) -> None:
    assert retry_delay(attempts) == dt.timedelta(minutes=minutes)


def test_temporary_failure_costs_a_retry_and_waits() -> None:
    state = after_failure(row(attempts=1, retries=8), temporary("451 later"), NOW, 9)

    # the second failure: 5 minutes
    due = NOW + dt.timedelta(minutes=5)
    assert state == {"status": UNSENT, "attempts": 2, "retries": 7, "next_attempt_at": due, "last_error": "451 later"}


def test_last_retry_ends_in_failed() -> None:
    state = after_failure(row(retries=0), temporary("451 later"), NOW, 9)

    assert (state["status"], state["last_error"]) == (FAILED, "451 later")


def test_row_without_a_number_of_retries_is_tried_for_ever() -> None:
    state = after_failure(row(retries=None, attempts=500), temporary("451 later"), NOW, 9)

    assert (state["status"], state["next_attempt_at"]) == (UNSENT, NOW + dt.timedelta(days=1))
    assert "retries" not in state


def test_permanent_failure_ends_at_once_with_the_words_of_the_server() -> None:
    state = after_failure(row(), permanent("550 5.1.1 no such user"), NOW, 9)

    assert (state["status"], state["last_error"]) == (FAILED, "550 5.1.1 no such user")


def test_address_that_cannot_be_one_makes_the_row_invalid() -> None:
    assert after_failure(row(), invalid("'x' is not an e-mail address"), NOW, 9)["status"] == INVALID_ROW


def test_channel_that_is_down_costs_nothing() -> None:
    assert after_failure(row(), channel_down("refused"), NOW, 9) == {"status": UNSENT, "last_error": "refused"}


def test_text_message_that_may_have_arrived_is_repeated_once() -> None:
    unknown = temporary("no answer", ambiguous=True)

    first = after_failure(row(), unknown, NOW, 1)
    second = after_failure(row(ambiguous=first["ambiguous"]), unknown, NOW, 1)

    assert (first["status"], first["ambiguous"]) == (UNSENT, 1)
    assert (second["status"], second["ambiguous"]) == (FAILED, 2)


def test_long_answers_of_a_server_fit_into_the_column() -> None:
    state = after_failure(row(), permanent("550 " + "very\r\nlong " * 200), NOW, 9)

    assert len(state["last_error"]) <= 512
    assert "\n" not in state["last_error"]


def test_recipient_has_one_key_however_it_is_reached() -> None:
    assert recipient_key(7, 42, "EMAIL") == "7:42:EMAIL"
    assert recipient_key(7, None, "EMAIL") is None
