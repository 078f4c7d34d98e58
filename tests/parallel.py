"""The tests side by side, with pytest-xdist: how many processes, and which tests stay together.

Each process has everything to itself: a web2py folder, its applications, and a PostgreSQL server, since the positions in the change log
depend on the oldest transaction that is open anywhere in a server.
"""
from __future__ import annotations

import os
from typing import Any

import pytest

__all__ = ("count_workers", "make_scheduler")

#: Processes beyond the number of CPUs, and how many of all of them have a slow file at a time: slow tests wait for processes of their own
#: most of the time, and disturb one another least when they are few
WAITING = 2

SLOW = "tests/acceptance/"

#: Files whose tests take seconds each and are independent of one another
SINGLY = tuple(
    SLOW + name
    for name in ("test_bad_input.py", "test_demo.py", "test_faults.py", "test_plain_web2py.py", "test_templates_page.py")
)


def count_workers(config: pytest.Config) -> int | None:
    """What `-n auto` means; 0: all tests in this process, None: pytest-xdist decides.

    Side by side are whole folders. Somebody who wants to see the first failure, the output as it comes, or a few tests only is not helped
    by processes which all have to collect the tests first.
    """
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    option = config.option
    if option.maxfail or option.keyword or option.capture == "no" or option.trace or option.collectonly or option.lf or option.stepwise:
        return 0
    if not any(os.path.isdir(config.invocation_params.dir / argument) for argument in config.args):
        return 0
    return len(os.sched_getaffinity(0)) + WAITING


def make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the scheduler of the run; None: pytest-xdist's own, if another way of distribution was asked for."""
    if config.option.dist != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class Scheduler(LoadScopeScheduling):
        """Gives a process a file at a time, in the order of the collection, and few processes slow ones."""

        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            busy = sum(self._has_slow(other) for other in self.nodes if other is not node)
            wanted = next((name for name in self.workqueue if name.startswith(SLOW) == (busy < WAITING)), None)
            if wanted is not None:
                self.workqueue.move_to_end(wanted, last=False)
            super()._assign_work_unit(node)

        def _has_slow(self, node: Any) -> bool:
            return any(name.startswith(SLOW) and not all(tests.values()) for name, tests in self.assigned_work[node].items())

    config.option.loadscopereorder = False
    return Scheduler(config, log)


def group(nodeid: str) -> str:
    """Name of what stays together: a file, since its tests share fixtures, or a test."""
    file = nodeid.partition("::")[0]
    return nodeid if file in SINGLY else file
