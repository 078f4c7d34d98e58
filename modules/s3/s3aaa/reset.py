"""Lost passwords: a key by mail, good once and for a short time, that lets the owner of the address set a new one."""
from __future__ import annotations

from gluon import current

from s3.s3aaa.base import is_active
from s3.s3aaa.onetime import hash_key, is_timely, new_key
from s3.s3aaa.registration import AuthRegistration
from s3.s3datetime import utcnow
from s3dal import Row

__all__ = ("AuthReset",)


class AuthReset(AuthRegistration):
    """Sends and takes the keys."""

    def send_password_reset(self, email: str) -> None:
        """Send a mail to this address: a key for its account, or that there is none that could be used.

        To know and to unknown addresses alike one mail, so that neither the answer nor its time tells them apart.

        Raises:
            S3DeliveryError: the mail could not be sent; then nothing is written
        """
        email = email.strip().lower()
        account = self._find_account(email)
        if account is None or not is_active(account):
            self._deliver(self._send_now(email, self._no_account_text()))
            self._log_event("Password reset asked for an address without usable account")
            return
        key = new_key(current.deployment_settings.get_auth_password_reset_lifetime(), utcnow())
        self._deliver(self._send_now(account.email, self._reset_text(key), account.language))
        # an older key dies with it
        current.db(self.table("auth_user").id == account.id).update(reset_password_key=hash_key(key))
        self._log_event("Password reset asked for user %(id)s", user_id=account.id, id=account.id)

    def find_password_reset(self, key: str) -> Row | None:
        """The account whose password this key can set, while it can."""
        if not is_timely(key, utcnow()):
            return None
        table = self.table("auth_user")
        account = current.db(table.reset_password_key == hash_key(key)).select(table.ALL, limitby=(0, 1)).first()
        return account if is_active(account) else None

    def reset_password(self, key: str, password: str) -> bool:
        """Set a new password with a key: True for exactly one caller. Ends all sessions of the account."""
        account = self.find_password_reset(key)
        if account is None:
            return False
        stored = self.hash_password(password)
        table = self.table("auth_user")
        mine = (table.id == account.id) & (table.reset_password_key == hash_key(key))
        if current.db(mine).update(password=stored, reset_password_key="") != 1:
            return False
        self._forget_attempts(account.email)
        self._log_event("Password of user %(id)s set anew by mail", user_id=account.id, id=account.id)
        return True
