"""Child processes: started together, their output prefixed, restarted when they die, ended together."""
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ("Child", "Supervisor", "child_variables", "end_with_parent", "interrupt_on_signals", "launcher_command")

#: Seconds from the first sign to the last: what has not ended by itself in the first of them is killed
STOP_SECONDS = 4.0
#: Seconds to wait before the first, second, ... restart of a child; the last one repeats
BACK_OFF = (1, 2, 4, 8, 16, 30)
#: A child which lived this many seconds begins its back-off anew
HEALTHY_SECONDS = 60
TAIL_LINES = 40

_SUPERVISED = "S3_SUPERVISED"


def child_variables(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the environment variables of a child process which runs a module of the launcher."""
    launcher_path = str(Path(__file__).resolve().parents[1])
    paths = [launcher_path, *filter(None, [os.environ.get("PYTHONPATH")])]
    no_proxy = ",".join(filter(None, ["127.0.0.1,localhost", os.environ.get("NO_PROXY")]))
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        # the processes talk to one another over loopback, which no proxy reaches
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        _SUPERVISED: "1",
        **(extra or {}),
    }


def interrupt_on_signals() -> None:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, also in a process that was started with SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def end_with_parent() -> None:
    """End this process, if a supervisor started it, when the supervisor is gone: even a killed one closes its pipe."""
    if os.environ.pop(_SUPERVISED, None):
        threading.Thread(target=_wait_for_end_of_input, daemon=True).start()


def _wait_for_end_of_input() -> None:
    # not through sys.stdin: its lock, held here for ever, would hang the processes that a worker forks
    with contextlib.suppress(OSError):
        while os.read(0, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


@dataclass
class Child:
    """A process to keep running, and what is known about its present run."""

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] | None = None
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    #: Monotonic time of the next start, while it is dead
    restart_at: float | None = None
    #: Deaths since it was last healthy
    deaths: int = 0
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    reader: threading.Thread | None = None

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Keep children running until told to stop.

    Every child leads a process group of its own, so that a Ctrl-C at the terminal reaches us alone, and so that what a child has
    forked ends with it.
    """

    def __init__(
        self,
        *,
        write: Callable[[str], None] | None = None,
        back_off: Sequence[float] = BACK_OFF,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        """
        Args:
            write: takes one line of output at a time; default prints it
        """
        self.children: list[Child] = []
        self._back_off = back_off
        self._stop_seconds = stop_seconds
        self._write = write or _print_line
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def start(self, name: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> Child:
        child = Child(name, command, variables)
        self.children.append(child)
        self._launch(child)
        return child

    def run(self) -> None:
        """Watch the children, restarting those which die, until SIGINT or SIGTERM; then end them all."""
        handlers = {number: signal.signal(number, lambda *_: self._stopping.set()) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self._stopping.wait(0.1):
                self.check()
        finally:
            self.say("ending all processes ...")
            self.stop()
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Report children that have died since the last call, and restart those whose time has come."""
        now = time.monotonic()
        for child in self.children:
            if child.restart_at is not None:
                if now >= child.restart_at:
                    self._launch(child)
            elif not child.is_alive:
                self._bury(child, now)

    def stop(self) -> None:
        """End all children, and whatever they have started, within five seconds."""
        for child in self.children:
            _signal_group(child, signal.SIGTERM)
        end = time.monotonic() + self._stop_seconds
        running = [(child, child.process) for child in self.children if child.process is not None]
        for _, process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, end - time.monotonic()))
        for child, _ in running:
            # also when it has ended by itself: its own children may not have
            _signal_group(child, signal.SIGKILL)
            self._close(child)
        self.children.clear()

    def say(self, line: str) -> None:
        """Write a line of our own among those of the children."""
        self._write_line("launcher", line)

    def _launch(self, child: Child) -> None:
        child.restart_at = None
        child.started_at = time.monotonic()
        child.process = subprocess.Popen(
            child.command, env=child_variables(child.variables), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        )
        child.reader = threading.Thread(target=self._copy_output, args=(child, child.process), daemon=True)
        child.reader.start()

    def _copy_output(self, child: Child, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # closed under us, while ending
            for line in process.stdout:
                child.tail.append(line.rstrip("\n"))
                self._write_line(child.name, line.rstrip("\n"))

    def _bury(self, child: Child, now: float) -> None:
        _signal_group(child, signal.SIGKILL)
        code = self._close(child)
        if now - child.started_at >= HEALTHY_SECONDS:
            child.deaths = 0
        delay = self._back_off[min(child.deaths, len(self._back_off) - 1)]
        child.deaths += 1
        child.restart_at = now + delay
        self.say(f"{child.name} has ended ({_describe_end(code)}), restarting it in {delay:g} s")

    def _close(self, child: Child) -> int:
        """Forget the ended process of a child, since another program may get its number; gives its exit code."""
        process, child.process = child.process, None
        assert process is not None
        code = process.wait()
        if child.reader is not None:
            child.reader.join(1)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        return code

    def _write_line(self, name: str, line: str) -> None:
        with self._lock:
            self._write(f"{name:<8} | {line}")


def _print_line(line: str) -> None:
    # a closed terminal is no reason to leave the children alone
    with contextlib.suppress(BrokenPipeError, ValueError):
        print(line, flush=True)


def _signal_group(child: Child, number: signal.Signals) -> None:
    if child.process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, number)


def _describe_end(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def launcher_command(module: str, *arguments: str) -> list[str]:
    """Give the command which runs a module of the launcher in this Python."""
    return [sys.executable, "-m", f"launcher.{module}", *arguments]
