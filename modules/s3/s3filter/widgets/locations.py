"""The widget for places: the names of the locations at each level of the hierarchy."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gluon import CAT, DIV, INPUT, LABEL, TAG, P, current

from s3.s3error import S3SelectorError
from s3.s3filter.controls import control_name
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values, members
from s3.s3filter.widgets.limits import Options, first_options, listed_hint
from s3.s3filter.widgets.lookup import rows_of
from s3.s3filter.widgets.options import MAX_CHECKBOXES, checkboxes, selection
from s3.s3query import S3ResourceField
from s3.s3query.syntax import write_value
from s3.s3resource import S3Resource
from s3.s3utils import s3_str
from s3dal import Row

__all__ = ("S3LocationFilter",)

LEVELS = ("L0", "L1", "L2", "L3", "L4", "L5")


class S3LocationFilter(S3FilterWidget):
    """Places in which the records lie, by name at each level; what lies in a place is found with it.

    Deeper levels stand behind a heading that opens them, and offer what lies in the chosen places. Of more places than a page
    can bear the first are listed, of a deeper level none until a place above is chosen; others can be entered by name.

    Options:
        levels: such as ["L1", "L2"]; default those of the deployment
        options: ids of the locations to choose from, for a form without records
        no_opts: said when there is nothing to choose
    """

    css_class = "location-filter"
    operators = ("belongs",)

    def __init__(self, field: str | None = None, **attr: Any) -> None:
        super().__init__(field or "location_id", **attr)

    @property
    def levels(self) -> list[str]:
        configured = self.opts.get("levels")
        hierarchy = current.deployment_settings.get_gis_hierarchy()
        return list(configured) if configured else [level for level in LEVELS if hierarchy.get(level)]

    def _name_of(self, place: Place, level: str) -> str | None:
        selectors = self.selectors(place)
        return f"{selectors[0]}${level}__belongs" if selectors else None

    def variables(self, place: Place) -> list[str]:
        return [name for name in (self._name_of(place, level) for level in self.levels) if name]

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        return super().shows(place, variable, values) and all(members({variable: values}, variable))

    def row(self, place: Place, values: Values) -> Any:
        controls = self.controls(place, values)
        return "" if controls == "" else self.group(place, controls)

    def controls(self, place: Place, values: Values) -> Any:
        if not self.variables(place):
            return ""
        found = list(self._places(place))
        parts: list[Any] = []
        is_narrowed = False
        for position, level in enumerate(self.levels):
            chosen = self._chosen(place, level, values)
            options = _options(found, position, chosen)
            if options:
                control = self._level(place, level, options, chosen, is_narrowed or not position)
                title = TAG.summary(self._title(level))
                parts.append(TAG.details(title, control, _open="open" if chosen else None) if position else control)
            within = self._names(chosen)
            if within:
                is_narrowed = True
                found = [names for names in found if names[position] in within]
        return CAT(*parts) if parts else P(self.opts.get("no_opts") or current.T("No options available"), _class="hint")

    def _level(self, place: Place, level: str, options: Options, chosen: set[str], is_narrowed: bool) -> Any:
        """What can be chosen at one level.

        Args:
            is_narrowed: it is the first level, or a place above is chosen
        """
        name, stem = control_name(self._name_of(place, level) or ""), f"{self.name(place)}-{level}"
        listed = first_options(options, chosen)
        if len(listed) == len(options):
            return self._control(name, stem, level, listed, chosen)
        if not is_narrowed:
            listed = [option for option in listed if option[0] in chosen]
        hint_id = f"{stem}__listed"
        hint = listed_hint(len(listed), len(options), hint_id) if listed else _where_to_begin(len(options), hint_id)
        control = self._control(name, stem, level, listed, chosen)
        if listed:
            control.update(**{"_aria-describedby": hint_id})
        by_name = INPUT(_type="text", _name=name, _id=f"{stem}-name", _autocomplete="off", **{"_aria-describedby": hint_id})
        label = LABEL(current.T("Another one, by its exact name"), _for=f"{stem}-name")
        return CAT(control, hint, DIV(label, " ", by_name))

    def _control(self, name: str, stem: str, level: str, options: Options, chosen: set[str]) -> Any:
        title = self._title(level)
        if not options:
            return ""
        if len(options) > MAX_CHECKBOXES and not self.opts.get("cols"):
            return selection(name, stem, options, chosen, self.css_class, title)
        boxes = checkboxes(name, stem, options, chosen, self.css_class)
        boxes.update(_role="group", **{"_aria-label": title})
        return boxes

    @staticmethod
    def _title(level: str) -> str:
        return s3_str(current.T(current.deployment_settings.get_gis_hierarchy().get(level) or level))

    def _chosen(self, place: Place, level: str, values: Values) -> set[str]:
        variable = self._name_of(place, level) or ""
        return {write_value(value) for name in (variable, control_name(variable)) for value in members(values, name) if value}

    @staticmethod
    def _names(chosen: set[str]) -> set[str]:
        return set(members({"chosen": sorted(chosen)}, "chosen"))

    # -- what can be chosen --------------------------------------------------------------------------------------------
    def _places(self, place: Place) -> Iterator[tuple[str | None, ...]]:
        """The names at each level of the places that occur, or that are given: one query."""
        if "options" in self.opts:
            locations = S3Resource("gis_location", id=list(self.opts["options"]))
            rows, rfields = self._rows(locations, "")
        else:
            source, selectors = self.source(place), self.selectors(place)
            if source is None or not selectors:
                return
            rows, rfields = self._rows(source, f"{selectors[0]}$")
        yield from dict.fromkeys(tuple(rfield.extract(row) for rfield in rfields) for row in rows)

    def _rows(self, resource: S3Resource, path: str) -> tuple[list[Row], list[S3ResourceField]]:
        names = [f"{path}{level}" for level in (*self.levels, "end_date")]
        try:
            rfields = [S3ResourceField(resource, resource.prefix_selector(name)) for name in names]
        except S3SelectorError:
            return [], []
        # a place that is no more
        ended = rfields.pop()
        return [row for row in rows_of(resource, [*rfields, ended]) if ended.extract(row) is None], rfields

    def ajax_options(self, place: Place) -> dict[str, Any]:
        found = list(self._places(place))
        return {
            f"{self.name(place)}-{level}": [list(option) for option in _options(found, position, set())]
            for position, level in enumerate(self.levels)
        }


def _where_to_begin(count: int, hint_id: str) -> P:
    said = current.T("There are %(count)s. Choose above and search, to have them listed here.") % {"count": count}
    return P(said, _class="hint", _id=hint_id)


def _options(found: list[tuple[str | None, ...]], position: int, chosen: set[str]) -> Options:
    names = sorted({name for names in found if (name := names[position])}, key=str.lower)
    options = [(write_value(name), name) for name in names]
    return options + [(text, text) for text in sorted(chosen - {value for value, _ in options})]
