"""One column of a select: the values that its records have in one field."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from s3.s3query import S3ResourceField

__all__ = ("Column", "value_key")

JSON_TYPES = ("json", "jsonb")


class Column:
    """The values of one field: one for each record, or those of several joined records, each once and in order."""

    def __init__(self, rfield: S3ResourceField) -> None:
        self.rfield = rfield
        self._is_json = rfield.ftype in JSON_TYPES
        # values may be of any type, also such as cannot be keys of a dict
        self._is_free = rfield.field is None or not isinstance(rfield.field.type, str) or rfield.field.filter_out is not None
        # a value of one record may be a list of members
        self._is_list = rfield.is_list or self._is_free
        # either, or
        self._single: dict[Any, Any] = {}
        self._collected: dict[Any, dict[Any, Any]] = {}

    def fill(self, ids: Iterable[Any], values: Iterable[Any]) -> None:
        """Set the values of records that have one each."""
        if self._is_json:
            values = map(_json_text, values)
        elif self.rfield.is_list:
            values = [value and list(dict.fromkeys(value)) for value in values]
        self._single.update(zip(ids, values, strict=True))

    def collect(self, ids: Iterable[Any], values: Iterable[Any]) -> None:
        """Add values, or the members of lists, to those of their records, unless they are among them already."""
        collected, key = self._collected, value_key if self._is_free else None
        for record_id, value in zip(ids, values, strict=True):
            known = collected.get(record_id)
            if known is None:
                known = collected[record_id] = {}
            if self._is_json:
                value = _json_text(value)
            for item in value if self._is_list and isinstance(value, (list, tuple)) else (value,):
                known.setdefault(key(item) if key else item, item)

    def values(self, ids: Iterable[Any]) -> list[Any]:
        """Of each record None, a single value, or a list of several; of a list type always a list."""
        if self.rfield.is_list:
            return [self._members(record_id) or [None] for record_id in ids]
        return self.raw_values(ids)

    def raw_values(self, ids: Iterable[Any]) -> list[Any]:
        """Of each record None, a single value, or a list of several."""
        if self.rfield.is_list or self._collected:
            return [_reduced(self._members(record_id)) for record_id in ids]
        return self.stored_values(ids)

    def stored_values(self, ids: Iterable[Any]) -> list[Any]:
        """The values with which the column was filled."""
        return list(map(self._single.get, ids))

    @property
    def is_plain(self) -> bool:
        """No record has several values."""
        return not (self._is_list or self._collected)

    def shown(self, ids: Iterable[Any]) -> list[list[Any]]:
        """Values of each record to show: beside values, missing ones are left out."""
        return [[item for item in self._members(record_id) if item is not None] for record_id in ids]

    def _members(self, record_id: Any) -> list[Any]:
        if self._collected:
            return list(self._collected.get(record_id, {}).values())
        value = self._single.get(record_id)
        return value if isinstance(value, list) else list(value) if isinstance(value, tuple) else [value]


def value_key(value: Any) -> Any:
    """The value as key of a dict; computed values may be of any type, and 1 is not True."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return type(value), value


def _reduced(members: list[Any]) -> Any:
    return members[0] if len(members) == 1 else members or None


def _json_text(value: Any) -> str | None:
    return None if value is None else json.dumps(value)
