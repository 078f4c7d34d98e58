"""What a process has started and made is ended and deleted when it is gone, however it ended: a killed one cleans up nothing itself.

The guard is a process of its own, which waits for the end of the one it was started by. Run as a script, without anything of ours.
"""
from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

__all__ = ("Guard", "guard")

#: Seconds that a process may take to end by itself
STOP_SECONDS = 5


class Guard:
    """Cleans up after this process. What has been cleaned up already is none of its business any more."""

    def __init__(self) -> None:
        # not in our session: the Ctrl-C which ends us must not end it
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            text=True, cwd="/", start_new_session=True,
        )  # fmt: skip
        # after everybody else's, who has registered later and cleans up first
        atexit.register(self._dismiss)

    def end_process(self, pid: int) -> None:
        """Let the process be ended by SIGINT, and by SIGKILL if that does not help, when we are gone."""
        self._tell("process", pid)

    def forget_process(self, pid: int) -> None:
        """It has ended: another one may get its number."""
        self._tell("forget", pid)

    def delete_folder(self, folder: Path) -> None:
        """Let the folder be deleted when we are gone; it may be gone already."""
        self._tell("folder", folder)

    def _tell(self, what: str, value: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{what} {value}\n")
            self._process.stdin.flush()

    def _dismiss(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self._process.stdin.close()
            self._process.wait(STOP_SECONDS)


@functools.cache
def guard() -> Guard:
    """The guard of this process."""
    return Guard()


def wait_and_clean_up(lines: Iterable[str]) -> None:
    """Read what is to be cleaned up until nobody can tell more, and do it."""
    pids: set[int] = set()
    folders: list[str] = []
    for line in lines:
        what, _, value = line.rstrip("\n").partition(" ")
        if what == "folder":
            folders.append(value)
        elif what == "process":
            pids.add(int(value))
        else:
            pids.discard(int(value))
    _end(pids)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _end(pids: set[int]) -> None:
    end = time.monotonic() + STOP_SECONDS
    running = {pid for pid in pids if _signal(pid, signal.SIGINT)}
    while running and time.monotonic() < end:
        time.sleep(0.05)
        running = {pid for pid in running if _signal(pid, 0)}
    for pid in running:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    wait_and_clean_up(sys.stdin)
