"""Passwords: the slow hash that is stored, and its verification at the same cost for every caller.

The stored form is that of web2py's CRYPT, ``<algorithm>$<salt>$<hash>``. CRYPT leaves the deployment's key out of PBKDF2, so
the password goes in as its HMAC under ``settings.auth.hmac_key``: a stolen table alone is then not enough to try passwords.
"""
from __future__ import annotations

import hmac
import re
from typing import Any

from gluon import current
from gluon.validators import CRYPT, Validator

__all__ = ("IS_NEW_PASSWORD", "ITERATIONS", "check_password", "hash_password", "is_slow_hash", "needs_rehash")

# OWASP's number for PBKDF2 with SHA-512; 0.1 to 0.3 s on a server core
ITERATIONS = 210_000


def _algorithm(iterations: int) -> str:
    return f"pbkdf2({iterations},32,sha512)"


def _keyed(password: str, key: str) -> str:
    return hmac.new(key.encode("utf-8"), password.encode("utf-8", "surrogatepass"), "sha512").hexdigest()


def hash_password(password: str, key: str, iterations: int | None = None) -> str:
    """Hash a password for ``auth_user.password``.

    Args:
        password: as the user typed it
        key: ``settings.auth.hmac_key``
        iterations: other than ITERATIONS only where the accounts are throw-away; the verification takes them from the stored hash
    """
    return str(CRYPT(digest_alg=_algorithm(iterations or ITERATIONS), salt=True)(_keyed(password, key))[0])


def _nobody() -> str:
    """What a password is compared with when there is no such user: matches nothing, takes as long as a real one."""
    return f"{_algorithm(ITERATIONS)}${'0' * 16}${'0' * 64}"


def check_password(password: str, stored: str | None, key: str) -> bool:
    """Whether the password belongs to the stored hash; without a stored hash: False, after the same work.

    Hashes that Eden wrote (HMAC-SHA512, ``sha512$salt$hash``) are verified too.
    """
    stored = stored or _nobody()
    if is_slow_hash(stored):
        return bool(CRYPT()(_keyed(password, key))[0] == stored)
    # the work of a slow one, too: a fast answer would tell that there is such an account
    hash_password(password, key)
    return bool(CRYPT(key=key)(password)[0] == stored)


def is_slow_hash(stored: str) -> bool:
    return stored.startswith("pbkdf2(")


def needs_rehash(stored: str | None) -> bool:
    """Whether a hash is weaker than what hash_password gives today."""
    found = re.match(r"pbkdf2\((\d+),", stored or "")
    return found is None or int(found[1]) < ITERATIONS


class IS_NEW_PASSWORD(Validator):
    """Validator of ``auth_user.password``: gives the hash of a password that is long enough."""

    def __call__(self, value: Any, record_id: Any = None) -> tuple[Any, Any]:
        settings = current.deployment_settings
        shortest = settings.get_auth_password_min_length()
        if len(str(value or "")) < shortest:
            return value, current.T("Enter at least %(number)s characters", {"number": shortest})
        return hash_password(str(value), settings.get_auth_hmac_key()), None
