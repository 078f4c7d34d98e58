"""Messages, the outbox and the channels that messages go through."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMAIL, IS_EMPTY_OR, IS_IN_SET, IS_INT_IN_RANGE, IS_LENGTH, IS_NOT_EMPTY, IS_URL, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    S3MetaFields,
    S3Model,
    S3Msg,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_datetime,
    s3_meta_fields,
    utcnow,
)
from s3dal import Field

__all__ = (
    "MessageModel",
    "EmailModel",
    "SMSModel",
    "AttachmentModel",
    "OutboxModel",
    "ChannelStateModel",
    "ChannelModel",
    "SMSGatewayModel",
)

#: characters of one long text message, as most gateways take it; and of a single one
WEB_API_LENGTH = 480
SMS_LENGTH = 160


def _direction(inbound: bool, row: Any = None) -> Any:
    return current.T("In") if inbound else current.T("Out")


# -- messages ----------------------------------------------------------------------------------------------------------
class MessageModel(S3Model):
    """The super-entity of all messages: what the outbox needs to know of them."""

    names = ("msg_message", "msg_message_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        types = Storage(msg_email=T("Email"), msg_sms=T("SMS"))
        self.super_entity(
            "msg_message", "message_id", types,
            self.super_link("channel_id", "msg_channel"),
            s3_datetime("date", default="now", writable=False),
            Field("body", "text", label=T("Message")),
            Field("from_address", label=T("From")),
            Field("to_address", label=T("To ## whom a message goes")),
            Field("inbound", "boolean", default=False, label=T("Direction"), represent=_direction),
            watch=False,
        )
        self.configure(
            "msg_message",
            list_fields=["instance_type", "from_address", "to_address", "body", "inbound"],
            orderby="msg_message.date desc",
            insertable=False, editable=False, deletable=False,
        )
        current.response.s3.crud_strings["msg_message"] = Storage(
            title_display=T("Message Details"), title_list=T("Message Log"), msg_list_empty=T("No Messages currently in the Message Log"),
        )
        self.add_components("msg_message", msg_attachment="message_id", msg_outbox="message_id")
        represent = S3Represent(lookup="msg_message", key="message_id", fields=["body"])
        message_id = S3ReusableField(
            "message_id", "reference msg_message", label=T("Message"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "msg_message.message_id", represent)),
        )
        return {"msg_message_id": message_id}

    def defaults(self) -> dict[str, Any]:
        return {"msg_message_id": S3ReusableField.dummy("message_id")}


class EmailModel(S3Model):
    names = ("msg_email",)

    def model(self) -> dict[str, Any]:
        T = current.T
        self.define_table(
            "msg_email",
            self.super_link("message_id", "msg_message"),
            self.super_link("channel_id", "msg_channel"),
            s3_datetime("date", default="now", writable=False),
            Field("subject", length=78, label=T("Subject"), requires=IS_LENGTH(78)),
            Field("body", "text", label=T("Message")),
            # alternative to a plain text body; a body that is HTML itself needs none
            Field("html_body", "text", readable=False, writable=False),
            # signed: whoever has it can end the subscription
            Field("unsubscribe_url", length=512, readable=False, writable=False),
            Field("from_address", default=S3Msg.default_sender, label=T("Sender"),
                  requires=IS_EMPTY_OR(IS_EMAIL())),
            Field("to_address", label=T("To ## whom a message goes"), requires=IS_EMPTY_OR(IS_EMAIL())),
            Field("raw", "text", label=T("Message Source"), readable=False, writable=False),
            Field("inbound", "boolean", default=False, label=T("Direction"), represent=_direction, readable=False, writable=False),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("msg_email", super_entity="msg_message", orderby="msg_email.date desc", indexes=["message_id"])
        current.response.s3.crud_strings["msg_email"] = Storage(
            title_display=T("Email Details"), title_list=T("Sent Emails"), msg_list_empty=T("No Emails currently in the Outbox"),
        )
        return {}


class SMSModel(S3Model):
    names = ("msg_sms",)

    def model(self) -> dict[str, Any]:
        T = current.T
        user = getattr(current.auth, "user", None)
        self.define_table(
            "msg_sms",
            self.super_link("message_id", "msg_message"),
            self.super_link("channel_id", "msg_channel"),
            # chooses the gateway
            self.org_organisation_id(default=user.organisation_id if user else None),
            s3_datetime("date", default="now", writable=False),
            Field("body", "text", label=T("Message")),
            Field("from_address", label=T("Sender")),
            Field("to_address", label=T("To ## whom a message goes")),
            Field("inbound", "boolean", default=False, label=T("Direction"), represent=_direction, readable=False, writable=False),
            # the id that the provider gave it
            Field("remote_id", readable=False, writable=False),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("msg_sms", super_entity="msg_message", orderby="msg_sms.date desc", indexes=["message_id"])
        current.response.s3.crud_strings["msg_sms"] = Storage(
            title_display=T("SMS Details"), title_list=T("SMS"), msg_list_empty=T("No SMS's currently in the Outbox"),
        )
        return {}


class AttachmentModel(S3Model):
    """Documents that go with a message."""

    names = ("msg_attachment",)

    def model(self) -> dict[str, Any]:
        document_id = self.table("doc_document_id", S3ReusableField.dummy("document_id"))
        self.define_table(
            "msg_attachment",
            self.msg_message_id(ondelete="CASCADE"),
            document_id(),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("msg_attachment", indexes=["message_id"])
        return {}


# -- the outbox --------------------------------------------------------------------------------------------------------
class OutboxModel(S3Model):
    """One row per message and recipient; s3msg.outbox takes it through its states."""

    names = ("msg_outbox",)

    def model(self) -> dict[str, Any]:
        T = current.T
        methods = S3Msg.MSG_CONTACT_OPTS
        status = {code: T(label) for code, label in S3Msg.OUTBOX_STATUS.items()}
        self.define_table(
            "msg_outbox",
            self.msg_message_id(),
            self.super_link("pe_id", "pr_pentity", label=T("Recipient"), readable=True, ondelete="SET NULL"),
            # goes before the contacts of the recipient
            Field("address", label=T("Address")),
            Field("contact_method", length=32, default="EMAIL", label=T("Contact Method"),
                  requires=IS_IN_SET(methods, zero=None), represent=S3Represent(options=methods)),
            Field("status", "integer", notnull=True, default=1, label=T("Status"),
                  requires=IS_IN_SET(status, zero=None), represent=S3Represent(options=status)),
            Field("system_generated", "boolean", default=False, label=T("System Generated?")),
            # attempts that remain; empty is for ever
            Field("retries", "integer", default=current.deployment_settings.get_msg_max_send_retries(), readable=False, writable=False),
            Field("next_attempt_at", "datetime", default=utcnow, label=T("Next Attempt"), writable=False),
            Field("attempts", "integer", default=0, label=T("Attempts"), writable=False),
            # attempts whose end is unknown: they may have reached the recipient
            Field("ambiguous", "integer", default=0, readable=False, writable=False),
            Field("last_error", length=512, label=T("Last Error"), writable=False),
            # who sends it now, and until when that is to be believed
            Field("claim_owner", length=128, readable=False, writable=False),
            Field("claim_until", "datetime", readable=False, writable=False),
            # what was composed twice is sent once
            Field("dedupe_key", length=255, unique=True, readable=False, writable=False),
            # a recipient gets a message once, directly or as a member of something
            Field("recipient_key", length=128, unique=True, readable=False, writable=False),
            # the group or organisation that this recipient was found in; no super-link: it may be gone
            Field("via_pe_id", "integer", readable=False, writable=False),
            Field("external_id", readable=False, writable=False),
            Field("sent_on", "datetime", label=T("Sent"), writable=False),
            Field("sent_to", label=T("Sent to"), writable=False),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure(
            "msg_outbox",
            list_fields=["id", "message_id", "pe_id", "status", "last_error"],
            orderby="msg_outbox.created_on desc",
            indexes=[("contact_method", "status", "next_attempt_at"), "message_id"],
        )
        current.response.s3.crud_strings["msg_outbox"] = Storage(
            title_display=T("Outbox"), title_list=T("Outbox"), msg_list_empty=T("No Messages currently in Outbox"),
        )
        return {}


# -- channels ----------------------------------------------------------------------------------------------------------
class ChannelStateModel(S3Model):
    """What only the dispatcher needs: composing must not pay for it."""

    names = ("msg_channel_state", "msg_channel_limit")

    def model(self) -> dict[str, Any]:
        # whether the way out is open, one row per contact method
        self.define_table(
            "msg_channel_state",
            Field("contact_method", length=32, notnull=True, unique=True),
            Field("failures", "integer", default=0),
            Field("down_since", "datetime"),
            Field("retry_at", "datetime"),
            Field("last_error", length=512),
            watch=False,
        )
        # one row per mail that was sent, for settings.mail.limit
        self.define_table("msg_channel_limit", *S3MetaFields.timestamps(), watch=False)
        self.configure("msg_channel_limit", indexes=["created_on"])
        return {}


class ChannelModel(S3Model):
    """The super-entity of all channels."""

    names = ("msg_channel", "msg_channel_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        types = Storage(msg_sms_webapi_channel=T("SMS Web API"), msg_sms_smtp_channel=T("SMS via SMTP"))
        self.super_entity(
            "msg_channel", "channel_id", types,
            Field("name", label=T("Name")),
            Field("description", label=T("Description")),
            Field("enabled", "boolean", default=True, label=T("Enabled?")),
            watch=False,
        )
        represent = S3Represent(lookup="msg_channel", key="channel_id", fields=["name"])
        channel_id = S3ReusableField(
            "channel_id", "reference msg_channel", label=T("Channel"), represent=represent, ondelete="SET NULL",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "msg_channel.channel_id", represent, sort=True)),
        )
        return {"msg_channel_id": channel_id}

    def defaults(self) -> dict[str, Any]:
        return {"msg_channel_id": S3ReusableField.dummy("channel_id")}


class SMSGatewayModel(S3Model):
    """Gateways for text messages, and which organisation uses which."""

    names = ("msg_sms_outbound_gateway", "msg_sms_webapi_channel", "msg_sms_smtp_channel")

    def model(self) -> dict[str, Any]:
        T = current.T
        self.define_table(
            "msg_sms_outbound_gateway",
            self.msg_channel_id(),
            # none: for everybody who has no gateway of their own
            self.org_organisation_id(default=None),
            Field("default_country_code", "integer", default=current.deployment_settings.get_L10n_default_country_code(),
                  label=T("Default country code"), requires=IS_INT_IN_RANGE(1, 1000)),
            s3_comments(),
            *s3_meta_fields(),
            watch=False,
        )
        self._define_webapi_channel()
        self._define_smtp_channel()
        return {}

    def _define_webapi_channel(self) -> None:
        T = current.T
        encodings = S3Msg.SMS_ENCODINGS
        self.define_table(
            "msg_sms_webapi_channel",
            self.super_link("channel_id", "msg_channel"),
            Field("name", label=T("Name"), requires=IS_NOT_EMPTY()),
            Field("description", label=T("Description")),
            Field("url", label=T("URL"), requires=IS_URL(allowed_schemes=["http", "https"])),
            # what every request holds besides message and number, as k=v&k=v
            Field("parameters", length=1024, label=T("Parameters")),
            Field("message_variable", default="text", notnull=True, label=T("Message variable"), requires=IS_NOT_EMPTY()),
            Field("to_variable", default="to", notnull=True, label=T("To variable"), requires=IS_NOT_EMPTY()),
            Field("encoding", length=16, default="utf-8", label=T("Encoding"), requires=IS_IN_SET(encodings, zero=None)),
            Field("max_length", "integer", default=WEB_API_LENGTH, label=T("Max length"), requires=IS_INT_IN_RANGE(1, 10000)),
            Field("split", "boolean", default=True, label=T("Split longer messages into several?")),
            Field("username", label=T("Username")),
            Field("password", "password", length=64, label=T("Password"), readable=False, requires=None),
            Field("enabled", "boolean", default=True, label=T("Enabled?")),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("msg_sms_webapi_channel", super_entity="msg_channel")

    def _define_smtp_channel(self) -> None:
        T = current.T
        self.define_table(
            "msg_sms_smtp_channel",
            self.super_link("channel_id", "msg_channel"),
            Field("name", label=T("Name"), requires=IS_NOT_EMPTY()),
            Field("description", label=T("Description")),
            # mail domain of the gateway: mail to <number>@<address> becomes a text message
            Field("address", length=64, label=T("Address"), requires=IS_NOT_EMPTY()),
            Field("subject", length=64, label=T("Subject")),
            Field("max_length", "integer", default=SMS_LENGTH, label=T("Max length"), requires=IS_INT_IN_RANGE(1, 10000)),
            Field("split", "boolean", default=True, label=T("Split longer messages into several?")),
            Field("enabled", "boolean", default=True, label=T("Enabled?")),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("msg_sms_smtp_channel", super_entity="msg_channel")
