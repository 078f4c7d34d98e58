"""Roles: created, assigned, withdrawn, tested."""
from __future__ import annotations

import pytest
from gluon import current
from gluon.http import HTTP

SYSTEM = {"ADMIN", "AUTHENTICATED", "ANONYMOUS", "EDITOR"}


def test_system_roles_are_created_once(world):
    before = dict(current.auth.get_system_roles())

    current.auth.create_system_roles()

    assert set(before) == SYSTEM
    assert dict(current.auth.get_system_roles()) == before
    rows = current.db(current.db.auth_group).select()
    assert all(row.system and row.protected for row in rows) and len(rows) == 4


def test_everybody_is_anonymous_and_nobody_else_is(world):
    auth = world.auth()

    assert auth.realms == {auth.get_system_roles().ANONYMOUS: None}
    assert auth.s3_has_role("ANONYMOUS")
    assert not auth.s3_has_role("AUTHENTICATED")


def test_user_has_the_assigned_roles_without_restriction(world):
    anna = world.user(roles=["WRITER"])
    auth = world.as_user(anna)

    roles = auth.get_system_roles()
    assert auth.user.realms == {roles.AUTHENTICATED: None, roles.ANONYMOUS: None, auth.find_role_id("WRITER"): None}


def test_user_without_the_membership_is_not_authenticated(world):
    anna = world.user()
    current.auth.s3_withdraw_role(anna, "AUTHENTICATED")

    auth = world.as_user(anna)

    assert list(auth.user.realms) == [auth.get_system_roles().ANONYMOUS]


def test_role_is_found_by_id_digits_or_uid(world):
    auth = world.as_user(world.user(roles=["WRITER"]))
    role_id = auth.find_role_id("WRITER")

    assert [auth.s3_has_role(role) for role in (role_id, str(role_id), "WRITER")] == [True] * 3
    assert [auth.s3_has_role(role) for role in (role_id + 1, str(role_id + 1), "READER")] == [False] * 3


def test_administrator_has_every_role_unless_excluded(world):
    auth = world.as_user(world.user(roles=["ADMIN"]))

    assert auth.s3_has_role("EDITOR")
    assert auth.s3_has_role("NO SUCH ROLE")
    assert not auth.s3_has_role("EDITOR", include_admin=False)


def test_several_roles_are_any_or_all(world):
    auth = world.as_user(world.user(roles=["ONE", "TWO"]))

    assert auth.s3_has_roles(["ONE", "THREE"])
    assert not auth.s3_has_roles(["ONE", "THREE"], all=True)
    assert auth.s3_has_roles(["ONE", "TWO"], all=True)
    assert auth.s3_has_roles([])


def test_unknown_role_is_not_held_even_when_all_are_asked_for(world):
    auth = world.as_user(world.user())

    assert not auth.s3_has_roles(["NO SUCH ROLE"], all=True)


def test_override_holds_every_role(world):
    auth = world.auth()
    auth.override = True

    assert auth.s3_has_role("ADMIN") and auth.s3_has_roles(["ADMIN", "NO SUCH ROLE"], all=True)


def test_assigning_twice_is_one_membership(world):
    anna = world.user()
    for _ in range(2):
        current.auth.s3_assign_role(anna, ["WRITER", current.auth.find_role_id("EDITOR")])

    table = current.db.auth_membership
    assert current.db((table.user_id == anna) & (table.deleted == False)).count() == 3


def test_assigning_an_unknown_id_is_refused(world):
    anna = world.user()

    with pytest.raises(ValueError, match="12345"):
        current.auth.s3_assign_role(anna, 12345)


def test_withdrawn_role_is_archived_and_gone_at_once(world):
    anna = world.user(roles=["WRITER"])
    auth = world.as_user(anna)
    role_id = auth.find_role_id("WRITER")

    auth.s3_withdraw_role(anna, "WRITER")

    assert not auth.s3_has_role("WRITER")
    archived = current.db(current.db.auth_membership.deleted == True).select().first()
    assert (archived.user_id, archived.group_id) == (None, None)
    assert archived.deleted_fk == f'{{"user_id": {anna}, "group_id": {role_id}, "pe_id": null}}'


def test_realm_is_kept_per_membership_and_withdrawn_for_it_alone(world):
    anna, auth = world.user(), current.auth
    for realm in (None, 0, 17):
        auth.s3_assign_role(anna, "WRITER", for_pe=realm)
    table = current.db.auth_membership
    writer = (table.group_id == auth.find_role_id("WRITER")) & (table.deleted == False)

    auth.s3_withdraw_role(anna, "WRITER", for_pe=17)
    assert sorted(str(row.pe_id) for row in current.db(writer).select()) == ["0", "None"]

    auth.s3_withdraw_role(anna, "WRITER", for_pe=[])
    assert current.db(writer).isempty()


def test_system_roles_have_no_realm(world):
    anna = world.user()
    current.auth.s3_assign_role(anna, "ADMIN", for_pe=17)

    table = current.db.auth_membership
    assert current.db(table.group_id == current.auth.find_role_id("ADMIN")).select().first().pe_id is None
    current.auth.s3_withdraw_role(anna, "ADMIN", for_pe=17)
    assert current.auth.s3_get_roles(anna) == [current.auth.find_role_id("AUTHENTICATED")]


def test_role_with_a_known_uid_is_updated_and_revived(world):
    auth = current.auth
    role_id = auth.s3_create_role("Writer", "old", uid="WRITER")
    current.db(current.db.auth_group.id == role_id).update(deleted=True)

    assert auth.s3_create_role("Author", "new", uid="WRITER") == role_id

    record = current.db.auth_group[role_id]
    assert (record.role, record.description, record.deleted) == ("Author", "new", False)


def test_deleted_role_takes_its_memberships_and_rules_along(world):
    anna, auth = world.user(), current.auth
    role_id = auth.s3_create_role("Writer", None, {"c": "org", "uacl": 2}, uid="WRITER")
    auth.s3_assign_role(anna, "WRITER")

    assert auth.s3_delete_role("WRITER") is True

    assert auth.s3_group_members("WRITER") == []
    assert current.db(current.db.s3_permission.deleted == False).isempty()
    assert current.db.auth_group[role_id].deleted
    # the name and the UID are free again
    assert auth.s3_create_role("Writer", uid="WRITER") != role_id


def test_protected_role_is_not_deleted(world):
    assert current.auth.s3_delete_role("ADMIN") is False
    assert current.auth.find_role_id("ADMIN")


def test_members_and_roles_are_listed(world):
    anna = world.user(roles=["WRITER"])
    ben = world.user("ben@example.org", roles=["WRITER"])
    auth = current.auth

    assert auth.s3_group_members("WRITER") == [anna, ben]
    assert auth.s3_group_members("NO SUCH ROLE") == []
    assert auth.s3_get_roles(anna) == sorted([auth.find_role_id("AUTHENTICATED"), auth.find_role_id("WRITER")])
    assert auth.s3_get_roles(anna, for_pe=17) == []


def test_rules_may_stand_where_the_description_is_left_out(world):
    auth = current.auth
    role = auth.s3_create_role("Role", {"c": "org", "uacl": 2}, {"c": "pr", "uacl": 4}, uid="ROLE")

    rows = current.db(current.db.s3_permission.group_id == role).select(orderby=current.db.s3_permission.id)

    assert [(row.controller, row.uacl) for row in rows] == [("org", 2), ("pr", 4)]
    assert current.db.auth_group[role].description is None


def test_function_is_for_those_who_hold_the_role(world):
    anna = world.user(roles=["WRITER"])
    ben = world.user("ben@example.org")

    def page(name):
        return f"Hello {name}"

    guarded = current.auth.requires_membership("WRITER")(page)

    world.as_user(anna)
    assert guarded("Anna") == "Hello Anna"
    world.as_user(ben).permission.format = "json"
    with pytest.raises(HTTP) as refused:
        guarded("Ben")
    assert refused.value.status == 403
