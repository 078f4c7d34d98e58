"""Who is making this request: the login that is kept in the session, HTTP Basic, and impersonation.

The session holds the account's id only. The account is read anew for each request, so that blocking it, deleting it or changing
its password ends its sessions at once.
"""
from __future__ import annotations

import base64
import binascii
import calendar
import datetime as dt
import hmac
from email.utils import format_datetime
from typing import Any

from gluon import current
from gluon.http import HTTP
from gluon.storage import Storage

from s3.s3aaa.base import is_active
from s3.s3aaa.client import client_network
from s3.s3aaa.link import AuthLink
from s3.s3aaa.passwords import check_password, hash_password, needs_rehash
from s3.s3aaa.roles import AuthRoles
from s3.s3aaa.throttle import Counters, minutes
from s3.s3datetime import utcnow
from s3.s3error import S3PermissionError, S3ThrottleError
from s3.s3languages import speak
from s3dal import Row, Table

__all__ = ("AuthSession",)


class AuthSession(AuthRoles, AuthLink):
    """Logs in, logs out, impersonates."""

    def hash_password(self, password: str) -> str:
        """The hash to store for a password."""
        return hash_password(password, self.hmac_key)

    def login_bare(self, username: str, password: str) -> Storage | None:
        """The user with this e-mail address and password; None if there is none, or the account is not active.

        Takes the same time in all cases, except that after too many wrong passwords none is looked at any more. Changes
        neither the session nor the user of this request.
        """
        try:
            account = self._check_credentials(username, password)
        except S3ThrottleError:
            return None
        return self._as_user(account) if account else None

    def _check_credentials(self, username: str, password: str) -> Row | None:
        """The active account with this password.

        Side effects:
            counts a wrong password, and commits that

        Raises:
            S3ThrottleError: there were too many wrong ones; whether this one is right stays unsaid
        """
        account = self._find_account(username) if "@" in username else None
        if not self._is_password(username, account, password):
            return None
        if not is_active(account):
            # as a wrong one, or the right one could be told from it
            self._count_attempt(self._login_counters(username), username)
            return None
        return account

    def _is_password(self, username: str, account: Row | None, password: str) -> bool:
        counters = self._login_counters(username)
        _refuse_until(counters.seconds_to_wait())
        matches = check_password(password, account.password if account else None, self.hmac_key)
        if matches:
            # others may have guessed at the same time: a right guess after the last allowed one is none
            _refuse_until(counters.seconds_to_wait())
        else:
            self._count_attempt(counters, username)
        return matches

    def _count_attempt(self, counters: Counters, username: str) -> None:
        """Count a wrong password. The log has the one after which there is a wait, and none of those that come meanwhile."""
        counters.count()
        if counters.seconds_to_wait():
            self._log_event("Too many wrong passwords for %(email)s", email=username[:255])

    def _login_counters(self, username: str) -> Counters:
        settings, name, network = current.deployment_settings, username.strip().lower(), client_network()
        limits = {
            # one visitor who locks an account locks it for no one else
            ("login", name, network): settings.get_auth_login_attempts(),
            ("account", name): settings.get_auth_login_attempts_per_account(),
            ("address", network): settings.get_auth_login_attempts_per_address(),
        }
        return Counters(self.table("auth_throttle"), self.hmac_key, limits, settings.get_auth_login_wait())

    def _forget_attempts(self, username: str) -> None:
        """Whoever has shown to be the owner of an account is not to wait for it, here; others who guess still do."""
        name = username.strip().lower()
        self._login_counters(username).forget("login", name, client_network())

    def _refresh_hash(self, account: Row, password: str) -> Row:
        """Store the hash that is good today in place of an older one."""
        if needs_rehash(account.password):
            self._update_quietly(account, password=self.hash_password(password))
            account = self._find_account(account.id) or account
        return account

    def _update_quietly(self, account: Row, **values: Any) -> None:
        """Write what is no change of the account, unless somebody has changed its password meanwhile."""
        table = self.table("auth_user")
        # naming the field keeps its automatic update away; without the hooks there is no entry in the log
        unchanged = (table.id == account.id) & (table.password == account.password)
        current.db(unchanged).update_naive(modified_on=table.modified_on, **values)

    def login_user(self, account: Row, remember: bool = False) -> Storage:
        """Log in: the account becomes the user of this session. The session gets a new id and loses what was in it.

        Args:
            remember: for as long as settings.auth.login_remember allows, also when the browser is closed meanwhile
        """
        session = current.session
        # Whoever planted the old session id must not share the login
        session.renew(clear_session=True)
        if current.request.is_https:
            session.secure()
        login = {"user_id": account.id, "last_visit": _now(), "stamp": self._stamp(account)}
        expiration = current.deployment_settings.get_auth_login_remember() if remember else None
        if expiration:
            # maintenance reads it, to keep the file for as long
            login["expiration"] = expiration
            _keep_cookie(expiration)
        session.auth = login
        self.user = self._as_user(account)
        self.s3_set_roles()
        self._update_quietly(account, timestmp=utcnow())
        self._log_event("User %(id)s logged in", user_id=account.id, id=account.id)
        return self.user

    def logout_key(self) -> str:
        """What a form sends along to log out of this session."""
        return self.form_key("logout")

    def form_key(self, purpose: str) -> str:
        """What a form of this session sends along, for one purpose: a page of another site cannot know it.

        Unlike web2py's one-time keys it is not stored, so that pages with such forms write nothing when they are read.
        """
        return hmac.new(self.hmac_key.encode(), f"{purpose} {current.response.session_id}".encode(), "sha256").hexdigest()[:32]

    def logout_user(self) -> None:
        """End the login and the session."""
        if self.user:
            self._log_event("User %(id)s logged out", user_id=self.user.id, id=self.user.id)
        current.session.renew(clear_session=True)
        self.user = None
        self.s3_set_roles()

    def s3_impersonate(self, user_id: int | str | None) -> Storage | None:
        """Act as another user for the rest of this request; the session keeps the user it has.

        Args:
            user_id: account id or e-mail address; None for an anonymous visitor

        Raises:
            ValueError: there is no such account
            S3PermissionError: the account is not active
            In both cases the user of this request stays who it was.
        """
        # the dates of another reader are in another time zone
        current.response.s3.tzinfo = None
        if not user_id:
            self.user = None
            self.s3_set_roles()
            return None
        account = self._find_account(user_id)
        if account is None:
            raise ValueError("User not found")
        if not is_active(account):
            raise S3PermissionError(f"The account {account.id} is not active", user_id=account.id)
        self.user = self._as_user(account)
        self.s3_set_roles()
        if account.language:
            speak(account.language)
        return self.user

    # Restoring the login

    def _find_requesting_user(self) -> Storage | None:
        account = self._account_of_session() or self._account_of_header()
        return self._as_user(account) if account else None

    def _account_of_session(self) -> Row | None:
        session = current.session
        login = session.auth or {}
        user_id, last_visit, stamp = (login.get(key) for key in ("user_id", "last_visit", "stamp"))
        if not (user_id and last_visit and stamp):
            return None
        expiration, is_remembered = self._login_expiration(login)
        idle = _now() - last_visit
        account = self._find_account(user_id) if idle < expiration else None
        if account is None or not is_active(account) or not hmac.compare_digest(stamp, self._stamp(account)):
            session.auth = None
            return None
        if idle > expiration // 10:
            # Not at every request: each change of the session writes its file
            session.auth = {**login, "last_visit": _now()}
        if is_remembered:
            _keep_cookie(expiration)
        return account

    @staticmethod
    def _login_expiration(login: dict[str, Any]) -> tuple[int, bool]:
        """(seconds of inactivity after which a login ends, whether its user asked to stay logged in)"""
        settings = current.deployment_settings
        remembered = settings.get_auth_login_remember() if login.get("expiration") else None
        return remembered or settings.get_auth_login_expiration(), bool(remembered)

    def _account_of_header(self) -> Row | None:
        """HTTP Basic, for this request alone.

        Raises:
            HTTP: 429 after too many wrong passwords
        """
        credentials = _basic_credentials(current.request.env.http_authorization)
        if credentials is None:
            return None
        try:
            return self._check_credentials(*credentials)
        except S3ThrottleError as error:
            headers = {"Content-Type": "application/json", "Retry-After": str(error.seconds)}
            raise HTTP(429, current.xml.json_message(False, 429, str(error)), **headers) from error

    def _stamp(self, account: Row) -> str:
        """Changes with the password, gives nothing away about it."""
        return hmac.new(self.hmac_key.encode(), (account.password or "").encode(), "sha256").hexdigest()[:32]

    # Records of the session of an anonymous visitor

    def s3_make_session_owner(self, table: Table, record_id: int | str) -> None:
        """Let this anonymous session own a record that it has created."""
        owned: dict[str, list[str]] = current.session.owned_records or {}
        records = owned.get(table._tablename, [])
        if record_id and str(record_id) not in records:
            current.session.owned_records = {**owned, table._tablename: [*records, str(record_id)]}

    def s3_session_owns(self, table: Table, record_id: int | str | None) -> bool:
        """Whether this anonymous session owns a record; False for users who are logged in."""
        return bool(record_id) and str(record_id) in self.s3_session_records(table)

    def s3_session_records(self, table: Table) -> list[str]:
        """Ids of the records of a table that this anonymous session owns."""
        if self.user:
            return []
        return (current.session.owned_records or {}).get(table._tablename, [])

    def s3_clear_session_ownership(self, table: Table | None = None, record_id: int | str | None = None) -> None:
        """Give up a record, all records of a table, or all."""
        owned: dict[str, list[str]] = dict(current.session.owned_records or {})
        if table is None:
            owned = {}
        elif record_id is None:
            owned.pop(table._tablename, None)
        else:
            owned[table._tablename] = [key for key in owned.get(table._tablename, []) if key != str(record_id)]
        current.session.owned_records = owned or None


def _now() -> int:
    # Seconds since the epoch: sessions hold plain values only, which every web2py can read back
    return calendar.timegm(utcnow().timetuple())


def _keep_cookie(seconds: int) -> None:
    """Let the browser keep the cookie of the session when it is closed. Said at each request, or the next one takes it back."""
    expires = (utcnow() + dt.timedelta(seconds=seconds)).replace(tzinfo=dt.timezone.utc)
    # as a text: web2py would write a datetime with the zone PST
    current.response.session_cookie_expires = format_datetime(expires, usegmt=True)


def _refuse_until(seconds: int) -> None:
    """Raises S3ThrottleError unless there is nothing to wait for."""
    if seconds:
        raise S3ThrottleError(
            str(current.T("Too many attempts. Please try again in %(minutes)s minutes.", {"minutes": minutes(seconds)})), seconds=seconds
        )


def _basic_credentials(header: Any) -> tuple[str, str] | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, separator, password = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    # no account has a NUL, and no database can be asked for one
    return (username, password) if separator and "\x00" not in username + password else None
