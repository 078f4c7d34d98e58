"""Settings of access control."""
from __future__ import annotations

from s3cfg.setting import addresses, one_of, setting

__all__ = ("SecuritySettings",)


class SecuritySettings:
    get_security_policy = setting(
        "security.policy", 1,
        "Which permission rules count: 1 simple, 2 editor, 3 controller, 4 function, 5 table, 6 realm, "
        "7 realm with hierarchy; docs/permissions.md.",
        one_of(1, 2, 3, 4, 5, 6, 7))
    get_security_strict_ownership = setting(
        "security.strict_ownership", True, "Whether a record without owner belongs to nobody (False: to everybody).")
    get_security_self_registration = setting(
        "security.self_registration", False, "Whether visitors may register an account of their own.")
    get_security_registration_visible = setting(
        "security.registration_visible", True, "Whether pages offer registration, when it is allowed.")
    get_security_archive_not_delete = setting(
        "security.archive_not_delete", True, "Whether a deleted record is only marked as deleted.")
    get_security_trusted_proxies = setting(
        "security.trusted_proxies", ["127.0.0.1", "::1"],
        "Addresses of reverse proxies that are believed when they say (X-Forwarded-For) where a request comes from.", addresses)
