import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from launcher.processes import Supervisor, child_variables

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
SLEEPER = "import time; print('ready', flush=True); time.sleep(60)"
#: Forks a child which ignores SIGTERM, prints its number, and ends at SIGTERM itself
PARENT = (
    "import os, signal, time\n"
    "child = os.fork()\n"
    "if child == 0: signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)\n"
    "time.sleep(0.2); print(child, flush=True); time.sleep(60)"
)


class Lines(list):
    """The output of a supervisor, as it comes."""

    def wait_for(self, text, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = next((line for line in self if text in line), None)
            if found is not None:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{text!r} did not appear in {list(self)}")


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def supervisor(lines):
    supervisor = Supervisor(write=lines.append, back_off=(0.1, 0.2, 0.4), stop_seconds=1.0)
    yield supervisor
    supervisor.stop()


def python(source):
    return [sys.executable, "-c", source]


@contextlib.contextmanager
def started_process(source):
    process = subprocess.Popen(python(source), env=child_variables(), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_pid_and_ready(output):
    """The number of the child, which the launcher prints, and the child's own line, of which either may come first."""
    lines = sorted(output.readline() for _ in range(2))
    assert "ready" in lines[1]
    return int(lines[0].split()[1])


def check_until(supervisor, lines, text):
    end = time.monotonic() + 10
    while time.monotonic() < end and not any(text in line for line in lines):
        supervisor.check()
        time.sleep(0.02)
    lines.wait_for(text, 0.1)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a zombie, which only waits for being noticed, is over
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_each_line_has_the_name_of_its_process(supervisor, lines):
    supervisor.start("web", python("print('hello'); import sys; print('oops', file=sys.stderr)"))

    assert lines.wait_for("hello") == "web      | hello"
    assert lines.wait_for("oops") == "web      | oops"


def test_a_process_that_dies_is_reported_and_restarted(supervisor, lines, tmp_path):
    supervisor.start("worker", python(f"open({str(tmp_path / 'starts')!r}, 'a').write('x'); raise SystemExit(3)"))

    check_until(supervisor, lines, "worker has ended (exit code 3), restarting it in 0.1 s")
    check_until(supervisor, lines, "restarting it in 0.2 s")

    assert (tmp_path / "starts").read_text() == "xx"


def test_the_delay_grows_up_to_the_last_one(supervisor, lines):
    supervisor.start("worker", python("raise SystemExit(1)"))

    check_until(supervisor, lines, "restarting it in 0.4 s")
    lines.clear()
    check_until(supervisor, lines, "restarting it in 0.4 s")

    assert not [line for line in lines if "in 0.1 s" in line]


def test_the_delay_begins_anew_after_a_healthy_life(supervisor, lines, monkeypatch):
    monkeypatch.setattr("launcher.processes.HEALTHY_SECONDS", 0)
    supervisor.start("worker", python("raise SystemExit(1)"))

    check_until(supervisor, lines, "restarting it in 0.1 s")
    lines.clear()
    check_until(supervisor, lines, "restarting it in 0.1 s")


def test_a_killed_process_is_reported_by_its_signal(supervisor, lines):
    child = supervisor.start("web", python(SLEEPER))
    lines.wait_for("ready")

    os.kill(child.process.pid, signal.SIGKILL)

    check_until(supervisor, lines, "web has ended (signal SIGKILL)")


def test_a_process_that_ignores_sigterm_is_ended_all_the_same(supervisor, lines):
    child = supervisor.start("stubborn", python(STUBBORN))
    lines.wait_for("ready")
    pid = child.process.pid

    started = time.monotonic()
    supervisor.stop()

    assert time.monotonic() - started < 1.0 + 1.0
    assert not is_running(pid)


def test_what_a_process_has_forked_ends_with_it(supervisor, lines):
    supervisor.start("worker", python(PARENT))
    forked = int(lines.wait_for("| ").rpartition("| ")[2])
    assert is_running(forked)

    supervisor.stop()

    end = time.monotonic() + 2
    while is_running(forked) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(forked)


def test_a_process_waiting_for_its_restart_is_not_started_by_stopping(supervisor, lines):
    supervisor.start("worker", python("raise SystemExit(1)"))
    check_until(supervisor, lines, "has ended")

    supervisor.stop()
    time.sleep(0.3)
    supervisor.check()

    assert supervisor.children == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_supervisor_and_its_stubborn_children_within_five_seconds(number):
    script = (
        "import sys; from launcher.processes import Supervisor, interrupt_on_signals\n"
        "interrupt_on_signals(); supervisor = Supervisor()\n"
        "try:\n"
        f"    child = supervisor.start('stubborn', [sys.executable, '-c', {STUBBORN!r}])\n"
        "    print('pid', child.process.pid, flush=True); supervisor.run()\n"
        "except KeyboardInterrupt: supervisor.stop()"
    )
    with started_process(script) as launcher:
        pid = read_pid_and_ready(launcher.stdout)

        started = time.monotonic()
        launcher.send_signal(number)
        launcher.wait(10)

    assert time.monotonic() - started < 5
    assert launcher.returncode == 0
    assert not is_running(pid)


def test_a_process_ends_when_its_supervisor_was_killed():
    child = "from launcher.processes import end_with_parent; import time; end_with_parent(); print('ready', flush=True); time.sleep(60)"
    script = (
        "import sys, time; from launcher.processes import Supervisor\n"
        "supervisor = Supervisor()\n"
        f"child = supervisor.start('web', [sys.executable, '-c', {child!r}])\n"
        "print('pid', child.process.pid, flush=True); time.sleep(60)"
    )
    with started_process(script) as launcher:
        pid = read_pid_and_ready(launcher.stdout)

        launcher.kill()
        launcher.wait()

    end = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(pid)


def test_processes_reach_one_another_past_any_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "intranet")

    assert child_variables()["no_proxy"] == "127.0.0.1,localhost,intranet"
