"""Which records are called by their names in filters: those that the reader may read, or sees in the list anyhow."""
from __future__ import annotations

import html
import re

import pytest
from bare import counted_queries

from s3.s3filter import S3FilterString, S3OptionsFilter
from s3.s3import import import_records
from s3.s3resource import S3Resource

POLICY = "settings.security.policy = 5\n"
SHOWN = """
def _show(r, tablename):
    current.s3db.cms_post.series_id.readable = True
settings.customise_cms_post_resource = _show
"""
LISTED = """
def _list(r, tablename):
    current.s3db.configure('cms_post', list_fields=['title', 'created_by'])
settings.customise_cms_post_resource = _list
"""


@pytest.fixture
def series(app):
    """{name: id} of two series that nobody may read; a post that everybody may read is in "Used"."""
    with app.env() as current:
        current.auth.override = True
        s3db, db = current.s3db, current.db
        found = {name: s3db.resource("cms_series").insert(name=name) for name in ("Used", "Unused")}
        s3db.resource("cms_post").insert(name="P", title="Post", body="b", series_id=found["Used"])
        rules = current.auth.table("s3_permission")
        rules.insert(group_id=current.auth.get_system_roles().AUTHENTICATED, tablename="cms_series", uacl=0, oacl=0)
        db.commit()
    return found


def said(app, who, *pairs, c="cms", f="post", tablename="cms_post"):
    with app.env(who, c=c, f=f):
        return S3FilterString(S3Resource(tablename), [list(pair) for pair in pairs]).represent()


def shown(app, who, query):
    """The line below the form."""
    page = app.request(f"/cms/post?{query}", auth=who).text
    return "".join(re.findall("Also filtered by: ([^<]*)", html.unescape(page)))


def test_closed_record_is_named_only_if_the_list_shows_it(app, series):
    with app.configured(POLICY + SHOWN):
        unused = shown(app, "anna", f"~.series_id__ne={series['Unused']}")
        used = shown(app, "anna", f"~.series_id__ne={series['Used']}")

    assert (unused, used) == (f'Type != "{series["Unused"]}"', 'Type != "Used"')


def test_post_that_the_reader_may_not_read_shows_no_name(app, series):
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("cms_post").insert(name="H", title="Hidden", body="b", series_id=series["Unused"])
        current.db.commit()
    with app.configured(POLICY), app.env("anna", c="cms", f="post") as current:
        current.s3db.cms_post.series_id.readable = True
        is_open = current.s3db.cms_post.title != "Hidden"
        text = S3FilterString(S3Resource("cms_post", filter=is_open), [["series_id__ne", str(series["Unused"])]]).represent()

    assert text == f'Type != "{series["Unused"]}"'


def test_field_that_the_page_does_not_show_shows_no_name(app, series):
    with app.configured(POLICY):
        assert shown(app, "anna", f"~.series_id__ne={series['Used']}") == f'Type != "{series["Used"]}"'


def test_record_that_the_reader_may_read_is_named_though_no_record_has_it(app, series):
    with app.configured(POLICY):
        text = said(app, "admin", ("series_id__ne", str(series["Unused"])))

    assert text == 'Type != "Unused"'


def test_table_without_a_rule_is_read_as_on_its_own_page(app):
    with app.env() as current:
        current.auth.override = True
        series = current.s3db.resource("cms_series").insert(name="Unused")
        current.s3db.resource("cms_post").insert(name="P", title="Post", body="b")
        rules = current.auth.table("s3_permission")
        visitors = current.auth.get_system_roles().ANONYMOUS
        current.db(rules.controller == "cms").delete()
        rules.insert(group_id=visitors, controller="cms", function="post", uacl=2, oacl=2)
        current.db.commit()
    with app.configured("settings.security.policy = 4\n"):
        closed = said(app, None, ("series_id__ne", str(series)))
        with app.env() as current:
            current.auth.table("s3_permission").insert(group_id=visitors, controller="cms", function="series", uacl=2, oacl=2)
            current.db.commit()
        opened = said(app, None, ("series_id__ne", str(series)))

    assert (closed, opened) == (f'Type != "{series}"', 'Type != "Unused"')


@pytest.mark.parametrize("policy", [1, 2, 5, 7])
@pytest.mark.parametrize("field", ["created_by", "modified_by", "owned_by_user", "approved_by"])
@pytest.mark.parametrize("who", ["anna", None])
def test_accounts_are_not_named_by_their_number(app, who, field, policy):
    with app.env("admin") as current:
        current.s3db.resource("cms_post").insert(name="P", title="Post", body="b")
        current.db.commit()
    admin = app.people["admin"].user_id
    with app.configured(f"settings.security.policy = {policy}\n"):
        text = said(app, who, (f"{field}__ne", str(admin)))

    assert str(admin) in text and "cast.example" not in text


def test_page_names_no_account_by_its_number(app):
    with app.configured("settings.security.policy = 1\n"):
        text = shown(app, None, f"~.created_by__ne={app.people['admin'].user_id}")

    assert text == f'Created By != "{app.people["admin"].user_id}"'


@pytest.mark.parametrize(("who", "known"), [("anna", ["anna"]), ("admin", ["admin", "anna", "ben"]), (None, [])])
def test_own_account_is_named_and_all_to_administrators(app, who, known):
    keys = ["admin", "anna", "ben"]
    with app.configured(POLICY):
        text = said(app, who, ("created_by__ne", ",".join(str(app.people[key].user_id) for key in keys)))

    assert [key for key in keys if f"{key}@cast.example" in text] == known


def test_account_that_the_list_shows_is_named(app):
    with app.env("admin") as current:
        current.s3db.resource("cms_post").insert(name="P", title="Post", body="b")
        current.db.commit()
    admin, ben = (str(app.people[key].user_id) for key in ("admin", "ben"))
    with app.configured(POLICY + LISTED):
        text = shown(app, "anna", f"~.created_by__ne={admin},{ben}")

    assert text == f'Created By != "admin@cast.example" or "{ben}"'


@pytest.mark.parametrize("field", ["realm_entity", "owned_by_group"])
def test_entities_and_roles_are_not_named_by_their_number(app, field):
    with app.configured(POLICY):
        numbers = {number: said(app, "anna", (f"{field}__belongs", str(number))) for number in range(1, 8)}
        own = app.people["anna"].pe_id

    assert {number: text for number, text in numbers.items() if f"= {number}" not in text and number != own} == {}


def test_own_entity_is_named(app):
    with app.configured(POLICY):
        text = said(app, "anna", ("realm_entity__belongs", str(app.people["anna"].pe_id)))

    assert "Anna" in text


def test_number_of_queries_does_not_grow_with_the_values(app, series):
    counts = []
    with app.configured(POLICY):
        for values in (2, 40):
            with app.env("anna", c="cms", f="post") as current:
                pairs = [["series_id__ne", ",".join(map(str, range(1, values)))], ["title__ne", "x"], ["expired", "False"]]
                string = S3FilterString(S3Resource("cms_post"), pairs)
                # the rules of the reader are read once in a request
                current.auth.s3_has_permission("read", "cms_post")
                with counted_queries(current.db) as sent:
                    string.represent()
                counts.append(len(sent))

    assert counts[0] == counts[1] <= 3


def test_filter_without_references_asks_nothing(app):
    with app.configured(POLICY), app.env("anna", c="cms", f="post") as current:
        string = S3FilterString(S3Resource("cms_post"), [["title__like", "x*"], ["expired", "False"]])
        with counted_queries(current.db) as sent:
            string.represent()

    assert list(sent) == []


@pytest.mark.parametrize("field", ["created_by", "realm_entity"])
def test_chosen_option_names_no_account_or_entity_by_its_number(app, field):
    ben = app.people["ben"]
    number = ben.user_id if field == "created_by" else ben.pe_id
    with app.configured(POLICY), app.env("anna", c="cms", f="post"):
        drawn = str(S3OptionsFilter(field)(S3Resource("cms_post"), {f"~.{field}__belongs": str(number)}))

    assert f'value="{number}"' in drawn and "ben" not in drawn.lower()


def test_chosen_option_names_no_record_that_is_closed(app, series):
    with app.configured(POLICY), app.env("anna", c="cms", f="post") as current:
        current.s3db.cms_post.series_id.readable = True
        drawn = str(S3OptionsFilter("series_id")(S3Resource("cms_post"), {"~.series_id__belongs": str(series["Unused"])}))

    assert f'value="{series["Unused"]}"' in drawn and "Unused" not in drawn


def test_title_of_an_imported_filter_names_no_record(app, series, tmp_path):
    path = tmp_path / "people.csv"
    query = f"\"[['series_id__ne', '{series['Unused']}'], ['created_by__ne', '{app.people['admin'].user_id}']]\""
    path.write_text(f"Email,Resource,URL,Filter\nanna@cast.example,cms_post,cms/post,{query}\n", encoding="utf-8")
    with app.env() as current:
        current.auth.override = True
        outcome = import_records("pr_subscription", path)
        titles = [row.title for row in current.db(current.s3db.pr_filter.id > 0).select()]

    assert outcome.problems == []
    assert titles == [f'Type != "{series["Unused"]}" AND Created By != "{app.people["admin"].user_id}"']
