"""Recipients that stand for several persons: groups, forums, organisations."""
from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gluon import current

from s3dal import Query

__all__ = ("find_members", "find_members_among", "is_expandable")


@dataclass(frozen=True)
class Membership:
    """Where the persons of a recipient are found.

    Attributes:
        link: table that links persons (field person_id) with the recipient
        key: foreign key of the recipient in it
    """

    link: str
    key: str


MEMBERSHIPS = {
    "pr_group": Membership("pr_group_membership", "group_id"),
    "pr_forum": Membership("pr_forum_membership", "forum_id"),
    "org_organisation": Membership("hrm_human_resource", "organisation_id"),
}


def is_expandable(instance_type: str) -> bool:
    """Does the recipient stand for persons, and are the tables there to tell for which? Staff needs the module hrm."""
    membership = MEMBERSHIPS.get(instance_type)
    return membership is not None and current.s3db.table(membership.link) is not None


def find_members(instance_type: str, pe_id: int) -> list[int]:
    """The entities (pe_id) of the persons behind a recipient, each once, without deleted ones."""
    recipient, person = current.s3db.table(instance_type), current.s3db.pr_person
    rows = current.db(_is_member(instance_type) & (recipient.pe_id == pe_id)).select(person.pe_id, distinct=True, orderby=person.pe_id)
    return [row.pe_id for row in rows]


def find_members_among(recipients: Collection[int], persons: Collection[int]) -> set[tuple[int, int]]:
    """Those pairs (recipient, person) of these entities of which the person is behind the recipient; one query for each type."""
    s3db, db = current.s3db, current.db
    entity, person = s3db.pr_pentity, s3db.pr_person
    types = db(entity.pe_id.belongs(list(recipients)) & entity.instance_type.belongs(list(MEMBERSHIPS))).select(
        entity.instance_type, distinct=True
    )
    members: set[tuple[int, int]] = set()
    for instance_type in (row.instance_type for row in types if is_expandable(row.instance_type)):
        recipient = s3db.table(instance_type)
        among = recipient.pe_id.belongs(list(recipients)) & person.pe_id.belongs(list(persons))
        rows = db(_is_member(instance_type) & among).select(recipient.pe_id, person.pe_id, distinct=True)
        members.update((row[instance_type].pe_id, row.pr_person.pe_id) for row in rows)
    return members


def _is_member(instance_type: str) -> Query:
    """The join of recipients and the persons behind them, without deleted ones."""
    s3db, membership = current.s3db, MEMBERSHIPS[instance_type]
    recipient, link, person = s3db.table(instance_type), s3db.table(membership.link), s3db.pr_person
    return (
        (recipient.deleted == False)
        & (link[membership.key] == recipient.id)
        & (link.deleted == False)
        & (link.person_id == person.id)
        & (person.deleted == False)
        & (person.pe_id != None)
    )
