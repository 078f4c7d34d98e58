"""The log writes what its level asks for, and nothing else."""
from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from gluon import current

from s3cfg import S3Config
from s3log import LOGGER, S3Log


@pytest.fixture(autouse=True)
def own_outputs() -> Iterator[None]:
    logger = logging.getLogger(LOGGER)
    before, propagate = list(logger.handlers), logger.propagate
    yield
    for handler in set(logger.handlers) - set(before):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = propagate


def log_with(**options: object) -> S3Log:
    settings = S3Config()
    settings.log.update(options)
    return S3Log(settings)


def test_messages_below_the_level_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    log = log_with(level="WARNING")

    log.debug("one")
    log.info("two")
    log.warning("three")
    log.error("four")
    log.critical("five")

    assert caplog.messages == ["three", "four", "five"]


def test_nothing_is_written_when_it_is_off(caplog: pytest.LogCaptureFixture) -> None:
    log = log_with(level=None)

    log.critical("anybody?")

    assert caplog.messages == []


def test_value_follows_the_message(caplog: pytest.LogCaptureFixture) -> None:
    log_with().warning("Unknown table", "cms_pots")

    assert caplog.messages == ["Unknown table: cms_pots"]


def test_settings_of_the_request_are_the_default(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = S3Config()
    settings.log.level = "CRITICAL"
    monkeypatch.setattr(current, "deployment_settings", settings, raising=False)

    S3Log().error("not this bad")

    assert caplog.messages == []


def test_percent_signs_are_only_percent_signs(caplog: pytest.LogCaptureFixture) -> None:
    log_with().warning("100% of %s")

    assert caplog.messages == ["100% of %s"]


def test_exception_comes_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = log_with()

    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("Notify failed", 7)

    assert caplog.messages == ["Notify failed: 7"]
    assert "ValueError: broken" in caplog.text


def test_exception_without_one_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    log_with().exception("Notify failed")

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "NoneType" not in caplog.text


def test_caller_is_named_on_demand(caplog: pytest.LogCaptureFixture) -> None:
    log_with(caller_info=True).warning("here")

    assert f"({__file__}:" in caplog.text


def test_log_file_gets_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "s3.log"
    # a log is made for every request of a process
    for _ in range(3):
        log = log_with(console=False, logfile=str(path))

    log.error("disk full")

    lines = path.read_text().splitlines()
    assert len(lines) == 1
    assert lines[0].endswith("ERROR disk full")


def test_console_can_be_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    log_with(console=False).error("quiet")

    assert caplog.messages == []
