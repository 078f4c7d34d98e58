"""Realms: roles for entities, default realm, hierarchy by affiliation; on each database, by the vectors of the original."""
from __future__ import annotations

import pytest
from realms import affiliate, as_user, entity, statements, use_policy

PAGE = {"c": "org", "f": "office_type"}
TABLE = "org_office_type"
READ, RU, RCU = 2, 6, 7


@pytest.fixture
def world(app):
    """(current, ben, entities of three organisations, records of them), with the role EDITOR of the vectors."""
    with app.env(**PAGE) as current:
        auth, s3db = current.auth, current.s3db
        auth.s3_create_role("Changer", None, *({**on, "uacl": RCU, "oacl": RU} for on in ({"c": "org"}, PAGE, {"t": TABLE})), uid="CHANGER")
        organisations = [entity(current, name=f"Org {number}") for number in range(3)]
        admin = app.people["admin"].user_id
        records = [
            s3db[TABLE].insert(name=f"of {pe_id}", realm_entity=pe_id, owned_by_user=admin) for pe_id in organisations
        ]
        yield current, app.people["ben"].user_id, organisations, records


def decided(current, method, records):
    return [current.auth.s3_has_permission(method, TABLE, record) for record in records]


def found(current, method):
    table = current.s3db[TABLE]
    rows = current.db(current.auth.s3_accessible_query(method, table)).select(table.id, orderby=table.id)
    return [row.id for row in rows]


@pytest.mark.parametrize("policy", [6, 7])
def test_role_for_the_whole_site_reaches_the_records_of_all(world, policy):
    current, ben, _, records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=0)

    auth = as_user(current, ben, policy)

    assert [auth.s3_has_permission(method, TABLE) for method in ("read", "create")] == [True, True]
    assert decided(current, "update", records) == [True] * 3
    assert found(current, "update") == records
    assert decided(current, "delete", records) == [False] * 3


def test_role_for_an_organisation_reaches_its_records_alone(world):
    current, ben, (org0, org1, _), records = world
    auth = current.auth
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    as_user(current, ben, 6)
    assert auth.s3_has_permission("create", TABLE)
    assert decided(current, "update", records) == [True, False, False]
    assert found(current, "update") == found(current, "read") == records[:1]

    auth.s3_assign_role(ben, "CHANGER", for_pe=org1)
    assert decided(current, "update", records) == [True, True, False]
    assert found(current, "update") == records[:2]

    auth.s3_withdraw_role(ben, "CHANGER", for_pe=org0)
    assert decided(current, "update", records) == [False, True, False]
    assert found(current, "update") == records[1:2]

    auth.s3_withdraw_role(ben, "CHANGER", for_pe=[])
    assert decided(current, "read", records) == [False] * 3
    assert found(current, "read") == []


def test_hierarchy_follows_the_affiliations(world):
    current, ben, (org0, org1, org2), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    as_user(current, ben, 7)
    assert decided(current, "update", records) == [True, False, False]

    affiliate(current, org0, org1)
    affiliate(current, org1, org2)
    as_user(current, ben, 7)
    assert decided(current, "update", records) == [True] * 3
    assert found(current, "update") == records

    # without hierarchy the same affiliations mean nothing
    as_user(current, ben, 6)
    assert decided(current, "update", records) == [True, False, False]


def test_hierarchy_reaches_down_only(world):
    current, ben, (org0, org1, _), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    affiliate(current, org1, org0)

    as_user(current, ben, 7)

    assert decided(current, "update", records) == [True, False, False]
    assert found(current, "update") == records[:1]


def test_other_affiliations_are_no_hierarchy(world):
    current, ben, (org0, org1, _), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    affiliate(current, org0, org1, role_type=2)

    as_user(current, ben, 7)

    assert found(current, "update") == records[:1]


def test_circle_of_affiliations_ends(world):
    current, ben, (org0, org1, org2), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org1)
    for parent, child in ((org0, org1), (org1, org2), (org2, org0), (org1, org1)):
        affiliate(current, parent, child)

    auth = as_user(current, ben, 7)

    assert auth.realms[auth.find_role_id("CHANGER")] == sorted((org0, org1, org2))
    assert found(current, "update") == records


def test_archived_affiliation_counts_no_more(world):
    current, ben, (org0, org1, _), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    affiliate(current, org0, org1)
    current.db(current.s3db.pr_affiliation).update(deleted=True)

    as_user(current, ben, 7)

    assert found(current, "update") == records[:1]


def test_persons_belong_to_all_above_them(world):
    """Their realm lists hold no persons, which may be many, but records of a person are their organisations' records."""
    current, ben, (org0, org1, _), records = world
    auth, s3db = current.auth, current.s3db
    person = entity(current, "pr_person", first_name="Pia", last_name="Poe")
    affiliate(current, org0, org1)
    affiliate(current, org1, person)
    record = s3db[TABLE].insert(name="of Pia", realm_entity=person)
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)

    as_user(current, ben, 7)
    assert auth.realms[auth.find_role_id("CHANGER")] == sorted((org0, org1))
    assert decided(current, "update", [record]) == [True]
    assert found(current, "update") == [*records[:2], record]

    as_user(current, ben, 6)
    assert decided(current, "update", [record]) == [False]
    assert found(current, "update") == records[:1]


def test_record_without_realm_belongs_to_every_realm(world):
    current, ben, (org0, *_), records = world
    common = current.s3db[TABLE].insert(name="of nobody")
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)

    as_user(current, ben, 6)

    assert decided(current, "update", [common]) == [True]
    assert found(current, "update") == [records[0], common]


# The default realm


@pytest.mark.parametrize("policy", [6, 7])
def test_role_without_realm_is_held_for_the_organisations_of_the_person(app, world, policy):
    current, ben, (org0, org1, _), records = world
    for parent in (org0, org1):
        affiliate(current, parent, app.people["ben"].pe_id)
    current.auth.s3_assign_role(ben, "CHANGER")

    auth = as_user(current, ben, policy)

    assert auth.realms[auth.find_role_id("CHANGER")] == sorted((org0, org1))
    assert found(current, "update") == records[:2]


@pytest.mark.parametrize("policy", [6, 7])
def test_role_without_realm_is_not_held_by_who_belongs_nowhere(world, policy):
    current, ben, _, _ = world
    current.auth.s3_assign_role(ben, "CHANGER")

    auth = as_user(current, ben, policy)

    assert not auth.s3_has_role("CHANGER")
    assert found(current, "read") == []


def test_account_of_an_organisation_holds_its_roles_there(world):
    current, _, (org0, org1, _), records = world
    auth, table = current.auth, current.s3db.org_organisation
    ids = [table(pe_id=pe_id).id for pe_id in (org0, org1)]
    user_id = auth.create_user("cy@cast.example", password_hash="x", roles=["CHANGER"], first_name="Cy", organisation_id=ids[0])
    as_user(current, user_id, 6)
    assert found(current, "update") == records[:1]

    auth.update_user(user_id, organisation_id=ids[1])
    as_user(current, user_id, 6)
    assert found(current, "update") == records[1:2]

    auth.update_user(user_id, first_name="Cyrus", organisation_id=None)
    as_user(current, user_id, 6)
    assert found(current, "update") == []


def test_system_roles_have_no_realm(app, world):
    current, ben, (org0, *_), _ = world
    auth = current.auth
    auth.s3_assign_role(ben, ["ADMIN", "AUTHENTICATED"], for_pe=org0)

    as_user(current, ben, 6)

    assert {auth.realms[auth.find_role_id(uid)] for uid in ("ADMIN", "AUTHENTICATED", "ANONYMOUS")} == {None}


def test_the_whole_site_wins_over_entities(world):
    current, ben, (org0, *_), _ = world
    auth = current.auth
    for realm in (org0, 0, None):
        auth.s3_assign_role(ben, "CHANGER", for_pe=realm)

    as_user(current, ben, 7)

    assert auth.realms[auth.find_role_id("CHANGER")] is None


def test_role_is_tested_for_an_entity(world):
    current, ben, (org0, org1, _), _ = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)

    auth = as_user(current, ben, 6)

    assert [auth.s3_has_role("CHANGER", for_pe=pe_id) for pe_id in (None, org0, org1, 0)] == [True, True, False, False]
    assert auth.s3_has_roles(["CHANGER", "READER"], for_pe=org0)
    assert not auth.s3_has_roles(["CHANGER"], for_pe=org1)


def test_assignments_are_found_by_realm(world):
    current, ben, (org0, org1, _), _ = world
    auth = current.auth
    changer, other = auth.s3_create_role("C", uid="CHANGER"), auth.s3_create_role("O", uid="OTHER")
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    auth.s3_assign_role(ben, "OTHER", for_pe=None)
    authenticated = auth.find_role_id("AUTHENTICATED")

    assert auth.s3_get_roles(ben) == sorted((authenticated, changer, other))
    assert auth.s3_get_roles(ben, for_pe=org0) == [changer]
    assert auth.s3_get_roles(ben, for_pe=None) == sorted((authenticated, other))
    assert auth.s3_get_roles(ben, for_pe=[None, org0]) == sorted((authenticated, changer, other))
    assert auth.s3_get_roles(ben, for_pe=[org1, 0]) == []
    assert (auth.s3_group_members("CHANGER"), auth.s3_group_members("CHANGER", for_pe=org1)) == ([ben], [])

    auth.s3_withdraw_role(ben, ["CHANGER", "OTHER"], for_pe=[org0, org1])
    assert auth.s3_get_roles(ben) == sorted((authenticated, other))


# Rules for entities


def test_rule_for_an_entity_overrides_the_realm_of_the_role(world):
    current, ben, (org0, org1, _), records = world
    auth = current.auth
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    auth.permission.update_acl("CHANGER", **PAGE, uacl=READ, entity=org1)
    auth.permission.update_acl("CHANGER", t=TABLE, uacl=READ, entity=org1)

    as_user(current, ben, 6)

    assert found(current, "read") == records[:2]
    assert found(current, "update") == records[:1]
    assert decided(current, "read", records) == [True, True, False]


def test_rule_for_any_entity_is_not_limited_to_the_realm(world):
    current, ben, (org0, *_), records = world
    auth = current.auth
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    for on in (PAGE, {"t": TABLE}):
        auth.permission.update_acl("CHANGER", **on, uacl=READ, entity="any")

    as_user(current, ben, 6)

    assert found(current, "read") == records
    assert found(current, "update") == records[:1]


def test_page_everywhere_and_table_in_a_realm_come_to_the_realm(world):
    current, ben, (org0, *_), records = world
    auth = current.auth
    auth.s3_create_role("Page", None, {**PAGE, "uacl": RCU}, uid="PAGE")
    auth.s3_create_role("Table", None, {"t": TABLE, "uacl": RCU}, uid="TABLE")
    auth.s3_assign_role(ben, "PAGE", for_pe=0)
    auth.s3_assign_role(ben, "TABLE", for_pe=org0)

    as_user(current, ben, 6)

    assert found(current, "update") == records[:1]
    assert auth.permitted_realms(TABLE, "update") == [org0]
    assert auth.permitted_realms("org_organisation", "update") is None
    assert auth.permitted_realms(TABLE, "delete") == []


def test_owner_is_limited_to_the_realm(world):
    """Whoever may change what he owns in one organisation may not change what he owns in another."""
    current, ben, (org0, org1, _), _ = world
    auth, table = current.auth, current.s3db[TABLE]
    auth.s3_create_role("Own", None, {**PAGE, "uacl": READ, "oacl": RU}, {"t": TABLE, "uacl": READ, "oacl": RU}, uid="OWN")
    auth.s3_assign_role(ben, "OWN", for_pe=org0)
    own = [table.insert(name=f"own {pe_id}", realm_entity=pe_id, owned_by_user=ben) for pe_id in (org0, org1, None)]

    as_user(current, ben, 6)

    assert decided(current, "update", own) == [True, False, True]
    assert found(current, "update") == [own[0], own[2]]
    assert auth.permission.ownership_required("update", table)
    assert auth.permission.ownership_required("read", table)


def test_group_owner_needs_the_role_for_the_realm_of_the_record(world):
    current, ben, (org0, org1, _), _ = world
    auth, table = current.auth, current.s3db[TABLE]
    group = auth.s3_create_role("Group", uid="GROUP")
    auth.s3_create_role("Own", None, {**PAGE, "oacl": RU, "uacl": 0}, {"t": TABLE, "oacl": RU, "uacl": 0}, uid="OWN")
    auth.s3_assign_role(ben, "OWN", for_pe=0)
    records = [table.insert(name=f"group {pe_id}", realm_entity=pe_id, owned_by_group=group) for pe_id in (org0, org1)]

    auth.s3_assign_role(ben, "GROUP", for_pe=org0)
    as_user(current, ben, 6)
    assert decided(current, "update", records) == [True, False]
    assert found(current, "update") == records[:1]

    auth.s3_assign_role(ben, "GROUP", for_pe=0)
    assert decided(current, "update", records) == [True, True]
    assert found(current, "update") == records


def test_group_owned_record_outside_of_the_realm_is_not_found(world):
    """Eden's record filter finds it, although its decision refuses it."""
    current, ben, (org0, org1, _), records = world
    auth, table = current.auth, current.s3db[TABLE]
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    other = table.insert(name="everybody's", realm_entity=org1, owned_by_group=auth.find_role_id("AUTHENTICATED"))

    as_user(current, ben, 6)

    assert decided(current, "read", [other]) == [False]
    assert found(current, "read") == records[:1]


# What it costs


def test_roles_and_realms_cost_a_fixed_number_of_queries(app, world):
    current, ben, organisations, _ = world
    auth = current.auth
    affiliate(current, organisations[0], app.people["ben"].pe_id)
    auth.s3_assign_role(ben, "CHANGER")
    counts = {}
    for size in ("few", "many"):
        for policy in (5, 6, 7):
            as_user(current, ben, policy)
            counts[size, policy] = len(statements(current, auth.s3_set_roles))
        if size == "few":
            parent = organisations[0]
            for number in range(12):
                child = entity(current, name=f"Level {number}")
                affiliate(current, parent, child)
                auth.s3_assign_role(ben, f"ROLE {number}", for_pe=child)
                parent = child

    # roles with the person; the default realm; what is below
    assert counts == {(size, policy): policy - 4 for size in ("few", "many") for policy in (5, 6, 7)}


def test_all_rules_of_a_request_cost_one_query(world):
    current, ben, (org0, *_), _ = world
    auth, s3db = current.auth, current.s3db
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    tables = [s3db[name] for name in (TABLE, "cms_post", "gis_location", "org_office")]
    as_user(current, ben, 7)

    def decide():
        auth.permission.has_permission("read")
        for table in tables:
            auth.s3_has_permission("update", table)
            auth.s3_accessible_query("read", table)
        for c, f in (("cms", "post"), ("gis", "location"), ("pr", "person")):
            auth.permission.has_permission("read", c=c, f=f)
        auth.permission.hidden_modules()

    sent = statements(current, decide)

    assert len(sent) == 1
    assert "s3_permission" in sent[0]


def test_select_of_a_restricted_table_costs_no_further_query_for_permissions(world):
    current, ben, (org0, *_), _ = world
    auth, resource = current.auth, current.s3db.resource
    auth.s3_assign_role(ben, "CHANGER", for_pe=org0)
    as_user(current, None, 5).override = True
    fields = ["name", "organisation_id$name", "location_id$name", "office_type_id$name"]
    without = len(statements(current, lambda: resource("org_office").select(fields)))
    auth.override = False
    as_user(current, ben, 7)

    restricted = len(statements(current, lambda: resource("org_office").select(fields)))

    assert restricted <= without + 1


def test_policies_without_realms_ignore_them(world):
    current, ben, (org0, *_), records = world
    current.auth.s3_assign_role(ben, "CHANGER", for_pe=org0)

    as_user(current, ben, 5)

    assert found(current, "update") == records
    assert use_policy(current, 5).realms[current.auth.find_role_id("CHANGER")] is None


@pytest.mark.parametrize(
    ("policy", "seen"), [(5, ["red", "north", "south", "nobody"]), (6, ["red", "nobody"]), (7, ["red", "north", "nobody"])]
)
def test_example_of_the_documentation(world, policy, seen):
    """docs/permissions.md, "An example"."""
    current, ben, (red, north, south), _ = world
    auth, table = current.auth, current.s3db[TABLE]
    affiliate(current, red, north)
    auth.s3_assign_role(ben, "CHANGER", for_pe=red)
    realms = {"red": red, "north": north, "south": south, "nobody": None}
    posts = {name: table.insert(name=name, realm_entity=pe_id) for name, pe_id in realms.items()}

    as_user(current, ben, policy)

    assert [name for name, post in posts.items() if post in found(current, "update")] == seen
    assert [name for name, post in posts.items() if decided(current, "update", [post]) == [True]] == seen


def test_visitor_of_an_open_page_costs_no_query(world):
    current, *_ = world
    auth = as_user(current, None, 7)

    def open_page():
        auth.s3_set_roles()
        assert auth.permission.has_permission("read", c="default", f="index")

    assert statements(current, open_page) == []
