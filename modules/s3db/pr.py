"""Persons, groups, their contacts, saved filters and subscriptions."""
from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from gluon import IS_EMAIL, IS_EMPTY_OR, IS_IN_SET, IS_INT_IN_RANGE, IS_NOT_EMPTY, IS_NOT_IN_DB, current
from gluon.storage import Storage

from s3 import (
    IS_ONE_OF,
    IS_PHONE_NUMBER_MULTI,
    IS_PHONE_NUMBER_SINGLE,
    IS_SUBSCRIPTION_URL,
    NONE,
    S3DataError,
    S3DateTime,
    S3Duplicate,
    S3Error,
    S3Model,
    S3Represent,
    S3ReusableField,
    check_subscription_url,
    current_position,
    is_watched,
    s3_comments,
    s3_date,
    s3_fieldmethod,
    s3_fullname,
    s3_meta_fields,
    utcnow,
    validate_filter,
)
from s3dal import Field, Query, Row, Table
from s3db.pr_affiliation import (
    OU,
    affiliation_onaccept,
    group_membership_onaccept,
    group_membership_ondelete,
    group_membership_realm_entity,
    pr_add_affiliation,
    pr_ancestors,
    pr_default_realms,
    pr_descendants,
    pr_get_ancestors,
    pr_get_descendants,
    pr_realm_users,
    pr_remove_affiliation,
    pr_set_affiliation,
)

__all__ = (
    "PersonEntityModel",
    "PersonModel",
    "PersonReferenceModel",
    "PersonUserModel",
    "ContactModel",
    "GroupModel",
    "RoleModel",
    "RealmModel",
    "SavedFilterModel",
    "S3SubscriptionModel",
    "pr_PersonEntityRepresent",
    "pr_PersonRepresent",
    "pr_add_affiliation",
    "pr_ancestors",
    "pr_check_subscription_resource",
    "pr_default_realms",
    "pr_descendants",
    "pr_get_ancestors",
    "pr_get_descendants",
    "pr_get_entities",
    "pr_get_pe_id",
    "pr_instance_type",
    "pr_realm_users",
    "pr_remove_affiliation",
    "pr_set_affiliation",
)

DAY = 24 * 60
#: group type "case": the household or other unit that gets help together
CASE = 7
#: at which ages the groups of pr_person.age_group begin
AGE_GROUPS = (0, 2, 5, 12, 18, 25, 60)
#: minutes between two notifications; 0 never
CHECK_INTERVALS = {"immediately": 5, "hourly": 60, "daily": DAY, "weekly": 7 * DAY, "never": 0}


class PersonEntityModel(S3Model):
    """Whatever can own things, be contacted or subscribe: persons, groups, organisations, offices."""

    names = ("pr_pentity", "pr_pe_label", "pr_pe_types", "pr_pentity_represent")

    def model(self) -> dict[str, Any]:
        T = current.T
        pe_types = Storage(
            org_facility=T("Facility"),
            org_group=T("Organization Group"),
            org_organisation=T("Organization"),
            org_office=T("Office"),
            pr_group=T("Person Group"),
            pr_person=T("Person"),
            pr_realm=T("Realm"),
        )
        self.super_entity(
            "pr_pentity", "pe_id", pe_types,
            Field("type"),
            Field("pe_label", length=128),
        )
        self.configure(
            "pr_pentity",
            insertable=False, editable=False, deletable=False, listadd=False,
            list_fields=["instance_type", "type", "pe_label"],
            referenced_by=[("auth_membership", "pe_id")],
        )
        self.add_components(
            "pr_pentity",
            pr_contact=(
                {"name": "contact", "joinby": "pe_id"},
                {"name": "email", "joinby": "pe_id", "filterby": {"contact_method": "EMAIL"}},
                {"name": "phone", "joinby": "pe_id", "filterby": {"contact_method": "SMS"}},
                {"name": "facebook", "joinby": "pe_id", "filterby": {"contact_method": "FACEBOOK"}},
                {"name": "twitter", "joinby": "pe_id", "filterby": {"contact_method": "TWITTER"}},
            ),
            pr_role="pe_id",
        )
        pe_label = S3ReusableField("pe_label", length=128, label=T("ID Tag Number"))
        return {
            "pr_pe_label": pe_label,
            "pr_pe_types": pe_types,
            # readers of lists and messages know people by their names
            "pr_pentity_represent": pr_PersonEntityRepresent(show_label=False),
        }


class pr_PersonEntityRepresent(S3Represent):
    """Name and type of any person entity: ``Jane Doe (Person)``. One query per type of entity, however many there are."""

    def __init__(self, show_label: bool = True, default_label: str = "[No ID Tag]", show_type: bool = True, **attr: Any) -> None:
        """
        Args:
            show_label: add the ID tag, or default_label when there is none
            show_type: add the type of the entity
        """
        super().__init__(lookup="pr_pentity", key="pe_id", fields=("instance_type", "pe_label"), **attr)
        self.show_label = show_label
        self.default_label = default_label
        self.show_type = show_type
        self.names: dict[int, str] = {}

    def lookup_rows(self, key: Field, values: list[Any], fields: list[Field]) -> Iterable[Row]:
        rows = super().lookup_rows(key, values, fields)
        by_type: dict[str, list[int]] = {}
        for row in rows:
            by_type.setdefault(row.instance_type, []).append(row.pe_id)
        for instance_type, pe_ids in by_type.items():
            self._look_up_names(instance_type, pe_ids)
        return rows

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        name = self.names.get(row.pe_id)
        parts = [name] if name else []
        if self.show_label and (row.instance_type == "pr_person" or not name):
            parts.append(f"<{row.pe_label}>" if row.pe_label else self.default_label)
        if self.show_type or not parts:
            label = current.s3db.pr_pe_types.get(row.instance_type) or row.instance_type
            parts.append(f"({label})")
        return " ".join(parts)

    def _look_up_names(self, instance_type: str, pe_ids: list[int]) -> None:
        table = current.s3db.table(instance_type, db_only=True)
        if table is None:
            return
        fields = [table[name] for name in ("name", "first_name", "middle_name", "last_name") if name in table.fields]
        self.queries += 1
        for row in current.db(table.pe_id.belongs(pe_ids)).select(table.pe_id, *fields):
            self.names[row.pe_id] = row.name if "name" in table.fields else s3_fullname(row, truncate=False)


def pr_get_entities(
    pe_ids: Iterable[int] | None = None,
    types: Iterable[str] | None = None,
    show_instance_type: bool = True,
    group: bool = False,
    as_list: bool = False,
) -> Any:
    """Names of entities, such as ``Jane Doe (Person)``.

    Args:
        pe_ids, types: only these entities, only those of these tables
        show_instance_type: with the type behind the name
        group: {name of table: {pe_id: name}}
        as_list: the pe_ids alone

    Returns:
        {pe_id: name}
    """
    table = current.s3db.pr_pentity
    query = table.deleted == False
    if pe_ids is not None:
        query &= table.pe_id.belongs(list(pe_ids))
    if types is not None:
        query &= table.instance_type.belongs(list(types))
    rows = current.db(query).select(table.pe_id, table.instance_type, table.pe_label, orderby=table.pe_id)
    keys = [row.pe_id for row in rows]
    if as_list:
        return keys
    labels = pr_PersonEntityRepresent(show_label=False, show_type=show_instance_type).bulk(keys)
    if not group:
        return {key: labels[key] for key in keys}
    grouped: dict[str, dict[int, str]] = {}
    for row in rows:
        grouped.setdefault(row.instance_type, {})[row.pe_id] = labels[row.pe_id]
    return grouped


def pr_get_pe_id(entity: Any, record_id: int | None = None) -> int | None:
    """The pe_id of an entity.

    Args:
        entity: a pe_id (number or text of digits), a Row with pe_id or id of its table, a tuple (table name, record id),
            or a table name together with record_id
    """
    if record_id is not None:
        return _pe_id_of_record(str(entity), record_id)
    if isinstance(entity, (list, tuple)):
        return _pe_id_of_record(str(entity[0]), entity[1])
    if isinstance(entity, Row):
        return entity.get("pe_id")
    if isinstance(entity, int) or str(entity).isdigit():
        return int(entity)
    return None


def _pe_id_of_record(tablename: str, record_id: int) -> int | None:
    s3db = current.s3db
    table = s3db.table(tablename, db_only=True)
    if table is None:
        return None
    if "pe_id" not in table.fields:
        if "instance_type" not in table.fields:
            return None
        prefix, name, instance_id = s3db.get_instance(table, record_id)
        return _pe_id_of_record(f"{prefix}_{name}", instance_id) if prefix else None
    row = current.db(table._id == record_id).select(table.pe_id, limitby=(0, 1)).first()
    return row.pe_id if row else None


def pr_instance_type(pe_id: int) -> str | None:
    """Name of the table that holds this person entity."""
    table = current.s3db.pr_pentity
    row = current.db(table.pe_id == pe_id).select(table.instance_type, limitby=(0, 1)).first()
    return row.instance_type if row else None


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


class ContactModel(S3Model):
    names = ("pr_contact", "pr_contact_methods")

    def model(self) -> dict[str, Any]:
        T = current.T
        methods = {
            "EMAIL": T("Email"),
            "SMS": T(current.deployment_settings.get_ui_label_mobile_phone()),
            "HOME_PHONE": T("Home Phone"),
            "WORK_PHONE": T("Work Phone"),
            "FACEBOOK": T("Facebook"),
            "FAX": T("Fax"),
            "LINKEDIN": T("LinkedIn Profile"),
            "RADIO": T("Radio Callsign"),
            "SKYPE": T("Skype"),
            "TWITTER": T("Twitter"),
            "WHATSAPP": T("WhatsApp"),
            "OTHER": T("Other"),
        }
        access = {1: T("Private"), 2: T("Public")}
        self.define_table(
            "pr_contact",
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Person Entity"),
                            represent=self.pr_pentity_represent, readable=True, writable=True),
            Field("contact_method", length=32, default="SMS", label=T("Contact Method"),
                  requires=IS_IN_SET(methods, zero=None), represent=S3Represent(options=methods)),
            Field("value", notnull=True, requires=IS_NOT_EMPTY(), label=T("Value")),
            Field("contact_description", label=T("Contact Description")),
            Field("priority", "integer", default=1, label=T("Priority"), requires=IS_INT_IN_RANGE(1, 10)),
            Field("access", "integer", default=1, label=T("Access"), readable=False, writable=False,
                  requires=IS_IN_SET(access, zero=None), represent=S3Represent(options=access)),
            Field("poll", "boolean", default=False, readable=False, writable=False),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["pr_contact"] = Storage(
            label_create=T("Add Contact Information"),
            title_display=T("Contact Details"),
            title_list=T("Contact Information"),
            title_update=T("Edit Contact Information"),
            msg_record_created=T("Contact Information Added"),
            msg_record_modified=T("Contact Information Updated"),
            msg_record_deleted=T("Contact Information Deleted"),
            msg_list_empty=T("No contact information available"),
        )
        self.configure(
            "pr_contact",
            deduplicate=S3Duplicate(primary=("pe_id", "contact_method", "value")),
            list_fields=["contact_method", "value", "priority", "comments"],
            onvalidation=contact_onvalidation,
            indexes=["pe_id"],
        )
        return {"pr_contact_methods": methods}


def contact_onvalidation(form: Any) -> None:
    """Bring the address into the form that its contact method needs, or object to it."""
    values = form.vars
    method = values.get("contact_method") or _stored_contact_method(values.get("id"))
    if not values.get("value") or method not in ("EMAIL", "SMS", "HOME_PHONE", "WORK_PHONE"):
        return
    value, error = _contact_validator(method)(str(values["value"]).strip())
    if error:
        form.errors["value"] = error
    else:
        values["value"] = value


def _contact_validator(method: str) -> Any:
    if method == "EMAIL":
        return IS_EMAIL(error_message=current.T("Enter a valid email"))
    if method == "SMS":
        return IS_PHONE_NUMBER_SINGLE(international=True)
    return IS_PHONE_NUMBER_MULTI()


def _stored_contact_method(record_id: Any) -> str | None:
    if not record_id:
        return None
    table = current.s3db.pr_contact
    row = current.db(table.id == record_id).select(table.contact_method, limitby=(0, 1)).first()
    return row.contact_method if row else None


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


class RoleModel(S3Model):
    """Affiliations: which entity is part of which other."""

    names = ("pr_role", "pr_role_id", "pr_role_types", "pr_affiliation")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        types = {OU: T("Organization Units"), 2: T("Membership"), 3: T("Association"), 9: T("Other")}
        self.define_table(
            "pr_role",
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Corporate Entity"),
                            represent=self.pr_pentity_represent, readable=True, writable=True),
            Field("role_type", "integer", default=OU, label=T("Role Type"),
                  requires=IS_IN_SET(types, zero=None), represent=S3Represent(options=types)),
            Field("role", notnull=True, requires=IS_NOT_EMPTY(), label=T("Role")),
            # materialised ancestors; NULL is "not known"
            Field("path", readable=False, writable=False),
            Field("entity_type", label=T("Entity Type")),
            Field("sub_type", "integer", readable=False, writable=False),
            *s3_meta_fields(),
        )
        self.configure(
            "pr_role",
            list_fields=["pe_id", "role_type", "role"], local_fields=["path"], indexes=["pe_id"],
            # sites and branches make theirs by themselves
            deduplicate=S3Duplicate(primary=("pe_id", "role_type", "role")),
        )
        self.add_components("pr_role", pr_affiliation="role_id")
        represent = S3Represent(lookup="pr_role", fields=["role"])
        role_id = S3ReusableField(
            "role_id", "reference pr_role",
            label=T("Role"), represent=represent, ondelete="CASCADE",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "pr_role.id", represent)),
        )
        self.define_table(
            "pr_affiliation",
            role_id(empty=False),
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Entity"),
                            represent=self.pr_pentity_represent, readable=True, writable=True),
            *s3_meta_fields(),
        )
        self.configure(
            "pr_affiliation",
            deduplicate=S3Duplicate(primary=("role_id", "pe_id")),
            onaccept=affiliation_onaccept,
            indexes=["role_id", "pe_id"],
        )
        return {"pr_role_id": role_id, "pr_role_types": types}


class RealmModel(S3Model):
    names = ("pr_realm",)

    def model(self) -> dict[str, Any]:
        self.define_table(
            "pr_realm",
            self.super_link("pe_id", "pr_pentity"),
            Field("name", label=current.T("Name"), requires=IS_NOT_EMPTY()),
            s3_comments(),
            *s3_meta_fields(),
        )
        self.configure("pr_realm", super_entity="pr_pentity", indexes=["pe_id"])
        return {}


class SavedFilterModel(S3Model):
    """Filters that a user has saved, to be loaded into a filter form or used by subscriptions."""

    names = ("pr_filter", "pr_filter_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "pr_filter",
            self.super_link("pe_id", "pr_pentity", label=T("Person")),
            Field("title", label=T("Title")),
            Field("controller", label=T("Controller")),
            Field("function", label=T("Function")),
            Field("resource", label=T("Resource")),
            Field("url", label=T("URL")),
            Field("description", "text", label=T("Description")),
            # JSON list of [selector__operator, value or null]
            Field("query", "text", label=T("Filter")),
            s3_comments(),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_filter"] = Storage(
            label_create=T("Create Filter"),
            title_display=T("Filter Details"),
            title_list=T("Saved Filters"),
            title_update=T("Edit Filter"),
            msg_record_created=T("Filter saved"),
            msg_record_modified=T("Filter updated"),
            msg_record_deleted=T("Filter deleted"),
            msg_list_empty=T("No saved filters"),
        )
        self.configure(
            "pr_filter",
            listadd=False,
            list_fields=["title", "resource", "url", "query"],
            orderby="pr_filter.resource",
            onvalidation=filter_onvalidation,
            ondelete=filter_ondelete,
            indexes=["pe_id"],
        )
        represent = S3Represent(lookup="pr_filter", fields=["title"])
        filter_id = S3ReusableField(
            "filter_id", "reference pr_filter",
            label=T("Filter"), represent=represent,
            # neither SET NULL, which would widen what uses the filter, nor RESTRICT, which would forbid to archive it (F20)
            ondelete="NO ACTION",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "pr_filter.id", represent, orderby="pr_filter.title", sort=True)),
        )
        return {"pr_filter_id": filter_id}


def filter_onvalidation(form: Any) -> None:
    """Store the filter as clean JSON, if all tables that it is used for can be filtered with it.

    An apostrophe in a value stays one; Eden turns it into a double quote (X13).
    """
    values = form.vars
    query = values.get("query")
    if not query:
        return
    # people also write [['status', 'open']]; with no double quote inside, there is only one way to read it
    text = query if '"' in query else query.replace("'", '"')
    tables = _subscribed_tables(current.s3db.pr_subscription.filter_id == values["id"]) if values.get("id") else set()
    resource = values.get("resource") if "resource" in values or not values.get("id") else _resource_of_filter(values["id"])
    if resource:
        tables.add(resource)
    try:
        values["query"] = _validate_filter(text, tables)
    except S3Error as error:
        form.errors["query"] = f"{error}: {query}"


def _resource_of_filter(filter_id: Any) -> str | None:
    table = current.s3db.pr_filter
    row = current.db(table.id == filter_id).select(table.resource, limitby=(0, 1)).first()
    return row.resource if row else None


def _subscribed_tables(condition: Query) -> set[str]:
    """Names of the tables that subscriptions of this condition watch."""
    s3db = current.s3db
    table, resources = s3db.pr_subscription, s3db.pr_subscription_resource
    query = condition & (table.deleted == False) & (resources.subscription_id == table.id) & (resources.deleted == False)
    return {row.resource for row in current.db(query).select(resources.resource, distinct=True)}


def _validate_filter(query: str | None, tablenames: Iterable[str]) -> str:
    """The filter as it is to be stored; tables that do not exist are somebody else's complaint.

    Raises:
        S3FilterValueError, S3SelectorError: it is malformed, or one of the tables cannot be filtered with it
    """
    return str(validate_filter(query, [name for name in sorted(tablenames) if _find_table(name) is not None]))


def _find_table(tablename: str) -> Table | None:
    if not re.fullmatch(r"[a-z0-9]+_\w+", tablename, re.ASCII):
        return None
    table: Table | None = current.s3db.table(tablename, db_only=True)
    return table


def filter_ondelete(row: Row) -> None:
    """Suspend the subscriptions that used the filter: without it they would report everything (F20).

    The reason stands on each subscription, in the log, and on the page of whoever deletes the filter.
    """
    db, table, filters = current.db, current.s3db.pr_subscription, current.s3db.pr_filter
    stored = db(filters.id == row.id).select(filters.title, limitby=(0, 1)).first()
    title = stored and stored.title
    reason = f'Its saved filter "{title}" was deleted' if title else "Its saved filter was deleted"
    uses = (table.filter_id == row.id) & (table.deleted == False)
    ids = [subscription.id for subscription in db(uses).select(table.id, orderby=table.id)]
    if not ids:
        return
    db(uses).update(suspended=True, suspended_reason=reason)
    for subscription_id in ids:
        current.log.warning(f"Subscription {subscription_id} is suspended: {reason}")
    message = str(current.T("%(number)s subscriptions that used this filter are suspended") % {"number": len(ids)})
    before = current.response.warning
    current.response.warning = f"{before} {message}" if before else message


class S3SubscriptionModel(S3Model):
    """Who wants to be notified, of what, how and how often. Source: Eden s3db/pr.py SubscriptionModel."""

    names = ("pr_subscription", "pr_subscription_resource", "pr_subscription_ledger", "pr_subscription_check_intervals")

    def model(self) -> dict[str, Any]:
        self._define_subscription()
        self._define_subscription_resource()
        self._define_ledger()
        return {"pr_subscription_check_intervals": CHECK_INTERVALS}

    def _define_subscription(self) -> None:
        T = current.T
        triggers = {"new": T("New Records"), "upd": T("Record Updates")}
        frequencies = {
            "immediately": T("Immediately"), "hourly": T("Hourly"), "daily": T("Daily"), "weekly": T("Weekly"), "never": T("Never"),
        }
        methods = {"EMAIL": T("Email"), "SMS": T(current.deployment_settings.get_ui_label_mobile_phone())}
        formats = {"text": T("Text"), "html": T("HTML")}
        self.define_table(
            "pr_subscription",
            self.super_link("pe_id", "pr_pentity", empty=False, label=T("Person"), readable=True, writable=True),
            self.pr_filter_id(),
            Field("notify_on", "list:string", default=["new"], label=T("Notify On"),
                  requires=IS_IN_SET(triggers, multiple=True, zero=None), represent=S3Represent(options=triggers, multiple=True)),
            Field("frequency", default="daily", label=T("Frequency"),
                  requires=IS_IN_SET(frequencies, zero=None, sort=False), represent=S3Represent(options=frequencies)),
            Field("method", "list:string", default=["EMAIL"], label=T("Notify By"),
                  requires=IS_IN_SET(methods, multiple=True, zero=None), represent=S3Represent(options=methods, multiple=True)),
            Field("email_format", label=T("Email Format"),
                  requires=IS_EMPTY_OR(IS_IN_SET(formats)), represent=S3Represent(options=formats)),
            Field("attachment", "boolean", default=False, readable=False, writable=False),
            # set when it cannot work (filter deleted, too many failures); editing the subscription clears it
            Field("suspended", "boolean", default=False, notnull=True, label=T("Suspended"), writable=False),
            Field("suspended_reason", label=T("Reason"), writable=False),
            s3_comments(),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_subscription"] = Storage(
            label_create=T("Create Subscription"),
            title_display=T("Subscription Details"),
            title_list=T("Person Subscriptions"),
            title_update=T("Edit Subscription"),
            msg_record_created=T("Subscription added"),
            msg_record_modified=T("Subscription updated"),
            msg_record_deleted=T("Subscription deleted"),
            msg_list_empty=T("No Subscriptions available"),
        )
        self.configure(
            "pr_subscription",
            list_fields=[(T("Person"), "pe_id"), "notify_on", "frequency", "method", "suspended", "suspended_reason"],
            onvalidation=subscription_onvalidation,
            update_onaccept=subscription_update_onaccept,
            indexes=["pe_id", "filter_id"],
        )
        self.add_components(
            "pr_subscription",
            pr_subscription_resource={"name": "subscription_resource", "joinby": "subscription_id"},
        )

    def _define_subscription_resource(self) -> None:
        T = current.T
        represent = S3Represent(lookup="pr_subscription", fields=["id"])
        self.define_table(
            "pr_subscription_resource",
            Field("subscription_id", "reference pr_subscription", ondelete="CASCADE", label=T("Subscription"), represent=represent,
                  requires=IS_EMPTY_OR(IS_ONE_OF(current.db, "pr_subscription.id", represent))),
            Field("resource", label=T("Resource"), requires=IS_NOT_EMPTY()),
            Field("url", label=T("URL"), requires=IS_SUBSCRIPTION_URL()),
            # SHA-256 of the lookup token, in hex; the token itself is never stored
            Field("auth_token", length=64, readable=False, writable=False),
            Field("token_expires", "datetime", readable=False, writable=False),
            # dead columns of Eden's: a lease has taken the place of the lock, and nothing has ever read batch_mode
            Field("locked", "boolean", default=False, notnull=True, readable=False, writable=False),
            Field("batch_mode", "boolean", default=True, readable=False, writable=False),
            # a subscription reports what happens after it was made
            Field("last_check_time", "datetime", default=utcnow, label=T("Last Check"), writable=False),
            # NULL is due now
            Field("next_check_time", "datetime", label=T("Next Check"), writable=False),
            # position in the change log up to which everything has been reported: the real watermark
            Field("last_position", "bigint", default=current_position, readable=False, writable=False),
            Field("lease_owner", length=64, readable=False, writable=False),
            Field("lease_until", "datetime", readable=False, writable=False),
            # failures in a row
            Field("attempts", "integer", default=0, label=T("Failures"), writable=False),
            Field("last_error", "text", label=T("Last Error"), writable=False),
            Field("last_run", "datetime", label=T("Last Run"), writable=False),
            # after a failure: not before this time
            Field("retry_at", "datetime", label=T("Next Try"), writable=False),
            *s3_meta_fields(),
            watch=False,
        )
        current.response.s3.crud_strings["pr_subscription_resource"] = Storage(
            label_create=T("Add Resource"),
            title_display=T("Subscribed Resource"),
            title_list=T("Subscribed Resources"),
            title_update=T("Edit Subscribed Resource"),
            msg_record_created=T("Resource added"),
            msg_record_modified=T("Resource updated"),
            msg_record_deleted=T("Resource removed"),
            msg_list_empty=T("No resources subscribed"),
        )
        self.configure(
            "pr_subscription_resource",
            list_fields=["subscription_id", "resource", "url", "last_check_time", "next_check_time", "attempts", "last_error"],
            onvalidation=subscription_resource_onvalidation,
            # how far this installation has come with it
            local_fields=[
                "last_check_time", "next_check_time", "last_position", "lease_owner", "lease_until", "token_expires", "locked",
                "attempts", "last_error", "last_run", "retry_at",
            ],
            indexes=["subscription_id", "next_check_time", "resource", "auth_token", "lease_until"],
        )

    def _define_ledger(self) -> None:
        """What was composed for whom: one row for each message of a round, written with it in one transaction."""
        self.define_table(
            "pr_subscription_ledger",
            Field("subscription_resource_id", "reference pr_subscription_resource", ondelete="CASCADE"),
            # the window of the change log that the message tells of
            Field("position_from", "bigint"),
            Field("position_to", "bigint"),
            Field("contact_method", length=32),
            # no foreign key: the ledger outlives the messages, which are pruned
            Field("message_id", "integer"),
            Field("new_records", "integer"),
            Field("updated_records", "integer"),
            Field("composed_on", "datetime"),
            # the account that it was looked up as, if any; no foreign key: an account that is gone must not look like none
            Field("user_id", "integer"),
            watch=False,
        )
        self.configure("pr_subscription_ledger", insertable=False, editable=False, deletable=False, indexes=["message_id"])


def pr_check_subscription_resource(resource: Any, url: Any) -> str:
    """Check what a subscription watches; gives the URL as it is to be stored.

    Raises:
        S3DataError: there is no such table, its changes cannot be seen, or the URL is not a page of this application
    """
    table = _find_table(str(resource or ""))
    if table is None:
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: there is no such table", resource=resource)
    if "modified_on" not in table.fields:
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: the table has no modified_on", resource=resource)
    if not is_watched(table):
        raise S3DataError(f"Cannot subscribe to the resource {resource!r}: its changes are not logged", resource=resource)
    return check_subscription_url(url, is_new=True)


def subscription_onvalidation(form: Any) -> None:
    values = form.vars
    is_new = not values.get("id")
    if not values.get("pe_id") and (is_new or "pe_id" in values):
        form.errors["pe_id"] = current.T("Select the person or group to be notified")
    for name in ("notify_on", "method"):
        if name in values:
            values[name] = _once_each(values[name])
            if not values[name]:
                form.errors[name] = current.T("Select at least one")
    if not is_new and "filter_id" in values and not values["filter_id"] and _is_deleted_filter(_filter_of(values["id"])):
        # forms do not offer what is deleted: nobody has said that everything is wanted now (F20)
        form.errors["filter_id"] = current.T("The filter of this subscription was deleted. Select another one.")
    if values.get("filter_id") and not is_new:
        objection = _filter_objection(values["filter_id"], _subscribed_tables(current.s3db.pr_subscription.id == values["id"]))
        if objection:
            form.errors["filter_id"] = objection


def _once_each(chosen: list[str] | str | None) -> list[str]:
    """What was chosen, each option once: a method that is given twice must not send twice."""
    return list(dict.fromkeys([chosen] if isinstance(chosen, str) and chosen else chosen or []))


def _filter_objection(filter_id: int, tablenames: Iterable[str]) -> str | None:
    """Why these tables cannot be filtered with this saved filter."""
    table = current.s3db.pr_filter
    row = current.db(table.id == filter_id).select(table.query, limitby=(0, 1)).first()
    try:
        _validate_filter(row.query if row else None, tablenames)
    except S3Error as error:
        return str(error)
    return None


def subscription_resource_onvalidation(form: Any) -> None:
    values = form.vars
    stored = _stored_resource(values.get("id"))
    resource, url, subscription_id = (
        values.get(name, stored and stored[name]) for name in ("resource", "url", "subscription_id")
    )
    try:
        values["url"] = pr_check_subscription_resource(resource, url)
    except S3DataError as error:
        form.errors["url" if hasattr(error, "url") else "resource"] = str(error)
        return
    filter_id = _filter_of(subscription_id)
    objection = _filter_objection(filter_id, [resource]) if filter_id else None
    if objection:
        form.errors["resource"] = objection


def _stored_resource(record_id: Any) -> Row | None:
    if not record_id:
        return None
    table = current.s3db.pr_subscription_resource
    fields = (table.resource, table.url, table.subscription_id)
    row: Row | None = current.db(table.id == record_id).select(*fields, limitby=(0, 1)).first()
    return row


def _filter_of(subscription_id: Any) -> int | None:
    if not subscription_id:
        return None
    table = current.s3db.pr_subscription
    row = current.db(table.id == subscription_id).select(table.filter_id, limitby=(0, 1)).first()
    return row.filter_id if row else None


def subscription_update_onaccept(form: Any) -> None:
    """Whoever edits a subscription gives it a new start: it is no longer suspended, and a new frequency counts at once."""
    db, s3db = current.db, current.s3db
    table, resources = s3db.pr_subscription, s3db.pr_subscription_resource
    record_id = form.vars.id
    subscription = db(table.id == record_id).select(table.frequency, table.filter_id, table.suspended, limitby=(0, 1)).first()
    if subscription is None:
        return
    if subscription.suspended and not _is_deleted_filter(subscription.filter_id):
        db(table.id == record_id).update(suspended=False, suspended_reason=None)
        db(resources.subscription_id == record_id).update(attempts=0, last_error=None, retry_at=None, next_check_time=None)
    before = form.record.frequency if getattr(form, "record", None) else None
    if before != subscription.frequency:
        _reschedule(resources, record_id, subscription.frequency)


def _is_deleted_filter(filter_id: int | None) -> bool:
    if not filter_id:
        return False
    table = current.s3db.pr_filter
    return current.db((table.id == filter_id) & (table.deleted == False)).isempty()


def _reschedule(table: Table, subscription_id: int, frequency: str) -> None:
    """Count the due time from the last check with the new interval; Eden's plain forms keep the old due time (X45)."""
    interval = dt.timedelta(minutes=CHECK_INTERVALS.get(frequency, 0))
    db = current.db
    for row in db(table.subscription_id == subscription_id).select(table.id, table.last_check_time):
        due = row.last_check_time + interval if row.last_check_time else None
        db(table.id == row.id).update(next_check_time=due)
