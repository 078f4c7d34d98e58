"""Pages stay below 60 kB, however much there is to choose from, and lose nothing that was chosen."""
from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest

MAX_BYTES = 60_000
NEWSFEED = "/default/index/newsfeed"
PAGES = (NEWSFEED, "/cms/post", "/default/index/subscriptions")
FIRST = "~.location_id$L1__belongs"
SECOND = "~.location_id$L2__belongs"
THIRD = "~.location_id$L3__belongs"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    from s3.s3aaa import passwords

    monkeypatch.setattr(passwords, "ITERATIONS", 1000)


@pytest.fixture
def crowded(visited):
    """2,000 villages with a post each; 20 districts in each of 50 provinces, and as many provinces without any."""
    with visited.app.env() as current:
        current.auth.override = True
        s3db = current.s3db
        series = current.db(s3db.cms_series.name == "Situation Report").select().first().id
        places, posts = [], []
        for number in range(2000):
            province = f"Province of number {number % 50 if number < 1000 else number}"
            district = f"District of number {number % 1000}"
            village = f"Village with a long name, number {number:04}"
            places.append({"name": village, "level": "L3", "L0": "Alderland", "L1": province, "L2": district, "L3": village})
        for location in s3db.gis_location.bulk_insert(places):
            posts.append({"name": "x", "body": "b", "series_id": series, "location_id": location})
        s3db.cms_post.bulk_insert(posts)
        current.db.commit()
    return visited


def save_filters(platform, number):
    from templates.DRMP.demo import DEMO_USERS

    with platform.app.env() as current:
        from s3.s3filter import save_filter

        current.auth.s3_impersonate(DEMO_USERS["reader"].email)
        for position in range(number):
            save_filter(
                current.s3db.resource("cms_post"), [["~.body__like", f"*{position}*"]], f"Saved filter number {position:03}",
                controller="default", function="index", url="default/index/newsfeed",
            )  # fmt: skip
        current.db.commit()


def form_of(page, mark='id="filter-form"'):
    """What the form with this mark sends: [(name, value)]."""
    [form] = [form for form in re.findall(r"<form.*?</form>", page.text, re.S) if mark in form]
    pairs = []
    for select in re.findall(r"<select.*?</select>", form, re.S):
        name = html.unescape(re.search(r'name="([^"]*)"', select)[1])
        pairs += [(name, html.unescape(value)) for value in re.findall(r'<option selected="selected" value="([^"]*)"', select)]
    for box in re.findall(r"<input [^>]*>", form):
        given = dict(re.findall(r'([\w-]+)="([^"]*)"', box))
        if given["type"] not in ("checkbox", "radio") or re.search(r"\bchecked\b", box):
            pairs.append((html.unescape(given["name"]), html.unescape(given.get("value", ""))))
    return pairs


def articles(page):
    return page.text.count("<article>")


@pytest.mark.parametrize("query", [
    {},
    {FIRST: "Province of number 7"},
    {FIRST: "Province of number 7", SECOND: "District of number 7,District of number 57"},
])
def test_pages_are_light_with_many_places_and_saved_filters(crowded, query):
    save_filters(crowded, 200)

    for path in PAGES:
        page = crowded.request("reader", f"{path}?{urlencode(query)}")

        assert page.status == 200
        assert len(page.body) < MAX_BYTES, path


def test_what_is_chosen_is_sent_again_whether_it_is_listed_or_not(crowded):
    query = {FIRST: "Province of number 1999,Province of number 0", THIRD: "Village with a long name, number 0950"}
    query[THIRD] = f'"{query[THIRD]}"'
    page = crowded.request("reader", f"{NEWSFEED}?{urlencode(query)}")

    again = crowded.request("reader", f"{NEWSFEED}?{urlencode(form_of(page))}")

    sent = form_of(page)
    assert {value for name, value in sent if name == f"{FIRST}[]" and value} == set(query[FIRST].split(","))
    assert {value for name, value in sent if name == f"{THIRD}[]" and value} == {query[THIRD]}
    assert articles(again) == articles(page) == 1
    assert sorted(form_of(again)) == sorted(sent)


def test_place_that_is_not_listed_is_found_by_its_name(crowded):
    page = crowded.request("reader", NEWSFEED)
    unlisted = "Province of number 1999"
    sent = [(name, value) for name, value in form_of(page) if (name, value) != (f"{FIRST}[]", "")]

    found = crowded.request("reader", f"{NEWSFEED}?{urlencode([*sent, (f'{FIRST}[]', unlisted)])}")

    assert f">{unlisted}</option>" not in page.text
    assert (f"{FIRST}[]", "") in form_of(page)
    assert articles(found) == 1


def test_deeper_places_are_listed_within_what_is_chosen_above(crowded):
    above = crowded.request("reader", NEWSFEED)
    within = crowded.request("reader", f"{NEWSFEED}?{urlencode({FIRST: 'Province of number 7'})}")

    assert "Choose above and search, to have them listed here." in html.unescape(above.text)
    assert "District of number 57" not in above.text
    assert all(f">District of number {number}</" in within.text for number in range(7, 1000, 50))
    assert "Choose above and search, to have them listed here." not in html.unescape(within.text)


def test_page_of_settings_keeps_a_place_that_it_does_not_list(crowded):
    path, name, control = "/default/index/subscriptions", "Province of number 1999", "location_id$L1__belongs[]"
    browser = crowded.browser("reader")
    browser.get(path)

    page = browser.follow(browser.send(path, "subscription", **{control: ["Province of number 3", name, ""]}))
    first = form_of(page, 'value="subscription"')
    sent = {key: [value for other, value in first if other == key] for key, _ in first}
    page = browser.follow(browser.post(path, **sent))

    kept = [value for key, value in form_of(page, 'value="subscription"') if key == control and value]
    assert sorted(kept) == [name, "Province of number 3"]
    assert [value for key, value in first if key == control and value] == kept


def test_older_saved_filters_are_on_pages_of_their_own(visited):
    save_filters(visited, 45)
    browser = visited.browser("reader")
    path, seen = f"{NEWSFEED}?{urlencode({FIRST: 'North Province'})}", []

    while path:
        page = browser.get(path)
        seen.append(re.findall(r">(Saved filter number \d+)</a>", page.text))
        older = re.search(r'<a href="([^"]*)">Older ones</a>', page.text)
        path = html.unescape(older[1]).removeprefix(f"/{visited.app.name}") if older else None

    # the newest first
    assert [len(titles) for titles in seen] == [20, 20, 5]
    assert [title for titles in seen for title in titles] == [f"Saved filter number {number:03}" for number in reversed(range(45))]
    # what the list is filtered by stays
    assert "North+Province" in html.unescape(re.search(r'<a href="([^"]*)">Newer ones</a>', page.text)[1])


@pytest.mark.parametrize("skipped", ["x", "-20", "99999999999", "999999", "\u0663"])
def test_whatever_page_of_saved_filters_is_asked_for_is_answered(visited, skipped):
    save_filters(visited, 21)

    assert visited.request("reader", f"{NEWSFEED}?{urlencode({'saved': skipped})}").status == 200
