"""Organisations, their branches and offices."""
from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from gluon import IS_EMAIL, IS_EMPTY_OR, IS_IMAGE, IS_INT_IN_RANGE, IS_LENGTH, IS_NOT_EMPTY, IS_URL, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    IS_PHONE_NUMBER_MULTI,
    S3Duplicate,
    S3MetaFields,
    S3Model,
    S3Represent,
    S3ReusableField,
    find_descendants,
    s3_comments,
    s3_meta_fields,
)
from s3dal import Field, Row, Table

__all__ = (
    "OrganisationModel",
    "OrganisationTypeModel",
    "OrganisationTagModel",
    "OrganisationGroupModel",
    "SiteModel",
    "FacilityModel",
    "OfficeModel",
    "org_OrganisationRepresent",
)

#: names of the affiliations of sites and branches to their organisation
SITES = "Sites"
BRANCHES = "Branches"
#: of the codes of sites, and of the number at their end that tells them apart
CODE_LENGTH = 10
CODE_DIGITS = 4


class OrganisationModel(S3Model):
    names = ("org_organisation", "org_organisation_id", "org_organisation_represent", "org_organisation_branch")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "org_organisation",
            self.super_link("pe_id", "pr_pentity"),
            Field("root_organisation", "reference org_organisation", readable=False, writable=False),
            Field("name", length=128, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            Field("acronym", length=16, label=T("Acronym"), requires=IS_EMPTY_OR(IS_LENGTH(16))),
            Field("country", length=2, label=T("Home Country"), requires=IS_EMPTY_OR(IS_LENGTH(2, 2))),
            Field("phone", label=T("Phone #"), requires=IS_EMPTY_OR(IS_PHONE_NUMBER_MULTI())),
            Field("website", label=T("Website"), requires=IS_EMPTY_OR(IS_URL())),
            Field("year", "integer", label=T("Year"), requires=IS_EMPTY_OR(IS_INT_IN_RANGE(1500, 2100))),
            Field("contact", label=T("Contact"), readable=False, writable=False),
            Field("logo", "upload", label=T("Logo"), requires=IS_EMPTY_OR(IS_IMAGE()),
                  uploadfolder=os.path.join(current.request.folder, "uploads")),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["org_organisation"] = Storage(
            label_create=T("Create Organization"),
            title_display=T("Organization Details"),
            title_list=T("Organizations"),
            title_update=T("Edit Organization"),
            msg_record_created=T("Organization added"),
            msg_record_modified=T("Organization updated"),
            msg_record_deleted=T("Organization deleted"),
            msg_list_empty=T("No Organizations currently registered"),
        )
        branches = current.deployment_settings.get_org_branches()
        self.configure(
            "org_organisation",
            deduplicate=S3Duplicate(),
            super_entity="pr_pentity",
            list_fields=["name", "acronym", "country", "website"],
            list_orderby="org_organisation.name",
            context={"location": "site.location_id"},
            onaccept=organisation_onaccept,
            indexes=["pe_id"],
            **({"hierarchy": "parent__link.organisation_id"} if branches else {}),
        )
        self.add_components(
            "org_organisation",
            org_office="organisation_id",
            org_facility="organisation_id",
            org_site="organisation_id",
            org_organisation_tag={"name": "tag", "joinby": "organisation_id"},
            org_organisation_type={
                "link": "org_organisation_organisation_type", "joinby": "organisation_id", "key": "organisation_type_id",
                "actuate": "hide",
            },
            org_group={"link": "org_group_membership", "joinby": "organisation_id", "key": "group_id", "actuate": "hide"},
            org_group_membership="organisation_id",
            org_organisation=(
                {"name": "branch", "link": "org_organisation_branch", "joinby": "organisation_id", "key": "branch_id",
                 "actuate": "embed"},
                {"name": "parent", "link": "org_organisation_branch", "joinby": "branch_id", "key": "organisation_id",
                 "multiple": False},
            ),
        )
        represent = org_OrganisationRepresent()
        organisation_id = S3ReusableField(
            "organisation_id", "reference org_organisation",
            label=T("Organization"), represent=represent, ondelete="RESTRICT", default=_own_organisation,
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "org_organisation.id", represent, orderby="org_organisation.name", sort=True)),
        )
        self.define_table(
            "org_organisation_branch",
            organisation_id(empty=False, default=None, ondelete="CASCADE"),
            organisation_id("branch_id", empty=False, default=None, ondelete="CASCADE", label=T("Branch")),
            *s3_meta_fields(),
        )
        self.configure(
            "org_organisation_branch",
            deduplicate=S3Duplicate(primary=("organisation_id", "branch_id")),
            onaccept=branch_onaccept,
            ondelete=branch_ondelete,
            indexes=["organisation_id", "branch_id"],
        )
        return {"org_organisation_id": organisation_id, "org_organisation_represent": represent}


class org_OrganisationRepresent(S3Represent):
    """Name and acronym, ``Red Cross (RC)``; with branches also the organisation above, ``Red Cross > North``."""

    def __init__(self, parent: bool = True, acronym: bool = True, **attr: Any) -> None:
        """
        Args:
            parent: put the name of the organisation above before that of a branch, if the deployment has branches
            acronym: add the acronym
        """
        super().__init__(lookup="org_organisation", fields=("name", "acronym"), **attr)
        self.parent = parent
        self.acronym = acronym
        self.parents: dict[int, str] = {}

    def lookup_rows(self, key: Field, values: list[Any], fields: list[Field]) -> Any:
        if self.parent and current.deployment_settings.get_org_branches():
            self._look_up_parents(values)
        return super().lookup_rows(key, values, fields)

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        name = f"{row.name} ({row.acronym})" if self.acronym and row.acronym else row.name
        parent = self.parents.get(row.id)
        return f"{parent} > {name}" if parent else name

    def _look_up_parents(self, branch_ids: list[int]) -> None:
        link, table = current.s3db.org_organisation_branch, current.s3db.org_organisation
        self.queries += 1
        query = link.branch_id.belongs(branch_ids) & (link.deleted == False) & (table.id == link.organisation_id)
        for row in current.db(query).select(link.branch_id, table.name):
            self.parents[row.org_organisation_branch.branch_id] = row.org_organisation.name


def _own_organisation() -> int | None:
    user = current.auth.user
    return user.organisation_id if user else None


def organisation_onaccept(form: Any) -> None:
    """An organisation without organisation above it is its own root."""
    table, record_id = current.s3db.org_organisation, form.vars.id
    current.db((table.id == record_id) & (table.root_organisation == None)).update(root_organisation=record_id)


def branch_onaccept(form: Any) -> None:
    """A branch is an organization unit of the organisation above it, and has the same root."""
    db, s3db = current.db, current.s3db
    link, table = s3db.org_organisation_branch, s3db.org_organisation
    record = db(link.id == form.vars.id).select(link.organisation_id, link.branch_id, limitby=(0, 1)).first()
    s3db.pr_add_affiliation(("org_organisation", record.organisation_id), ("org_organisation", record.branch_id), role=BRANCHES)
    above = db(table.id == record.organisation_id).select(table.root_organisation, limitby=(0, 1)).first()
    _set_root(record.branch_id, above.root_organisation or record.organisation_id)


def branch_ondelete(row: Row) -> None:
    s3db = current.s3db
    s3db.pr_remove_affiliation(("org_organisation", row.organisation_id), ("org_organisation", row.branch_id), role=BRANCHES)
    _set_root(row.branch_id, row.branch_id)


def _set_root(organisation_id: int, root: int) -> None:
    """Give an organisation and all branches below it the same root; writes only rows that differ."""
    table = current.s3db.org_organisation
    query = table.id.belongs(find_descendants("org_organisation", [organisation_id])) & (
        (table.root_organisation != root) | (table.root_organisation == None)
    )
    for row in current.db(query).select(table.id):
        current.db(table.id == row.id).update(root_organisation=root)


class OrganisationTypeModel(S3Model):
    names = ("org_organisation_type", "org_organisation_type_id", "org_organisation_organisation_type")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "org_organisation_type",
            Field("name", length=128, notnull=True, unique=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["org_organisation_type"] = Storage(
            label_create=T("Create Organization Type"),
            title_list=T("Organization Types"),
            title_update=T("Edit Organization Type"),
        )
        represent = S3Represent(lookup="org_organisation_type", translate=True)
        type_id = S3ReusableField(
            "organisation_type_id", "reference org_organisation_type",
            label=T("Organization Type"), represent=represent, ondelete="SET NULL",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "org_organisation_type.id", represent, sort=True)),
        )
        self.define_table(
            "org_organisation_organisation_type",
            self.org_organisation_id(empty=False, ondelete="CASCADE"),
            type_id(empty=False, ondelete="CASCADE"),
            *s3_meta_fields(),
        )
        self.configure("org_organisation_type", deduplicate=S3Duplicate())
        self.configure(
            "org_organisation_organisation_type",
            deduplicate=S3Duplicate(primary=("organisation_id", "organisation_type_id")),
            indexes=["organisation_id", "organisation_type_id"],
        )
        return {"org_organisation_type_id": type_id}


class OrganisationTagModel(S3Model):
    """Free properties of organisations: key and value."""

    names = ("org_organisation_tag",)

    def model(self) -> dict[str, Any]:
        T = current.T
        self.define_table(
            "org_organisation_tag",
            self.org_organisation_id(empty=False, ondelete="CASCADE"),
            Field("tag", label=T("Key"), requires=IS_NOT_EMPTY()),
            Field("value", label=T("Value")),
            s3_comments(),
            *s3_meta_fields(),
        )
        self.configure("org_organisation_tag", indexes=["organisation_id"])
        return {}


class OrganisationGroupModel(S3Model):
    """Coalitions and networks of organisations."""

    names = ("org_group", "org_group_id", "org_group_represent", "org_group_membership")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "org_group",
            self.super_link("pe_id", "pr_pentity"),
            Field("name", length=128, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            self.gis_location_id(),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["org_group"] = Storage(
            label_create=T("Create Organization Group"),
            title_display=T("Organization Group Details"),
            title_list=T("Organization Groups"),
            title_update=T("Edit Organization Group"),
            msg_record_created=T("Organization Group added"),
            msg_record_modified=T("Organization Group updated"),
            msg_record_deleted=T("Organization Group deleted"),
            msg_list_empty=T("No Organization Groups currently registered"),
        )
        self.configure("org_group", super_entity="pr_pentity", context={"location": "location_id"}, indexes=["pe_id"])
        self.add_components(
            "org_group",
            org_group_membership="group_id",
            org_organisation={"link": "org_group_membership", "joinby": "group_id", "key": "organisation_id"},
        )
        represent = S3Represent(lookup="org_group")
        group_id = S3ReusableField(
            "group_id", "reference org_group",
            label=T("Organization Group"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "org_group.id", represent, sort=True)),
        )
        self.define_table(
            "org_group_membership",
            group_id(empty=False, ondelete="CASCADE"),
            self.org_organisation_id(empty=False, default=None, ondelete="CASCADE"),
            s3_comments(),
            *s3_meta_fields(),
        )
        self.configure("org_group_membership", indexes=["group_id", "organisation_id"])
        return {"org_group_id": group_id, "org_group_represent": represent}


class SiteModel(S3Model):
    """Any place that an organisation runs."""

    names = ("org_site", "org_site_represent")

    def model(self) -> dict[str, Any]:
        T = current.T
        types = Storage(org_facility=T("Facility"), org_office=T("Office"))
        self.super_entity(
            "org_site", "site_id", types,
            # made of the name; known to people, so that it stays when the name changes
            Field("code", length=10, label=T("Code"), writable=False),
            Field("name", length=64, notnull=True, label=T("Name")),
            self.gis_location_id(),
            self.org_organisation_id(),
            Field("obsolete", "boolean", default=False, label=T("Obsolete")),
            s3_comments(),
            *S3MetaFields.owner_meta_fields(),
        )
        self.configure(
            "org_site",
            list_fields=["instance_type", "name", "organisation_id", "location_id"],
            context={"location": "location_id", "organisation": "organisation_id"},
            insertable=False, editable=False, deletable=False, listadd=False,
            no_shared_fields=("code",),
            onaccept=site_onaccept,
            indexes=["organisation_id", "code"],
        )
        return {"org_site_represent": S3Represent(lookup="org_site", key="site_id")}


def site_onaccept(form: Any) -> None:
    """A new site gets a code."""
    table, site_id = current.s3db.org_site, form.vars.site_id
    site = current.db(table.site_id == site_id).select(table.code, table.name, limitby=(0, 1)).first()
    if site is not None and not site.code and site.name:
        current.db(table.site_id == site_id).update(code=_new_site_code(table, site.name))


def _new_site_code(table: Table, name: str) -> str | None:
    """The first letters of the name, with a number if another site has them."""
    letters = re.sub(r"[\W_]", "", name).upper()[:CODE_LENGTH]
    if not letters:
        return None
    stem = letters[: CODE_LENGTH - CODE_DIGITS]
    rows = current.db(table.code.startswith(stem)).select(table.code)
    taken = {row.code for row in rows}
    candidates = [letters, *(f"{stem}{number}" for number in range(2, 10**CODE_DIGITS))]
    return next((code for code in candidates if code not in taken), None)


class FacilityModel(S3Model):
    names = ("org_facility",)

    def model(self) -> dict[str, Any]:
        T = current.T
        self.define_table(
            "org_facility",
            self.super_link("pe_id", "pr_pentity"),
            self.super_link("site_id", "org_site"),
            Field("name", length=64, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(64)]),
            self.org_organisation_id(),
            self.gis_location_id(),
            Field("opening_times", label=T("Opening Times")),
            Field("phone1", label=T("Phone 1"), requires=IS_EMPTY_OR(IS_PHONE_NUMBER_MULTI())),
            Field("email", label=T("Email"), requires=IS_EMPTY_OR(IS_EMAIL())),
            Field("website", label=T("Website"), requires=IS_EMPTY_OR(IS_URL())),
            Field("obsolete", "boolean", default=False, readable=False, writable=False),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["org_facility"] = Storage(
            label_create=T("Create Facility"),
            title_display=T("Facility Details"),
            title_list=T("Facilities"),
            title_update=T("Edit Facility"),
            msg_record_created=T("Facility added"),
            msg_record_modified=T("Facility updated"),
            msg_record_deleted=T("Facility deleted"),
            msg_list_empty=T("No Facilities currently registered"),
        )
        self.configure(
            "org_facility",
            deduplicate=S3Duplicate(primary=("name", "organisation_id")),
            super_entity=("pr_pentity", "org_site"),
            list_fields=["name", "organisation_id", "location_id", "phone1", "email"],
            context={"location": "location_id", "organisation": "organisation_id"},
            onaccept=site_affiliation("org_facility"),
            update_realm=True,
            indexes=["pe_id", "site_id", "organisation_id"],
        )
        return {}


def site_affiliation(tablename: str) -> Callable[[Any], None]:
    """Make the callback that keeps a kind of site an organization unit of its organisation, and of no other."""

    def onaccept(form: Any) -> None:
        s3db = current.s3db
        table = s3db[tablename]
        site = current.db(table.id == form.vars.id).select(table.pe_id, table.organisation_id, limitby=(0, 1)).first()
        owner = s3db.pr_get_pe_id("org_organisation", site.organisation_id) if site.organisation_id else None
        s3db.pr_set_affiliation(owner, site.pe_id, role=SITES)

    return onaccept


class OfficeModel(S3Model):
    names = ("org_office", "org_office_type", "org_office_type_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "org_office_type",
            Field("name", length=128, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            # none: for the offices of all organisations
            self.org_organisation_id(default=None),
            s3_comments(),
            *s3_meta_fields(),
        )
        self.configure("org_office_type", deduplicate=S3Duplicate(secondary=("organisation_id",)))
        type_represent = S3Represent(lookup="org_office_type", translate=True)
        office_type_id = S3ReusableField(
            "office_type_id", "reference org_office_type",
            label=T("Office Type"), represent=type_represent, ondelete="SET NULL",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "org_office_type.id", type_represent, sort=True)),
        )
        self.define_table(
            "org_office",
            self.super_link("doc_id", "doc_entity"),
            self.super_link("pe_id", "pr_pentity"),
            self.super_link("site_id", "org_site"),
            Field("name", length=64, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(64)]),
            Field("code", length=10, label=T("Code")),
            self.org_organisation_id(empty=False),
            office_type_id(),
            self.gis_location_id(),
            Field("phone1", label=T("Phone 1"), requires=IS_EMPTY_OR(IS_PHONE_NUMBER_MULTI())),
            Field("phone2", label=T("Phone 2"), requires=IS_EMPTY_OR(IS_PHONE_NUMBER_MULTI())),
            Field("email", label=T("Email"), requires=IS_EMPTY_OR(IS_EMAIL())),
            Field("fax", label=T("Fax"), requires=IS_EMPTY_OR(IS_PHONE_NUMBER_MULTI())),
            Field("obsolete", "boolean", default=False, readable=False, writable=False),
            s3_comments(),
            *s3_meta_fields(),
        )
        crud_strings = current.response.s3.crud_strings
        crud_strings["org_office"] = Storage(
            label_create=T("Create Office"),
            title_display=T("Office Details"),
            title_list=T("Offices"),
            title_update=T("Edit Office"),
            msg_record_created=T("Office added"),
            msg_record_modified=T("Office updated"),
            msg_record_deleted=T("Office deleted"),
            msg_list_empty=T("No Offices currently registered"),
        )
        crud_strings["org_office_type"] = Storage(
            label_create=T("Create Office Type"),
            title_list=T("Office Types"),
            title_update=T("Edit Office Type"),
        )
        self.configure(
            "org_office",
            deduplicate=S3Duplicate(primary=("name", "organisation_id")),
            super_entity=("doc_entity", "pr_pentity", "org_site"),
            list_fields=[
                "name", "organisation_id", "office_type_id", *(f"location_id${level}" for level in sorted(self.gis_hierarchy_levels)),
                (T("Address"), "location_id$addr_street"), "phone1", "email",
            ],
            context={
                "location": "location_id",
                "organisation": "organisation_id",
                "org_group": "organisation_id$group_membership.group_id",
            },
            onaccept=site_affiliation("org_office"),
            update_realm=True,
            realm_entity=office_realm_entity,
            indexes=["pe_id", "site_id", "organisation_id"],
        )
        return {"org_office_type_id": office_type_id}


def office_realm_entity(table: Any, row: Row) -> int | None:
    """An office is a realm of its own."""
    office = current.s3db.org_office
    stored = current.db(office.id == row.id).select(office.pe_id, limitby=(0, 1)).first()
    return stored.pe_id if stored else None
