import json
import smtplib
import urllib.error
import urllib.request
from email.message import EmailMessage

import pytest

from launcher.mailcatcher import Mailbox, MailCatcher
from launcher.network import free_port

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def catcher(tmp_path):
    catcher = MailCatcher(tmp_path / "mail", free_port(), free_port())
    catcher.start()
    yield catcher
    catcher.stop()


def send(catcher, subject="Hello", text="How are you?", html=None, to="anna@example.com"):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "alerts@example.com", to, subject
    message["Message-ID"] = "<1@example.com>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    with smtplib.SMTP("127.0.0.1", catcher.smtp_port, timeout=10) as smtp:
        smtp.send_message(message)


def get(catcher, path):
    with OPENER.open(f"http://127.0.0.1:{catcher.http_port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_a_sent_mail_is_given_as_json(catcher):
    send(catcher, subject="Überschwemmung", text="Zeile 1\nZeile 2\n", html="<p>Zeile</p>")

    (mail,) = json.loads(get(catcher, "/messages.json"))

    assert mail["subject"] == "Überschwemmung"
    assert mail["to"] == ["anna@example.com"]
    assert mail["from"] == "alerts@example.com"
    assert mail["message_id"] == "<1@example.com>"
    assert mail["text"].splitlines() == ["Zeile 1", "Zeile 2"]
    assert mail["html"].strip() == "<p>Zeile</p>"


def test_mails_are_listed_newest_first(catcher):
    send(catcher, subject="First")
    send(catcher, subject="Second")

    page = get(catcher, "/")

    assert page.index("Second") < page.index("First")
    assert [mail["subject"] for mail in json.loads(get(catcher, "/messages.json"))] == ["First", "Second"]


def test_an_empty_mailbox_says_so(catcher):
    assert "No mail has arrived yet" in get(catcher, "/")


def test_what_a_mail_contains_is_never_taken_for_html(catcher):
    evil = '<script>alert(1)</script>"'
    send(catcher, subject=evil, text=evil, html=f"<p>{evil}</p>")

    for path in ("/", "/mail/1"):
        page = get(catcher, path)
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


def test_the_html_of_a_mail_is_shown_in_a_frame_that_can_do_nothing(catcher):
    send(catcher, html='<p title="x">Hello</p>')

    page = get(catcher, "/mail/1")

    assert '<iframe sandbox title="The mail as HTML" srcdoc="&lt;p title=&quot;x&quot;&gt;Hello&lt;/p&gt;' in page


@pytest.mark.parametrize("path", ["/mail/2", "/mail/x", "/mail/../../etc/passwd", "/other"])
def test_what_is_not_a_mail_is_not_found(catcher, path):
    send(catcher)

    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        get(catcher, path)
    error.value.close()


def test_mails_survive_a_restart(tmp_path):
    Mailbox(tmp_path).add(b"Subject: One\r\n\r\nText\r\n", "a@example.com", ["b@example.com"])

    again = Mailbox(tmp_path)
    again.add(b"Subject: Two\r\n\r\nText\r\n", "a@example.com", ["b@example.com", "c@example.com"])

    assert [mail["subject"] for mail in again.mails()] == ["One", "Two"]
    assert again.mails()[1]["to"] == ["b@example.com", "c@example.com"]


def test_a_mail_in_an_unknown_character_set_is_shown_as_far_as_possible(tmp_path):
    mailbox = Mailbox(tmp_path)
    mailbox.add(b"Subject: Odd\r\nContent-Type: text/plain; charset=no-such\r\n\r\nplain enough\r\n", "a@example.com", ["b@example.com"])

    assert "plain enough" in mailbox.mails()[0]["text"]
