"""Export of records as S3XML and S3JSON."""
from __future__ import annotations

import json

import pytest
from bare import counted_queries

from s3.s3xml import S3XML

POST_UID = "urn:uuid:11111111-1111-1111-1111-111111111111"


def add(current, tablename, **values):
    return current.s3db.resource(tablename).insert(**values)


@pytest.fixture
def content(app):
    """A post with place, series, tags and comments; gives the environment of an administrator."""
    with app.env(user="admin", c="cms", f="post") as current:
        current.auth.override = True
        series = add(current, "cms_series", name="News & more")
        country = add(current, "gis_location", name="Utopia", level="L0", lat=1.5, lon=2.25)
        place = add(current, "gis_location", name="North", level="L1", parent=country)
        post = add(current, "cms_post", uuid=POST_UID, series_id=series, name="P", title="A < B", body="Hello", location_id=place)
        for name in ("water", "food"):
            add(current, "cms_tag_post", post_id=post, tag_id=add(current, "cms_tag", name=name))
        comment = add(current, "cms_comment", post_id=post, body="Yes")
        current.auth.override = False
        current.ids = {"comment": comment, "post": post, "place": place, "country": country, "series": series}
        yield current
        del current.ids


def export(current, tablename="cms_post", **options):
    return current.s3db.resource(tablename).export_xml(as_tree=True, **options)


def data_of(element):
    return {child.get("field"): (child.get("value"), child.text) for child in element.iterfind("data")}


def references_of(element):
    return {child.get("field"): (child.get("resource"), child.get("uuid"), child.text) for child in element.iterfind("reference")}


def test_record_has_identity_authorship_data_and_references(content):
    root = export(content, mcomponents=None, dereference=False)

    (post,) = root
    assert dict(root.attrib) == {
        "success": "true", "results": "1", "domain": "127.0.0.1", "url": f"http://127.0.0.1:8000/{content.request.application}",
    }  # fmt: skip
    assert dict(post.attrib) == {
        "name": "cms_post", "uuid": POST_UID, "mci": "1", "created_on": "2026-03-02T06:00:00", "modified_on": "2026-03-02T06:00:00",
        "created_by": "admin@cast.example", "modified_by": "admin@cast.example", "owned_by_user": "admin@cast.example",
        "url": f"http://127.0.0.1:8000/{content.request.application}/cms/post/{content.ids['post']}",
    }  # fmt: skip
    data = data_of(post)
    assert data.pop("body")[1] == "Hello"
    assert data == {
        "name": (None, "P"), "title": (None, "A < B"),
        "date": ("2026-03-02T06:00:00", "2026-03-02 06:00"), "avatar": ("false", "False"), "replies": ("false", "False"),
        "priority": ("1", "Informational"), "expired": ("false", "No"),
    }  # fmt: skip
    references = references_of(post)
    assert references["series_id"][::2] == ("cms_series", "News & more")
    assert references["location_id"][0] == "gis_location"
    assert [child.tag for child in post] == ["data"] * 8 + ["reference"] * 3


def test_document_is_bytes_of_xml_or_text_of_json(content):
    resource = content.s3db.resource("cms_post")

    xml = resource.export_xml(mcomponents=None, dereference=False)
    text = resource.export_json(mcomponents=None, dereference=False)

    assert xml.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<s3xml ")
    (post,) = json.loads(text)["$_cms_post"]
    assert post["expired"] == {"@value": False, "$": "No"}
    assert post["title"] == "A < B"
    assert post["$k_series_id"]["$"] == "News & more"
    assert S3XML.tree2json(S3XML.parse(xml)) == text


def test_what_is_referred_to_follows_level_by_level(content):
    def names(**options):
        return [(item.get("name"), data_of(item).get("name", (None, None))[1]) for item in export(content, mcomponents=None, **options)]

    assert names(maxdepth=0) == [("cms_post", "P")]
    assert names(maxdepth=1) == [("cms_post", "P"), ("cms_series", "News & more"), ("gis_location", "North"), ("pr_person", None)]
    assert names()[-1] == ("gis_location", "Utopia")
    assert len(names()) == 5


def test_place_that_is_referred_to_has_its_coordinates(content):
    reference = export(content).find("resource/reference[@field='location_id']")

    assert (reference.get("lat"), reference.get("lon")) == ("1.5000", "2.2500")


def test_components_stand_in_their_master_without_the_key(content):
    post = export(content)[0]
    comment = post.find("resource[@name='cms_comment']")

    assert [item.get("name") for item in post.iterfind("resource")] == ["cms_comment", "cms_tag_post", "cms_tag_post"]
    assert data_of(comment)["body"] == (None, "Yes")
    assert comment.get("url").endswith(f"/cms/post/{content.ids['post']}/comment/{content.ids['comment']}")
    assert references_of(comment) == {}


def test_link_record_stands_for_the_component_that_it_links(content):
    root = export(content, mcomponents=["tag"])
    links = root[0].findall("resource")

    assert [(link.get("name"), link.get("alias")) for link in links] == [("cms_tag_post", "tag")] * 2
    assert [references_of(link)["tag_id"][2] for link in links] == ["water", "food"]
    assert [data_of(item)["name"][1] for item in root.iterfind("resource[@name='cms_tag']")] == ["water", "food"]


def test_fields_and_references_can_be_chosen(content):
    post = export(content, fields=["title"], references=["series_id"], mcomponents=None)[0]

    assert list(data_of(post)) == ["title"]
    assert list(references_of(post)) == ["series_id"]


def test_filters_apply_to_what_is_referred_to(content):
    root = export(content, mcomponents=None, filters={"gis_location": {"~.name": "Utopia"}})

    assert [data_of(item)["name"][1] for item in root.iterfind("resource[@name='gis_location']")] == []
    assert "location_id" in references_of(root[0])


def test_super_entity_is_named_by_its_instance_and_its_own_keys_are_left_out(content):
    content.request.controller, content.request.function = "pr", "person"

    root = export(content, "pr_person", mcomponents=["contact"])
    person = next(item for item in root if data_of(item)["first_name"][1] == "Anna")
    contact = export(content, "pr_contact")[0]

    assert "pe_id" not in references_of(person)
    assert data_of(person.find("resource[@name='pr_contact']"))["value"][1] == "anna@cast.example"
    assert references_of(contact)["pe_id"][0] == "pr_person"
    assert references_of(contact)["pe_id"][1] in {item.get("uuid") for item in root}


@pytest.mark.parametrize("instance_type", ["pr_person", "no_such_table", None])
def test_super_record_without_its_instance_is_not_named_at_all(content, instance_type):
    content.request.controller, content.request.function = "pr", "contact"
    db, s3db = content.db, content.s3db
    lost = s3db.pr_pentity.insert(instance_type=instance_type, uuid="urn:uuid:lost")
    contact_id = s3db.pr_contact.insert(pe_id=lost, contact_method="EMAIL", value="lost@cast.example")

    root = content.s3db.resource("pr_contact", id=contact_id).export_xml(as_tree=True)

    assert data_of(root[0])["value"][1] == "lost@cast.example"
    assert "pe_id" not in references_of(root[0])
    assert [item.get("name") for item in root] == ["pr_contact"]
    assert db(s3db.pr_pentity.pe_id == lost).count() == 1


def test_page_and_changes_since(content, app):
    app.clock.advance(hours=1)
    for number in range(3):
        add(content, "cms_post", body=f"Later {number}")

    paged = export(content, start=1, limit=2, dereference=False)
    since = export(content, msince=app.clock.now, dereference=False)

    assert (paged.get("start"), paged.get("limit"), paged.get("results")) == ("1", "2", "2")
    assert [data_of(item)["body"][1] for item in paged] == ["Later 0", "Later 1"]
    assert [data_of(item)["body"][1] for item in since] == ["Later 0", "Later 1", "Later 2"]


def test_nothing_is_a_document_too(content):
    resource = content.s3db.resource("cms_post", id=[])

    assert b'success="false" results="0"' in resource.export_xml()
    assert json.loads(resource.export_json())["@success"] == "false"


def test_deleted_record_is_but_a_sign(content):
    content.s3db.resource("cms_comment").delete()

    (comment,) = content.s3db.resource("cms_comment", include_deleted=True).export_xml(as_tree=True)

    assert set(comment.attrib) == {"name", "uuid", "deleted", "modified_on"}
    assert comment.get("deleted") == "True"
    assert len(comment) == 0


def test_characters_that_xml_does_not_have_are_carried_by_the_value(content):
    add(content, "cms_post", body="bell \x07 and\r\nline")

    root = S3XML.parse(content.s3db.resource("cms_post").export_xml(mcomponents=None))
    value, text = data_of(root[1])["body"]

    assert json.loads(value) == "bell \x07 and\r\nline"
    assert text == "bell \ufffd and\r\nline"


def test_ids_are_told_on_request_only(content):
    assert export(content)[0].get("id") is None

    content.xml.show_ids = True
    post = export(content)[0]

    assert post.get("id") == str(content.ids["post"])
    assert post.find("reference[@field='series_id']").get("id") == str(content.ids["series"])


def test_queries_do_not_grow_with_the_number_of_records(content):
    def queries(number):
        for item in range(number):
            series = add(content, "cms_series", name=f"S {number} {item}")
            post = add(content, "cms_post", body=f"More {item}", series_id=series)
            add(content, "cms_comment", post_id=post, body="Yes")
        with counted_queries(content.db) as sent:
            export(content)
        return len(sent)

    queries(1)
    assert queries(20) == queries(2)


# What a reader may see


@pytest.fixture
def reader(app, content):
    """Anna, who may read posts."""
    content.db.commit()
    content.auth.s3_impersonate(app.people["anna"].user_id)
    return content


def test_reader_sees_no_hidden_fields_and_no_accounts(reader):
    post = export(reader, mcomponents=None)[0]

    assert not {"created_by", "modified_by", "owned_by_user"} & set(post.attrib)
    assert set(data_of(post)) == {"name", "title", "body", "date", "expired"}
    assert set(references_of(post)) == {"location_id"}


def test_reader_gets_records_of_other_tables_only_if_their_page_is_open(reader):
    assert [item.get("name") for item in export(reader, mcomponents=None)] == ["cms_post", "gis_location", "gis_location"]

    reader.auth.override = True
    group = reader.auth.find_role_id("READER")
    reader.auth.permission.update_acl(group, c="gis", uacl=0, oacl=0)
    reader.auth.override = False

    root = export(reader, mcomponents=None)
    assert [item.get("name") for item in root] == ["cms_post"]
    assert references_of(root[0]) == {}


def test_records_behind_the_hook_of_a_page_are_neither_shown_nor_named(reader):
    reader.deployment_settings.customise_gis_location_controller = lambda **attr: attr

    root = export(reader, mcomponents=None)

    assert [item.get("name") for item in root] == ["cms_post"]
    assert references_of(root[0])["location_id"][2] is None


def test_records_that_a_page_hides_do_not_come_back_through_references(reader):
    table = reader.s3db.gis_location
    reader.request.controller, reader.request.function = "gis", "location"
    whole = reader.s3db.resource("gis_location", filter=None).export_xml(as_tree=True)
    resource = reader.s3db.resource("gis_location", filter=table.name != "Utopia")

    root = resource.export_xml(as_tree=True)

    assert len(whole) == 2
    assert [data_of(item)["name"][1] for item in root] == ["North"]
    assert references_of(root[0])["parent"][2] is None


def test_components_behind_the_hook_of_a_page_are_not_shown(reader):
    assert export(reader, mcomponents=["comment"])[0].find("resource") is not None

    reader.deployment_settings.customise_cms_comment_controller = lambda **attr: attr

    assert export(reader, mcomponents=["comment"])[0].find("resource") is None


def test_link_to_what_may_not_be_read_is_not_told(reader):
    assert len(export(reader, mcomponents=["tag"])[0].findall("resource")) == 2

    reader.auth.override = True
    reader.auth.permission.update_acl(reader.auth.find_role_id("WRITER"), t="cms_tag", uacl=2)
    reader.auth.override = False

    assert export(reader, mcomponents=["tag"])[0].findall("resource") == []


def test_reader_sees_no_record_that_is_not_permitted(reader, app):
    reader.auth.s3_impersonate(app.people["ben"].user_id)

    assert len(export(reader)) == 0


@pytest.mark.parametrize("who", ["admin", "override"])
def test_secrets_are_never_exported(content, who):
    content.auth.override = who == "override"
    content.request.controller, content.request.function = "admin", "user"
    content.auth.table("auth_user").password.readable = True

    text = content.s3db.resource("auth_user").export_xml().decode()

    assert "admin@cast.example" in text
    assert "password" not in text
    assert "reset_password_key" not in text
