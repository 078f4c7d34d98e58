"""Documents: files that messages can carry as attachments."""
from __future__ import annotations

import os
from typing import Any

from gluon import IS_EMPTY_OR, IS_LENGTH, IS_NOT_EMPTY, IS_URL, current
from gluon.storage import Storage

from s3 import IS_ONE_OF, S3Model, S3Represent, S3ReusableField, s3_comments, s3_meta_fields
from s3dal import Field

__all__ = ("DocumentModel",)


class DocumentModel(S3Model):
    names = ("doc_document", "doc_document_id")

    def model(self) -> dict[str, Any]:
        T, db = current.T, current.db
        self.define_table(
            "doc_document",
            Field("name", length=128, label=T("Name"), requires=[IS_NOT_EMPTY(), IS_LENGTH(128)]),
            # stored under an obfuscated name; `name` is what people see
            Field("file", "upload", label=T("File"), uploadfolder=os.path.join(current.request.folder, "uploads")),
            Field("url", label=T("URL"), requires=IS_EMPTY_OR(IS_URL())),
            Field("mime_type", readable=False, writable=False),
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
        self.configure("doc_document", list_fields=["name", "url", "comments"])
        represent = S3Represent(lookup="doc_document", fields=["name"])
        document_id = S3ReusableField(
            "document_id", "reference doc_document",
            label=T("Document"), represent=represent, ondelete="RESTRICT",
            requires=IS_EMPTY_OR(IS_ONE_OF(db, "doc_document.id", represent, sort=True)),
        )
        return {"doc_document_id": document_id}
