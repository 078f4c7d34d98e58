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
        "auth.registration_roles", [], "UIDs of the roles that a newly registered user gets, beside AUTHENTICATED.")
    get_auth_login_next = setting("auth.login_next", None, "Page after login when none was asked for; None is default/index.")
    get_auth_login_expiration = setting(
        "auth.login_expiration", 3600, "Seconds of inactivity after which a login ends.", at_least(60))
    get_auth_record_approval = setting("auth.record_approval", False, "Whether new records can need approval before others see them.")
    get_auth_record_approval_required_for = setting(
        "auth.record_approval_required_for", [],
        "Tables that need approval; None: those whose configuration key requires_approval is set.")
    get_auth_record_approval_manual = setting(
        "auth.record_approval_manual", [], "Tables whose new records stay unapproved even when their author may approve them.")
    get_auth_realm_entity = setting(
        "auth.realm_entity", None,
        "Function (table, row) that gives the pe_id of the realm a record belongs to, or 0 to use the table's own rule.", a_function)
