"""Settings of outgoing e-mail."""
from __future__ import annotations

from typing import Any

from s3cfg.setting import SettingError, a_sender, at_least, computed, setting

__all__ = ("MailSettings",)


class MailSettings:
    @computed("mail.server", "127.0.0.1:25", "Mail server for outgoing mail, as host:port.")
    def get_mail_server(self: Any) -> str:
        server = self.mail.server or "127.0.0.1:25"
        host, colon, port = str(server).rpartition(":")
        if not host or not colon or not port.isdigit():
            raise SettingError(f"Setting mail.server is {server!r}: it must be host:port, such as 127.0.0.1:25")
        return str(server)

    get_mail_server_login = setting("mail.login", None, "User name and password for the mail server, as user:password.")
    get_mail_server_tls = setting("mail.tls", False, "Whether the connection to the mail server switches to TLS (STARTTLS).")
    get_mail_server_ssl = setting("mail.ssl", False, "Whether the connection to the mail server is TLS from its start (port 465).")
    get_mail_sender = setting(
        "mail.sender", None, "From address of outgoing mail, optionally as Name <address>; without it no mail can be sent.", a_sender)
    get_mail_limit = setting(
        "mail.limit", None, "Mails that may be sent within any 24 hours.", at_least(1, none_is="no limit"))
    get_mail_timeout = setting(
        "mail.timeout", 20, "Seconds to wait for each answer of the mail server.", at_least(1))
    get_mail_approver = setting(
        "mail.approver", "ADMIN",
        "Who approves new accounts, and is told of them: an e-mail address, or the UID of a role, whose holders are all told.")
