"""Records on pages: lists, records, forms, in whole requests."""
from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest


class Browser:
    """Somebody at a browser: keeps cookies, sends forms with what they came with."""

    def __init__(self, app, who):
        self.app = app
        self.who = who
        self.cookies = None

    def get(self, path, **how):
        return self._send(path, "GET", **how)

    def submit(self, path, fields):
        """Open a page, fill in its form and send it."""
        page = self.get(path)
        assert page.status == 200, page.text
        return self.send(path, page, fields)

    def send(self, path, page, fields):
        hidden = dict(re.findall(r'<input name="(_formkey|_formname|id)" type="hidden" value="([^"]*)"', page.text))
        return self._send(path, "POST", data={**hidden, **fields})

    def _send(self, path, method, **how):
        response = self.app.request(path, method, auth=self.who, cookies=self.cookies, **how)
        if response.cookies:
            self.cookies = response.cookies
        return response


@pytest.fixture
def editor(app):
    return Browser(app, "editor")


def posts(app):
    with app.env() as current:
        table = current.s3db.cms_post
        return list(current.db(table.deleted == False).select(orderby=table.id))


def create_post(app, **values):
    return app.request("/cms/post.json", "POST", json={"body": "It is back", **values}, auth="editor").json()["created"][0]


def test_record_is_added_with_the_form_and_confirmed_on_its_page(app, editor):
    answer = editor.submit("/cms/post/create", {"title": "Water", "body": "It is back"})

    (post,) = posts(app)
    assert answer.status == 303
    assert answer.headers["location"].endswith(f"/cms/post/{post.id}")
    page = editor.get(f"/cms/post/{post.id}")
    assert (post.title, post.body) == ("Water", "It is back")
    assert "Post added" in page.text
    # said once
    assert "Post added" not in editor.get(f"/cms/post/{post.id}").text


def test_wrong_value_is_explained_at_its_field_and_nothing_is_stored(app, editor):
    page = editor.submit("/cms/post/create", {"title": "Water", "body": ""})

    assert page.status == 200
    assert posts(app) == []
    assert 'id="body__error"' in page.text
    assert re.search(r'<textarea[^>]*aria-invalid="true"', page.text)
    assert 'value="Water"' in page.text


def test_form_without_its_key_stores_nothing_and_keeps_what_was_typed(app, editor):
    page = editor.get("/cms/post/create")
    forged = editor.send("/cms/post/create", type(page)(200, {}, b""), {"title": "Water", "body": "Typed for an hour"})
    again = editor.send("/cms/post/create", page, {"_formkey": "guessed", "title": "Water", "body": "Typed for an hour"})

    assert posts(app) == []
    for answer in (forged, again):
        assert answer.status == 200
        assert "Typed for an hour" in answer.text
        assert 'value="Water"' in answer.text


def test_form_sent_twice_stores_once(app, editor):
    page = editor.get("/cms/post/create")
    fields = {"title": "Water", "body": "It is back"}

    editor.send("/cms/post/create", page, fields)
    editor.send("/cms/post/create", page, fields)

    assert len(posts(app)) == 1


def test_record_is_changed_with_the_form(app, editor):
    post_id = create_post(app, title="Water", date="2026-03-01T10:00:01Z")

    page = editor.get(f"/cms/post/{post_id}/update")
    answer = editor.send(f"/cms/post/{post_id}/update", page, {"title": "Food", "body": "It came", "date": "2026-03-01T10:00:01"})

    (post,) = posts(app)
    assert answer.status == 303
    assert (post.title, post.body) == ("Food", "It came")
    # opening and saving the form does not lose the seconds
    assert 'value="2026-03-01T10:00:01"' in page.text
    assert post.date.second == 1


def test_values_are_escaped_wherever_they_are_shown(app, editor):
    evil = "<script>alert(1)</script>"
    post_id = create_post(app, title=evil, body=evil)

    for path in ("/cms/post", f"/cms/post/{post_id}", f"/cms/post/{post_id}/update", f"/cms/post/{post_id}/delete"):
        page = editor.get(path) if "delete" not in path else Browser(app, "admin").get(path)
        assert page.status == 200
        assert "<script>" not in page.text


# what people write, and what looks like a tag, a script or an entity in it
TAGLIKE = "Level <5 m & rising <b>now</b> &amp; <script>alert(1)</script>"


@pytest.fixture
def taglike(app):
    """Id of a series with such a name, which a post and a message have as well."""
    with app.env() as current:
        current.auth.override = True
        resource, pe_id = current.s3db.resource, app.people["anna"].pe_id
        series_id = resource("cms_series").insert(name=TAGLIKE)
        resource("cms_post").insert(title=TAGLIKE, body="b", series_id=series_id)
        email_id = current.s3db.msg_email.insert(subject=TAGLIKE, body=TAGLIKE, to_address="anna@cast.example")
        current.s3db.update_super(current.s3db.msg_email, {"id": email_id})
        message_id = current.s3db.msg_email[email_id].message_id
        current.s3db.msg_outbox.insert(message_id=message_id, pe_id=pe_id)
        current.db.commit()
        return series_id


@pytest.mark.parametrize("path", ["/cms/series", "/cms/series/%(id)s", "/cms/series/%(id)s/post", "/cms/post", "/msg/outbox", "/msg/email"])
def test_text_that_looks_like_markup_is_shown_whole_and_escaped(app, taglike, path):
    page = app.request(path % {"id": taglike}, auth="admin")

    assert page.status == 200
    assert TAGLIKE in unescape(page.text)
    assert "<script>alert" not in page.text and "<b>now" not in page.text


def test_header_of_a_record_has_its_name_as_it_was_written(app, taglike):
    page = app.request(f"/cms/series/{taglike}", auth="admin").text

    assert unescape(re.search(r'<p class="record-name">(.*?)</p>', page)[1]) == TAGLIKE


@pytest.mark.parametrize("path", ["/cms/series", "/cms/post", "/msg/outbox", "/msg/email"])
def test_csv_has_text_as_it_was_written(app, taglike, path):
    rows = list(csv.reader(io.StringIO(app.request(f"{path}.csv", auth="admin").text)))

    assert TAGLIKE in rows[1]


def test_json_has_text_as_it_was_written(app, taglike):
    (series,) = app.request("/cms/series.json", auth="admin").json()

    assert series["cms_series.name"] == TAGLIKE


def test_deleting_takes_a_form_and_is_not_done_by_a_link(app):
    post_id = create_post(app)
    admin = Browser(app, "admin")

    page = admin.get(f"/cms/post/{post_id}/delete")
    assert len(posts(app)) == 1
    admin.send(f"/cms/post/{post_id}/delete", type(page)(200, {}, b""), {"delete": "1"})
    assert len(posts(app)) == 1
    answer = admin.send(f"/cms/post/{post_id}/delete", page, {})

    assert answer.status == 303
    assert posts(app) == []
    assert "Post deleted" in admin.get("/cms/post").text


def test_list_links_to_records_and_pages(app, editor):
    ids = [create_post(app, title=f"News {number}") for number in range(3)]

    first = editor.get("/cms/post", vars={"limit": 2, "~.title__like": "news*"})
    second = editor.get("/cms/post", vars={"limit": 2, "start": 2, "~.title__like": "news*"})

    shown = set(re.findall(r"/cms/post/(\d+)", first.text)) | set(re.findall(r"/cms/post/(\d+)", second.text))
    assert {str(post_id) for post_id in ids} <= shown
    assert "1 to 2 of 3" in first.text
    assert "3 to 3 of 3" in second.text
    # the filter stays when the page is turned
    assert re.search(r'href="[^"]*title__like[^"]*start=2|href="[^"]*start=2[^"]*title__like', first.text)


def test_empty_list_says_so(app, editor):
    assert "No posts currently available" in editor.get("/cms/post").text
    assert "No Matching Records" in editor.get("/cms/post", vars={"~.title": "Nothing"}).text


@pytest.mark.parametrize("path", ["/cms/post/create", "/cms/post/{}/update", "/cms/post/{}/delete"])
def test_reader_is_offered_no_way_to_write(app, path):
    post_id = create_post(app)
    anna = Browser(app, "anna")

    page = anna.get(f"/cms/post/{post_id}")
    assert "/update" not in page.text
    assert "/delete" not in page.text
    assert "/create" not in anna.get("/cms/post").text
    assert anna.get(path.format(post_id)).status == 303


def test_guest_is_sent_to_the_login_page(app):
    answer = app.request("/cms/post")

    assert answer.status == 303
    assert "/default/user/login" in answer.headers["location"]
    assert "_next=" in answer.headers["location"]


def test_unknown_record_is_a_page_with_status_404(app, editor):
    page = editor.get("/cms/post/4711")

    assert page.status == 404
    assert "Record not found!" in page.text
    assert "<h1>" in page.text


def test_component_has_its_own_pages_below_the_record(app):
    admin = Browser(app, "admin")
    anna = app.people["anna"].person_id

    answer = admin.submit(f"/pr/person/{anna}/contact/create", {"contact_method": "EMAIL", "value": "second@cast.example", "priority": "2"})

    listed = admin.get(f"/pr/person/{anna}/contact")
    assert answer.status == 303
    assert "second@cast.example" in listed.text
    assert 'aria-current="page"' in listed.text
    assert "second@cast.example" not in admin.get(f"/pr/person/{app.people['ben'].person_id}/contact").text


@pytest.mark.parametrize("record_id", ["4711", "0", "x", ["1", "4711"], "\u0663"])
def test_form_of_another_record_is_refused(app, editor, record_id):
    post_id = create_post(app, title="Water")
    page = editor.get(f"/cms/post/{post_id}/update")

    answer = editor.send(f"/cms/post/{post_id}/update", page, {"title": "Changed", "body": "Changed", "id": record_id})

    assert answer.status == 400
    assert "This form belongs to another record." in answer.text
    assert [post.title for post in posts(app)] == ["Water"]


def test_repeated_text_field_counts_with_its_last_value(app, editor):
    answer = editor.submit("/cms/post/create", {"title": ["a", "b"], "body": ["c", "d"], "date": ["", ""]})

    (post,) = posts(app)
    assert answer.status == 303
    assert (post.title, post.body) == ("b", "d")


def test_file_in_the_place_of_a_text_is_not_stored(app, editor):
    page = editor.get("/cms/post/create")
    hidden = dict(re.findall(r'<input name="(_formkey|_formname)" type="hidden" value="([^"]*)"', page.text))
    parts = [f'name="{name}"\r\n\r\n{value}' for name, value in hidden.items()]
    parts += ['name="title"; filename="f"\r\nContent-Type: text/plain\r\n\r\nx', 'name="body"\r\n\r\nIt is back']
    body = "".join(f"--x\r\nContent-Disposition: form-data; {part}\r\n" for part in parts) + "--x--\r\n"

    editor._send("/cms/post/create", "POST", data=body.encode(), headers={"Content-Type": "multipart/form-data; boundary=x"})

    assert [(post.title or "", post.body) for post in posts(app)] == [("", "It is back")]
