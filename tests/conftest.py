"""Fixtures of all tests: one web2py folder per session, one application per database in it."""
from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT / "modules", ROOT / "private", ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from harness import App, Mailbox  # noqa: E402

from launcher.instance import create_instance  # noqa: E402
from launcher.postgres import PostgresServer, start_postgres  # noqa: E402

KINDS = ("sqlite", "postgresql")


# gluon keeps the web2py folder that it is imported with, and test modules import it as soon as they are collected
WEB2PY = create_instance(Path(tempfile.mkdtemp(prefix="web2py-")), app="empty")
_invoked_from = os.getcwd()
WEB2PY.enter()
atexit.register(WEB2PY.remove)
# pytest still has to find its test paths from here
os.chdir(_invoked_from)


def pytest_sessionstart() -> None:
    """web2py looks for applications/ below the current folder."""
    os.chdir(WEB2PY.folder)


@pytest.fixture(scope="session")
def web2py_folder() -> Path:
    """The web2py folder of this process."""
    return WEB2PY.folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    server = start_postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def smtp() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.stop()


@pytest.fixture(scope="session", params=KINDS)
def application(request: pytest.FixtureRequest, web2py_folder: Path, smtp: Mailbox) -> App:
    """The application on one kind of database, set up once per session."""
    kind = request.param
    uri = "sqlite://storage.db" if kind == "sqlite" else request.getfixturevalue("postgres").uri
    instance = create_instance(
        web2py_folder, app=f"eden_{kind}", database_uri=uri, template="default", mail_server=f"127.0.0.1:{smtp.port}",
        mail_sender="alerts@example.com", base_system_name_short="Relief", base_system_name="Relief Platform",
        base_tasks_sync_fallback=True, security_policy=5,
    )  # fmt: skip
    app = App(instance.app_folder, instance.app, kind)
    app.smtp = smtp
    return app


@pytest.fixture
def app(application: App) -> Iterator[App]:
    """The application with a clean database, the cast, an empty mailbox and a clock that stands still."""
    from s3.s3datetime import set_clock

    application.clock.__init__()  # type: ignore[misc]
    set_clock(application.clock)
    application.clean()
    assert application.smtp is not None
    application.smtp.clear()
    yield application
    set_clock(None)
