"""The answer to a look-up that is refused, and how often one visitor may try in vain.

Nobody guesses a token of 256 bits; but each guess would cost a statement and a line in the log, for ever.
"""
from __future__ import annotations

from gluon import HTTP, current

from s3.s3aaa import Counters, client_network
from s3.s3notify.tokens import is_token

__all__ = ("refuse", "refuse_token")

# Seconds in which refused tokens are counted
_WINDOW = 60


def refuse(status: int, message: str, **headers: str) -> HTTP:
    """The answer to the worker, to be raised."""
    body = current.xml.json_message(False, status, message)
    return HTTP(status, body, **{"Content-Type": "application/json", **headers})


def refuse_token(message: str, token: object) -> HTTP:
    """The answer to a token that is not valid: 401, or 429 once there were too many from this visitor.

    A valid token is never refused for the invalid ones of others, who may share the address of a proxy with the worker.

    Side effects:
        counts the refusal, and commits that; nothing more once there were too many
    """
    if not is_token(token):
        return refuse(401, message)
    counters = _counters()
    seconds = counters.seconds_to_wait()
    if seconds:
        return refuse(429, "Too many invalid tokens.", **{"Retry-After": str(seconds)})
    counters.count()
    if counters.seconds_to_wait():
        current.log.warning(f"Too many look-ups without a valid token from {client_network() or 'an unknown address'}")
    return refuse(401, message)


def _counters() -> Counters:
    limit = current.deployment_settings.get_msg_notify_invalid_tokens()
    auth = current.auth
    return Counters(auth.table("auth_throttle"), auth.hmac_key, {("token", client_network()): limit}, _WINDOW)
