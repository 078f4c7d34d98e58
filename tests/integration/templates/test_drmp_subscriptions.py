"""The page of notification settings of the DRMP template, as forms are sent."""
from __future__ import annotations

import datetime as dt
import html
import json
import re
from pathlib import Path

import pytest

PAGE = "/default/index/subscriptions"
UPDATES = "cms_post default/index/newsfeed"
TYPE, PLACE = "series_id__belongs[]", "location_id$L1__belongs[]"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    from s3.s3aaa import passwords

    monkeypatch.setattr(passwords, "ITERATIONS", 1000)


def text_of(response):
    """What a reader sees of the main part of a page."""
    main = response.text[response.text.index("<main") : response.text.index("</main>")]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


def subscription_of(platform, who):
    with platform.app.env() as current:
        from templates.DRMP.demo import DEMO_USERS

        current.auth.s3_impersonate(DEMO_USERS[who].email)
        from s3 import own_subscription

        return own_subscription()


def test_visitor_is_asked_to_log_in(drmp):
    answer = drmp.request(None, PAGE)

    assert answer.status == 303
    assert "/default/user/login" in answer.headers["location"]


@pytest.mark.parametrize("path, status", [(f"{PAGE}.json", 415), (f"{PAGE}/somebody", 404)])
def test_page_is_one_page_in_one_format(drmp, path, status):
    answer = drmp.request("reader", path)

    assert answer.status == status
    assert "reader@example.com" not in answer.text


def test_person_without_settings_finds_the_usual_ones_chosen(visited):
    browser = visited.browser("editor")

    page = text_of(browser.get(PAGE))

    assert "You get no notifications at present" in page
    assert {key: value for key, value in browser.fields("subscription").items() if not key.startswith("_")} == {
        "resources": UPDATES, "notify_on": "new", "frequency": "daily", "method": "EMAIL", "email_format": "",
    }
    assert "Unsubscribe from everything" not in page


def test_stored_settings_are_shown_and_saved_as_they_are(visited):
    browser = visited.browser("reader")
    before = subscription_of(visited, "reader")

    answer = browser.submit(PAGE, "subscription")

    assert "Notification settings updated" in text_of(browser.follow(answer))
    after = subscription_of(visited, "reader")
    assert [(key, value) for key, value in after.filters if value is not None] == before.filters
    assert [after.record[name] for name in ("id", "notify_on", "frequency", "method", "email_format")] == [
        before.record[name] for name in ("id", "notify_on", "frequency", "method", "email_format")
    ]
    assert after.watched == before.watched


def test_what_is_chosen_is_saved_and_shown_again(visited):
    browser = visited.browser("editor")
    series = visited.ids("cms_series", "name")
    chosen = {
        "resources": UPDATES, "notify_on": ["new", "upd"], "frequency": "hourly", "method": "EMAIL", "email_format": "html",
        TYPE: [str(series["Flood Warning"]), str(series["Situation Report"])], PLACE: "South Province",
    }  # fmt: skip

    browser.follow(browser.submit(PAGE, "subscription", **chosen))

    assert {key: value for key, value in browser.fields("subscription").items() if not key.startswith("_")} == chosen
    own = subscription_of(visited, "editor")
    assert sorted(own.filters) == [
        ("location_id$L1__belongs", "South Province"),
        ("series_id__belongs", f"{series['Flood Warning']},{series['Situation Report']}"),
    ]
    assert (own.record.notify_on, own.record.frequency, own.record.email_format) == (["new", "upd"], "hourly", "html")


def test_reader_is_offered_only_types_and_places_of_readable_posts(visited):
    offered = {who: text_of(visited.browser(who).get(PAGE)) for who in ("reader", "editor")}

    assert "Restricted Report" in offered["editor"]
    assert "Restricted Report" not in offered["reader"]
    assert all(name in offered["reader"] for name in ("Flood Warning", "Situation Report", "North Province", "South Province"))


def test_conditions_that_the_page_does_not_show_stay(visited):
    browser = visited.browser("reader")
    own = subscription_of(visited, "reader")
    with visited.app.env() as current:
        query = json.dumps([*own.filters, ["body__like", "*bridge*"]])
        current.db(current.s3db.pr_filter.id == own.record.filter_id).update(query=query)
        current.db.commit()

    browser.follow(browser.submit(PAGE, "subscription", **{PLACE: "South Province"}))

    stored = dict(subscription_of(visited, "reader").filters)
    assert (stored["body__like"], stored["location_id$L1__belongs"]) == ("*bridge*", "South Province")


def test_lists_from_elsewhere_can_be_given_up_here(visited):
    browser = visited.browser("reader")
    own = subscription_of(visited, "reader")
    with visited.app.env() as current:
        current.s3db.pr_subscription_resource.insert(subscription_id=own.record.id, resource="cms_post", url="cms/post")
        current.db.commit()

    page = text_of(browser.get(PAGE))
    browser.follow(browser.send(PAGE, "subscription", resources="cms_post cms/post"))

    assert "Posts (cms/post)" in page
    assert [watched.url for watched in subscription_of(visited, "reader").watched] == ["cms/post"]


@pytest.mark.parametrize("fields, marked, sentence", [
    ({"notify_on": []}, "notify_on", "Select at least one"),
    ({"method": []}, "method", "Select at least one"),
    ({"frequency": "sometimes"}, "frequency", "Value not allowed"),
    ({"email_format": "pdf"}, "email_format", "Value not allowed"),
    ({TYPE: "many"}, "filters", "many"),
])
def test_fault_stands_beside_its_field_and_nothing_is_saved(visited, fields, marked, sentence):
    browser = visited.browser("reader")
    before = subscription_of(visited, "reader")

    answer = browser.submit(PAGE, "subscription", **{PLACE: "South Province", **fields})

    assert answer.status == 200
    assert "Nothing was saved." in text_of(answer)
    error = re.search(rf'<p class="error" id="{marked}_error">(.*?)</p>', answer.text)
    assert sentence in html.unescape(error[1])
    assert re.search(rf'<fieldset[^>]*id="{marked}"[^>]*aria-describedby="{marked}_error', answer.text)
    # what was chosen is there to be sent again
    assert browser.fields("subscription")[PLACE] == "South Province"
    assert subscription_of(visited, "reader") == before


def test_ticking_no_list_ends_the_notifications_and_says_so(visited):
    browser = visited.browser("reader")

    page = text_of(browser.follow(browser.submit(PAGE, "subscription", resources=[], notify_on=[], method=[])))

    assert "You are unsubscribed and get no more notifications." in page
    assert subscription_of(visited, "reader").watched == []


def test_button_ends_everything_and_who_comes_back_finds_the_settings(visited):
    browser = visited.browser("reader")
    before = subscription_of(visited, "reader")

    page = text_of(browser.follow(browser.submit(PAGE, "unsubscribe")))
    left = subscription_of(visited, "reader")
    fields = browser.fields("subscription")
    browser.follow(browser.send(PAGE, "subscription", resources=UPDATES))

    assert "You are unsubscribed and get no more notifications." in page and "You get no notifications at present" in page
    assert (left.watched, left.filters) == ([], before.filters)
    assert "resources" not in fields and fields[PLACE] == "North Province"
    assert [row.id for row in subscription_of(visited, "reader").resources] == [row.id for row in before.resources]


@pytest.mark.parametrize("formname", ["subscription", "unsubscribe"])
def test_form_of_another_session_does_nothing(visited, formname):
    """Cross-site request forgery: the key of one person's form is no key for another."""
    browser = visited.browser("reader")
    before = subscription_of(visited, "reader")
    stranger = visited.browser("editor")
    browser.submit(PAGE, "subscription")
    stranger.get(PAGE)
    key = stranger.fields("subscription")["_formkey"]

    answer = browser.post(PAGE, _formname=formname, _formkey=key, frequency="weekly")

    assert "This form has expired." in text_of(answer)
    after = subscription_of(visited, "reader")
    assert (after.record.frequency, after.watched) == (before.record.frequency, before.watched)


def test_state_says_when_it_was_checked_and_is_next(visited):
    browser = visited.browser("reader")
    own = subscription_of(visited, "reader")
    now = visited.app.clock.now
    with visited.app.env() as current:
        table = current.s3db.pr_subscription_resource
        times = {"last_check_time": now - dt.timedelta(minutes=30), "next_check_time": now + dt.timedelta(minutes=30)}
        current.db(table.id == own.resources[0].id).update(**times)
        current.db.commit()

    page = text_of(browser.get(PAGE))

    assert f"Last check: {times['last_check_time']:%Y-%m-%d %H:%M}." in page
    assert f"Next check: {times['next_check_time']:%Y-%m-%d %H:%M}." in page


def test_suspended_subscription_says_why_and_saving_resumes_it(visited):
    browser = visited.browser("reader")
    own = subscription_of(visited, "reader")
    with visited.app.env() as current:
        current.db(current.s3db.pr_subscription.id == own.record.id).update(suspended=True, suspended_reason="The page is gone")
        current.db.commit()

    page = text_of(browser.get(PAGE))
    saved = text_of(browser.follow(browser.send(PAGE, "subscription")))

    assert "Your notifications are suspended: The page is gone." in page
    assert "suspended" not in saved
    assert subscription_of(visited, "reader").record.suspended is False


@pytest.fixture
def two(visited):
    """Two subscriptions of the editor's with the same list, as an import makes them of two filters; gives the ids of their lists."""
    from templates.DRMP.demo import DEMO_USERS

    with visited.app.env() as current:
        current.auth.s3_impersonate(DEMO_USERS["editor"].email)
        s3db, pe_id = current.s3db, current.auth.user.pe_id
        ids = []
        for words in ("*flood*", "*road*"):
            saved = s3db.pr_filter.insert(pe_id=pe_id, title="Imported", query=json.dumps([["body__like", words]]))
            settings = {"notify_on": ["new"], "frequency": "immediately", "method": ["EMAIL"]}
            subscription = s3db.pr_subscription.insert(pe_id=pe_id, filter_id=saved, **settings)
            watched = {"resource": "cms_post", "url": "default/index/newsfeed"}
            ids.append(s3db.pr_subscription_resource.insert(subscription_id=subscription, **watched))
        current.db.commit()
    return ids


def change_list(platform, resource_id, **values):
    with platform.app.env() as current:
        current.db(current.s3db.pr_subscription_resource.id == resource_id).update(**values)
        current.db.commit()


def test_page_shows_the_subscription_that_lives_when_the_first_has_ended(visited, two):
    change_list(visited, two[0], deleted=True, subscription_id=None)
    browser = visited.browser("editor")

    page = text_of(browser.get(PAGE))
    browser.follow(browser.send(PAGE, "subscription", resources=UPDATES, frequency="hourly"))

    assert "You get no notifications at present" not in page
    assert "Unsubscribe from everything" in page
    assert [row.id for row in subscription_of(visited, "editor").resources] == [two[1]]
    assert [row.id for row in visited.rows("pr_subscription_resource") if row.subscription_id and row.id in two] == [two[1]]


def test_other_subscriptions_are_shown_with_what_limits_them(visited, two):
    page = text_of(visited.browser("editor").get(PAGE))

    section = page[page.index("Other subscriptions") :]
    assert "Updates: Body like \"*road*\"" in section
    assert "*flood*" not in section


def test_list_of_another_subscription_comes_here_when_it_is_chosen(visited, two):
    change_list(visited, two[0], url="cms/post")
    browser = visited.browser("editor")
    offered = browser.submit(PAGE, "subscription")

    browser.follow(offered)
    browser.follow(browser.send(PAGE, "subscription", resources=["cms_post cms/post", UPDATES]))

    own = subscription_of(visited, "editor")
    assert sorted(row.id for row in own.resources) == two
    assert "Other subscriptions" not in text_of(browser.get(PAGE))


def test_choosing_no_list_ends_all_subscriptions(visited, two):
    browser = visited.browser("editor")

    page = text_of(browser.follow(browser.submit(PAGE, "subscription", resources=[])))

    assert "You are unsubscribed and get no more notifications." in page and "You get no notifications at present" in page
    assert not [row for row in visited.rows("pr_subscription_resource") if row.id in two]


def test_methods_without_an_address_are_named_and_not_offered(visited):
    browser = visited.browser("reader")
    without = text_of(browser.get(PAGE))
    with visited.app.env() as current:
        own = subscription_of_pe(current)
        current.s3db.pr_contact.insert(pe_id=own, contact_method="SMS", value="+49 151 12345678")
        current.db.commit()

    with_phone = text_of(browser.get(PAGE))

    assert "There is no contact information of yours for: Mobile Phone." in without
    assert "+49 151 12345678" in with_phone and "There is no contact information" not in with_phone


def subscription_of_pe(current):
    user = current.db(current.db.auth_user.email == "reader@example.com").select().first()
    return current.auth.s3_user_pe_id(user.id)


def test_administrator_is_shown_where_to_add_an_address(visited):
    page = visited.browser("admin").get(PAGE).text

    assert re.search(r'href="[^"]*/pr/person/\d+/contact"', page)


def test_link_to_the_settings_is_for_those_who_are_logged_in(visited):
    reader = visited.browser("reader").get("/default/index/newsfeed").text
    visitor = visited.app.request("/default/index").text

    link = f'href="/{visited.app.name}{PAGE}"'
    assert f"<a {link}>Notifications</a>" in reader
    assert link not in visitor


def test_template_offers_more_lists_by_a_page_of_its_own(visited, monkeypatch):
    from s3 import Watched
    from templates.DRMP.subscriptions import Offer, Subscriptions

    more = (*Subscriptions.offers, Offer(Watched("cms_post", "cms/post"), "All posts as a table"))
    monkeypatch.setattr(Subscriptions, "offers", more)
    browser = visited.browser("editor")

    browser.follow(browser.submit(PAGE, "subscription", resources=[offer.key for offer in more]))
    both = [watched.url for watched in subscription_of(visited, "editor").watched]
    browser.follow(browser.send(PAGE, "subscription", resources=more[1].key))
    one = [watched.url for watched in subscription_of(visited, "editor").watched]

    assert (both, one) == (["default/index/newsfeed", "cms/post"], ["cms/post"])


def test_example_of_the_documentation_offers_one_list_more(drmp):
    page = (Path(__file__).resolve().parents[3] / "docs" / "subscriptions.md").read_text(encoding="utf-8")
    example = page.split("```python\n")[2].split("```")[0]
    known = {}

    exec(example, known)

    assert [offer.watched.url for offer in known["PAGES"]["subscriptions"].offers] == ["default/index/newsfeed", "cms/post"]


def test_list_that_is_not_offered_cannot_be_subscribed(visited):
    browser = visited.browser("editor")

    browser.submit(PAGE, "subscription", resources=[UPDATES, "auth_user admin/user"])

    assert [watched.url for watched in subscription_of(visited, "editor").watched] == ["default/index/newsfeed"]
