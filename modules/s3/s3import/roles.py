"""Roles and their permission rules from a CSV file, auth_roles.csv.

Columns: uid, role, description, controller, function, table, entity, uacl, oacl, hidden, system, protected. One row for each
rule; the rows of one role have the same name in ``role``. Other columns are notes.
"""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gluon import current

from s3.s3error import S3DataError, S3Error
from s3.s3import.rows import Row, read_rows

__all__ = ("import_roles",)

FLAGS = ("hidden", "system", "protected")
TRUE = ("1", "true", "yes")
FALSE = ("0", "false", "no")
# of what an entity is named by without further words
DEFAULT_ENTITY = "org_organisation.name"


def import_roles(path: Path, name: str | None = None) -> list[str]:
    """Create the roles of a file or complete them; rules replace those for the same page or table.

    Args:
        name: what the file is called in messages

    Returns:
        what is wrong with the file; nothing may be kept then
    """
    name = name or path.name
    names, rows = read_rows(path)
    if "role" not in names:
        return [f"{name}, line 1: there is no column 'role'"]
    problems: list[str] = []
    roles: dict[str, list[Row]] = {}
    for row in rows:
        if row.cells.get("role"):
            roles.setdefault(row.cells["role"], []).append(row)
        else:
            problems.append(f"{name}, line {row.line}, column 'role': enter the name of a role")
    for role, own in roles.items():
        problems.extend(f"{name}, {problem}" for problem in _import_role(role, own))
    return problems


def _import_role(role: str, rows: list[Row]) -> Iterable[str]:
    problems: list[str] = []
    acls: list[dict[str, Any]] = []
    flags: dict[str, bool] = {}
    for row in rows:
        try:
            flags = flags or _flags(row)
            acl = _rule(row)
        except S3Error as error:
            problems.append(f"line {row.line}, {error}")
            continue
        acls += [acl] if acl else []
    if not problems:
        first = {key: value for row in reversed(rows) for key, value in row.cells.items()}
        uid = first.get("uid") or _known_uid(role)
        current.auth.s3_create_role(role, first.get("description"), *acls, uid=uid, **flags)
    return problems


def _known_uid(role: str) -> str | None:
    """UID of the role of this name, if there is one."""
    table = current.auth.table("auth_group")
    row = current.db((table.role == role) & (table.deleted == False)).select(table.uuid, limitby=(0, 1)).first()
    return row.uuid if row else None


def _flags(row: Row) -> dict[str, bool]:
    """The flags of a role: those of the first of its rows that has any."""
    return {name: _boolean(name, row.cells[name]) for name in FLAGS if name in row.cells}


def _boolean(column: str, cell: str) -> bool:
    if cell.lower() not in TRUE + FALSE:
        raise S3DataError(f"column {column!r}: must be true or false, not {cell!r}")
    return cell.lower() in TRUE


def _rule(row: Row) -> dict[str, Any] | None:
    """Keywords of S3Permission.update_acl; None if the row is about the role alone."""
    cells = row.cells
    page = {"c": cells.get("controller"), "f": cells.get("function")} if not cells.get("table") else {"t": cells["table"]}
    if not any(page.values()):
        if "uacl" in cells or "oacl" in cells:
            raise S3DataError("column 'uacl': the rule has neither controller nor function nor table")
        return None
    rule: dict[str, Any] = {key: value for key, value in page.items() if value}
    for column in ("uacl", "oacl"):
        if column in cells:
            rule[column] = _bits(column, cells[column])
    if "entity" in cells:
        rule["entity"] = _entity(cells["entity"])
    return rule


def _bits(column: str, cell: str) -> int:
    permission = current.auth.permission
    bits = 0
    for name in cell.split("|"):
        value = getattr(permission, name.strip().upper(), None) if name.strip().upper() in (*_names(), "NONE") else None
        if value is None:
            raise S3DataError(f"column {column!r}: {name.strip()!r} is no permission, only {', '.join(_names())} and NONE")
        bits |= value
    return bits


def _names() -> tuple[str, ...]:
    return ("READ", "CREATE", "UPDATE", "DELETE", "REVIEW", "APPROVE", "PUBLISH", "ALL")


def _entity(cell: str) -> int | str:
    """pe_id of the entity that a rule is for, or "any"."""
    if cell.lower() == "any":
        return "any"
    if cell.isdigit():
        return int(cell)
    selector, separator, value = cell.partition("=")
    if not separator:
        selector, value = DEFAULT_ENTITY, cell
    tablename, _, name = selector.strip().partition(".")
    table = current.s3db.table(tablename, db_only=True) if "_" in tablename else None
    if table is None or name not in table.fields or "pe_id" not in table.fields:
        raise S3DataError(f"column 'entity': {selector.strip()!r} is no field of a person entity")
    rows = current.db((table[name] == value.strip()) & (table.deleted == False)).select(table.pe_id, limitby=(0, 2))
    if len(rows) != 1 or not rows.first().pe_id:
        raise S3DataError(f"column 'entity': there {'are several' if rows else 'is no'} {tablename} with {name} {value.strip()!r}")
    return int(rows.first().pe_id)
