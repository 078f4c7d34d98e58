"""Widgets for words in texts, and for whether a field has a value."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gluon import CAT, DIV, INPUT, LABEL, current

from s3.s3error import S3FilterValueError
from s3.s3filter.controls import KINDS, control_name, texts_of
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values, described, errors_of, hint_of
from s3.s3query import S3URLQuery
from s3.s3query.syntax import write_value

__all__ = ("S3EmptyFilter", "S3NotEmptyFilter", "S3TextFilter")


class S3TextFilter(S3FilterWidget):
    """Words, and phrases in double quotes, which occur in one of the fields.

    Options: ``match_any``: one of the words is enough. A word with a wildcard, ``*`` or ``?``, is taken as it is.
    """

    css_class = "text-filter"
    operators = ("like",)

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        if variable not in self.variables(place):
            return False
        try:
            return KINDS[self._kind](variable, [self._text(values)]) == [write_value(S3URLQuery.parse_value(value)) for value in values]
        except (S3FilterValueError, ValueError):
            return False

    @property
    def _kind(self) -> str:
        return "any" if self.opts.get("match_any") else "words"

    def controls(self, place: Place, values: Values) -> Any:
        variable = self.variable(place, "like")
        if variable is None:
            return ""
        control, control_id = control_name(variable, self._kind), self.name(place)
        sent = texts_of(values, control)
        marks, error = errors_of(values, control, control_id)
        text = " ".join(sent).replace("\0", "") if sent else self._text(texts_of(values, variable))
        marks.update(described(self, place, marks.get("_aria-describedby")))
        field = INPUT(_type="search", _name=control, _id=control_id, _value=text, _class=self.css_class, _maxlength="500", **marks)
        return CAT(field, error)

    @staticmethod
    def _text(values: list[str]) -> str:
        return " ".join(_word(pattern) for value in values for pattern in _patterns(value))


def _patterns(value: str) -> Iterator[str]:
    parsed = S3URLQuery.parse_value(value)
    yield from (item for item in (parsed if isinstance(parsed, list) else [parsed]) if item)


def _word(pattern: str) -> str:
    inner = pattern[1:-1] if len(pattern) > 2 and pattern[0] == pattern[-1] == "*" else pattern
    word = pattern if "*" in inner or "?" in inner else inner
    return f'"{word}"' if " " in word else word


class S3EmptyFilter(S3FilterWidget):
    """A box to tick for records in which the field has no value."""

    css_class = "value-filter"
    operators = ("eq",)

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        return super().shows(place, variable, values) and S3URLQuery.parse_value(values[0]) is None

    def row(self, place: Place, values: Values) -> Any:
        box = self.controls(place, values)
        if box == "":
            return ""
        label = LABEL(self.label(place), _for=self.name(place))
        return DIV(DIV(box, " ", label, _class="choice"), hint_of(self, place), _class="field", _id=f"{self.name(place)}__row")

    def label(self, place: Place) -> Any:
        return self.opts["label"] if "label" in self.opts else self._words(super().label(place))

    def _words(self, name: Any) -> Any:
        return current.T("%(field)s is empty") % {"field": name}

    def controls(self, place: Place, values: Values) -> Any:
        variable = self.variable(place, self.operators[0])
        if variable is None:
            return ""
        chosen = any(S3URLQuery.parse_value(text) is None for text in texts_of(values, variable))
        attr = {"_name": variable, "_id": self.name(place), "_class": self.css_class, **described(self, place)}
        return INPUT(_type="checkbox", _value="NONE", value=chosen, **attr)


class S3NotEmptyFilter(S3EmptyFilter):
    """A box to tick for records in which the field has a value."""

    operators = ("ne",)

    def _words(self, name: Any) -> Any:
        return current.T("%(field)s is not empty") % {"field": name}
