"""One column of a select: the values of each record, raw and represented."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from gluon import current
from gluon.html import TAG

from s3.s3query import S3ResourceField
from s3.s3utils import NONE, s3_str

__all__ = ("Column",)

# What a represent function raises on a value it was not made for
REPRESENT_ERRORS = (AttributeError, LookupError, TypeError, ValueError)


class Column:
    """Ordered unique values per record."""

    def __init__(self, rfield: S3ResourceField) -> None:
        self.rfield = rfield
        self._values: dict[Any, list[Any]] = {}

    def add(self, record_id: Any, value: Any) -> None:
        """Add a value, or the members of a list, unless the record has them already."""
        values = self._values.setdefault(record_id, [])
        for item in self._members(value):
            if item not in values:
                values.append(item)

    def fill(self, values: Iterable[tuple[Any, Any]]) -> None:
        """Set the values of records that have one each."""
        is_scalar = not (self.rfield.is_list or self.rfield.ftype in ("json", "jsonb"))
        for record_id, value in values:
            if is_scalar:
                self._values[record_id] = [value]
            else:
                self.add(record_id, value)

    def _members(self, value: Any) -> list[Any]:
        if self.rfield.ftype in ("json", "jsonb"):
            return [None if value is None else value if isinstance(value, str) else json.dumps(value)]
        if isinstance(value, (list, tuple)) and (self.rfield.is_list or self.rfield.virtual):
            return list(value)
        return [value]

    def value(self, record_id: Any) -> Any:
        """None, a single value, or a list of several; of a list type always a list."""
        values = self._values.get(record_id, [])
        if self.rfield.is_list:
            return values or [None]
        return self.raw(record_id)

    def raw(self, record_id: Any) -> Any:
        """None, a single value, or a list of several."""
        values = self._values.get(record_id, [])
        return values[0] if len(values) == 1 else list(values) if values else None

    def renderer(self, ids: Iterable[Any], show_links: bool) -> Callable[[Any], Any]:
        """Represent the values of all these records at once, give a function that returns those of one."""
        ids = list(ids)
        represent = self.rfield.represent
        if self.rfield.is_list:
            return self._list_renderer(represent, ids, show_links)
        unique = {_key(item): item for record_id in ids for item in self._values.get(record_id) or [None]}
        if hasattr(represent, "bulk"):
            labels = represent.bulk(list(unique.values()), list_type=False, show_link=show_links)
        else:
            with_links = _LinkSwitch(represent, show_links)
            labels = {key: with_links(item) for key, item in unique.items()}
        return lambda record_id: self._join([labels.get(_key(item)) for item in self._shown(record_id)])

    def _shown(self, record_id: Any) -> list[Any]:
        """Values to show: beside values, missing ones are left out."""
        values = self._values.get(record_id) or [None]
        return [item for item in values if item is not None] or [None]

    def _list_renderer(self, represent: Any, ids: list[Any], show_links: bool) -> Callable[[Any], Any]:
        if hasattr(represent, "bulk") and hasattr(represent, "render_list"):
            lists = [self._given(record_id) for record_id in ids]
            labels = represent.bulk(lists, show_link=show_links)
            return lambda record_id: represent.render_list(self._given(record_id), labels, show_link=show_links)
        with_links = _LinkSwitch(represent, show_links)
        return lambda record_id: with_links(self._given(record_id) or None)

    def _given(self, record_id: Any) -> list[Any]:
        return [item for item in self._values.get(record_id, []) if item is not None]

    @staticmethod
    def _join(parts: list[Any]) -> Any:
        if len(parts) == 1:
            return parts[0]
        if not any(hasattr(part, "xml") for part in parts):
            return ", ".join(s3_str(part) for part in parts)
        elements: list[Any] = []
        for part in parts:
            elements += [part, ", "]
        return TAG[""](*elements[:-1])


class _LinkSwitch:
    """Calls a represent function, with links off if there are to be none."""

    def __init__(self, represent: Any, show_links: bool) -> None:
        self.represent = represent
        self.is_switched_off = not show_links and hasattr(represent, "show_link")

    def __call__(self, value: Any) -> Any:
        if self.represent is None:
            return _plain(value)
        if not self.is_switched_off:
            return self._call(value)
        show_link, self.represent.show_link = self.represent.show_link, False
        try:
            return self._call(value)
        finally:
            self.represent.show_link = show_link

    def _call(self, value: Any) -> Any:
        try:
            return self.represent(value)
        except REPRESENT_ERRORS as error:
            current.log.warning(f"Cannot represent {value!r}: {type(error).__name__} {error}")
            return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(s3_str(item) for item in value)
    return NONE if value is None else s3_str(value)


def _key(value: Any) -> Any:
    """The value as key of a dict; computed values may be of any type."""
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value
