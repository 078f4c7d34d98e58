"""The DRMP template: its demo data, who may see which posts, and what the reader is told."""
from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "modules" / "templates" / "DRMP"
RESTRICTED = "Restricted Report"
LISTS = ("/default/index/newsfeed.json", "/cms/post.json")


def bodies(response: Any) -> list[str]:
    assert response.status == 200, response.text
    return [row["cms_post.body"] for row in response.json()]


def demo_rows(name: str) -> list[dict[str, str]]:
    """A file of the first data of the template."""
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def demo_bodies(is_restricted: bool) -> set[str]:
    return {row["body"] for row in demo_rows("cms_post.csv") if (row["series_id$name"] == RESTRICTED) is is_restricted}


def test_first_start_brings_the_demo_data(drmp):
    from templates.DRMP import demo

    with drmp.app.env() as current:
        db, s3db = current.db, current.s3db
        users = {row.email for row in db(db.auth_user).select(db.auth_user.email)}
        places = {row.name: row for row in db(s3db.gis_location).select()}
        series = {row.name for row in db(s3db.cms_series).select()}

    assert users >= {user.email for user in demo.DEMO_USERS.values()}
    assert series == {row["name"] for row in demo_rows("cms_series.csv")}
    assert (places["Alder Town"].L0, places["Alder Town"].L1, places["Alder Town"].L3) == ("Mirania", "North Province", "Alder Town")


def test_reader_has_a_subscription_to_one_province(drmp):
    from templates.DRMP import demo

    with drmp.app.env() as current:
        s3db, auth = current.s3db, current.auth
        account = current.db(current.db.auth_user.email == demo.DEMO_USERS["reader"].email).select().first()
        pe_id = auth.s3_user_pe_id(account.id)
        subscription = current.db(s3db.pr_subscription.pe_id == pe_id).select().first()
        watched = current.db(s3db.pr_subscription_resource.subscription_id == subscription.id).select().first()
        saved = s3db.pr_filter[subscription.filter_id]

    assert (subscription.notify_on, subscription.frequency, subscription.method) == (["new", "upd"], "immediately", ["EMAIL"])
    assert (watched.resource, watched.url) == ("cms_post", "default/index/newsfeed")
    assert [tuple(pair) for pair in json.loads(saved.query)] == list(demo.DEMO_FILTER)
    assert {subscription.owned_by_user, watched.owned_by_user, saved.owned_by_user} == {account.id}


def test_loading_the_demo_data_again_changes_nothing(drmp):
    from s3.s3import import prepopulate
    from templates.DRMP import demo

    def count(current: Any) -> dict[str, int]:
        tables = ("auth_user", "auth_group", "auth_membership", "s3_permission", "pr_person", "pr_contact", "pr_filter", "pr_subscription",
                  "pr_subscription_resource", "cms_series", "cms_post", "gis_location")
        return {name: current.db(current.s3db.table(name) or current.auth.table(name)).count() for name in tables}

    with drmp.app.env() as current:
        before = count(current)
        current.auth.override = True

        prepopulate()
        demo.load()

        assert count(current) == before


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("who", ["editor", "admin"])
def test_editor_sees_all_posts(drmp, who, path):
    assert demo_bodies(True) | demo_bodies(False) <= set(bodies(drmp.request(who, path)))


@pytest.mark.parametrize("path", LISTS)
def test_reader_sees_all_but_restricted_posts(drmp, path):
    seen = set(bodies(drmp.request("reader", path)))

    assert seen >= demo_bodies(False)
    assert not seen & demo_bodies(True)


@pytest.mark.parametrize("path", ["/default/index/newsfeed.xml", "/cms/post.xml", "/cms/post.s3json"])
def test_documents_hide_restricted_posts_as_pages_do(drmp, path):
    reader, editor = (drmp.request(who, path, vars={"components": "comment,tag"}).text for who in ("reader", "editor"))

    assert [body for body in demo_bodies(True) | demo_bodies(False) if body not in editor] == []
    assert [body for body in demo_bodies(False) if body not in reader] == []
    assert [body for body in demo_bodies(True) if body in reader] == []
    assert "editor@example.com" not in reader


def test_editor_imports_what_was_exported_and_nobody_else_does(drmp):
    document = drmp.request("editor", "/cms/post.s3json").json()

    imported = drmp.request("editor", "/cms/post.s3json", "POST", json=document)
    refused = drmp.request("reader", "/cms/post.s3json", "POST", json=document)

    assert (imported.status, refused.status) == (200, 403)
    assert (imported.json()["created"], imported.json()["updated"]) == ([], [])


@pytest.mark.parametrize("path", LISTS)
def test_visitor_sees_nothing(drmp, path):
    assert drmp.request(None, path).status == 401


def test_restricted_post_cannot_be_read_by_its_id(drmp):
    ids = drmp.ids("cms_post", "body")
    secret = ids[demo_bodies(True).pop()]

    assert drmp.request("editor", f"/cms/post/{secret}.json").status == 200
    assert drmp.request("reader", f"/cms/post/{secret}.json").status == 404
    assert drmp.request("reader", f"/cms/post/{secret}").status == 404


def test_restricted_posts_cannot_be_read_through_their_series(drmp):
    series = drmp.ids("cms_series", "name")

    assert drmp.request("reader", f"/cms/series/{series['Restricted Report']}/post.json").status == 403


GUESSES = [
    "~.location_id$cms_post.body",
    "~.location_id$location_id:cms_post.body",
    "~.series_id$post.body",
    "~.series_id$cms_post.body",
    "comment.post_id$body",
    "tag__link.post_id$body",
    "cms_comment.post_id$body",
    "~.created_by$email",
    "~.created_by$auth_membership.group_id$role",
    "~.created_by$auth_event.client_ip",
    "~.created_by$owned_by_user:pr_contact.value",
    "~.created_by$user_id:pr_person_user.pe_id$contact.value",
    "~.created_by$created_by:msg_sms_webapi_channel.parameters",
    "~." + "location_id$" + "parent$" * 300 + "name",
]


@pytest.mark.parametrize("selector", GUESSES)
def test_reader_cannot_guess_with_filters_what_he_may_not_see(drmp, selector):
    response = drmp.request("reader", "/cms/post.json", vars={f"{selector}__like": "*Stocks*"})

    assert response.status == 400
    assert selector in response.json()["message"]


@pytest.mark.parametrize("selector", GUESSES[:3])
def test_reader_cannot_guess_on_the_newsfeed_either(drmp, selector):
    assert drmp.request("reader", "/default/index/newsfeed.json", vars={f"{selector}__like": "*Stocks*"}).status == 400


def test_reader_cannot_join_more_tables_than_a_database_can(drmp):
    authors = ("created_by", "modified_by", "owned_by_user")
    chain = [f"{start}{key}$id" for start in ("", "comment.", "location_id$", "tag.") for key in authors]
    selectors = ["location_id$" + "parent$" * 7 + "name", "comment." + "parent$" * 7 + "body", "series_id$name", *chain]

    few = drmp.request("reader", "/cms/post.json", vars={f"~.{selector}": "1" for selector in selectors[:3]})
    many = drmp.request("reader", "/cms/post.json", vars={f"~.{selector}": "1" for selector in selectors})

    assert (few.status, few.json()) == (200, [])
    assert many.status == 400
    assert "30 tables" in many.json()["message"]


def test_reader_can_filter_by_place_and_type(drmp):
    series = drmp.ids("cms_series", "name")

    by_place = bodies(drmp.request("reader", "/cms/post.json", vars={"~.location_id$L1__belongs": "South Province"}))
    by_type = bodies(drmp.request("reader", "/cms/post.json", vars={"~.series_id": str(series["Flood Warning"])}))

    assert "Spring tide: keep boats in the inner harbour." in set(by_place) & set(by_type)
    assert "Two thirds of the households have running water." not in by_place + by_type


def test_reader_cannot_write_posts(drmp):
    assert drmp.request("reader", "/cms/post.json", "POST", json={"body": "I was here"}).status == 403


def test_newsfeed_is_a_page_with_the_newest_post_first(drmp):
    page = drmp.request("editor", "/default/index/newsfeed").text
    # "-7D" is newer than "-30D"
    posts = sorted(demo_rows("cms_post.csv"), key=lambda row: int(row["date"].strip("-D")))
    by_age = [page.index(post["body"]) for post in posts]

    assert by_age == sorted(by_age)


def test_page_that_the_template_does_not_offer_is_not_found(drmp):
    for name in ("Any", "current", "__builtins__", "NEWSFEED", "nothing"):
        assert drmp.request("admin", f"/default/index/{name}").status == 404


def test_reader_is_told_of_what_he_may_see_and_asked_for(visited):
    """New and changed posts of the reader's province, without the restricted ones, in the layout of the template."""
    series, places, posts = visited.ids("cms_series", "name"), visited.ids("gis_location", "name"), visited.ids("cms_post", "body")
    visited.app.clock.advance(minutes=10)
    for kind, place, body in (
        ("Flood Warning", "Alder Town", "Water rises at the mill."),
        ("Restricted Report", "Alder Town", "Names of the missing."),
        ("Flood Warning", "Cedar Bay", "Storm surge tonight."),
    ):
        post = {"series_id": series[kind], "location_id": places[place], "body": body}
        response = visited.request("editor", "/cms/post.json", "POST", json=post)
        assert response.status in (200, 201), response.text
    changed = posts["The bridge over the Alder is open again."]
    assert visited.request("editor", f"/cms/post/{changed}.json", "POST", json={"body": "The bridge is closed."}).status == 200

    with visited.app.serving() as url, visited.app.env() as current:
        from s3 import S3Notifications

        current.deployment_settings.msg.notify_lookup_url = url
        S3Notifications.check_subscriptions()
        current.msg.process_outbox("EMAIL")
        current.db.commit()

    (mail,) = visited.app.smtp.messages
    assert mail["To"] == "reader@example.com"
    assert mail["Subject"] == "Disaster Risk Management Platform Notification"
    lines = [line for line in mail.get_content().splitlines() if line.strip()]
    assert lines[0].endswith("/default/index/newsfeed") or "/default/index/newsfeed?" in lines[0]
    assert lines[1].startswith("Notification: ")
    assert "North Province" in lines[1]
    assert lines[2] == "1 new update:"
    assert lines[3].startswith("Flood Warning - ") and lines[3].endswith(" - Alder Town (Town), North Province")
    assert lines[4] == "Water rises at the mill."
    assert lines[5] == "1 changed update:"
    assert lines[6].startswith("Situation Report - ")
    assert lines[7] == "The bridge is closed."
    assert (lines[8], lines[9], lines[11]) == ("-- ", "Change or end this subscription:", "Stop these notifications:")
    assert lines[10].endswith("/default/index/subscriptions") and "/default/unsubscribe/" in lines[12]
    assert len(lines) == 13


def render(current: Any, email_format: str, **counts: Any) -> str:
    from gluon import TABLE, TD, TR

    from s3.s3notify.templates import render_message

    record = [("Type", "Flood Warning"), ("Date", "2026-05-01"), ("Location", "Alder Town"), ("Description", "Water & mud <rise>")]
    records: Any = [record] if email_format == "text" else TABLE(TR(*(TD(value) for _, value in record)))
    contents = {
        "systemname": "Platform", "systemname_short": "P", "page_url": "https://example.org/?a=1&b=2", "filter_query": "Type is <any>",
        "new": None, "new_records": records, "new_more": 0, "upd": None, "upd_records": records, "upd_more": 0, **counts,
    }
    return render_message("notify_post", "EMAIL", email_format, contents, email_format)


def test_text_mail_is_plain_and_counts_properly(drmp):
    with drmp.app.env() as current:
        text = render(current, "text", new=1, upd=7, upd_more=6)

    assert [line for line in text.splitlines() if line] == [
        "https://example.org/?a=1&b=2",
        "Notification: Type is <any>",
        "1 new update:",
        "Flood Warning - 2026-05-01 - Alder Town",
        "Water & mud <rise>",
        "7 changed updates:",
        "Flood Warning - 2026-05-01 - Alder Town",
        "Water & mud <rise>",
        "6 more records are not listed here.",
    ]


def test_html_mail_escapes_what_comes_from_records_and_filter(drmp):
    with drmp.app.env() as current:
        html = render(current, "html", new=2)

    assert html.startswith("<html") and html.endswith("</html>")
    assert "Notification: Type is &lt;any&gt;" in html
    assert '<a href="https://example.org/?a=1&amp;b=2">' in html
    assert "2 new updates" in html
    assert "Water &amp; mud &lt;rise&gt;" in html
    assert "changed update" not in html
