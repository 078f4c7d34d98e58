"""Who may see and set what in a document: records of the resource itself, of its components, and of what they refer to.

A document crosses tables. The page that serves it decides about its own table and its components, as their tabs do. What
these refer to is shown and written only to those who could open the page of that table, too; and nobody reaches accounts,
messages and the machinery from the page of other data.
"""
from __future__ import annotations

from typing import Any

from gluon import current

from s3.s3fields import s3_all_meta_field_names
from s3.s3query.client import is_secret, table_objection
from s3.s3utils import original_name
from s3dal import Field, Query, Table

__all__ = (
    "is_closed",
    "is_exchanged",
    "is_guarded",
    "is_protected",
    "is_shown",
    "is_super_entity",
    "is_trusted",
    "is_written",
    "may_write",
    "readable_records",
    "super_keys",
)

ACCOUNTS = "auth_user"
# Types whose content no document holds
OPAQUE_TYPES = frozenset(("blob", "password"))
# A table is open for a method unless its configuration closes it
METHOD_SWITCHES = {"create": "insertable", "update": "editable", "delete": "deletable"}


def is_trusted() -> bool:
    """Whether to exchange fields that pages hide, and who has written a record when: with administrators and code."""
    auth = current.auth
    return bool(auth.override or auth.s3_has_role("ADMIN"))


def is_protected(field: Field) -> bool:
    """Whether nobody sets the field by a document: the id, meta fields, secrets."""
    return field.type == "id" or field.name in s3_all_meta_field_names() or is_secret(field.name)


def is_exchanged(field: Field) -> bool:
    """Whether documents can hold this field as such: nothing protected, no files, and nothing that is of use here only."""
    if field.type in OPAQUE_TYPES or is_protected(field):
        return False
    return field.name not in (current.s3db.get_config(field.table, "local_fields") or ())


def is_shown(field: Field, trusted: bool) -> bool:
    """Whether to export a field."""
    return is_exchanged(field) and bool(trusted or field.readable)


def is_written(field: Field, trusted: bool) -> bool:
    """Whether to import a field."""
    return is_exchanged(field) and bool(trusted or field.writable)


def super_keys(table: Table) -> set[str]:
    """Keys to the super-records of a table, which every database gives anew."""
    return set(current.s3db.get_super_keys(table))


def is_closed(master: str, tablename: str, trusted: bool) -> bool:
    """Whether a document about the master table can have nothing to do with this table."""
    if trusted:
        return False
    is_account = tablename == ACCOUNTS and master.partition("_")[0] != tablename.partition("_")[0]
    return is_account or table_objection(master, tablename) is not None


def is_super_entity(table: Table) -> bool:
    """Whether the records are written with their instances only."""
    return "instance_type" in table.fields and table._id.name != "id"


def is_guarded(tablename: str, trusted: bool) -> bool:
    """Whether the deployment has a hook around the page of a table, which may hide records that no permission protects."""
    return not trusted and current.deployment_settings.get(f"customise_{tablename}_controller") is not None


def readable_records(master: str, table: Table, trusted: bool) -> Query:
    """The records of a table that a document about the master table may show."""
    if is_closed(master, original_name(table), trusted):
        return table._id == 0
    query = current.auth.s3_accessible_query("read", table)
    if not trusted:
        prefix, _, name = original_name(table).partition("_")
        query &= current.auth.permission.accessible_query("read", table, c=prefix, f=name)
    return query & (table.deleted == False) if "deleted" in table.fields else query


def may_write(method: str, table: Table, record_id: Any, master: str, is_own: bool) -> bool:
    """Whether the user may do this with a record of a document about the master table.

    Args:
        method: create, update or delete
        is_own: the table is the master table, or a component of it
    """
    auth, tablename = current.auth, original_name(table)
    if auth.override:
        return True
    if not current.s3db.get_config(tablename, METHOD_SWITCHES[method], True):
        return False
    if not auth.s3_has_permission(method, table, record_id=record_id):
        return False
    if is_own:
        return True
    prefix, _, name = tablename.partition("_")
    if is_closed(master, tablename, is_trusted()):
        return False
    return bool(auth.permission.has_permission(method, c=prefix, f=name, t=table, record=record_id))
