from __future__ import annotations

import datetime as dt
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from s3.s3msg.failure import DeliveryFailure
from s3.s3msg.mail import Attachment, Mail, clean_subject, email_address, message_id_of, sanitize_sender

NOW = dt.datetime(2026, 3, 2, 6, 0, 0)


def mail(**values: object) -> Mail:
    return Mail(
        **{
            "sender": "Relief <alerts@example.com>", "to": "anna@cast.example", "subject": "News", "body": "Hello",
            "message_id": "<1@example.com>", "date": NOW, **values,
        }
    )  # fmt: skip


def parsed(message: Mail) -> EmailMessage:
    return message_from_bytes(message.as_bytes(), policy=policy.default)


# -- subjects ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("subject", "clean"),
    [
        ("News", "News"),
        (None, ""),
        ("a\r\nBcc: everybody@example.com", "a Bcc: everybody@example.com"),
        ("tab\tand\x00null\x85next\u2028line", "tab and null next line"),
        ("  too   many   blanks ", "too many blanks"),
        # half a character cannot be encoded, and a change of direction shows what is not there
        ("half \ud83d a \u202eretteL\u202c", "half a retteL"),
        # joiners belong to the text: a family, and a Persian word
        ("👨\u200d👩 می\u200cخواهم", "👨\u200d👩 می\u200cخواهم"),
        ("x" * 78, "x" * 78),
        # 75 characters and the mark
        ("x" * 79, "x" * 75 + "..."),
    ],
)
def test_subject_is_one_clean_line(subject: str | None, clean: str) -> None:
    assert clean_subject(subject) == clean


def test_long_subject_is_cut_at_a_word_boundary() -> None:
    # 15 words of 5 characters and a blank are 90; 12 whole words (71 characters) fit into 75
    subject = clean_subject(" ".join(["abcde"] * 15))

    assert subject == " ".join(["abcde"] * 12) + "..."
    assert len(subject) <= 78


def test_word_that_ends_exactly_at_the_limit_is_kept_whole() -> None:
    subject = clean_subject("x" * 75 + " " + "y" * 20)

    assert subject == "x" * 75 + "..."


# -- addresses ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "address"),
    [(" anna@cast.example ", "anna@cast.example"), ("a.b+c@Example.COM", "a.b+c@example.com"), ("x@köln.example", "x@xn--kln-sna.example")],
)
def test_address_is_made_fit_for_smtp(text: str, address: str) -> None:
    assert email_address(text) == address


@pytest.mark.parametrize(
    "text",
    ["", None, "anna", "anna@", "@example.com", "a@b@c", "a b@example.com", "a@example.com, b@example.com",
     "a@example.com\nBcc: b@example.com", "<a@example.com>", ".a@example.com", "a..b@example.com", "ü@example.com",
     "a@" + "x" * 64 + ".example"],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(text: str | None) -> None:
    with pytest.raises(DeliveryFailure) as caught:
        email_address(text)

    assert caught.value.kind == "invalid"


def test_sender_with_a_name_beyond_ascii_keeps_its_address_readable() -> None:
    assert sanitize_sender("Köln <alerts@example.com>") == "=?utf-8?q?K=C3=B6ln?= <alerts@example.com>"


@pytest.mark.parametrize("sender", ["Relief <alerts@example.com>", "alerts@example.com"])
def test_plain_sender_stays_as_it_is(sender: str) -> None:
    assert sanitize_sender(sender) == sender


def test_line_breaks_in_a_sender_do_not_reach_the_header() -> None:
    assert "\n" not in sanitize_sender("Relief\r\nBcc: b@example.com <alerts@example.com>")


def test_message_id_is_made_of_the_row_and_the_domain_of_the_sender() -> None:
    assert message_id_of("urn:uuid:12-34", "Relief <alerts@Example.com>") == "<12-34@example.com>"


# -- messages ----------------------------------------------------------------------------------------------------------
def test_headers_say_who_what_when() -> None:
    message = parsed(mail())

    assert message["From"] == "Relief <alerts@example.com>"
    assert message["To"] == "anna@cast.example"
    assert message["Subject"] == "News"
    assert message["Message-ID"] == "<1@example.com>"
    assert message["Date"] == "Mon, 02 Mar 2026 06:00:00 +0000"
    assert message["Auto-Submitted"] is None


def test_mail_of_the_system_says_so() -> None:
    assert parsed(mail(automatic=True))["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize("body", ["Hello", "Grüße, 你好, مرحبا, 🚑\n", "x" * 5000 + "\n", ".\n.\nFrom me\n"])
def test_text_arrives_as_it_was_written_and_travels_as_short_ascii_lines(body: str) -> None:
    message = mail(body=body)

    assert parsed(message).get_content().replace("\r\n", "\n").rstrip("\n") == body.rstrip("\n")
    assert message.as_bytes().isascii()
    assert max(map(len, message.as_bytes().split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("body", "subtype"),
    [("<html><body>x</body></html>", "html"), ("  <HTML lang='de'>x</HTML>\n", "html"), ("<html> is one", "plain"), ("</html>", "plain")],
)
def test_body_from_html_tag_to_html_tag_is_html(body: str, subtype: str) -> None:
    assert parsed(mail(body=body)).get_content_subtype() == subtype


def test_text_with_an_html_alternative_is_one_message_with_both() -> None:
    message = parsed(mail(body="Hello", html="<html><body>Hello</body></html>"))

    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_attachment_has_its_name_and_content() -> None:
    message = parsed(mail(attachments=[Attachment("Lage\nübersicht.pdf", b"%PDF", "application/pdf")]))

    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "Lage übersicht.pdf"
    assert attachment.get_content_type() == "application/pdf"
    assert attachment.get_content() == b"%PDF"


def test_line_break_in_a_subject_makes_no_header() -> None:
    message = parsed(mail(subject="News\r\nBcc: everybody@example.com"))

    assert message["Bcc"] is None
    assert message["Subject"] == "News Bcc: everybody@example.com"
