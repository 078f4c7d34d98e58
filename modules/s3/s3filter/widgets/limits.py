"""How much a widget may draw: a page must stay small enough for a bad line."""
from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gluon import P, current

__all__ = ("Options", "first_keys", "first_options", "listed_hint")

#: [(value as it is written in a URL, label)]
Options = list[tuple[str, str]]

MAX_OPTIONS = 100
# of the options of one list
MAX_BYTES = 4_500
# <option value=""></option> and a line break
MARKUP = 28
# boxes of a tree
MAX_NODES = 60


def first_options(options: Options, kept: Collection[str] = ()) -> Options:
    """The first options, as many as a page can bear, and those that must be there, such as what is chosen."""
    listed, size = [], 0
    for position, (value, label) in enumerate(options):
        size += MARKUP + len(value.encode()) + len(label.encode())
        if value in kept or (position < MAX_OPTIONS and size <= MAX_BYTES):
            listed.append((value, label))
    return listed


def first_keys(keys: Iterable[Any], parents: Mapping[Any, Any], kept: Collection[Any] = ()) -> set[Any]:
    """The first records of a hierarchy, as many as a page can bear, those that must be there, and what is above them.

    Args:
        parents: {key: key of the record above, None at the top}
    """
    found: set[Any] = set()
    for key in keys:
        line = {key}
        while parents[key] is not None:
            key = parents[key]
            line.add(key)
        if line & set(kept) or len(found | line) <= MAX_NODES:
            found |= line
    return found


def listed_hint(listed: int, count: int, hint_id: str) -> Any:
    """Says that not all are listed; "" if they are."""
    if listed >= count:
        return ""
    return P(current.T("%(number)s of %(count)s are listed here.") % {"number": listed, "count": count}, _class="hint", _id=hint_id)
