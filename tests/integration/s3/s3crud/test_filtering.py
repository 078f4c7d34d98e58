"""The filter form of list pages, and the filters that readers save there, in whole requests."""
from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs, urlencode

import pytest
from bare import counted_queries
from visitor import Browser


class Reader(Browser):
    """Somebody at a browser without script, who opens lists with what a form sends."""

    def open(self, path, **variables):
        query = urlencode(variables.get("vars", {}), doseq=True)
        return self.get(f"{path}?{query}" if query else path)


@pytest.fixture
def anna(app, monkeypatch):
    from s3.s3aaa import passwords

    # what a hash costs is tested by itself
    monkeypatch.setattr(passwords, "ITERATIONS", 1000)
    return Reader(app).log_in("anna")


def create_posts(app, *titles, **values):
    for title in titles:
        answer = app.request("/cms/post.json", "POST", json={"title": title, "body": "Body", **values}, auth="editor")
        assert answer.status == 200, answer.text


def titles(page):
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page.text)


def shown_link(page, title):
    """The address that a saved filter leads to."""
    return unescape(re.search(rf'<a href="([^"]*)">{re.escape(title)}</a>', page.text)[1])


def stored(app):
    with app.env() as current:
        table = current.s3db.pr_filter
        return list(current.db(table.deleted == False).select(orderby=table.id))


# the form
def test_form_of_a_list_leads_to_a_filtered_list_that_can_be_bookmarked(app, anna):
    create_posts(app, "Red water", "Blue water", "Red sky")

    page = anna.open("/cms/post", vars={"~.title|~.body__like[words]": "red WATER", "~.date__ge[day]": "", "~.date__le[day]": ""})

    assert titles(page) == ["Red water"]
    assert 'name="~.title|~.body__like[words]" type="search" value="red WATER"' in page.text
    # the links of the page say the filter without the form
    (csv,) = re.findall(r'href="[^"?]*/cms/post\.csv\?([^"]*)"', page.text)
    assert parse_qs(unescape(csv)) == {"~.title|~.body__like": ["*red*", "*WATER*"]}
    rows = app.request(f"/cms/post.json?{unescape(csv)}", auth="anna").json()
    assert [row["cms_post.title"] for row in rows] == ["Red water"]


def test_several_ticked_options_are_alternatives(app, anna):
    create_posts(app, "Open")
    create_posts(app, "Closed", expired=True)

    both = anna.open("/cms/post", vars={"~.expired__belongs[]": ["True", "False"]})
    one = anna.open("/cms/post", vars={"~.expired__belongs[]": ["True"]})

    assert sorted(titles(both)) == ["Closed", "Open"]
    assert titles(one) == ["Closed"]
    assert re.search(r'<input checked="checked"[^>]*name="~.expired__belongs\[\]"[^>]*value="True"', one.text)


def test_controls_mean_the_same_in_every_format(app):
    create_posts(app, "Red", "Blue")

    rows = app.request("/cms/post.json", vars={"~.title__like[words]": "red", "~.date__ge[day]": ""}, auth="anna").json()
    csv = app.request("/cms/post.csv", vars={"~.title__like[words]": "red"}, auth="anna").text

    assert [row["cms_post.title"] for row in rows] == ["Red"]
    assert ("Red" in csv, "Blue" in csv) == (True, False)


def test_day_is_one_of_the_calendar_of_the_reader(app, anna):
    with app.configured('settings.L10n.timezone = "Asia/Tokyo"'):
        # 23:30 on the first and 00:30 on the second of March in Tokyo
        create_posts(app, "First", date="2026-03-01T14:30:00Z")
        create_posts(app, "Second", date="2026-03-01T15:30:00Z")

        until = anna.open("/cms/post", vars={"~.date__le[day]": "2026-03-01"})
        since = anna.open("/cms/post", vars={"~.date__ge[day]": "2026-03-02"})

        assert (titles(until), titles(since)) == (["First"], ["Second"])
        assert 'name="~.date__ge[day]" type="date" value="2026-03-02"' in since.text


def test_what_cannot_be_read_is_explained_at_its_control_and_shows_no_list(app, anna):
    create_posts(app, "Secret of March")

    page = anna.open("/cms/post", vars={"~.date__ge[day]": "soon", "~.title|~.body__like[words]": "march"})

    assert page.status == 400
    assert titles(page) == []
    assert "Date: &quot;soon&quot; is no date" in page.text
    assert re.search(r'aria-describedby="(post-date-date-filter-ge__error)" aria-invalid="true"', page.text)
    assert 'value="march"' in page.text
    assert app.request("/cms/post.json", vars={"~.date__ge[day]": "soon"}, auth="anna").status == 400


@pytest.mark.parametrize("control, value, label, sentence, box", [
    ("~.date__ge[day]", "-99999999999D", "Date", '"-99999999999D" is no date, such as 2020-12-31', "post-date-date-filter-ge"),
    ("~.date__le[day]", "+9000Y", "Date", '"+9000Y" is no date, such as 2020-12-31', "post-date-date-filter-le"),
    ("~.date__le[day]", f"+{'9' * 5000}Y", "Date", f'"+{"9" * 5000}Y" is no date, such as 2020-12-31', "post-date-date-filter-le"),
    ("~.expired__belongs[]", "maybe", "Expired?", '"maybe" cannot be chosen', "post-expired-options-filter"),
    ("~.expired__belongs[]", ["True", "maybe"], "Expired?", '"maybe" cannot be chosen', "post-expired-options-filter"),
    # the same list by a link, which the form shows as well
    ("~.expired__belongs", "maybe", "Expired?", '"maybe" cannot be chosen', "post-expired-options-filter"),
    ("~.location_id$L0__belongs[]", "\0<i>", "Location", '"\ufffd<i>" cannot be chosen', "post-location_id-location-filter"),
    ("~.title|~.body__like[words]", "\0", "Words", "Please search for text without control characters", "post-title-body-text-filter"),
])  # fmt: skip
def test_value_that_no_field_has_is_explained_at_its_control_and_shows_no_list(app, anna, control, value, label, sentence, box):
    create_posts(app, "Secret of March")
    other = "~.date__le[day]" if "date__ge" in control else "~.date__ge[day]"

    page = anna.open("/cms/post", vars={control: value, other: "2020-02-29"})

    assert page.status == 400
    assert titles(page) == []
    assert f"{label}: {sentence}" in unescape(page.text)
    beside = re.search(rf'<div class="error_wrapper" id="{box}__error">(.*?)</div>', page.text)
    assert unescape(beside[1]) == sentence
    assert re.search(rf'aria-describedby="{box}__error"', page.text)
    # the rest of what was entered
    assert f'name="{other}" type="date" value="2020-02-29"' in page.text
    assert app.request("/cms/post.json", vars={control: value}, auth="anna").status == 400


def test_sentence_about_a_value_is_in_the_language_of_the_reader(app, anna):
    create_posts(app, "Red")

    page = anna.open("/cms/post", vars={"~.expired__belongs[]": "maybe", "_language": "de"})

    assert "„maybe“ kann nicht ausgewählt werden" in unescape(page.text)


@pytest.mark.parametrize("control, value, stem", [
    ("~.date__ge[day]", "31-02-2026", "post-date-date-filter-ge"), ("~.date__le[day]", "-9999Y", "post-date-date-filter-le"),
    ("~.expired__belongs[]", "31-02-2026", "post-expired-options-filter"),
])  # fmt: skip
def test_values_in_sentences_from_right_to_left_keep_their_order(app, anna, control, value, stem):
    page = anna.open("/cms/post", vars={control: value, "_language": "ar"})

    beside = unescape(re.search(rf'id="{stem}__error">(.*?)</div>', page.text)[1])
    assert f"«\u2068{value}\u2069»" in beside
    assert "date" not in control or "\u20682020-12-31\u2069" in beside


def test_filter_of_a_link_that_the_form_does_not_show_is_kept_and_named(app, anna):
    create_posts(app, "Red", "Blue")

    page = anna.open("/cms/post", vars={"~.id__ge": "1", "limit": "5", "start": "1"})

    assert '<input name="~.id__ge" type="hidden" value="1" />' in page.text
    assert '<input name="limit" type="hidden" value="5" />' in page.text
    assert 'name="start"' not in page.text
    assert "Also filtered by: Id &gt;= 1" in page.text


def test_options_are_those_of_records_that_the_reader_may_see(app, anna):
    with app.env() as current:
        current.auth.override = True
        resource = current.s3db.resource
        for name, deleted in (("North <i>", False), ("Gone", True)):
            place = resource("gis_location").insert(name=name, level="L0")
            post_id = resource("cms_post").insert(title=name, body="b", location_id=place)
            current.db(current.db.cms_post.id == post_id).update(deleted=deleted)
        resource("gis_location").insert(name="Unused", level="L0")
        current.db.commit()

    page = anna.open("/cms/post")
    options = app.request("/cms/post/filter.options", auth="anna").json()

    assert "North &lt;i&gt;" in page.text
    assert "North <i>" not in page.text
    assert "Gone" not in page.text and "Unused" not in page.text
    assert options["post-location_id-location-filter-L0"] == [["North <i>", "North <i>"]]
    assert app.request("/cms/post/filter.options", auth="ben").status == 403


@pytest.mark.parametrize("control, value", [
    ("~.date__ge[day]", "0001-01-01"), ("~.date__le[day]", "9999-12-31"), ("~.id__ge[integer]", "9" * 400),
    ("~.id__ge[integer]", "9" * 5000),
    ("~.location_id__belongs[]", "9" * 30), ("~.location_id__belongs[]", "1,NONE,x"), ("~.location_id$L0__belongs[]", '",'),
    ("~.title|~.body__like[words]", "word " * 50), ("~.title|~.body__like[words]", '" \\ * ? % _ "'), ("~.nonsense__belongs[]", "1"),
    ("~.title__like[nonsense]", "1"), ("~.title__near[words]", "1"), ("~.date__ge", "9999-99-99"), ("~.expired__belongs[]", "maybe"),
])  # fmt: skip
def test_whatever_is_sent_is_answered(app, control, value):
    with app.configured('settings.L10n.timezone = "Asia/Tokyo"'):
        sent = {control: value, "~.date__ge[day]": ""}
        answers = [app.request(path, vars=sent, auth="anna") for path in ("/cms/post", "/cms/post.json")]

    assert {answer.status for answer in answers} <= {200, 400}
    # both formats agree whether it is a filter
    assert answers[0].status == answers[1].status


def test_list_with_a_form_takes_the_same_number_of_queries_however_many_options_there_are(app):
    def count(number):
        with app.env(user="anna", c="cms", f="post") as current:
            current.auth.override = True
            resource = current.s3db.resource
            for position in range(number):
                place = resource("gis_location").insert(name=f"P{number}-{position}", level="L0")
                series = resource("cms_series").insert(name=f"S{number}-{position}")
                resource("cms_post").insert(body="b", location_id=place, series_id=series)
            current.s3db.cms_post.series_id.readable = True
            form = make_cms_form(current)
            with counted_queries(current.db) as sent:
                page = str(form.html(resource("cms_post"), {}))
            assert page.count(f">P{number}-") == page.count(f">S{number}-") == number
            return len(sent)

    assert count(1) == count(9)


def make_cms_form(current):
    from s3 import S3FilterForm

    current.s3db.table("cms_post")
    return S3FilterForm(current.s3db.get_config("cms_post", "filter_widgets"))


# saved filters
def test_filter_is_saved_loaded_renamed_replaced_and_deleted_with_plain_forms(app, anna):
    create_posts(app, "Red", "Blue")
    anna.open("/cms/post", vars={"~.title|~.body__like[words]": "red"})

    page = anna.press("save", title="My <reds>")
    (row,) = stored(app)
    assert "Filter saved" in page.text
    assert (row.title, row.query, row.resource, row.url) == ("My <reds>", '[["~.title|~.body__like", "*red*"]]', "cms_post", "cms/post")
    assert (row.pe_id, row.owned_by_user) == (app.people["anna"].pe_id, app.people["anna"].user_id)

    page = anna.open("/cms/post")
    loaded = anna.open(shown_link(page, "My &lt;reds&gt;").removeprefix(f"/{app.name}"))
    assert titles(loaded) == ["Red"]

    anna.press("rename", id=str(row.id), title="Reds")
    assert [(row.title, row.query) for row in stored(app)] == [("Reds", '[["~.title|~.body__like", "*red*"]]')]

    anna.open("/cms/post", vars={"~.title|~.body__like[words]": "blue"})
    anna.press("replace", id=str(row.id), title="Reds")
    assert [(row.title, row.query) for row in stored(app)] == [("Reds", '[["~.title|~.body__like", "*blue*"]]')]

    page = anna.press("delete", id=str(row.id))
    assert "Filter deleted" in page.text
    assert stored(app) == []


def test_form_of_another_site_saves_nothing(app, anna):
    anna.open("/cms/post", vars={"~.title__like": "*red*"})
    anna.page.body = re.sub(rb'(name="_key" type="hidden" value=")[^"]*', rb"\1guessed", anna.page.body)

    page = anna.press("save", title="Mine")

    assert "This form was open for too long" in page.text
    assert stored(app) == []


def test_filter_without_a_title_is_not_saved(app, anna):
    anna.open("/cms/post", vars={"~.title__like": "*red*"})

    page = anna.press("save", title="  ")

    assert "Please give the filter a title" in page.text
    assert stored(app) == []


def test_filters_of_others_are_neither_shown_nor_touched(app, anna):
    edda = {"title": "Edda", "query": [["~.title", "x"]]}
    created = app.request("/cms/post/filter.json", "POST", json=edda, auth="editor").json()["created"]
    anna.open("/cms/post", vars={"~.title__like": "*red*"})
    anna.press("save", title="Mine")
    own = stored(app)[1].id
    page = anna.open("/cms/post")

    for action in ("rename", "delete"):
        anna.page = page
        page.body = page.body.replace(f'value="{own}"'.encode(), f'value="{created}"'.encode())
        answer = anna.press(action, id=str(created), title="Stolen")
        assert answer.status == 404

    assert "Edda" not in page.text
    assert [row.title for row in stored(app)] == ["Edda", "Mine"]


def test_visitors_get_the_form_but_no_saved_filters(app):
    with app.configured('settings.security.policy = 1'):
        page = app.request("/cms/post", vars={"~.title__like": "*red*"})
        answers = [
            app.request("/cms/post/filter.json"),
            app.request("/cms/post/filter.json", "POST", json={"title": "A", "query": []}),
            app.request("/cms/post/filter", "POST", data={"action": "save", "title": "A"}, vars={"~.title__like": "*red*"}),
        ]

    assert 'id="filter-form"' in page.text
    assert "Saved Filters" not in page.text
    # the last one to the login
    assert [answer.status for answer in answers] == [401, 401, 303]
    assert "/default/user/login" in answers[2].headers["location"]
    assert stored(app) == []


def test_programs_save_change_load_and_delete_filters(app):
    def post(body, query=""):
        return app.request(f"/cms/post/filter.json{query}", "POST", json=body, auth="anna").json()

    def load(query=""):
        return app.request(f"/cms/post/filter.json{query}", auth="anna").json()

    first = post({"title": "A", "description": "D", "query": [["~.title__like", "*x*"], ["~.body", None]]})["created"]
    second = post({"title": "B", "query": '[["~.title", "y"]]'})["created"]

    assert load() == [
        {"id": first, "title": "A", "description": "D", "query": [["~.title__like", "*x*"], ["~.body", None]]},
        {"id": second, "title": "B", "description": None, "query": [["~.title", "y"]]},
    ]
    assert post({"id": second, "title": "C"})["updated"] == second
    assert load(f"?load={second}") == [{"id": second, "title": "C", "description": None, "query": [["~.title", "y"]]}]
    assert post({"id": first}, "?delete=1")["deleted"] == first
    assert [row["id"] for row in load()] == [second]


@pytest.mark.parametrize("body, status", [
    ({"title": "A", "query": [["nonsense", "x"]]}, 400),
    ({"title": "A", "query": "no json"}, 400),
    ({"title": "", "query": []}, 400),
    ({"title": "x" * 3000, "query": []}, 400),
    ({"title": "\ud800", "query": []}, 400),
    ({"title": "A", "description": "\0", "query": []}, 400),
    ({"title": ["A"], "query": []}, 400),
    ({"id": 999, "title": "A"}, 404),
    ({"id": "1 or 1", "title": "A"}, 404),
])  # fmt: skip
def test_what_is_no_filter_of_the_list_is_refused_to_programs(app, body, status):
    answer = app.request("/cms/post/filter.json", "POST", json=body, auth="anna")

    assert answer.status == status
    assert answer.json()["status"] == "failed" and answer.json()["message"]
    assert stored(app) == []


def test_requests_that_another_site_could_make_are_refused(app):
    body = b'{"title": "A", "query": []}'

    plain = app.request("/cms/post/filter.json", "POST", data=body, headers={"Content-Type": "text/plain"}, auth="anna")
    foreign = app.request("/cms/post/filter.json", "POST", json={"title": "A"}, headers={"Origin": "https://evil.example"}, auth="anna")

    assert (plain.status, foreign.status) == (415, 403)
    assert stored(app) == []


def test_filter_that_was_deleted_suspends_its_subscriptions_and_says_so(app):
    filter_id = app.request("/cms/post/filter.json", "POST", json={"title": "A", "query": []}, auth="anna").json()["created"]
    with app.env(user="anna") as current:
        table = current.s3db.pr_subscription
        table.insert(pe_id=app.people["anna"].pe_id, filter_id=filter_id, notify_on=["new"], method=["EMAIL"])
        current.db.commit()

    answer = app.request("/cms/post/filter.json?delete=1", "POST", json={"id": filter_id}, auth="anna").json()

    assert answer["warning"] == "1 subscriptions that used this filter are suspended"
    with app.env() as current:
        assert current.db(current.s3db.pr_subscription.suspended == True).count() == 1


def test_page_with_form_and_saved_filters_is_light(app, anna):
    create_posts(app, *(f"Post {number}" for number in range(25)))
    for number in range(20):
        app.request("/cms/post/filter.json", "POST", json={"title": f"Filter {number}", "query": [["~.title__like", "*x*"]]}, auth="anna")

    page = anna.open(f"/cms/post?{urlencode({'~.title__like': '*post*'})}")

    assert len(titles(page)) == 20
    assert len(page.body) < 60_000
