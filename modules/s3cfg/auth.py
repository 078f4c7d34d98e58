"""Settings of accounts: passwords, registration, record ownership and approval."""
from __future__ import annotations

from s3cfg.setting import a_function, at_least, setting

__all__ = ("AuthSettings",)


class AuthSettings:
    get_auth_hmac_key = setting(
        "auth.hmac_key", "akeytochange",
        "Secret of this installation that goes into password hashes; set it before the first account is made, never change it later.")
    get_auth_password_min_length = setting("auth.password_min_length", 8, "Least number of characters of a password.", at_least(1))
    get_auth_password_changes = setting("auth.password_changes", True, "Whether users may change their password.")
    get_auth_registration_requires_verification = setting(
        "auth.registration_requires_verification", True, "Whether a new account must confirm its e-mail address.")
    get_auth_registration_requires_approval = setting(
        "auth.registration_requires_approval", False, "Whether a new account must be approved by an administrator.")
    get_auth_registration_roles = setting(
        "auth.registration_roles", [],
        "UIDs of the roles that a newly registered user gets, beside AUTHENTICATED; or {realm: UIDs} with None (the user's own), "
        "0 (the whole site) or organisation_id as realm.")
    get_auth_registration_welcome_email = setting(
        "auth.registration_welcome_email", True, "Whether a new user gets a mail when the account can be used.")
    get_auth_always_notify_approver = setting(
        "auth.always_notify_approver", True, "Whether mail.approver is told of a new account that needs no approval.")
    get_auth_verification_lifetime = setting(
        "auth.verification_lifetime", 86400,
        "Seconds in which a registered user must confirm the e-mail address; then the registration lapses.", at_least(60))
    get_auth_password_retrieval = setting(
        "auth.password_retrieval", True, "Whether users who forgot their password can set a new one through a mail.")
    get_auth_password_reset_lifetime = setting(
        "auth.password_reset_lifetime", 3600, "Seconds in which the link in such a mail can be used.", at_least(60))
    get_auth_login_attempts = setting(
        "auth.login_attempts", 5,
        "Wrong passwords for one account from one address after which that address must wait.", at_least(1))
    get_auth_login_attempts_per_account = setting(
        "auth.login_attempts_per_account", 50, "Wrong passwords for one account, from any address, after which all must wait.", at_least(1))
    get_auth_login_attempts_per_address = setting(
        "auth.login_attempts_per_address", 100, "Wrong passwords from one address, for any account, after which it must wait.", at_least(1))
    get_auth_login_wait = setting(
        "auth.login_wait", 900, "Seconds in which wrong passwords are counted, and which one has to wait at most.", at_least(1))
    get_auth_mails_per_address = setting(
        "auth.mails_per_address", 3,
        "Mails about registration and lost passwords that one e-mail address can be sent in an hour.", at_least(1))
    get_auth_mails_per_client = setting(
        "auth.mails_per_client", 20, "Such mails that one visitor can cause in an hour.", at_least(1))
    get_auth_audit_retention = setting(
        "auth.audit_retention", 365, "Days that the log of logins and of changes of accounts, roles and rules is kept.",
        at_least(1, none_is="for ever"))
    get_auth_login_next = setting("auth.login_next", None, "Page after login when none was asked for; None is default/index.")
    get_auth_login_expiration = setting(
        "auth.login_expiration", 3600, "Seconds of inactivity after which a login ends.", at_least(60))
    get_auth_login_remember = setting(
        "auth.login_remember", 30 * 86400,
        "Seconds of inactivity after which a login ends whose user asked to stay logged in.", at_least(60, none_is="not offered"))
    get_auth_record_approval = setting("auth.record_approval", False, "Whether new records can need approval before others see them.")
    get_auth_record_approval_required_for = setting(
        "auth.record_approval_required_for", [],
        "Tables that need approval; None: those whose configuration key requires_approval is set.")
    get_auth_record_approval_manual = setting(
        "auth.record_approval_manual", [], "Tables whose new records stay unapproved even when their author may approve them.")
    get_auth_realm_entity = setting(
        "auth.realm_entity", None,
        "Function (table, row) that gives the realm a record belongs to: a pe_id, (table name, record id), None for none, "
        "or 0 to use the table's own rule.", a_function)
