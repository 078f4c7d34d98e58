"""What a killed process leaves behind is cleaned up."""
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAUNCHER = Path(__file__).resolve().parents[3] / "private"
SECONDS = 30

PROCESS = """
import subprocess, sys, time
from pathlib import Path
from launcher.guard import guard
sleeper = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
sleeper.stdout.readline()
guard().end_process(sleeper.pid)
guard().delete_folder(Path(sys.argv[2]))
"""
SLEEPER = "import time; print('ready', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);" + SLEEPER


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "guarded"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").touch()
    return folder


@contextlib.contextmanager
def guarding(source, sleeper, folder):
    """A process that has put a sleeping one and a folder under guard; gives it, and the number of the sleeping one."""
    command = [sys.executable, "-c", PROCESS + source + "\nprint(sleeper.pid, flush=True); time.sleep(600)", sleeper, str(folder)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(LAUNCHER)}, stdout=subprocess.PIPE, text=True) as process:
        sleeping = int(process.stdout.readline())
        try:
            yield process, sleeping
        finally:
            process.kill()
            with contextlib.suppress(ProcessLookupError):
                os.kill(sleeping, signal.SIGKILL)


def is_running(pid):
    """A zombie, which nobody has waited for yet, is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("sleeper", [SLEEPER, STUBBORN], ids=["obedient", "stubborn"])
def test_processes_and_folders_of_a_killed_process_are_gone_after_it(folder, sleeper):
    with guarding("", sleeper, folder) as (process, sleeping):
        process.kill()

        wait_until(lambda: not is_running(sleeping) and not folder.exists())


def test_nothing_is_touched_while_the_process_lives(folder):
    with guarding("guard().delete_folder(Path('/nonexistent'))", SLEEPER, folder) as (process, sleeping):
        assert process.poll() is None
        assert is_running(sleeping)
        assert folder.exists()


def test_a_process_that_was_forgotten_is_left_alone(folder):
    with guarding("guard().forget_process(sleeper.pid)", SLEEPER, folder) as (process, sleeping):
        process.kill()

        wait_until(lambda: not folder.exists())
        assert is_running(sleeping)


def test_a_process_that_ends_in_good_order_says_nothing_of_its_guard():
    source = "from launcher.guard import guard; from pathlib import Path; guard().delete_folder(Path('/nonexistent'))"
    command, environment = [sys.executable, "-W", "always", "-c", source], {**os.environ, "PYTHONPATH": str(LAUNCHER)}

    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
