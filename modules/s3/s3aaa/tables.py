"""The auth tables: accounts, roles, memberships, permission rules, events, counters of attempts.

Each is defined when it is first needed; a request of an anonymous visitor to an open page needs ``auth_user`` alone, because the
meta fields of all other tables refer to it.
"""
from __future__ import annotations

from collections.abc import Callable

from gluon import current
from gluon.validators import IS_EMAIL, IS_NOT_EMPTY

from s3.s3aaa.audit import audit
from s3.s3aaa.passwords import IS_NEW_PASSWORD
from s3.s3datetime import utcnow
from s3.s3fields import DelegatedRepresent, S3MetaFields, new_uuid
from s3dal import DAL, Field, Table

__all__ = ("AUTH_INDEXES", "AUTH_TABLES", "auth_table")

#: {table: columns that the queries of every request look up}
AUTH_INDEXES = {
    "auth_membership": ["user_id", "group_id"],
    "s3_permission": ["controller", "tablename"],
    "auth_event": ["time_stamp", ("tablename", "record_id")],
}

# Every change of these is in the log of events
_AUDITED = ("auth_user", "auth_group", "auth_membership", "s3_permission")


def _plain(name: str, fieldtype: str = "string", **attr: object) -> Field:
    # requires=None: no form edits these tables, and looking up default validators takes longer than all the rest
    return Field(name, fieldtype, requires=None, **attr)


def _hidden(name: str, fieldtype: str = "string", **attr: object) -> Field:
    return _plain(name, fieldtype, readable=False, writable=False, **attr)


def _define_user(db: DAL) -> Table:
    return db.define_table(
        "auth_user",
        Field("first_name", length=128, notnull=True, requires=IS_NOT_EMPTY()),
        Field("last_name", length=128, default=""),
        Field("email", length=255, unique=True, requires=IS_EMAIL()),
        Field("password", "password", length=512, readable=False, requires=IS_NEW_PASSWORD()),
        _hidden("username", length=255),
        Field("language", length=16),
        # such as Europe/Berlin; of the dates in messages
        Field("timezone", length=64),
        _hidden("organisation_id", "integer", label=current.T("Organization"),
                represent=DelegatedRepresent("org_organisation_represent", lookup="org_organisation")),
        _hidden("org_group_id", "integer"),
        _hidden("site_id", "integer"),
        _hidden("link_user_to", "list:string"),
        # "" is an active account; anything else says why it is not: pending, disabled, blocked, or the key that verifies it.
        # Keys are secrets, so these are passwords too: no page shows and no filter compares them.
        _hidden("registration_key", "password", length=512, default=""),
        _hidden("reset_password_key", "password", length=512, default=""),
        S3MetaFields.deleted(),
        _hidden("timestmp", "datetime"),
        Field("comments", "text"),
        S3MetaFields.uuid(),
        *S3MetaFields.timestamps(),
        format="%(email)s",
    )


def _define_group(db: DAL) -> Table:
    return db.define_table(
        "auth_group",
        _hidden("uuid", length=64, notnull=True, unique=True, default=new_uuid),
        _hidden("hidden", "boolean", notnull=True, default=False),
        _hidden("system", "boolean", notnull=True, default=False),
        _hidden("protected", "boolean", notnull=True, default=False),
        _plain("role", length=255, unique=True),
        _plain("description", "text"),
        S3MetaFields.deleted(),
        *S3MetaFields.timestamps(),
        format="%(role)s",
    )


def _define_membership(db: DAL) -> Table:
    _require(db, "auth_user", "auth_group")
    return db.define_table(
        "auth_membership",
        _plain("user_id", "reference auth_user"),
        _plain("group_id", "reference auth_group"),
        # Realm: None is the user's default realm, 0 the whole site, else the entity
        _plain("pe_id", "integer"),
        *S3MetaFields.sync_meta_fields(),
    )


def _define_permission(db: DAL) -> Table:
    _require(db, "auth_group")
    return db.define_table(
        "s3_permission",
        _plain("group_id", "reference auth_group"),
        _plain("controller", length=64),
        _plain("function", length=512),
        _plain("tablename", length=512),
        _hidden("record", "integer"),
        _plain("oacl", "integer", default=0x7F),
        _plain("uacl", "integer", default=0x02),
        _plain("entity", "integer"),
        _plain("unrestricted", "boolean", default=False),
        *S3MetaFields.sync_meta_fields(),
    )


def _define_event(db: DAL) -> Table:
    _require(db, "auth_user")
    return db.define_table(
        "auth_event",
        _plain("time_stamp", "datetime", default=utcnow),
        _plain("client_ip", length=64),
        _plain("user_id", "reference auth_user", ondelete="SET NULL"),
        _plain("origin", length=512),
        _plain("description", "text"),
        # of a change: created, updated, deleted or restored; the record; {field: [old value, new value]} as JSON
        _plain("action", length=16),
        _plain("tablename", length=64),
        _plain("record_id", "integer"),
        _plain("changes", "text"),
    )


def _define_throttle(db: DAL) -> Table:
    return db.define_table(
        "auth_throttle",
        # what is counted, as a keyed hash
        _plain("name", length=64, notnull=True, unique=True),
        _plain("attempts", "integer", notnull=True, default=0),
        _plain("ends_at", "datetime", notnull=True),
    )


def _define_organisation(db: DAL) -> Table:
    return db.define_table(
        "auth_organisation",
        # whose e-mail addresses end in this domain works for this organisation
        _plain("organisation_id", "integer"),
        _plain("domain", length=255, unique=True),
        # address or role that approves accounts of this domain; empty: they need no approval
        _plain("approver", length=255),
        S3MetaFields.deleted(),
        *S3MetaFields.timestamps(),
    )


AUTH_TABLES: dict[str, Callable[[DAL], Table]] = {
    "auth_user": _define_user,
    "auth_group": _define_group,
    "auth_membership": _define_membership,
    "s3_permission": _define_permission,
    "auth_event": _define_event,
    "auth_throttle": _define_throttle,
    "auth_organisation": _define_organisation,
}


def auth_table(db: DAL, name: str) -> Table:
    """The auth table of this name, defined now if it is not yet."""
    if name in db:
        return db[name]
    table = AUTH_TABLES[name](db)
    if name in _AUDITED:
        audit(table)
    return table


def _require(db: DAL, *names: str) -> None:
    for name in names:
        auth_table(db, name)
