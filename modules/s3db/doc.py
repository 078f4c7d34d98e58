"""Documents and images: files that belong to other records, and that messages can carry as attachments."""
from __future__ import annotations

import os
from typing import Any

from gluon import IS_EMPTY_OR, IS_IMAGE, IS_LENGTH, IS_NOT_EMPTY, IS_URL, current
from gluon.storage import Storage

from s3 import IS_ONE_OF, S3Model, S3Represent, S3ReusableField, s3_comments, s3_date, s3_meta_fields
from s3dal import Field

__all__ = ("DocumentEntityModel", "DocumentModel", "ImageModel")


class DocumentEntityModel(S3Model):
    """Whatever can have documents and images: posts, groups, offices, incidents."""

    names = ("doc_entity",)

    def model(self) -> dict[str, Any]:
        T = current.T
        types = Storage(
            cms_post=T("Post"),
            event_event=T("Event"),
            event_incident=T("Incident"),
            event_incident_report=T("Incident Report"),
            org_office=T("Office"),
            pr_group=T("Person Group"),
        )
        self.super_entity("doc_entity", "doc_id", types)
        self.configure("doc_entity", insertable=False, editable=False, deletable=False, listadd=False)
        self.add_components("doc_entity", doc_document="doc_id", doc_image="doc_id")
        return {}


class DocumentModel(S3Model):
    names = ("doc_document", "doc_document_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "doc_document",
            self.super_link("doc_id", "doc_entity"),
            Field("name", length=128, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            # stored under an obfuscated name; `name` is what people see
            Field("file", "upload", label=T("File"), uploadfolder=_upload_folder()),
            Field("url", label=T("URL"), requires=IS_EMPTY_OR(IS_URL())),
            Field("mime_type", readable=False, writable=False),
            s3_date(label=T("Date Published")),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["doc_document"] = Storage(
            label_create=T("Add Document"),
            title_display=T("Document Details"),
            title_list=T("Documents"),
            title_update=T("Edit Document"),
            msg_record_created=T("Document added"),
            msg_record_modified=T("Document updated"),
            msg_record_deleted=T("Document deleted"),
            msg_list_empty=T("No Documents found"),
        )
        self.configure("doc_document", list_fields=["name", "url", "date", "comments"], indexes=["doc_id"])
        represent = S3Represent(lookup="doc_document", fields=["name"])
        document_id = S3ReusableField(
            "document_id", "reference doc_document",
            label=T("Document"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "doc_document.id", represent, sort=True)),
        )
        return {"doc_document_id": document_id}

    def defaults(self) -> dict[str, Any]:
        return {"doc_document_id": S3ReusableField.dummy("document_id")}


class ImageModel(S3Model):
    names = ("doc_image",)

    def model(self) -> dict[str, Any]:
        T = current.T
        self.define_table(
            "doc_image",
            self.super_link("doc_id", "doc_entity"),
            Field("name", length=128, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            Field("file", "upload", label=T("File"), uploadfolder=_upload_folder(), requires=IS_EMPTY_OR(IS_IMAGE())),
            Field("url", label=T("URL"), requires=IS_EMPTY_OR(IS_URL())),
            s3_date(label=T("Date Taken")),
            s3_comments(),
            *s3_meta_fields(),
        )
        current.response.s3.crud_strings["doc_image"] = Storage(
            label_create=T("Add Photo"),
            title_display=T("Photo Details"),
            title_list=T("Photos"),
            title_update=T("Edit Photo"),
            msg_record_created=T("Photo added"),
            msg_record_modified=T("Photo updated"),
            msg_record_deleted=T("Photo deleted"),
            msg_list_empty=T("No Photos found"),
        )
        self.configure("doc_image", list_fields=["name", "url", "date", "comments"], indexes=["doc_id"])
        return {}


def _upload_folder() -> str:
    return os.path.join(current.request.folder, "uploads")
