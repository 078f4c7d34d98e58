"""The single-use token of a look-up: 256 random bits, stored as a hash, bound to one subscribed resource and its lease.

``issue`` runs in the worker, ``consume`` in the web tier before anything else is read. A token that cannot be consumed is
refused, never treated as anonymous. Source: Eden models/00_utils.py (which accepted any token).
"""
from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from gluon import current

from s3.s3error import S3TokenError
from s3.s3notify.records import Lookup, Subscription, find_subscription
from s3.s3notify.rows import update_quietly

__all__ = ("HEADER", "PARAMETER", "consume", "is_token", "issue", "set_lookup_parameters")

HEADER = "X-S3-Subscription"
PARAMETER = "subscription"

# 32 bytes in the alphabet of secrets.token_urlsafe
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def is_token(text: object) -> bool:
    """Whether this can be a token at all; anything else needs no look into the database."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue(resource_id: int, lease: str, now: dt.datetime, until: dt.datetime | None = None) -> str:
    """Give this row a fresh token; an older one dies with it. Commits nothing.

    Args:
        until: the lease is to hold until then (naive UTC): also one that has run out, as long as nobody else took the row;
            None leaves its end as it is

    Raises:
        S3TokenError: somebody else holds the lease now
    """
    rtable = current.s3db.pr_subscription_resource
    token = secrets.token_urlsafe(32)
    lifetime = dt.timedelta(seconds=current.deployment_settings.get_msg_notify_token_lifetime())
    held = (rtable.id == resource_id) & (rtable.lease_owner == lease)
    renewed = {"lease_until": until} if until else {}
    if not until:
        held &= rtable.lease_until > now
    if update_quietly(held, auth_token=_hash(token), token_expires=now + lifetime, **renewed) != 1:
        raise S3TokenError("Another worker has taken over this subscription.", resource_id=resource_id)
    return token


def consume(token: str | None, path: list[str], now: dt.datetime) -> Lookup:
    """Use up a token: true for exactly one caller.

    Args:
        token: as it came with the request
        path: controller, function and arguments of the request, which must be those of the subscription
        now: naive UTC

    Side effects:
        commits, so that the token is spent even if what follows fails

    Raises:
        S3TokenError: no token, or an unknown, spent, expired or misdirected one, or the subscription has ended
    """
    if not token:
        raise S3TokenError("A look-up needs a token.")
    if not is_token(token):
        raise S3TokenError("This is no token.")
    rtable = current.s3db.pr_subscription_resource
    mine = rtable.auth_token == _hash(token)
    valid = mine & (rtable.token_expires > now) & (rtable.lease_until > now)
    # a token without an end is spent; the hash stays until the round is composed, so that one query finds the row
    if update_quietly(valid, token_expires=None) != 1:
        raise S3TokenError("The token is unknown, used or expired.")
    current.db.commit()  # spent for everybody, whatever happens to this request
    subscription = find_subscription(mine)
    if subscription is None or subscription.lease_owner is None:
        raise S3TokenError("The subscription has ended.")
    if path != _path_of(subscription.url):
        raise S3TokenError("The token belongs to another address.")
    return Lookup(subscription=subscription, lease=subscription.lease_owner)


def _path_of(url: str) -> list[str]:
    return [part for part in urlsplit(url.lstrip("/")).path.split("/") if part]


def set_lookup_parameters(subscription: Subscription, filters: list[tuple[str, str]]) -> None:
    """Let the request ask for what the subscription says now: the query of its address and its saved filter, nothing else.

    What came with the request is for the log of a proxy: the token is a secret, the filter may have changed since, and a
    time stamp would lose every change that was committed later than it was stamped. The window of the change log decides.
    """
    request = current.request
    values: dict[str, Any] = {}
    own = parse_qsl(urlsplit(subscription.url).query, keep_blank_values=True)
    for key, value in [*own, ("format", "msg"), *filters]:
        values.setdefault(key, []).append(value)
    single = {key: found[0] if len(found) == 1 else found for key, found in values.items()}
    for variables in (request.get_vars, request.vars):
        variables.clear()
        variables.update(single)
