"""Records read and written by programs, in whole requests."""
from __future__ import annotations

import pytest


def stored(app, tablename="cms_post"):
    """The records that are not deleted, as they stand in the database."""
    with app.env() as current:
        table = current.s3db[tablename]
        return [row.as_dict() for row in current.db(table.deleted == False).select(orderby=table.id)]


def create_post(app, **values):
    response = app.request("/cms/post.json", "POST", json={"body": "Water is back", **values}, auth="editor")
    assert response.status == 200, response.text
    return response.json()["created"][0]


def test_created_record_is_stored_and_its_id_told(app):
    response = app.request("/cms/post.json", "POST", json={"title": "Water", "body": "It is back"}, auth="editor")

    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    answer = response.json()
    (post,) = stored(app)
    assert answer["status"] == "success"
    assert answer["created"] == [post["id"]]
    assert (post["title"], post["body"]) == ("Water", "It is back")
    assert post["created_by"] == app.people["editor"].user_id


def test_create_is_also_a_method_of_the_url(app):
    response = app.request("/cms/post/create.json", "POST", json={"body": "It is back"}, auth="editor")

    assert response.status == 200
    assert len(stored(app)) == 1


def test_list_gives_raw_values_by_colname_and_times_with_zone(app):
    post_id = create_post(app, title="Water", date="2026-03-01T10:00:00Z")

    response = app.request("/cms/post.json", auth="anna")

    assert response.headers["content-type"].startswith("application/json")
    (post,) = response.json()
    assert post["cms_post.id"] == post_id
    assert post["cms_post.title"] == "Water"
    assert post["cms_post.date"] == "2026-03-01T10:00:00Z"


def test_list_is_filtered_by_url_and_paged(app):
    ids = [create_post(app, title=title, date=f"2026-03-0{day}T10:00:00Z") for day, title in enumerate(("Water", "Food", "Food"), 1)]

    filtered = app.request("/cms/post.json", vars={"~.title": "Food"}, auth="anna").json()
    # the newest first: ids 3, 2, 1
    paged = app.request("/cms/post.json", vars={"start": 1, "limit": 1}, auth="anna").json()

    assert sorted(post["cms_post.id"] for post in filtered) == ids[1:]
    assert [post["cms_post.id"] for post in paged] == [ids[1]]


@pytest.mark.parametrize(
    ("vars", "named"),
    [({"~.nothing": "x"}, "nothing"), ({"~.date__gt": "someday"}, "someday"), ({"start": "-1"}, "start"), ({"limit": "all"}, "limit")],
)
def test_filter_that_cannot_be_applied_is_refused_by_name(app, vars, named):
    create_post(app)

    for path, kind in (("/cms/post.json", "application/json"), ("/cms/post", "text/html")):
        response = app.request(path, vars=vars, auth="anna")

        assert response.status == 400
        assert response.headers["content-type"].startswith(kind)
        assert named in response.text


def test_record_is_read_with_all_its_readable_fields(app):
    post_id = create_post(app, title="Water", comments="Seen by Edda")

    post = app.request(f"/cms/post/{post_id}.json", auth="anna").json()

    assert post["cms_post.id"] == post_id
    assert post["cms_post.comments"] == "Seen by Edda"
    assert "cms_post.created_by" not in post


def test_unknown_record_is_404(app):
    response = app.request("/cms/post/4711.json", auth="anna")

    assert response.status == 404
    assert response.json()["status"] == "failed"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"title": "Water"}, "body"),
        ({"body": ""}, "body"),
        ({"body": "x", "colour": "blue"}, "colour"),
        ({"body": "x", "created_by": 1}, "created_by"),
        ({"body": "x", "date": "someday"}, "date"),
        ({"body": "x", "location_id": 4711}, "location_id"),
        ({"body": "x", "expired": "no"}, "expired"),
    ],
)
def test_wrong_value_is_refused_by_name_and_nothing_is_stored(app, values, named):
    response = app.request("/cms/post.json", "POST", json=values, auth="editor")

    assert response.status == 400
    assert named in response.json()["message"]
    assert stored(app) == []


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"", b"\xff\xfe"])
def test_body_that_is_no_json_object_is_refused(app, body):
    response = app.request("/cms/post.json", "POST", data=body, headers={"Content-Type": "application/json"}, auth="editor")

    assert response.status == 400
    assert response.json()["status"] == "failed"
    assert stored(app) == []


@pytest.mark.parametrize("verb", ["PUT", "POST"])
def test_update_changes_the_given_fields_only(app, verb):
    post_id = create_post(app, title="Water")
    app.clock.advance(minutes=5)

    response = app.request(f"/cms/post/{post_id}.json", verb, json={"body": "It is gone"}, auth="editor")

    (post,) = stored(app)
    assert response.json()["updated"] == [post_id]
    assert (post["title"], post["body"]) == ("Water", "It is gone")
    assert post["modified_on"] > post["created_on"]


def test_refused_update_changes_nothing(app):
    post_id = create_post(app, title="Water")
    before = stored(app)

    response = app.request(f"/cms/post/{post_id}.json", "PUT", json={"title": "Food", "body": ""}, auth="editor")

    assert response.status == 400
    assert stored(app) == before


@pytest.mark.parametrize(("verb", "path"), [("DELETE", "/cms/post/{}.json"), ("POST", "/cms/post/{}/delete.json")])
def test_deleted_record_is_archived(app, verb, path):
    post_id = create_post(app)
    headers = {"Content-Type": "application/json"}

    response = app.request(path.format(post_id), verb, data=b"", headers=headers, auth="admin")

    assert response.json()["deleted"] == [post_id]
    assert stored(app) == []
    assert app.request(f"/cms/post/{post_id}.json", auth="anna").status == 404


@pytest.mark.parametrize(
    ("verb", "path"),
    [("POST", "/cms/post.json"), ("PUT", "/cms/post/{}.json"), ("DELETE", "/cms/post/{}.json"), ("POST", "/cms/post/{}/delete.json")],
)
@pytest.mark.parametrize(("who", "status"), [("anna", 403), ("ben", 403), (None, 401)])
def test_who_may_not_write_is_refused(app, verb, path, who, status):
    post_id = create_post(app)
    before = stored(app)

    response = app.request(path.format(post_id), verb, json={"body": "Mine"}, auth=who)

    assert response.status == status
    assert response.json()["status"] == "failed"
    assert stored(app) == before


@pytest.mark.parametrize(("who", "status"), [("ben", 403), (None, 401)])
def test_who_may_not_read_gets_no_list(app, who, status):
    create_post(app)

    assert app.request("/cms/post.json", auth=who).status == status


def test_form_of_another_site_cannot_write(app):
    # what a cross-site form can send: urlencoded, multipart or plain text
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "text/plain; application/json"):
        body = b'{"body": "Forged"}'
        response = app.request("/cms/post.json", "POST", data=body, headers={"Content-Type": content_type}, auth="editor")

        assert response.status == 415
    assert stored(app) == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("http://127.0.0.1:9999", 403), ("http://127.0.0.1:8000", 200)],
)
def test_script_of_another_origin_cannot_write(app, origin, status):
    response = app.request("/cms/post.json", "POST", json={"body": "News"}, headers={"Origin": origin}, auth="editor")

    assert response.status == status
    assert len(stored(app)) == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/cms/post.pdf", 415),
        ("GET", "/cms/post?format=nonsense", 415),
        ("GET", "/cms/post/nonsense.json", 405),
        ("DELETE", "/cms/post.json", 404),
        ("PUT", "/cms/post.json", 405),
        ("PATCH", "/cms/post.json", 405),
        ("GET", "/cms/post/create.json", 405),
        ("GET", "/cms/post/1/2.json", 404),
    ],
)
def test_what_is_not_offered_is_refused(app, verb, path, status):
    response = app.request(path, verb, data=b"", auth="editor")

    assert response.status == status
    assert response.json()["statuscode"] == str(status)


def test_component_records_belong_to_the_record_in_the_url(app):
    admin, anna = app.people["admin"].person_id, app.people["anna"].person_id
    contact = {"contact_method": "EMAIL", "value": "second@cast.example"}

    created = app.request(f"/pr/person/{anna}/contact.json", "POST", json=contact, auth="admin").json()["created"]

    listed = app.request(f"/pr/person/{anna}/contact.json", auth="admin").json()
    others = app.request(f"/pr/person/{admin}/contact.json", auth="admin").json()
    assert created[0] in [row["pr_contact.id"] for row in listed]
    assert created[0] not in [row["pr_contact.id"] for row in others]
    # not to be moved to another record
    moved = app.request(f"/pr/person/{admin}/contact/{created[0]}.json", "PUT", json={"value": "x@cast.example"}, auth="admin")
    assert moved.status == 404


def test_csv_shows_what_the_page_shows_and_no_formulas(app):
    create_post(app, title="=HYPERLINK(1)", body="Water, food")

    response = app.request("/cms/post.csv", auth="anna")

    assert response.headers["content-type"].startswith("text/csv")
    lines = response.text.splitlines()
    assert "Title" in lines[0]
    assert "'=HYPERLINK(1)" in lines[1]
    assert '"Water, food"' in lines[1]


def test_component_with_a_filter_takes_only_records_of_its_kind(app):
    anna = app.people["anna"].person_id

    created = app.request(f"/pr/person/{anna}/email.json", "POST", json={"value": "second@cast.example"}, auth="admin")
    refused = app.request(f"/pr/person/{anna}/email.json", "POST", json={"value": "1", "contact_method": "SMS"}, auth="admin")

    (contact,) = [row for row in stored(app, "pr_contact") if row["id"] == created.json()["created"][0]]
    assert contact["contact_method"] == "EMAIL"
    assert refused.status == 400
    assert "contact_method" in refused.json()["message"]


def test_component_through_a_link_table_is_linked_to_the_record(app):
    post_id = create_post(app)
    other_id = create_post(app)

    created = app.request(f"/cms/post/{post_id}/tag.json", "POST", json={"name": "water"}, auth="admin").json()["created"]

    assert [row["cms_tag.id"] for row in app.request(f"/cms/post/{post_id}/tag.json", auth="admin").json()] == created
    assert app.request(f"/cms/post/{other_id}/tag.json", auth="admin").json() == []
    assert app.request(f"/cms/post/{other_id}/tag/{created[0]}.json", auth="admin").status == 404
