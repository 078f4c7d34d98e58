"""docs/templates.md names what message templates know, and its example works."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "templates.md").read_text(encoding="utf-8")
SECTION = PAGE[PAGE.index("\n## Messages\n") : PAGE.index("\n## Modules\n")]

NAMES = """
def _renderer(resource, data, meta_data, format):
    from s3 import S3Notifications
    contents = S3Notifications._render(resource, data, meta_data, format)
    return {"names": " ".join(contents)}
settings.msg.notify_renderer = _renderer
"""


@pytest.fixture
def changed(app, world):
    """A new post and a changed one, of which anna is not told yet."""
    old = world.create(name="Old")
    subscribed = world.subscribe("anna", email_format="html")
    app.clock.advance(minutes=1)
    world.create(name="News")
    world.update(old, body="Changed")
    return subscribed


def test_page_names_exactly_what_templates_are_given_by_default(app, world, changed, views):
    named = {name for cell in re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)}
    views("notify_email.html", "{{=names}}")
    with app.configured(NAMES):
        world.tick()

    assert set(world.text().split()) == named


def test_example_of_the_page_is_a_mail_within_the_frame(world, changed, views):
    [example] = re.findall(r"^```html\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    views("notify_news_email_html.html", example)
    views("notify_news_email.html", "Text")
    with world.configured(notify_template='"notify_news"'):
        world.tick()

    text, html = world.bodies()
    assert text.strip() == "Text"
    assert world.last_error(changed) is None
    assert re.search(r"<h1[^>]*>News from Relief Platform</h1>", html) and "Stop these notifications" in html
    assert [re.sub("<[^>]*>", "", title) for title in re.findall("<h2.*?</h2>", html)] == ["What is new", "What has changed"]
    assert "News</a>" in html and "Old</a>" in html
