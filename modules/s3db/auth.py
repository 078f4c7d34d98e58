"""What the model loader knows about the auth tables, which AuthS3 defines itself."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3 import AUTH_INDEXES, S3Model

__all__ = ("AuthModel",)


class AuthModel(S3Model):
    """Accounts with their roles; accounts themselves are there in every request."""

    names = ("auth_group", "auth_membership", "auth_event")

    def model(self) -> dict[str, Any]:
        for name in self.names:
            current.auth.table(name)
        for tablename, columns in AUTH_INDEXES.items():
            self.configure(tablename, indexes=columns)
        self.add_components("auth_user", auth_membership="user_id", pr_person_user="user_id")
        self.add_components("auth_group", auth_membership="group_id")
        return {}
