"""What a page shows of other tables: each joined table is judged by its own rules, realms, owners and approval."""
from __future__ import annotations

import pytest
from realms import as_user, entity

READ = 2
PAGE = {"c": "org", "f": "office"}


@pytest.fixture
def world(app):
    """(current, ben, two organisations by name, one office of each), the page permitted to the role LOOKER."""
    with app.env(**PAGE) as current:
        auth, s3db = current.auth, current.s3db
        auth.s3_create_role("Looker", None, {**PAGE, "uacl": READ}, uid="LOOKER")
        organisations = {}
        for name in ("Red", "Blue"):
            pe_id = entity(current, name=name)
            organisations[name] = s3db.org_organisation(pe_id=pe_id)
            current.db(s3db.org_organisation.pe_id == pe_id).update(realm_entity=pe_id)
            s3db.org_office.insert(name=f"{name} office", organisation_id=organisations[name].id)
        yield current, app.people["ben"].user_id, organisations


def offices(current, *fields, **attr):
    """{office: values of the fields}, None for what is not shown."""
    rows = current.s3db.resource("org_office", **attr).select(["name", *fields], orderby="org_office.name")["rows"]
    names = [key for key in rows[0] if key != "org_office.name"] if rows else []
    return {row["org_office.name"]: [row[key] for key in names] for row in rows}


def test_table_without_rules_is_shown_by_who_may_see_the_page(world):
    current, ben, _ = world
    current.auth.s3_assign_role(ben, "LOOKER")

    as_user(current, ben, 5)

    assert offices(current, "organisation_id$name") == {"Blue office": ["Blue"], "Red office": ["Red"]}


def test_table_with_a_rule_for_others_shows_nothing_on_a_permitted_page(world):
    current, ben, _ = world
    auth = current.auth
    auth.s3_assign_role(ben, "LOOKER")
    auth.permission.update_acl("READER", t="org_organisation", uacl=READ)

    as_user(current, ben, 5)
    assert offices(current, "organisation_id$name") == {"Blue office": [None], "Red office": [None]}
    # neither as a filter nor as an order
    assert offices(current, vars={"~.organisation_id$name": "Red"}) == {}
    rows = current.s3db.resource("org_office").select(["name"], orderby="organisation_id$name desc, name")["rows"]
    assert [row["org_office.name"] for row in rows] == ["Blue office", "Red office"]

    # under a policy that knows no table rules the page decides alone
    as_user(current, ben, 4)
    assert offices(current, "organisation_id$name") == {"Blue office": ["Blue"], "Red office": ["Red"]}


def test_name_that_stands_for_a_key_stays_visible(world):
    """It belongs to the record, as in the original: representations read the names of whatever the page's own table refers to."""
    current, ben, organisations = world
    current.auth.s3_assign_role(ben, "LOOKER")
    current.auth.permission.update_acl("READER", t="org_organisation", uacl=READ)
    as_user(current, ben, 5)

    rows = current.s3db.resource("org_office").select(["organisation_id"], represent=True, orderby="org_office.name")["rows"]

    assert [row["org_office.organisation_id"] for row in rows] == ["Blue", "Red"]


@pytest.mark.parametrize("policy", [6, 7])
def test_joined_record_is_judged_by_its_own_realm(world, policy):
    current, ben, organisations = world
    current.auth.s3_assign_role(ben, "LOOKER", for_pe=organisations["Red"].pe_id)

    as_user(current, ben, policy)

    # the offices belong to no realm, their organisations do
    assert offices(current, "organisation_id$name") == {"Blue office": [None], "Red office": ["Red"]}
    assert list(offices(current, vars={"~.organisation_id$name__belongs": "Red,Blue"})) == ["Red office"]


def test_joined_record_is_judged_by_its_own_owner(world):
    current, ben, organisations = world
    auth, table = current.auth, current.s3db.org_organisation
    auth.s3_assign_role(ben, "LOOKER")
    auth.permission.update_acl("LOOKER", t="org_organisation", uacl=0, oacl=READ)
    current.db(table.id == organisations["Blue"].id).update(owned_by_user=ben)
    current.db(table.id == organisations["Red"].id).update(owned_by_user=None)

    as_user(current, ben, 5)

    assert offices(current, "organisation_id$name") == {"Blue office": ["Blue"], "Red office": [None]}


def test_joined_record_that_waits_for_approval_is_not_shown(world):
    current, ben, organisations = world
    current.auth.s3_assign_role(ben, "LOOKER")
    table = current.s3db.org_organisation
    current.db(table.id == organisations["Blue"].id).update(approved_by=None, owned_by_user=None)
    current.db(table.id == organisations["Red"].id).update(approved_by=0)

    as_user(current, ben, 5, auth__record_approval=True, auth__record_approval_required_for=["org_organisation"])

    assert offices(current, "organisation_id$name") == {"Blue office": [None], "Red office": ["Red"]}


def test_component_is_judged_by_its_own_rules(world):
    current, ben, organisations = world
    auth = current.auth
    auth.s3_assign_role(ben, "LOOKER")
    auth.permission.update_acl("READER", t="org_office", uacl=READ)
    as_user(current, ben, 5)

    resource = current.s3db.resource("org_organisation", components=["office"])
    rows = resource.select(["name", "office.name"], orderby="org_organisation.name")["rows"]

    assert [(row["org_organisation.name"], row["org_office.name"]) for row in rows] == [("Blue", None), ("Red", None)]
    assert resource.components["office"].select(["name"])["rows"] == []


@pytest.fixture
def tagged(app):
    """(current, ben) with a post that has a tag."""
    with app.env(c="cms", f="post") as current:
        auth, s3db = current.auth, current.s3db
        auth.s3_create_role("Looker", None, {"c": "cms", "uacl": READ}, {"t": "cms_post", "uacl": READ}, uid="LOOKER")
        auth.s3_assign_role(app.people["ben"].user_id, "LOOKER")
        post, tag = s3db.cms_post.insert(name="Post", body="Body"), s3db.cms_tag.insert(name="Tag")
        s3db.cms_tag_post.insert(post_id=post, tag_id=tag)
        yield current, app.people["ben"].user_id


@pytest.mark.parametrize("both", [False, True])
def test_fields_of_a_link_table_are_judged_by_its_own_rules(tagged, both):
    """The way through it stays open, since what it leads to is judged for itself."""
    current, ben = tagged
    selectors = ["name", *(["tag.name"] if both else []), "tag__link.tag_id"]
    as_user(current, ben, 5)
    shown = current.s3db.resource("cms_post").select(selectors)["rows"][0]
    assert shown["cms_tag_post.tag_id"] is not None

    current.auth.permission.update_acl("READER", t="cms_tag_post", uacl=READ)
    as_user(current, ben, 5)

    shown = current.s3db.resource("cms_post").select(selectors)["rows"][0]
    assert shown["cms_tag_post.tag_id"] is None
    filtered = current.s3db.resource("cms_post", vars={"tag__link.tag_id__ne": "NONE"})
    assert filtered.select(["name"])["rows"] == []
    assert current.s3db.resource("cms_post").select(["tag.name"])["rows"][0]["cms_tag.name"] == "Tag"
