"""Which person (pr_person) an account (auth_user) belongs to, and the reverse."""
from __future__ import annotations

from collections.abc import Iterable

from gluon import current

from s3.s3aaa.base import AuthBase

__all__ = ("AuthPerson",)


class AuthPerson(AuthBase):
    """Finds the person entity of an account and the account of a person."""

    def s3_user_pe_id(self, user_id: int | None) -> int | None:
        """The person entity of an account; None if the account is not linked to a person."""
        if not user_id:
            return None
        return self.s3_bulk_user_pe_id([user_id]).get(int(user_id))

    def s3_bulk_user_pe_id(self, user_ids: Iterable[int]) -> dict[int, int]:
        """{account id: person entity} of those accounts that are linked."""
        table = current.s3db.pr_person_user
        rows = current.db(
            table.user_id.belongs(list(user_ids))
            & (table.deleted == False)
        ).select(table.user_id, table.pe_id, orderby=~table.id)
        # The oldest link counts, as everywhere: it comes last here
        return {row.user_id: row.pe_id for row in rows}

    def s3_get_user_id(self, person_id: int | str | None = None, pe_id: int | None = None) -> int | None:
        """The account of a person.

        Args:
            person_id: pr_person id, or an e-mail address
            pe_id: person entity
        """
        if isinstance(person_id, str) and not person_id.isdigit():
            account = self._find_account(person_id)
            return account.id if account else None
        if person_id is not None:
            ptable = current.s3db.pr_person
            person = current.db(ptable.id == int(person_id)).select(ptable.pe_id, limitby=(0, 1)).first()
            pe_id = person.pe_id if person else None
        if not pe_id:
            return None
        table = current.s3db.pr_person_user
        link = current.db(
            (table.pe_id == int(pe_id))
            & (table.deleted == False)
        ).select(table.user_id, orderby=table.id, limitby=(0, 1)).first()
        return link.user_id if link else None

    def s3_logged_in_person(self) -> int | None:
        """pr_person id of the current user."""
        pe_id = self.user.pe_id if self.user else None
        if not pe_id:
            return None
        table = current.s3db.pr_person
        person = current.db(table.pe_id == pe_id).select(table.id, limitby=(0, 1)).first()
        return person.id if person else None
