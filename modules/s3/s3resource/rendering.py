"""Representation of the columns of a select: each different value of a column once, all of them with one look-up.

What a represent function returns as text is text, and is not escaped. Several values become one text, or, if one of them
is an element, one element in which the texts are escaped.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gluon.html import TAG
from gluon.languages import lazyT

from s3.s3query import S3ResourceField
from s3.s3resource.column import Column, value_key
from s3.s3resource.faults import Fallible
from s3.s3utils import NONE, s3_str

__all__ = ("represent_column",)


def represent_column(column: Column, ids: Sequence[Any], show_links: bool) -> list[Any]:
    """Text or element of each record."""
    renderer = _Renderer(column.rfield, show_links)
    with _links(column.rfield.represent, show_links):
        if column.is_plain:
            values = column.raw_values(ids)
            labels = renderer.labels({value: value for value in values})
            return [labels[value] for value in values]
        lists = column.shown(ids)
        return renderer.lists(lists) if column.rfield.is_list else renderer.joined(lists)


class _Renderer:
    """The represent function of a field, or what does without one."""

    def __init__(self, rfield: S3ResourceField, show_links: bool) -> None:
        # the plain text of nothing is no text
        self._represent: Any = None if rfield.represent is s3_str else rfield.represent
        self._show_links = show_links
        self._what = f"{rfield.colname} cannot be represented"
        self._one = Fallible(self._represent, _plain, self._what) if self._represent is not None else _plain

    def labels(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """{key: label} of {key: value}."""
        if hasattr(self._represent, "bulk"):
            return Fallible(self._bulk_labels, self._single_labels, self._what)(values)
        return self._single_labels(values)

    def _single_labels(self, values: dict[Any, Any]) -> dict[Any, Any]:
        return {key: self._one(value) for key, value in values.items()}

    def _bulk_labels(self, values: dict[Any, Any]) -> dict[Any, Any]:
        labels = self._represent.bulk(list(values.values()), list_type=False, show_link=self._show_links)
        return {key: labels.get(value) for key, value in values.items()}

    def joined(self, lists: list[list[Any]]) -> list[Any]:
        """The labels of the members of each list, as one text or element."""
        members = [items or [None] for items in lists]
        labels = self.labels({value_key(item): item for items in members for item in items})
        return [_join([labels[value_key(item)] for item in items]) for items in members]

    def lists(self, lists: list[list[Any]]) -> list[Any]:
        """Representations of the values of a list type."""
        if hasattr(self._represent, "bulk") and hasattr(self._represent, "render_list"):
            return Fallible(self._bulk_lists, self._single_lists, self._what)(lists)
        return self._single_lists(lists)

    def _single_lists(self, lists: list[list[Any]]) -> list[Any]:
        return [self._one(items or None) for items in lists]

    def _bulk_lists(self, lists: list[list[Any]]) -> list[Any]:
        represent, show_links = self._represent, self._show_links
        labels = represent.bulk(lists, show_link=show_links)
        return [represent.render_list(items, labels, show_link=show_links) for items in lists]


@contextmanager
def _links(represent: Any, show_links: bool) -> Iterator[None]:
    """Links off, if there are to be none, also of renderers that are not asked each time."""
    if show_links or not hasattr(represent, "show_link"):
        yield
        return
    show_link, represent.show_link = represent.show_link, False
    try:
        yield
    finally:
        represent.show_link = show_link


def _join(labels: list[Any]) -> Any:
    if len(labels) == 1:
        return labels[0]
    given = [label for label in labels if label is not None]
    if not any(_is_element(label) for label in given):
        return ", ".join(s3_str(label) for label in given)
    elements: list[Any] = []
    for label in given:
        elements += [label, ", "]
    # TAG escapes all that is no element
    return TAG[""](*elements[:-1])


def _is_element(label: Any) -> bool:
    # a lazy translation has the method, too, but is text
    return callable(getattr(label, "xml", None)) and not isinstance(label, lazyT)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(s3_str(item) for item in value)
    return NONE if value is None else s3_str(value)

