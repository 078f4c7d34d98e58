"""Values of foreign keys, read without the table that they refer to.

pydal looks up that table for every value it reads, so that all tables would have to be defined which a record refers to.
"""
from __future__ import annotations

import copyreg
from typing import Any

from gluon import current
from pydal.helpers.classes import Reference, Reference_pickler

__all__ = ("parse_reference",)


class _LazyReference(Reference):  # type: ignore[misc]
    """A record id that gives the fields of its record as attributes; its table is defined when the first one is read."""

    @property
    def _table(self) -> Any:
        return current.s3db[self._target]

    def __getattr__(self, key: str, default: Any = None) -> Any:
        # whoever asks whether a value is an element must not have its table defined
        if key.startswith("_") or key == "xml":
            raise AttributeError(key)
        return super().__getattr__(key, default)


copyreg.pickle(_LazyReference, Reference_pickler)


def parse_reference(value: Any, field_type: str) -> Any:
    """The parser of the DAL for values of reference fields."""
    target = field_type[10:].strip()
    if "." in target:
        return value
    reference = _LazyReference(value)
    reference._target, reference._record = target, None
    return reference
