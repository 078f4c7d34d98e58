"""A checkout as if freshly cloned, and its commands as processes."""
from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.environment import choose_environment
from launcher.guard import guard

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("controllers", "cron", "languages", "models", "modules", "private", "static", "views", "manage.py")


class Checkout:
    """A copy of the project without data and settings, which uses the virtual environment of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in PARTS:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "000_config.py"))
            elif (ROOT / name).exists():
                shutil.copy2(ROOT / name, folder / name)
        for requirements in ROOT.glob("requirements*.txt"):
            shutil.copy2(requirements, folder)

    def use_environment_of_the_tests(self) -> None:
        environment = choose_environment(os.environ.get("WEB2PY_PATH")).folder
        link = self.folder / environment.relative_to(ROOT)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(sys.prefix)

    def manage(self, *arguments: str, seconds: float = 60, input: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py to its end."""
        return subprocess.run(
            [sys.executable, self.folder / "manage.py", *arguments], env={**os.environ, **variables}, cwd=self.folder, input=input,
            stdin=subprocess.DEVNULL if input is None else None, capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[Running]:
        """Start a command of manage.py, and end it at the end of the block if it has not ended by then."""
        with open(self.folder / "output", "w+") as output:
            command = [sys.executable, self.folder / "manage.py", *arguments]
            process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            guard().end_process(process.pid)
            try:
                yield Running(process, self.folder / "output")
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(10)
                process.kill()
                process.wait()
                guard().forget_process(process.pid)


class Running:
    """A command that goes on, and what it has printed."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str, seconds: float = 60) -> str:
        end = time.monotonic() + seconds
        while text not in self.output:
            assert self.process.poll() is None, f"it has ended:\n{self.output}"
            assert time.monotonic() < end, f"{text!r} did not appear within {seconds} s:\n{self.output}"
            time.sleep(0.1)
        return self.output


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One checkout for all tests that do not need one of their own: its data stay from test to test."""
    checkout = Checkout(tmp_path_factory.mktemp("checkout"))
    checkout.use_environment_of_the_tests()
    return checkout


@pytest.fixture
def new_checkout(tmp_path: Path) -> Checkout:
    """A checkout in which nothing has been made yet."""
    return Checkout(tmp_path)
