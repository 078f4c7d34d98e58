"""Owners and realms of records, and the person of an account."""
from __future__ import annotations

import datetime as dt

import pytest
from gluon import current

from s3.s3error import S3DataError

BEFORE = dt.datetime(2026, 3, 1)


@pytest.fixture
def anna(world):
    anna = world.user()
    world.as_user(anna)
    return anna


def record(**data):
    return current.db.org_permission_test.insert(name="x", modified_on=BEFORE, **data)


def owner(record_id):
    row = current.db.org_permission_test[record_id]
    return row.owned_by_user, row.owned_by_group, row.realm_entity


def test_record_without_owner_becomes_the_current_users(world, anna):
    table = current.db.org_permission_test
    record_id, other = record(), record(owned_by_user=99)

    for key in (record_id, other):
        current.auth.s3_set_record_owner(table, key)

    assert owner(record_id) == (anna, None, None)
    assert owner(other) == (99, None, None)


def test_explicit_owners_are_taken(world, anna):
    record_id = record(owned_by_user=anna)

    current.auth.s3_set_record_owner(
        current.db.org_permission_test, record_id, owned_by_user=7, owned_by_group=8, realm_entity=9
    )

    assert owner(record_id) == (7, 8, 9)


def test_owner_does_not_make_the_record_look_updated(world, anna):
    record_id = record()

    current.auth.s3_set_record_owner(current.db.org_permission_test, record_id)

    assert current.db.org_permission_test[record_id].modified_on == BEFORE


def test_personal_record_belongs_to_the_person_it_is_about(world, anna):
    ben = world.user("ben@example.org")
    world.as_user(anna)
    pe_id = current.auth.s3_user_pe_id(ben)
    contact = current.db.pr_contact.insert(pe_id=pe_id, contact_method="SMS", value="+441", owned_by_user=anna)

    current.auth.s3_set_record_owner(current.db.pr_contact, contact)

    row = current.db.pr_contact[contact]
    assert (row.owned_by_user, row.realm_entity) == (ben, pe_id)


def test_owner_group_can_be_configured(world, anna):
    current.s3db.config["org_permission_test", "owner_group"] = lambda table, row: 40 + row.id
    record_id = record()

    current.auth.s3_set_record_owner(current.db.org_permission_test, record_id)

    assert owner(record_id)[1] == 40 + record_id


def test_realm_is_kept_unless_forced(world, anna):
    current.s3db.config["org_permission_test", "realm_entity"] = lambda table, row: 5
    table, record_id = current.db.org_permission_test, record(realm_entity=4)

    current.auth.s3_set_record_owner(table, record_id)
    assert owner(record_id)[2] == 4

    current.auth.s3_set_record_owner(table, record_id, force_update=True)
    assert owner(record_id)[2] == 5


# explicit wins over the deployment, that over the table, that over the record's references; 0 goes on
@pytest.mark.parametrize(
    ("explicit", "deployment", "table", "expected"),
    [(1, 2, 3, 1), (0, 2, 3, 2), (0, None, 3, None), (0, 0, 3, 3), (0, 0, 0, None), (None, 2, 3, None)],
)
def test_realm_is_that_of_the_nearest_authority(world, anna, explicit, deployment, table, expected):
    world.as_user(anna, auth__realm_entity=lambda *_: deployment)
    current.s3db.config["org_permission_test", "realm_entity"] = lambda *_: table

    assert current.auth.get_realm_entity(current.db.org_permission_test, record(), entity=explicit) == expected


def test_realm_can_be_given_as_a_record(world, anna):
    person = current.db.pr_person(pe_id=current.auth.s3_user_pe_id(anna))

    assert current.auth.get_realm_entity(current.db.gis_plain, 1, entity=("pr_person", person.id)) == person.pe_id
    assert current.auth.get_realm_entity(current.db.gis_plain, 1, entity=("no_table", 1)) is None


def test_realm_of_several_records_is_set(world, anna):
    first, second, third = record(), record(realm_entity=1), record()
    table = current.db.org_permission_test

    current.auth.set_realm_entity(table, [first, current.db.org_permission_test[second]], entity=6)
    assert [owner(key)[2] for key in (first, second, third)] == [6, 1, None]

    current.auth.set_realm_entity(table, second, entity=6, force_update=True)
    assert owner(second)[2] == 6


# The person of an account


def test_new_account_gets_a_person_and_its_address(world, anna):
    s3db, auth = current.s3db, current.auth
    pe_id = auth.s3_user_pe_id(anna)

    person = s3db.pr_person(pe_id=pe_id)
    contact = s3db.pr_contact(pe_id=pe_id)
    assert (person.first_name, person.last_name, person.owned_by_user) == ("Anna", "Ek", anna)
    assert (contact.contact_method, contact.value, contact.owned_by_user) == ("EMAIL", "anna@example.org", anna)
    assert auth.user.pe_id == pe_id
    assert auth.s3_logged_in_person() == person.id


def test_account_and_person_find_each_other(world, anna):
    auth = current.auth
    pe_id = auth.s3_user_pe_id(anna)
    person = current.db.pr_person(pe_id=pe_id)

    assert auth.s3_get_user_id(pe_id=pe_id) == anna
    assert auth.s3_get_user_id(person.id) == anna
    assert auth.s3_get_user_id("ANNA@example.org") == anna
    assert auth.s3_bulk_user_pe_id([anna, 4711]) == {anna: pe_id}
    assert [auth.s3_get_user_id(pe_id=4711), auth.s3_get_user_id(4711), auth.s3_get_user_id("x@y.z"), auth.s3_get_user_id()] == [None] * 4
    assert auth.s3_user_pe_id(None) is None


def test_linking_twice_changes_nothing(world, anna):
    counts = [current.db(current.db[name]).count() for name in ("pr_person", "pr_person_user", "pr_contact")]

    current.auth.s3_link_to_person(current.db.auth_user[anna])

    assert [current.db(current.db[name]).count() for name in ("pr_person", "pr_person_user", "pr_contact")] == counts


def test_changed_names_and_address_reach_the_person(world, anna):
    user = current.db.auth_user[anna]
    user.update_record(last_name="Berg", email="berg@example.org")

    person_id = current.auth.s3_link_to_person(user)

    assert current.db.pr_person[person_id].last_name == "Berg"
    # the old address stays: it may be in use for notifications
    values = {row.value for row in current.db(current.db.pr_contact).select()}
    assert values == {"anna@example.org", "berg@example.org"}


def known_person(**names):
    person_id = current.db.pr_person.insert(pe_id=77, **names)
    current.db.pr_contact.insert(pe_id=77, contact_method="EMAIL", value="Cy@example.org")
    return person_id


@pytest.mark.parametrize(
    ("names", "is_taken"),
    [({"first_name": "Anna", "last_name": "Ek"}, True), ({"first_name": "Anna", "last_name": "Other"}, False)],
)
def test_known_person_with_the_same_names_and_address_is_taken(world, names, is_taken):
    person_id = known_person(**names)

    user_id = world.user("cy@example.org")

    assert (current.auth.s3_user_pe_id(user_id) == 77) is is_taken
    assert (current.db.pr_person[person_id].owned_by_user == user_id) is is_taken


def test_person_who_has_an_account_is_not_taken_again(world):
    known_person(first_name="Anna", last_name="Ek")
    current.db.pr_person_user.insert(pe_id=77, user_id=4711)

    assert current.auth.s3_user_pe_id(world.user("cy@example.org")) != 77


def test_oldest_link_of_an_account_counts(world, anna):
    pe_id = current.auth.s3_user_pe_id(anna)
    current.db.pr_person_user.insert(pe_id=4711, user_id=anna)

    assert current.auth.s3_user_pe_id(anna) == pe_id


@pytest.mark.parametrize("address", ["anna@example.org", "ANNA@example.org ", "no address", ""])
def test_second_account_for_an_address_is_refused(world, anna, address):
    with pytest.raises(S3DataError, match="Cannot create an account"):
        world.user(address)
