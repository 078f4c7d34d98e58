"""The state that all parts of AuthS3 share: who the user of this request is, and the tables this is read from."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3aaa.client import client_address
from s3.s3aaa.tables import AUTH_TABLES, auth_table
from s3.s3error import S3ConfigError
from s3dal import Row, Table

if TYPE_CHECKING:
    from s3.s3aaa.permission import S3Permission

__all__ = ("AuthBase", "is_active")

# What Eden and the example configuration ship, and what therefore protects nothing
_KNOWN_KEYS = ("", "akeytochange", "sha512:change-me")


def is_active(account: Row | None) -> bool:
    """Whether this account may be used: not deleted, and nothing (approval, a block) stands against it."""
    return account is not None and not account.deleted and not account.registration_key


class AuthBase:
    """Holds the user of this request and reaches the auth tables."""

    permission: S3Permission

    def __init__(self) -> None:
        settings = current.deployment_settings
        self.hmac_key: str = settings.get_auth_hmac_key() or ""
        if self.hmac_key in _KNOWN_KEYS and not settings.get_base_debug():
            raise S3ConfigError("settings.auth.hmac_key is not set: give this deployment a random key of its own")
        # True: everything is permitted; for set-up and imports
        self.override: bool = False
        # True: what is written is going to be rolled back (trial imports)
        self.rollback: bool = False
        self._user: Storage | None = None
        self._restored: bool = False
        self._realms: dict[int, list[int] | None] | None = None
        self._system_roles: Storage | None = None

    def define_tables(self, complete: bool = False) -> None:
        """Define the auth tables that every request needs.

        Args:
            complete: all auth tables, for those who create or migrate them
        """
        for name in AUTH_TABLES if complete else ("auth_user",):
            auth_table(current.db, name)

    def table(self, name: str) -> Table:
        """One of the auth tables, defined on first use."""
        return auth_table(current.db, name)

    @property
    def user(self) -> Storage | None:
        """The user of this request, None for an anonymous visitor.

        Read from the session or from the Authorization header when first asked for. Keys: id, email, first_name,
        last_name, language, timezone, organisation_id; after s3_set_roles also pe_id and realms.
        """
        if not self._restored:
            self._restored = True
            self._user = self._find_requesting_user()
        return self._user

    @user.setter
    def user(self, user: Storage | None) -> None:
        self._restored = True
        self._user = user
        self._realms = None
        # what another user may do
        self.permission.clear_cache()

    @property
    def user_id(self) -> int | None:
        return self.user.id if self.user else None

    def s3_logged_in(self) -> bool:
        """Whether somebody is logged in, through a session or HTTP Basic; True with override."""
        return self.override or self.user is not None

    def is_logged_in(self) -> bool:
        """Whether there is a user."""
        return self.user is not None

    def _find_requesting_user(self) -> Storage | None:
        return None

    def _find_account(self, user: int | str) -> Row | None:
        """The account with this id (also as digits) or e-mail address, whatever its state."""
        table = self.table("auth_user")
        text = str(user).strip()
        if text.isdigit():
            query = table.id == int(text)
        else:
            query = table.email == text.lower()
        return current.db(query).select(table.ALL, limitby=(0, 1), orderby_on_limitby=False).first()

    @staticmethod
    def _as_user(account: Row) -> Storage:
        keys = ("id", "email", "first_name", "last_name", "language", "timezone", "organisation_id")
        user = Storage({key: account[key] for key in keys})
        user.update(pe_id=None, realms={})
        return user

    def s3_log_event(self, description: str, **data: Any) -> None:
        """Note down that the current user did something that is no change of a logged table; never secrets."""
        self._log_event(description, user_id=self.user_id, **data)

    def _log_event(self, description: str, user_id: int | None = None, **data: Any) -> None:
        """Note down who did what to an account; never passwords."""
        self.table("auth_event").insert(
            client_ip=client_address(),
            user_id=user_id,
            origin="auth",
            description=description % data if data else description,
        )
