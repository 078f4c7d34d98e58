"""Just before messages are handed over: may their recipients still get them?

Between the look-up and the delivery lie a queue, retries and perhaps a mail server that is down for a day. Meanwhile an account
may have been closed, a subscription given up, a member have left the group. The outbox run asks for all rows of a batch at
once; the number of queries does not grow with it.
"""
from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from gluon import current

from s3.s3aaa import account_state
from s3.s3msg.expansion import find_members_among
from s3dal import Row

__all__ = ("NOTIFICATION", "find_objections")

#: what the dedupe_key of a notification begins with
NOTIFICATION = "notify:"

_DELETED = "the subscription was deleted"
_STATES = {
    "pending": "waits for approval",
    "unverified": "is not verified",
    "disabled": "is disabled",
    "blocked": "is blocked",
}


class _Source(NamedTuple):
    """Where a message comes from.

    Attributes:
        recipients: whom it was composed for, before groups were expanded
        is_notification: a subscription has to stand behind it
    """

    recipients: set[int]
    is_notification: bool


def find_objections(row_ids: Collection[int]) -> dict[int, str]:
    """{id of an outbox row: why its message must not be handed over}; what is not in it may be.

    Somebody without an account gets messages like anybody else; an account that is not active gets none. A notification needs its
    subscription, live, for the same recipient, and the account that it was looked up as. A member of a group or an organisation
    that the message was sent to must be one still.
    """
    table = current.s3db.msg_outbox
    rows = current.db(table.id.belongs(list(row_ids))).select(table.id, table.message_id, table.pe_id, table.via_pe_id)
    sources = _find_sources({row.message_id for row in rows})
    accounts = _find_accounts({row.pe_id for row in rows if row.pe_id})
    without_subscription = _without_subscription([key for key, source in sources.items() if source.is_notification])
    members = _find_members([row for row in rows if row.via_pe_id], sources)
    objections = {}
    for row in rows:
        reason = (
            without_subscription.get(row.message_id)
            or _not_a_member(row, sources, members)
            or _inactive(accounts.get(row.pe_id))
        )
        if reason:
            objections[row.id] = f"withheld: {reason}"
    return objections


# -- the subscription --------------------------------------------------------------------------------------------------
def _find_sources(message_ids: Collection[int]) -> dict[int, _Source]:
    table = current.s3db.msg_outbox
    composed = table.message_id.belongs(list(message_ids)) & (table.via_pe_id == None)
    sources: dict[int, _Source] = {}
    for row in current.db(composed).select(table.message_id, table.pe_id, table.dedupe_key):
        known = sources.get(row.message_id) or _Source(set(), False)
        is_notification = known.is_notification or (row.dedupe_key or "").startswith(NOTIFICATION)
        sources[row.message_id] = _Source(known.recipients | ({row.pe_id} if row.pe_id else set()), is_notification)
    return sources


def _without_subscription(message_ids: list[int]) -> dict[int, str]:
    """{message: why the subscription does not stand behind it any more}"""
    if not message_ids:
        return {}
    s3db, db = current.s3db, current.db
    ledger, resource, subscription = s3db.pr_subscription_ledger, s3db.pr_subscription_resource, s3db.pr_subscription
    link, user, outbox = s3db.pr_person_user, current.auth.table("auth_user"), s3db.msg_outbox
    rows = db(ledger.message_id.belongs(message_ids)).select(
        ledger.message_id, ledger.user_id, resource.deleted, subscription.id, subscription.deleted, subscription.suspended,
        subscription.frequency, subscription.pe_id, user.id, user.deleted, user.registration_key, link.id, outbox.id,
        left=[
            resource.on(resource.id == ledger.subscription_resource_id),
            subscription.on(subscription.id == resource.subscription_id),
            user.on(user.id == ledger.user_id),
            # the account must still be that of the subscriber
            link.on((link.user_id == ledger.user_id) & (link.pe_id == subscription.pe_id) & (link.deleted == False)),
            # and the subscriber must be the one whom the message was composed for
            outbox.on((outbox.message_id == ledger.message_id) & (outbox.pe_id == subscription.pe_id) & (outbox.via_pe_id == None)),
        ],
    )  # fmt: skip
    # the ledger of a subscription goes with it
    objections = dict.fromkeys(message_ids, _DELETED)
    for row in rows:
        reason = _ended(row)
        if reason:
            objections[row.pr_subscription_ledger.message_id] = reason
        else:
            objections.pop(row.pr_subscription_ledger.message_id, None)
    return objections


def _ended(row: Row) -> str | None:
    subscription = row.pr_subscription
    if subscription.id is None or subscription.deleted or row.pr_subscription_resource.deleted:
        return _DELETED
    if subscription.suspended:
        return "the subscription is suspended"
    if subscription.frequency == "never":
        return "the subscription is switched off"
    if row.msg_outbox.id is None:
        return "the subscription is now for somebody else"
    if row.pr_subscription_ledger.user_id is None:
        return None
    if row.auth_user.id is None:
        return "the account that the message was made for is gone"
    if row.pr_person_user.id is None:
        return "the subscriber has another account now"
    return _inactive(row.auth_user)


# -- the account -------------------------------------------------------------------------------------------------------
def _find_accounts(pe_ids: Collection[int]) -> dict[int, Row]:
    """{entity: account}; the oldest one, as everywhere."""
    link, user = current.s3db.pr_person_user, current.auth.table("auth_user")
    rows = current.db(
        link.pe_id.belongs(list(pe_ids))
        & (link.deleted == False)
        & (user.id == link.user_id)
    ).select(link.pe_id, user.id, user.deleted, user.registration_key, orderby=~link.id)
    return {row.pr_person_user.pe_id: row.auth_user for row in rows}


def _inactive(account: Row | None) -> str | None:
    if account is None:
        return None
    if account.deleted:
        return "the account of the recipient was deleted"
    state = account_state(account.registration_key)
    return f"the account of the recipient {_STATES[state]}" if state else None


# -- the membership ----------------------------------------------------------------------------------------------------
def _find_members(rows: list[Row], sources: dict[int, _Source]) -> set[tuple[int, int]]:
    """(group or organisation, member) of those that these messages were composed for."""
    if not rows:
        return set()
    groups = {pe_id for row in rows if row.message_id in sources for pe_id in sources[row.message_id].recipients}
    return find_members_among(groups, {row.pe_id for row in rows if row.pe_id})


def _not_a_member(row: Row, sources: dict[int, _Source], members: set[tuple[int, int]]) -> str | None:
    """Whoever was found in one of the groups may have left it, and still be in another one that the message was for."""
    if not row.via_pe_id:
        return None
    groups = sources[row.message_id].recipients if row.message_id in sources else set()
    if any((group, row.pe_id) in members for group in groups):
        return None
    return "the recipient is not a member of the group or organization any more"
