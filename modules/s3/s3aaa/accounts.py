"""Making and changing accounts."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import current

from s3.s3aaa.audit import account_state
from s3.s3aaa.mails import AuthMails
from s3.s3error import S3DataError
from s3dal import Row

__all__ = ("AuthAccounts",)


class AuthAccounts(AuthMails):
    """Creates accounts, sets their passwords, and opens and closes them."""

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

    def update_user(self, user_id: int, **data: Any) -> None:
        """Change names, e-mail address, language or organisation of an account; the person follows.

        Raises:
            S3DataError: there is no such account, or the address is invalid or another one's
        """
        account = self._account_to_change(user_id)
        table = self.table("auth_user")
        email = data.get("email")
        if email is not None:
            data["email"] = email = email.strip().lower()
            known = self._find_account(email)
            if table.email.requires(email)[1] or (known is not None and known.id != account.id):
                message = current.T("Cannot change the address to %(email)s: it is invalid or has an account", {"email": email})
                raise S3DataError(str(message), email=email)
        current.db(table.id == account.id).update(**data)
        if self.s3_user_pe_id(account.id):
            self.s3_link_to_person(table[account.id])

    def disable_user(self, user_id: int) -> None:
        """Close an account until it is enabled: its sessions end, nothing reaches it any more."""
        account = self._account_to_change(user_id)
        current.db(self.table("auth_user").id == account.id).update(registration_key="disabled", reset_password_key="")

    def enable_user(self, user_id: int) -> None:
        """Open an account that was disabled or blocked.

        Raises:
            S3DataError: it waits for its verification or approval instead
        """
        account = self._account_to_change(user_id)
        state = account_state(account.registration_key)
        if state in ("pending", "unverified"):
            message = current.T("The account %(email)s waits for approval: approve it instead", {"email": account.email})
            raise S3DataError(str(message), user_id=account.id)
        current.db(self.table("auth_user").id == account.id).update(registration_key="")

    def delete_user(self, user_id: int) -> None:
        """Archive an account: it cannot be used any more, and its roles are gone. Its address stays taken; its person stays."""
        account = self._account_to_change(user_id)
        self.s3_withdraw_role(account.id, self.s3_get_roles(account.id), for_pe=[])
        current.db(self.table("auth_user").id == account.id).update(
            deleted=True, registration_key="disabled", password=None, reset_password_key=""
        )

    def _account_to_change(self, user_id: int) -> Row:
        account = self._find_account(user_id)
        if account is None or account.deleted:
            raise S3DataError(f"There is no account {user_id}", user_id=user_id)
        return account
