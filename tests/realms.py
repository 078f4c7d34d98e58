"""Organisations, affiliations and policies for the tests of permissions."""
from __future__ import annotations

from typing import Any

from s3.s3aaa import S3Permission


def use_policy(current: Any, policy: int, **settings: Any) -> Any:
    """Decide by another policy from now on; gives AuthS3.

    Args:
        settings: section__key=value
    """
    current.deployment_settings.security.policy = policy
    for name, value in settings.items():
        section, key = name.split("__")
        current.deployment_settings[section][key] = value
    current.auth.permission = S3Permission(current.auth)
    return current.auth


def as_user(current: Any, user_id: int | None, policy: int, **settings: Any) -> Any:
    auth = use_policy(current, policy, **settings)
    auth.s3_impersonate(user_id)
    return auth


def entity(current: Any, tablename: str = "org_organisation", **data: Any) -> int:
    """Insert an entity; gives its pe_id."""
    s3db = current.s3db
    table = s3db[tablename]
    if tablename == "org_organisation":
        data.setdefault("name", "Organisation")
    record = {**data, "id": table.insert(**data)}
    s3db.update_super(table, record)
    return int(record["pe_id"])


def affiliate(current: Any, parent: int, child: int, role_type: int = 1) -> None:
    s3db = current.s3db
    role = s3db.pr_role.insert(pe_id=parent, role="Units", role_type=role_type)
    s3db.pr_affiliation.insert(role_id=role, pe_id=child)


def statements(current: Any, function: Any) -> list[str]:
    """The SQL statements that a call sends."""
    from pydal.helpers.classes import ExecutionHandler

    sent: list[str] = []

    class Recorder(ExecutionHandler):
        def before_execute(self, command: str) -> None:
            sent.append(command)

    adapter = current.db._adapter
    before, adapter.execution_handlers = adapter.execution_handlers, [Recorder]
    try:
        function()
    finally:
        adapter.execution_handlers = before
    return sent
