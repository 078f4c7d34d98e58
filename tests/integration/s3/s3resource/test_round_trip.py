"""What is exported, imported into an empty database and exported again is the same."""
from __future__ import annotations

import datetime as dt
import decimal
import json

import pytest

# mci counts the hops
CHANGING = ("mci", "url")
# which sites and branches make by themselves
DERIVED = ("pr_role", "pr_affiliation")


def normal(tree):
    """{(table, uuid): (attributes, data, references, components)} of a document, whatever its order and record ids."""
    found = {}
    for element in tree.iter("resource"):
        if element.get("name") in DERIVED:
            continue
        attributes = {name: value for name, value in element.attrib.items() if name not in CHANGING}
        fields = [(child.tag, dict(child.attrib), child.text) for child in element if child.tag != "resource"]
        parts = sorted(child.get("uuid") for child in element.iterfind("resource") if child.get("name") not in DERIVED)
        found[element.get("name"), element.get("uuid")] = (attributes, fields, parts)
    return found


@pytest.fixture
def fill(app):
    """Fills the database with records of every kind of relation; gives the names of tables."""

    def fill(current):
        add = lambda tablename, **values: current.s3db.resource(tablename).insert(**values)  # noqa: E731
        country = add("gis_location", name="Utopia", level="L0", lat=1.5, lon=-2.25)
        place = add("gis_location", name="North <&> \"N\" \u00fc \U0001f30d", level="L1", parent=country)
        organisation = add("org_organisation", name="Red Cross", acronym="RC", year=1863, website="http://example.org/?a=b&c=d")
        branch = add("org_organisation", name="Branch")
        add("org_organisation_branch", organisation_id=organisation, branch_id=branch)
        add("org_office", name="Head Office", organisation_id=organisation, location_id=place,
            office_type_id=add("org_office_type", name="HQ"))
        person = add("pr_person", first_name="Eve", last_name="Evans", date_of_birth=dt.date(1980, 2, 29), gender=2)
        pe_id = current.s3db.pr_person[person].pe_id
        add("pr_contact", pe_id=pe_id, contact_method="EMAIL", value="eve@example.org")
        add("pr_group_membership", group_id=add("pr_group", name="Team", group_type=3), person_id=person, group_head=True)
        filter_id = add("pr_filter", pe_id=pe_id, title="North", resource="cms_post", query=json.dumps([["location_id$L1", "No'rth"]]))
        subscription = add("pr_subscription", pe_id=pe_id, filter_id=filter_id, notify_on=["new", "upd"], method=["EMAIL", "SMS"])
        add("pr_subscription_resource", subscription_id=subscription, resource="cms_post", url="cms/post")
        series = add("cms_series", name="News", richtext=False)
        post = add("cms_post", series_id=series, location_id=place, person_id=person, title=" spaces ", priority=3,
                   body="bell \x07,\r\nnew lines\n\tand <b>markup</b> &amp;", date=dt.datetime(2026, 1, 31, 23, 59, 59), expired=True)
        add("cms_tag_post", post_id=post, tag_id=add("cms_tag", name="water"))
        comment = add("cms_comment", post_id=post, body="First")
        add("cms_comment", post_id=post, body="Answer", parent=comment)
        return ("pr_subscription", "pr_group", "org_organisation", "cms_post", "org_office")

    return fill


@pytest.fixture
def empty_application(app):
    """Forgets all records but the cast."""
    return app.clean


@pytest.mark.parametrize("format", ["xml", "s3json"])
def test_export_import_export(app, fill, empty_application, format):
    with app.env(user="admin") as current:
        current.auth.override = True
        tablenames = fill(current)
        current.db.commit()
        documents, before = [], []
        for tablename in tablenames:
            resource = current.s3db.resource(tablename)
            before.append(normal(resource.export_xml(as_tree=True, rcomponents=())))
            documents.append(resource.export_xml(as_json=format == "s3json", rcomponents=()))
    empty_application()
    app.clock.advance(days=1)

    with app.env(user="admin") as current:
        current.auth.override = True
        for tablename, document in zip(tablenames, documents, strict=True):
            message = json.loads(current.s3db.resource(tablename).import_xml(document, format=format))
            assert message["status"] == "success", message
        after = [normal(current.s3db.resource(tablename).export_xml(as_tree=True, rcomponents=())) for tablename in tablenames]

    assert sum(map(len, before)) > 25
    for old, new in zip(before, after, strict=True):
        assert set(new) == set(old)
        for key, record in old.items():
            assert new[key] == record, key


def test_importing_twice_changes_nothing(app, fill):
    with app.env(user="admin") as current:
        current.auth.override = True
        tablenames = fill(current)
        app.clock.advance(days=1)
        for tablename in tablenames:
            resource = current.s3db.resource(tablename)
            message = json.loads(resource.import_xml(resource.export_xml(rcomponents=())))
            assert (message["created"], message["updated"]) == ([], [])


def test_every_type_of_field_comes_back(app, tmp_path):
    import bare
    from depot import Warden
    from gluon.storage import Storage

    from s3.s3xml import S3XML
    from s3dal import Field

    values = {
        "text": "a\n\tb", "empty": "", "number": -5, "big": 2**40, "amount": 0.1, "exact": decimal.Decimal("12.34"),
        "flag": True, "no": False,
        "day": dt.date(2026, 2, 28), "at": dt.datetime(2026, 2, 28, 1, 2, 3), "clock": dt.time(4, 5, 6), "words": ["a|b", "c, d"],
        "numbers": [1, 2], "tree": {"a": [1, None, {"b": "c"}]},
    }  # fmt: skip
    with bare.environment(tmp_path) as current:
        current.auth, current.xml = Warden(), S3XML()
        current.auth.override = True
        table = current.db.define_table(
            "kind_thing", Field("uuid", length=128), Field("deleted", "boolean", default=False), Field("text", "text"), Field("empty"),
            Field("number", "integer"), Field("big", "bigint"), Field("amount", "double"), Field("exact", "decimal(10,2)"),
            Field("flag", "boolean"), Field("no", "boolean"), Field("day", "date"), Field("at", "datetime"), Field("clock", "time"),
            Field("words", "list:string"), Field("numbers", "list:integer"), Field("tree", "json"), Field("nothing"),
            Field("others", "list:reference kind_thing"),
        )  # fmt: skip
        for field in table:
            field.requires = None
        current.auth.s3_has_role = lambda role: True
        current.auth.s3_set_record_owner = lambda *args: None
        current.response = Storage(s3=Storage(base_url="http://example.org/eden"))
        first = table.insert(uuid="urn:1")
        second = table.insert(uuid="urn:2", others=[first], **values)
        table(first).update_record(others=[second, first])
        resource = current.s3db.resource("kind_thing")
        documents = {"xml": resource.export_xml(), "s3json": resource.export_json()}

        for format, document in documents.items():
            table.truncate()
            message = json.loads(resource.import_xml(document, format=format))
            assert message["status"] == "success", message

            a, b = current.db(table).select(orderby=table.uuid)
            expected = values if format == "xml" else {**values, "empty": None}
            assert {name: b[name] for name in values} == expected
            assert (a.others, b.others, b.nothing) == ([b.id, a.id], [a.id], None)
