"""Persons, and the accounts that belong to them."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMPTY_OR, IS_IN_SET, IS_NOT_EMPTY, IS_NOT_IN_DB, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    NONE,
    S3DateTime,
    S3Duplicate,
    S3Model,
    S3Represent,
    S3ReusableField,
    s3_comments,
    s3_date,
    s3_fieldmethod,
    s3_fullname,
    s3_meta_fields,
    utcnow,
)
from s3dal import Field, Row

__all__ = (
    "PersonModel",
    "PersonReferenceModel",
    "PersonUserModel",
    "pr_PersonRepresent",
)

#: at which ages the groups of pr_person.age_group begin
AGE_GROUPS = (0, 2, 5, 12, 18, 25, 60)


class PersonModel(S3Model):
    names = ("pr_person", "pr_gender_opts")

    def model(self) -> dict[str, Any]:
        T = current.T
        genders = {1: "", 2: T("female"), 3: T("male"), 4: T("other")}
        table = self.define_table(
            "pr_person",
            self.super_link("pe_id", "pr_pentity"),
            self.gis_location_id(readable=False, writable=False),
            self.pr_pe_label(),
            Field("first_name", length=64, notnull=True, requires=IS_NOT_EMPTY(), label=T("First Name")),
            Field("middle_name", length=64, label=T("Middle Name")),
            Field("last_name", length=64, label=T("Last Name"), requires=_last_name_validator()),
            Field("gender", "integer", default=1, label=T("Sex"),
                  requires=IS_IN_SET(genders, zero=None), represent=S3Represent(options=genders)),
            s3_date("date_of_birth", default=None, label=T("Date of Birth")),
            s3_fieldmethod("age", person_age, represent=lambda value: str(value)),
            s3_fieldmethod("age_group", person_age_group, represent=lambda value: str(value)),
            s3_comments(),
            *s3_meta_fields(),
        )
        # tags of deleted persons can be given anew
        is_there = current.db(table.deleted == False)
        table.pe_label.requires = IS_EMPTY_OR(IS_NOT_IN_DB(is_there, "pr_person.pe_label"))
        current.response.s3.crud_strings["pr_person"] = Storage(
            label_create=T("Create Person"),
            title_display=T("Person Details"),
            title_list=T("Persons"),
            title_update=T("Edit Person Details"),
            msg_record_created=T("Person added"),
            msg_record_modified=T("Person details updated"),
            msg_record_deleted=T("Person deleted"),
            msg_list_empty=T("No Persons currently registered"),
        )
        self.configure(
            "pr_person",
            super_entity="pr_pentity",
            # a name is no identity
            deduplicate=S3Duplicate(primary=("pe_label",)),
            list_fields=["first_name", "middle_name", "last_name", "gender", (T("Age"), "age"), "comments"],
            extra_fields=["date_of_birth"],
            context={"location": "location_id"},
            onaccept=person_onaccept,
            indexes=["pe_id"],
        )
        self.add_components(
            "pr_person",
            pr_group_membership="person_id",
            auth_user={
                "name": "user", "link": "pr_person_user",
                "pkey": "pe_id", "joinby": "pe_id", "key": "user_id", "multiple": False,
            },
        )
        return {"pr_gender_opts": genders}


class PersonReferenceModel(S3Model):
    """References to persons, for tables that are read without their persons: a look-up must not pay for the table."""

    names = ("pr_person_id", "pr_person_represent")

    def model(self) -> dict[str, Any]:
        represent = pr_PersonRepresent()
        person_id = S3ReusableField(
            "person_id", "reference pr_person",
            label=current.T("Person"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(current.db, "pr_person.id", represent, orderby="pr_person.first_name")),
        )
        return {"pr_person_id": person_id, "pr_person_represent": represent}


class pr_PersonRepresent(S3Represent):
    """Full name of a person."""

    def __init__(self, **attr: Any) -> None:
        super().__init__(
            lookup="pr_person", fields=("first_name", "middle_name", "last_name"),
            labels=lambda row: s3_fullname(row, truncate=False), **attr)


def person_age(row: Row) -> int | str:
    """Age in years, of a row with the date of birth; "-" if that is not known."""
    born = (row.pr_person if "pr_person" in row else row).get("date_of_birth")
    if not born:
        return NONE
    today = (S3DateTime.to_local(utcnow()) or utcnow()).date()
    return int(today.year - born.year - ((today.month, today.day) < (born.month, born.day)))


def person_age_group(row: Row) -> str:
    """Age in steps that statistics of relief work use."""
    age = person_age(row)
    if isinstance(age, str):
        return age
    lower = max((limit for limit in AGE_GROUPS if limit <= age), default=0)
    upper = min((limit for limit in AGE_GROUPS if limit > age), default=None)
    return f"{lower}-{upper - 1}" if upper else f"{lower}+"


def _last_name_validator() -> Any:
    return IS_NOT_EMPTY() if current.deployment_settings.get_L10n_mandatory_lastname() else None


def person_onaccept(form: Any) -> None:
    """Keep the name of the person's account the same as the name of the person."""
    names = {name: form.vars[name] for name in ("first_name", "last_name") if form.vars.get(name)}
    if not names:
        return
    db, s3db = current.db, current.s3db
    person, link, user = s3db.pr_person, s3db.pr_person_user, db.auth_user
    account = db((person.id == form.vars.id) & (link.pe_id == person.pe_id) & (user.id == link.user_id)).select(
        user.id, user.first_name, user.last_name, limitby=(0, 1)).first()
    if account and any(account[name] != value for name, value in names.items()):
        db(user.id == account.id).update(**names)


class PersonUserModel(S3Model):
    """Which account belongs to which person. A model of its own, because every look-up of a subscriber needs it alone."""

    names = ("pr_person_user",)

    def model(self) -> dict[str, Any]:
        self.define_table(
            "pr_person_user",
            self.super_link("pe_id", "pr_pentity"),
            Field("user_id", "reference auth_user"),
            *s3_meta_fields(),
            watch=False,
        )
        self.configure("pr_person_user", indexes=["pe_id", "user_id"])
        return {}
