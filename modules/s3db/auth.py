"""What the model loader knows about the auth tables, which AuthS3 defines itself."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3 import AUTH_INDEXES, S3Model, S3Represent
from s3dal import Row

__all__ = ("AuthModel", "auth_UserRepresent")


class AuthModel(S3Model):
    """Accounts with their roles; accounts themselves are there in every request."""

    names = ("auth_group", "auth_membership", "auth_event", "auth_organisation")

    def model(self) -> dict[str, Any]:
        for name in self.names:
            current.auth.table(name)
        for tablename, columns in AUTH_INDEXES.items():
            self.configure(tablename, indexes=columns)
        self.add_components("auth_user", auth_membership="user_id", pr_person_user="user_id")
        self.add_components("auth_group", auth_membership="group_id")
        return {}


class auth_UserRepresent(S3Represent):
    """Name and address of an account, ``Jane Doe <jane@example.org>``."""

    def __init__(self, **attr: Any) -> None:
        super().__init__(lookup="auth_user", fields=("first_name", "last_name", "email"), **attr)

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        name = " ".join(part for part in (row.first_name, row.last_name) if part)
        return f"{name} <{row.email}>" if name else str(row.email)
