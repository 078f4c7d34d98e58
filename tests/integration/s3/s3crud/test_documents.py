"""Records exported and imported as documents, in whole requests."""
from __future__ import annotations

import json

import pytest
from lxml import etree

XML = {"Content-Type": "application/xml"}
JSON = {"Content-Type": "application/json"}


def stored(app, tablename="cms_post"):
    with app.env() as current:
        table = current.s3db[tablename]
        return [row.as_dict() for row in current.db(table.deleted == False).select(orderby=table.id)]


def everything(app):
    """All that a hostile document could have changed."""
    tables = ("cms_post", "cms_comment", "cms_tag", "gis_location", "pr_person", "pr_contact", "auth_user", "auth_group", "auth_membership",
              "s3_permission", "pr_subscription")  # fmt: skip
    with app.env() as current:
        for name in ("auth_group", "auth_membership", "s3_permission"):
            current.auth.table(name)
        return {name: current.db(current.s3db.table(name) or current.db[name]).select().as_list() for name in tables}


def post(body, uid=None, more=""):
    identity = f' uuid="{uid}"' if uid else ""
    return f'<resource name="cms_post"{identity}><data field="body">{body}</data>{more}</resource>'


def send(app, document, path="/cms/post.xml", method="POST", auth="editor", headers=None, **options):
    data = document if isinstance(document, bytes) else f"<s3xml>{document}</s3xml>".encode()
    return app.request(path, method, data=data, headers=XML if headers is None else headers, auth=auth, **options)


def get(app, path="/cms/post.xml", auth="anna", **vars):
    response = app.request(path, vars=vars, auth=auth)
    assert response.status == 200, response.text
    return etree.fromstring(response.body)


def bodies(root):
    return [element.text for element in root.iterfind("resource/data[@field='body']")]


# Export


@pytest.fixture
def posts(app):
    titles = ('<data field="title">A</data>', '<data field="title">B</data>') * 2
    response = send(app, "".join(post(f"Text {number}", f"p{number}", title) for number, title in enumerate(titles)))
    assert response.status == 200, response.text
    return response.json()["created"]


def test_list_is_a_document(app, posts):
    response = app.request("/cms/post.xml", auth="anna")

    assert response.status == 200
    assert response.headers["content-type"] == "application/xml; charset=utf-8"
    root = etree.fromstring(response.body)
    assert (root.tag, root.get("results")) == ("s3xml", "4")
    assert sorted(bodies(root)) == ["Text 0", "Text 1", "Text 2", "Text 3"]


def test_same_in_json(app, posts):
    response = app.request("/cms/post.s3json", auth="anna")

    assert response.headers["content-type"].startswith("application/json")
    assert len(response.json()["$_cms_post"]) == 4


def test_format_may_be_a_variable(app, posts):
    assert len(app.request("/cms/post", vars={"format": "s3json"}, auth="anna").json()["$_cms_post"]) == 4


def test_url_filters_and_pages(app, posts):
    assert sorted(bodies(get(app, **{"~.title": "A"}))) == ["Text 0", "Text 2"]
    assert len(get(app, start=1, limit=2).findall("resource")) == 2
    assert get(app, start=1, limit=2).get("start") == "1"


def test_one_record(app, posts):
    assert bodies(get(app, f"/cms/post/{posts[1]}.xml")) == ["Text 1"]
    assert app.request("/cms/post/4711.xml", auth="anna").status == 404


def test_parts_are_chosen_by_the_url(app, posts):
    more = '<resource name="cms_comment"><data field="body">Yes</data></resource>'
    send(app, post("Text 0", "p0", more))

    plain, with_comments = get(app, f"/cms/post/{posts[0]}.xml"), get(app, f"/cms/post/{posts[0]}.xml", components="comment,tag")
    title = get(app, f"/cms/post/{posts[0]}.xml", fields="title")

    assert plain.find("resource/resource") is None
    assert with_comments.find("resource/resource[@name='cms_comment']") is not None
    assert [element.get("field") for element in title.iter("data")] == ["title"]


def test_component_is_a_document_of_its_own(app):
    with app.env() as current:
        current.auth.override = True
        current.auth.s3_create_role("Clerk", None, {"c": "pr", "uacl": 7, "oacl": 7}, uid="CLERK")
        current.auth.s3_assign_role(app.people["editor"].user_id, "CLERK")
        current.db.commit()
    anna = app.people["anna"].person_id

    (contact,) = get(app, f"/pr/person/{anna}/contact.xml", auth="editor", dereference="no")
    document = '<resource name="pr_contact"><data field="contact_method">EMAIL</data><data field="value">a@example.org</data></resource>'
    response = send(app, document, f"/pr/person/{anna}/contact.xml")

    assert contact.find("data[@field='value']").text == "anna@cast.example"
    assert response.status == 200, response.text
    assert [row["pe_id"] for row in stored(app, "pr_contact") if row["value"] == "a@example.org"] == [app.people["anna"].pe_id]


def test_changes_and_deletions_since(app, posts):
    app.clock.advance(hours=1)
    since = app.clock.now.isoformat() + "Z"
    send(app, post("Changed", "p1"))
    with app.env() as current:
        current.auth.override = True
        current.s3db.resource("cms_post", id=posts[2]).delete()
        current.db.commit()

    assert bodies(get(app, msince=since)) == ["Changed"]
    root = get(app, msince=since, include_deleted="true")
    assert [(item.get("uuid"), item.get("deleted")) for item in root] == [("127.0.0.1/p1", None), ("127.0.0.1/p2", "True")]


@pytest.mark.parametrize(
    "vars",
    [{"msince": "someday"}, {"fields": "colour"}, {"references": "colour"}, {"components": "nothing"}, {"maxdepth": "x"}, {"limit": "x"},
     {"~.nothing": "x"}],
)  # fmt: skip
def test_wrong_variable_is_refused_by_name(app, vars):
    response = app.request("/cms/post.xml", vars=vars, auth="anna")

    assert response.status == 400
    assert response.json()["status"] == "failed"
    assert list(vars.values())[0] in response.json()["message"] or list(vars)[0].lstrip("~.") in response.json()["message"]


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("ben", 403)])
def test_document_is_for_those_who_may_read(app, who, status):
    assert app.request("/cms/post.xml", auth=who).status == status
    assert app.request("/cms/post.s3json", auth=who).status == status


# Import


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_documents_are_imported(app, method):
    response = send(app, post("Hello", "1") + post("World", "2"), method=method)

    assert response.status == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    assert response.json() == {
        "status": "success", "statuscode": "200", "records": 2, "created": [row["id"] for row in stored(app)], "updated": [], "deleted": [],
    }  # fmt: skip


def test_exported_document_is_imported_as_it_is(app, posts):
    for path, headers in (("/cms/post.xml", XML), ("/cms/post.s3json", JSON)):
        document = app.request(path, auth="editor").body

        response = app.request(path, "POST", data=document, headers=headers, auth="editor")

        assert response.status == 200, response.text
        assert (response.json()["records"], response.json()["updated"]) == (4, [])


def test_record_is_changed_at_its_address(app, posts):
    response = send(app, post("Changed"), f"/cms/post/{posts[0]}.xml", method="PUT")
    other = send(app, post("Changed", "p2"), f"/cms/post/{posts[0]}.xml", method="PUT")
    several = send(app, post("x") + post("y"), f"/cms/post/{posts[0]}.xml", method="PUT")

    assert (response.status, other.status, several.status) == (200, 400, 400)
    assert response.json()["updated"] == [posts[0]]
    assert [row["body"] for row in stored(app)] == ["Changed", "Text 1", "Text 2", "Text 3"]


def test_fault_is_told_with_its_element_and_nothing_is_stored(app):
    response = send(app, post("Right", "1") + post("", "2", '<data field="colour">blue</data>'))

    answer = response.json()
    assert (response.status, answer["status"], answer["statuscode"]) == (400, "failed", "400")
    assert answer["message"].startswith("cms_post 2: colour: there is no such field")
    assert answer["errors"][0] == {"element": "cms_post 2", "field": "colour", "message": "there is no such field", "line": 1}
    assert stored(app) == []


def test_errors_may_be_ignored(app):
    response = send(app, post("Right", "1") + post("", "2"), "/cms/post.xml?ignore_errors=1")

    assert response.status == 200
    assert [error["element"] for error in response.json()["errors"]] == ["cms_post 2"]
    assert [row["body"] for row in stored(app)] == ["Right"]


def test_import_is_one_transaction_that_is_seen_by_the_next_request(app):
    send(app, post("Hello", "1"))

    assert bodies(get(app)) == ["Hello"]


@pytest.mark.parametrize(("who", "status"), [(None, 401), ("ben", 403), ("anna", 403)])
def test_who_may_not_write_is_refused(app, who, status):
    assert send(app, post("Hello"), auth=who).status == status
    assert stored(app) == []


# Attacks


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/json"}, 415),
        ({**XML, "Origin": "https://evil.example"}, 403),
        ({**XML, "Origin": "null"}, 403),
    ],
)
def test_other_sites_cannot_make_a_browser_import(app, headers, status):
    assert send(app, post("Hello"), headers=headers).status == status
    assert stored(app) == []


def test_own_pages_can_import(app):
    assert send(app, post("Hello"), headers={**XML, "Origin": "http://127.0.0.1:8000"}).status == 200


BODY = b'<s3xml><resource name="cms_post"><data field="body">%s</data></resource></s3xml>'
HOSTILE = {
    "laughs": b'<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + BODY % b"&b;",
    "file": b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BODY % b"&x;",
    "inclusion": BODY % b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
    "encoding": b"<?xml version='1.0' encoding='utf-8'?>" + BODY % b"\xff",
    "not closed": b"<s3xml><resource>",
    "empty": b"",
    "nothing": b"<s3xml/>",
    "other root": b"<html/>",
    "deep": b"<s3xml>" + b"<resource name='cms_post'>" * 300 + b"</resource>" * 300 + b"</s3xml>",
    "nul": b"<s3xml>\x00</s3xml>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused(app, name):
    response = send(app, HOSTILE[name])

    assert response.status == 400, response.text
    assert response.json()["status"] == "failed"
    assert "root:" not in response.text
    assert stored(app) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"$_cms_post": 5}', b'{"$_cms_post": [5]}', b'{"$_cms_post": [{"body": {"$": {}}}]}',
     b'{"$_cms_post": [{"body": "\\u0000"}]}', b'{"$_cms_post": [{"body": "\\ud800"}]}', b'{"$_cms_post": [{"date": NaN, "body": "x"}]}',
     b'{"$_cms_post":' * 20_000, b'{"$_cms_post": [{"body": ["a", "b"]}]}', b'{"$_cms_post": [{"": "x", "body": "x"}]}'],
)  # fmt: skip
def test_hostile_json_is_refused(app, body):
    response = app.request("/cms/post.s3json", "POST", data=body, headers=JSON, auth="editor")

    assert response.status == 400, response.text
    assert response.json()["status"] == "failed"
    assert stored(app) == []


def test_document_that_is_too_large_is_refused(app):
    padding = b" " * (10 * 1024 * 1024)

    response = send(app, b"<s3xml>" + padding + post("Hello").encode() + b"</s3xml>")

    assert response.status == 413
    assert stored(app) == []


def test_size_is_a_setting(app):
    document = b"<s3xml>" + b" " * (1024 * 1024) + post("Hello").encode() + b"</s3xml>"

    with app.configured("settings.base.import_max_size = 1"):
        refused = send(app, document)
    accepted = send(app, document)

    assert (refused.status, accepted.status) == (413, 200)


@pytest.mark.parametrize(
    "document",
    [
        post("x") + '<resource name="auth_user"><data field="email">eve@example.org</data></resource>',
        post("x", "1", '<resource name="auth_membership"><reference field="group_id" resource="auth_group" uuid="ADMIN"/></resource>'),
        post("x", "1", '<reference field="location_id" resource="pr_person"><resource name="pr_person"><data field="first_name">Eve</data>'
                       '<resource name="pr_contact"><data field="value">1</data></resource></resource></reference>'),
        post("x") + '<resource name="s3_permission"><data field="uacl">127</data></resource>',
        post("x") + '<resource name="pr_subscription"><data field="frequency">immediately</data></resource>',
        post("x", "1", '<data field="owned_by_user">1</data>'),
        post("x", "1", '<reference field="owned_by_user" resource="auth_user" uuid="1"/>'),
        post("x", "1", '<reference field="realm_entity" resource="pr_person" uuid="1"/>'),
        post("x", "1", '<data field="approved_by">1</data>'),
        post("x", "1", '<data field="id">1</data>'),
        post("x", "1") + post("y", "1"),
        post("x", "1" * 200),
        post("x", "1", '<resource name="cms_post"><data field="body">x</data></resource>'),
        '<resource name="gis_location"><data field="name">x</data></resource>',
        '<resource name="cms_post" alias="x"/>',
        '<resource name="cms_post" line="x" column="&lt;b&gt;"/>',
        '<resource name="cms_post" line="\u00b2"/>',
        '<resource name="cms_post" line="99999999999999999999"/>',
        post("x", "1", f'<reference field="location_id" uuid="{"[" * 5000}"/>'),
        post("x", "1", f'<data field="priority" value="{"[" * 5000}"/><data field="date" value="{"[" * 5000}"/>'),
        f'<resource name="{"x" * 100_000}" uuid="{"y" * 100_000}"/>',
    ],
)  # fmt: skip
def test_what_is_not_for_this_user_changes_nothing(app, document):
    before = everything(app)

    response = send(app, document)

    assert response.status == 400, response.text
    assert response.json()["errors"]
    assert len(response.text) < 5000
    assert everything(app) == before


def test_page_that_hides_records_hides_them_from_imports(app, posts):
    source = "settings.customise_cms_post_controller = lambda **attr: (setattr(s3, 'filter', s3db.cms_post.body != 'Text 1'), attr)[1]"
    source = source.replace("s3db.", "current.s3db.").replace("setattr(s3", "setattr(current.response.s3")
    with app.configured(f"from gluon import current\n{source}"):
        response = send(app, post("Overwritten", "p1"))
        shown = sorted(bodies(get(app)))

    assert shown == ["Text 0", "Text 2", "Text 3"]
    assert response.status == 400
    assert "Text 1" in [row["body"] for row in stored(app)]


def test_resource_hooks_of_the_deployment_apply(app):
    source = """
def _hook(r, tablename):
    current.s3db.cms_post.priority.writable = True
from gluon import current
settings.customise_cms_post_resource = _hook
"""
    with app.configured(source):
        response = send(app, post("Hello", "1", '<data field="priority">3</data>'))

    assert response.status == 200
    assert "ignored" not in response.json()
    assert stored(app)[0]["priority"] == 3


@pytest.mark.parametrize("path", ["/cms/post/delete.xml", "/cms/post/create.xml", "/cms/post/1/delete.s3json"])
def test_other_methods_are_not_offered_in_these_formats(app, posts, path):
    response = send(app, post("Hello"), path)

    assert response.status in (404, 405)
    assert len(stored(app)) == 4


def test_json_and_xml_say_the_same(app, posts):
    xml = get(app, auth="editor")
    text = app.request("/cms/post.s3json", auth="editor").text

    from s3.s3xml import S3XML

    assert json.loads(text) == S3XML.tree2json(xml, as_dict=True)


def test_realms_bind_documents_as_they_bind_pages(app):
    with app.env() as current:
        auth, s3db = current.auth, current.s3db
        auth.override = True
        own, other = (
            s3db.org_organisation[s3db.resource("org_organisation").insert(name=name)].pe_id for name in ("Ours", "Theirs")
        )
        editor = app.people["editor"].user_id
        for role in ("READER", "WRITER"):
            auth.s3_withdraw_role(editor, role, for_pe=[])
            auth.s3_assign_role(editor, role, for_pe=own)
        for uid, realm in (("ours", own), ("theirs", other)):
            s3db.resource("cms_post").insert(uuid=uid, body=uid, realm_entity=realm, owned_by_user=app.people["admin"].user_id)
        current.db.commit()

    with app.configured("settings.security.policy = 6"):
        exported = bodies(get(app, auth="editor"))
        changed = send(app, post("changed", "ours"))
        refused = send(app, post("changed", "theirs"))

    assert exported == ["ours"]
    assert (changed.status, refused.status) == (200, 400)
    assert refused.json()["errors"] == [{"element": "cms_post theirs", "message": "Operation not permitted", "line": 1}]
    assert [row["body"] for row in stored(app)] == ["changed", "theirs"]
