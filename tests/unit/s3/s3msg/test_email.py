from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from smtp_faults import HANG_UP, FaultySMTP

from s3.s3msg.email import MailServer, SMTPConnection, failure_of
from s3.s3msg.failure import CHANNEL_DOWN, PERMANENT, TEMPORARY, DeliveryFailure

CONTENT = b"Subject: News\r\n\r\nHello\r\n"


@pytest.fixture
def smtp() -> Iterator[FaultySMTP]:
    server = FaultySMTP()
    yield server
    server.stop()


@pytest.fixture
def connection(smtp: FaultySMTP) -> Iterator[SMTPConnection]:
    connection = SMTPConnection(MailServer("127.0.0.1", smtp.port, "example.com", timeout=1))
    yield connection
    connection.close()


def send(connection: SMTPConnection, to: str = "anna@cast.example", **options: Any) -> None:
    connection.send("alerts@example.com", [to], CONTENT, **options)


def failure(connection: SMTPConnection, **options: Any) -> DeliveryFailure:
    with pytest.raises(DeliveryFailure) as caught:
        send(connection, **options)
    return caught.value


def test_batch_goes_over_one_connection(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    for number in range(3):
        send(connection, f"user{number}@cast.example")

    assert smtp.recipients == ["user0@cast.example", "user1@cast.example", "user2@cast.example"]
    assert smtp.connections == 1


def test_server_is_greeted_with_the_domain_of_the_sender(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    send(connection)

    assert smtp.hello == "example.com"


def test_dropped_connection_is_opened_again_before_the_next_message(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    send(connection)
    smtp.stop()
    smtp.start()

    send(connection, "ben@cast.example")

    assert smtp.recipients == ["anna@cast.example", "ben@cast.example"]


def test_connection_goes_on_after_a_refused_recipient(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    smtp.rcpt["gone@cast.example"] = "550 5.1.1 no such user"

    refused = failure(connection, to="gone@cast.example")
    send(connection)

    assert (refused.kind, str(refused)) == (PERMANENT, "550 5.1.1 no such user")
    assert smtp.recipients == ["anna@cast.example"]
    assert smtp.connections == 1


@pytest.mark.parametrize(
    ("rcpt", "kind"),
    [("550 no such user", PERMANENT), ("450 greylisted", TEMPORARY), ("452 mailbox full", TEMPORARY), ("530 log in first", CHANNEL_DOWN)],
)
def test_refusal_of_a_recipient_is_sorted_by_its_code(smtp: FaultySMTP, connection: SMTPConnection, rcpt: str, kind: str) -> None:
    smtp.rcpt["anna@cast.example"] = rcpt

    assert failure(connection).kind == kind


@pytest.mark.parametrize(
    ("mail", "default_sender", "kind"),
    [
        # the configured sender concerns every message, another one only this
        ("553 sender not allowed", True, CHANNEL_DOWN),
        ("553 sender not allowed", False, PERMANENT),
        ("552 message too large", True, PERMANENT),
        ("451 try later", True, TEMPORARY),
    ],
)
def test_refusal_of_the_sender_is_sorted(smtp: FaultySMTP, connection: SMTPConnection, mail: str, default_sender: bool, kind: str) -> None:
    smtp.mail = mail

    assert failure(connection, default_sender=default_sender).kind == kind


@pytest.mark.parametrize(("data", "kind"), [("554 spam", PERMANENT), ("451 try later", TEMPORARY)])
def test_refusal_of_the_content_is_sorted_by_its_code(smtp: FaultySMTP, connection: SMTPConnection, data: str, kind: str) -> None:
    smtp.data = [data]

    caught = failure(connection)

    assert (caught.kind, caught.ambiguous) == (kind, False)


def test_server_that_hangs_up_in_the_middle_may_have_taken_the_message(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    smtp.data = [HANG_UP]

    caught = failure(connection)

    assert (caught.kind, caught.ambiguous) == (TEMPORARY, True)


def test_server_that_does_not_answer_in_time_may_have_taken_the_message(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    smtp.delay = 3

    caught = failure(connection)

    assert (caught.kind, caught.ambiguous) == (TEMPORARY, True)


def test_server_that_trickles_its_answer_is_cut_off() -> None:
    """Each byte renews a socket's time-out; the whole hand-over has a limit of 1.5 times that."""
    with trickling_server() as port:
        connection = SMTPConnection(MailServer("127.0.0.1", port, "example.com", timeout=0.6))

        caught = failure(connection)

    assert caught.kind == TEMPORARY
    assert "did not finish within 0.9 s" in str(caught)


def test_nobody_listening_is_the_channel_not_the_message(smtp: FaultySMTP, connection: SMTPConnection) -> None:
    smtp.stop()

    caught = failure(connection)

    assert (caught.kind, caught.back_off) == (CHANNEL_DOWN, True)
    assert f"127.0.0.1:{smtp.port}" in str(caught)


def test_login_that_the_server_does_not_know_is_the_channel(smtp: FaultySMTP) -> None:
    connection = SMTPConnection(MailServer("127.0.0.1", smtp.port, "example.com", timeout=1, user="u", password="secret"))

    caught = failure(connection)

    assert caught.kind == CHANNEL_DOWN
    assert "secret" not in str(caught)


def test_tls_that_the_server_does_not_know_is_the_channel(smtp: FaultySMTP) -> None:
    connection = SMTPConnection(MailServer("127.0.0.1", smtp.port, "example.com", timeout=1, starttls=True))

    assert failure(connection).kind == CHANNEL_DOWN
    assert smtp.messages == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"no")}), PERMANENT),
        (smtplib.SMTPDataError(451, b"later"), TEMPORARY),
        (smtplib.SMTPServerDisconnected("gone"), TEMPORARY),
        (ConnectionResetError("reset"), TEMPORARY),
        (TimeoutError("timed out"), TEMPORARY),
        (smtplib.SMTPAuthenticationError(535, b"no"), CHANNEL_DOWN),
        (smtplib.SMTPNotSupportedError("SMTPUTF8"), PERMANENT),
    ],
)
def test_every_error_of_smtplib_has_its_class(error: Exception, kind: str) -> None:
    assert failure_of(error).kind == kind


def test_server_without_a_sender_is_down_without_a_connection() -> None:
    settings = SimpleNamespace(get_mail_sender=lambda: None)

    with pytest.raises(DeliveryFailure) as caught:
        MailServer.configured(settings)

    assert (caught.value.kind, caught.value.back_off) == (CHANNEL_DOWN, False)


def test_password_is_not_shown() -> None:
    assert "secret" not in repr(MailServer("localhost", 25, "example.com", password="secret"))


class trickling_server:
    """Answers MAIL FROM with one byte every 0.2 seconds, for ever."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, client.makefile("rb") as lines:
            client.sendall(b"220 slow\r\n")
            lines.readline()
            client.sendall(b"250 slow\r\n")
            lines.readline()
            try:
                while not self._stop.wait(0.2):
                    client.sendall(b"2")
            except OSError:
                return
