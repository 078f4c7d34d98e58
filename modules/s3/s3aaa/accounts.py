"""Making and changing accounts."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3aaa.session import AuthSession
from s3.s3error import S3DataError

__all__ = ("AuthAccounts",)


class AuthAccounts(AuthSession):
    """Creates accounts and sets their passwords."""

    def create_user(
        self,
        email: str,
        password: str | None = None,
        password_hash: str | None = None,
        roles: Iterable[int | str] = (),
        **data: Any,
    ) -> int:
        """Create an active account with its person, and the role AUTHENTICATED.

        Args:
            password: in clear; takes a tenth of a second to hash
            password_hash: from hash_password, where many accounts share one
            roles: further roles, ids or UIDs
            data: first_name, last_name, language, registration_key ...

        Returns:
            auth_user id

        Raises:
            S3DataError: the address is no address, or taken
        """
        table = self.table("auth_user")
        email = email.strip().lower()
        # First, so that a registration takes as long for a taken address as for a new one
        stored = password_hash or (self.hash_password(password) if password else None)
        if self._find_account(email) or table.email.requires(email)[1]:
            raise S3DataError(f"Cannot create an account for {email}: the address is invalid or has an account", email=email)
        data.setdefault("first_name", email.partition("@")[0])
        data.setdefault("language", current.deployment_settings.get_L10n_default_language())
        user_id = int(table.insert(email=email, password=stored, **data))
        self.s3_link_to_person(table[user_id])
        self.s3_assign_role(user_id, ["AUTHENTICATED", *roles])
        return user_id

    def set_password(self, user_id: int, password: str) -> None:
        """Set a password; ends all sessions of the account."""
        current.db(self.table("auth_user").id == user_id).update(
            password=self.hash_password(password), reset_password_key=""
        )
        self._log_event("Password of user %(id)s changed", user_id=user_id, id=user_id)
