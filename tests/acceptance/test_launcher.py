"""`manage.py run` and the commands beside it."""
import os
import re
import signal
import subprocess
import time

import pytest

from launcher.browser import Browser
from launcher.network import free_port, is_listening

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def ports():
    return [free_port() for _ in range(3)]


@pytest.fixture(scope="module")
def running(checkout, ports):
    """The application of the checkout, on free ports."""
    web, mail, mailbox = map(str, ports)
    with checkout.started("run", "--port", web, "--mail-port", mail, "--mailbox-port", mailbox) as running:
        running.wait_for("Ctrl-C ends it.")
        yield running


def child_process(running, module):
    """Number of the process of the launcher that runs a module."""
    children = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(running.process.pid)], capture_output=True, text=True, check=True)
    return next(int(line.split()[0]) for line in children.stdout.splitlines() if f"launcher.{module}" in line)


def test_doctor_says_that_no_worker_is_alive_and_what_to_do(checkout):
    result = checkout.manage("doctor")

    assert result.returncode == 1
    assert "! No worker is alive: start one (manage.py worker, or web2py -K)." in result.stdout


def test_check_without_a_worker_is_done_at_once(checkout):
    result = checkout.manage("check")

    assert result.returncode == 0, result.stderr
    assert "No worker is alive: the check is done here." in result.stdout
    assert "Result: No notifications to schedule." in result.stdout


def test_run_says_where_everything_is(running, ports):
    web, _, mailbox = ports

    assert f"The application: http://127.0.0.1:{web}/eden" in running.output
    assert "log in as editor@example.com with the password" in running.output
    assert f"The mailbox:     http://127.0.0.1:{mailbox}/" in running.output


def test_each_line_of_run_names_its_process(running):
    running.wait_for("working for")
    names = {line.partition("|")[0].strip() for line in running.output.splitlines()}

    assert names <= {"launcher", "web", "worker", "mail"}
    assert {"web", "worker", "mail"} <= names


def test_one_can_log_in_with_a_demo_login(running, ports):
    email, password = re.search(r"log in as (editor\S+) with the password (\S+)", running.output).groups()
    browser = Browser(f"http://127.0.0.1:{ports[0]}/eden")

    browser.log_in(email, password)

    assert browser.get_json("/cms/post.json")


def test_the_mailbox_can_be_read(running, ports):
    assert "Mailbox" in Browser(f"http://127.0.0.1:{ports[2]}").get("/")


def test_a_process_that_was_killed_is_restarted(running, ports):
    os.kill(child_process(running, "mailcatcher"), signal.SIGKILL)

    running.wait_for("mail has ended (signal SIGKILL), restarting it in 1 s", 10)
    end = time.monotonic() + 20
    while not is_listening(ports[2]):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_check_is_done_by_the_worker_when_one_is_alive(checkout, running):
    running.wait_for("worker   | working for eden")
    end = time.monotonic() + 30
    while "A worker is alive: it does the check." not in (result := checkout.manage("check")).stdout:
        assert time.monotonic() < end

    assert result.returncode == 0, result.stderr
    assert "No notifications to schedule." in result.stdout


def test_doctor_finds_nothing_that_needs_a_person(checkout, running):
    result = checkout.manage("doctor")

    assert result.returncode == 0, result.stdout
    assert "Worker:                  alive, last heartbeat" in result.stdout
    assert "Nothing needs you." in result.stdout


def test_the_shell_knows_the_models(checkout):
    result = checkout.manage("shell", input="print('accounts:', db(db.auth_user).count())\n")

    assert result.returncode == 0, result.stderr
    assert "accounts: 3" in result.stdout


def test_a_second_run_says_which_port_is_taken(checkout, running, ports):
    result = checkout.manage("run", "--port", str(ports[0]))

    assert result.returncode == 1
    assert result.stderr == f"manage.py: Port {ports[0]} is taken by another program: choose another with --port.\n"


def test_ctrl_c_ends_all_processes_within_five_seconds(running, ports):
    children = [child_process(running, module) for module in ("webserver", "worker", "mailcatcher")]

    started = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    running.process.wait(10)

    assert time.monotonic() - started < 5
    assert running.process.returncode == 0
    assert not [pid for pid in children if is_running(pid)]
    assert not [port for port in ports if is_listening(port)]
    assert "Traceback" not in running.output


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_database_of_the_option_is_another_one(checkout):
    result = checkout.manage("shell", "--db", "sqlite://other.db", input="print('uri:', db._uri)\n")

    assert result.returncode == 0, result.stderr
    assert "uri: sqlite://other.db" in result.stdout
    assert (checkout.folder / "databases" / "other.db").exists()


def test_bench_prints_the_figures_of_which_there_is_a_target(checkout):
    result = checkout.manage("bench", seconds=180)

    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "target" in line]
    assert [re.split(r" \(|  ", line.strip())[0] for line in lines] == [
        "bare request", "of it permission checking, logged in", "notify of 10 records over HTTP",
        "select of 1,000 records of 8 fields", "SQL statements", "select of 10,000 records", "URL filter of 10 terms, to SQL",
    ]  # fmt: skip
    statements = int(re.search(r"SQL statements +(\d+)", result.stdout).group(1))
    assert 4 <= statements <= 6
    assert all(re.search(r"median +\d+\.\d\d ms", line) for line in lines if "statements" not in line)
