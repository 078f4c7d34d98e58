"""The realm that a record belongs to: where it comes from, when it changes, and who shares it."""
from __future__ import annotations

import datetime as dt

import pytest
from realms import as_user, entity, statements

BEFORE = dt.datetime(2026, 1, 1)


@pytest.fixture
def org(app):
    """(current, three organisations), as a user who may do everything."""
    with app.env(user="admin", c="org", f="office") as current:
        pe_ids = [entity(current, name=f"Org {number}") for number in range(3)]
        table = current.s3db.org_organisation
        yield current, [table(pe_id=pe_id) for pe_id in pe_ids]


def realm(current, tablename, record_id):
    return current.s3db[tablename](record_id).realm_entity


def test_record_belongs_to_its_organisation(org):
    current, (red, *_) = org

    post = current.s3db.resource("cms_post").insert(body="No reference")
    site = current.s3db.org_site.insert(name="A site", organisation_id=red.id)
    current.auth.set_realm_entity(current.s3db.org_site, site)

    assert realm(current, "cms_post", post) is None
    assert current.s3db.org_site(site).realm_entity == red.pe_id


def test_record_at_a_site_belongs_to_what_the_site_is(org):
    """Eden's rule for site_id; a site has no pe_id of its own, the office that it is has one."""
    current, (red, *_) = org
    s3db = current.s3db
    office = s3db.org_office(s3db.resource("org_office").insert(name="Quito", organisation_id=red.id))

    assert office.pe_id and office.site_id
    assert current.auth.get_realm_entity(s3db.cms_post, None, entity=("org_site", office.site_id)) == office.pe_id
    assert current.auth.get_realm_entity(s3db.cms_post, None, entity=("org_site", 4711)) is None


def test_deployment_decides_about_the_realm_of_every_new_record(org):
    current, (red, blue, _) = org
    asked = []

    def by_author(table, row):
        asked.append((table._tablename, row.id))
        return ("org_organisation", blue.id) if table._tablename == "cms_post" else 0

    current.deployment_settings.auth.realm_entity = by_author
    post = current.s3db.resource("cms_post").insert(body="By the hook")
    office = current.s3db.resource("org_office").insert(name="By its own rule", organisation_id=red.id)

    assert realm(current, "cms_post", post) == blue.pe_id
    stored = current.s3db.org_office(office)
    assert stored.realm_entity == stored.pe_id
    assert ("cms_post", post) in asked


def test_realm_follows_the_organisation_only_where_it_is_declared(org):
    current, (red, blue, _) = org
    s3db = current.s3db
    # an office is its own realm; for this test it belongs to its organisation
    s3db.org_office  # noqa: B018
    for update_realm, expected in ((True, blue.pe_id), (False, red.pe_id)):
        s3db.configure("org_office", realm_entity=lambda table, row: ("org_organisation", row.organisation_id), update_realm=update_realm)
        office = s3db.resource("org_office").insert(name=f"Moves {update_realm}", organisation_id=red.id)
        assert realm(current, "org_office", office) == red.pe_id

        s3db.resource("org_office", id=office).update(organisation_id=blue.id)

        assert realm(current, "org_office", office) == expected


def test_components_share_the_realm_when_it_is_forced(org):
    current, (red, blue, _) = org
    s3db, auth, db = current.s3db, current.auth, current.db
    post = s3db.cms_post.insert(body="Shared", modified_on=BEFORE)
    s3db.configure("cms_post", realm_components=["comment", "tag"])
    comments = [s3db.cms_comment.insert(post_id=post, body=str(n), modified_on=BEFORE) for n in range(2)]
    elsewhere = s3db.cms_comment.insert(post_id=s3db.cms_post.insert(body="Other"), body="other")
    archived = s3db.cms_comment.insert(post_id=post, body="archived", deleted=True)
    tag, other_tag = (s3db.cms_tag.insert(name=name, modified_on=BEFORE) for name in ("linked", "not linked"))
    s3db.cms_tag_post.insert(post_id=post, tag_id=tag)

    # a first realm is the record's own
    auth.set_realm_entity(s3db.cms_post, post, entity=red.pe_id)
    assert realm(current, "cms_post", post) == red.pe_id
    assert realm(current, "cms_comment", comments[0]) is None

    auth.set_realm_entity(s3db.cms_post, post, entity=blue.pe_id, force_update=True)

    assert [realm(current, "cms_comment", key) for key in comments] == [blue.pe_id] * 2
    assert [realm(current, "cms_comment", key) for key in (elsewhere, archived)] == [None, None]
    assert [realm(current, "cms_tag", key) for key in (tag, other_tag)] == [blue.pe_id, None]
    for tablename, key in (("cms_post", post), ("cms_comment", comments[0]), ("cms_tag", tag)):
        assert s3db[tablename](key).modified_on == BEFORE

    # the owner, too
    auth.s3_set_record_owner(s3db.cms_post, post, force_update=True, realm_entity=red.pe_id)
    assert [realm(current, "cms_comment", key) for key in comments] == [red.pe_id] * 2
    assert db(s3db.cms_comment.owned_by_user == None).isempty()  # noqa: E711


def test_realm_of_all_records_of_a_query_is_set_with_one_statement(org):
    current, (red, blue, _) = org
    s3db, auth = current.s3db, current.auth
    table = s3db.gis_location
    places = [table.insert(name=f"Place {n}", modified_on=BEFORE, realm_entity=red.pe_id if n else None) for n in range(3)]
    query = table.id.belongs(places)

    auth.set_realm_entity(table, query, entity=blue.pe_id)
    assert [realm(current, "gis_location", key) for key in places] == [blue.pe_id, red.pe_id, red.pe_id]

    sent = statements(current, lambda: auth.set_realm_entity(table, query, entity=("org_organisation", red.id), force_update=True))
    assert sum(statement.startswith('UPDATE "gis_location"') for statement in sent) == 1
    assert [realm(current, "gis_location", key) for key in places] == [red.pe_id] * 3

    auth.set_realm_entity(table, current.db(query).select(table.id), entity=None, force_update=True)
    assert [realm(current, "gis_location", key) for key in places] == [None] * 3
    assert table(places[0]).modified_on == BEFORE


def test_decision_follows_the_realm(org, app):
    current, (red, blue, _) = org
    auth, table = current.auth, current.s3db.org_office_type
    ben = app.people["ben"].user_id
    auth.s3_create_role("Changer", None, {"c": "org", "uacl": 6}, uid="CHANGER")
    auth.s3_assign_role(ben, "CHANGER", for_pe=red.pe_id)
    record = table.insert(name="Moves", realm_entity=red.pe_id)
    as_user(current, ben, 6)
    assert auth.s3_has_permission("update", table, record)

    auth.set_realm_entity(table, record, entity=blue.pe_id, force_update=True)

    assert not auth.s3_has_permission("update", table, record)
