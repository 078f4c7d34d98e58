"""S3XML, ``current.xml``: the messages that report the outcome of a request, and documents as text and as trees."""
from __future__ import annotations

import datetime as dt
import json
from typing import Any

from s3.s3datetime import s3_encode_iso_datetime
from s3.s3utils import s3_str
from s3.s3xml.source import MAX_BYTES, parse_json, parse_xml

__all__ = ("S3XML",)

# The five characters that XML reserves; "&" first, or the others would be escaped twice
XML_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("'", "&apos;"), ('"', "&quot;"))


class S3XML:
    """Format of machine-readable answers and documents, ``current.xml``."""

    #: whether exports hold the ids of records, which mean something in this database only
    show_ids = False

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

    # Documents: what they mean is the business of resources, S3Resource.export_xml and import_xml

    @staticmethod
    def parse(source: Any, max_bytes: int = MAX_BYTES) -> Any:
        """The root element of a S3XML document: text, bytes or an open file.

        Raises:
            S3DataError: it is no XML, or more than we want to read of a stranger
        """
        return parse_xml(source, max_bytes)

    @staticmethod
    def tostring(tree: Any, pretty_print: bool = False) -> bytes:
        """A tree as XML in UTF-8, with declaration."""
        from lxml import etree

        return bytes(etree.tostring(tree, xml_declaration=True, encoding="utf-8", pretty_print=pretty_print))

    @staticmethod
    def tree2json(tree: Any, pretty_print: bool = False, as_dict: bool = False) -> Any:
        """A tree as S3JSON text, or as the object that it would be parsed to."""
        from s3.s3xml.s3json import tree_to_json, tree_to_object

        root = tree.getroot() if hasattr(tree, "getroot") else tree
        return tree_to_object(root) if as_dict else tree_to_json(root, pretty_print)

    @staticmethod
    def json2tree(source: Any, max_bytes: int = MAX_BYTES) -> Any:
        """The root element of a S3JSON document: text, bytes or an open file.

        Raises:
            S3DataError: it is no S3JSON, or more than we want to read of a stranger
        """
        from s3.s3xml.s3json import json_to_tree

        return json_to_tree(parse_json(source, max_bytes))


def _encode(value: Any) -> str:
    """JSON has no dates and no lazy translations."""
    if isinstance(value, dt.datetime):
        return f"{s3_encode_iso_datetime(value)}Z" if value.tzinfo is None else s3_encode_iso_datetime(value)
    return value.isoformat() if isinstance(value, dt.date) else s3_str(value)
