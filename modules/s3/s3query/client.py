"""What the selectors of clients may reach: URL variables and saved filters, as opposed to selectors in code.

Whoever may filter by a field can find its values out, letter by letter, without ever being shown them. So a client's
selector follows declared components and keys only, does not leave the data of the page for accounts, messages and
contact data, and ends with a field that a page would show.
"""
from __future__ import annotations

import re

from s3dal import Field

__all__ = ("MAX_JOINS", "MAX_STEPS", "field_objection", "is_secret", "key_objection", "table_objection")

# Databases join at most 64 tables; no filter that a person or a page made comes near these
MAX_STEPS = 8
MAX_JOINS = 30

ACCOUNTS = "auth_user"
# All that pages of other things may know beside the id: where an account belongs, the name of a person
SHARED_FIELDS = {
    ACCOUNTS: frozenset(("organisation_id", "org_group_id", "site_id")),
    "pr_person": frozenset(("first_name", "middle_name", "last_name")),
}
# Tables of the machinery: reached from pages of their own kind only
CLOSED_PREFIXES = frozenset(("auth", "msg", "s3", "scheduler"))
# Of persons, what other data refer to; the rest (contacts, accounts, subscriptions) is for pages of persons
OPEN_PERSON_TABLES = frozenset(("pr_group", "pr_pentity", "pr_person"))
# Hidden on pages, but of interest in the records of components: comments since, comments by others
META_FIELDS = frozenset((
    "approved_by", "created_by", "created_on", "modified_by", "modified_on",
    "owned_by_group", "owned_by_user", "realm_entity", "uuid",
))  # fmt: skip
_SECRET = re.compile(r"(^|_)(password|secret|token)$|_key$")


def is_secret(name: str) -> bool:
    """Whether a field of this name holds what nobody may read."""
    return bool(_SECRET.search(name))


def table_objection(master: str, tablename: str) -> str | None:
    """Why a page of the table ``master`` lets no client join this table; None if it does."""
    prefix, own = tablename.partition("_")[0], master.partition("_")[0]
    if tablename == ACCOUNTS or prefix == own:
        return None
    if prefix in CLOSED_PREFIXES:
        return f"leads to {tablename}, which cannot be filtered from here"
    if prefix == "pr" and tablename not in OPEN_PERSON_TABLES:
        return f"leads to {tablename}, which can be filtered on pages of persons only"
    return None


def _shared_fields(master: str, tablename: str) -> frozenset[str] | None:
    """The fields to which a joined table is limited; None for one that is not."""
    is_own_kind = tablename != ACCOUNTS and tablename.partition("_")[0] == master.partition("_")[0]
    return None if is_own_kind else SHARED_FIELDS.get(tablename)


def key_objection(master: str, tablename: str, name: str) -> str | None:
    """Why no client may go on from a joined table by this key or component; None if they may."""
    shared = _shared_fields(master, tablename)
    if shared is not None and name not in shared:
        return f"goes on from {tablename} by {name!r}, which cannot be filtered"
    return None


def field_objection(master: str, tablename: str, name: str, field: Field | None, is_component: bool) -> str | None:
    """Why no client may filter by a field of a joined table; None if they may.

    Args:
        field: None for a computed field
        is_component: the table is a component, not one that a key refers to
    """
    refusal = f"leads to {tablename}.{name}, which cannot be filtered"
    shared = _shared_fields(master, tablename)
    if shared is not None:
        is_open = name in shared or (field is not None and field.type == "id")
        return None if is_open else refusal
    if is_secret(name):
        return refusal
    if field is None or field.readable or field.type == "id" or (is_component and field.name in META_FIELDS):
        return None
    return refusal
