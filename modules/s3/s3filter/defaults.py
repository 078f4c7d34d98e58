"""Filters of a list that is opened without any: set beside widgets, or for a table by code that does not know them."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3filter.widgets import Place, S3FilterWidget
from s3.s3query.syntax import write_value

__all__ = ("default_filters", "has_defaults", "s3_set_default_filter")


def s3_set_default_filter(selector: str, value: Any, tablename: str) -> None:
    """Set the filter that the widget for this field has in lists of the table that are opened without one.

    Args:
        value: single value, list, {operator: value}, or callable(selector, tablename=...) that gives one of these

    Source: Eden s3filter.py s3_set_default_filter
    """
    s3 = current.response.s3
    s3.filter_defaults = s3.filter_defaults or {}
    s3.filter_defaults.setdefault(tablename, {})[selector] = value


def default_filters(widgets: Iterable[S3FilterWidget], place: Place, given: Iterable[str]) -> Storage:
    """URL variables of the defaults of those widgets that are shown and of which no variable is given."""
    values, known = Storage(), set(given)
    for widget in widgets:
        if widget.variables(place) and known.isdisjoint(widget.shown_variables(place)):
            values.update(_variables(widget, place))
    return values


def has_defaults(widgets: Iterable[S3FilterWidget], place: Place) -> bool:
    """Whether the list is filtered unless its URL says otherwise."""
    return any(_find(widget, place) is not None for widget in widgets)


def _variables(widget: S3FilterWidget, place: Place) -> Iterator[tuple[str, str]]:
    default = _find(widget, place)
    if default is None:
        return
    if not isinstance(default, Mapping):
        yield widget.variables(place)[0], write_value(default)
        return
    for key, value in default.items():
        # an operator, or a whole variable
        name = widget.variable(place, key) if key.isalpha() else key
        if name:
            yield name, write_value(value)


def _find(widget: S3FilterWidget, place: Place) -> Any:
    if "default" in widget.opts:
        return widget.opts["default"]
    tablename = place.resource.tablename if place.resource is not None else None
    defaults = (current.response.s3.filter_defaults or {}).get(tablename, {})
    for selector in widget.fields:
        default = defaults.get(selector, defaults.get(selector.removeprefix("~.")))
        if default is not None:
            return default(selector, tablename=tablename) if callable(default) else default
    return None

