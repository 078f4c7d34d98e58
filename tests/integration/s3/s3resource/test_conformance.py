"""Conformance with the original on real tables: types of represented rows (C.3), and what was observed of resources there."""
from __future__ import annotations

import datetime as dt
import json

import pytest
from gluon.html import XML
from gluon.languages import lazyT

from s3.s3fields import S3Represent
from s3.s3query import FS
from s3.s3resource import S3Resource
from s3.s3utils import s3_str


@pytest.fixture
def desk(app):
    """``current`` of an administrator, with one post about a place."""
    with app.env("admin", c="cms", f="post") as current:
        country = S3Resource("gis_location").insert(name="Utopia", level="L0")
        place = S3Resource("gis_location").insert(name="North", level="L1", parent=country, lat=1.5, lon=2.5)
        series = S3Resource("cms_series").insert(name="News <b>")
        S3Resource("cms_post").insert(
            series_id=series, location_id=place, body="<p>Hello</p>", priority=2, avatar=True,
            date=dt.datetime(2026, 11, 21, 21, 18, 43), created_on=dt.datetime(2026, 11, 21, 21, 18, 43),
        )  # fmt: skip
        yield current


def represented(*fields, **options):
    data = S3Resource("cms_post").select(fields, represent=True, **options)
    return [data.rows[0][rfield.colname] for rfield in data.rfields]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        # text is not escaped: whoever makes HTML of it does that
        ("series_id", "News <b>"),
        ("date", "2026-11-21 21:18"),
        ("created_by", "admin@cast.example"),
        # in UTC, because the field has no representation of its own
        ("created_on", "2026-11-21 21:18:43"),
        ("location_id$L1", "North"),
        ("location_id$lat", "1.5"),
        ("avatar", "True"),
        ("title", "-"),
    ],
)
def test_value_of_a_post_is_represented_as_text(desk, selector, expected):
    assert represented(selector) == [expected]


def test_nobody_as_author_is_represented_as_none(desk):
    desk.db(desk.db.cms_post.id > 0).update(created_by=None)

    assert represented("created_by") == ["-"]


def test_options_and_flags_are_represented_in_the_language_of_the_moment(desk):
    shown = represented("priority", "expired")

    assert [s3_str(value) for value in shown] == ["Important", "No"]
    assert all(isinstance(value, lazyT) for value in shown)


def test_markup_is_represented_as_an_element(desk, monkeypatch):
    monkeypatch.setattr(desk.db.cms_post.body, "represent", lambda value: XML(value, sanitize=True))

    assert s3_str(represented("body")[0].xml()) == "<p>Hello</p>"


def test_link_is_represented_as_an_element(desk, monkeypatch):
    represent = S3Represent(lookup="gis_location", show_link=True)
    monkeypatch.setattr(desk.db.cms_post.location_id, "represent", represent)

    assert s3_str(represented("location_id")[0].xml()).startswith("<a href=")
    assert represented("location_id", show_links=False) == ["North"]


def test_columns_are_labelled_as_their_fields(desk):
    rfields = S3Resource("cms_post").select(["series_id", "location_id$L1", ("Since", "created_on")]).rfields

    assert [s3_str(rfield.label) for rfield in rfields] == ["Type", "State / Province", "Since"]


def test_deleted_person_takes_the_contacts_along(app):
    with app.env("admin", c="pr", f="person") as current:
        db, s3db = current.db, current.s3db
        person_id = S3Resource("pr_person").insert(first_name="Nora", last_name="North")
        pe_id = s3db.table("pr_person")(person_id).pe_id
        contact_id = S3Resource("pr_contact").insert(pe_id=pe_id, contact_method="EMAIL", value="nora@north.example")

        assert S3Resource("pr_person", id=person_id).delete() == 1

        person, contact = db.pr_person(person_id), db.pr_contact(contact_id)
        assert (person.deleted, contact.deleted, contact.pe_id) == (True, True, None)
        assert json.loads(contact.deleted_fk)["pe_id"] == pe_id
        assert db.pr_pentity(pe_id).deleted is True


def test_contacts_of_a_person_are_components_by_kind(app):
    with app.env("admin", c="pr", f="person") as current:
        anna = current.s3db.table("pr_person")(app.people["anna"].person_id)
        S3Resource("pr_contact").insert(pe_id=anna.pe_id, contact_method="SMS", value="+441234567890")
        resource = S3Resource("pr_person", id=anna.id)

        row = resource.select(["contact.value", "email.value", "phone.value", "user.email"]).rows[0]

        assert list(row.values()) == [
            ["anna@cast.example", "+441234567890"], "anna@cast.example", "+441234567890", "anna@cast.example",
        ]  # fmt: skip
        assert list(row)[:2] == ["pr_contact.value", "pr_email_contact.value"]
        assert resource.components["phone"].get_defaults(anna) == {"contact_method": "SMS"}


def test_description_of_a_resource(app):
    with app.env("admin", c="pr", f="person"):
        resource = S3Resource("pr_person")

        assert (resource.tablename, resource.prefix, resource.name, resource.alias) == ("pr_person", "pr", "person", "person")
        assert (resource._alias, str(resource._id), resource._table) == ("pr_person", "pr_person.id", resource.table)
        assert (resource.parent, resource.linked, resource.link, resource.filter) == (None, None, None, None)
        assert resource.fields == resource.table.fields
        # a resource without records is one nevertheless
        assert bool(resource) is True and len(resource) == 0


def test_effective_query_of_one_record(app):
    with app.env("admin", c="pr", f="person"):
        resource = S3Resource("pr_person", id=1)

        conditions = str(resource.get_query()).replace("(", "").replace(")", "").split(" AND ")
        assert conditions == ['"pr_person"."id" = 1', '"pr_person"."id" > 0', '"pr_person"."deleted" = \'F\'']
        assert resource.get_filter() is None
        assert resource.rfilter.get_joins() == []


def test_new_record_belongs_to_its_author_and_has_its_super_record(app):
    with app.env("admin", c="pr", f="person") as current:
        person_id = S3Resource("pr_person").insert(first_name="Nora", last_name="North")

        person = current.db.pr_person(person_id)
        entity = current.db.pr_pentity(person.pe_id)
        assert (entity.instance_type, entity.uuid) == ("pr_person", person.uuid)
        assert person.created_by == app.people["admin"].user_id


def test_record_that_is_restored_is_new(app):
    with app.env("admin", c="cms", f="post") as current:
        table = current.s3db.table("cms_post")
        seen = []
        current.s3db.configure("cms_post", create_onaccept=lambda form: seen.append(form.vars.id), update_onaccept=None)
        post_id = S3Resource("cms_post").insert(body="x", created_by=app.people["ben"].user_id)
        S3Resource("cms_post", id=post_id).delete()
        app.clock.advance(hours=2)

        assert S3Resource("cms_post", id=post_id, include_deleted=True).update(deleted=False) == 1

        post = table(post_id)
        assert (post.deleted, post.created_on, post.created_by) == (False, app.clock.now, app.people["admin"].user_id)
        assert seen == [post_id, post_id]


def test_filters_are_said_as_url_variables(app):
    with app.env("admin", c="cms", f="post") as current:
        resource = S3Resource("cms_post", filter=FS("priority") > 1, vars={"~.title__like": "a*", "comment.body": "x,y"})
        resource.add_filter(FS("location_id$L1").belongs(["North", "South"]))
        resource.add_filter(current.s3db.table("cms_post").id > 0)

        variables = resource.rfilter.serialize_url()

        again = S3Resource("cms_post", vars=variables)
        assert variables == {
            "~.priority__gt": "1", "~.title__like": "a*", "comment.body": "x,y", "~.location_id$L1__belongs": "North,South",
        }  # fmt: skip
        assert again.rfilter.serialize_url() == variables
        assert S3Resource("cms_post").rfilter.serialize_url() == {}
