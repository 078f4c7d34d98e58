"""Machine-readable answers: the JSON message that reports the outcome of a request, and the escaping of XML text."""
from __future__ import annotations

import datetime as dt
import json
from typing import Any

from s3.s3datetime import s3_encode_iso_datetime
from s3.s3utils import s3_str

__all__ = ("S3XML",)

# The five characters that XML reserves; "&" first, or the others would be escaped twice
XML_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&apos;"), ('"', "&quot;"))


class S3XML:
    """Format of the machine-readable answers, ``current.xml``."""

    @staticmethod
    def json_message(success: bool = True, statuscode: int | str | None = None, message: Any = None, **kwargs: Any) -> str:
        """Report the outcome of a request; does not set the status or the headers of the response.

        Args:
            success: note that this is the first argument: a call with a message alone reports success
            statuscode: HTTP status; default 200 or 404
            kwargs: further items of the report; tree: JSON text that is put in as it is, if there is a message

        Returns:
            JSON object with status ("success" or "failed"), statuscode (text), message (if any), further items
        """
        report: dict[str, Any] = {
            "status": "success" if success else "failed",
            "statuscode": s3_str(statuscode or (200 if success else 404)),
        }
        if message:
            report["message"] = s3_str(message)
        tree = kwargs.pop("tree", None)
        report.update(kwargs)
        text = json.dumps(report, default=_encode, ensure_ascii=False)
        if message and tree:
            text = f'{text[:-1]}, "tree": {tree}}}'
        return text

    @staticmethod
    def xml_encode(text: str) -> str:
        """Escape what XML reserves."""
        for character, entity in XML_ENTITIES:
            text = text.replace(character, entity)
        return text

    @staticmethod
    def xml_decode(text: str) -> str:
        """Resolve the entities of XML, the reverse of xml_encode."""
        for character, entity in reversed(XML_ENTITIES):
            text = text.replace(entity, character)
        return text


def _encode(value: Any) -> str:
    """JSON has no dates and no lazy translations."""
    if isinstance(value, dt.datetime):
        return f"{s3_encode_iso_datetime(value)}Z" if value.tzinfo is None else s3_encode_iso_datetime(value)
    return value.isoformat() if isinstance(value, dt.date) else s3_str(value)
