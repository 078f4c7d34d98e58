"""Groups of persons, and who is a member."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    S3Duplicate,
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_meta_fields,
)
from s3dal import Field, Row, Table
from s3db.pr.affiliation import pr_add_affiliation, pr_remove_affiliation

__all__ = (
    "GroupModel",
)

#: group type "case": the household or other unit that gets help together
CASE = 7
#: role of the members of a group
MEMBERS = "Members"


class GroupModel(S3Model):
    names = ("pr_group", "pr_group_id", "pr_group_represent", "pr_group_membership", "pr_group_types")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        types = {
            1: T("Family"), 2: T("Tourist Group"), 3: T("Relief Team"), 4: T("other"), 5: T("Mailing Lists"), CASE: T("Case"),
        }
        self.define_table(
            "pr_group",
            self.super_link("doc_id", "doc_entity"),
            self.super_link("pe_id", "pr_pentity"),
            Field("group_type", "integer", default=4, label=T("Group Type"),
                  requires=IS_IN_SET(types, zero=None), represent=S3Represent(options=types)),
            Field("system", "boolean", default=False, readable=False, writable=False),
            Field("name", label=T("Group Name"), requires=IS_NOT_EMPTY()),
            Field("description", length=2048, label=T("Group Description")),
            Field("meetings", readable=False, writable=False),
            s3_comments(),
            *s3_meta_fields(),
        )
        crud_strings = current.response.s3.crud_strings
        crud_strings["pr_group"] = Storage(
            label_create=T("Create Group"),
            title_display=T("Group Details"),
            title_list=T("Groups"),
            title_update=T("Edit Group"),
            msg_record_created=T("Group added"),
            msg_record_modified=T("Group updated"),
            msg_record_deleted=T("Group deleted"),
            msg_list_empty=T("No Groups currently registered"),
        )
        self.configure(
            "pr_group",
            super_entity=("doc_entity", "pr_pentity"),
            list_fields=["id", "group_type", "name", "description"],
            indexes=["pe_id"],
        )
        self.add_components(
            "pr_group",
            pr_group_membership="group_id",
            pr_person={
                "link": "pr_group_membership", "joinby": "group_id", "key": "person_id", "actuate": "replace",
            },
        )
        represent = S3Represent(lookup="pr_group")
        group_id = S3ReusableField(
            "group_id", "reference pr_group",
            label=T("Group"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "pr_group.id", represent)),
        )
        self.define_table(
            "pr_group_membership",
            group_id(empty=False, ondelete="CASCADE"),
            self.pr_person_id(empty=False, ondelete="CASCADE"),
            Field("group_head", "boolean", default=False, label=T("Group Head")),
            s3_comments(),
            *s3_meta_fields(),
        )
        crud_strings["pr_group_membership"] = Storage(
            label_create=T("Add Group Member"),
            title_display=T("Membership Details"),
            title_list=T("Memberships"),
            title_update=T("Edit Membership"),
            msg_record_created=T("Group Member added"),
            msg_record_modified=T("Membership updated"),
            msg_record_deleted=T("Membership deleted"),
            msg_list_empty=T("No Members currently registered"),
        )
        self.configure(
            "pr_group_membership",
            deduplicate=S3Duplicate(primary=("group_id", "person_id")),
            onvalidation=group_membership_onvalidation,
            onaccept=group_membership_onaccept,
            ondelete=group_membership_ondelete,
            realm_entity=group_membership_realm_entity,
            indexes=["group_id", "person_id"],
        )
        return {"pr_group_id": group_id, "pr_group_represent": represent, "pr_group_types": types}


def group_membership_onvalidation(form: Any) -> None:
    """A person is a member of a group once, and of one case at most."""
    values = form.vars
    if not values.get("person_id") or not values.get("group_id"):
        return
    table, groups = current.s3db.pr_group_membership, current.s3db.pr_group
    is_other = (table.person_id == values["person_id"]) & (table.deleted == False)
    if values.get("id"):
        is_other &= table.id != values["id"]
    if not current.db(is_other & (table.group_id == values["group_id"])).isempty():
        form.errors["person_id"] = current.T("This person already belongs to this group")
        return
    is_case = (groups.group_type == CASE) & (groups.deleted == False)
    if current.db(is_case & (groups.id == values["group_id"])).isempty():
        return
    if not current.db(is_other & (table.group_id == groups.id) & is_case).isempty():
        form.errors["person_id"] = current.T("This person already belongs to another case")


def group_membership_onaccept(form: Any) -> None:
    """A person is a member of a group once, and a part of it."""
    table = current.s3db.pr_group_membership
    record = current.db(table.id == form.vars.id).select(table.id, table.group_id, table.person_id, limitby=(0, 1)).first()
    before = getattr(form, "record", None)
    if before and (before.group_id, before.person_id) != (record.group_id, record.person_id):
        group_membership_ondelete(before)
    is_same = (table.group_id == record.group_id) & (table.person_id == record.person_id)
    current.db(is_same & (table.id != record.id) & (table.deleted == False)).update(deleted=True)
    pr_add_affiliation(("pr_group", record.group_id), ("pr_person", record.person_id), role=MEMBERS)


def group_membership_ondelete(row: Row) -> None:
    if row.group_id and row.person_id:
        pr_remove_affiliation(("pr_group", row.group_id), ("pr_person", row.person_id), role=MEMBERS)


def group_membership_realm_entity(table: Table, row: Row) -> int | None:
    """A membership belongs to the realm of its group."""
    groups = current.s3db.pr_group
    group = current.db(groups.id == row.group_id).select(groups.realm_entity, limitby=(0, 1)).first()
    return group.realm_entity if group else None
