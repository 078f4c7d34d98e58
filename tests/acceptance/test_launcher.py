"""`manage.py run` and the commands beside it."""
import os
import re
import signal
import socket
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


def test_bench_prints_the_two_times_of_which_there_is_a_target(checkout):
    result = checkout.manage("bench", seconds=180)

    assert result.returncode == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if "target" in line]
    assert [line.partition(" (")[0] for line in lines] == ["bare request", "notify of 10 records over HTTP"]
    assert all(re.search(r"median +\d+\.\d\d ms", line) for line in lines)


# -- bad input ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.parametrize("option", ["--port", "--mail-port", "--mailbox-port"])
def test_a_taken_port_is_named(checkout, taken_port, option):
    others = {name: str(free_port()) for name in ("--port", "--mail-port", "--mailbox-port")} | {option: str(taken_port)}

    result = checkout.manage("run", *(part for pair in others.items() for part in pair))

    assert_one_sentence(result, f"Port {taken_port} is taken by another program: choose another with {option}.")


@pytest.mark.parametrize("uri", ["nonsense", "mysql://a:b@host/db", "sqlite://../outside.db", "postgres://host/db"])
def test_what_is_not_a_database_uri_is_refused(checkout, uri):
    result = checkout.manage("demo", "--db", uri)

    assert_one_sentence(result, f"{uri.replace(':b@', '@')} is not a database URI: expected sqlite://file.db or postgres://")


def test_a_database_that_does_not_answer_is_named_without_its_password(checkout):
    port = free_port()

    result = checkout.manage("doctor", "--db", f"postgres://me:secret@127.0.0.1:{port}/nowhere")

    assert_one_sentence(result, f"The database postgres://me@127.0.0.1:{port}/nowhere cannot be used:")
    assert "secret" not in result.stderr


def test_a_folder_that_is_no_web2py_is_named(checkout, tmp_path):
    result = checkout.manage("doctor", "--web2py", str(tmp_path))

    assert_one_sentence(result, f"{tmp_path} is not a web2py checkout: it has no gluon/main.py")


def test_an_old_web2py_is_refused(checkout, tmp_path):
    (tmp_path / "gluon").mkdir()
    (tmp_path / "gluon" / "main.py").touch()

    result = checkout.manage("doctor", WEB2PY_PATH=str(tmp_path))

    assert_one_sentence(result, f"The web2py in {tmp_path} is too old: 3.3 or later is needed")


def test_an_unknown_template_is_named(new_checkout):
    new_checkout.use_environment_of_the_tests()
    config = (new_checkout.folder / "private" / "000_config.py.example").read_text()
    (new_checkout.folder / "models" / "000_config.py").write_text(config.replace('"default"', '"Atlantis"'))

    result = new_checkout.manage("doctor")

    assert_one_sentence(result, "The application does not start: ")
    assert "Atlantis" in result.stderr


@pytest.mark.parametrize("command", ["check", "worker", "web", "run"])
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("settings.base.template = \n", "000_config.py is no valid Python: line 1: "),
        ("settings.base.template = nosuch\n", "000_config.py, line 1: name 'nosuch' is not defined"),
        ("settings.mesg.notify_batch = 3\n", "line 1: settings.mesg: there is no section 'mesg'; did you mean 'msg'?"),
    ],
    ids=["no Python", "error", "no section"],
)
def test_a_malformed_config_is_named_with_line_and_reason(new_checkout, command, source, reason):
    new_checkout.use_environment_of_the_tests()
    (new_checkout.folder / "models" / "000_config.py").write_text("settings = current.deployment_settings; " + source)
    ports = {name: str(free_port()) for name in ("--port", "--mail-port", "--mailbox-port")}
    options = {"run": list(ports), "web": ["--port"]}.get(command, [])

    result = new_checkout.manage(command, *(part for name in options for part in (name, ports[name])))

    assert_one_sentence(result, "")
    assert "000_config.py" in result.stderr and reason in result.stderr


def test_an_option_before_the_command_is_not_ignored(checkout):
    assert_one_sentence(checkout.manage("--db", "nonsense", "check"), "nonsense is not a database URI:")
    assert_one_sentence(checkout.manage("--web2py", "/nonexistent", "check"), "/nonexistent is not a web2py checkout:")


def test_without_a_network_the_first_use_says_so(new_checkout):
    port = free_port()
    offline = {
        "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "WEB2PY_PATH": "",
    }  # fmt: skip

    result = new_checkout.manage("doctor", **offline)

    assert_one_sentence(result, "pip cannot fetch what is needed, is there a network connection?")
    assert "Making .venv" in result.stdout


def assert_one_sentence(result, beginning):
    """It ends with 1 and says why in one line."""
    assert result.returncode == 1
    assert result.stderr.startswith(f"manage.py: {beginning}"), result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
