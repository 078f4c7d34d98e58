"""Organisations, their branches and offices."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMAIL, IS_EMPTY_OR, IS_INT_IN_RANGE, IS_LENGTH, IS_NOT_EMPTY, IS_URL, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    IS_PHONE_NUMBER_MULTI,
    S3MetaFields,
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_meta_fields,
)
from s3dal import Field, Row

__all__ = ("OrganisationModel", "SiteModel", "OfficeModel", "org_OrganisationRepresent")


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
            org_site="organisation_id",
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
        self.configure("org_organisation_branch", indexes=["organisation_id", "branch_id"])
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


class SiteModel(S3Model):
    """Any place that an organisation runs."""

    names = ("org_site", "org_site_represent")

    def model(self) -> dict[str, Any]:
        T = current.T
        types = Storage(org_office=T("Office"))
        self.super_entity(
            "org_site", "site_id", types,
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
            indexes=["organisation_id"],
        )
        return {"org_site_represent": S3Represent(lookup="org_site", key="site_id")}


class OfficeModel(S3Model):
    names = ("org_office", "org_office_type", "org_office_type_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "org_office_type",
            Field("name", length=128, notnull=True, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            s3_comments(),
            *s3_meta_fields(),
        )
        type_represent = S3Represent(lookup="org_office_type", translate=True)
        office_type_id = S3ReusableField(
            "office_type_id", "reference org_office_type",
            label=T("Office Type"), represent=type_represent, ondelete="SET NULL",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "org_office_type.id", type_represent, sort=True)),
        )
        self.define_table(
            "org_office",
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
            super_entity=("pr_pentity", "org_site"),
            list_fields=["name", "organisation_id", "office_type_id", "location_id", "phone1", "email"],
            context={"location": "location_id", "organisation": "organisation_id"},
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
