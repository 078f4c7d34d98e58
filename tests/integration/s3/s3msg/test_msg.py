"""Composing, attachments, text messages, and mails that do not wait."""
from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from providers import SMSProvider, sms_provider

from s3.s3error import S3DeliveryError
from s3.s3msg import Attachment
from s3.s3msg.outbox import FAILED, INVALID_ROW, SENT, UNSENT

HTML = "<html><body><p>Hello</p></body></html>"


# -- compose -----------------------------------------------------------------------------------------------------------
def test_message_and_rows_belong_to_the_transaction_of_the_caller(post: Any) -> None:
    message_id = post.current.msg.send_by_pe_id(post.pe_id("anna"), "News", "Hello", system_generated=True)

    assert post.row.message_id == message_id
    post.db.rollback()
    assert post.rows() == []
    assert post.db(post.s3db.msg_message).isempty()


def test_row_is_due_at_once_with_all_its_retries(post: Any) -> None:
    post.compose(post.pe_id("anna"))

    row = post.row
    assert (row.status, row.retries, row.attempts, row.next_attempt_at) == (UNSENT, 9, 0, post.clock())


def test_message_to_several_of_whom_one_does_not_exist_goes_to_nobody(post: Any) -> None:
    """F51: all or nothing."""
    composed = post.current.msg.send_by_pe_id([post.pe_id("anna"), 99_999], "News", "Hello", system_generated=True)

    assert composed is False
    assert post.rows() == []
    assert post.db(post.s3db.msg_message).isempty()


def test_same_key_composes_once(post: Any) -> None:
    first = post.compose(post.pe_id("anna"), dedupe_key="notify:1:2:EMAIL")
    second = post.compose(post.pe_id("anna"), "Other", dedupe_key="notify:1:2:EMAIL")

    assert first == second
    assert len(post.rows()) == 1
    assert post.db(post.s3db.msg_email).count() == 1


def test_same_key_for_several_recipients_composes_once(post: Any) -> None:
    recipients = [post.pe_id("anna"), post.pe_id("ben")]

    first = post.compose(recipients, dedupe_key="k")
    second = post.compose(recipients, dedupe_key="k")

    assert first == second
    assert [row.dedupe_key for row in post.rows()] == [f"k:{pe_id}" for pe_id in recipients]


def test_database_refuses_a_second_row_with_the_same_key(post: Any) -> None:
    message_id = post.compose(post.pe_id("anna"), dedupe_key="k")

    with pytest.raises(post.db._adapter.driver.IntegrityError):
        post.s3db.msg_outbox.insert(message_id=message_id, pe_id=post.pe_id("ben"), dedupe_key="k")
    post.db.rollback()


@pytest.mark.parametrize("recipients", [None, [], ()])
def test_without_recipient_nothing_is_composed(post: Any, recipients: Any) -> None:
    assert post.current.msg.send_by_pe_id(recipients, "News") is False
    assert post.db(post.s3db.msg_email).isempty()


def test_recipient_that_is_named_twice_gets_one_row(post: Any) -> None:
    post.compose((post.pe_id("anna"), post.pe_id("anna")))

    assert len(post.rows()) == 1


@pytest.mark.parametrize("contact_method", ["FACEBOOK", "FTP", "GCM", "TWITTER"])
def test_method_that_does_not_work_is_refused_when_composing(post: Any, contact_method: str) -> None:
    with pytest.raises(S3DeliveryError, match=contact_method):
        post.current.msg.send_by_pe_id(post.pe_id("anna"), "News", contact_method=contact_method)

    assert post.rows() == []


def test_subject_of_200_characters_is_stored_short(post: Any) -> None:
    post.compose(post.pe_id("anna"), subject="word " * 40)

    subject = post.db(post.s3db.msg_email).select().first().subject
    assert len(subject) <= 78
    assert subject.endswith("word...")


def test_message_by_a_person_wakes_the_outbox(post: Any) -> None:
    st = post.current.s3task.scheduler.db.scheduler_task
    periodic = (st.function_name == "msg_process_outbox") & (st.args == '["EMAIL"]') & (st.repeats == 0)
    post.db(periodic).update(next_run_time=post.clock() + dt.timedelta(seconds=50), status="QUEUED", enabled=True)

    post.compose(post.pe_id("anna"), system_generated=True)
    asleep = post.db(periodic).select().first().next_run_time
    post.compose(post.pe_id("anna"), system_generated=False)

    assert asleep > post.clock()
    assert post.db(periodic).select().first().next_run_time == post.clock()


def test_hook_runs_after_a_message_by_a_person_and_cannot_undo_it(post: Any) -> None:
    calls = []

    def hook(message_id: int, **data: Any) -> None:
        calls.append((message_id, data))
        raise ValueError("not today")

    post.current.deployment_settings.msg.send_postprocess = hook

    message_id = post.compose(post.pe_id("anna"), system_generated=False, alert_id=7)

    assert calls == [(message_id, {"alert_id": 7})]
    assert len(post.rows()) == 1


def test_arguments_of_the_shortcuts_arrive_where_they_belong(post: Any) -> None:
    msg = post.current.msg

    msg.send_email_by_pe_id(post.pe_id("anna"), "News", "Hello", "me@example.com", True)
    msg.send_sms_by_pe_id(post.pe_id("anna"), "Hello", "Relief", True)

    mail, sms = post.db(post.s3db.msg_email).select().first(), post.db(post.s3db.msg_sms).select().first()
    assert (mail.subject, mail.body, mail.from_address) == ("News", "Hello", "me@example.com")
    assert (sms.body, sms.from_address) == ("Hello", "Relief")
    assert [(row.contact_method, row.system_generated) for row in post.rows()] == [("EMAIL", True), ("SMS", True)]


# -- mails -------------------------------------------------------------------------------------------------------------
def test_mail_arrives_as_it_was_composed(post: Any) -> None:
    post.compose(post.pe_id("anna"), "Grüße aus Köln", "Erste Zeile\nمرحبا 🚑\n")

    post.run()

    [mail] = post.mailserver.messages
    row = post.row
    assert (mail["From"], mail["To"], mail["Subject"]) == ("alerts@example.com", "anna@cast.example", "Grüße aus Köln")
    assert mail["Message-ID"] == f"<{row.uuid.removeprefix('urn:uuid:')}@example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_content().splitlines() == ["Erste Zeile", "مرحبا 🚑"]


def test_mail_by_a_person_is_not_marked_as_automatic(post: Any) -> None:
    post.compose(post.pe_id("anna"), system_generated=False)

    post.run()

    assert post.mailserver.messages[0]["Auto-Submitted"] is None


def test_html_message_is_an_html_mail(post: Any) -> None:
    post.compose(post.pe_id("anna"), message=HTML)

    post.run()

    assert post.mailserver.messages[0].get_content_type() == "text/html"


def test_text_with_html_is_a_mail_with_both(post: Any) -> None:
    post.compose(post.pe_id("anna"), message=("Hello", HTML))

    post.run()

    [mail] = post.mailserver.messages
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content().strip() for part in mail.iter_parts()] == ["Hello", HTML]


def test_line_break_in_a_subject_adds_no_recipient(post: Any) -> None:
    post.compose(post.pe_id("anna"), subject="News\r\nBcc: everybody@example.com")

    post.run()

    assert post.delivered == ["anna@cast.example"]
    assert post.mailserver.messages[0]["Subject"] == "News Bcc: everybody@example.com"


# -- attachments -------------------------------------------------------------------------------------------------------
@pytest.fixture
def document(post: Any) -> Any:
    """A stored document; gives the record and the path of its file."""
    table = post.s3db.doc_document
    stored = table.file.store(io.BytesIO(b"%PDF content"), "report.pdf")
    record = table[table.insert(name="Lagebericht", file=stored)]
    return record, table.file.retrieve_file_properties(stored)["path"] + "/" + stored


def test_document_is_attached_under_the_name_that_people_know(post: Any, document: Any) -> None:
    post.compose(post.pe_id("anna"), document_ids=document[0].id)

    post.run()

    [attachment] = post.mailserver.messages[0].iter_attachments()
    assert attachment.get_filename() == "Lagebericht.pdf"
    assert (attachment.get_content_type(), attachment.get_content()) == ("application/pdf", b"%PDF content")


def test_missing_file_does_not_keep_the_mail_back(post: Any, document: Any) -> None:
    import os

    os.remove(document[1])
    post.compose(post.pe_id("anna"), document_ids=[document[0].id])
    post.compose(post.pe_id("ben"))

    post.run()

    assert [row.status for row in post.rows()] == [SENT, SENT]
    assert list(post.mailserver.messages[0].iter_attachments()) == []


def test_document_without_a_file_is_left_out(post: Any) -> None:
    table = post.s3db.doc_document
    post.compose(post.pe_id("anna"), document_ids=[table.insert(name="Link", url="https://example.com")])

    post.run()

    assert post.row.status == SENT


def test_mail_refused_with_its_attachment_is_sent_without(post: Any, document: Any) -> None:
    post.mailserver.data = ["552 too large"]
    post.compose(post.pe_id("anna"), document_ids=[document[0].id])

    post.run()

    assert post.row.status == SENT
    assert list(post.mailserver.messages[0].iter_attachments()) == []


# -- mails that do not wait --------------------------------------------------------------------------------------------
def test_mail_is_sent_now(post: Any) -> None:
    """H23"""
    sent = post.current.msg.send_email(
        ["anna@cast.example", "ben@cast.example"], "Verify", "Link", [Attachment("a.txt", b"x", "text/plain")],
        cc="cc@cast.example", bcc="bcc@cast.example", reply_to="help@example.com", sender="Help <help@example.com>",
    )  # fmt: skip

    [mail] = post.mailserver.messages
    assert sent is True
    assert post.delivered == ["anna@cast.example", "ben@cast.example", "cc@cast.example", "bcc@cast.example"]
    assert (mail["To"], mail["Cc"], mail["Bcc"]) == ("anna@cast.example, ben@cast.example", "cc@cast.example", None)
    assert (mail["From"], mail["Reply-To"]) == ("Help <help@example.com>", "help@example.com")
    assert post.rows() == []


@pytest.mark.parametrize(("to", "reason"), [("", "no recipient"), ("nobody", "'nobody' is not an e-mail address")])
def test_mail_to_nobody_is_not_sent_and_says_why(post: Any, to: str, reason: str) -> None:
    assert post.current.msg.send_email(to, "Verify", "Link") is False
    assert post.current.msg.error == reason


def test_mail_that_the_server_refuses_is_false_with_its_words(post: Any) -> None:
    post.mailserver.rcpt["anna@cast.example"] = "550 no such user"

    assert post.current.msg.send_email("anna@cast.example", "Verify", "Link") is False
    assert post.current.msg.error == "550 no such user"


def test_mail_without_a_sender_is_false(post: Any) -> None:
    post.current.deployment_settings.mail.sender = None

    assert post.current.msg.send_email("anna@cast.example", "Verify", "Link") is False
    assert "mail.sender" in post.current.msg.error


def test_mails_that_do_not_wait_count_towards_the_limit(post: Any) -> None:
    post.current.deployment_settings.mail.limit = 1

    sent = [post.current.msg.send_email("anna@cast.example", "Verify", "Link") for _ in range(2)]

    assert sent == [True, False]


# -- text messages -----------------------------------------------------------------------------------------------------
@pytest.fixture
def provider() -> Iterator[SMSProvider]:
    with sms_provider() as server:
        yield server


@pytest.fixture
def gateway(post: Any, provider: SMSProvider) -> Any:
    """A web gateway for everybody."""
    return web_gateway(post, provider)


def web_gateway(post: Any, provider: SMSProvider, organisation_id: int | None = None, **values: Any) -> Any:
    channel = post.insert("msg_sms_webapi_channel", name="Web", url=f"http://127.0.0.1:{provider.server_port}/", **values)
    post.s3db.msg_sms_outbound_gateway.insert(channel_id=channel.channel_id, organisation_id=organisation_id, default_country_code=49)
    post.db.commit()
    return channel


def compose_sms(post: Any, message: str = "Hello", number: str = "0123 456789") -> Any:
    person = post.person(number, method="SMS")
    post.compose(person.pe_id, message=message, contact_method="SMS")
    return person


def test_text_message_goes_through_the_gateway(post: Any, gateway: Any, provider: SMSProvider) -> None:
    compose_sms(post, "Grüße 🚑")

    assert post.run("SMS") == "SMS: 1 sent"
    assert provider.forms == [{"text": "Grüße 🚑", "to": "49123456789"}]
    assert (post.row.status, post.row.sent_to, post.row.external_id) == (SENT, "0123 456789", "abc-1")


def test_without_a_gateway_text_messages_wait_and_mails_go_out(post: Any, provider: SMSProvider) -> None:
    compose_sms(post)
    post.compose(post.pe_id("anna"))

    waiting = post.run("SMS")
    post.run("EMAIL")
    web_gateway(post, provider)
    post.run("SMS")

    assert waiting == "SMS: channel down: no SMS gateway is configured"
    assert [(row.contact_method, row.status, row.retries) for row in post.rows()] == [("SMS", SENT, 9), ("EMAIL", SENT, 9)]


def test_empty_outbox_needs_no_gateway(post: Any) -> None:
    assert post.run("SMS") == ""


def test_gateway_that_is_switched_off_is_none(post: Any, provider: SMSProvider) -> None:
    web_gateway(post, provider, enabled=False)
    compose_sms(post)

    assert post.run("SMS") == "SMS: channel down: no SMS gateway is configured"


def test_long_text_is_sent_in_parts(post: Any, provider: SMSProvider) -> None:
    web_gateway(post, provider, max_length=10)
    compose_sms(post, "one two three four")

    post.run("SMS")

    assert [form["text"] for form in provider.forms] == ["one two", "three four"]


def test_gateway_without_credit_is_down(post: Any, gateway: Any, provider: SMSProvider) -> None:
    provider.status = 402
    compose_sms(post)

    assert post.run("SMS").startswith("SMS: 1 postponed; channel down: SMS gateway: 402")
    assert (post.row.status, post.row.retries) == (UNSENT, 9)


def test_text_that_may_have_arrived_is_repeated_once_at_most(post: Any, gateway: Any, provider: SMSProvider) -> None:
    provider.hang_up = True
    compose_sms(post)

    for _ in range(4):
        post.run("SMS", force=True)

    assert len(provider.forms) == 2
    assert post.row.status == FAILED


def test_text_that_can_never_be_written_as_sent_is_repeated_once_at_most(post: Any, gateway: Any, provider: SMSProvider) -> None:
    def refuse_sent(_: Any, values: Any) -> None:
        if values.get("status") == SENT:
            raise OSError("connection to the database lost")

    post.s3db.msg_outbox._before_update.append(refuse_sent)
    compose_sms(post)

    for _ in range(6):
        post.run("SMS", force=True)
        post.after(minutes=11)

    assert len(provider.forms) == 2
    assert (post.row.status, post.row.ambiguous) == (FAILED, 2)
    assert post.row.last_error.startswith("may have arrived 2 times: ")


def test_text_whose_id_the_database_cannot_hold_is_sent_once(post: Any, gateway: Any, provider: SMSProvider) -> None:
    # PostgreSQL has no NUL in a string
    provider.answer = b"ID: abc\x00def"
    compose_sms(post)

    for _ in range(3):
        post.run("SMS", force=True)
        post.after(minutes=11)

    assert len(provider.forms) == 1
    assert (post.row.status, post.row.last_error) == (SENT, None)


@pytest.mark.parametrize("status", [503, 402])
def test_text_with_a_part_that_is_not_accepted_is_repeated_once_at_most(post: Any, provider: SMSProvider, status: int) -> None:
    web_gateway(post, provider, max_length=10)
    provider.statuses = [200, status] * 6
    compose_sms(post, "one two three four")

    for _ in range(6):
        post.run("SMS", force=True)

    assert [form["text"] for form in provider.forms] == ["one two", "three four"] * 2
    assert post.row.status == FAILED
    assert f"part 2 of 2: SMS gateway: {status}" in post.row.last_error
    assert post.row.last_error.startswith("may have arrived 2 times")


def test_number_that_is_none_is_invalid(post: Any, gateway: Any) -> None:
    compose_sms(post, number="unknown")

    post.run("SMS")

    assert (post.row.status, post.row.last_error) == (INVALID_ROW, "'unknown' is not a phone number")


def test_gateway_is_that_of_the_organisation_or_of_the_one_above(post: Any, provider: SMSProvider) -> None:
    branch, parent, other = (post.insert("org_organisation", name=name) for name in ("Branch", "Parent", "Other"))
    post.s3db.org_organisation_branch.insert(organisation_id=parent.id, branch_id=branch.id)
    web_gateway(post, provider, parent.id, parameters="gateway=parent")
    web_gateway(post, provider, None, parameters="gateway=all")
    compose_sms(post, "from the branch")
    compose_sms(post, "from elsewhere")
    for message, organisation in zip(post.db(post.s3db.msg_sms).select(), (branch, other), strict=True):
        message.update_record(organisation_id=organisation.id)

    post.run("SMS")

    assert {form["text"]: form["gateway"] for form in provider.forms} == {"from the branch": "parent", "from elsewhere": "all"}


def test_text_message_through_a_mail_gateway(post: Any) -> None:
    channel = post.insert("msg_sms_smtp_channel", name="Mail", address="sms.example.com", max_length=10)
    post.s3db.msg_sms_outbound_gateway.insert(channel_id=channel.channel_id, default_country_code=49)
    compose_sms(post, "one two three four")

    post.run("SMS")

    assert post.delivered == ["49123456789@sms.example.com"] * 2
    assert [mail.get_content().strip() for mail in post.mailserver.messages] == ["one two", "three four"]
    assert len({mail["Message-ID"] for mail in post.mailserver.messages}) == 2


def test_text_through_a_mail_gateway_that_cannot_be_counted_is_repeated_once_at_most(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = post.insert("msg_sms_smtp_channel", name="Mail", address="sms.example.com")
    post.s3db.msg_sms_outbound_gateway.insert(channel_id=channel.channel_id, default_country_code=49)

    def fail() -> None:
        raise OSError("connection to the database lost")

    monkeypatch.setattr("s3.s3msg.sms_smtp.count_mail", fail)
    compose_sms(post)

    for _ in range(4):
        post.run("SMS", force=True)

    assert len(post.delivered) == 2
    assert (post.row.status, post.row.ambiguous) == (FAILED, 2)


def test_secrets_of_a_gateway_cannot_be_read(post: Any, provider: SMSProvider) -> None:
    channel = web_gateway(post, provider, username="me-myself", password="secret")

    assert post.s3db.msg_sms_webapi_channel.password.readable is False
    resource = post.s3db.resource("msg_sms_webapi_channel", id=channel.id)
    shown = json.dumps(resource.select(None).rows, default=str)
    assert "me-myself" in shown
    assert "secret" not in shown


# -- maintenance -------------------------------------------------------------------------------------------------------
def test_dead_letters_are_kept_for_90_days(post: Any) -> None:
    post.compose([post.pe_id("anna"), post.person().pe_id])
    post.run()
    post.after(days=90)
    early = post.current.msg.prune()
    post.after(days=1)

    assert (early, post.current.msg.prune()) == (0, 1)
    assert [row.status for row in post.rows()] == [SENT]
