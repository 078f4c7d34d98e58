"""The application in a web2py of somebody's own, with web2py's server and worker, as the README says. Nothing of manage.py runs."""
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

from launcher.browser import Browser
from launcher.config import write_config
from launcher.environment import choose_environment, prepare
from launcher.guard import guard
from launcher.instance import create_instance
from launcher.network import free_port, is_listening

pytestmark = pytest.mark.acceptance

#: Most of them are for a loaded machine
SECONDS = 120

#: What a checkout of web2py has as web2py.py: pip's web2py comes without
WEB2PY_PY = """
import os
import sys

path = os.path.dirname(os.path.abspath(__file__))
os.chdir(path)
sys.path.insert(0, path)

import gluon.widget

gluon.widget.start()
"""

REPORT = "The Alder rises by ten centimetres an hour."


class Web2py:
    """A web2py folder, with the application in it."""

    def __init__(self, folder: Path, python: Path, application: Path) -> None:
        self.folder = folder
        self.python = python
        (folder / "applications" / "eden").symlink_to(application)

    @contextlib.contextmanager
    def started(self, *arguments: str) -> Iterator[Path]:
        """Run web2py.py; gives the file with what it prints."""
        output = self.folder / f"output{arguments[0]}"
        environment = {name: value for name, value in os.environ.items() if name not in ("web2py_path", "PYTHONPATH")}
        command = [str(self.python), "web2py.py", *arguments]
        with output.open("w") as stream:
            process = subprocess.Popen(
                command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )
        guard().end_process(process.pid)
        try:
            yield output
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            # with the tasks of a worker
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            guard().forget_process(process.pid)


def checkout_of_web2py(source: str, folder: Path) -> None:
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns(".git", "__pycache__"), symlinks=True)


def web2py_of_pip(folder: Path) -> None:
    create_instance(folder, app="another")
    (folder / "web2py.py").write_text(WEB2PY_PY)
    # which it would make at the first start, from an application that pip's does not bring along
    (folder / "welcome.w2p").touch()


@pytest.fixture(params=[
    "own",
    pytest.param("checkout", marks=pytest.mark.skipif(
        "S3_TEST_WEB2PY" not in os.environ, reason="S3_TEST_WEB2PY names no web2py 3.3 checkout to try")),
])  # fmt: skip
def web2py(request, new_checkout, tmp_path_factory) -> Web2py:
    """The web2py that the tests run with, or the checkout in S3_TEST_WEB2PY."""
    folder = tmp_path_factory.mktemp("plain") / "web2py"
    python = Path(sys.executable)
    source = os.environ.get("WEB2PY_PATH")
    if request.param == "checkout":
        source = os.environ["S3_TEST_WEB2PY"]
        environment = choose_environment(source)
        prepare(environment)
        python = environment.python
    if source:
        checkout_of_web2py(source, folder)
    else:
        web2py_of_pip(folder)
    return Web2py(folder, python, new_checkout.folder)


def wait_until(what, condition, outputs):
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen:\n" + "\n".join(output.read_text() for output in outputs)
        time.sleep(0.1)


def ids(browser, prefix, name):
    """{name of a record: its id}"""
    rows = browser.get_json(f"/{prefix}/{name}.json")
    return {row[f"{prefix}_{name}.name"]: row[f"{prefix}_{name}.id"] for row in rows}


def test_a_notification_goes_through_web2py_s_own_server_and_worker(web2py, new_checkout, smtp):
    port = free_port()
    write_config(new_checkout.folder / "models" / "000_config.py", {
        "base.template": "DRMP", "base.public_url": f"http://127.0.0.1:{port}", "mail.server": f"127.0.0.1:{smtp.port}",
        "mail.sender": "alerts@example.com", "scheduler.heartbeat": 1, "msg.notify_check_interval": 5, "msg.outbox_interval": 5,
    })  # fmt: skip
    smtp.clear()

    with web2py.started("--no_gui", "-a", "secret", "-i", "127.0.0.1", "-p", str(port)) as server_output:
        wait_until("The start of the server", lambda: is_listening(port), [server_output])
        # which creates the tables
        Browser(f"http://127.0.0.1:{port}/eden").get("/default/index")
        with web2py.started("-K", "eden") as worker_output:
            editor = Browser(f"http://127.0.0.1:{port}/eden")
            editor.log_in("editor@example.com", demo_password())
            series, locations = ids(editor, "cms", "series"), ids(editor, "gis", "location")
            post = {"series_id": series["Flood Warning"], "location_id": locations["Alder Town"], "body": REPORT}
            assert editor.post_json("/cms/post.json", post)["created"]

            wait_until("The mail", lambda: smtp.messages, [server_output, worker_output])
            printed = server_output.read_text() + worker_output.read_text()

    [mail] = smtp.messages
    assert mail["To"] == "reader@example.com"
    assert REPORT in " ".join(mail.get_body(("plain", "html")).get_content().split())
    assert "Traceback" not in printed
    assert list((new_checkout.folder / "errors").glob("*")) == []


def demo_password():
    from templates.DRMP.demo import DEMO_PASSWORD

    return DEMO_PASSWORD
