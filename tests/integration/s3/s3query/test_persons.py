"""Filters on the application's own tables: the conformance vectors on pr_person, and paths that people use."""
from __future__ import annotations

import pytest

PEOPLE = (("A", "Zed", 1), ("B", "A", 2), ("Ab", "Bo", 3), ("C", None, None))


@pytest.fixture
def persons(app):
    """Persons with first name, last name and gender; gives a function that selects first names."""
    with app.env(user="admin") as current:
        resource = current.s3db.resource("pr_person")
        current.db(current.db.pr_person).delete()
        for first_name, last_name, gender in PEOPLE:
            resource.insert(first_name=first_name, last_name=last_name, gender=gender)

        def select(query=None, **variables):
            found = current.s3db.resource("pr_person", filter=query, vars=variables)
            return [row["pr_person.first_name"] for row in found.select(["first_name"], orderby="id").rows]

        select.current = current
        yield select


def test_conformance_vectors_as_conditions(persons):
    from s3 import FS

    assert persons(FS("first_name") == ["A", "B"]) == ["A", "B"]
    # NOT (= 'A' OR IS NULL)
    assert persons(FS("last_name") != ["A", None]) == ["A", "Ab"]
    assert persons(FS("gender").belongs([1, 2, None])) == ["A", "B", "C"]
    # LIKE 'A%' OR = 'B'
    assert persons(FS("first_name").belongs(["A*", "B"])) == ["A", "B", "Ab"]


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        # NOT (first name A) AND NOT (last name A)
        ({"~.first_name|~.last_name!": "A"}, ["Ab"]),
        # both
        ({"~.first_name": ["A", "B"]}, []),
        ({"~.first_name__belongs": "A,B"}, ["A", "B"]),
        # either
        ({"~.gender__lt": "2,3"}, ["A", "B"]),
        ({"person.first_name": "C"}, ["C"]),
        ({"~.last_name": "NONE"}, ["C"]),
    ],
)
def test_conformance_vectors_in_urls(persons, variables, names):
    assert persons(**variables) == names


@pytest.mark.parametrize("key", ["~.gender__foo", "~.nope", "nope.value", "pr_person.first_name", "(nope)", "~.pe_id$nope"])
def test_what_the_table_does_not_have_is_refused(persons, key):
    from s3 import S3SelectorError

    with pytest.raises(S3SelectorError, match=key.replace("(", r"\(").replace(")", r"\)").replace("$", r"\$")):
        persons(**{key: "1"})


@pytest.mark.parametrize("field", ["password", "reset_password_key", "registration_key"])
def test_secrets_of_an_account_cannot_be_guessed_with_filters(persons, field):
    from s3 import S3SelectorError

    with pytest.raises(S3SelectorError, match="cannot be filtered"):
        persons(**{f"~.created_by${field}__like": "a*"})


def test_contacts_by_their_method(persons):
    current = persons.current
    person = current.db(current.db.pr_person.first_name == "A").select().first()
    for method, value in (("EMAIL", "a@cast.example"), ("SMS", "+4912345")):
        current.s3db.resource("pr_contact").insert(pe_id=person.pe_id, contact_method=method, value=value)

    assert persons(**{"email.value__like": "*@cast.example"}) == ["A"]
    assert persons(**{"phone.value__like": "*@cast.example"}) == []
    rows = current.s3db.resource("pr_person", id=person.id).select(["email.value", "contact.value", "pe_id$instance_type"]).rows
    assert rows == [{"pr_email_contact.value": "a@cast.example", "pr_contact.value": ["a@cast.example", "+4912345"],
                     "pr_pentity.instance_type": "pr_person"}]  # fmt: skip


def test_deleting_a_person_archives_the_contacts(persons):
    current = persons.current
    person = current.db(current.db.pr_person.first_name == "A").select().first()
    contact = current.s3db.resource("pr_contact").insert(pe_id=person.pe_id, contact_method="EMAIL", value="a@cast.example")

    assert current.s3db.resource("pr_person", id=person.id).delete() == 1

    assert current.db.pr_contact(contact).deleted is True
    assert current.db.pr_person(person.id).deleted is True
    assert persons(**{"email.value": "a@cast.example"}) == []


def test_user_sees_the_records_that_his_roles_show_him(app):
    with app.env(user="admin", c="cms", f="post") as current:
        series = current.s3db.resource("cms_series").insert(name="News <b>")
        current.s3db.resource("cms_post").insert(name="P", body="Hello", series_id=series)
        current.db.commit()

    found = {}
    for name in ("anna", "ben", "editor"):
        with app.env(user=name, c="cms", f="post") as current:
            data = current.s3db.resource("cms_post").select(["name", "series_id", "created_by"], represent=True)
            found[name] = [(row["cms_post.name"], row["cms_post.series_id"], row["cms_post.created_by"]) for row in data.rows]

    assert found == {"anna": [("P", "News <b>", "admin@cast.example")], "editor": [("P", "News <b>", "admin@cast.example")], "ben": []}


def test_author_and_last_editor_are_two_joins(app):
    from s3 import FS

    with app.env(user="admin", c="cms", f="post") as current:
        post = current.s3db.resource("cms_post").insert(name="P", body="Hello")
        anna = app.people["anna"].user_id
        current.db(current.db.cms_post.id == post).update(modified_by=anna)

        row = current.s3db.resource("cms_post", id=post).select(["created_by$email", "modified_by$email"]).rows[0]
        is_both = (FS("created_by$email") == "admin@cast.example") & (FS("modified_by$email") == "anna@cast.example")
        both = current.s3db.resource("cms_post", filter=is_both)

        assert list(row.values()) == ["admin@cast.example", "anna@cast.example"]
        assert both.count() == 1
