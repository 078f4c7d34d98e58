"""Text messages: which gateway, what number, how many parts. After: sms_webapi.py or sms_smtp.py."""
from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gluon import current

from s3.s3msg.contacts import is_phone_number, sanitise_phone
from s3.s3msg.failure import PERMANENT, DeliveryFailure, channel_down, invalid, permanent, temporary
from s3.s3msg.sms_smtp import SMTPGateway
from s3.s3msg.sms_webapi import WebAPIGateway
from s3dal import Row

__all__ = ("Gateway", "SMSChannel", "choose_gateway", "split_text")

CUT_MARK = "..."


class Sender(Protocol):
    """A gateway that takes text messages."""

    def send(self, number: str, text: str, row: Row) -> str | None:
        """Hand over one part. Returns the id the provider gave it. Raises S3DeliveryError."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Gateway:
    """One row of msg_sms_outbound_gateway with its channel."""

    organisation_id: int | None
    country_code: int
    channel: Row
    instance_type: str


class SMSChannel:
    """Sends text messages through the gateway of the message's organisation."""

    #: a text message costs money and cannot be recognised as a repetition
    max_ambiguous = 1

    def __init__(self) -> None:
        self._gateways: list[Gateway] = []
        self._senders: dict[int, Sender] = {}

    def open(self) -> None:
        self._gateways = find_gateways()
        if not self._gateways:
            raise channel_down("no SMS gateway is configured", back_off=False)

    def close(self) -> None:
        for sender in self._senders.values():
            sender.close()

    def free_at(self, now: dt.datetime) -> dt.datetime | None:
        return None

    def after_send(self) -> None:
        """Text messages are not counted."""

    def send(self, row: Row, message: Row, address: str) -> str | None:
        gateway = choose_gateway(self._gateways, organisations_of(message.organisation_id))
        if gateway is None:
            raise temporary("no SMS gateway for this organisation")
        number = sanitise_phone(address, gateway.country_code)
        if not is_phone_number(number):
            raise invalid(f"{address!r} is not a phone number")
        text = (message.body or "").strip()
        if not text:
            raise permanent("the message is empty")
        parts = split_text(text, gateway.channel.max_length, gateway.channel.split)
        return send_parts(self._sender(gateway), number, parts, row)

    def _sender(self, gateway: Gateway) -> Sender:
        key = gateway.channel.channel_id
        if key not in self._senders:
            is_web = gateway.instance_type == "msg_sms_webapi_channel"
            self._senders[key] = WebAPIGateway(gateway.channel) if is_web else SMTPGateway(gateway.channel)
        return self._senders[key]


def send_parts(sender: Sender, number: str, parts: Sequence[str], row: Row) -> str | None:
    """Hand over all parts of a text. Returns the id of the first.

    Raises:
        DeliveryFailure: of the part that was not accepted; if there were others before it, these have arrived
    """
    ids: list[str | None] = []
    for part in parts:
        try:
            ids.append(sender.send(number, part, row))
        except DeliveryFailure as failure:
            if not ids or failure.kind == PERMANENT:
                raise
            # to repeat the text repeats the parts before, too, even if only the channel is to blame (P-C)
            raise temporary(f"part {len(ids) + 1} of {len(parts)}: {failure}", ambiguous=True) from failure
    return ids[0]


def find_gateways() -> list[Gateway]:
    """All gateways whose channel is enabled."""
    s3db, db = current.s3db, current.db
    table = s3db.msg_sms_outbound_gateway
    rows = db(table.deleted == False).select(table.channel_id, table.organisation_id, table.default_country_code, orderby=table.id)
    channels = {key: value for name in ("msg_sms_webapi_channel", "msg_sms_smtp_channel") for key, value in _enabled(name, rows).items()}
    default = current.deployment_settings.get_L10n_default_country_code()
    return [
        Gateway(row.organisation_id, row.default_country_code or default, *channels[row.channel_id])
        for row in rows
        if row.channel_id in channels
    ]


def _enabled(tablename: str, gateways: Any) -> dict[int, tuple[Row, str]]:
    table = current.s3db[tablename]
    rows = current.db(
        (table.channel_id.belongs([row.channel_id for row in gateways if row.channel_id]))
        & (table.enabled == True)
        & (table.deleted == False)
    ).select(table.ALL)
    return {row.channel_id: (row, tablename) for row in rows}


def choose_gateway(gateways: Sequence[Gateway], organisation_ids: Sequence[int]) -> Gateway | None:
    """The gateway for a message: the only one; else the one of the nearest organisation; else the one for everybody.

    Args:
        organisation_ids: of the message's organisation and those above it, near to far
    """
    if len(gateways) == 1:
        return gateways[0]
    by_organisation: dict[int | None, Gateway] = {}
    for gateway in gateways:
        by_organisation.setdefault(gateway.organisation_id, gateway)
    for organisation_id in (*organisation_ids, None):
        if organisation_id in by_organisation:
            return by_organisation[organisation_id]
    return None


def organisations_of(organisation_id: int | None) -> list[int]:
    """An organisation and those that it is a branch of, near to far."""
    found: list[int] = []
    branch = current.s3db.table("org_organisation_branch")
    while organisation_id and organisation_id not in found:
        found.append(organisation_id)
        if branch is None:
            break
        above = current.db(
            (branch.branch_id == organisation_id)
            & (branch.deleted == False)
        ).select(branch.organisation_id, limitby=(0, 1)).first()
        organisation_id = above.organisation_id if above else None
    return found


def split_text(text: str, max_length: int | None, split: bool = True) -> list[str]:
    """A text in parts that the gateway takes.

    Args:
        max_length: characters of one part
        split: in several parts, at word boundaries where there are any; otherwise cut, with a mark
    """
    if not max_length or len(text) <= max_length:
        return [text]
    if not split:
        return [text[: max(max_length - len(CUT_MARK), 0)].rstrip() + CUT_MARK[:max_length]]
    parts = []
    while len(text) > max_length:
        end = text.rfind(" ", 1, max_length + 1)
        end = end if end > 0 else max_length
        parts.append(text[:end].rstrip())
        text = text[end:].lstrip()
    return [*parts, text] if text else parts
