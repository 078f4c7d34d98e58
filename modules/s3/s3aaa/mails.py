"""The mails about accounts: their texts, each in the language of its reader, and how they are sent.

A mail that somebody waits for, with a key in it, is sent at once and never stored: what stands in the outbox can be read there.
Everything else goes through the outbox, in the transaction of what it tells of.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

from gluon import current
from gluon.html import URL

from s3.s3aaa.session import AuthSession
from s3.s3error import S3ConfigError
from s3.s3languages import translator
from s3dal import Row

__all__ = ("AuthMails", "Text", "Translate")

Translate = Callable[..., str]
#: what a mail says: subject and paragraphs, given what translates into the language of its reader
Text = Callable[[Translate], "tuple[str, list[str]]"]


class AuthMails(AuthSession):
    """Sends the mails about accounts."""

    def can_send_keys(self) -> bool:
        """Whether keys can be sent by mail at all: there is a sender, and an address for links that no visitor can choose."""
        settings = current.deployment_settings
        return bool(settings.get_mail_sender() and settings.base.public_url)

    def link_to(self, page: str, *args: str) -> str:
        """An account page as an address for a mail.

        Raises:
            S3ConfigError: settings.base.public_url is not set; the Host header of a request must not decide where a key leads
        """
        if not current.deployment_settings.base.public_url:
            raise S3ConfigError("settings.base.public_url is not set: links in mails need it")
        path = URL(c="default", f="user", args=[page, *args], vars={}, extension=False)
        return f"{current.deployment_settings.get_base_public_url()}{path}"

    def _send_now(self, address: str, text: Text, language: str | None = None) -> bool:
        """Send a mail while somebody waits; whether the mail server has taken it. Writes nothing about its content."""
        subject, paragraphs = text(_translator(language or current.response.s3.language))
        return bool(current.msg.send_email(address, self._subject(subject), "\n\n".join(paragraphs)))

    def _compose(self, user_ids: Iterable[int], text: Text) -> None:
        """Put a mail to these users into the outbox, each in the user's language; to those who can be reached."""
        by_language: dict[str | None, list[int]] = {}
        people = self.s3_bulk_user_pe_id(user_ids)
        for account in self._active_accounts(people):
            by_language.setdefault(account.language, []).append(people[account.id])
        for language, pe_ids in by_language.items():
            subject, paragraphs = text(_translator(language))
            current.msg.send_by_pe_id(pe_ids, self._subject(subject), "\n\n".join(paragraphs), "EMAIL", system_generated=True)
        if by_language:
            current.s3task.wake("msg_process_outbox", ["EMAIL"])

    def _compose_to(self, address: str, text: Text) -> None:
        """Put a mail to an address into the outbox."""
        subject, paragraphs = text(_translator(None))
        current.msg.send(address, "\n\n".join(paragraphs), self._subject(subject))

    def _active_accounts(self, user_ids: Iterable[int]) -> list[Row]:
        table = self.table("auth_user")
        is_active = ((table.registration_key == "") | (table.registration_key == None)) & (table.deleted == False)
        return list(current.db(table.id.belongs(list(user_ids)) & is_active).select(table.id, table.language))

    @staticmethod
    def _subject(subject: str) -> str:
        return f"{current.deployment_settings.get_system_name_short()}: {subject}"

    # Texts

    def _verification_text(self, key: str) -> Text:
        link, hours = self.link_to("verify_email", key), _hours(current.deployment_settings.get_auth_verification_lifetime())

        def text(T: Translate) -> tuple[str, list[str]]:
            return T("Confirm your e-mail address"), [
                T("Somebody, probably you, has registered at %(site)s with this address.", site=_site()),
                T("To confirm that it is yours, open this page and enter the password that you have chosen:"),
                link,
                T("The link can be used for %(hours)s hours. If it was not you, do nothing: there will be no account.", hours=hours),
            ]

        return text

    def _taken_text(self) -> Text:
        link = self.link_to("retrieve_password")

        def text(T: Translate) -> tuple[str, list[str]]:
            return T("You have an account already"), [
                T("Somebody, probably you, has tried to register at %(site)s with this address, which has an account.", site=_site()),
                T("You can log in with it. If you do not remember the password, set a new one:"),
                link,
                T("If it was not you, do nothing: nothing has changed."),
            ]

        return text

    def _reset_text(self, key: str) -> Text:
        link, minutes = self.link_to("reset_password", key), current.deployment_settings.get_auth_password_reset_lifetime() // 60

        def text(T: Translate) -> tuple[str, list[str]]:
            return T("Set a new password"), [
                T("Somebody, probably you, has asked for a new password at %(site)s.", site=_site()),
                T("To set one, open this page:"),
                link,
                T("The link can be used once, within %(minutes)s minutes. If it was not you, do nothing: nothing has changed.",
                  minutes=minutes),
            ]  # fmt: skip

        return text

    def _no_account_text(self) -> Text:
        def text(T: Translate) -> tuple[str, list[str]]:
            return T("No account with this address"), [
                T("Somebody, probably you, has asked for a new password at %(site)s.", site=_site()),
                T("There is no account with this address that could be used. If you have one, it is with another address, or the "
                  "administrator has to open it."),
                T("If it was not you, do nothing: nothing has changed."),
            ]  # fmt: skip

        return text

    def _approver_text(self, account: Row, is_pending: bool) -> Text:
        who = " ".join(f"{account.first_name} {account.last_name or ''}".split())

        def text(T: Translate) -> tuple[str, list[str]]:
            subject = T("An account waits for your approval") if is_pending else T("A new account")
            told = (
                T("Somebody has registered at %(site)s, and cannot log in before you approve the account:", site=_site())
                if is_pending else T("Somebody has registered at %(site)s, and can log in now:", site=_site())
            )
            # what strangers have typed stands in a line of its own, and is no format
            return subject, [told, f"{who} <{account.email}>"]

        return text

    def _welcome_text(self) -> Text:
        link = self.link_to("login")

        def text(T: Translate) -> tuple[str, list[str]]:
            return T("Welcome"), [T("Your account at %(site)s can be used now. You can log in here:", site=_site()), link]

        return text


def _site() -> str:
    return str(current.deployment_settings.get_system_name())


def _hours(seconds: int) -> int:
    return max(1, seconds // 3600)


def _translator(language: str | None) -> Translate:
    """What translates into a language other than that of the request."""
    factory = translator(language)

    def translate(message: str, **symbols: object) -> str:
        return str(factory(message, symbols, lazy=False) if symbols else factory(message, lazy=False))

    return translate
