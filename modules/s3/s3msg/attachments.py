"""The documents of a message, as they are attached to a mail."""
from __future__ import annotations

import mimetypes
import os

from gluon import current

from s3.s3msg.mail import Attachment
from s3dal import Row

__all__ = ("find_attachments",)


def find_attachments(message_id: int) -> list[Attachment]:
    """The documents of a message that can be read.

    A mail goes out without a document that is gone, which is logged: what it says is more urgent than what it carries.
    """
    s3db = current.s3db
    link, document = s3db.table("msg_attachment"), s3db.table("doc_document")
    if link is None or document is None:
        return []
    rows = current.db(
        (link.message_id == message_id)
        & (link.deleted == False)
        & (document.id == link.document_id)
        & (document.deleted == False)
        & (document.file != None)
        & (document.file != "")
    ).select(document.ALL, orderby=link.id)
    return [attachment for attachment in map(_read, rows) if attachment is not None]


def _read(row: Row) -> Attachment | None:
    field = current.s3db.doc_document.file
    try:
        original_name, stream = field.retrieve(row.file)
        with stream:
            content = stream.read()
    except (OSError, ValueError, AttributeError, TypeError) as exc:
        # retrieve() fails in each of these ways, depending on what is missing
        current.log.warning(f"Document {row.id} cannot be attached", exc)
        return None
    name = _file_name(row, str(original_name))
    mime_type = row.mime_type or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Attachment(name, content, mime_type)


def _file_name(row: Row, original_name: str) -> str:
    """The name that people gave the document, with the extension of the file; not the name it is stored under (X26)."""
    extension = os.path.splitext(original_name)[1]
    name = (row.name or "").strip() or original_name
    return name if not extension or name.lower().endswith(extension.lower()) else f"{name}{extension}"
