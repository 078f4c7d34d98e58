"""The filter form of a list in a real browser: what it sends, with the keyboard, on a telephone, and without script."""
from __future__ import annotations

import pytest

pytestmark = pytest.mark.acceptance

READER = "reader@example.com"
PAGE = "/default/index/newsfeed"


def bodies(page):
    return page.locator("article .body").all_inner_texts()


def test_reader_filters_saves_loads_and_deletes_without_script(site, visitor):
    site.publish("Flood Warning", "Cedar Bay", "Storm surge tonight at nine.")
    reader = visitor(java_script_enabled=False).log_in(READER)
    page = reader.page
    reader.open(PAGE)

    # words with signs that addresses must write otherwise
    page.locator("summary", has_text="Filter").first.click()
    page.get_by_label("Search").fill('"surge tonight" nine')
    page.get_by_label("Flood Warning").check()
    page.get_by_role("checkbox", name="South Province").check()
    page.get_by_role("button", name="Search").click()

    assert bodies(page) == ["Storm surge tonight at nine."]
    assert page.get_by_label("Search").input_value() == '"surge tonight" nine'
    assert page.get_by_role("checkbox", name="South Province").is_checked()
    assert not page.get_by_role("checkbox", name="North Province").is_checked()
    reader.photograph("filter-used")

    # the address alone leads there, too
    address = page.url
    reader.open(PAGE)
    assert len(bodies(page)) > 1
    page.goto(address)
    assert bodies(page) == ["Storm surge tonight at nine."]

    page.locator("summary", has_text="Saved Filters").click()
    page.get_by_label("Save this filter as").fill("Surges & <storms>")
    page.get_by_role("button", name="Save", exact=True).click()
    assert "Filter saved" in page.get_by_role("status").inner_text()

    page.get_by_role("link", name="Clear Filter").click()
    assert len(bodies(page)) > 1
    page.locator("summary", has_text="Saved Filters").click()
    page.get_by_role("link", name="Surges & <storms>").click()
    assert bodies(page) == ["Storm surge tonight at nine."]

    page.locator("summary", has_text="Saved Filters").click()
    page.get_by_label("Change Surges").click()
    reader.photograph("filter-saved")
    page.get_by_role("button", name="Delete").click()
    assert "Filter deleted" in page.get_by_role("status").inner_text()
    assert page.get_by_role("link", name="Surges & <storms>").count() == 0


def test_filter_is_used_with_the_keyboard_alone_on_a_telephone(site, visitor):
    reader = visitor(viewport={"width": 360, "height": 740}).log_in(READER)
    reader.open(PAGE)
    page = reader.page

    def go_to(text):
        for _ in range(40):
            page.keyboard.press("Tab")
            here = page.evaluate("""() => {
                const element = document.activeElement
                return (element.labels && element.labels.length ? element.labels[0] : element).innerText.trim()
            }""")
            if here == text:
                return
        raise AssertionError(f"{text} is not reached")

    go_to("Filter")
    page.keyboard.press("Enter")
    go_to("North Province")
    page.keyboard.press("Space")
    go_to("Search")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Clear Filter").wait_for()

    assert page.get_by_role("checkbox", name="North Province").is_checked()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    reader.photograph("filter-telephone")
