"""Saved filters on a page of a template, with hooks that hide records."""
from __future__ import annotations

import html
import re

PAGE = "/default/index/newsfeed"
NORTH = "~.location_id%24L1__belongs%5B%5D=North+Province"


def test_filter_of_the_newsfeed_is_saved_and_leads_back_to_it(visited):
    reader = visited.browser("reader")
    reader.get(f"{PAGE}?{NORTH}")

    reader.press("save", title="The north")

    saved = next(row for row in visited.rows("pr_filter") if row.title == "The north")
    page = reader.get(PAGE)
    link = html.unescape(re.search(r'<a href="([^"]*)">The north</a>', page.text)[1])
    assert (saved.resource, saved.url) == ("cms_post", "default/index/newsfeed")
    assert link.startswith(f"/{visited.app.name}{PAGE}?")
    loaded, filtered = reader.get(link.removeprefix(f"/{visited.app.name}")), reader.get(f"{PAGE}?{NORTH}")
    assert loaded.text.count("<article>") == filtered.text.count("<article>") > 0

    reader.get(PAGE)
    reader.press("delete", id=str(saved.id))
    assert saved.id not in [row.id for row in visited.rows("pr_filter")]


def test_types_of_posts_that_a_hook_hides_are_not_offered(visited):
    visited.publish("Restricted Report", "Alder Town", "For editors only.")

    pages = {who: visited.request(who, PAGE).text for who in ("reader", "editor")}
    options = {who: visited.request(who, f"{PAGE}/filter.options").text for who in ("reader", "editor")}

    for found in (pages, options):
        assert ("Restricted Report" in found["reader"], "Restricted Report" in found["editor"]) == (False, True)
