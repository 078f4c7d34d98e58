"""Accounts from a CSV file.

Columns: email, first_name, last_name, password, roles (UIDs, separated by "|"), organisation (its name). Spreadsheet headers
such as "First Name" and "Role" do as well. An account that is there already is left alone.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

from gluon import current

from s3.s3error import S3DataError
from s3.s3import.rows import Row, read_rows

__all__ = ("import_users",)

COLUMNS = ("email", "first_name", "last_name", "password", "roles", "organisation")
OTHER_NAMES = {"role": "roles", "organization": "organisation", "e-mail": "email"}


def import_users(path: Path, name: str | None = None) -> list[str]:
    """Create the accounts of a file.

    Args:
        name: what the file is called in messages

    Returns:
        what is wrong with the file; nothing may be kept then
    """
    name = name or path.name
    names, rows = read_rows(path)
    columns = {column: _normal(column) for column in names}
    unknown = [column for column, normal in columns.items() if normal not in COLUMNS]
    if unknown or "email" not in columns.values():
        reason = f"column {unknown[0]!r}: only {', '.join(COLUMNS)}" if unknown else "there is no column 'email'"
        return [f"{name}, line 1, {reason}"]
    problems = []
    for row in rows:
        try:
            _create({columns[column]: cell for column, cell in row.cells.items()}, row)
        except S3DataError as error:
            problems.append(f"{name}, line {row.line}, {error}")
    return problems


def _normal(column: str) -> str:
    normal = column.strip().lower().replace(" ", "_")
    return OTHER_NAMES.get(normal, normal)


def _create(cells: dict[str, str], row: Row) -> None:
    auth = current.auth
    email = cells.get("email", "")
    table = auth.table("auth_user")
    if not current.db(table.email == email.lower()).isempty():
        return
    names: dict[str, Any] = {key: cells[key] for key in ("first_name", "last_name") if key in cells}
    if "organisation" in cells:
        names["organisation_id"] = _organisation(cells["organisation"])
    roles = [uid.strip() for uid in cells.get("roles", "").split("|") if uid.strip()]
    missing = next((uid for uid in roles if auth.find_role_id(uid) is None), None)
    if missing:
        raise S3DataError(f"column 'roles': there is no role {missing!r}")
    try:
        auth.create_user(email, password=cells.get("password"), roles=roles, **names)
    except S3DataError as error:
        raise S3DataError(f"column 'email': {error}") from error


def _organisation(name: str) -> int:
    table = current.s3db.org_organisation
    rows = current.db((table.name == name) & (table.deleted == False)).select(table.id, limitby=(0, 2))
    if len(rows) != 1:
        raise S3DataError(f"column 'organisation': there {'are several' if rows else 'is no'} organisation {name!r}")
    return int(rows.first().id)
