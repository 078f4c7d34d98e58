"""Compose a round: messages, outbox rows, ledger and the new position, in one transaction that is fenced by the lease.

Last step of the look-up request. A lost answer, a killed worker or a repeated task changes nothing, because whoever does not
hold the lease any more writes nothing, and whoever does writes everything or nothing.
"""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3.s3error import S3DeliveryError, S3TokenError
from s3.s3notify.check import next_due
from s3.s3notify.records import Lookup, Subscription, Updates
from s3.s3notify.rows import update_quietly

__all__ = ("Message", "compose")


@dataclass(frozen=True)
class Message:
    """One message for one contact method, ready to be sent."""

    method: str
    subject: str
    #: text, html, or a mail's text with its html alternative
    body: str | tuple[str, str]
    document_ids: list[int] = field(default_factory=list)
    #: where the recipient ends the subscription
    unsubscribe_url: str | None = None


def compose(lookup: Lookup, messages: list[Message], updates: Updates, send_data: dict[str, Any], now: dt.datetime) -> list[int]:
    """Write the round; gives the message ids. Commits nothing: the request does, as a whole.

    Args:
        messages: may be empty; the watermark moves all the same
        updates: what the messages tell of
        send_data: further keywords for ``send_by_pe_id``, from the deployment's hook
        now: when the window was read; the new watermark (the lease is held against the clock of this moment)

    Raises:
        S3TokenError: the lease is lost, or the round is done already
        S3DeliveryError: a message could not be put into the outbox
    """
    subscription = lookup.subscription
    _move_watermark(lookup, updates, now)
    message_ids = []
    for message in messages:
        # without the end of the window: a repeated round may see more than the first one, but must not send again
        key = f"notify:{subscription.id}:{subscription.last_position}:{message.method}"
        message_id = current.msg.send_by_pe_id(
            subscription.pe_id,
            subject=message.subject,
            message=message.body,
            contact_method=message.method,
            document_ids=message.document_ids or None,
            system_generated=True,
            dedupe_key=key,
            unsubscribe_url=message.unsubscribe_url,
            **send_data,
        )
        if not message_id:
            raise S3DeliveryError(f"The {message.method} message of subscription {subscription.subscription_id} could not be composed.")
        _note(subscription, message, message_id, updates, now)
        message_ids.append(message_id)
    return message_ids


def _move_watermark(lookup: Lookup, updates: Updates, now: dt.datetime) -> None:
    """First of all, so that the row is locked against a second composer until the end of the transaction.

    The lease alone does not tell two composers apart: a task that is run again brings the same one. The position does.
    """
    subscription = lookup.subscription
    rtable = current.s3db.pr_subscription_resource
    intervals = current.s3db.pr_subscription_check_intervals
    held = (rtable.id == subscription.id) & (rtable.lease_owner == lookup.lease) & (rtable.lease_until > utcnow())
    unmoved = held & (rtable.last_position == subscription.last_position)
    due = next_due(subscription.next_check_time, subscription.frequency, now, intervals)
    if updates.pending and not updates.total:
        # a transaction that is still open holds back what is to be told: it stays due until then
        due = subscription.next_check_time or now
    changed = update_quietly(
        unmoved, last_position=updates.position, last_check_time=now, next_check_time=due, last_run=now, auth_token=None
    )
    if changed != 1:
        raise S3TokenError("Another worker has taken over this subscription.", resource_id=subscription.id)


def _note(subscription: Subscription, message: Message, message_id: int, updates: Updates, now: dt.datetime) -> None:
    current.s3db.pr_subscription_ledger.insert(
        subscription_resource_id=subscription.id,
        position_from=subscription.last_position,
        position_to=updates.position,
        contact_method=message.method,
        message_id=message_id,
        new_records=updates.new,
        updated_records=updates.updated,
        composed_on=now,
        user_id=current.auth.user_id,
    )
