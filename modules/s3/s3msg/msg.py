"""S3Msg: compose messages to entities, and work through the outbox.

Before: notifications, or a person who writes to somebody. After: outbox.py and the channels.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3.s3error import S3DeliveryError
from s3.s3fields import new_uuid
from s3.s3msg.contacts import sanitise_phone
from s3.s3msg.email import LIMIT_WINDOW, EmailChannel, MailServer, SMTPConnection, count_mail, mail_free_at
from s3.s3msg.mail import Attachment, Mail, clean_subject, email_address, is_html, message_id_of, sanitize_sender, sender_address
from s3.s3msg.outbox import FAILED, INVALID_ROW, STATUS, UNSENT, WITHHELD, Channel, OutboxRun, recipient_key
from s3.s3msg.sms import SMSChannel
from s3.s3msg.sms_webapi import ENCODINGS
from s3cfg import SettingError

__all__ = ("S3Msg",)

#: States of rows that nobody will send any more unless a person puts them back
DEAD = (INVALID_ROW, FAILED, WITHHELD)
DEAD_LETTER_RETENTION = dt.timedelta(days=90)
CHANNELS: dict[str, type[Channel]] = {"EMAIL": EmailChannel, "SMS": SMSChannel}


class S3Msg:
    """Messages to entities; one instance per request (``current.msg``).

    Source: Eden s3msg.py S3Msg
    """

    #: contact methods that a message can be sent with: those that really work (X14)
    MSG_CONTACT_OPTS = {"EMAIL": "Email", "SMS": "SMS"}
    #: contact methods that can be stored
    CONTACT_OPTS = {
        "EMAIL": "Email", "FACEBOOK": "Facebook", "FAX": "Fax", "HOME_PHONE": "Home Phone", "RADIO": "Radio Callsign", "SKYPE": "Skype",
        "SMS": "Mobile Phone", "TWITTER": "Twitter", "WHATSAPP": "WhatsApp", "WORK_PHONE": "Work Phone", "LINKEDIN": "LinkedIn",
        "OTHER": "Other",
    }  # fmt: skip
    OUTBOX_STATUS = STATUS
    SMS_ENCODINGS = ENCODINGS

    #: why the last ``send_email`` of this request failed
    error: str | None = None

    # -- compose -------------------------------------------------------------------------------------------------------
    def send_by_pe_id(
        self,
        pe_id: int | Iterable[int],
        subject: object = "",
        message: str | tuple[str, str] = "",
        contact_method: str = "EMAIL",
        document_ids: int | Iterable[int] | None = None,
        from_address: str | None = None,
        system_generated: bool = False,
        dedupe_key: str | None = None,
        unsubscribe_url: str | None = None,
        **data: Any,
    ) -> int | bool:
        """Put a message into the outbox, in the caller's transaction; commits nothing.

        Args:
            pe_id: one recipient or several; a group or an organisation stands for its members
            message: text; HTML from ``<html`` to ``</html>``; or a pair of text and HTML for a mail with both
            document_ids: documents to attach to a mail
            system_generated: by the system, not by a person; the caller then wakes the outbox after its commit
            unsubscribe_url: where the recipient ends what this mail belongs to; for its List-Unsubscribe header
            dedupe_key: a second compose with the same key changes nothing and gives the message of the first
            data: for the hook settings.msg.send_postprocess, which the caller runs itself if the message is system_generated

        Returns:
            the message id; False if there is no recipient, or one of them does not exist: then nobody gets it

        Raises:
            S3DeliveryError: messages cannot be sent with this contact method

        Source: Eden s3msg.py S3Msg.send_by_pe_id
        """
        if contact_method not in self.MSG_CONTACT_OPTS:
            raise S3DeliveryError(f"Messages cannot be sent by {contact_method!r}, only by {', '.join(self.MSG_CONTACT_OPTS)}.")
        pe_ids = _recipients(pe_id)
        if not _all_exist(pe_ids):
            return False
        keys = _dedupe_keys(dedupe_key, pe_ids)
        known = self._find_message_id(list(keys.values()))
        if known:
            return known
        if contact_method == "EMAIL":
            message_id = self._insert_email(clean_subject(subject), message, from_address, _list(document_ids), unsubscribe_url)
        else:
            message_id = self._insert_sms(message, from_address)
        self._insert_outbox(message_id, pe_ids, contact_method, system_generated, keys)
        if not system_generated:
            current.s3task.wake("msg_process_outbox", [contact_method])
            self.postprocess(message_id, **data)
        return message_id

    def send(self, recipient: str, message: str | tuple[str, str], subject: object = "") -> int:
        """Put a mail of the system to an address into the outbox, in the caller's transaction; see send_by_pe_id.

        Source: Eden s3msg.py S3Msg.send
        """
        message_id = self._insert_email(clean_subject(subject), message, None, [])
        current.s3db.msg_outbox.insert(message_id=message_id, address=recipient, contact_method="EMAIL", system_generated=True)
        current.s3task.wake("msg_process_outbox", ["EMAIL"])
        return message_id

    def send_email_by_pe_id(
        self, pe_id: int | Iterable[int], subject: object = "", message: str | tuple[str, str] = "", from_address: str | None = None,
        system_generated: bool = False,
    ) -> int | bool:  # fmt: skip
        """Put a mail into the outbox; see send_by_pe_id."""
        return self.send_by_pe_id(
            pe_id, subject=subject, message=message, contact_method="EMAIL", from_address=from_address, system_generated=system_generated
        )

    def send_sms_by_pe_id(
        self, pe_id: int | Iterable[int], message: str = "", from_address: str | None = None, system_generated: bool = False
    ) -> int | bool:
        """Put a text message into the outbox; see send_by_pe_id."""
        return self.send_by_pe_id(
            pe_id, message=message, contact_method="SMS", from_address=from_address, system_generated=system_generated
        )

    def postprocess(self, message_id: int, **data: Any) -> None:
        """Run the hook settings.msg.send_postprocess; its errors are logged, because the message is composed all the same."""
        hook = current.deployment_settings.get_msg_send_postprocess()
        if not hook:
            return
        try:
            hook(message_id, **data)
        except Exception:  # the boundary to a deployment's own code
            current.log.exception("settings.msg.send_postprocess failed")

    def _find_message_id(self, dedupe_keys: list[str]) -> int | None:
        if not dedupe_keys:
            return None
        table = current.s3db.msg_outbox
        row = current.db(table.dedupe_key.belongs(dedupe_keys)).select(table.message_id, limitby=(0, 1)).first()
        return int(row.message_id) if row else None

    def _insert_email(
        self, subject: str, message: str | tuple[str, str], from_address: str | None, document_ids: list[int],
        unsubscribe_url: str | None = None,
    ) -> int:  # fmt: skip
        text, html = (message, None) if isinstance(message, str) else message
        values = {"subject": subject, "body": text, "html_body": html, "unsubscribe_url": unsubscribe_url}
        if from_address:
            values["from_address"] = from_address
        message_id = _insert_message("msg_email", **values)
        for document_id in document_ids:
            current.s3db.msg_attachment.insert(message_id=message_id, document_id=document_id)
        return message_id

    def _insert_sms(self, message: str | tuple[str, str], from_address: str | None) -> int:
        text = message if isinstance(message, str) else message[0]
        return _insert_message("msg_sms", body=text, from_address=from_address)

    def _insert_outbox(self, message_id: int, pe_ids: list[int], contact_method: str, system_generated: bool, keys: dict[int, str]) -> None:
        table = current.s3db.msg_outbox
        for pe_id in pe_ids:
            table.insert(
                message_id=message_id,
                pe_id=pe_id,
                contact_method=contact_method,
                system_generated=system_generated,
                dedupe_key=keys.get(pe_id),
                recipient_key=recipient_key(message_id, pe_id, contact_method),
            )

    # -- deliver -------------------------------------------------------------------------------------------------------
    def process_outbox(self, contact_method: str = "EMAIL", force: bool = False) -> str:
        """Send what is due, at most settings.msg.outbox_batch rows. Commits after every row, with whatever the caller has not committed.

        Args:
            force: do not wait for the next attempt of rows and channels that have failed

        Returns:
            the counters of this run, such as ``EMAIL: 2 sent``; empty if nothing was due

        Raises:
            S3DeliveryError: messages cannot be sent with this contact method

        Source: Eden s3msg.py S3Msg.process_outbox
        """
        channel = CHANNELS.get(contact_method)
        if channel is None:
            raise S3DeliveryError(f"Messages cannot be sent by {contact_method!r}, only by {', '.join(CHANNELS)}.")
        return OutboxRun(contact_method, channel(), force)()

    def resend(self, outbox_id: int) -> bool:
        """Put a row that has ended without being sent back into the outbox, with all its retries. Returns whether it had."""
        table = current.s3db.msg_outbox
        changed = current.db((table.id == outbox_id) & (table.status.belongs(DEAD))).update(
            status=UNSENT, attempts=0, ambiguous=0, retries=current.deployment_settings.get_msg_max_send_retries(), next_attempt_at=utcnow()
        )
        return bool(changed)

    def prune(self, now: dt.datetime | None = None) -> int:
        """Delete dead letters after 90 days, and the count of mails that no limit looks at any more. Commits nothing.

        Returns:
            the number of deleted rows
        """
        s3db, db, now = current.s3db, current.db, now or utcnow()
        outbox, limit = s3db.msg_outbox, s3db.msg_channel_limit
        dead = db((outbox.status.belongs(DEAD)) & (outbox.modified_on < now - DEAD_LETTER_RETENTION)).delete()
        counted = db(limit.created_on < now - 2 * LIMIT_WINDOW).delete()
        return int(dead + counted)

    def send_email(
        self,
        to: str | Iterable[str],
        subject: object,
        message: str | tuple[str, str],
        attachments: Iterable[Attachment] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        reply_to: str | None = None,
        sender: str | None = None,
        encoding: str = "utf-8",
    ) -> bool:
        """Send a mail now, without the outbox: for what somebody is waiting for, such as a verification link.

        Args:
            message: see send_by_pe_id
            encoding: only utf-8; for compatibility

        Returns:
            whether the mail server has accepted it for all recipients; the reason, if not, is in ``error``

        Source: Eden s3msg.py S3Msg.send_email
        """
        self.error = None
        try:
            self._send_now(_addresses(to), subject, message, list(attachments or ()), _addresses(cc), _addresses(bcc), reply_to, sender)
        except S3DeliveryError as failure:
            self.error = str(failure)
            current.log.warning("E-mail not sent", failure)
            return False
        return True

    def _send_now(
        self, to: list[str], subject: object, message: str | tuple[str, str], attachments: list[Attachment], cc: list[str], bcc: list[str],
        reply_to: str | None, sender: str | None,
    ) -> None:  # fmt: skip
        server = MailServer.configured(current.deployment_settings)
        if not to:
            raise S3DeliveryError("no recipient")
        if mail_free_at(utcnow()) is not None:
            raise S3DeliveryError("sending limit reached (mail.limit)")
        default_sender = current.deployment_settings.get_mail_sender()
        text, html = (message, None) if isinstance(message, str) else message
        mail = Mail(
            sender=sender or default_sender, to=to, subject=clean_subject(subject), body=text, html=html, cc=cc, reply_to=reply_to,
            message_id=message_id_of(new_uuid(), default_sender), date=utcnow(), attachments=attachments,
        )  # fmt: skip
        connection = SMTPConnection(server)
        try:
            connection.send(sender_address(mail.sender).addr_spec, list(dict.fromkeys([*to, *cc, *bcc])), mail.as_bytes())
        finally:
            connection.close()
        count_mail()

    # -- texts ---------------------------------------------------------------------------------------------------------
    @staticmethod
    def sanitise_phone(phone: object, country_code: int | None = None) -> str:
        """A phone number in international form, digits only; see contacts.sanitise_phone."""
        return sanitise_phone(phone, country_code or current.deployment_settings.get_L10n_default_country_code())

    @staticmethod
    def default_sender() -> str | None:
        """The configured sender; None while there is none or a wrong one: that delays messages, but they can be composed."""
        try:
            sender: str | None = current.deployment_settings.get_mail_sender()
        except SettingError:
            return None
        return sender

    sanitize_sender = staticmethod(sanitize_sender)
    is_html = staticmethod(is_html)


def _insert_message(tablename: str, **values: Any) -> int:
    """Insert an instance record with its super-record; gives the message id."""
    s3db = current.s3db
    return int(s3db.insert_with_super(s3db[tablename], **values).message_id)


def _recipients(pe_id: int | Iterable[int] | None) -> list[int]:
    values: Iterable[Any] = pe_id if isinstance(pe_id, (list, tuple, set, frozenset)) else [pe_id]
    return list(dict.fromkeys(int(value) for value in values if value))


def _all_exist(pe_ids: list[int]) -> bool:
    # in SQL: defining the table takes longer than asking for them
    numbers = ", ".join(map(str, pe_ids))
    is_known = bool(pe_ids) and current.db.executesql(f"SELECT COUNT(*) FROM pr_pentity WHERE pe_id IN ({numbers})")[0][0] == len(pe_ids)
    if pe_ids and not is_known:
        current.log.warning(f"Message not composed: not all of these recipients exist: {numbers}")
    return is_known


def _dedupe_keys(dedupe_key: str | None, pe_ids: list[int]) -> dict[int, str]:
    if not dedupe_key:
        return {}
    if len(pe_ids) == 1:
        return {pe_ids[0]: dedupe_key}
    return {pe_id: f"{dedupe_key}:{pe_id}" for pe_id in pe_ids}


def _list(values: Any) -> list[int]:
    if values is None:
        return []
    return list(values) if isinstance(values, (list, tuple, set)) else [values]


def _addresses(values: str | Iterable[str] | None) -> list[str]:
    items = [values] if isinstance(values, str) else list(values or ())
    return [email_address(item) for item in items if item]
