"""S3JSON: the same document as S3XML, as a JSON object.

======================== ===========================================================
S3XML                    S3JSON
======================== ===========================================================
resource elements        ``"$_<table name>"``: list of objects
reference element        ``"$k_<field name>"``
data element             ``"<field name>"``
attribute                ``"@<name>"``; of a ``value`` what its JSON means
text                     ``"$"``; an element that has nothing else is that text
======================== ===========================================================
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from s3.s3error import S3DataError
from s3.s3xml.names import DATA, FIELD, NAME, REFERENCE, RESOURCE, ROOT, VALUE

__all__ = ("json_to_tree", "tree_to_json", "tree_to_object")

RESOURCE_PREFIX = "$_"
REFERENCE_PREFIX = "$k_"
ATTRIBUTE_PREFIX = "@"
TEXT = "$"

# Attributes that are part of the key
KEYS = {RESOURCE: NAME, REFERENCE: FIELD, DATA: FIELD}
# Values of these forms stand as they are in a value attribute, everything else as JSON
PLAIN_VALUE = re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+)?(Z|[+-][\d:]+)?|\d\d:\d\d(:[\d.]+)?")


def tree_to_object(element: Any) -> dict[str, Any]:
    """The object of an element, usually the root."""
    data: dict[str, Any] = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        key, value = _key_of(child), _value_of(child)
        if child.tag == RESOURCE:
            data.setdefault(key, []).append(value)
        elif value not in ({}, None):
            _add(data, key, value)
    for name, text in element.attrib.items():
        if name != KEYS.get(element.tag):
            data[f"{ATTRIBUTE_PREFIX}{name}"] = _decode(text) if name == VALUE else text
    if element.tag in (DATA, REFERENCE) and element.text:
        data[TEXT] = element.text
    return data


def tree_to_json(element: Any, pretty_print: bool = False) -> str:
    """JSON text of an element, usually the root."""
    data = tree_to_object(element)
    if pretty_print:
        return json.dumps(data, ensure_ascii=False, indent=2)
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _key_of(element: Any) -> str:
    if element.tag == RESOURCE:
        return f"{RESOURCE_PREFIX}{element.get(NAME, '')}"
    if element.tag == REFERENCE:
        return f"{REFERENCE_PREFIX}{element.get(FIELD, '')}"
    return element.get(FIELD, "") if element.tag == DATA else element.tag


def _value_of(element: Any) -> Any:
    data = tree_to_object(element)
    return data[TEXT] if list(data) == [TEXT] else data


def _add(data: dict[str, Any], key: str, value: Any) -> None:
    """One of a kind stands for itself, several are a list."""
    if key not in data:
        data[key] = value
    elif isinstance(data[key], list):
        data[key].append(value)
    else:
        data[key] = [data[key], value]


def _decode(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def json_to_tree(data: Any) -> Any:
    """The root element of a S3JSON object.

    Raises:
        S3DataError: it is no such object
    """
    from lxml import etree

    if not isinstance(data, dict):
        raise S3DataError("The document must be a JSON object")
    root = etree.Element(ROOT)
    try:
        _fill(root, data)
    except RecursionError:
        raise S3DataError("The document is nested too deeply") from None
    except (TypeError, ValueError) as error:
        if isinstance(error, S3DataError):
            raise
        # lxml refuses names and characters that XML does not have
        raise S3DataError(f"The document cannot be read as S3JSON: {error}") from error
    return root


def _fill(element: Any, data: dict[str, Any]) -> None:
    from lxml import etree

    for key, value in data.items():
        if key == TEXT:
            if isinstance(value, (dict, list)):
                raise S3DataError("The text of an element must be text")
            element.text = value if isinstance(value, str) else json.dumps(value)
        elif key.startswith(ATTRIBUTE_PREFIX):
            element.set(key[1:], _encode(key[1:], value))
        else:
            tag, attribute, name = _tag_of(key)
            for item in _items(tag, key, value):
                child = etree.SubElement(element, tag, {attribute: name})
                if isinstance(item, dict):
                    _fill(child, item)
                elif isinstance(item, str):
                    child.text = item
                else:
                    child.set(VALUE, json.dumps(item))


def _tag_of(key: str) -> tuple[str, str, str]:
    for prefix, tag in ((RESOURCE_PREFIX, RESOURCE), (REFERENCE_PREFIX, REFERENCE)):
        if key.startswith(prefix):
            return tag, KEYS[tag], key[len(prefix) :]
    return DATA, FIELD, key


def _items(tag: str, key: str, value: Any) -> Iterator[Any]:
    items = value if isinstance(value, list) else [value]
    for item in items:
        if tag == DATA or isinstance(item, dict):
            if isinstance(item, list):
                raise S3DataError(f"{key}: a list cannot stand in a list")
            yield item
        elif not (tag == REFERENCE and item is None):
            raise S3DataError(f"{key} must be an object" if tag == REFERENCE else f"{key} must be a list of objects")


def _encode(name: str, value: Any) -> str:
    """Text of an attribute."""
    if name == VALUE:
        return value if isinstance(value, str) and PLAIN_VALUE.fullmatch(value) else json.dumps(value, ensure_ascii=True)
    return value if isinstance(value, str) else json.dumps(value)
