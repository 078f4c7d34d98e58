"""Selectors of clients (URL variables, saved filters): what they cannot reach, and what they still can."""
from __future__ import annotations

import re

import pytest

from s3.s3error import S3SelectorError
from s3.s3filter import S3FilterString, validate_filter
from s3.s3query import FS
from s3.s3resource import S3Resource

# (table of the page, selector that leads to what the page is not about)
CLOSED = [
    # accounts: who writes, with what rights, from where
    ("cms_post", "~.created_by$email"),
    ("cms_post", "~.created_by$first_name"),
    ("cms_post", "~.created_by$password"),
    ("cms_post", "~.created_by$registration_key"),
    ("cms_post", "comment.created_by$email"),
    ("cms_post", "~.created_by$auth_membership.group_id$role"),
    ("cms_post", "~.created_by$auth_event.client_ip"),
    ("pr_person", "user.email"),
    # persons and their contact data
    ("cms_post", "~.created_by$owned_by_user:pr_contact.value"),
    ("cms_post", "~.created_by$user_id:pr_person_user.pe_id$contact.value"),
    ("cms_post", "~.person_id$contact.value"),
    ("cms_post", "~.person_id$user__link.user_id"),
    ("cms_post", "~.person_id$date_of_birth"),
    ("cms_post", "~.person_id$location_id$name"),
    ("cms_post", "~.person_id$pe_id$email.value"),
    ("org_organisation", "contact.value"),
    # gateways
    ("cms_post", "~.created_by$created_by:msg_sms_webapi_channel.parameters"),
    ("msg_sms_webapi_channel", "~.parameters"),
    ("msg_sms_webapi_channel", "~.username"),
    ("msg_sms_webapi_channel", "~.password"),
    # tables that are no components
    ("cms_post", "~.location_id$cms_post.body"),
    ("cms_post", "~.location_id$location_id:cms_post.body"),
    # fields that no page shows
    ("cms_post", "comment.parent"),
    ("cms_post", "~.location_id$path"),
    ("cms_post", "~.location_id$created_by"),
]


@pytest.mark.parametrize(("tablename", "selector"), CLOSED)
def test_client_cannot_filter_by_what_the_page_is_not_about(app, tablename, selector):
    with app.env(user="admin", c="default", f="index") as current:
        for key in (selector, f"{selector}__ne", f"{selector}__like!"):
            with pytest.raises(S3SelectorError, match=re.escape(selector)):
                current.s3db.resource(tablename, vars={key: "a*"}).count()
        with pytest.raises(S3SelectorError, match=re.escape(selector)):
            validate_filter([[selector, "1"]], [tablename])


@pytest.mark.parametrize(
    ("tablename", "selector"),
    [
        ("cms_post", "~.created_by__ne"),
        ("cms_post", "~.owned_by_user"),
        ("cms_post", "comment.created_by__ne"),
        ("cms_post", "comment.created_on__ge"),
        ("cms_post", "~.created_by$id"),
        ("cms_post", "~.created_by$organisation_id"),
        ("cms_post", "~.series_id$name"),
        ("cms_post", "~.location_id$L1"),
        ("cms_post", "~.location_id$parent$parent$name"),
        ("cms_post", "tag.name"),
        ("cms_post", "tag__link.tag_id"),
        ("cms_post", "~.person_id$last_name"),
        ("cms_post", "~.priority"),
        ("pr_person", "contact.value"),
        ("pr_person", "~.date_of_birth"),
        ("pr_person", "group_membership.person_id$date_of_birth"),
        ("pr_person", "user.id"),
        ("msg_outbox", "~.status"),
        ("msg_outbox", "~.message_id$body"),
    ],
)
def test_client_can_filter_by_what_the_page_is_about(app, tablename, selector):
    value = "2026-01-01T00:00:00Z" if selector.endswith("_ge") else "1066-10-14" if selector.endswith("birth") else "99"
    with app.env(user="admin") as current:
        assert current.s3db.resource(tablename, vars={selector: value}).count() == 0
        assert validate_filter([[selector, value]], [tablename])


def test_code_may_filter_by_what_clients_may_not(app):
    with app.env(user="admin", c="cms", f="post") as current:
        post = current.s3db.resource("cms_post").insert(name="P", body="Hello")
        for selector in ("created_by$email", "created_by$auth_membership.user_id$email"):
            found = current.s3db.resource("cms_post", filter=FS(selector) == "admin@cast.example")
            assert found.select(["id"], getids=True).ids == [post]


def test_secrets_are_closed_to_code_as_well(app):
    with app.env(user="admin") as current, pytest.raises(S3SelectorError, match="parameters"):
        current.s3db.resource("msg_sms_webapi_channel", filter=FS("parameters").like("%key%")).count()


def test_path_of_a_context_is_trusted_but_not_what_follows(app):
    with app.env(user="admin", c="cms", f="post") as current:
        current.s3db.resource("cms_post").insert(name="P", body="Hello")
        context = {"author": "created_by", "mail": "(author)$email", "person": "person_id", "home": "(person)$location_id"}
        current.s3db.configure("cms_post", context=context)

        def count(**variables):
            return current.s3db.resource("cms_post", vars=variables).count()

        assert count(**{"(mail)": "admin@cast.example"}) == 1
        assert count(**{"(home)$name": "x"}) == 0
        for key in ("(author)$email", "~.(author)$email", "(author)$auth_membership.id", "(home)$path", "(person)$contact.value"):
            with pytest.raises(S3SelectorError, match=re.escape(key)):
                count(**{key: "1"})


@pytest.mark.parametrize("key", ["parent_id$" * 9 + "name", "parent_id$" * 300 + "name", "child." * 9 + "name", "child." * 300 + "name"])
def test_path_of_too_many_steps_is_refused(depot, key):
    with pytest.raises(S3SelectorError, match="more than 8 steps"):
        S3Resource("depot_item", vars={f"~.{key}": "x"}).count()
    with pytest.raises(S3SelectorError, match="more than 8 steps"):
        validate_filter([[key, "x"]], ["depot_item"])


def test_path_of_eight_steps_is_followed(depot):
    assert S3Resource("depot_item", vars={"~." + "parent_id$" * 8 + "name": "x"}).count() == 0


def test_filters_that_join_too_many_tables_are_refused(depot):
    keys = ["child." * steps + "parent_id$" * (8 - steps) + "name" for steps in range(9)]
    few, many = dict.fromkeys(keys[:3], "x"), dict.fromkeys((f"~.{key}" for key in keys), "x")

    assert S3Resource("depot_item", vars=few).count() == 0
    assert validate_filter(list(few.items()), ["depot_item"])
    with pytest.raises(S3SelectorError, match=r"name: the filters join more than 30 tables"):
        S3Resource("depot_item", vars=many).count()
    with pytest.raises(S3SelectorError, match="more than 30 tables"):
        validate_filter(list(many.items()), ["depot_item"])


BACK = ["~.parent_id$name", "child.name", "comp.item_id$name", "tag__link.item_id$name", "~.from_id$name|parent_id$name"]


@pytest.fixture
def items(depot):
    parent = depot.db.depot_item.insert(name="secret", status="hidden")
    depot.db.depot_item.insert(name="open", parent_id=parent)


def is_open(depot):
    return (depot.db.depot_item.status == None) | (depot.db.depot_item.status != "hidden")


@pytest.mark.parametrize("key", BACK)
def test_table_of_which_code_hides_records_cannot_be_joined_again(depot, items, key):
    with pytest.raises(S3SelectorError, match="hides records"):
        S3Resource("depot_item", filter=is_open(depot), vars={f"{key}__like": "s*"}).count()
    late = S3Resource("depot_item", vars={f"{key}__like": "s*"})
    late.count()
    late.add_filter(FS("status") != "hidden")
    with pytest.raises(S3SelectorError, match="hides records"):
        late.select(["name"])


def test_same_table_joined_again_is_fine_if_nothing_is_hidden(depot, items):
    variables = {"~.parent_id$name__like": "s*"}
    chosen = S3Resource("depot_item", vars=variables)
    chosen.add_filter(depot.db.depot_item.id > 0, hides=False)

    assert chosen.select(["name"]).rows == [{"depot_item.name": "open"}]
    assert S3Resource("depot_item", vars=variables).count() == 1


def test_code_may_join_again_the_table_of_which_it_hides_records(depot, items):
    assert S3Resource("depot_item", filter=is_open(depot) & (depot.db.depot_item.id > 0), vars={"~.name": "open"}).count() == 1
    found = S3Resource("depot_item", filter=FS("parent_id$name") == "secret")
    found.add_filter(is_open(depot))
    assert found.count() == 1


def test_component_cannot_lead_back_to_records_that_its_page_hides(depot, items):
    variables = {"comp.item_id$name__like": "s*"}
    master = S3Resource("depot_item", filter=is_open(depot), vars=variables, filter_component="comp")

    with pytest.raises(S3SelectorError, match="hides records"):
        master.components["comp"].count()


def test_component_of_which_code_hides_records_cannot_be_joined(depot, items):
    master = S3Resource("depot_item", vars={"comp.value__like": "s*"})
    master.add_filter(FS("value") != "secret", c="comp")

    with pytest.raises(S3SelectorError, match="hides records"):
        master.count()


def test_context_may_lead_back(depot, items):
    depot.s3db.configure("depot_item", context={"above": "parent_id$name"})

    assert S3Resource("depot_item", filter=is_open(depot), vars={"(above)": "secret"}).count() == 1


def test_text_of_a_filter_is_bound_by_the_same_rules(depot):
    with pytest.raises(S3SelectorError, match="no component"):
        S3FilterString(S3Resource("depot_item"), [["~.from_id$depot_item.name", "x"]]).represent()
