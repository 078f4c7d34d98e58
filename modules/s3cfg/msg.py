"""Settings of messages, the outbox and notifications."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3cfg.setting import SettingError, a_function, a_page, at_least, computed, one_of, setting, web_address

__all__ = ("MsgSettings",)


class MsgSettings:
    get_msg_notify_check_subscriptions = setting(
        "msg.notify_check_subscriptions", True, "Whether the scheduler checks subscriptions for updates.")
    get_msg_notify_check_interval = setting(
        "msg.notify_check_interval", 300, "Seconds between two checks of the subscriptions for updates.", at_least(5))
    get_msg_notify_email_format = setting(
        "msg.notify_email_format", "text", "Format of notification mails, text or html, unless the subscription says otherwise.",
        one_of("text", "html"))
    get_msg_notify_renderer = setting(
        "msg.notify_renderer", None,
        "Function (resource, data, meta_data, format) that gives the variables of the message template as a dict; "
        "the table's configuration key notify_renderer goes before it.", a_function)
    get_msg_notify_attachment = setting(
        "msg.notify_attachment", None,
        "Function (resource, data, meta_data) that gives the ids of documents to attach, for subscriptions that ask for attachments.",
        a_function)
    get_msg_notify_send_data = setting(
        "msg.notify_send_data", None,
        "Function (resource, data, meta_data) that gives a dict of extra keywords for msg.send_postprocess.", a_function)
    get_msg_notify_overlap = setting(
        "msg.notify_overlap", 120,
        "Seconds to look back where time stamps have to do: in the sweep for changes that are not in the log, and for positions by time.",
        at_least(0))
    get_msg_notify_batch = setting(
        "msg.notify_batch", 100, "Subscribed resources that one queued task looks up, at most.", at_least(1))
    get_msg_notify_max_records = setting(
        "msg.notify_max_records", 500, "Records that one message lists at most; the total is given as well.", at_least(1))
    get_msg_notify_max_attempts = setting(
        "msg.notify_max_attempts", 20, "Failed lookups in a row after which a subscription is suspended.", at_least(1))
    get_msg_notify_token_lifetime = setting(
        "msg.notify_token_lifetime", 300, "Seconds that the token of a lookup request is valid.", at_least(1))
    get_msg_notify_lookup_timeout = setting(
        "msg.notify_lookup_timeout", 240, "Seconds that a lookup request may take.", at_least(1))
    get_msg_notify_connect_timeout = setting(
        "msg.notify_connect_timeout", 5, "Seconds to wait for the connection of a lookup request.", at_least(1))
    get_msg_notify_invalid_tokens = setting(
        "msg.notify_invalid_tokens", 100, "Invalid lookup tokens from one address in a minute after which it is told to wait.", at_least(1))

    @computed("msg.notify_lookup_url", "<base.public_url>",
              "Address under which the scheduler worker reaches the web server for lookup requests, without the application name.")
    def get_msg_notify_lookup_url(self: Any) -> str:
        url = self.msg.notify_lookup_url
        if not url:
            return str(self.get_base_public_url())
        return web_address("msg.notify_lookup_url", url)

    @computed("msg.notify_subject", "$s Update Notification: $r",
              "Subject of notification mails: a text with $S (long system name), $s (short system name) and $r (name of the resource), "
              "or a function (resource, data, meta_data) that gives it. The default is translated.")
    def get_msg_notify_subject(self: Any) -> Any:
        # translated here, not where it is declared: the language is that of the recipient at the time of the lookup
        own = self.msg.notify_subject
        if own and not callable(own) and not isinstance(own, str):
            raise SettingError(f"Setting msg.notify_subject is {own!r}: it must be a text or a function")
        return own or self.default_notify_subject()

    def default_notify_subject(self: Any) -> str:
        """The subject of deployments that have none of their own, or whose own one fails."""
        T = getattr(current, "T", str)
        return f"$s {T('Update Notification')}: $r"

    get_msg_notify_settings_url = setting(
        "msg.notify_settings_url", None,
        "Page on which people change or end their subscriptions: controller/function of this application, or a whole address. "
        "Messages to people with an account link to it.", a_page)

    get_msg_send_postprocess = setting(
        "msg.send_postprocess", None, "Function (message_id, **data) that is called after a message was put into the outbox.", a_function)
    get_msg_max_send_retries = setting(
        "msg.max_send_retries", 9,
        "How often a message is tried again after a failure; a mail whose end stays unknown is given up after ten hand-overs.",
        at_least(0, none_is="for ever"))
    get_msg_outbox_batch = setting(
        "msg.outbox_batch", 100, "Messages that one run of the outbox task claims at most.", at_least(1))
    get_msg_outbox_interval = setting(
        "msg.outbox_interval", 60, "Seconds between two looks at the outbox; new messages wake it at once anyway.", at_least(5))
    get_msg_require_international_phone_numbers = setting(
        "msg.require_international_phone_numbers", True, "Whether mobile phone numbers must begin with + and the country code.")
