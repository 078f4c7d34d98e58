"""Posts of the DRMP template belong to the organisations of their authors."""
from __future__ import annotations

import pytest
from realms import entity


@pytest.fixture
def editors(drmp):
    """(current, {name: (account, organisation)}): two editors, each for an organisation of his own."""
    with drmp.app.env(c="cms", f="post") as current:
        auth, found = current.auth, {}
        auth.override = True
        for name in ("Nora", "Sam"):
            pe_id = entity(current, name=f"Organisation of {name}")
            organisation = current.s3db.org_organisation(pe_id=pe_id)
            user_id = auth.create_user(f"{name}@drmp.example", password_hash="x", first_name=name, organisation_id=organisation.id)
            auth.s3_assign_role(user_id, "EDITOR", for_pe=pe_id)
            found[name] = user_id, pe_id
        auth.override = False
        yield current, found


def publish(current, user_id, body):
    current.auth.s3_impersonate(user_id)
    return current.s3db.resource("cms_post").insert(body=body)


def test_post_belongs_to_the_organisation_of_its_author(editors):
    current, people = editors

    posts = {name: publish(current, user_id, f"By {name}") for name, (user_id, _) in people.items()}

    assert {name: current.s3db.cms_post(post).realm_entity for name, post in posts.items()} == {
        name: pe_id for name, (_, pe_id) in people.items()
    }


def test_everybody_reads_and_editors_change_what_their_organisation_has_published(editors, drmp):
    current, people = editors
    posts = [publish(current, user_id, f"By {name}") for name, (user_id, _) in people.items()]
    auth, table = current.auth, current.s3db.cms_post

    auth.s3_impersonate(people["Nora"][0])

    assert [auth.s3_has_permission("read", table, post) for post in posts] == [True, True]
    assert [auth.s3_has_permission("update", table, post) for post in posts] == [True, False]
    # whoever holds the role for the whole site, as the editor of the demo
    auth.s3_impersonate("editor@example.com")
    assert [auth.s3_has_permission("update", table, post) for post in posts] == [True, True]


def test_post_of_an_author_without_organisation_is_everybodys(editors):
    current, people = editors
    reader = current.auth.s3_impersonate("editor@example.com").id

    post = publish(current, reader, "By Edda")

    assert current.s3db.cms_post(post).realm_entity is None
    current.auth.s3_impersonate(people["Sam"][0])
    assert current.auth.s3_has_permission("update", "cms_post", post)


def test_other_tables_keep_their_own_rule(editors):
    current, people = editors
    user_id, pe_id = people["Nora"]
    current.auth.s3_impersonate(user_id)
    current.auth.override = True
    place = current.s3db.resource("gis_location").insert(name="Somewhere")
    organisation = current.s3db.org_organisation(pe_id=pe_id)
    office = current.s3db.resource("org_office").insert(name="Office", organisation_id=organisation.id)

    stored = current.s3db.org_office(office)
    assert current.s3db.gis_location(place).realm_entity is None
    assert stored.realm_entity == stored.pe_id
