"""A mail: its texts, addresses and bytes, before anybody hands it over."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any

from s3.s3msg.failure import invalid

__all__ = ("Attachment", "Mail", "clean_subject", "email_address", "is_html", "message_id_of", "sanitize_sender", "sender_address")

MAX_SUBJECT = 78
ELLIPSIS = "..."
# Control characters and line ends; changes of direction, which show what is not there; halves of characters, which
# cannot be encoded. Not the joiners U+200C and U+200D: Persian words and emoji need them
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")
# Deliberately wide: the mail server is the judge, but nothing may pass that could be more than one address
ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,255}")


# -- texts and addresses -----------------------------------------------------------------------------------------------
def clean_subject(subject: object) -> str:
    """A subject for a header: one line, without control characters, of at most 78 characters; cut at a word boundary."""
    text = " ".join(CONTROL_CHARACTERS.sub(" ", str(subject or "")).split())
    if len(text) <= MAX_SUBJECT:
        return text
    room = MAX_SUBJECT - len(ELLIPSIS)
    head = text[:room]
    if text[room] != " " and " " in head:
        head = head.rpartition(" ")[0]
    return head.rstrip() + ELLIPSIS


def email_address(text: object) -> str:
    """An address as SMTP takes it: trimmed, and the domain in ASCII.

    Raises:
        DeliveryFailure: it is no single e-mail address
    """
    address = str(text or "").strip()
    if not ADDRESS.fullmatch(address):
        raise invalid(f"{address!r} is not an e-mail address")
    local, _, domain = address.rpartition("@")
    # a local part beyond ASCII would need SMTPUTF8 all the way to the recipient
    if local.startswith(".") or local.endswith(".") or ".." in local or not local.isascii():
        raise invalid(f"{address!r} is not an e-mail address")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii').lower()}"
    except UnicodeError as exc:
        raise invalid(f"{address!r} is not an e-mail address") from exc


def sender_address(sender: str) -> Address:
    """A sender such as ``Name <address>`` or a bare address, in parts.

    Raises:
        DeliveryFailure: there is no address in it
    """
    name, address = parseaddr(CONTROL_CHARACTERS.sub(" ", sender))
    return Address(display_name=name, addr_spec=email_address(address))


def sanitize_sender(sender: str) -> str:
    """A sender for a header: a name beyond ASCII is encoded alone, so that the address stays readable.

    Source: Eden s3msg.py S3Msg.sanitize_sender
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender_address(sender)
    return message["From"].fold(policy=SMTP.clone(max_line_length=0)).partition(":")[2].strip()


def message_id_of(uuid: str, sender: str) -> str:
    """The Message-ID of an outbox row: the same for every attempt, so that a repeated delivery can be recognised."""
    return f"<{uuid.removeprefix('urn:uuid:')}@{sender_address(sender).domain}>"


class _VerbatimHeader(UnstructuredHeader, BaseHeader):
    """A header on one line: the library would encode a word that is too long for a line, and no mail program could read it."""

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


def _policy() -> EmailPolicy[EmailMessage]:
    registry = HeaderRegistry()
    registry.map_to_type("List-Unsubscribe", _VerbatimHeader)
    return SMTP.clone(header_factory=registry)


_POLICY = _policy()


# -- the message -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Attachment:
    filename: str
    content: bytes
    mime_type: str = "application/octet-stream"


@dataclass
class Mail:
    """One message.

    Attributes:
        to: address, or several that all recipients may see
        body: plain text; or HTML, if it begins with ``<html`` or ``<!DOCTYPE html`` and ends with ``</html>``
        html: an HTML alternative to a plain text body
        date: naive UTC
        unsubscribe_url: where its recipient ends what it belongs to
        automatic: made by the system, not by a person; answering machines must not answer it
    """

    sender: str
    to: str | Sequence[str]
    subject: str
    body: str
    message_id: str
    date: dt.datetime
    html: str | None = None
    reply_to: str | None = None
    cc: Sequence[str] = ()
    automatic: bool = False
    unsubscribe_url: str | None = None
    attachments: Sequence[Attachment] = field(default_factory=tuple)

    def as_bytes(self) -> bytes:
        """The message as it goes over the wire: CRLF, ASCII only, no line over 998 characters."""
        message = EmailMessage(policy=_POLICY)
        message["Message-ID"] = self.message_id
        message["Date"] = format_datetime(self.date.replace(tzinfo=dt.timezone.utc))
        message["From"] = sender_address(self.sender)
        message["To"] = [Address(addr_spec=address) for address in ([self.to] if isinstance(self.to, str) else self.to)]
        if self.cc:
            message["Cc"] = [Address(addr_spec=address) for address in self.cc]
        if self.reply_to:
            message["Reply-To"] = sender_address(self.reply_to)
        message["Subject"] = clean_subject(self.subject)
        if self.automatic:
            message["Auto-Submitted"] = "auto-generated"
        if self.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{self.unsubscribe_url}>"
            # RFC 8058: the mail program may post there by itself; only over https
            if self.unsubscribe_url.startswith("https://"):
                message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        self._set_content(message)
        return message.as_bytes()

    def _set_content(self, message: EmailMessage) -> None:
        # quoted-printable passes every server unchanged, also one without 8BITMIME, and folds long lines
        message.set_content(self.body or "", subtype="html" if is_html(self.body) else "plain", charset="utf-8", cte="quoted-printable")
        if self.html and not is_html(self.body):
            message.add_alternative(self.html, subtype="html", charset="utf-8", cte="quoted-printable")
        for attachment in self.attachments:
            maintype, _, subtype = attachment.mime_type.partition("/")
            filename = CONTROL_CHARACTERS.sub(" ", attachment.filename)
            message.add_attachment(attachment.content, maintype=maintype, subtype=subtype or "octet-stream", filename=filename)


def is_html(body: str | None) -> bool:
    text = (body or "").strip().lower()
    return text.startswith(("<html", "<!doctype html")) and text.endswith("</html>")
