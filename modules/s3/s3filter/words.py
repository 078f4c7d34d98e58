"""What the fields and the values of a filter are called, so that one can tell them apart.

Next comes ``string``, which makes the sentence.
"""
from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3datetime import S3DateTime, relative_steps
from s3.s3error import S3SelectorError
from s3.s3filter.known import is_reference, known_records, original_field
from s3.s3query import S3ResourceField, S3ResourceQuery
from s3.s3resource.faults import Fallible
from s3.s3utils import original_name, s3_get_foreign_key, s3_has_foreign_key, s3_str, s3_strip_markup
from s3cfg import to_translate

if TYPE_CHECKING:
    from s3.s3resource import S3Resource
    from s3dal import Table

__all__ = ("FieldNames", "ValueTexts")

# Values of these types are quoted: their words could be taken for those of the sentence
QUOTED_TYPES = ("string", "text", "list:string", "list:reference", "reference")
# Their values are patterns
LIKE_OPERATORS = ("like", "ilike")
# In a text, their values are parts of it
PART_OPERATORS = ("contains", "anyof")

# Intervals of relative dates, for one and for many
UNITS = to_translate({
    "years": ("%(number)s year", "%(number)s years"),
    "months": ("%(number)s month", "%(number)s months"),
    "days": ("%(number)s day", "%(number)s days"),
    "hours": ("%(number)s hour", "%(number)s hours"),
    "minutes": ("%(number)s minute", "%(number)s minutes"),
    "seconds": ("%(number)s second", "%(number)s seconds"),
})
# The characters with which the conversion of values takes a text for a relative date
RELATIVE_SIGNS = ("+", "-", "n", "N")

# A quote, or the end, with the backslashes before it
_QUOTE = re.compile(r'(\\*)("|\Z)')


class FieldNames:
    """The names of a resource's fields in a sentence.

    A field of the resource itself has its label, as in the lists of the resource. A field of another table is followed by
    the way that leads there, "Name (Type)", unless the lists show it and its label means nothing else.
    """

    def __init__(self, resource: S3Resource) -> None:
        self.resource = resource

    def name(self, rfield: S3ResourceField) -> str:
        label = self._own.get(rfield.colname) or self._listed.get(rfield.colname) or s3_str(rfield.label)
        if not rfield.joins:
            return f"{label} ({rfield.fname})" if self._own_uses[label] > 1 else label
        if rfield.colname in self._listed and self._own_uses[label] + self._listed_uses[label] == 1:
            return label
        steps = list(self._steps(rfield))
        if steps[-1] == label and not self._own_uses[label]:
            steps.pop()
        return f"{label} ({', '.join(steps)})" if steps else label

    @cached_property
    def _own(self) -> dict[str, str]:
        table = self.resource.table
        labels = {f"{table._tablename}.{field.name}": s3_str(field.label) for field in table}
        configured = {rfield.colname: s3_str(rfield.label) for rfield in self._configured if not rfield.joins}
        return {**labels, **configured}

    @cached_property
    def _listed(self) -> dict[str, str]:
        return {rfield.colname: s3_str(rfield.label) for rfield in self._configured if rfield.joins}

    @cached_property
    def _own_uses(self) -> Counter[str]:
        return Counter(self._own.values())

    @cached_property
    def _listed_uses(self) -> Counter[str]:
        return Counter(self._listed.values())

    @cached_property
    def _configured(self) -> list[S3ResourceField]:
        """The fields of the lists whose label is not simply that of the field itself."""
        found: list[S3ResourceField] = []
        for key in ("notify_fields", "list_fields"):
            for item in self.resource.get_config(key) or ():
                label, selector = item if isinstance(item, (list, tuple)) else (None, item)
                if label is not None or not str(selector).isidentifier():
                    found.extend(self._resolved(selector, label))
        return found

    def _resolved(self, selector: Any, label: Any) -> Iterator[S3ResourceField]:
        try:
            yield S3ResourceField(self.resource, self.resource.prefix_selector(selector), label=label)  # type: ignore[arg-type]
        except S3SelectorError:
            # a fault of the lists, which says nothing about the filter
            return

    def _steps(self, rfield: S3ResourceField) -> Iterator[str]:
        """The names of the keys and components that lead to the table of a field."""
        table = self.resource.table
        walked: tuple[str, ...] = ()
        for join in rfield.joins:
            if join.is_link:
                continue
            # a link table as the end of the way stands behind the component that it leads to
            for step in join.path[len(walked) :]:
                yield self._step(table, step)
            table, walked = join.table, join.path

    @staticmethod
    def _step(table: Table, step: str) -> str:
        if step in table.fields:
            return s3_str(table[step].label)
        component = current.s3db.get_component(original_name(table), step)
        label = component.label if component is not None else None
        return s3_str(label or current.T(" ".join(word.capitalize() for word in step.split("_"))))


class ValueTexts:
    """The values of a filter as the reader knows them."""

    def __init__(self, resource: S3Resource) -> None:
        self.resource = resource
        self._labels: dict[str, dict[Any, Any]] = {}
        # {column that refers to records: the values that the reader may know by name}
        self._known: dict[str, set[Any]] = {}

    def look_up(self, sought: Iterable[tuple[S3ResourceField, list[Any]]], is_for_reader: bool = True) -> None:
        """Look up what these values are called: three queries at most for each field, none for a field that has none of records.

        Args:
            is_for_reader: False names no records, for texts that somebody else will read
        """
        values: dict[str, tuple[S3ResourceField, dict[Any, None]]] = {}
        for rfield, items in sought:
            if self._renderer(rfield) is not None:
                values.setdefault(rfield.colname, (rfield, {}))[1].update((item, None) for item in items if item is not None)
        for colname, (rfield, found) in values.items():
            if found and is_reference(rfield, rfield.represent):
                known = self._known[colname] = known_records(self.resource, rfield, found) if is_for_reader else set()
                found = {value: None for value in found if value in known}
            if found and hasattr(rfield.represent, "bulk"):
                bulk = partial(rfield.represent.bulk, list_type=False, show_link=False)
                self._labels[colname] = Fallible(bulk, lambda _: {}, f"{colname}: no labels for a filter")(list(found))

    def texts(self, query: S3ResourceQuery, rfield: S3ResourceField, values: list[Any]) -> list[str]:
        """The text of each of the values of a condition; "()" for none."""
        if not values:
            return ["()"]
        if self.is_part(query, rfield):
            return [_none() if value is None else _quoted(_pattern(query, value)) for value in values]
        relative = _relative_texts(query, rfield, len(values))
        return [
            said if said is not None else _none() if value is None else self._text(rfield, value)
            for value, said in zip(values, relative, strict=True)
        ]

    @staticmethod
    def is_part(query: S3ResourceQuery, rfield: S3ResourceField) -> bool:
        """Whether the condition asks for a part of the field's text, which is no value that could be represented."""
        return query.op in LIKE_OPERATORS or (query.op in PART_OPERATORS and not rfield.is_list)

    def _text(self, rfield: S3ResourceField, value: Any) -> str:
        represented = self._represented(rfield, value)
        is_unknown = represented is None or represented in (_unknown(), getattr(rfield.represent, "default", None))
        text = s3_str(value) if is_unknown else _plain(represented, value)
        return _quoted(text) if _is_quoted(rfield, value) else text

    def _represented(self, rfield: S3ResourceField, value: Any) -> Any:
        renderer = self._renderer(rfield)
        if value not in self._known.get(rfield.colname, (value,)):
            return None
        if hasattr(renderer, "bulk"):
            return self._labels.get(rfield.colname, {}).get(value)
        if isinstance(value, dt.datetime) and value.second:
            # the formats of fields leave the seconds out
            return S3DateTime.timestamp_represent(value, utc=True)
        if renderer is None:
            return _plain_value(value)
        represent = Fallible(renderer, lambda _: _plain_value(value), f"{rfield.colname}: no label for a filter")
        # a filter compares with one member, the field's function represents lists
        return represent([value] if rfield.is_list else value)

    def _renderer(self, rfield: S3ResourceField) -> Any:
        return None if rfield.virtual or self._refers_to_hidden(rfield) else rfield.represent

    def _refers_to_hidden(self, rfield: S3ResourceField) -> bool:
        """Whether names would tell of records that code hides: any number may stand in a filter."""
        hidden = self.resource.rfilter.hidden_tables()
        if not hidden or rfield.field is None:
            return False
        return s3_get_foreign_key(original_field(rfield))[0] in hidden


def _unknown() -> Any:
    """What stands for a value that no record has: it says nothing about the filter."""
    return (getattr(current, "messages", None) or {}).get("UNKNOWN_OPT")


def _none() -> str:
    return s3_str(current.T("None"))


def _is_quoted(rfield: S3ResourceField, value: Any) -> bool:
    if rfield.field is None:
        return isinstance(value, str)
    # references may be declared for a field of another type
    return rfield.ftype.partition(" ")[0] in QUOTED_TYPES or s3_has_foreign_key(original_field(rfield))


def _plain(represented: Any, value: Any) -> str:
    if not hasattr(represented, "xml"):
        return s3_str(represented)
    # of rich text, markup is part of the value
    return value if isinstance(value, str) else s3_strip_markup(s3_str(represented.xml()))


def _quoted(text: str) -> str:
    """In quotes, so that quotes in it cannot be taken for its end."""
    escaped = _QUOTE.sub(lambda found: found.group(1) * 2 + (found.group(2) and '\\"'), text)
    return f'"{escaped}"'


def _pattern(query: S3ResourceQuery, value: Any) -> str:
    """What a text is compared with; of LIKE patterns as people write them, with * and ?."""
    text = s3_str(value)
    if query.op not in LIKE_OPERATORS:
        return text
    result, is_escaped = "", False
    for char in text:
        if char == "\\" and not is_escaped:
            is_escaped = True
            continue
        result += char if is_escaped else {"%": "*", "_": "?"}.get(char, char)
        is_escaped = False
    return result


def _plain_value(value: Any) -> Any:
    """A value of a field without representation; times in the reader's format and zone."""
    if isinstance(value, dt.datetime):
        return S3DateTime.datetime_represent(value, utc=True)
    return S3DateTime.date_represent(value) if isinstance(value, dt.date) else value


def _relative_texts(query: S3ResourceQuery, rfield: S3ResourceField, number: int) -> list[str | None]:
    """What relative dates among the values mean, as a filter is read on another day than it was made."""
    given = query.right if isinstance(query.right, (list, tuple)) else [query.right]
    if rfield.ftype not in ("date", "datetime") or len(given) != number:
        return [None] * number
    return [_relative_text(item) for item in given]


def _relative_text(value: Any) -> str | None:
    steps = relative_steps(value) if isinstance(value, str) and value[:1] in RELATIVE_SIGNS else None
    if steps is None:
        return None
    T = current.T
    if not steps:
        return s3_str(T("now"))
    intervals = ", ".join(_interval(abs(number), unit) for number, unit in steps)
    if all(number < 0 for number, _ in steps):
        return s3_str(T("%(time)s ago")) % {"time": intervals}
    if all(number >= 0 for number, _ in steps):
        return s3_str(T("in %(time)s")) % {"time": intervals}
    signed = " ".join(f"{'-' if number < 0 else '+'} {_interval(abs(number), unit)}" for number, unit in steps)
    return f"{s3_str(T('now'))} {signed}"


def _interval(number: int, unit: str) -> str:
    one, many = UNITS[unit]
    return s3_str(current.T(one if number == 1 else many)) % {"number": number}
