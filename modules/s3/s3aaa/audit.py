"""The log of what was changed in accounts, roles, memberships and permission rules: who, when, from where, what it was and is.

DAL hooks write it, in the transaction of the change, so that there is no change without its entry, whoever makes it. Secrets are
never in it: of a password it says that it changed, of a key that confirms an address no more than that it stands there.
"""
from __future__ import annotations

import datetime as dt
import json
from typing import Any

from gluon import current

from s3.s3aaa.client import client_address
from s3.s3datetime import utcnow
from s3dal import Expression, Row, Set, Table

__all__ = ("account_state", "audit", "prune_events")

# What changes without anybody having decided anything
_BOOKKEEPING = frozenset((
    "id", "uuid", "mci", "created_on", "created_by", "modified_on", "modified_by", "timestmp", "reset_password_key", "deleted_fk",
    "deleted_rb", "approved_by", "owned_by_user", "owned_by_group", "realm_entity",
))  # fmt: skip
_STATES = ("pending", "disabled", "blocked")
_HIDDEN = "***"


def account_state(registration_key: str | None) -> str:
    """Why an account cannot be used: pending, disabled, blocked, or unverified; empty if it can."""
    if not registration_key:
        return ""
    return registration_key if registration_key in _STATES else "unverified"


def audit(table: Table) -> None:
    """Note down every change of this table from now on."""
    table._after_insert.append(lambda values, record_id: _note_insert(table, values, record_id))
    table._before_update.append(_remember)
    table._after_update.append(_note_update)
    table._before_delete.append(_remember)
    table._after_delete.append(_note_delete)


def prune_events(now: dt.datetime) -> int:
    """Delete what is older than settings.auth.audit_retention; gives the number. Commits nothing."""
    days = current.deployment_settings.get_auth_audit_retention()
    if days is None:
        return 0
    table = current.auth.table("auth_event")
    return int(current.db(table.time_stamp < now - dt.timedelta(days=days)).delete())


# -- the hooks ---------------------------------------------------------------------------------------------------------
def _note_insert(table: Table, values: Any, record_id: Any) -> None:
    given = {name: values[name] for name in values.keys() if name in table.fields}
    changes = _changes(table, {}, {name: value for name, value in given.items() if not _is_empty(value)})
    _note(table, int(record_id), "created", changes)


def _remember(qset: Set, *values: Any) -> None:
    """Keep the old values: after the change the condition may not match the same rows any more."""
    table = _table_of(qset)
    is_update = bool(values)
    if is_update and not _audited(table, values[0].keys()):
        qset._s3_audited = []
        return
    qset._s3_audited = list(qset.select(table.ALL))


def _note_update(qset: Set, values: Any) -> None:
    table = _table_of(qset)
    names = _audited(table, values.keys())
    for old in qset._s3_audited:
        changes = _changes(table, old, {name: values[name] for name in names})
        if changes:
            _note(table, old.id, _action(changes), changes)


def _note_delete(qset: Set) -> None:
    table = _table_of(qset)
    for old in qset._s3_audited:
        _note(table, old.id, "deleted", _changes(table, old, dict.fromkeys(_audited(table, table.fields))))


def _table_of(qset: Set) -> Table:
    return qset.db._adapter.get_table(qset.query)


# -- what changed ------------------------------------------------------------------------------------------------------
def _audited(table: Table, names: Any) -> list[str]:
    return [name for name in names if name in table.fields and name not in _BOOKKEEPING]


def _changes(table: Table, old: Row | dict[str, Any], new: dict[str, Any]) -> dict[str, list[Any]]:
    """{field: [old value, new value]} of what differs, as it may be shown."""
    changes = {}
    for name in _audited(table, new):
        before, after = old.get(name), new[name]
        if not isinstance(after, Expression) and (before == after or (_is_empty(before) and _is_empty(after))):
            continue
        if name == "registration_key":
            before, after = account_state(before), account_state(after)
        elif table[name].type == "password":
            before, after = before and _HIDDEN, after and _HIDDEN
        changes[name] = [_plain(before), _plain(after)]
    return changes


def _is_empty(value: Any) -> bool:
    # 0 says something: the realm of the whole site, a rule that gives nothing
    return value is None or value is False or value == ""


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, str, list)) else str(value)


def _action(changes: dict[str, list[Any]]) -> str:
    if "deleted" in changes:
        return "deleted" if changes["deleted"][1] else "restored"
    return "updated"


def _note(table: Table, record_id: int, action: str, changes: dict[str, list[Any]]) -> None:
    auth, request = current.auth, current.request
    auth.table("auth_event").insert(
        time_stamp=utcnow(),
        client_ip=client_address(),
        user_id=auth.user_id,
        origin=f"{request.controller}/{request.function}",
        description=f"{table._tablename} {record_id} {action}",
        action=action,
        tablename=table._tablename,
        record_id=record_id,
        changes=json.dumps(changes),
    )
