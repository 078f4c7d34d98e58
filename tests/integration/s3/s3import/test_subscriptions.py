"""Subscriptions from a CSV file: H21, E18."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3.s3import import import_records

COLUMNS = ("First Name", "Middle Name", "Last Name", "Email", "Resource", "URL", "Filter", "Notify On", "Frequency", "Method")
HEADER = ",".join(COLUMNS)
EVE = "Eve,,Evans,eve@example.org,cms_post,cms/post,\"[['title__like', 'Flood*']]\",new|upd,hourly,EMAIL"
TABLES = ("pr_person", "pr_pentity", "pr_contact", "pr_filter", "pr_subscription", "pr_subscription_resource")


@pytest.fixture
def env(app):
    with app.env() as current:
        current.auth.override = True
        yield current


@pytest.fixture
def load(env, tmp_path):
    """Imports rows; gives what is wrong with them, or how many subscriptions were created."""

    def load(*rows, header=HEADER):
        path = tmp_path / "people.csv"
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        outcome = import_records("pr_subscription", path)
        return outcome.problems or outcome.created

    return load


@pytest.fixture
def numbers(env):
    """Gives how many records there are, in all tables."""
    return lambda: {name: env.db(env.s3db[name].id > 0).count() for name in TABLES}


def subscriptions(current):
    """[(name, filter, notify_on, frequency, method, [(resource, url)])], sorted."""
    s3db, db = current.s3db, current.db
    resource, saved, person = s3db.pr_subscription_resource, s3db.pr_filter, s3db.pr_person
    found = []
    for row in db(s3db.pr_subscription.deleted == False).select():
        name = db(person.pe_id == row.pe_id).select().first().first_name
        query = db(saved.id == row.filter_id).select().first().query if row.filter_id else None
        watched = sorted((part.resource, part.url) for part in db(resource.subscription_id == row.id).select())
        found.append((name, query and json.loads(query), row.notify_on, row.frequency, row.method, watched))
    return sorted(found, key=repr)


def test_a_row_becomes_person_contact_filter_subscription_and_resource(env, load, app):
    """E18"""
    assert load(EVE) == 1

    assert subscriptions(env) == [
        ("Eve", [["title__like", "Flood*"]], ["new", "upd"], "hourly", ["EMAIL"], [("cms_post", "cms/post")])
    ]
    s3db, db = env.s3db, env.db
    person = db(s3db.pr_person.first_name == "Eve").select().first()
    contact = db(s3db.pr_contact.pe_id == person.pe_id).select().first()
    assert (person.last_name, contact.contact_method, contact.value) == ("Evans", "EMAIL", "eve@example.org")
    saved = db(s3db.pr_filter.pe_id == person.pe_id).select().first()
    assert saved.title == 'Title like "flood*"'
    # it reports what happens from now on
    [watched] = db(s3db.pr_subscription_resource.id > 0).select()
    assert watched.last_check_time == app.clock.now and watched.last_position > 0


def test_file_with_semicolons_is_told_that_commas_separate_columns(load):
    problems = load("Eve;;Evans;eve@example.org;cms_post;cms/post;;;;", header=HEADER.replace(",", ";"))

    assert problems == ["people.csv, line 1: columns are separated by commas, not by semicolons"]


def test_a_second_import_changes_nothing(env, load, numbers):
    load(EVE, "Bo,,Berg,bo@example.org,cms_series,cms/series,,,,")
    env.db.commit()
    before = numbers()
    stamps = [row.modified_on for row in env.db(env.s3db.pr_subscription.id > 0).select()]

    assert load(EVE, "Bo,,Berg,bo@example.org,cms_series,cms/series,,,,") == 0

    assert numbers() == before
    assert [row.modified_on for row in env.db(env.s3db.pr_subscription.id > 0).select()] == stamps


def test_what_the_person_has_changed_or_ended_stays_so(env, load, numbers):
    load(EVE, "Bo,,Berg,bo@example.org,cms_series,cms/series,,,,")
    s3db, db = env.s3db, env.db
    eve, bo = sorted(db(s3db.pr_subscription.id > 0).select(), key=lambda row: row.frequency, reverse=True)
    db(s3db.pr_subscription.id == eve.id).update(frequency="weekly")
    db(s3db.pr_filter.id == eve.filter_id).update(query="[]")
    ended = s3db.pr_subscription_resource.subscription_id == bo.id
    db(ended).update(deleted=True, deleted_fk=json.dumps({"subscription_id": bo.id}), subscription_id=None)
    before = numbers()

    assert load(EVE, "Bo,,Berg,bo@example.org,cms_series,cms/series,,,,") == 0

    assert numbers() == before
    assert [(row[0], row[1], row[3], row[5]) for row in subscriptions(env)] == [
        ("Bo", None, "daily", []), ("Eve", [], "weekly", [("cms_post", "cms/post")]),
    ]  # fmt: skip


def test_what_the_person_has_subscribed_alone_is_not_subscribed_again(env, load, app):
    s3db = env.s3db
    subscription_id = s3db.pr_subscription.insert(pe_id=app.people["anna"].pe_id, frequency="weekly", notify_on=["new"], method=["EMAIL"])
    s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")

    assert load(",,,anna@cast.example,cms_post,/cms/post,,new,hourly,EMAIL") == 0
    assert load(",,,anna@cast.example,cms_post,cms/post,\"[['title', 'Flood']]\",new,hourly,EMAIL") == 1


FLOODS = "\"[['title__like', 'Flood*']]\""


@pytest.mark.parametrize("cell, query", [
    # pages store an empty condition for each control in which nothing was chosen
    ("", [["series_id__belongs", None], ["location_id$L1__belongs", None]]),
    (FLOODS, [["title__like", "Flood*"], ["series_id__belongs", None]]),
    (FLOODS, [["~.title__like", "Flood*"]]),
    ("\"[['title__like', 'Flood*'], ['name', 'A']]\"", [["name", "A"], ["title__like", "Flood*"]]),
    ("\"[['title|body__like', 'Flood*']]\"", [["~.title|~.body__like", "Flood*"]]),
])
def test_what_a_page_has_saved_is_recognised_however_it_is_written(env, load, app, cell, query):
    _subscribe(env, app, query)

    assert load(f",,,anna@cast.example,cms_post,cms/post,{cell},new,daily,EMAIL") == 0


@pytest.mark.parametrize("query", ["[broken", [["title__like", "Flood"]]])
def test_other_filters_and_what_cannot_be_read_are_no_reason_to_leave_a_row_out(env, load, app, query):
    _subscribe(env, app, query)

    assert load(f",,,anna@cast.example,cms_post,cms/post,{FLOODS},new,daily,EMAIL") == 1


def _subscribe(env, app, query):
    s3db, pe_id = env.s3db, app.people["anna"].pe_id
    text = query if isinstance(query, str) else json.dumps(query)
    filter_id = s3db.pr_filter.insert(pe_id=pe_id, title="Notification Settings", query=text)
    subscription_id = s3db.pr_subscription.insert(
        pe_id=pe_id, filter_id=filter_id, frequency="daily", notify_on=["new"], method=["EMAIL"]
    )
    s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")


def test_an_account_is_found_by_its_address(env, load, app, numbers):
    people = numbers()["pr_person"]

    assert load("anna,,ABEL,Anna@Cast.example,cms_post,cms/post,,,,") == 1

    assert numbers()["pr_person"] == people
    [row] = env.db(env.s3db.pr_subscription.id > 0).select()
    assert row.pe_id == app.people["anna"].pe_id


def test_settings_that_are_not_given_are_those_of_a_new_subscription(env, load):
    load("Eve,,Evans,eve@example.org,cms_post,cms/post,,,,")

    assert subscriptions(env) == [("Eve", None, ["new"], "daily", ["EMAIL"], [("cms_post", "cms/post")])]


def test_rows_with_the_same_filter_and_settings_are_one_subscription(env, load):
    assert load(
        "Eve,,Evans,eve@example.org,cms_post,cms/post,\"[['name', 'Flood']]\",new,hourly,email",
        ",,,EVE@example.org,cms_series,cms/series,\"[[\"\"name\"\", \"\"Flood\"\"]]\",NEW,Hourly,",
        ",,,eve@example.org,cms_series,cms/series?x=1,\"[['name', 'Flood']]\",new,hourly,EMAIL",
        ",,,eve@example.org,cms_post,cms/post,,new,hourly,EMAIL",
    ) == 2

    flood = [["name", "Flood"]]
    assert [(query, watched) for _, query, _, _, _, watched in subscriptions(env)] == [
        (None, [("cms_post", "cms/post")]),
        (flood, [("cms_post", "cms/post"), ("cms_series", "cms/series"), ("cms_series", "cms/series?x=1")]),
    ]


@pytest.mark.parametrize("column, row, problem", [
    ("Email", "Eve,,,,cms_post,cms/post,,,,", "enter a value"),
    ("Email", "Eve,,,eve at home,cms_post,cms/post,,,,", "Enter a valid email"),
    ("Email", "Eve,,Evans,anna@cast.example,cms_post,cms/post,,,,", "is the address of Anna Abel"),
    ("First Name", ",,Evans,eve@example.org,cms_post,cms/post,,,,", "nobody has the address eve@example.org yet; enter the name"),
    ("Last Name", f"Eve,,{'e' * 65},eve@example.org,cms_post,cms/post,,,,", "64"),
    ("Resource", "Eve,,,eve@example.org,cms_pots,cms/post,,,,", "Cannot subscribe to the resource 'cms_pots': there is no such table"),
    ("URL", "Eve,,,eve@example.org,cms_post,https://example.org/,,,,", "it must be controller/function of this application"),
    ("URL", "Eve,,,eve@example.org,cms_post,cms/post/1,,,,", "the page is no list"),
    ("Filter", "Eve,,,eve@example.org,cms_post,cms/post,\"[['colour', 'red']]\",,,", "colour"),
    ("Filter", "Eve,,,eve@example.org,cms_post,cms/post,title = Flood,,,", "The filter is no JSON"),
    ("Notify On", "Eve,,,eve@example.org,cms_post,cms/post,,deleted,,", "'deleted' is none of new, upd"),
    ("Frequency", "Eve,,,eve@example.org,cms_post,cms/post,,,yearly,", "'yearly' is none of immediately, hourly, daily, weekly, never"),
    ("Frequency", "Eve,,,eve@example.org,cms_post,cms/post,,,daily|weekly,", "choose one of immediately"),
    ("Method", "Eve,,,eve@example.org,cms_post,cms/post,,,,PIGEON", "'PIGEON' is none of EMAIL, SMS"),
    ("Method", "Eve,,,eve@example.org,cms_post,cms/post,,,,EMAIL|SMS", "the person has no mobile phone number"),
])
def test_a_row_that_cannot_be_used_is_named_and_nothing_is_written(env, load, numbers, column, row, problem):
    before = numbers()

    problems = load("# a note", "Bo,,Berg,bo@example.org,cms_post,cms/post,,,,", row)

    assert len(problems) == 1
    assert problems[0].startswith(f"people.csv, line 4, column '{column}': ") and problem in problems[0]
    assert numbers() == before


def test_rows_that_contradict_one_another_are_named(env, load, numbers):
    before = numbers()

    assert load(EVE, EVE) == ["people.csv, line 3: asks for the same as line 2"]
    assert load(EVE, "Eva,,Evans,eve@example.org,cms_series,cms/series,,,,") == [
        "people.csv, line 3, column 'First Name': line 2 gives this person another name"
    ]
    assert numbers() == before


def test_an_address_of_several_persons_needs_their_names(env, load, app):
    s3db = env.s3db
    for name in ("Ida", "Ivo"):
        record = {"id": s3db.pr_person.insert(first_name=name, last_name="Imm")}
        s3db.update_super(s3db.pr_person, record)
        s3db.pr_contact.insert(pe_id=record["pe_id"], contact_method="EMAIL", value="imm@example.org")

    assert load(",,,imm@example.org,cms_post,cms/post,,,,") == ["people.csv, line 2, column 'Email': several persons have this address"]
    assert load("Ivo,,,imm@example.org,cms_post,cms/post,,,,") == 1
    assert [row[0] for row in subscriptions(env)] == ["Ivo"]


def test_an_empty_filter_is_none(env, load):
    assert load(",,,anna@cast.example,cms_post,cms/post,[],,,") == 1
    assert load(",,,anna@cast.example,cms_post,cms/post,,,,") == 0

    assert [row[1] for row in subscriptions(env)] == [None]


def test_the_example_of_the_documentation_is_right(env, load):
    page = (Path(__file__).resolve().parents[4] / "docs" / "prepopulation.md").read_text(encoding="utf-8")
    example = next(block for block in page.split("```") if block.strip().startswith(HEADER)).strip()

    assert load(*example.splitlines()[1:]) == 2

    assert [(query, watched) for _, query, _, _, _, watched in subscriptions(env)] == [
        (None, [("gis_location", "gis/location")]), ([["series_id$name", "Flood Warning"]], [("cms_post", "cms/post")]),
    ]  # fmt: skip


def test_headers_are_known_in_any_case_and_others_are_named(env, load):
    assert load("Eve,eve@example.org,cms_post,cms/post", header="first_name,EMAIL,resource,Url") == 1
    assert load("x", header="Email,Colour") == [f"people.csv, line 1, column 'Colour': only {', '.join(COLUMNS)}"]
    assert load("x", header="Email,Resource") == ["people.csv, line 1: there is no column 'URL'"]


def test_files_with_names_of_fields_are_still_files_of_records(env, load, app):
    label = "pe_id$pr_person.pe_label"
    env.db(env.s3db.pr_person.id == app.people["anna"].person_id).update(pe_label="A1")

    assert load("A1,weekly", header=f"{label},frequency") == 1
