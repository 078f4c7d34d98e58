"""Import of S3XML and S3JSON: references, matching, permissions, all or nothing."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3DataError, S3PermissionError


@pytest.fixture
def admin(app):
    with app.env(user="admin", c="cms", f="post") as current:
        yield current


@pytest.fixture
def editor(app):
    """Edda, who may read and write posts, places and organisations, on the page of posts."""
    with app.env(user="editor", c="cms", f="post") as current:
        yield current


def load(current, document, tablename="cms_post", **options):
    """Import a document; give the message."""
    text = document if document.startswith("{") else f"<s3xml>{document}</s3xml>"
    format = "s3json" if text.startswith("{") else "xml"
    return json.loads(current.s3db.resource(tablename).import_xml(text, format=format, **options))


def accepted(current, document, tablename="cms_post", **options):
    message = load(current, document, tablename, **options)
    assert message["status"] == "success", message
    return message


def refused(current, document, tablename="cms_post", **options):
    """What a document is refused for: [(element, field, message)]; checks that it has left nothing behind."""
    before = contents(current)
    message = load(current, document, tablename, **options)
    assert (message["status"], message["statuscode"]) == ("failed", "400"), message
    assert contents(current) == before
    return [(error["element"], error.get("field"), error["message"]) for error in message["errors"]]


TABLES = ("cms_post", "cms_series", "cms_tag", "cms_tag_post", "cms_comment", "gis_location", "org_organisation", "pr_person", "pr_pentity",
          "pr_contact", "auth_user", "auth_membership")  # fmt: skip


def contents(current):
    return {name: current.db(current.s3db[name]).select().as_list() for name in TABLES}


def rows(current, tablename):
    table = current.s3db[tablename]
    return list(current.db(table.deleted == False).select(orderby=table.id))


def post(body="Hello", uid=None, more=""):
    identity = f' uuid="{uid}"' if uid else ""
    return f'<resource name="cms_post"{identity}><data field="body">{body}</data>{more}</resource>'


def place(name, uid, parent=None, level="L1"):
    reference = f'<reference field="parent" resource="gis_location" uuid="{parent}"/>' if parent else ""
    data = f'<data field="name">{name}</data><data field="level">{level}</data>'
    return f'<resource name="gis_location" uuid="{uid}">{data}{reference}</resource>'


# Records and values


def test_new_record_goes_through_the_whole_pipeline(editor, app):
    message = accepted(editor, post("Hello", "urn:uuid:1", '<data field="date" value="2026-03-01T10:00:00+01:00">1 March</data>'))

    (stored,) = rows(editor, "cms_post")
    assert message == {"status": "success", "statuscode": "200", "records": 1, "created": [stored.id], "updated": [], "deleted": []}
    assert (stored.uuid, stored.body, str(stored.date)) == ("urn:uuid:1", "Hello", "2026-03-01 09:00:00")
    assert stored.created_by == stored.owned_by_user == app.people["editor"].user_id


def test_same_document_in_json(editor):
    message = accepted(editor, json.dumps({"$_cms_post": [{"body": "Hello", "expired": True, "date": {"@value": "2026-03-01T10:00:00Z"}}]}))

    (stored,) = rows(editor, "cms_post")
    assert message["created"] == [stored.id]
    assert (stored.body, stored.expired, str(stored.date)) == ("Hello", True, "2026-03-01 10:00:00")


def test_record_of_the_same_uuid_is_updated_and_an_equal_one_left_alone(editor, app):
    accepted(editor, post("Hello", "urn:uuid:1") + post("Stays", "urn:uuid:2"))
    first, second = rows(editor, "cms_post")
    app.clock.advance(hours=1)

    message = accepted(editor, post("Changed", "urn:uuid:1") + post("Stays", "urn:uuid:2"))

    changed, same = rows(editor, "cms_post")
    assert (message["records"], message["created"], message["updated"]) == (2, [], [first.id])
    assert (changed.body, changed.modified_on) == ("Changed", app.clock.now)
    assert same.modified_on == second.modified_on


def test_own_domain_is_no_part_of_the_identifier(editor):
    accepted(editor, post("Hello", "news-1"))
    exported = editor.s3db.resource("cms_post").export_xml()
    assert b'uuid="127.0.0.1/news-1"' in exported

    message = accepted(editor, post("Changed", "127.0.0.1/news-1") + post("Other", "elsewhere.example/news-1"))

    assert [row.uuid for row in rows(editor, "cms_post")] == ["news-1", "elsewhere.example/news-1"]
    assert len(message["updated"]) == 1


def test_deletion_archives_and_of_nothing_is_no_fault(admin):
    accepted(admin, post("Hello", "urn:uuid:1"))

    message = accepted(
        admin,
        '<resource name="cms_post" uuid="urn:uuid:1" deleted="True"/><resource name="cms_post" uuid="urn:uuid:9" deleted="true"/>',
    )

    assert len(message["deleted"]) == 1
    assert rows(admin, "cms_post") == []


def test_deleted_record_comes_back(admin):
    accepted(admin, post("Hello", "urn:uuid:1"))
    accepted(admin, '<resource name="cms_post" uuid="urn:uuid:1" deleted="True"/>')

    accepted(admin, post("Again", "urn:uuid:1"))

    assert [row.body for row in rows(admin, "cms_post")] == ["Again"]


def test_record_that_was_deleted_is_only_brought_back_by_an_administrator(editor):
    accepted(editor, post("Hello", "urn:uuid:1"))
    editor.auth.override = True
    editor.s3db.resource("cms_post").delete()
    editor.auth.override = False

    ((element, _, message),) = refused(editor, post("Again", "urn:uuid:1"))

    assert (element, message) == ("cms_post urn:uuid:1", "Operation not permitted")


# References


def test_references_come_in_any_order(editor):
    accepted(
        editor,
        post("Hello", "urn:uuid:1", '<reference field="location_id" resource="gis_location" uuid="p2"/>')
        + place("Town", "p2", parent="p1", level="L2")
        + place("North", "p1"),
    )

    north, town = sorted(rows(editor, "gis_location"), key=lambda row: row.name)
    assert (town.parent, town.L1, town.path) == (north.id, "North", f"{north.id}/{town.id}")
    assert rows(editor, "cms_post")[0].location_id == town.id


def test_reference_to_a_stored_record(editor):
    accepted(editor, place("North", "p1"), "gis_location")

    accepted(editor, post("Hello", None, '<reference field="location_id" uuid="p1"/>'))

    assert rows(editor, "cms_post")[0].location_id == rows(editor, "gis_location")[0].id


def test_record_may_stand_in_the_reference_to_it(editor):
    accepted(editor, post("Hello", None, f'<reference field="location_id" resource="gis_location">{place("North", "p1")}</reference>'))

    assert rows(editor, "cms_post")[0].location_id == rows(editor, "gis_location")[0].id


def test_temporary_identifiers_bind_records_of_one_document(editor):
    document = (
        '<resource name="cms_post"><data field="body">Hello</data>'
        '<reference field="location_id" resource="gis_location" tuid="n"/></resource>'
        '<resource name="gis_location" tuid="n"><data field="name">North</data></resource>'
    )
    accepted(editor, document)

    (location,) = rows(editor, "gis_location")
    assert rows(editor, "cms_post")[0].location_id == location.id
    assert location.uuid.startswith("urn:uuid:")


def test_records_may_refer_to_one_another_and_to_themselves(admin):
    def organisation(name, uid, root):
        return (
            f'<resource name="org_organisation" uuid="{uid}"><data field="name">{name}</data>'
            f'<reference field="root_organisation" resource="org_organisation" uuid="{root}"/></resource>'
        )

    admin.request.controller, admin.request.function = "org", "organisation"
    accepted(admin, organisation("A", "a", "b") + organisation("B", "b", "a") + organisation("C", "c", "c"), "org_organisation")

    a, b, c = sorted(rows(admin, "org_organisation"), key=lambda row: row.name)
    assert (a.root_organisation, b.root_organisation, c.root_organisation) == (b.id, a.id, c.id)


def test_circle_of_indispensable_references_is_refused(admin):
    def comment(uid, parent):
        return (
            f'<resource name="cms_comment" uuid="{uid}"><data field="body">x</data>'
            f'<reference field="parent" uuid="{parent}"/><reference field="post_id" uuid="p"/></resource>'
        )

    admin.s3db.cms_comment.parent.notnull = True
    faults = refused(admin, comment("a", "b") + comment("b", "a") + post("Hello", "p"), "cms_comment")

    assert {fault[0] for fault in faults} == {"cms_comment a", "cms_comment b"}


def test_reference_to_nothing_is_refused(editor):
    ((element, field, message),) = refused(editor, post("Hello", "1", '<reference field="location_id" uuid="nowhere"/>'))

    assert (element, field, message) == ("cms_post 1", "location_id", "there is no gis_location nowhere")


def test_reference_to_another_kind_of_record_is_refused(editor):
    ((_, field, message),) = refused(editor, post("Hello", "1", '<reference field="location_id" resource="pr_person" uuid="x"/>'))

    assert (field, message) == ("location_id", "refers to gis_location, and not to pr_person")


def test_super_entities_are_made_and_referred_to_by_their_instances(admin):
    admin.request.controller, admin.request.function = "pr", "contact"
    accepted(
        admin,
        '<resource name="pr_contact"><data field="contact_method">EMAIL</data><data field="value">eve@example.org</data>'
        '<reference field="pe_id" resource="pr_person" uuid="eve"/></resource>'
        '<resource name="pr_person" uuid="eve"><data field="first_name">Eve</data><data field="last_name">Evans</data></resource>',
        "pr_contact",
    )

    person = next(row for row in rows(admin, "pr_person") if row.first_name == "Eve")
    contact = next(row for row in rows(admin, "pr_contact") if row.value == "eve@example.org")
    assert contact.pe_id == person.pe_id
    assert admin.s3db.pr_pentity[person.pe_id].uuid == "eve"


# Components


def test_components_come_with_their_master_and_are_matched_by_their_own_uuid(editor):
    def document(text):
        return post("Hello", "urn:uuid:1", f'<resource name="cms_comment" uuid="c"><data field="body">{text}</data></resource>')

    accepted(editor, document("Yes"))
    accepted(editor, document("No"))

    (comment,) = rows(editor, "cms_comment")
    assert (comment.post_id, comment.body) == (rows(editor, "cms_post")[0].id, "No")


def test_link_record_brings_what_it_links(editor):
    accepted(
        editor,
        post(
            "Hello",
            "urn:uuid:1",
            '<resource name="cms_tag_post" alias="tag"><reference field="tag_id" resource="cms_tag" uuid="t"/></resource>',
        )
        + '<resource name="cms_tag" uuid="t"><data field="name">water</data></resource>',
    )

    (link,), (tag,) = rows(editor, "cms_tag_post"), rows(editor, "cms_tag")
    assert (link.tag_id, link.post_id, tag.name) == (tag.id, rows(editor, "cms_post")[0].id, "water")


def test_filtered_component_has_what_it_is_filtered_by(admin):
    admin.request.controller, admin.request.function = "pr", "person"
    accepted(
        admin,
        '<resource name="pr_person"><data field="first_name">Eve</data><data field="last_name">Evans</data>'
        '<resource name="pr_contact" alias="email"><data field="value">eve@example.org</data></resource></resource>',
        "pr_person",
    )

    assert [row.contact_method for row in rows(admin, "pr_contact") if row.value == "eve@example.org"] == ["EMAIL"]


def test_what_is_no_component_is_refused(editor):
    faults = refused(editor, post("Hello", "1", '<resource name="gis_location"><data field="name">North</data></resource>'))

    assert ("gis_location number 1", None, "is no component of cms_post") in faults


# Matching


def test_rule_of_the_table_finds_records_without_uuid(editor):
    from s3 import S3Duplicate

    editor.s3db.configure(editor.s3db.gis_location, deduplicate=S3Duplicate(primary=("name",), secondary=("level",)))
    accepted(editor, place("North", "p1"), "gis_location")

    accepted(editor, post("Hello", None, f'<reference field="location_id" resource="gis_location">{place("NORTH", "p2")}</reference>'))

    (location,) = rows(editor, "gis_location")
    assert (location.uuid, location.name) == ("p1", "NORTH")
    assert rows(editor, "cms_post")[0].location_id == location.id


def test_rule_may_be_a_function(editor):
    def same_body(item):
        row = editor.db(item.table.body == item.data["body"]).select().first()
        if row:
            item.id, item.method = row.id, item.METHOD.UPDATE

    editor.s3db.configure(editor.s3db.cms_post, deduplicate=same_body)
    accepted(editor, post("Hello"))

    message = accepted(editor, post("Hello", None, '<data field="title">T</data>'))

    assert [row.title for row in rows(editor, "cms_post")] == ["T"]
    assert len(message["updated"]) == 1


@pytest.mark.parametrize(
    ("primary", "secondary", "level", "is_same"),
    [
        (("name",), (), "L2", True),
        (("name", "level"), (), "L2", False),
        (("name",), ("level",), "L2", False),
        (("name",), ("level",), "", True),
        (("name", "addr_street"), (), "L1", False),
    ],
)
def test_primary_fields_must_agree_and_secondary_ones_if_they_are_given(editor, primary, secondary, level, is_same):
    from s3 import S3Duplicate

    accepted(editor, place("North", "p1"), "gis_location")
    editor.s3db.configure("gis_location", deduplicate=S3Duplicate(primary=primary, secondary=secondary))

    accepted(editor, place("north", "p2", level=level), "gis_location")

    assert len(rows(editor, "gis_location")) == (1 if is_same else 2)


def test_persons_of_the_same_name_are_different_persons(admin):
    admin.request.controller, admin.request.function = "pr", "person"
    person = (
        '<resource name="pr_person"><data field="pe_label">{}</data><data field="first_name">Eve</data>'
        '<data field="last_name">Evans</data><data field="comments">{}</data></resource>'
    )
    accepted(admin, person.format("E1", "") + person.format("", ""), "pr_person")

    accepted(admin, person.format("e1", "again") + person.format("", ""), "pr_person")

    assert [row.comments for row in rows(admin, "pr_person") if row.first_name == "Eve"] == ["again", None, None]


@pytest.mark.parametrize("ignore_deleted", [True, False])
def test_deleted_record_is_matched_only_if_the_rule_says_so(admin, ignore_deleted):
    from s3 import S3Duplicate

    rule = S3Duplicate(ignore_deleted=ignore_deleted)
    admin.s3db.configure(admin.s3db.cms_tag, deduplicate=rule)
    document = '<resource name="cms_tag"><data field="name">water</data></resource>'
    (deleted,) = accepted(admin, document, "cms_tag")["created"]
    admin.s3db.resource("cms_tag").delete()

    message = accepted(admin, document, "cms_tag")

    assert message["updated"] == ([] if ignore_deleted else [deleted])
    assert len(rows(admin, "cms_tag")) == 1


# What is refused


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ('<data field="colour">blue</data>', "colour", "no such field"),
        ('<data field="date">someday</data>', "date", "must be a date and time"),
        ('<data field="expired" value="2"/>', "expired", "must be true or false"),
        ('<data field="id">5</data>', "id", "set by the system"),
        ('<data field="location_id">5</data>', "location_id", "is a reference"),
        ('<reference field="title" uuid="x"/>', "title", "is no reference"),
        ('<data field="title">a</data><data field="title">b</data>', "title", "twice"),
        (f'<data field="title">{"x" * 600}</data>', "title", "512 characters"),
    ],
)
def test_wrong_value_is_refused_with_its_element(editor, more, field, message):
    ((element, name, text),) = refused(editor, post("Hello", "1", more))

    assert (element, name) == ("cms_post 1", field)
    assert message in text


def test_missing_value_is_refused(editor):
    ((element, field, _),) = refused(editor, '<resource name="cms_post"><data field="title">T</data></resource>')

    assert (element, field) == ("cms_post number 1", "body")


def test_callbacks_of_the_table_object_and_change(admin):
    admin.request.controller, admin.request.function = "pr", "person"
    contact = '<resource name="pr_contact"><data field="contact_method">SMS</data><data field="value">{}</data></resource>'
    person = '<resource name="pr_person"><data field="first_name">Eve</data><data field="last_name">Evans</data>{}</resource>'

    ((_, field, _),) = refused(admin, person.format(contact.format("no number")), "pr_person")
    accepted(admin, person.format(contact.format("+44 123 456")), "pr_person")

    assert field == "value"
    assert "+44123456" in [row.value for row in rows(admin, "pr_contact")]


def test_every_fault_is_told_and_the_sentence_names_the_first(editor):
    document = "".join(post("", str(number)) for number in range(5)) + post("Right", "9")

    message = load(editor, document)

    assert len(message["errors"]) == 5
    assert message["errors"][0]["element"] == "cms_post 0"
    assert message["errors"][0]["line"] == 1
    assert message["message"].startswith("cms_post 0: body: ")
    assert message["message"].endswith("; and 2 more")
    assert rows(editor, "cms_post") == []


def test_elements_carry_their_errors(editor):
    document = post("Hello", "1", '<data field="date">someday</data>')
    tree = editor.xml.parse(f"<s3xml>{document}</s3xml>")

    result = editor.s3db.resource("cms_post").import_tree(tree)

    assert not result.is_accepted
    assert "must be a date" in tree.find(".//data[@field='date']").get("error")


def test_right_records_are_imported_if_errors_are_to_be_ignored(editor):
    document = post("", "1") + post("Right", "2") + post("Lost", "3", '<reference field="location_id" uuid="nowhere"/>')

    message = load(editor, document, ignore_errors=True)

    assert message["status"] == "success"
    assert [row.uuid for row in rows(editor, "cms_post")] == ["2"]
    assert [error["element"] for error in message["errors"]] == ["cms_post 1", "cms_post 3"]


def test_what_the_database_refuses_leaves_the_others_alone(admin):
    series = '<resource name="cms_series" uuid="{}"><data field="name">{}</data></resource>'
    admin.s3db.cms_series.name.requires = None
    admin.s3db.configure("cms_series", deduplicate=None)
    document = series.format(1, "News") + series.format(2, "News") + series.format(3, "More")

    ((element, _, message), *_) = refused(admin, document, "cms_series")
    answer = load(admin, document, "cms_series", ignore_errors=True)

    assert element == "cms_series 2"
    assert message.startswith("The database refused the record")
    assert [row.name for row in rows(admin, "cms_series")] == ["News", "More"]
    assert len(answer["errors"]) == 1


def test_components_of_a_refused_record_are_not_imported(editor):
    message = load(editor, post("", "1", '<resource name="cms_comment"><data field="body">x</data></resource>'), ignore_errors=True)

    assert rows(editor, "cms_comment") == []
    assert [error["element"] for error in message["errors"]] == ["cms_post 1", "cms_comment number 1"]


@pytest.mark.parametrize("document", ["", place("North", "p1")])
def test_document_without_records_of_the_resource_is_refused(editor, document):
    faults = refused(editor, document)

    assert ("cms_post", None, "No matching element found in the data source") in faults


def test_same_record_twice_is_refused(editor):
    faults = refused(editor, post("a", "1") + post("b", "1"))

    assert faults == [("cms_post 1", None, "1 stands in the document twice")]


def test_what_was_written_before_stays_when_a_document_is_refused(editor):
    editor.s3db.resource("cms_post").insert(body="Before")

    refused(editor, post("Hello") + post(""))

    assert [row.body for row in rows(editor, "cms_post")] == ["Before"]


def test_strategy_decides_what_may_be_done(admin):
    accepted(admin, post("Old", "1"))

    message = accepted(admin, post("New", "1") + post("Other", "2"), strategy=("create",))

    assert [row.body for row in rows(admin, "cms_post")] == ["Old", "Other"]
    assert (len(message["created"]), message["updated"]) == (1, [])


def test_every_table_is_prepared_once_before_its_fields_are_looked_at(editor):
    seen = []

    def customise(tablename):
        seen.append(tablename)
        editor.s3db.gis_location.addr_street.writable = False

    street = '<data field="addr_street">Mill Lane</data></resource>'
    location = place("North", "p1").replace("</resource>", street)
    document = post("Hello", None, f'<reference field="location_id" resource="gis_location">{location}</reference>')

    message = accepted(editor, document + post("World"), customise=customise)

    assert seen == ["cms_post", "gis_location"]
    assert message["ignored"] == ["gis_location.addr_street"]


def test_callbacks_know_that_they_are_called_for_many(editor):
    seen = []
    editor.s3db.configure("cms_post", onaccept=lambda form: seen.append(editor.response.s3.bulk))

    accepted(editor, post("Hello"))

    assert seen == [True]
    assert not editor.response.s3.bulk


# What a user may not do


def test_who_may_not_write_is_refused(app):
    with app.env(user="anna", c="cms", f="post") as current:
        with pytest.raises(S3PermissionError):
            load(current, post("Hello"))


def test_authorship_is_not_for_users_to_claim(editor, app):
    admin = app.people["admin"]
    accepted(
        editor,
        f'<resource name="cms_post" created_by="{admin.email}" modified_by="{admin.email}" owned_by_user="{admin.email}"'
        ' owned_by_group="Administrator" created_on="2001-01-01T00:00:00" modified_on="2001-01-01T00:00:00" approved="true"'
        ' approved_by="1" realm_entity="1"><data field="body">Hello</data></resource>',
    )

    (stored,) = rows(editor, "cms_post")
    own = app.people["editor"].user_id
    assert (stored.created_by, stored.modified_by, stored.owned_by_user, stored.owned_by_group) == (own, own, own, None)
    assert stored.created_on == stored.modified_on == app.clock.now
    assert stored.realm_entity is None


@pytest.mark.parametrize("name", ["created_by", "modified_by", "owned_by_user", "owned_by_group", "realm_entity", "approved_by", "deleted",
                                  "created_on", "modified_on", "uuid", "mci", "deleted_fk"])  # fmt: skip
@pytest.mark.parametrize("who", ["editor", "admin"])
def test_meta_fields_are_no_data(app, who, name):
    with app.env(user=who, c="cms", f="post") as current:
        ((_, field, message),) = refused(current, post("Hello", "1", f'<data field="{name}">1</data>'))

    assert (field, message) == (name, "is set by the system")


def test_administrators_restore_authorship(admin, app):
    anna = app.people["anna"]
    accepted(
        admin,
        f'<resource name="cms_post" mci="2" created_by="{anna.email}" modified_by="{anna.email}" owned_by_user="{anna.email}"'
        ' owned_by_group="Reader" created_on="2001-01-01T00:00:00" modified_on="2002-02-02T00:00:00Z">'
        '<data field="body">Hello</data></resource>',
    )

    (stored,) = rows(admin, "cms_post")
    assert (stored.created_by, stored.modified_by, stored.owned_by_user) == (anna.user_id,) * 3
    assert stored.owned_by_group == admin.auth.find_role_id("READER")
    assert (str(stored.created_on), str(stored.modified_on), stored.mci) == ("2001-01-01 00:00:00", "2002-02-02 00:00:00", 2)


def test_fields_that_a_page_does_not_offer_are_left_alone_and_told(editor):
    message = accepted(editor, post("Hello", None, '<data field="priority">3</data>'))

    assert rows(editor, "cms_post")[0].priority == 1
    assert message["ignored"] == ["cms_post.priority"]


@pytest.mark.parametrize(
    "document",
    [
        # nested in a reference, beside the record, and as component
        post("x", "1", '<reference field="person_id" resource="pr_person"><resource name="pr_person"><data field="first_name">E</data>'
                       "</resource></reference>"),
        post("x", "1") + '<resource name="auth_user" uuid="u"><data field="email">eve@example.org</data></resource>',
        post("x", "1") + '<resource name="auth_membership"><reference field="group_id" resource="auth_group" uuid="ADMIN"/></resource>',
        post("x", "1", '<resource name="auth_membership"><data field="user_id">1</data></resource>'),
        post("x", "1", '<resource name="s3_permission"><data field="uacl">127</data></resource>'),
        post("x", "1") + '<resource name="msg_outbox"><data field="status">1</data></resource>',
        post("x", "1") + '<resource name="pr_contact"><data field="value">eve@example.org</data></resource>',
        post("x", "1") + '<resource name="pr_pentity"/>',
        post("x", "1") + '<resource name="gis_location"><data field="name">Unused</data></resource>',
        post("x", "1") + '<resource name="no_table"/>',
        post("x", "1") + '<resource name="notable"/>',
        post("x", "1") + "<resource/>",
        post("x", "1") + '<resource name="cms_post; DROP TABLE cms_post"/>',
    ],
)  # fmt: skip
def test_other_tables_are_out_of_reach(app, document):
    with app.env(user="editor", c="cms", f="post") as current:
        current.s3db.cms_post.person_id.writable = True

        assert refused(current, document)


def test_record_that_is_referred_to_needs_the_permission_of_its_own_page(editor):
    document = post("Hello", None, f'<reference field="location_id" resource="gis_location">{place("North", "p1")}</reference>')
    editor.auth.override = True
    editor.auth.permission.update_acl(editor.auth.find_role_id("WRITER"), c="gis", uacl=2, oacl=2)
    editor.auth.override = False

    faults = refused(editor, document)

    assert faults[0] == ("gis_location p1", None, "Operation not permitted")


def test_record_that_is_quoted_as_it_is_needs_no_right_to_write(editor):
    document = post("Hello", "1", '<reference field="location_id" uuid="p1"/>')
    editor.auth.override = True
    accepted(editor, document + place("North", "p1"))
    for role in ("READER", "WRITER"):
        editor.auth.permission.update_acl(editor.auth.find_role_id(role), c="gis", uacl=2, oacl=2)
    editor.auth.override = False

    message = accepted(editor, document.replace("Hello", "Changed") + place("North", "p1"))
    changed = refused(editor, document + place("South", "p1"))
    for role in ("READER", "WRITER"):
        editor.auth.permission.update_acl(editor.auth.find_role_id(role), c="gis", uacl=0, oacl=0)
    unreadable = refused(editor, document + place("North", "p1"))

    assert (message["records"], len(message["updated"])) == (2, 1)
    assert changed[0] == unreadable[0] == ("gis_location p1", None, "Operation not permitted")


def test_record_that_may_not_be_read_cannot_be_referred_to(editor):
    editor.auth.override = True
    accepted(editor, place("North", "p1"), "gis_location")
    for role in ("READER", "WRITER"):
        editor.auth.permission.update_acl(editor.auth.find_role_id(role), c="gis", uacl=0, oacl=0)
    editor.auth.override = False

    ((_, field, message),) = refused(editor, post("Hello", None, '<reference field="location_id" uuid="p1"/>'))

    assert (field, message) == ("location_id", "there is no gis_location p1")

    # nor by claiming to bring it along
    document = post("Hello", "1", '<reference field="location_id" uuid="p1"/>') + place("South", "p1")
    message = load(editor, document, ignore_errors=True)
    assert (message["records"], len(message["errors"])) == (0, 2)
    assert rows(editor, "cms_post") == []


def test_record_that_the_page_hides_cannot_be_changed(editor):
    accepted(editor, post("Hidden", "1") + post("Shown", "2"))
    resource = editor.s3db.resource("cms_post", filter=editor.s3db.cms_post.body != "Hidden")

    answer = json.loads(resource.import_xml(f"<s3xml>{post('x', '1')}{post('y', '2')}</s3xml>"))

    assert answer["message"] == "cms_post 1: Operation not permitted"
    assert [row.body for row in rows(editor, "cms_post")] == ["Hidden", "Shown"]


def test_record_behind_the_hook_of_its_page_cannot_be_changed_from_another_page(editor):
    comment = '<resource name="cms_comment" uuid="c"><data field="body">{}</data></resource>'
    accepted(editor, post("Hello", "1", comment.format("x")))
    editor.deployment_settings.customise_cms_comment_controller = lambda **attr: attr

    faults = refused(editor, post("Hello", "1", comment.format("y")))

    assert faults == [("cms_comment c", None, "Operation not permitted")]


def test_deleting_needs_its_own_permission(editor):
    accepted(editor, post("Hello", "1"))

    faults = refused(editor, '<resource name="cms_post" uuid="1" deleted="True"/>')

    assert faults == [("cms_post 1", None, "Operation not permitted")]


def test_component_is_not_taken_away_from_another_record(editor):
    comment = '<resource name="cms_comment" uuid="c"><data field="body">{}</data></resource>'
    accepted(editor, post("Theirs", "1", comment.format("x")) + post("Mine", "2"))

    ((element, _, message), *_) = refused(editor, post("Mine", "2", comment.format("y")))

    assert (element, message) == ("cms_comment c", "Operation not permitted")


def test_table_that_is_closed_stays_closed(admin):
    admin.s3db.configure("cms_post", insertable=False)

    ((_, _, message),) = refused(admin, post("Hello"))

    assert message == "Operation not permitted"


def test_files_and_passwords_are_not_taken_from_documents(admin):
    admin.request.controller, admin.request.function = "doc", "document"
    message = accepted(
        admin,
        '<resource name="doc_document"><data field="name">N</data><data field="file" url="http://127.0.0.1:9/x" filename="x"/></resource>',
        "doc_document",
    )

    assert message["ignored"] == ["doc_document.file"]
    assert rows(admin, "doc_document")[0].file in (None, "")


# Documents


@pytest.mark.parametrize(("source", "format"), [(b"<s3xml>", "xml"), (b"{", "s3json"), (b"[]", "s3json"), (b"\xff\xfe\x00", "xml")])
def test_what_is_no_document_is_refused(editor, source, format):
    with pytest.raises(S3DataError):
        editor.s3db.resource("cms_post").import_xml(source, format=format)


def test_long_chains_need_no_deep_recursion(admin):
    count = 400
    parents = [*(f"p{number + 1}" for number in range(count)), None]
    document = "".join(place(f"Place {number}", f"p{number}", parent, level="") for number, parent in enumerate(parents))
    admin.s3db.gis_location.parent.requires = None
    admin.s3db.configure("gis_location", onaccept=None)

    message = accepted(admin, document, "gis_location")

    assert message["records"] == count + 1
