"""Demo accounts, and the subscription of one of them: what is not in the files that tasks.cfg names.

Run by the set-up of a new database after their import, with all permissions; adds what is missing and changes nothing
that is there.
"""
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gluon import current

from templates.DRMP.controllers import NEWSFEED

__all__ = ("DEMO_FILTER", "DEMO_PASSWORD", "DEMO_USERS", "FILTERED_PROVINCE", "load")

DEMO_PASSWORD = "notify-me"


@dataclass(frozen=True)
class DemoUser:
    email: str
    first_name: str
    last_name: str
    #: UIDs of roles for the whole site, beside AUTHENTICATED
    roles: tuple[str, ...]


DEMO_USERS = {
    "admin": DemoUser("admin@example.com", "Ada", "Admin", ("ADMIN",)),
    "editor": DemoUser("editor@example.com", "Edda", "Editor", ("EDITOR",)),
    "reader": DemoUser("reader@example.com", "Rita", "Reader", ()),
}

#: what the reader wants to be told about
FILTERED_PROVINCE = "North Province"
DEMO_FILTER = (("location_id$L1__belongs", FILTERED_PROVINCE),)


def load() -> None:
    """Insert what is missing of the demo data. Commits once, before the subscription."""
    users = _create_users()
    # only finished transactions lie behind a position in the change log: the subscription must not begin before the posts
    current.db.commit()
    _subscribe(users["reader"])


def _create_users() -> dict[str, int]:
    auth, table = current.auth, current.db.auth_user
    known = {row.email: row.id for row in current.db(table.email.belongs([user.email for user in DEMO_USERS.values()])).select()}
    password_hash = auth.hash_password(DEMO_PASSWORD) if len(known) < len(DEMO_USERS) else None
    users = {}
    for name, user in DEMO_USERS.items():
        users[name] = known.get(user.email) or auth.create_user(
            user.email, password_hash=password_hash, first_name=user.first_name, last_name=user.last_name)
        if user.email not in known:
            auth.s3_assign_role(users[name], user.roles, for_pe=0)
    return users


def _subscribe(user_id: int) -> None:
    """The reader's subscription to posts about one province."""
    pe_id = current.auth.s3_user_pe_id(user_id)
    filter_id = _find_or_insert(
        "pr_filter", {"query": json.dumps(DEMO_FILTER), "resource": "cms_post", "url": NEWSFEED, "owned_by_user": user_id},
        pe_id=pe_id, title=FILTERED_PROVINCE)
    subscription_id = _find_or_insert(
        "pr_subscription",
        {"notify_on": ["new", "upd"], "frequency": "immediately", "method": ["EMAIL"], "owned_by_user": user_id},
        pe_id=pe_id, filter_id=filter_id)
    _find_or_insert(
        "pr_subscription_resource", {"owned_by_user": user_id},
        subscription_id=subscription_id, resource="cms_post", url=NEWSFEED)


def _find_or_insert(tablename: str, values: dict[str, Any] | None = None, **key: Any) -> int:
    """Id of the record with this key; inserted with these further values if there is none."""
    table = current.s3db[tablename]
    query = table.deleted == False  # noqa: E712
    for name, value in key.items():
        query &= table[name] == value
    record = current.db(query).select(table.id, limitby=(0, 1)).first()
    if record:
        return int(record.id)
    return int(current.s3db.resource(tablename).insert(**key, **(values or {})))
