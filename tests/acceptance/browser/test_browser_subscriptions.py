"""A new user's way through the DRMP template: choose, be told, read, change, leave."""
from __future__ import annotations

import re

import pytest

pytestmark = pytest.mark.acceptance

NORA = "nora@example.com"
on_both_databases = pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)


@on_both_databases
def test_new_user_subscribes_is_told_and_leaves(site, visitor):
    """Without script: whatever the pages do, they do by themselves."""
    site.add_account(NORA, "Nora")
    nora = visitor(java_script_enabled=False)
    log_in_by_hand(nora)
    choose(nora)
    change(nora)

    site.app.clock.advance(minutes=10)
    publish_in_the_browser(visitor(), "Flood Warning", "Cedar Bay", "Storm surge tonight at nine.")
    site.publish("Flood Warning", "Alder Town", "Water rises at the mill.")
    site.publish("Situation Report", "Cedar Bay", "The harbour is open.")
    site.work()
    (mail,) = [mail for mail in site.mails if mail["To"] == NORA]
    text = mail.get_body(("plain",)).get_content()
    assert "Storm surge tonight at nine." in text
    assert "Water rises" not in text and "The harbour is open" not in text

    follow_to_the_list(nora, text)
    follow_to_the_settings_and_leave(nora, text)
    site.app.clock.advance(minutes=10)
    site.publish("Flood Warning", "Cedar Bay", "Second surge in the morning.")
    site.work()
    assert [mail for mail in site.mails if mail["To"] == NORA] == [mail]


def log_in_by_hand(nora):
    page = nora.page
    nora.open("/default/index")
    page.get_by_role("banner").get_by_role("link", name="Log in").click()
    page.get_by_label("E-mail").fill(NORA)
    page.get_by_label("Password").fill("notify-me")
    page.get_by_role("button", name="Log in").click()


def choose(nora):
    """Floods in the north, at once."""
    page = nora.page
    page.get_by_role("link", name="Notifications", exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text() == "Notification Settings"
    nora.photograph("settings-none-yet")
    for label in ("Flood Warning", "North Province", "Immediately"):
        page.get_by_label(label).check()
    page.get_by_role("button", name="Save settings").click()
    assert "Notification settings updated" in page.get_by_role("status").inner_text()
    nora.photograph("settings-saved")


def change(nora):
    """Floods in the south instead; what was chosen before is still there."""
    page = nora.page
    nora.open("/default/index/subscriptions")
    usual = {"Updates", "New Records", f"Email: {NORA}", "Default (Text)"}
    assert ticked(page) == usual | {"Flood Warning", "North Province", "Immediately"}
    page.get_by_label("North Province").uncheck()
    page.get_by_label("South Province").check()
    page.get_by_role("button", name="Save settings").click()
    assert ticked(page) == usual | {"Flood Warning", "South Province", "Immediately"}


def follow_to_the_list(nora, text):
    """The link of a mail opens the list that it tells of."""
    page = nora.page
    page.goto(re.search(re.escape(nora.site.url) + r"/default/index/newsfeed\S*", text)[0])
    assert page.get_by_role("heading", level=1).inner_text() == "Newsfeed"
    assert "Storm surge tonight at nine." in page.get_by_role("article").first.inner_text()
    nora.photograph("newsfeed-from-the-mail")


def follow_to_the_settings_and_leave(nora, text):
    page = nora.page
    page.goto(re.search(re.escape(nora.site.url) + r"/default/index/subscriptions\S*", text)[0])
    page.get_by_role("button", name="Unsubscribe from everything").click()
    assert "You are unsubscribed and get no more notifications." in page.get_by_role("status").inner_text()
    nora.photograph("settings-unsubscribed")


def ticked(page):
    """The labels of all boxes and buttons that are chosen."""
    chosen = page.locator("main input:checked")
    return {page.locator(f"label[for='{chosen.nth(i).get_attribute('id')}']").inner_text() for i in range(chosen.count())}


def publish_in_the_browser(editor, kind, place, body):
    editor.log_in("editor@example.com")
    editor.open("/default/index/newsfeed")
    page = editor.page
    page.get_by_role("link", name="Create Post").click()
    page.get_by_label("Type").select_option(label=kind)
    page.get_by_label("Location").select_option(label=next(
        text for text in page.get_by_label("Location").locator("option").all_inner_texts() if text.startswith(place)
    ))
    page.get_by_label("Description").fill(body)
    editor.photograph("post-form")
    page.get_by_role("main").get_by_role("button").first.click()
    assert body in page.get_by_role("main").inner_text()


def test_with_script_the_settings_are_saved_the_same(site, visitor):
    reader = visitor().log_in("reader@example.com")
    reader.open("/default/index/subscriptions")
    page = reader.page
    before = ticked(page)

    page.get_by_label("HTML").check()
    page.get_by_role("button", name="Save settings").click()

    assert ticked(page) == before - {"Default (Text)"} | {"HTML"}


def test_fault_is_marked_beside_its_field(site, visitor):
    reader = visitor(java_script_enabled=False).log_in("reader@example.com")
    reader.open("/default/index/subscriptions")
    page = reader.page

    page.get_by_label("New Records").uncheck()
    page.get_by_label("Record Updates").uncheck()
    page.get_by_role("button", name="Save settings").click()

    assert "Nothing was saved." in page.get_by_role("alert").inner_text()
    assert "Select at least one" in page.get_by_role("group", name="Notify On").inner_text()
    reader.photograph("settings-fault")


def test_everything_can_be_done_with_the_keyboard_alone(site, visitor):
    """Skip the menu, untick a box, choose another frequency, save; the place where one is can always be seen."""
    reader = visitor().log_in("reader@example.com")
    reader.open("/default/index/subscriptions")
    page = reader.page

    page.keyboard.press("Tab")
    assert focused(page)["text"] == "Skip to content"
    page.keyboard.press("Enter")
    press_until(page, "Tab", "North Province")
    page.keyboard.press("Space")
    press_until(page, "Tab", "Immediately")
    page.keyboard.press("ArrowDown")
    press_until(page, "Tab", "Save settings")
    page.keyboard.press("Enter")
    page.get_by_role("status").wait_for()

    assert {"Hourly", "Updates"} <= ticked(page)
    assert "North Province" not in ticked(page)


def press_until(page, key, text):
    """Go on until something with this label has the focus; whatever has it on the way shows it."""
    for _ in range(40):
        page.keyboard.press(key)
        here = focused(page)
        assert here["outline"] >= 2, f"the focus on {here} cannot be seen"
        if here["text"] == text:
            return
    raise AssertionError(f"{text} is not reached")


def focused(page):
    """What has the focus: its label, and how thick its outline is, in pixels."""
    return page.evaluate("""() => {
        const element = document.activeElement, style = getComputedStyle(element)
        const text = (element.labels && element.labels.length ? element.labels[0] : element).innerText.trim()
        return {text, outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)}
    }""")
