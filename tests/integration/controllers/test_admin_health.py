"""The page about the state of the service: what doctor says, dead letters that are sent again, suspended subscriptions."""
from __future__ import annotations

import contextlib
import re

import pytest


@pytest.fixture
def letters(app):
    """Rows of the outbox by status: {status: id}."""
    with app.env() as current:
        pe_id, table = app.people["anna"].pe_id, current.s3db.table("msg_outbox")
        found = {}
        for status in (1, 2, 4, 5, 7):
            message_id = current.msg.send_by_pe_id(pe_id, "Subject", f"Text {status}", "EMAIL", system_generated=True)
            query = table.message_id == message_id
            current.db(query).update(status=status, attempts=9, retries=0, last_error=f"reason {status} <b>")
            found[status] = current.db(query).select().first().id
        current.db.commit()
        return found


def outbox(app, row_id):
    with app.env() as current:
        return current.s3db.table("msg_outbox")[row_id].as_dict()


def test_page_says_what_doctor_says(app, letters):
    with app.env() as current:
        from s3.s3notify import health

        current.s3db.table("pr_subscription").insert(
            pe_id=app.people["ben"].pe_id, suspended=True, suspended_reason="no <page> there", frequency="daily", notify_on=["new"]
        )
        current.db.commit()
        findings = health.find()

    page = app.request("/admin/health", auth="admin")

    assert page.status == 200
    assert findings.dead_letters == 2 and findings.suspended == 1
    for problem in health.problems(findings):
        assert problem in page.text
    for name, value in health.facts(findings):
        assert f"<dt>{name}</dt><dd>{value}</dd>" in page.text
    assert "no &lt;page&gt; there" in page.text and "Bruck" in page.text


def test_dead_letters_are_listed_with_their_reason_and_others_not(app, letters):
    page = app.request("/admin/health", auth="admin")

    assert set(re.findall(r"reason (\d) &lt;b&gt;", page.text)) == {"4", "5"}
    assert "Text 4" not in page.text
    assert len(re.findall(r'name="resend"', page.text)) == 2


def test_dead_letter_is_sent_again_and_arrives(app, admin, letters):
    page = admin.follow(admin.submit("/admin/health", "resend", resend=letters[5]))

    assert "The message is sent again" in page.text and "reason 5" not in page.text
    assert outbox(app, letters[5])["status"] == 1
    with app.env() as current:
        current.db(current.s3db.table("msg_outbox").id != letters[5]).delete()
        current.db.commit()
        current.msg.process_outbox("EMAIL")
    assert [message.get_content().strip() for message in app.smtp.messages] == ["Text 5"]
    log = admin.get("/admin/event?kind=login").text
    assert f"Message {letters[5]} of the outbox is sent again" in log


@pytest.mark.parametrize("status", [1, 2, 7, None])
def test_what_is_no_dead_letter_is_not_sent_again(app, admin, letters, status):
    row_id = letters.get(status, 99999999)
    before = [outbox(app, letter) for letter in letters.values()]

    page = admin.submit("/admin/health", "resend", resend=row_id)

    assert "no dead letter" in page.text
    assert [outbox(app, letter) for letter in letters.values()] == before


@pytest.mark.parametrize("who", [None, "editor"])
def test_nobody_else_sends_again(app, browser, letters, who):
    admin = browser("admin")
    admin.get("/admin/health")
    sent = {**admin.fields("resend"), "resend": letters[5]}
    intruder = browser(who) if who else type(admin)(app)

    assert intruder.get("/admin/health").status == 303
    assert intruder.post("/admin/health", **sent).status == 303
    assert admin.post("/admin/health", resend=letters[5], _formname="resend", _formkey="guessed").status == 200
    assert admin.get(f"/admin/health?resend={letters[5]}&_formname=resend&_formkey={sent['_formkey']}").status == 200
    assert outbox(app, letters[5])["status"] == 5


def test_a_database_that_does_not_know_all_capitals_is_noticed(postgres):
    """With the locale C, PostgreSQL finds École by École only."""
    import psycopg2

    from s3.s3notify import health
    from s3dal import DAL

    with contextlib.closing(psycopg2.connect("postgresql://" + postgres.uri.split("://", 1)[1])) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")

    assert health.knows_case(DAL(postgres.uri, migrate_enabled=False))
    assert not health.knows_case(DAL(postgres.uri.rpartition("/")[0] + "/ascii", migrate_enabled=False))
