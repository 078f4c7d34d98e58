"""What the commands of manage.py answer to what they cannot work with: one sentence."""
import os
import socket

import pytest

from launcher.network import free_port

pytestmark = pytest.mark.acceptance


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


def test_a_setting_that_nothing_reads_is_told_with_its_line(new_checkout):
    new_checkout.use_environment_of_the_tests()
    config = (new_checkout.folder / "private" / "000_config.py.example").read_text().replace("change-me", "0123456789abcdef")
    (new_checkout.folder / "models" / "000_config.py").write_text(config + "settings.msg.notify_bach = 3\n")
    sentence = (
        f"models/000_config.py, line {len(config.splitlines()) + 1}: "
        "settings.msg.notify_bach: there is no such setting; did you mean settings.msg.notify_batch?"
    )

    doctor, check = (new_checkout.manage(command) for command in ("doctor", "check"))

    assert f"! {sentence}" in doctor.stdout.splitlines()
    # the work goes on
    assert check.returncode == 0 and "Result: No notifications" in check.stdout
    assert sentence in check.stderr
    ports = (part for name in ("--port", "--mail-port", "--mailbox-port") for part in (name, str(free_port())))
    with new_checkout.started("run", *ports) as running:
        assert f"launcher | ! {sentence}" in running.wait_for("Ctrl-C ends it.")


def test_an_option_before_the_command_is_not_ignored(checkout):
    assert_one_sentence(checkout.manage("--db", "nonsense", "check"), "nonsense is not a database URI:")
    assert_one_sentence(checkout.manage("--web2py", "/nonexistent", "check"), "/nonexistent is not a web2py checkout:")


def test_without_a_network_the_first_use_says_so(new_checkout):
    port = free_port()
    offline = {
        "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"http://127.0.0.1:{port}/simple", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1", "WEB2PY_PATH": "",
    }  # fmt: skip

    # it makes a virtual environment first
    result = new_checkout.manage("doctor", seconds=180, **offline)

    assert_one_sentence(result, "pip cannot fetch what is needed, is there a network connection?")
    assert "Making .venv" in result.stdout


def assert_one_sentence(result, beginning):
    """It ends with 1 and says why in one line."""
    assert result.returncode == 1
    assert result.stderr.startswith(f"manage.py: {beginning}"), result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
