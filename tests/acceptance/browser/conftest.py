"""The DRMP application on a real socket, and Debian's Chromium, driven by Playwright, in front of it.

Without Chromium these tests are skipped; pytest says so. Screenshots of all that they have seen are in ``.web2py/screenshots``,
or in the folder that ``S3_TEST_ARTEFACTS`` names.
"""
from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from drmp import Platform, open_drmp, own_database
from harness import App, Mailbox

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser, for the tests of one file: Playwright's event loop must not stay in the way of other tests."""
    api = pytest.importorskip("playwright.sync_api", reason="no browser tests: requirements-dev.txt is not installed")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no browser tests: there is no Chromium (apt-get install chromium)")
    # Chromium has no sandbox for root
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class Site(Platform):
    """The platform behind an address."""

    def __init__(self, app: App, url: str) -> None:
        super().__init__(app)
        self.host = url
        #: of the application
        self.url = f"{url}/{app.name}"

    @property
    def mails(self) -> list[Any]:
        assert self.app.smtp is not None
        return self.app.smtp.messages

    def work(self, url: str | None = None) -> None:
        super().work(url or self.host)

    def add_account(self, email: str, first_name: str, **names: Any) -> None:
        """An account that has just been made, with the password of the demo users."""
        from templates.DRMP.demo import DEMO_PASSWORD

        with self.app.env() as current:
            current.auth.override = True
            current.auth.create_user(email, password=DEMO_PASSWORD, first_name=first_name, **names)
            current.db.commit()


@pytest.fixture(scope="module", params=["sqlite"])
def site(request: pytest.FixtureRequest, applications: dict[str, App], web2py_folder: Path, smtp: Mailbox) -> Iterator[Site]:
    """The platform on a socket, with a clock that stands still; links in its mails lead there."""
    from s3.s3aaa import passwords
    from s3.s3datetime import set_clock

    name = f"site_{request.param}"
    if name not in applications:
        uri = "sqlite://storage.db" if request.param == "sqlite" else own_database(request.getfixturevalue("postgres").uri, "site")
        applications[name] = open_drmp(name, request.param, web2py_folder, uri, smtp)
    app = applications[name]
    set_clock(app.clock)
    # what a hash costs is tested by itself
    with pytest.MonkeyPatch.context() as patch, app.serving() as url, app.configured(f"settings.base.public_url = {url!r}"):
        patch.setattr(passwords, "ITERATIONS", 1000)
        yield Site(app, url)
    set_clock(None)


class Visitor:
    """A person in front of a browser window."""

    def __init__(self, context: Any, site: Site) -> None:
        self.site = site
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        #: what the page has asked for
        self.requests: list[Any] = []
        #: what the browser complained of, and addresses elsewhere that it was sent to
        self.complaints: list[str] = []
        self.page.on("request", self._note_request)
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: Any) -> None:
        self.requests.append(request)
        if not request.url.startswith((self.site.host, "data:")):
            self.complaints.append(request.url)

    def _listen(self, message: Any) -> None:
        # web2py hides its hidden fields once more, by a style that the security policy of our pages refuses
        if message.type in ("error", "warning") and "Applying inline style" not in message.text:
            self.complaints.append(message.text)

    def open(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def log_in(self, email: str) -> Visitor:
        from templates.DRMP.demo import DEMO_PASSWORD

        self.open("/default/user/login")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(DEMO_PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("button", name="Log out").wait_for()
        return self

    def photograph(self, name: str) -> None:
        """Leave a picture of the whole page."""
        folder = Path(os.environ.get("S3_TEST_ARTEFACTS") or ROOT / ".web2py" / "screenshots")
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{self.site.app.kind}-{name}.png", full_page=True)


@pytest.fixture(scope="module")
def open_window(chromium: Any, site: Site) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors: ``open_window(java_script_enabled=False)``. Their pages ask nobody else, and have no errors."""
    visitors = []

    def make(**options: Any) -> Visitor:
        context = chromium.new_context(**{"viewport": {"width": 1024, "height": 768}, **options})
        visitors.append((context, Visitor(context, site)))
        return visitors[-1][1]

    yield make
    for context, _ in visitors:
        context.close()
    assert [complaint for _, visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture
def visitor(site: Site, open_window: Callable[..., Visitor]) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; what they do is undone at the end of the test."""
    assert site.app.smtp is not None
    site.app.smtp.clear()
    with site.restored():
        yield open_window
