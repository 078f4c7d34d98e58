"""Fixtures of all tests: one web2py folder per process, one application per database in it."""
from __future__ import annotations

import atexit
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT / "modules", ROOT / "private", ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import parallel  # noqa: E402
from harness import App, Mailbox  # noqa: E402

from launcher.guard import guard  # noqa: E402
from launcher.instance import create_instance  # noqa: E402
from launcher.postgres import PostgresServer, start_postgres  # noqa: E402

KINDS = ("sqlite", "postgresql")


# gluon keeps the web2py folder that it is imported with, and test modules import it as soon as they are collected
WEB2PY = create_instance(Path(tempfile.mkdtemp(prefix="web2py-")), app="empty")
guard().delete_folder(WEB2PY.folder)
_invoked_from = os.getcwd()
WEB2PY.enter()
atexit.register(WEB2PY.remove)
# pytest still has to find its test paths from here
os.chdir(_invoked_from)


def pytest_sessionstart(session: pytest.Session) -> None:
    """web2py looks for applications/ below the current folder. Not where the tests are only handed out, from which workers start."""
    if session.config.getoption("dist", "no") == "no" or hasattr(session.config, "workerinput"):
        os.chdir(WEB2PY.folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    return parallel.count_workers(config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return parallel.make_scheduler(config, log)


@pytest.fixture(autouse=True)
def forget_templates() -> Iterator[None]:
    """Deployment templates that a test has made go with it: the next test may make others of the same name."""
    yield
    for name in [name for name, module in sys.modules.items() if name.startswith("templates.") and not _stands_in_checkout(module)]:
        del sys.modules[name]


def _stands_in_checkout(module: Any) -> bool:
    places = [module.__file__] if getattr(module, "__file__", None) else list(getattr(module, "__path__", ()))
    return all(Path(place).is_relative_to(ROOT) for place in places)


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


@pytest.fixture(scope="session")
def applications() -> dict[str, App]:
    """The applications that have been set up, by name: once per session, in whatever order the tests come."""
    return {}


@pytest.fixture(scope="session", params=KINDS)
def application(request: pytest.FixtureRequest, applications: dict[str, App], web2py_folder: Path, smtp: Mailbox) -> App:
    """The application on one kind of database."""
    kind = request.param
    name = f"eden_{kind}"
    if name not in applications:
        uri = "sqlite://storage.db" if kind == "sqlite" else request.getfixturevalue("postgres").uri
        instance = create_instance(
            web2py_folder, app=name, database_uri=uri, template="default", mail_server=f"127.0.0.1:{smtp.port}",
            mail_sender="alerts@example.com", base_system_name_short="Relief", base_system_name="Relief Platform",
            base_tasks_sync_fallback=True, security_policy=5,
        )  # fmt: skip
        applications[name] = App(instance.app_folder, instance.app, kind)
        applications[name].smtp = smtp
    return applications[name]


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
