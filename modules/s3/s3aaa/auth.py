"""AuthS3: identity, roles and permissions of one request (``current.auth``)."""
from __future__ import annotations

from collections.abc import Iterable

from gluon import current

from s3.s3aaa.pages import AuthPages
from s3.s3aaa.permission import Method, S3Permission
from s3dal import Query, Table

__all__ = ("AuthS3",)


class AuthS3(AuthPages):
    """What a request may know and do about its user. Made anew for each request, by models/00_db.py."""

    def __init__(self) -> None:
        super().__init__()
        self.permission = S3Permission(self)

    def s3_has_permission(
        self,
        method: Method,
        table: Table | str,
        record_id: int | None = None,
        c: str | None = None,
        f: str | None = None,
    ) -> bool | None:
        """Whether the current user may do this with a table or with one record of it.

        Args:
            method: name, or several of which one must be permitted
            record_id: None or 0 for "some record"
            c, f: as on this page; default is that of the request

        Returns:
            None if there is no such table
        """
        if self.override:
            return True
        if isinstance(table, str):
            tablename, found = table, self.permission.find_table(table)
            if found is None:
                current.log.warning(f"Permission check for the unknown table {tablename}")
                return None
            table = found
        if not isinstance(method, str):
            return any(self.s3_has_permission(name, table, record_id, c=c, f=f) for name in method)
        return self.permission.has_permission(method, c=c, f=f, t=table, record=record_id)

    def s3_accessible_query(
        self,
        method: Method,
        table: Table,
        c: str | None = None,
        f: str | None = None,
    ) -> Query:
        """The query for those records of a table with which the current user may do this; ``id == 0`` if for none."""
        query = self.permission.accessible_query(method, table, c=c, f=f)
        assert query is not None
        return query

    def s3_has_membership(self, role: int | str | Iterable[int | str]) -> bool:
        """Whether the current user holds any of these roles."""
        return self.s3_has_roles(role)

    def permitted_realms(self, tablename: str, method: str = "read", c: str | None = None, f: str | None = None) -> list[int] | None:
        """Entities with all records of which the current user may do this; None is everywhere, [] nowhere."""
        return self.permission.permitted_realms(tablename, method, c=c, f=f)
