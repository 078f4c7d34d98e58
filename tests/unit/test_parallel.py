"""Which tests run side by side."""
from __future__ import annotations

import os
from pathlib import Path

import parallel
import pytest

pytest_plugins = ("pytester",)

ROOT = Path(__file__).resolve().parents[2]
CPUS = len(os.sched_getaffinity(0))


@pytest.fixture
def count_workers(pytester, monkeypatch):
    """What `-n auto` means with some arguments."""
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    pytester.mkdir("tests")
    pytester.mkdir("tests/unit")
    pytester.makepyfile(**{"tests/unit/test_one": "def test_it(): pass"})
    pytester.makeini("[pytest]\ntestpaths = tests")
    return lambda *arguments: parallel.count_workers(pytester.parseconfig(*arguments))


@pytest.mark.parametrize("arguments", [
    [], ["tests"], ["tests/unit"], ["tests/unit", "--durations=5", "-v"], ["tests/unit/test_one.py", "tests"],
])  # fmt: skip
def test_whole_folders_run_side_by_side(count_workers, arguments):
    assert count_workers(*arguments) == CPUS + 2


@pytest.mark.parametrize("arguments", [
    ["tests/unit/test_one.py"], ["tests/unit/test_one.py::test_it"], ["-x"], ["--maxfail=3"], ["-k", "one"],
    ["tests/unit", "-x", "-k", "one"], ["-s"], ["--trace"], ["--collect-only"], ["--lf"], ["--sw"],
])  # fmt: skip
def test_who_looks_for_something_has_all_tests_in_one_process(count_workers, arguments):
    assert count_workers(*arguments) == 0


def test_the_variable_of_pytest_xdist_decides(count_workers, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")

    assert count_workers() is None


@pytest.mark.parametrize(("nodeid", "name"), [
    ("tests/unit/test_one.py::test_it[a::b]", "tests/unit/test_one.py"),
    ("tests/unit/test_one.py::TestClass::test_it", "tests/unit/test_one.py"),
    ("tests/acceptance/test_faults.py::test_it[sqlite]", "tests/acceptance/test_faults.py::test_it[sqlite]"),
])
def test_a_file_stays_together_unless_its_tests_take_long(nodeid, name):
    assert parallel.group(nodeid) == name


def test_each_file_of_which_the_tests_run_singly_exists():
    assert [file for file in parallel.SINGLY if not (ROOT / file).is_file()] == []
