"""Compose a round: messages, outbox rows, ledger and the new position, in one transaction that is fenced by the lease.

Last step of the look-up request. A lost answer, a killed worker or a repeated task changes nothing, because whoever does not
hold the lease any more writes nothing, and whoever does writes everything or nothing.
"""
from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from gluon import current

from s3.s3error import S3TokenError
from s3.s3notify.check import next_due, update_quietly
from s3.s3notify.records import Lookup, Subscription

__all__ = ("Message", "compose")


@dataclass(frozen=True)
class Message:
    """One message for one contact method, ready to be sent."""

    method: str
    subject: str
    body: str
    document_ids: list[int] = field(default_factory=list)


def compose(lookup: Lookup, messages: list[Message], position: int, counts: tuple[int, int], send_data: dict[str, Any],
            now: dt.datetime) -> list[int]:
    """Write the round; gives the message ids. Commits nothing: the request does, as a whole.

    Args:
        messages: may be empty; the watermark moves all the same
        position: the end of the window that was read
        counts: new and updated records in the messages
        send_data: further keywords for ``send_by_pe_id``, from the deployment's hook

    Raises:
        S3TokenError: the lease is lost, so somebody else does this round
    """
    subscription = lookup.subscription
    _move_watermark(lookup, position, now)
    message_ids = []
    for message in messages:
        key = f"notify:{subscription.id}:{subscription.last_position}:{position}:{message.method}"
        message_id = current.msg.send_by_pe_id(
            subscription.pe_id,
            subject=message.subject,
            message=message.body,
            contact_method=message.method,
            document_ids=message.document_ids or None,
            system_generated=True,
            dedupe_key=key,
            **send_data,
        )
        _note(subscription, message, message_id, position, counts, now)
        message_ids.append(message_id)
    return message_ids


def _move_watermark(lookup: Lookup, position: int, now: dt.datetime) -> None:
    """First of all, so that the row is locked against a second composer until the end of the transaction."""
    subscription = lookup.subscription
    rtable = current.s3db.pr_subscription_resource
    intervals = current.s3db.pr_subscription_check_intervals
    held = (rtable.id == subscription.id) & (rtable.lease_owner == lookup.lease) & (rtable.lease_until > now)
    changed = update_quietly(
        held,
        last_position=position,
        last_check_time=now,
        next_check_time=next_due(subscription.next_check_time, subscription.frequency, now, intervals),
        last_run=now,
    )
    if changed != 1:
        raise S3TokenError("Another worker has taken over this subscription.", resource_id=subscription.id)


def _note(subscription: Subscription, message: Message, message_id: int, position: int, counts: tuple[int, int], now: dt.datetime) -> None:
    current.s3db.pr_subscription_ledger.insert(
        subscription_resource_id=subscription.id,
        position_from=subscription.last_position,
        position_to=position,
        contact_method=message.method,
        message_id=message_id,
        new_records=counts[0],
        updated_records=counts[1],
        composed_on=now,
    )
