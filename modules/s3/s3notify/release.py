"""The end of a round: the lease goes back, with the result on the row. Failures back off and end in suspension.

Last step in the worker (architecture 7, step 10). What ``send`` composed is committed already and needs nothing from here.
"""
from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from gluon import current

from s3.s3notify.records import Answer
from s3.s3notify.rows import update_quietly
from s3dal import Row

__all__ = ("backoff", "fail", "finish", "give_back", "take")

FIRST_RETRY = dt.timedelta(minutes=5)
LAST_RETRY = dt.timedelta(hours=6)
# The address is wrong: waiting does not cure that (F2)
WRONG_ADDRESS = (404, 405, 415)
WRONG_ADDRESS_ATTEMPTS = 3
# Somebody else has composed this round: no failure of the subscription
ALREADY_DONE = 409
TAKE_LEASE = dt.timedelta(minutes=6)

#: A row that nobody works on. The old token dies with the lease, so that no later one can be served by it.
FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None, "auth_token": None, "token_expires": None, "locked": False}


def backoff(attempts: int) -> dt.timedelta:
    """How long to wait after this many failures in a row: 5 min, doubled each time, at most 6 h."""
    return min(FIRST_RETRY * 2 ** min(max(attempts - 1, 0), 10), LAST_RETRY)


def take(resource_ids: list[int], now: dt.datetime) -> str:
    """Lease these rows as far as they are free; gives the lease. Commits."""
    rtable = current.s3db.pr_subscription_resource
    lease = uuid.uuid4().hex
    free = rtable.id.belongs(resource_ids) & ((rtable.lease_until == None) | (rtable.lease_until <= now))
    update_quietly(free, **{**FREE, "lease_owner": lease, "lease_until": now + TAKE_LEASE})
    current.db.commit()  # a check that runs now must not claim them as well
    return lease


def give_back_broken(since: dt.datetime) -> None:
    """Free what tasks were to look up that have begun since then and broken down: nobody works on it. Commits nothing."""
    for args, vars in current.s3task.broken_calls("notify_notify", since):
        if args and isinstance(args[0], list) and vars.get("lease"):
            give_back(args[0], vars["lease"])


def give_back(resource_ids: list[int], lease: str) -> None:
    """Free rows that were not looked up; they stay due."""
    rtable = current.s3db.pr_subscription_resource
    update_quietly(rtable.id.belongs(resource_ids) & (rtable.lease_owner == lease), **FREE)


def finish(resource_id: int, lease: str, answer: Answer | bool, now: dt.datetime) -> None:
    """Record the result of a look-up and free the row, if it is still ours. Commits nothing."""
    rtable = current.s3db.pr_subscription_resource
    mine = (rtable.id == resource_id) & (rtable.lease_owner == lease)
    if isinstance(answer, bool) or answer.status == ALREADY_DONE:
        update_quietly(mine, **FREE)
    elif answer.success:
        update_quietly(mine, attempts=0, last_error="\n".join(answer.notes)[:2000] or None, retry_at=None, **FREE)
    else:
        row = current.db(mine).select(rtable.id, rtable.attempts, rtable.subscription_id, rtable.lease_owner).first()
        if row is not None:
            fail(row, answer, now)


def fail(row: Row, answer: Answer, now: dt.datetime) -> None:
    """Note a failure, wait before the next try, and suspend the subscription when there were too many.

    The due time stays as it is: when the cause is mended, the subscription goes on in its old slots.

    Args:
        row: id, attempts, subscription_id and lease_owner of a subscribed resource
    """
    rtable = current.s3db.pr_subscription_resource
    # no answer at all is the server's failure, not the subscription's: it waits, but is not held against it (F4)
    attempts = (row.attempts or 0) + (answer.status is not None)
    unchanged = (rtable.id == row.id) & (rtable.lease_owner == row.lease_owner)
    update_quietly(unchanged, attempts=attempts, last_error=answer.message[:2000], retry_at=now + backoff(attempts), **FREE)
    current.log.warning(f"Look-up of subscribed resource {row.id} failed: {answer.message}")
    limit = current.deployment_settings.get_msg_notify_max_attempts()
    if answer.status in WRONG_ADDRESS:
        limit = min(limit, WRONG_ADDRESS_ATTEMPTS)
    if attempts >= limit:
        _suspend(row.subscription_id, answer.message)


def _suspend(subscription_id: int, reason: str) -> None:
    stable = current.s3db.pr_subscription
    current.db(stable.id == subscription_id).update(suspended=True, suspended_reason=reason[:512])
    current.log.error(f"Subscription {subscription_id} is suspended: {reason}")
