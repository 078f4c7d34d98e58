"""An application with the DRMP template and its demo data, on each database."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from drmp import Platform, open_drmp, own_database
from harness import App, Mailbox


@pytest.fixture(scope="session", params=("sqlite", "postgresql"))
def drmp_application(request: pytest.FixtureRequest, applications: dict[str, App], web2py_folder: Path, smtp: Mailbox) -> App:
    kind = request.param
    name = f"drmp_{kind}"
    if name not in applications:
        uri = "sqlite://storage.db" if kind == "sqlite" else own_database(request.getfixturevalue("postgres").uri, "drmp")
        applications[name] = open_drmp(name, kind, web2py_folder, uri, smtp)
    return applications[name]


@pytest.fixture
def drmp(drmp_application: App) -> Iterator[Platform]:
    """The platform as its first start leaves it, except for the posts that tests add; a clock that stands still."""
    from s3.s3datetime import set_clock

    set_clock(drmp_application.clock)
    assert drmp_application.smtp is not None
    drmp_application.smtp.clear()
    yield Platform(drmp_application)
    set_clock(None)


@pytest.fixture
def visited(drmp: Platform) -> Iterator[Platform]:
    """The platform, on which all that a test does is undone afterwards."""
    with drmp.restored():
        yield drmp
