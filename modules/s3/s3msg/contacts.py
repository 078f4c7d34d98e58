"""Who is a person entity, and how can it be reached: the look-ups of the outbox run."""
from __future__ import annotations

from gluon import current

from s3.s3utils import s3_str

__all__ = ("find_addresses", "find_instance_type", "is_phone_number", "sanitise_phone")

# Italy writes the leading zero in international numbers as well
KEEPS_LEADING_ZERO = 39
PHONE_DIGITS = range(5, 16)


def find_addresses(pe_id: int, contact_method: str) -> list[str]:
    """The addresses of an entity for one contact method, in the order in which they are to be tried."""
    table = current.s3db.pr_contact
    rows = current.db(
        (table.pe_id == pe_id)
        & (table.contact_method == contact_method)
        & (table.deleted == False)
    ).select(table.value, orderby=(table.priority, table.id))
    return list(dict.fromkeys(row.value for row in rows if row.value))


def find_instance_type(pe_id: int | None) -> str | None:
    """Name of the table a person entity is a record of; None if there is none (any more)."""
    if not pe_id:
        return None
    table = current.s3db.pr_pentity
    entity = current.db(
        (table.pe_id == pe_id)
        & (table.deleted == False)
    ).select(table.instance_type, limitby=(0, 1)).first()
    return entity.instance_type if entity else None


def sanitise_phone(phone: object, country_code: int) -> str:
    """A phone number in international form, digits only.

    Args:
        country_code: for a number that is written the national way, with a leading zero

    Returns:
        the digits; empty if there are none

    Source: Eden s3msg.py S3Msg.sanitise_phone
    """
    digits = "".join(character for character in s3_str(phone) if character in "0123456789")
    if not digits.startswith("0"):
        return digits
    if s3_str(phone).lstrip().startswith("00"):
        # the way to dial an international number from most countries
        return digits[2:]
    national = digits if country_code == KEEPS_LEADING_ZERO else digits.lstrip("0")
    return f"{country_code}{national}" if national else ""


def is_phone_number(digits: str) -> bool:
    """Can these digits be an international phone number (E.164)?"""
    return digits.isdigit() and len(digits) in PHONE_DIGITS
