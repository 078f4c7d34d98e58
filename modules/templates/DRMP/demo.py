"""Demo data: a country, posts about it, an editor who writes them and a reader who subscribes to a part of them.

Run by the set-up of a new database, with all permissions; adds what is missing and changes nothing that is there.
"""
from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3 import S3Permission, utcnow
from templates.DRMP.config import RESTRICTED_SERIES
from templates.DRMP.controllers import NEWSFEED

__all__ = (
    "DEMO_FILTER",
    "DEMO_LOCATIONS",
    "DEMO_PASSWORD",
    "DEMO_POSTS",
    "DEMO_SERIES",
    "DEMO_USERS",
    "FILTERED_PROVINCE",
    "load",
)

DEMO_PASSWORD = "notify-me"


@dataclass(frozen=True)
class DemoUser:
    email: str
    first_name: str
    last_name: str
    #: UIDs of roles, beside AUTHENTICATED
    roles: tuple[str, ...]


@dataclass(frozen=True)
class DemoLocation:
    name: str
    level: str
    parent: str | None
    lat: float
    lon: float


@dataclass(frozen=True)
class DemoPost:
    series: str
    location: str
    body: str
    #: days before the demo data were loaded
    age: int


DEMO_USERS = {
    "admin": DemoUser("admin@example.com", "Ada", "Admin", ("ADMIN",)),
    "editor": DemoUser("editor@example.com", "Edda", "Editor", ("EDITOR",)),
    "reader": DemoUser("reader@example.com", "Rita", "Reader", ()),
}

DEMO_SERIES = ("Flood Warning", "Situation Report", RESTRICTED_SERIES)

DEMO_LOCATIONS = (
    DemoLocation("Mirania", "L0", None, 12.5, 41.0),
    DemoLocation("North Province", "L1", "Mirania", 13.4, 41.2),
    DemoLocation("South Province", "L1", "Mirania", 11.6, 40.8),
    DemoLocation("Alder Town", "L3", "North Province", 13.52, 41.31),
    DemoLocation("Birchport", "L3", "North Province", 13.21, 41.48),
    DemoLocation("Cedar Bay", "L3", "South Province", 11.47, 40.66),
)

#: what the reader wants to be told about
FILTERED_PROVINCE = "North Province"
DEMO_FILTER = (("location_id$L1__belongs", FILTERED_PROVINCE),)

DEMO_POSTS = (
    DemoPost("Situation Report", "Alder Town", "The bridge over the Alder is open again.", 30),
    DemoPost("Flood Warning", "Cedar Bay", "Spring tide: keep boats in the inner harbour.", 21),
    DemoPost("Situation Report", "Birchport", "Two thirds of the households have running water.", 14),
    DemoPost(RESTRICTED_SERIES, "Birchport", "Stocks of the depot are down to four days.", 7),
)


def load() -> None:
    """Insert what is missing of the demo data. Commits once, before the subscription."""
    db = current.db
    _create_roles()
    users = _create_users()
    series = {name: _find_or_insert("cms_series", name=name) for name in DEMO_SERIES}
    locations = _create_locations()
    _create_posts(series, locations)
    # only finished transactions lie behind a position in the change log: the subscription must not begin before the posts
    db.commit()
    _subscribe(users["reader"])


def _create_roles() -> None:
    read, write = S3Permission.READ, S3Permission.CREATE | S3Permission.READ | S3Permission.UPDATE
    create_role = current.auth.s3_create_role
    create_role(
        "Authenticated", "Everybody who is logged in",
        {"c": "cms", "f": "post", "uacl": read},
        {"c": "gis", "f": "location", "uacl": read},
        {"t": "cms_post", "uacl": read},
        uid="AUTHENTICATED",
    )
    create_role(
        "Editor", "Writes posts, restricted ones included",
        {"c": "cms", "uacl": write},
        # a rule for the page, such as that of everybody above, replaces the one for its controller
        {"c": "cms", "f": "post", "uacl": write},
        {"c": "gis", "uacl": read},
        {"t": "cms_post", "uacl": write},
        uid="EDITOR",
    )


def _create_users() -> dict[str, int]:
    auth, table = current.auth, current.db.auth_user
    known = {row.email: row.id for row in current.db(table.email.belongs([user.email for user in DEMO_USERS.values()])).select()}
    password_hash = auth.hash_password(DEMO_PASSWORD) if len(known) < len(DEMO_USERS) else None
    return {
        name: known.get(user.email) or auth.create_user(
            user.email, password_hash=password_hash, roles=user.roles, first_name=user.first_name, last_name=user.last_name)
        for name, user in DEMO_USERS.items()
    }


def _create_locations() -> dict[str, int]:
    ids: dict[str, int] = {}
    for place in DEMO_LOCATIONS:
        parent = ids[place.parent] if place.parent else None
        ids[place.name] = _find_or_insert(
            "gis_location", {"lat": place.lat, "lon": place.lon}, name=place.name, level=place.level, parent=parent)
    return ids


def _create_posts(series: dict[str, int], locations: dict[str, int]) -> None:
    now = utcnow()
    for post in DEMO_POSTS:
        _find_or_insert(
            "cms_post", {"date": now - dt.timedelta(days=post.age)},
            series_id=series[post.series], location_id=locations[post.location], body=post.body)


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
