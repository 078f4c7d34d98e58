"""Recipients that stand for several persons: groups, forums, organisations."""
from __future__ import annotations

from dataclasses import dataclass

from gluon import current

__all__ = ("find_members", "is_expandable")


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
    s3db, db = current.s3db, current.db
    membership = MEMBERSHIPS[instance_type]
    recipient, link, person = s3db.table(instance_type), s3db.table(membership.link), s3db.pr_person
    rows = db(
        (recipient.pe_id == pe_id)
        & (recipient.deleted == False)
        & (link[membership.key] == recipient.id)
        & (link.deleted == False)
        & (link.person_id == person.id)
        & (person.deleted == False)
        & (person.pe_id != None)
    ).select(person.pe_id, distinct=True, orderby=person.pe_id)
    return [row.pe_id for row in rows]
