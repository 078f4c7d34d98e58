"""Text messages through a mail gateway: one mail to ``<number>@<domain of the gateway>`` per part."""
from __future__ import annotations

from gluon import current

from s3.s3datetime import utcnow
from s3.s3msg.email import MailServer, SMTPConnection, count_mail, mail_free_at
from s3.s3msg.failure import channel_down
from s3.s3msg.mail import Mail, email_address, message_id_of, sender_address
from s3dal import Row

__all__ = ("SMTPGateway",)


class SMTPGateway:
    """One row of msg_sms_smtp_channel."""

    def __init__(self, channel: Row) -> None:
        self.channel = channel
        self._connection: SMTPConnection | None = None
        self._parts: dict[int, int] = {}

    def send(self, number: str, text: str, row: Row) -> str | None:
        """Mail one part. Counts towards settings.mail.limit."""
        if mail_free_at(utcnow()) is not None:
            raise channel_down("sending limit reached (mail.limit)", back_off=False)
        if self._connection is None:
            self._connection = SMTPConnection(MailServer.configured(current.deployment_settings))
        sender = current.deployment_settings.get_mail_sender()
        part = self._parts[row.id] = self._parts.get(row.id, 0) + 1
        mail = Mail(
            sender=sender,
            to=email_address(f"{number}@{self.channel.address}"),
            subject=self.channel.subject or "",
            body=text,
            # each part is a mail of its own
            message_id=message_id_of(f"{row.uuid}.{part}", sender),
            date=utcnow(),
            automatic=bool(row.system_generated),
        )
        self._connection.send(sender_address(sender).addr_spec, [str(mail.to)], mail.as_bytes())
        count_mail()
        return mail.message_id

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
