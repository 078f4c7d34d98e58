"""Super-records of the application's own tables, deleted with their instances."""
import pytest


@pytest.fixture
def environment(app):
    with app.env(c="pr", f="person") as current:
        current.auth.override = True
        yield current


def insert_person(current, first_name):
    record_id = current.s3db.resource("pr_person").insert(first_name=first_name, last_name="Test")
    return current.db.pr_person[record_id]


def test_deleting_a_person_archives_the_entity_and_what_refers_to_it(environment):
    db, s3db = environment.db, environment.s3db
    person = insert_person(environment, "Dora")
    contact_id = s3db.pr_contact.insert(pe_id=person.pe_id, contact_method="EMAIL", value="dora@example.com")

    deleted = s3db.resource("pr_person", id=person.id).delete()

    assert deleted == 1
    assert db.pr_person[person.id].deleted
    assert db.pr_person[person.id].pe_id is None
    assert db.pr_pentity[person.pe_id].deleted
    assert db.pr_contact[contact_id].deleted


def test_an_entity_that_may_not_be_deleted_keeps_its_person(environment):
    db, s3db = environment.db, environment.s3db
    person = insert_person(environment, "Emil")

    def refuse(row):
        raise RuntimeError("still needed")

    s3db.configure("pr_pentity", ondelete_cascade=refuse)
    record = {"id": person.id, "pe_id": person.pe_id}

    assert s3db.delete_super(s3db.pr_person, record) is False
    assert record["pe_id"] == person.pe_id
    assert db.pr_person[person.id].pe_id == person.pe_id
    assert not db.pr_pentity[person.pe_id].deleted
