"""Reading documents of strangers: XML without entities, networks and huge trees, JSON without surprises, both within limits."""
from __future__ import annotations

import json
from typing import Any
from xml.parsers import expat

from s3.s3error import S3DataError

__all__ = ("MAX_BYTES", "parse_json", "parse_xml", "read_source")

#: the largest document that is read unless the caller says otherwise
MAX_BYTES = 10 * 1024 * 1024


def read_source(source: Any, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a document.

    Args:
        source: text, bytes, or an open file

    Raises:
        S3DataError: it is too large
    """
    if hasattr(source, "read"):
        # one more than allowed tells that there is more, without reading it
        source = source.read(max_bytes + 1)
    content = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else bytes(source)
    if len(content) > max_bytes:
        raise S3DataError(f"The document is larger than {max_bytes:,} bytes")
    return content


def parse_xml(source: Any, max_bytes: int = MAX_BYTES) -> Any:
    """Parse a XML document; gives its root element.

    Raises:
        S3DataError: it is not well-formed, too large, or has a document type declaration
    """
    from lxml import etree

    content = read_source(source, max_bytes)
    _refuse_doctype(content)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, LookupError, ValueError) as error:
        raise S3DataError(f"The document is not valid XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise S3DataError("The document has a document type declaration, which is not accepted")
    return root


class _Seen(Exception):
    """The first element begins: everything before it has been looked at."""


def _refuse_doctype(content: bytes) -> None:
    """Look at what stands before the first element: entities are declared there, and nowhere else.

    Before the real parser sees it, because that one expands entities in attributes whatever it is told.
    """

    def doctype(*declaration: Any) -> None:
        raise S3DataError("The document has a document type declaration, which is not accepted")

    def element(*start: Any) -> None:
        raise _Seen

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        parser.Parse(content, True)
    except _Seen:
        return
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, S3DataError):
            raise
        raise S3DataError(f"The document is not valid XML: {error}") from error


def parse_json(source: Any, max_bytes: int = MAX_BYTES) -> Any:
    """Parse a JSON document.

    Raises:
        S3DataError: it is not JSON, too large, or nested too deeply
    """
    try:
        return json.loads(read_source(source, max_bytes), parse_constant=_no_number)
    except RecursionError:
        raise S3DataError("The document is not valid JSON: it is nested too deeply") from None
    except ValueError as error:
        if isinstance(error, S3DataError):
            raise
        raise S3DataError(f"The document is not valid JSON: {error}") from error


def _no_number(name: str) -> Any:
    raise S3DataError(f"The document is not valid JSON: {name} is no number")
