"""Makes the link between an account (auth_user) and its person (pr_person)."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3.s3aaa.ownership import AuthOwnership
from s3dal import Query, Row

__all__ = ("AuthLink",)

#: name of the affiliation of persons to the organisation of their account
ACCOUNTS = "Accounts"


class AuthLink(AuthOwnership):
    """Links accounts to persons."""

    def s3_link_to_person(self, user: Any, adopt: bool = True) -> int:
        """Make sure that an account has a person with its names and its e-mail address.

        A person who has the same names and this address as a contact, and no account, is taken; else one is created. The person
        becomes part of the organisation of the account.

        Args:
            user: account with id, first_name, last_name, email
            adopt: False for an address that may be somebody else's: then a person is created in any case

        Returns:
            pr_person id
        """
        pe_id = self.s3_user_pe_id(user.id)
        if pe_id:
            person_id = self._update_person(user, pe_id)
        else:
            person = self._find_unlinked_person(user) if adopt else None
            person_id, pe_id = (person.id, person.pe_id) if person else self._create_person(user)
            current.s3db.pr_person_user.insert(pe_id=pe_id, user_id=user.id)
            # The user's own record and addresses are the user's own, whoever made them
            self.s3_set_record_owner(current.s3db.pr_person, person_id, force_update=True, owned_by_user=user.id)
        self._ensure_email(user, pe_id)
        self._affiliate(pe_id, getattr(user, "organisation_id", None))
        if self.user_id == user.id and self.user:
            self.user.pe_id = pe_id
        return int(person_id)

    @staticmethod
    def _affiliate(pe_id: int, organisation_id: int | None) -> None:
        """Make a person part of the organisation of the account, and of no former one: its roles without realm are held there."""
        s3db = current.s3db
        # without the table there is no former one
        if organisation_id or s3db.table("pr_affiliation") is not None:
            s3db.pr_set_affiliation(organisation_id and ("org_organisation", organisation_id), pe_id, role=ACCOUNTS)

    def _update_person(self, user: Any, pe_id: int) -> int:
        table = current.s3db.pr_person
        person = current.db(table.pe_id == pe_id).select(table.id, table.first_name, table.last_name).first()
        names = {"first_name": user.first_name, "last_name": user.last_name}
        if any(person[key] != value for key, value in names.items() if value):
            # Through the table, so that the change log sees it
            current.db(table.id == person.id).update(**{key: value for key, value in names.items() if value})
        return int(person.id)

    def _find_unlinked_person(self, user: Any) -> Row | None:
        s3db = current.s3db
        ptable, ltable = s3db.pr_person, s3db.pr_person_user
        rows = current.db(
            (ptable.first_name == user.first_name)
            & (ptable.last_name == user.last_name)
            & (ptable.deleted == False)
            & ptable.pe_id.belongs(current.db(self._email_of(user))._select(s3db.pr_contact.pe_id))
            & (ltable.id == None)
        ).select(
            ptable.id,
            ptable.pe_id,
            left=ltable.on((ltable.pe_id == ptable.pe_id) & (ltable.deleted == False)),
            orderby=ptable.id,
            limitby=(0, 1),
        )
        return rows.first()

    def _create_person(self, user: Any) -> tuple[int, int]:
        s3db = current.s3db
        record: dict[str, Any] = {"first_name": user.first_name, "last_name": user.last_name}
        record["id"] = s3db.pr_person.insert(**record)
        s3db.update_super(s3db.pr_person, record)
        return int(record["id"]), int(record["pe_id"])

    def _ensure_email(self, user: Any, pe_id: int) -> None:
        table = current.s3db.pr_contact
        if not user.email or not current.db(self._email_of(user) & (table.pe_id == pe_id)).isempty():
            return
        contact_id = table.insert(
            pe_id=pe_id, contact_method="EMAIL", value=user.email.lower(), priority=1, owned_by_user=user.id
        )
        self.s3_set_record_owner(table, contact_id, owned_by_user=user.id)

    @staticmethod
    def _email_of(user: Any) -> Query:
        table = current.s3db.pr_contact
        return (
            (table.contact_method == "EMAIL")
            & (table.value.lower() == (user.email or "").lower())
            & (table.deleted == False)
        )
