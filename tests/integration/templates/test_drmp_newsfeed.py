"""The newsfeed of the DRMP template as a page."""
from __future__ import annotations

import html
import re

import pytest

PAGE = "/default/index/newsfeed"


def articles(response):
    """The text of each post on the page."""
    assert response.status == 200, response.text
    found = re.findall(r"<article>.*?</article>", response.text, re.S)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", article)).split()) for article in found]


@pytest.fixture
def many(visited):
    """Thirty posts more, an hour apart from one another."""
    series, places = visited.ids("cms_series", "name"), visited.ids("gis_location", "name")
    with visited.app.env() as current:
        table = current.s3db.cms_post
        for number in range(30):
            date = visited.app.clock.advance(hours=1)
            body = f"Level {number:02} of the Cedar"
            table.insert(series_id=series["Flood Warning"], location_id=places["Cedar Bay"], body=body, date=date)
        current.db.commit()
    return visited


def test_post_says_what_where_when_and_by_whom(visited):
    with visited.app.env() as current:
        organisation = current.s3db.org_organisation.insert(name="Red Cross of Mirania")
        current.s3db.update_super(current.s3db.org_organisation, {"id": organisation})
        users = current.db.auth_user
        current.db(users.email == "editor@example.com").update(organisation_id=organisation)
        current.db.commit()
    visited.publish("Flood Warning", "Alder Town", "Water rises at the mill.")

    newest = articles(visited.request("reader", PAGE))[0]

    assert newest.startswith("Flood Warning: Alder Town (Town), North Province ")
    assert f"{visited.app.clock.now:%Y-%m-%d %H:%M}" in newest
    assert "Red Cross of Mirania · Edda Editor" in newest
    # addresses are nobody's business
    assert "@" not in newest
    assert newest.endswith("Water rises at the mill.")


def test_date_can_be_read_by_programs(visited):
    visited.publish("Flood Warning", "Alder Town", "Water rises at the mill.")

    page = visited.request("reader", PAGE).text

    assert f'<time datetime="{visited.app.clock.now:%Y-%m-%dT%H:%M:%S}Z">' in page


def test_post_without_type_and_place_has_a_heading_all_the_same(visited):
    response = visited.request("editor", "/cms/post.json", "POST", json={"body": "Something has happened."})
    assert response.status in (200, 201)

    assert articles(visited.request("reader", PAGE))[0].startswith("Update ")


def test_what_editors_write_runs_nowhere(visited):
    visited.publish("Flood Warning", "Alder Town", 'Look <script>alert(1)</script><img src=x onerror="alert(2)"> here')

    page = visited.request("reader", PAGE).text

    article = re.search(r"<article>.*?</article>", page, re.S)[0]
    assert "<script" not in article and "<img" not in article.replace("&lt;img", "")
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", article)


def test_posts_come_a_screenful_at_a_time(many):
    first = many.request("reader", PAGE)
    second = many.request("reader", PAGE, vars={"start": 20})

    assert [len(articles(page)) for page in (first, second)] == [20, 13]
    assert re.search(rf'href="/{many.app.name}{PAGE}\?start=20"[^>]*rel="next"', first.text)
    assert "Level 29" in articles(first)[0] and "Level 09" in articles(second)[0]


def test_filter_stays_from_page_to_page(many):
    page = many.request("reader", PAGE, vars={"~.location_id$L1__belongs": "South Province"})

    link = html.unescape(re.search(r'href="([^"]*)"[^>]*rel="next"', page.text)[1])
    assert "start=20" in link and "South" in link
    assert "21 to 31 of 31" in many.request("reader", link.removeprefix(f"/{many.app.name}")).text


def test_form_filters_by_words_type_and_place(visited):
    visited.publish("Flood Warning", "Cedar Bay", "Storm surge tonight.")
    series = visited.ids("cms_series", "name")

    found = articles(visited.request("reader", PAGE, vars={
        "~.body__like[words]": "surge", "~.series_id__belongs[]": series["Flood Warning"], "~.location_id$L1__belongs[]": "South Province",
    }))

    assert len(found) == 1 and "Storm surge" in found[0]


def test_type_may_be_given_by_its_name(visited):
    page = visited.request("reader", PAGE, vars={"~.series_id$name": "Situation Report"})

    series = visited.ids("cms_series", "name")
    assert {article.partition(":")[0] for article in articles(page)} == {"Situation Report"}
    box = re.search(rf'<input[^>]*name="~.series_id__belongs\[\]"[^>]*value="{series["Situation Report"]}"[^>]*>', page.text)
    assert "checked" in box[0]


def test_only_editors_are_offered_to_write(visited):
    offered = {who: f'href="/{visited.app.name}{PAGE}/create"' in visited.request(who, PAGE).text for who in ("reader", "editor")}

    assert offered == {"reader": False, "editor": True}


def test_post_opens_from_its_heading(visited):
    page = visited.request("reader", PAGE).text

    path = re.search(rf'<h2 dir="auto"><a href="/{visited.app.name}({PAGE}/\d+)"', page)[1]

    assert "Two thirds of the households have running water." in visited.request("reader", path).text


def test_newsfeed_without_posts_says_so(visited):
    page = visited.request("reader", PAGE, vars={"~.body__like": "*nothing of the kind*"})

    assert articles(page) == []
    assert 'class="empty"' in page.text


@pytest.mark.parametrize("control", ["~.series_id__belongs[]", "~.series_id__belongs", "~.created_by$organisation_id__belongs[]"])
def test_choice_that_there_cannot_be_is_explained_at_its_control_and_shows_no_post(visited, control):
    visited.publish("Flood Warning", "Alder Town", "Water rises at the mill.")

    page = visited.request("reader", PAGE, vars={control: "abc", "~.body__like[words]": "mill"})

    assert page.status == 400
    assert "<article>" not in page.text
    assert re.search(r'<fieldset [^>]*aria-describedby="([^"]*__error)".*<div class="error_wrapper" id="\1">', page.text, re.S)
    assert '<div class="error_wrapper" id=' in page.text and ">&quot;abc&quot; cannot be chosen</div>" in page.text
    assert 'value="mill"' in page.text
