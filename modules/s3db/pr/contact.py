"""Ways to reach persons, groups and organisations."""
from __future__ import annotations

from typing import Any

from gluon import IS_EMAIL, IS_IN_SET, IS_INT_IN_RANGE, IS_NOT_EMPTY, current
from gluon.storage import Storage

from s3 import (
    IS_PHONE_NUMBER_MULTI,
    IS_PHONE_NUMBER_SINGLE,
    S3Duplicate,
    S3Model,
    S3Represent,
    s3_comments,
    s3_meta_fields,
)
from s3dal import Field

__all__ = (
    "ContactModel",
)


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
