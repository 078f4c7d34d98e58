"""What the selectors of clients may reach: URL variables and saved filters, as opposed to selectors in code.

Whoever may filter by a field can find its values out, letter by letter, without ever being shown them. So a client's
selector follows declared components and keys only, does not leave the data of the page for accounts, messages and
contact data, and ends with a field that a page would show.
"""
from __future__ import annotations

import re

from s3dal import Field

__all__ = ("MAX_JOINS", "MAX_STEPS", "field_objection", "key_objection", "table_objection")

# Databases join at most 64 tables; no filter that a person or a page made comes near these
MAX_STEPS = 8
MAX_JOINS = 30

ACCOUNTS = "auth_user"
# Where an account belongs: all that others may know of it
ACCOUNT_KEYS = frozenset(("organisation_id", "org_group_id", "site_id"))
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


def key_objection(tablename: str, name: str) -> str | None:
    """Why no client may go on from a joined table by this key or component; None if they may."""
    if tablename == ACCOUNTS and name not in ACCOUNT_KEYS:
        return f"goes on from {tablename} by {name!r}, which cannot be filtered"
    return None


def field_objection(tablename: str, name: str, field: Field | None, is_component: bool) -> str | None:
    """Why no client may filter by a field of a joined table; None if they may.

    Args:
        field: None for a computed field
        is_component: the table is a component, not one that a key refers to
    """
    refusal = f"leads to {tablename}.{name}, which cannot be filtered"
    if tablename == ACCOUNTS:
        is_open = name in ACCOUNT_KEYS or (field is not None and field.type == "id")
        return None if is_open else refusal
    if _SECRET.search(name):
        return refusal
    if field is None or field.readable or field.type == "id" or (is_component and field.name in META_FIELDS):
        return None
    return refusal
