"""Represent values for exports: many at once when the first one is needed, or a single one as plain or escaped text."""
from __future__ import annotations

from typing import Any

from s3.s3fields.represent import S3Represent
from s3.s3utils import NONE, s3_plain_text, s3_str
from s3.s3xml import S3XML
from s3dal import Field

__all__ = ("S3RepresentLazy", "s3_represent_value")


class S3RepresentLazy:
    """A value that is represented together with all others of its renderer, once the first of them is needed.

    Source: Eden s3fields.py S3RepresentLazy.
    """

    def __init__(self, value: Any, renderer: S3Represent) -> None:
        self.value = value
        self.renderer = renderer
        renderer.lazy.append(value)

    def __str__(self) -> str:
        return self.represent()

    def represent(self) -> str:
        """The text, which may hold markup if the renderer makes links."""
        return s3_str(self.render())

    def render(self) -> Any:
        """The representation as the renderer makes it."""
        renderer = self.renderer
        if renderer.lazy:
            pending, renderer.lazy = renderer.lazy, []
            renderer.bulk(pending)
        if renderer.list_type:
            return renderer.multiple(self.value, list_type=False)
        return renderer(self.value)

    def render_node(self, element: Any, attributes: dict[str, str], name: str) -> None:
        """Write the plain text into an XML element; without one into the attribute of this name."""
        text = s3_plain_text(self.render())
        if element is not None:
            element.text = text
        else:
            attributes[name] = text


def s3_represent_value(
    field: Field,
    value: Any = None,
    record: Any = None,
    strip_markup: bool = False,
    xml_escape: bool = False,
    non_xml_output: bool = False,
) -> str:
    """Represent the value of a field for an export.

    Args:
        value: the value; None takes it from the record
        record: Row of the table
        strip_markup: give plain text
        xml_escape: escape the result for XML
        non_xml_output: the text does not go into XML: texts of the user are not escaped before they are represented
    """
    if value is None and record is not None:
        value = record[field.name]
    # in plain text nothing is escaped
    if isinstance(value, str) and field.type in ("string", "text") and not non_xml_output and not strip_markup:
        value = S3XML.xml_encode(value)
    if field.represent is not None:
        shown = field.represent(value)
    else:
        shown = NONE if value is None else value
    text = s3_plain_text(shown) if strip_markup else s3_str(shown)
    return S3XML.xml_encode(text) if xml_escape else text
