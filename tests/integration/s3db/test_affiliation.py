"""Who is a part of what: affiliations, the hierarchy they make, and where they come from."""
from __future__ import annotations

from typing import Any

import bare
import pytest
from harness import App


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    record_id = int(current.s3db.resource(tablename).insert(**values))
    current.auth.override = False
    return record_id


def entity(current: Any, tablename: str, **values: Any) -> int:
    """Insert a record; gives its pe_id."""
    return int(current.s3db.pr_get_pe_id(tablename, insert(current, tablename, **values)))


@pytest.fixture
def tree(app: App) -> Any:
    """World > (North > (Team with anna), South); anna stands alone in Club, by a membership that is no organization unit."""
    with app.env() as current:
        s3db = current.s3db
        ids = {name: entity(current, "pr_realm", name=name) for name in ("World", "North", "South", "Team", "Club")}
        ids["anna"] = app.people["anna"].pe_id
        for master, part, role in (
            ("World", "North", "Regions"), ("World", "South", "Regions"), ("North", "Team", "Teams"), ("Team", "anna", "Staff"),
        ):  # fmt: skip
            s3db.pr_add_affiliation(ids[master], ids[part], role=role)
        s3db.pr_add_affiliation(ids["Club"], ids["anna"], role="Friends", role_type=9)
        yield current, ids


def test_a_part_has_all_above_it_as_ancestors_in_numbers(tree: Any) -> None:
    """Eden gives them as texts."""
    current, ids = tree

    ancestors = current.s3db.pr_get_ancestors(ids["anna"])

    assert sorted(ancestors) == sorted([ids["World"], ids["North"], ids["Team"]])
    assert all(type(pe_id) is int for pe_id in ancestors)
    assert current.s3db.pr_get_ancestors(ids["World"]) == []
    assert current.s3db.pr_ancestors([ids["South"], ids["Club"]]) == {ids["South"]: [ids["World"]], ids["Club"]: []}


def test_persons_are_left_out_of_the_descendants_at_every_level_or_at_none(tree: Any) -> None:
    """Eden looks at the first level only."""
    current, ids = tree
    s3db = current.s3db

    assert s3db.pr_descendants([ids["World"], ids["Team"]]) == {
        ids["World"]: sorted([ids["North"], ids["South"], ids["Team"]]), ids["Team"]: [],
    }  # fmt: skip
    assert s3db.pr_descendants([ids["World"]], exclude_persons=False)[ids["World"]] == sorted(
        [ids["North"], ids["South"], ids["Team"], ids["anna"]])
    assert s3db.pr_descendants([]) == {}


def test_descendants_of_certain_types(tree: Any) -> None:
    current, ids = tree
    find = current.s3db.pr_get_descendants

    assert find(ids["World"]) == sorted([ids["North"], ids["South"], ids["Team"], ids["anna"]])
    assert find([ids["World"], ids["North"]], entity_types="pr_person") == [ids["anna"]]
    assert find(ids["North"], entity_types=["pr_realm"]) == [ids["Team"]]


def test_the_hierarchy_takes_one_query_for_any_number_of_levels(tree: Any) -> None:
    current, ids = tree

    with bare.counted_queries(current.db) as sent:
        current.s3db.pr_descendants(ids.values(), exclude_persons=False)
        current.s3db.pr_ancestors(ids.values())

    assert len(sent) == 2


def test_a_circle_ends(tree: Any) -> None:
    current, ids = tree
    current.s3db.pr_add_affiliation(ids["Team"], ids["World"], role="Loop")

    assert ids["World"] not in current.s3db.pr_get_ancestors(ids["World"])
    assert ids["World"] in current.s3db.pr_get_ancestors(ids["North"])


def test_default_realms_are_those_immediately_above(tree: Any) -> None:
    current, ids = tree

    assert current.s3db.pr_default_realms(ids["anna"]) == [ids["Team"]]
    assert current.s3db.pr_default_realms(ids["World"]) == []


def test_an_affiliation_is_made_once(tree: Any) -> None:
    current, ids = tree
    s3db = current.s3db
    first = s3db.pr_add_affiliation(ids["World"], ids["Club"], role="Regions")

    assert s3db.pr_add_affiliation(("pr_realm", current.s3db.pr_realm(pe_id=ids["World"]).id), str(ids["Club"]), role="Regions") == first
    table = s3db.pr_affiliation
    assert current.db((table.pe_id == ids["Club"]) & (table.deleted == False)).count() == 1
    assert s3db.pr_add_affiliation(ids["World"], ids["Club"]) is None
    assert s3db.pr_add_affiliation(("pr_realm", 999999), ids["Club"], role="Regions") is None


def test_an_affiliation_that_came_in_some_other_way_replaces_the_one_before(tree: Any) -> None:
    current, ids = tree
    role_id = current.s3db.pr_add_affiliation(ids["World"], ids["Club"], role="Regions")

    insert(current, "pr_affiliation", role_id=role_id, pe_id=ids["Club"])

    table = current.s3db.pr_affiliation
    rows = current.db((table.role_id == role_id) & (table.pe_id == ids["Club"])).select(table.deleted, orderby=table.id)
    assert [row.deleted for row in rows] == [True, False]


@pytest.mark.parametrize("master, role, left", [
    ("Team", "Staff", []), ("Team", None, []), (None, "Staff", []), (None, None, []),
    ("World", "Staff", ["Team"]), ("Team", "Friends", ["Team"]),
])
def test_an_affiliation_is_ended(tree: Any, master: str | None, role: str | None, left: list[str]) -> None:
    current, ids = tree

    current.s3db.pr_remove_affiliation(ids[master] if master else None, ids["anna"], role=role)

    assert current.s3db.pr_default_realms(ids["anna"]) == [ids[name] for name in left]


def test_a_part_can_be_moved(tree: Any) -> None:
    current, ids = tree
    s3db = current.s3db

    s3db.pr_set_affiliation(ids["South"], ids["anna"], role="Staff")
    assert s3db.pr_default_realms(ids["anna"]) == [ids["South"]]

    s3db.pr_set_affiliation(None, ids["anna"], role="Staff")
    assert s3db.pr_default_realms(ids["anna"]) == []


def test_accounts_of_a_realm(app: App, tree: Any) -> None:
    current, ids = tree
    anna, find = app.people["anna"], current.s3db.pr_realm_users

    assert find(ids["Team"]) == {anna.user_id: anna.email}
    assert find([ids["Team"], ids["North"]], roles="Staff") == {anna.user_id: anna.email}
    assert find(ids["Team"], roles=["Guests"]) == {}
    assert find(ids["Club"]) == {}
    assert find(ids["Club"], role_types=9) == find(ids["Club"], role_types=None) == {anna.user_id: anna.email}
    assert set(find(None)) == {actor.user_id for actor in app.people.values()}


def test_names_of_entities(app: App, tree: Any) -> None:
    current, ids = tree
    find = current.s3db.pr_get_entities
    anna = ids["anna"]

    assert find([anna, ids["World"]]) == {anna: "Anna Abel (Person)", ids["World"]: "World (Realm)"}
    assert find([anna], show_instance_type=False) == {anna: "Anna Abel"}
    assert find([anna, ids["World"]], types=["pr_realm"], as_list=True) == [ids["World"]]
    assert find([anna, ids["World"]], group=True) == {
        "pr_person": {anna: "Anna Abel (Person)"}, "pr_realm": {ids["World"]: "World (Realm)"},
    }  # fmt: skip


# -- where they come from ----------------------------------------------------------------------------------------------
def test_members_are_a_part_of_their_group_as_long_as_they_are_members(app: App) -> None:
    with app.env() as current:
        s3db, anna = current.s3db, app.people["anna"]
        group_id = insert(current, "pr_group", name="Night watch")
        watch = s3db.pr_get_pe_id("pr_group", group_id)
        membership_id = insert(current, "pr_group_membership", group_id=group_id, person_id=anna.person_id)
        assert s3db.pr_default_realms(anna.pe_id) == [watch]
        assert s3db.pr_group_membership[membership_id].realm_entity == watch

        other_id = insert(current, "pr_group", name="Day watch")
        current.auth.override = True
        s3db.resource("pr_group_membership", id=membership_id).update(group_id=other_id)
        assert s3db.pr_default_realms(anna.pe_id) == [s3db.pr_get_pe_id("pr_group", other_id)]

        assert s3db.resource("pr_group_membership", id=membership_id).delete() == 1
        assert s3db.pr_default_realms(anna.pe_id) == []


def test_a_second_membership_that_came_in_some_other_way_is_archived(app: App) -> None:
    with app.env() as current:
        group_id, person_id = insert(current, "pr_group", name="Night watch"), app.people["anna"].person_id
        first = insert(current, "pr_group_membership", group_id=group_id, person_id=person_id)

        second = insert(current, "pr_group_membership", group_id=group_id, person_id=person_id)

        table = current.db.pr_group_membership
        assert (table[first].deleted, table[second].deleted) == (True, False)


def test_nobody_is_in_two_cases(app: App) -> None:
    with app.env() as current:
        anna, ben = app.people["anna"].person_id, app.people["ben"].person_id
        one, two = (insert(current, "pr_group", name=name, group_type=7) for name in ("Case 1", "Case 2"))
        team = insert(current, "pr_group", name="Team")
        insert(current, "pr_group_membership", group_id=one, person_id=anna)

        def check(group_id: int, person_id: int) -> list[str]:
            return list(current.s3db.onvalidation("pr_group_membership", {"group_id": group_id, "person_id": person_id}))

        assert check(two, anna) == ["person_id"]
        assert check(two, ben) == check(team, anna) == []


def test_sites_are_a_part_of_their_organisation_and_of_no_other(app: App) -> None:
    with app.env() as current:
        s3db = current.s3db
        red, blue = insert(current, "org_organisation", name="Red"), insert(current, "org_organisation", name="Blue")
        for tablename in ("org_office", "org_facility"):
            record_id = insert(current, tablename, name="House", organisation_id=red)
            pe_id = s3db.pr_get_pe_id(tablename, record_id)
            assert s3db.pr_default_realms(pe_id) == [s3db.pr_get_pe_id("org_organisation", red)]

            current.auth.override = True
            s3db.resource(tablename, id=record_id).update(organisation_id=blue)
            assert s3db.pr_default_realms(pe_id) == [s3db.pr_get_pe_id("org_organisation", blue)]


def test_branches_are_a_part_of_the_organisation_above_and_have_its_root(app: App) -> None:
    with app.env() as current:
        current.deployment_settings.org.branches = True
        s3db = current.s3db
        head, north, town = (insert(current, "org_organisation", name=name) for name in ("Head", "North", "Town"))
        insert(current, "org_organisation_branch", organisation_id=north, branch_id=town)
        link_id = insert(current, "org_organisation_branch", organisation_id=head, branch_id=north)
        table = s3db.org_organisation

        assert [table[item].root_organisation for item in (head, north, town)] == [head] * 3
        assert s3db.pr_get_ancestors(table[town].pe_id) == sorted([table[head].pe_id, table[north].pe_id])

        current.auth.override = True
        assert s3db.resource("org_organisation_branch", id=link_id).delete() == 1
        assert [table[item].root_organisation for item in (head, north, town)] == [head, north, north]
        assert s3db.pr_get_ancestors(table[north].pe_id) == []
