"""E-mail: hand messages to the SMTP server, with every failure sorted into what is to be done about it.

Before: mail.py makes the message for the outbox run, or for ``S3Msg.send_email``. After: the mail server of the deployment.
"""
from __future__ import annotations

import datetime as dt
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3.s3msg.attachments import find_attachments
from s3.s3msg.failure import PERMANENT, DeliveryFailure, channel_down, permanent, temporary
from s3.s3msg.mail import Mail, email_address, message_id_of, sender_address
from s3cfg import SettingError
from s3dal import Row

__all__ = ("EmailChannel", "MailServer", "SMTPConnection", "count_mail", "mail_free_at")

#: All of one hand-over may take this much longer than one answer of the server
TOTAL_TIMEOUT_FACTOR = 1.5
#: The window of settings.mail.limit
LIMIT_WINDOW = dt.timedelta(hours=24)
# The server wants us to log in (RFC 4954), whatever the recipient
AUTHENTICATION_CODES = (530, 534, 535, 538)
# MAIL FROM is refused because of the declared size (RFC 1870): a matter of this message, not of the sender
SIZE_CODE = 552


# -- the channel of the outbox -----------------------------------------------------------------------------------------
class EmailChannel:
    """Sends mails over one connection."""

    #: a repeated mail has the same Message-ID, so that it can be recognised: it may be repeated, but not for ever (P-F)
    max_ambiguous = 9

    def __init__(self) -> None:
        self._connection: SMTPConnection | None = None

    def open(self) -> None:
        self._connection = SMTPConnection(MailServer.configured(current.deployment_settings))
        self._connection.open()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def free_at(self, now: dt.datetime) -> dt.datetime | None:
        return mail_free_at(now)

    def after_send(self) -> None:
        count_mail()

    def send(self, row: Row, message: Row, address: str) -> str | None:
        assert self._connection is not None, "open() comes first"
        default_sender = current.deployment_settings.get_mail_sender()
        sender = message.from_address or default_sender
        mail = Mail(
            sender=sender,
            to=email_address(address),
            subject=message.subject or "",
            body=message.body or "",
            html=message.html_body,
            unsubscribe_url=message.unsubscribe_url,
            message_id=message_id_of(row.uuid, default_sender),
            date=message.date or utcnow(),
            automatic=bool(row.system_generated),
            attachments=find_attachments(message.message_id),
        )
        self._hand_over(mail, default_sender=sender == default_sender)
        return None

    def _hand_over(self, mail: Mail, default_sender: bool) -> None:
        assert self._connection is not None
        envelope = sender_address(mail.sender).addr_spec, [str(mail.to)]
        try:
            self._connection.send(*envelope, mail.as_bytes(), default_sender)
        except DeliveryFailure as failure:
            if failure.kind != PERMANENT or not mail.attachments:
                raise
            # refused for good: perhaps for the size or the kind of an attachment, and the text is what matters (F63)
            mail.attachments = ()
            self._connection.send(*envelope, mail.as_bytes(), default_sender)


def mail_free_at(now: dt.datetime) -> dt.datetime | None:
    """When settings.mail.limit allows the next mail; None is now. Counts the mails that were sent in the last 24 hours."""
    limit = current.deployment_settings.get_mail_limit()
    if not limit:
        return None
    table = current.s3db.msg_channel_limit
    oldest = current.db(table.created_on > now - LIMIT_WINDOW).select(
        table.created_on, orderby=~table.created_on, limitby=(limit - 1, limit)
    ).first()
    return oldest.created_on + LIMIT_WINDOW if oldest else None


def count_mail() -> None:
    """Count a mail towards settings.mail.limit."""
    if current.deployment_settings.get_mail_limit():
        current.s3db.msg_channel_limit.insert()


# -- the server --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class MailServer:
    """How to reach the mail server.

    Attributes:
        timeout: seconds to wait for one answer
        hostname: what we call ourselves in EHLO
    """

    host: str
    port: int
    hostname: str
    timeout: float = 20
    user: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    ssl: bool = False

    @classmethod
    def configured(cls, settings: Any) -> MailServer:
        """The mail server of these settings.

        Raises:
            DeliveryFailure: no sender is configured, so that mail is off; or a setting is wrong
        """
        try:
            return cls._configured(settings)
        except SettingError as exc:
            raise channel_down(exc, back_off=False) from exc

    @classmethod
    def _configured(cls, settings: Any) -> MailServer:
        sender = settings.get_mail_sender()
        if not sender:
            raise channel_down("no sender is configured (mail.sender)", back_off=False)
        try:
            domain = sender_address(sender).domain
        except DeliveryFailure as exc:
            raise channel_down(f"the configured sender (mail.sender): {exc}", back_off=False) from exc
        host, _, port = settings.get_mail_server().rpartition(":")
        user, _, password = (settings.get_mail_server_login() or "").partition(":")
        return cls(
            host=host.strip("[]"),
            port=int(port),
            hostname=domain,
            timeout=settings.get_mail_timeout(),
            user=user,
            password=password,
            starttls=bool(settings.get_mail_server_tls()),
            ssl=bool(settings.get_mail_server_ssl()),
        )


class SMTPConnection:
    """A connection for a batch of mails: opened with the first, opened again when the server has dropped it."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, sender: str, recipients: Sequence[str], content: bytes, default_sender: bool = True) -> None:
        """Hand one message over; when this returns, the server has taken responsibility for it.

        Args:
            sender: address for MAIL FROM
            recipients: addresses for RCPT TO; several only where a person addressed one mail to them
            default_sender: the sender is the configured one, so that its refusal concerns every message

        Raises:
            DeliveryFailure: with the class of the failure in ``kind``
        """
        smtp = self._opened()
        seconds = self.server.timeout * TOTAL_TIMEOUT_FACTOR
        try:
            with _deadline(smtp, seconds) as expired:
                smtp.sendmail(sender, list(recipients), content)
        except (smtplib.SMTPException, OSError, UnicodeError) as exc:
            if not isinstance(exc, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
                self.close()
            if expired.is_set():
                raise temporary(f"{self._name()} did not finish within {seconds:g} s", ambiguous=True) from exc
            raise failure_of(exc, default_sender) from exc

    def open(self) -> None:
        """Connect now instead of with the first message. Raises DeliveryFailure if the server cannot be used."""
        self._opened()

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            smtp.quit()
        except (smtplib.SMTPException, OSError):
            smtp.close()

    def _opened(self) -> smtplib.SMTP:
        if self._smtp is not None and not self._is_usable(self._smtp):
            self._smtp.close()
            self._smtp = None
        if self._smtp is None:
            self._smtp = self._connect()
        return self._smtp

    @staticmethod
    def _is_usable(smtp: smtplib.SMTP) -> bool:
        """Did the server keep the connection since the last message? Asked before a message is at stake."""
        try:
            return bool(smtp.rset()[0] == 250)
        except (smtplib.SMTPException, OSError):
            return False

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        smtp: smtplib.SMTP | None = None
        try:
            if server.ssl:
                smtp = smtplib.SMTP_SSL(
                    server.host, server.port, server.hostname, timeout=server.timeout, context=ssl.create_default_context()
                )
            else:
                smtp = smtplib.SMTP(server.host, server.port, server.hostname, timeout=server.timeout)
            if server.starttls and not server.ssl:
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, server.password)
            smtp.ehlo_or_helo_if_needed()
        except (smtplib.SMTPException, OSError) as exc:
            if smtp is not None:
                smtp.close()
            raise channel_down(f"{self._name()}: {reason_of(exc)}") from exc
        return smtp

    def _name(self) -> str:
        return f"mail server {self.server.host}:{self.server.port}"


@contextmanager
def _deadline(smtp: smtplib.SMTP, seconds: float) -> Iterator[threading.Event]:
    """Cut the connection off if the block takes longer: a socket time-out begins again with every byte of a slow server."""
    expired = threading.Event()

    def cut() -> None:
        expired.set()
        try:
            if smtp.sock is not None:
                smtp.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield expired
    finally:
        timer.cancel()


# -- failures ----------------------------------------------------------------------------------------------------------
def failure_of(exc: Exception, default_sender: bool = True) -> DeliveryFailure:
    """Sort an error of a message under way: is it the message, the server, or bad luck?"""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        code, _ = next(iter(exc.recipients.values()))
        return _by_code(code, exc)
    if isinstance(exc, smtplib.SMTPSenderRefused):
        if exc.smtp_code >= 500 and exc.smtp_code != SIZE_CODE and default_sender:
            return channel_down(f"the mail server refuses the sender: {reason_of(exc)}")
        return _by_code(exc.smtp_code, exc)
    if isinstance(exc, smtplib.SMTPResponseException):
        return _by_code(exc.smtp_code, exc)
    if isinstance(exc, smtplib.SMTPNotSupportedError | UnicodeError):
        # an address beyond ASCII, and a server without SMTPUTF8
        return permanent(reason_of(exc))
    # dropped, reset, timed out: perhaps after the server had accepted the message
    return temporary(reason_of(exc), ambiguous=True)


def _by_code(code: int, exc: Exception) -> DeliveryFailure:
    if code in AUTHENTICATION_CODES:
        return channel_down(reason_of(exc))
    return permanent(reason_of(exc)) if code >= 500 else temporary(reason_of(exc))


def reason_of(exc: Exception) -> str:
    """What the server said, or what happened to the connection."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return _answer(*next(iter(exc.recipients.values())))
    if isinstance(exc, smtplib.SMTPResponseException):
        return _answer(exc.smtp_code, exc.smtp_error)
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return str(exc) or type(exc).__name__


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
