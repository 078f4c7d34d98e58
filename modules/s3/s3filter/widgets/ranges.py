"""Widgets for ranges: of numbers, and of dates."""
from __future__ import annotations

import datetime as dt
from typing import Any

from gluon import DIV, INPUT, LABEL, current

from s3.s3datetime import S3DateTime, S3TypeConverter
from s3.s3error import S3FilterValueError
from s3.s3filter.controls import KINDS, control_name, texts_of
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values, errors_of
from s3.s3filter.widgets.lookup import rows_of
from s3.s3query.syntax import write_value

__all__ = ("S3DateFilter", "S3RangeFilter")

OPERATORS = ("ge", "le")
INTEGER_TYPES = ("integer", "bigint", "id")


class S3RangeFilter(S3FilterWidget):
    """Two numbers, of which either may be left out."""

    css_class = "range-filter"
    operators = OPERATORS

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        if not super().shows(place, variable, values):
            return False
        kind = self._kind(place)
        try:
            return KINDS[kind](variable, [self._shown(kind, values[0])]) == [values[0]]
        except (TypeError, ValueError):
            return False

    def row(self, place: Place, values: Values) -> Any:
        controls = self.controls(place, values)
        return "" if controls == "" else self.group(place, controls)

    def controls(self, place: Place, values: Values) -> Any:
        parts = [self._limit(place, values, operator) for operator in OPERATORS]
        return DIV(*parts, _class="range") if any(parts) else ""

    def _limit(self, place: Place, values: Values, operator: str) -> Any:
        variable = self.variable(place, operator)
        if variable is None:
            return ""
        control, control_id = control_name(variable, self._kind(place)), f"{self.name(place)}-{operator}"
        marks, error = errors_of(values, control, control_id)
        kind, attr = self._input(place, variable, values, bool(marks))
        field = INPUT(_type=kind, _name=control, _id=control_id, _class=self.css_class, **attr, **marks)
        return DIV(LABEL(self._limit_label(operator), _for=control_id), field, error)

    def _limit_label(self, operator: str) -> Any:
        return current.T("Minimum") if operator == "ge" else current.T("Maximum")

    def _input(self, place: Place, variable: str, values: Values, is_wrong: bool) -> tuple[str, dict[str, Any]]:
        """Type and attributes of an input: a plain one for what it would not show."""
        kind = self._kind(place)
        sent = texts_of(values, control_name(variable, kind))
        if is_wrong:
            return "text", {"_value": sent[-1]}
        text = sent[-1] if sent else next(iter(texts_of(values, variable)), "")
        return self._input_of(kind, text)

    def _input_of(self, kind: str, text: str) -> tuple[str, dict[str, Any]]:
        return "number", {"_value": text, "_step": "1" if kind == "integer" else "any"}

    def _kind(self, place: Place) -> str:
        rfield = self.rfield(place)
        return "integer" if rfield is not None and rfield.ftype in INTEGER_TYPES else "number"

    def _shown(self, kind: str, value: str) -> str:
        return value

    def ajax_options(self, place: Place) -> dict[str, Any]:
        """{id: {"min": lowest value, "max": highest value}} of the records that the reader may read."""
        source, rfield = self.source(place), self.rfield(place)
        if source is None or rfield is None or rfield.virtual:
            return {}
        values = [value for value in (rfield.extract(row) for row in rows_of(source, [rfield])) if value is not None]
        limits = (min(values), max(values)) if values else (None, None)
        return {self.name(place): dict(zip(("min", "max"), limits, strict=True))}


class S3DateFilter(S3RangeFilter):
    """From one day or time to another one; either may be left out.

    The field may be a pair: the first is compared with the beginning, the second with the end. Options: ``hide_time``:
    days of the reader's calendar rather than times; ``fieldtype``: "date" or "datetime" for computed fields.
    """

    css_class = "date-filter"

    def variable(self, place: Place, operator: str) -> str | None:
        selectors = self.selectors(place)
        if not selectors:
            return None
        return f"{selectors[0 if operator == 'ge' else -1]}__{operator}"

    def _limit_label(self, operator: str) -> Any:
        return current.T("From") if operator == "ge" else current.T("To")

    def _kind(self, place: Place) -> str:
        rfield = self.rfield(place)
        ftype = self.opts.get("fieldtype") or (rfield.ftype if rfield is not None else "datetime")
        if ftype == "date":
            return "date"
        return "day" if self.opts.get("hide_time") else "time"

    def _input_of(self, kind: str, text: str) -> tuple[str, dict[str, Any]]:
        try:
            shown = self._shown(kind, text)
            value = dt.datetime.fromisoformat(shown) if shown else None
        except (TypeError, ValueError, OverflowError):
            # a distance from now, such as -7D
            return "text", {"_value": text}
        if kind == "time":
            return "datetime-local", {"_value": value.isoformat() if value else "", "_step": "1"}
        return "date", {"_value": value.date().isoformat() if value else ""}

    def _shown(self, kind: str, value: str) -> str:
        """What stands in the input for a value of the variable, or for what the input itself has sent."""
        if not value:
            return ""
        if value[:1] in ("+", "-", "n", "N"):
            return value
        if kind == "date":
            return str(S3TypeConverter.convert(dt.date, value).isoformat())
        local = S3DateTime.to_local(S3TypeConverter.convert(dt.datetime, value))
        assert local is not None
        return local.isoformat() if kind == "time" else local.date().isoformat()

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        return S3FilterWidget.shows(self, place, variable, values) and self._means_the_same(place, variable, values[0])

    def _means_the_same(self, place: Place, variable: str, value: str) -> bool:
        kind = self._kind(place)
        try:
            (again,) = KINDS[kind](variable, [self._shown(kind, value)])
            if again == value:
                return True
            target = dt.date if kind == "date" else dt.datetime
            return bool(write_value(S3TypeConverter.convert(target, value)) == write_value(S3TypeConverter.convert(target, again)))
        except (S3FilterValueError, TypeError, ValueError, OverflowError):
            return False
