"""Whom the e-mail addresses of a file belong to."""
from __future__ import annotations

from collections.abc import Iterable

from gluon import current

from s3.s3import.rows import CellProblem, Row
from s3.s3utils import s3_fullname
from s3dal import Row as Record

__all__ = ("PERSON_NAMES", "People")

#: {column: field of pr_person}
PERSON_NAMES = {"First Name": "first_name", "Middle Name": "middle_name", "Last Name": "last_name"}
EMAIL = "Email"


class People:
    """The persons of a file: those who are there, by their address, and those to be created."""

    def __init__(self, emails: Iterable[str]) -> None:
        """
        Args:
            emails: addresses in small letters
        """
        #: {address: all who have it}
        self._having: dict[str, list[Record]] = {}
        #: {address: the person}
        self._known: dict[str, Record] = {}
        #: {address: the row that names the person}
        self.new: dict[str, Row] = {}
        self._mobile: set[int] = set()
        self._read(set(emails))

    def _read(self, emails: set[str]) -> None:
        person, contact = current.s3db.pr_person, current.s3db.pr_contact
        address = contact.value.lower()
        rows = current.db(
            (contact.contact_method == "EMAIL")
            & address.belongs(emails)
            & (contact.deleted == False)
            & (person.pe_id == contact.pe_id)
            & (person.deleted == False)
        ).select(person.id, person.uuid, person.pe_id, *(person[name] for name in PERSON_NAMES.values()), contact.value, orderby=person.id)
        for row in rows:
            having = self._having.setdefault(row.pr_contact.value.lower(), [])
            if row.pr_person.id not in {other.id for other in having}:
                having.append(row.pr_person)
        pe_ids = [row.pr_person.pe_id for row in rows]
        mobile = (contact.contact_method == "SMS") & contact.pe_id.belongs(pe_ids) & (contact.deleted == False)
        self._mobile = {row.pe_id for row in current.db(mobile).select(contact.pe_id, distinct=True)}

    def identify(self, email: str, row: Row) -> None:
        """Find out whom a row is about.

        Raises:
            CellProblem: the address is somebody else's, or nobody's and the row does not name the person
        """
        having = self._having.get(email)
        if having:
            self._known[email] = _same(having, row)
            return
        first = self.new.setdefault(email, row)
        if first is row and "First Name" not in row.cells:
            del self.new[email]
            raise CellProblem("First Name", f"nobody has the address {email} yet; enter the name of the person")
        for column in PERSON_NAMES:
            if column in row.cells and row.cells[column] != first.cells.get(column):
                raise CellProblem(column, f"line {first.line} gives this person another name")

    def pe_id(self, email: str) -> int | None:
        """None for a person to be created."""
        return self._known[email].pe_id if email in self._known else None

    def uid(self, email: str) -> str | None:
        return self._known[email].uuid if email in self._known else None

    @property
    def pe_ids(self) -> list[int]:
        return [person.pe_id for person in self._known.values()]

    def has_mobile_phone(self, email: str) -> bool:
        return self.pe_id(email) in self._mobile


def _same(having: list[Record], row: Row) -> Record:
    """Who of these is the person that the row names; without names, the only one."""
    given = {field: row.cells[column].lower() for column, field in PERSON_NAMES.items() if column in row.cells}
    same = [person for person in having if all((person[field] or "").lower() == name for field, name in given.items())]
    if len(same) == 1:
        return same[0]
    if same:
        raise CellProblem(EMAIL, "several persons have this address")
    raise CellProblem(EMAIL, f"is the address of {' and '.join(s3_fullname(person, truncate=False) for person in having)}")
