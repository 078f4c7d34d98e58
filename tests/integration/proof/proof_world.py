"""A random world: people, roles, rules, a tree of organisations, records, subscriptions. Each cell holds a canary of its own."""
from __future__ import annotations

import dataclasses
import itertools
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cast
from realms import affiliate, entity

__all__ = ("CANARY", "CONFIG", "GROUPS", "KINDS", "REVIEWED", "Subscribed", "User", "World", "build_world")

CANARY = re.compile(r"zq\d{7}qz")

USERS, ROLES, SUBSCRIPTIONS, RECORDS, GROUPS = 60, 12, 150, 16, 4
READ, UPDATE, APPROVE = 0x02, 0x04, 0x20


@dataclass(frozen=True)
class Kind:
    """A table of the world, and the page that is subscribed."""

    url: str
    #: its cells with canaries
    cells: tuple[str, ...]
    #: what page and message show beside these: fields of other tables
    joined: tuple[str, ...]
    #: selectors for filters; those of other tables are the ones that could tell what the reader may not know
    filters: tuple[str, ...]
    #: table referred to by each key
    keys: dict[str, str] = dataclasses.field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "org_organisation": Kind("org/organisation", ("name", "acronym", "comments"), ("office.comments",), ("~.name", "office.name")),
    "gis_location": Kind("gis/location", ("name", "addr_street", "comments"), (), ("~.name", "~.comments")),
    "cms_series": Kind("cms/series", ("name", "comments"), ("post.title",), ("~.name", "post.comments")),
    "org_office": Kind(
        "org/office", ("name", "phone1", "comments"), ("organisation_id$comments", "location_id$addr_street"),
        ("~.comments", "~.organisation_id$name", "~.(location)$comments"),
        {"organisation_id": "org_organisation", "location_id": "gis_location"},
    ),
    "event_event": Kind(
        "event/event", ("name", "comments"), ("incident.action_plan", "organisation_id$acronym"), ("~.name", "~.(organisation)$comments"),
        {"organisation_id": "org_organisation"},
    ),
    "event_incident": Kind(
        # event_id itself: its representation is a part of the record
        "event/incident", ("name", "action_plan", "comments"), ("event_id", "event_id$comments", "location_id$comments"),
        ("~.action_plan", "~.event_id$name", "~.(location)$name"), {"event_id": "event_event", "location_id": "gis_location"},
    ),
    "event_incident_report": Kind(
        "event/incident_report", ("name", "reported_by", "contact", "description", "needs", "comments"), ("location_id$name",),
        ("~.needs", "~.location_id$comments"), {"location_id": "gis_location"},
    ),
    "cms_post": Kind(
        "cms/post", ("name", "title", "body", "comments"), ("series_id$comments", "location_id$name", "comment.body"),
        ("~.title", "~.series_id$name", "comment.body", "~.(location)$addr_street"),
        {"series_id": "cms_series", "location_id": "gis_location"},
    ),
}  # fmt: skip

#: tables whose records wait for approval
REVIEWED = ("cms_post", "event_incident", "org_office")
#: joined tables that never follow the page: they have rules of their own
ALWAYS_RULED = ("cms_series", "gis_location", "org_organisation", "event_event")

CONFIG = f"""
settings.auth.record_approval = True
settings.auth.record_approval_required_for = {list(REVIEWED)!r}
settings.auth.record_approval_manual = {list(REVIEWED)!r}
settings.auth.login_attempts_per_account = 10 ** 9
settings.msg.outbox_batch = 10 ** 6
settings.msg.notify_max_attempts = 10 ** 6
settings.modules["org"] = settings.modules.get("org") or {{}}

def _show(tablename, fields):
    def customise(r, name):
        current.s3db.configure(tablename, list_fields=fields)
    return customise

for _name, _fields in { {name: [*kind.cells, *kind.joined] for name, kind in KINDS.items()}!r}.items():
    settings["customise_%s_resource" % _name] = _show(_name, _fields)

def _customise_reports(**attr):
    # a rule of the controller: closed reports are for those who hold P00
    from s3 import FS
    if not current.auth.s3_has_role("P00"):
        current.response.s3.filter = FS("~.closed") == False
    return attr
settings.customise_event_incident_report_controller = _customise_reports
"""


@dataclass
class User:
    user_id: int
    pe_id: int
    person_id: int
    email: str
    state: str = ""


@dataclass
class Subscribed:
    """A subscribed resource. What has been changed up to ``seen`` was told, or was not to be told."""

    id: int
    subscription_id: int
    tablename: str
    url: str
    filters: list[list[str]]
    notify_on: list[str]
    pe_id: int
    #: None for a group
    user: User | None
    seen: int = 0
    #: why nothing may be delivered any more
    ended: str | None = None


@dataclass
class World:
    rng: random.Random
    #: as which cells get their canaries
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    roles: list[int] = field(default_factory=list)
    organisations: list[int] = field(default_factory=list)
    users: list[User] = field(default_factory=list)
    #: pe_id: user ids of the members
    groups: dict[int, set[int]] = field(default_factory=dict)
    group_ids: dict[int, int] = field(default_factory=dict)
    subscribed: dict[int, Subscribed] = field(default_factory=dict)
    records: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in KINDS})
    #: (table, record, "new" or "upd") in the order of the changes
    changes: list[tuple[str, int, str]] = field(default_factory=list)
    canaries: int = 0

    def canary(self) -> str:
        self.canaries = next(self.numbers)
        return f"zq{self.canaries:07d}qz"

    def user_of(self, pe_id: int) -> User | None:
        return next((user for user in self.users if user.pe_id == pe_id), None)

    # -- records -------------------------------------------------------------------------------------------------------
    def owners(self) -> dict[str, Any]:
        rng = self.rng
        realms = [None, None, *self.organisations, *(user.pe_id for user in rng.sample(self.users, 3))] if self.users else [None]
        return {
            "realm_entity": rng.choice(realms),
            "owned_by_user": rng.choice([None, *(user.user_id for user in self.users)]),
            "owned_by_group": rng.choice([None, None, *self.roles]),
        }

    def insert(self, current: Any, tablename: str) -> int:
        kind, rng = KINDS[tablename], self.rng
        values: dict[str, Any] = {name: self.canary() for name in kind.cells}
        values.update(self.owners())
        values.update({key: rng.choice([None, *self.records[other] * 2]) for key, other in kind.keys.items() if self.records[other]})
        if tablename in REVIEWED:
            values["approved_by"] = rng.choice([None, 0, 0])
        if tablename == "event_incident_report":
            values["closed"] = rng.random() < 0.3
        record_id = int(current.s3db[tablename].insert(**values))
        self.records[tablename].append(record_id)
        self.changes.append((tablename, record_id, "new"))
        if tablename == "cms_post" and rng.random() < 0.5:
            current.s3db.cms_comment.insert(post_id=record_id, body=self.canary(), **self.owners())
        return record_id

    def update(self, current: Any, tablename: str) -> None:
        record_id = self.rng.choice(self.records[tablename])
        cells = self.rng.sample(KINDS[tablename].cells, 2)
        table = current.s3db[tablename]
        current.db(table.id == record_id).update(**{name: self.canary() for name in cells})
        self.changes.append((tablename, record_id, "upd"))

    def expected(self, subscribed: Subscribed) -> set[int]:
        """The records that were changed in the way that is asked for since the last round."""
        mine = [(record, kind) for name, record, kind in self.changes[subscribed.seen :] if name == subscribed.tablename]
        new = {record for record, kind in mine if kind == "new"}
        found = new if "new" in subscribed.notify_on else set()
        return found | ({record for record, _ in mine} - new if "upd" in subscribed.notify_on else set())


def build_world(current: Any, seed: int) -> World:
    """Insert everything. Rows are written as they are where the hooks of the tables have nothing to add."""
    world = World(random.Random(seed))
    auth, s3db = current.auth, current.s3db
    auth.override = True
    _add_organisations(current, world)
    for number in range(ROLES):
        world.roles.append(auth.s3_create_role(f"Proof {number}", uid=f"P{number:02d}"))
    _add_rules(current, world)
    _add_users(current, world)
    for tablename in KINDS:
        for _ in range(RECORDS):
            world.insert(current, tablename)
    _add_groups(current, world)
    current.db.commit()  # subscriptions tell of what is committed after they were made
    for _ in range(SUBSCRIPTIONS):
        _subscribe(s3db, world)
    world.changes.clear()
    return world


def _add_organisations(current: Any, world: World) -> None:
    """Two roots, two branches each, two of each of these."""
    level: list[int | None] = [None]
    for _ in range(3):
        below: list[int | None] = []
        for parent in level:
            for _ in range(2):
                kind = KINDS["org_organisation"]
                pe_id = entity(current, **{name: world.canary() for name in kind.cells})
                if parent:
                    affiliate(current, parent, pe_id)
                below.append(pe_id)
                world.organisations.append(pe_id)
        level = below
    table = current.s3db.org_organisation
    for row in current.db(table.pe_id.belongs(world.organisations)).select(table.id, table.pe_id):
        world.records["org_organisation"].append(row.id)
        current.db(table.id == row.id).update_naive(realm_entity=row.pe_id)


def _add_rules(current: Any, world: World) -> None:
    rng, update_acl = world.rng, current.auth.permission.update_acl
    ruled = {*ALWAYS_RULED, *rng.sample(sorted(set(KINDS) - set(ALWAYS_RULED)), 2)}
    for role in world.roles:
        for tablename in rng.sample(sorted(KINDS), 6):
            c, f = KINDS[tablename].url.split("/")
            update_acl(role, c=c, **_bits(rng))
            if rng.random() < 0.4:
                update_acl(role, c=c, f=f, **_bits(rng))
        for tablename in rng.sample(sorted(ruled), 4):
            update_acl(role, t=tablename, **_bits(rng))
            if rng.random() < 0.1:
                update_acl(role, t=tablename, entity=rng.choice(["any", *world.organisations]), **_bits(rng))
    anonymous = current.auth.get_system_roles().ANONYMOUS
    for tablename in rng.sample(sorted(KINDS), 4):
        c, f = KINDS[tablename].url.split("/")
        update_acl(anonymous, c=c, f=f, uacl=READ)
        update_acl(anonymous, t=tablename, uacl=READ)


def _bits(rng: random.Random) -> dict[str, int]:
    uacl = rng.choice([0, READ, READ, READ | UPDATE])
    return {"uacl": uacl, "oacl": uacl | rng.choice([0, READ, READ | APPROVE])}


def _add_users(current: Any, world: World) -> None:
    from s3.s3aaa import hash_password

    auth, s3db, rng = current.auth, current.s3db, world.rng
    password = hash_password(cast.PASSWORD, auth.hmac_key, iterations=1)
    authenticated = auth.get_system_roles().AUTHENTICATED
    memberships = auth.table("auth_membership")
    units = {pe_id: s3db.pr_role.insert(pe_id=pe_id, role="Staff", role_type=1) for pe_id in world.organisations}
    for number in range(USERS):
        email = f"user{number}@proof.example"
        user_id = int(current.db.auth_user.insert(first_name="User", last_name=str(number), email=email, password=password, language="en"))
        pe_id = entity(current, "pr_person", first_name="User", last_name=str(number))
        person = current.db(s3db.pr_person.pe_id == pe_id).select(s3db.pr_person.id).first()
        s3db.pr_person_user.insert(pe_id=pe_id, user_id=user_id)
        s3db.pr_contact.insert(pe_id=pe_id, contact_method="EMAIL", value=email)
        s3db.pr_affiliation.insert(role_id=units[rng.choice(world.organisations)], pe_id=pe_id)
        memberships.insert(user_id=user_id, group_id=authenticated)
        for role in rng.sample(world.roles, rng.randint(1, 4)):
            memberships.insert(user_id=user_id, group_id=role, pe_id=rng.choice([None, 0, *rng.sample(world.organisations, 3)]))
        world.users.append(User(user_id, pe_id, int(person.id), email))


def _add_groups(current: Any, world: World) -> None:
    s3db = current.s3db
    for number in range(GROUPS):
        group_id = int(s3db.resource("pr_group").insert(name=f"Group {number}"))
        pe_id = int(current.db(s3db.pr_group.id == group_id).select(s3db.pr_group.pe_id).first().pe_id)
        members = world.rng.sample(world.users, 4)
        for member in members:
            s3db.pr_group_membership.insert(group_id=group_id, person_id=member.person_id)
        world.groups[pe_id], world.group_ids[pe_id] = {member.user_id for member in members}, group_id


def _subscribe(s3db: Any, world: World) -> None:
    rng = world.rng
    tablename = rng.choice(sorted(KINDS))
    kind = KINDS[tablename]
    user = rng.choice(world.users) if rng.random() < 0.9 else None
    pe_id = user.pe_id if user else rng.choice(sorted(world.groups))
    filters = [[f"{selector}__like", f"*{rng.randint(0, 9)}*"] for selector in kind.filters if rng.random() < 0.25]
    url = kind.url + rng.choice(["", "", f"?~.{kind.cells[-1]}__like=*{rng.randint(0, 9)}*"])
    filter_id = s3db.pr_filter.insert(pe_id=pe_id, title="Proof", query=json.dumps(filters)) if filters else None
    notify_on = rng.choice([["new"], ["upd"], ["new", "upd"], ["new", "upd"]])
    subscription_id = int(s3db.pr_subscription.insert(
        pe_id=pe_id, filter_id=filter_id, notify_on=notify_on, frequency="immediately", method=["EMAIL"],
        email_format=rng.choice(["text", "html"])))  # fmt: skip
    resource_id = int(s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource=tablename, url=url))
    world.subscribed[resource_id] = Subscribed(resource_id, subscription_id, tablename, url, filters, notify_on, pe_id, user)
