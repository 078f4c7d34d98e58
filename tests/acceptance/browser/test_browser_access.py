"""The pages of the DRMP template for everybody: by the rules of WCAG 2.2 AA, on a phone, on a bad line."""
from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.acceptance

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: rules that have something to look at on each page
APPLIED = {"color-contrast", "document-title", "html-has-lang", "landmark-one-main", "link-name", "region", "target-size"}

#: {page: (who sees it, path)}
PAGES = {
    "login": (None, "/default/user/login"),
    "settings": ("reader@example.com", "/default/index/subscriptions"),
    "newsfeed": ("reader@example.com", "/default/index/newsfeed"),
    "filtered": ("reader@example.com", "/default/index/newsfeed?~.location_id$L1__belongs=North+Province"),
    "post": ("reader@example.com", "/default/index/newsfeed/1"),
    "create": ("editor@example.com", "/default/index/newsfeed/create"),
}
DESK, PHONE = {"width": 1024, "height": 768}, {"width": 360, "height": 740}
#: without pictures
MAX_BYTES = 60_000


@pytest.fixture(scope="module")
def windows(open_window):
    """{who: a window in which he is logged in}"""
    windows = {email: open_window() for email, _ in PAGES.values()}
    for email, window in windows.items():
        if email:
            window.log_in(email)
    return windows


@pytest.fixture(params=PAGES)
def name(request):
    return request.param


@pytest.fixture
def window(windows, name):
    """The page, opened anew."""
    email, path = PAGES[name]
    window = windows[email]
    window.page.set_viewport_size(DESK)
    window.requests.clear()
    window.open(path)
    # not sent away, as to the login
    assert [request.url for request in window.requests if request.is_navigation_request()] == [window.page.url]
    return window


def test_page_keeps_the_rules_of_accessibility(window, name):
    window.photograph(f"{name}-light")

    assert look_for_faults(window.page, {"type": "tag", "values": STANDARDS}, APPLIED) == []


def test_page_can_be_read_in_the_dark(window, name):
    window.page.emulate_media(color_scheme="dark")

    window.photograph(f"{name}-dark")
    assert look_for_faults(window.page, {"type": "rule", "values": ["color-contrast"]}, {"color-contrast"}) == []
    window.page.emulate_media(color_scheme="light")


def look_for_faults(page, rules, applied):
    """What axe-core finds wrong, as (rule, element); some of the rules must have had something to look at."""
    folder = pytest.importorskip("axe_playwright_python").__path__[0]
    page.evaluate(Path(folder, "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("rules => axe.run({runOnly: rules})", rules)
    assert applied - {rule["id"] for rule in found["passes"]} == set()
    return [(rule["id"], node["html"]) for rule in found["violations"] for node in rule["nodes"]]


def test_page_fits_on_a_phone(window, name):
    window.page.set_viewport_size(PHONE)

    window.photograph(f"{name}-phone")
    assert window.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_page_is_small(window):
    # as for whoever comes for the first time
    window.page.context.new_cdp_session(window.page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    window.requests.clear()

    window.page.reload(wait_until="networkidle")

    sizes = {request.url: len(request.response().body()) for request in window.requests if not request.url.startswith("data:")}
    assert len(sizes) >= 2, "page and style sheet"
    assert sum(sizes.values()) < MAX_BYTES, sizes
