"""Registration by oneself: an account that is verified by mail, approved where that is required, and only then a person with roles.

Whoever registers is told the same for an address that has an account as for a new one: the mail tells the owner of the address.
"""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3aaa.accounts import AuthAccounts
from s3.s3aaa.audit import account_state, prune_events
from s3.s3aaa.onetime import hash_key, is_timely, new_key
from s3.s3aaa.throttle import prune_counters
from s3.s3datetime import utcnow
from s3.s3error import S3DataError, S3DeliveryError
from s3dal import Row

__all__ = ("Approval", "AuthRegistration")

_UNVERIFIED = "verify:"


@dataclass(frozen=True)
class Approval:
    """Who decides about a new account.

    Attributes:
        is_required: the account waits for a decision
        role: UID of a role whose holders are told
        address: e-mail address that is told
    """

    is_required: bool
    role: str | None = None
    address: str | None = None


class AuthRegistration(AuthAccounts):
    """Takes registrations, verifies and approves them."""

    def register(self, email: str, password: str, first_name: str, last_name: str = "", language: str | None = None) -> str:
        """Take a registration.

        Returns:
            what comes next, whether or not the address has an account: ``unverified``, ``pending``, or empty for a login

        Raises:
            S3DeliveryError: the mail could not be sent; then nothing is written
        """
        email = email.strip().lower()
        # first, so that it takes as long for a taken address
        data = {"password": self.hash_password(password), "first_name": first_name, "last_name": last_name, "language": language}
        if current.deployment_settings.get_auth_registration_requires_verification():
            self._register_unverified(email, data)
            return "unverified"
        account = self._find_account(email)
        if account is not None and account_state(account.registration_key) != "unverified":
            current.log.warning("Registration for an address that has an account")
        else:
            self.s3_verify_user(self._store_registration(account, email, registration_key="pending", **data))
        return "pending" if self.approval_of(email).is_required else ""

    def _register_unverified(self, email: str, data: dict[str, Any]) -> None:
        account = self._find_account(email)
        if account is not None and account_state(account.registration_key) != "unverified":
            self._deliver(self._send_now(email, self._taken_text(), account.language))
            return
        key = new_key(current.deployment_settings.get_auth_verification_lifetime(), utcnow())
        # the mail goes before the account: of a mail that cannot be sent nothing is left, and no transaction waits for a mail server
        self._deliver(self._send_now(email, self._verification_text(key)))
        self._store_registration(account, email, registration_key=_UNVERIFIED + hash_key(key), **data)

    @staticmethod
    def _deliver(is_sent: bool) -> None:
        if not is_sent:
            raise S3DeliveryError(str(current.T("The mail to this address could not be sent. Please try again later.")))

    def _store_registration(self, account: Row | None, email: str, **data: Any) -> Row:
        """The account of a registration; a later one takes the place of one that was never verified."""
        table, db = self.table("auth_user"), current.db
        data["language"] = data["language"] or current.deployment_settings.get_L10n_default_language()
        if account is not None:
            db(table.id == account.id).update(**data)
            return table[account.id]
        return table[int(table.insert(email=email, **data))]

    # Verification

    def find_registration(self, key: str) -> Row | None:
        """The account that this key verifies, while it can."""
        table = self.table("auth_user")
        if not is_timely(key, utcnow()):
            return None
        query = (table.registration_key == _UNVERIFIED + hash_key(key)) & (table.deleted == False)
        return current.db(query).select(table.ALL, limitby=(0, 1)).first()

    def s3_verify_user(self, account: Row) -> bool:
        """The e-mail address of a registration is right, or need not be: approve the account, or ask for its approval.

        Returns:
            whether the account can be used now; False also if somebody else was faster
        """
        table, approval = self.table("auth_user"), self.approval_of(account.email)
        unchanged = (table.id == account.id) & (table.registration_key == account.registration_key)
        if current.db(unchanged).update(registration_key="pending") != 1:
            return False
        self._log_event("User %(id)s registered", user_id=account.id, id=account.id)
        if not approval.is_required:
            self.s3_approve_user(account.id)
        if approval.is_required or current.deployment_settings.get_auth_always_notify_approver():
            self._tell_approvers(approval, self.table("auth_user")[account.id])
        return not approval.is_required

    # Approval

    def approval_of(self, email: str) -> Approval:
        """Who decides about the account with this address, by the organisation of its domain or by settings.mail.approver."""
        settings = current.deployment_settings
        is_required = settings.get_auth_registration_requires_approval()
        organisation = self._find_organisation(email)
        if organisation is not None and not organisation.approver:
            # the organisation vouches for all of its addresses
            return Approval(is_required=False)
        approver = str((organisation and organisation.approver) or settings.get_mail_approver() or "")
        if "@" in approver:
            return Approval(is_required, address=approver)
        return Approval(is_required, role=approver or None)

    def _find_organisation(self, email: str) -> Row | None:
        table = self.table("auth_organisation")
        domain = email.rpartition("@")[2].lower()
        query = (table.domain == domain) & (table.deleted == False)
        return current.db(query).select(table.organisation_id, table.approver, limitby=(0, 1)).first() if domain else None

    def _tell_approvers(self, approval: Approval, account: Row) -> None:
        text = self._approver_text(account, approval.is_required)
        if not current.deployment_settings.get_mail_sender():
            return
        if approval.address:
            self._compose_to(approval.address, text)
        elif approval.role:
            self._compose(self.s3_group_members(approval.role), text)

    def s3_approve_user(self, user_id: int) -> None:
        """Let a registered user in: the person, the roles, and a mail that says so.

        Raises:
            S3DataError: there is no such account, or it waits for nothing
        """
        account = self._account_to_change(user_id)
        state = account_state(account.registration_key)
        if state not in ("pending", "unverified"):
            message = current.T("The account %(email)s does not wait for approval", {"email": account.email})
            raise S3DataError(str(message), user_id=account.id)
        settings = current.deployment_settings
        organisation = self._find_organisation(account.email)
        values: dict[str, Any] = {"registration_key": ""}
        if organisation is not None and organisation.organisation_id and not account.organisation_id:
            values["organisation_id"] = organisation.organisation_id
        current.db(self.table("auth_user").id == account.id).update(**values)
        account = self.table("auth_user")[account.id]
        # an address that nobody has verified shows nobody to be the person who has it
        self.s3_link_to_person(account, adopt=state == "pending" and settings.get_auth_registration_requires_verification())
        self._assign_registration_roles(account)
        self._log_event("User %(id)s approved", user_id=self.user_id, id=account.id)
        onaccept = current.s3db.get_config("auth_user", "register_onaccept")
        if onaccept:
            onaccept(account.id)
        if settings.get_auth_registration_welcome_email() and self.can_send_keys() and not current.response.s3.bulk:
            self._compose([account.id], self._welcome_text())

    def _assign_registration_roles(self, account: Row) -> None:
        self.s3_assign_role(account.id, "AUTHENTICATED")
        roles = current.deployment_settings.get_auth_registration_roles()
        by_realm: dict[Any, Iterable[str]] = roles if isinstance(roles, dict) else {None: roles}
        for realm, uids in by_realm.items():
            pe_id = realm
            if isinstance(realm, str):
                pe_id = self._as_pe_id(("org_organisation", account.organisation_id)) if realm == "organisation_id" else None
                if not pe_id:
                    # a role for a realm that there is not must not become one for another
                    continue
            if uids:
                self.s3_assign_role(account.id, uids, for_pe=pe_id)

    # Upkeep

    def prune(self, now: dt.datetime | None = None) -> int:
        """Delete what has had its time of events, of counted attempts and of registrations nobody has verified. Commits nothing.

        Returns:
            the number of deleted rows
        """
        now = now or utcnow()
        return prune_events(now) + prune_counters(self.table("auth_throttle"), now) + self._prune_registrations(now)

    def _prune_registrations(self, now: dt.datetime) -> int:
        table = self.table("auth_user")
        lapsed = now - dt.timedelta(seconds=current.deployment_settings.get_auth_verification_lifetime())
        return int(current.db(table.registration_key.like(f"{_UNVERIFIED}%") & (table.modified_on < lapsed)).delete())
