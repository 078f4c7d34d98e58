"""The people of the tests: anna subscribes and may read, ben subscribes and may not, guest has no account, admin may everything."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PASSWORD = "cast-password"


@dataclass(frozen=True)
class Actor:
    """One account with its person, as it stands in the database."""

    name: str
    email: str
    user_id: int
    pe_id: int
    person_id: int


#: name: (first name, last name, e-mail, role uids)
PEOPLE = {
    "admin": ("Ada", "Admin", "admin@cast.example", ("ADMIN",)),
    "anna": ("Anna", "Abel", "anna@cast.example", ("AUTHENTICATED", "READER")),
    "ben": ("Ben", "Bruck", "ben@cast.example", ("AUTHENTICATED",)),
    "editor": ("Edda", "Ernst", "editor@cast.example", ("AUTHENTICATED", "READER", "WRITER")),
}

#: what the roles of the cast may do, on top of the system roles
READ, WRITE = 0x02, 0x07
CONTROLLERS = ("cms", "org", "gis", "pr")


def create_roles(auth: Any) -> None:
    for uid, acl in (("READER", READ), ("WRITER", WRITE)):
        rules = [{"c": controller, "uacl": acl, "oacl": acl} for controller in CONTROLLERS if controller != "pr"]
        rules.append({"t": "cms_post", "uacl": acl, "oacl": acl})
        auth.s3_create_role(uid.title(), f"Cast: {uid.lower()}", *rules, uid=uid)


def create_people(auth: Any, db: Any, password_hash: str) -> dict[str, Actor]:
    """Insert the accounts with roles, person and EMAIL contact."""
    return {name: _create(auth, db, name, password_hash) for name in PEOPLE}


def _create(auth: Any, db: Any, name: str, password_hash: str) -> Actor:
    first_name, last_name, email, roles = PEOPLE[name]
    table = db.auth_user
    names = {"first_name": first_name, "last_name": last_name, "email": email}
    user_id = table.insert(**names, password=password_hash, registration_key="", language="en")
    for uid in roles:
        auth.s3_assign_role(user_id, uid)
    person_id = auth.s3_link_to_person(db(table.id == user_id).select(limitby=(0, 1)).first())
    return Actor(name, email, int(user_id), int(auth.s3_user_pe_id(user_id)), int(person_id))
