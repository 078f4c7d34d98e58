"""Random rules, roles, hierarchies and records: decision, record filter and a naive reading of the rules say the same.

For each of the seven policies, on each database. The oracle goes from one record to the rules, without any of the short cuts of
the real thing: it knows no grants, no merged rules, no SQL.
"""
from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from realms import affiliate, as_user, entity

C, F, TABLE = "org", "office_type", "org_office_type"
BITS = {"read": 2, "update": 4, "delete": 8, "review": 16, "approve": 32, "never heard of": 4}
ANY = "any"
ORGS, PERSONS = range(4), ("ben", "pia")
ENTITIES = (*ORGS, *PERSONS)
ROLES = ("R0", "R1", "R2")
SYSTEM = ("AUTHENTICATED", "ANONYMOUS")


@dataclass
class Scene:
    """What is drawn; entities, roles and users by name."""

    policy: int
    user: str | None
    is_strict: bool
    is_open: bool
    needs_approval: bool
    memberships: list[tuple[str, object]]
    edges: list[tuple[object, object, int]]
    rules: list[tuple[str, str, int, int, object]]
    records: list[dict[str, object]]
    owned_by_session: set[int] = field(default_factory=set)


# few of each, so that rules, roles, hierarchy and records meet; many rules, since most scenes with few permit nothing
bits = st.sampled_from([0, 2, 2, 6, 6, 14, 2 | 16, 16 | 32, 0x7F])
rule = st.tuples(
    st.sampled_from((*ROLES, *ROLES, *ROLES, *SYSTEM)),
    # the controller, the function, the table, and the same of others
    st.sampled_from(["c", "f", "f", "t", "t", "t", "other f", "other c", "other t"]),
    bits,
    bits,
    st.sampled_from([None, None, None, None, ANY, *ENTITIES]),
)
realms = st.sampled_from([None, *ORGS, *PERSONS, *PERSONS])
record = st.fixed_dictionaries({
    "realm": realms,
    "user": st.sampled_from([None, None, "ben", "admin"]),
    "group": st.sampled_from([None, *ROLES, *SYSTEM]),
    "approved": st.sampled_from([None, 0]),
})
edge = st.tuples(st.sampled_from(ORGS), st.sampled_from((*ORGS, *PERSONS, *PERSONS)), st.sampled_from([1, 1, 1, 2]))
membership = st.tuples(
    st.sampled_from((*ROLES, *ROLES, "AUTHENTICATED")), st.sampled_from([None, 0, *[("org", number) for number in ORGS] * 2]))
scene = st.builds(
    Scene,
    policy=st.sampled_from([1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 7, 7, 7, 7]),
    user=st.sampled_from([None, "admin", *["ben"] * 8]),
    is_strict=st.booleans(),
    is_open=st.booleans(),
    needs_approval=st.sampled_from([False, False, True]),
    memberships=st.lists(membership, min_size=2, max_size=5),
    edges=st.lists(edge, min_size=3, max_size=7),
    rules=st.lists(rule, min_size=5, max_size=11),
    records=st.lists(record, min_size=6, max_size=8),
    owned_by_session=st.sets(st.integers(0, 5)),
)


class Oracle:
    """Reads the rules for one record at a time."""

    def __init__(self, drawn: Scene) -> None:
        self.scene = drawn
        self.is_admin = drawn.user == "admin"
        self.has_realms = drawn.policy >= 6
        roles = {"ANONYMOUS"}
        if drawn.user == "ben":
            roles |= {role for role, _ in drawn.memberships}
        self.roles = {role: self.realm(role) for role in roles}
        self.roles = {role: realm for role, realm in self.roles.items() if realm}

    def parents(self, entity):
        return {parent for parent, child, kind in self.scene.edges if child == entity and kind == 1}

    def ancestors(self, entity):
        found, new = set(), self.parents(entity)
        while new - found:
            found |= new
            new = set().union(*(self.parents(item) for item in found))
        return found

    def realm(self, role):
        """ANY or a set of entities."""
        held_for = [realm for name, realm in self.scene.memberships if name == role]
        if not self.has_realms or role in SYSTEM or 0 in held_for:
            return ANY
        entities = set()
        for realm in held_for:
            entities |= self.parents("ben") if realm is None else {realm[1]}
        if self.scene.policy == 7:
            entities |= {org for org in ORGS if self.ancestors(org) & entities}
        return entities

    def is_about(self, rule, entity):
        """Whether a rule names these records, or everything; everything is asked for as ANY, and is no entity."""
        role, _, _, _, of = rule
        if not self.has_realms or of == ANY:
            return entity == ANY
        if of is not None:
            return entity == of
        return entity == ANY if self.roles[role] == ANY else entity in self.roles[role]

    def bits(self, kind, entity, which):
        """OR of the rules of a kind about an entity; None if there are none."""
        found = [
            rule[which] for rule in self.scene.rules if rule[0] in self.roles and rule[1] == kind and self.is_about(rule, entity)
        ]
        result = None
        for value in found:
            result = (result or 0) | value
        return result

    def level(self, entity, which):
        page = table = 0x7F
        if not self.scene.is_open:
            page = 0
            for about in {ANY, entity}:
                function = self.bits("f", about, which) if self.scene.policy >= 4 else None
                controller = self.bits("c", about, which)
                page |= (controller or 0) if function is None else function
        if self.scene.policy >= 5 and any(rule[1] == "t" for rule in self.scene.rules):
            table = 0
            for about in {ANY, entity}:
                table |= self.bits("t", about, which) or 0
        return page & table

    def covers(self, record, bit, which):
        realm = record["realm"] if self.has_realms else None
        if realm is None:
            candidates = {ANY, *ENTITIES}
        else:
            candidates = {ANY, realm}
            if self.scene.policy == 7 and realm in PERSONS:
                candidates |= self.ancestors(realm)
        return any(self.level(entity, which) & bit for entity in candidates)

    def owns(self, key, record):
        if self.is_admin:
            return True
        if self.scene.user is None:
            return key in self.scene.owned_by_session
        if record["user"] == "ben":
            return True
        realm = record["realm"] if self.has_realms else None
        if record["user"] is record["group"] is realm is None:
            return not self.scene.is_strict
        held_for = self.roles.get(record["group"])
        return held_for is not None and (held_for == ANY or record["realm"] in held_for)

    def may(self, method, key, record):
        """Without approval."""
        if self.is_admin:
            return True
        bit = BITS[method]
        if self.scene.policy <= 2:
            if bit == 2:
                return True
            if self.scene.user is None:
                return False
            return self.scene.policy == 1 or record["user"] == "ben"
        return self.covers(record, bit, 2) or (self.covers(record, bit, 3) and self.owns(key, record))

    def owns_in_person(self, key, record):
        return key in self.scene.owned_by_session if self.scene.user is None else record["user"] == self.scene.user

    def is_found(self, method, key, record):
        if not self.may(method, key, record):
            return False
        if not self.scene.needs_approval:
            return True
        is_approved = record["approved"] is not None
        return not is_approved if method in ("review", "approve") else is_approved or self.owns_in_person(key, record)

    def is_permitted(self, method, key, record):
        """As found; but reviewers may open what they review, which they find by reviewing."""
        if self.is_found(method, key, record):
            return True
        waits = self.scene.needs_approval and record["approved"] is None
        return waits and method not in ("review", "approve") and self.may(method, key, record) and self.may("review", key, record)


class Stage:
    """The real thing, with what was drawn in its tables."""

    def __init__(self, current, people) -> None:
        self.current, self.people = current, people
        auth = current.auth
        self.entities = {number: entity(current, name=f"Org {number}") for number in ORGS}
        self.entities.update(ben=people["ben"].pe_id, pia=entity(current, "pr_person", first_name="Pia", last_name="Poe"))
        self.roles = {uid: auth.s3_create_role(uid, uid=uid) for uid in ROLES}
        self.roles.update({uid: auth.get_system_role(uid) for uid in SYSTEM})
        self.users = {None: None, "ben": people["ben"].user_id, "admin": people["admin"].user_id}
        self.table = current.s3db[TABLE]
        for name in ("pr_role", "pr_affiliation", "pr_pentity"):
            current.s3db[name]

    def set(self, drawn: Scene) -> dict[int, int]:
        """Gives {position: record id}."""
        current, db, auth = self.current, self.current.db, self.current.auth
        auth.override = True
        for name in ("pr_affiliation", "pr_role", "s3_permission", TABLE):
            db.executesql(f"DELETE FROM {name}")
        db.executesql(f"DELETE FROM auth_membership WHERE user_id = {self.users['ben']}")
        for role, realm in drawn.memberships:
            pe_id = self.entities[realm[1]] if isinstance(realm, tuple) else realm
            auth.table("auth_membership").insert(user_id=self.users["ben"], group_id=self.roles[role], pe_id=pe_id)
        for parent, child, role_type in drawn.edges:
            affiliate(current, self.entities[parent], self.entities[child], role_type)
        for role, kind, uacl, oacl, of in drawn.rules:
            auth.table("s3_permission").insert(
                group_id=self.roles[role], uacl=uacl, oacl=oacl, entity=self.entities.get(of), unrestricted=of == ANY, **_target(kind))
        ids = {
            key: self.table.insert(
                name=f"Record {key}", realm_entity=self.entities.get(row["realm"]), owned_by_user=self.users[row["user"]],
                owned_by_group=self.roles.get(row["group"]), approved_by=row["approved"])
            for key, row in enumerate(drawn.records)
        }
        auth.override = False
        as_user(
            current, self.users[drawn.user], drawn.policy, security__strict_ownership=drawn.is_strict,
            auth__record_approval=drawn.needs_approval, auth__record_approval_required_for=[TABLE],
        )
        current.deployment_settings.modules["org"].restricted = not drawn.is_open
        current.session.owned_records = {TABLE: [str(ids[key]) for key in drawn.owned_by_session if key in ids]}
        return ids

    def found(self, method, ids):
        query = self.current.auth.s3_accessible_query(method, self.table)
        rows = {row.id for row in self.current.db(query).select(self.table.id)}
        return {key for key, record_id in ids.items() if record_id in rows}

    def permitted(self, method, ids):
        return {key for key, record_id in ids.items() if self.current.auth.s3_has_permission(method, self.table, record_id)}


def _target(kind):
    prefix, _, what = kind.rpartition(" ")
    if what == "t":
        return {"tablename": "org_office" if prefix else TABLE}
    if what == "f":
        return {"controller": C, "function": "office" if prefix else F}
    return {"controller": "pr" if prefix else C}


@pytest.fixture
def stage(app):
    with app.env(c=C, f=F) as current:
        yield Stage(current, app.people)


def test_decision_and_record_filter_agree_with_a_naive_reading_of_the_rules(stage):
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(scene)
    def check(drawn):
        ids = stage.set(drawn)
        oracle = Oracle(drawn)
        for method in BITS:
            expected = {key for key, row in enumerate(drawn.records) if oracle.is_found(method, key, row)}
            assert stage.found(method, ids) == expected, method
            expected = {key for key, row in enumerate(drawn.records) if oracle.is_permitted(method, key, row)}
            assert stage.permitted(method, ids) == expected, method
            if not drawn.needs_approval:
                assert stage.found(method, ids) == stage.permitted(method, ids), method
        # several methods are any of them
        for methods in (["read", "review"], ["update", "delete"]):
            assert stage.found(methods, ids) == set().union(*(stage.found(method, ids) for method in methods))
            assert stage.permitted(methods, ids) == set().union(*(stage.permitted(method, ids) for method in methods))

    check()
