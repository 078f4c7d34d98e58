"""The widget for options: values that occur in the records, or a fixed set."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gluon import CAT, DIV, INPUT, LABEL, OPTION, SELECT, P, current

from s3.s3error import S3FilterValueError
from s3.s3fields import S3Represent
from s3.s3filter.controls import control_name
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values, members
from s3.s3filter.widgets.limits import Options, first_options, listed_hint
from s3.s3filter.widgets.lookup import labels_of, used_values
from s3.s3query import S3ResourceField, S3URLQuery
from s3.s3query.syntax import write_value
from s3.s3query.values import convert_value
from s3.s3resource import S3Resource
from s3.s3utils import s3_get_foreign_key, s3_str

__all__ = ("S3OptionsFilter", "checkboxes", "s3_get_filter_opts", "selection")

# more than these are a list to choose from, not a group of boxes
MAX_CHECKBOXES = 12
# lines of a list that are seen at once
LINES = 8


class S3OptionsFilter(S3FilterWidget):
    """One or several of the values that occur in the records which the reader may read.

    Options:
        options: {value: label}, or a callable that gives it; else looked up
        represent: S3Represent, callable(value), or template such as "%(name)s"; default that of the field
        translate: translate the labels
        none: label for "no value"; True for the standard one
        sort: False keeps the order of ``options``
        cols: always boxes to tick
        multiple: False to choose one at most
        anyall: for a field that holds lists, ask whether any or all must be in it; default if there are several options
        operator: "anyof" or "contains", without that question
        no_opts: said when there is nothing to choose
    """

    css_class = "options-filter"
    operators = ("belongs",)
    alternatives = ("anyof", "contains", "eq")
    is_single = True

    def variables(self, place: Place) -> list[str]:
        names = [self.variable(place, "contains"), self.variable(place, "anyof")] if self._asks(place) else [self._variable(place)]
        return [name for name in names if name]

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        chosen = list(members({variable: values}, variable))
        if not super().shows(place, variable, values) or "" in chosen or (len(chosen) > 1 and not self.opts.get("multiple", True)):
            return False
        # to be one value is to belong to it alone
        is_one = variable == self.variable(place, "eq") and len(chosen) == 1
        return variable in self.variables(place) or (is_one and self._variable(place) == self.variable(place, "belongs"))

    def _variable(self, place: Place) -> str | None:
        """The variable that its controls set."""
        return self.variable(place, self.opts.get("operator") or ("contains" if self._asks(place) else "belongs"))

    def _asks(self, place: Place) -> bool:
        """Whether it is a choice between any and all."""
        if "operator" in self.opts:
            return False
        rfield = self.rfield(place)
        return bool(self.opts.get("anyall", rfield is not None and rfield.is_list))

    def row(self, place: Place, values: Values) -> Any:
        chosen = self._chosen(place, values)
        if self._variable(place) is None:
            return ""
        options = self.options(place, chosen)
        if not options:
            return self.group(place, P(self._nothing(), _class="hint"))
        return self.group(place, self._question(place, values, options), self._draw(place, options, chosen))

    def controls(self, place: Place, values: Values) -> Any:
        chosen = self._chosen(place, values)
        if self._variable(place) is None:
            return ""
        options = self.options(place, chosen)
        return CAT(self._question(place, values, options), self._draw(place, options, chosen))

    def _nothing(self) -> Any:
        return self.opts.get("no_opts") or current.T("No options available")

    def ajax_options(self, place: Place) -> dict[str, Any]:
        """{id: [[value, label], ...]}, {id: {"empty": sentence}} if there is nothing to choose."""
        options = [list(option) for option in self.options(place)]
        return {self.name(place): options or {"empty": s3_str(self._nothing())}}

    def _draw(self, place: Place, options: Options, chosen: set[str]) -> Any:
        name = control_name(self._variable(place) or "")
        stem, is_multiple = self.name(place), self.opts.get("multiple", True)
        listed = first_options(options, {*chosen, write_value(None)})
        hint = listed_hint(len(listed), len(options), f"{stem}__listed")
        if is_multiple and (self.opts.get("cols") or len(listed) <= MAX_CHECKBOXES):
            control = checkboxes(name, stem, listed, chosen, self.css_class)
        else:
            control = selection(name, stem, listed, chosen, self.css_class, self.label(place), is_multiple)
        if hint != "":
            control.update(**{"_aria-describedby": f"{stem}__listed"})
        return CAT(control, hint)

    def _question(self, place: Place, values: Values, options: Options) -> Any:
        """Any or all?"""
        if not self._asks(place) or len(options) < 2:
            return ""
        T = current.T
        name = control_name(self._variable(place) or "", "op")
        is_any = any(members(values, self.variable(place, "anyof"))) or values.get(name) == "anyof"
        radios = []
        for operator, label, is_chosen in (("contains", T("Match all"), not is_any), ("anyof", T("Match any"), is_any)):
            radio_id = f"{self.name(place)}-{operator}"
            radio = INPUT(_type="radio", _name=name, _id=radio_id, _value=operator, value=operator if is_chosen else None)
            radios.append(DIV(radio, " ", LABEL(label, _for=radio_id), _class="choice"))
        return DIV(*radios, _class="choices", _role="radiogroup", **{"_aria-label": T("Match")})

    def _chosen(self, place: Place, values: Values) -> set[str]:
        """The chosen values, written as in a URL."""
        names = [*self.shown_variables(place), control_name(self._variable(place) or "")]
        return {write_value(value) for name in names for value in members(values, name) if value != ""}

    # -- what can be chosen --------------------------------------------------------------------------------------------
    def options(self, place: Place, chosen: Iterable[str] = ()) -> Options:
        """What can be chosen, with what is: a filter of the page must be seen even where it selects nothing."""
        fixed = self.opts.get("options")
        if fixed is not None:
            options = _fixed(fixed() if callable(fixed) else fixed)
        else:
            options = self._looked_up(place, chosen)
        if self.opts.get("translate"):
            options = [(value, s3_str(current.T(label))) for value, label in options]
        if self.opts.get("sort", True) and not isinstance(fixed, (list, tuple)):
            options.sort(key=lambda option: option[1].lower())
        known = set(chosen)
        none = self.opts.get("none")
        if none:
            options.append((write_value(None), s3_str(current.T("None") if none is True else none)))
        # what nobody knows by name any more, such as a value of a filter that was saved long ago
        missing = sorted(known - {value for value, _ in options})
        return options + [(text, text) for text in missing]

    def _looked_up(self, place: Place, chosen: Iterable[str] = ()) -> Options:
        source, rfield = self.source(place), self.rfield(place)
        if source is None or rfield is None:
            return []
        if rfield.ftype == "boolean":
            return [(write_value(value), s3_str(label)) for value, label in ((True, current.T("Yes")), (False, current.T("No")))]
        represent = self._represent(rfield)
        values = used_values(source, rfield, extra=_converted(rfield, chosen), represent=represent) - {None}
        return self._written(labels_of(values, represent, rfield.is_list))

    @staticmethod
    def _written(labels: Mapping[Any, str]) -> Options:
        options = []
        for value, label in labels.items():
            try:
                options.append((write_value(value), label))
            except S3FilterValueError:
                # a value that no URL can say cannot be chosen
                continue
        return options

    def _represent(self, rfield: S3ResourceField) -> Any:
        represent = self.opts.get("represent")
        if represent is None:
            return rfield.represent
        if isinstance(represent, str) and rfield.field is not None:
            tablename = self.opts.get("lookup") or s3_get_foreign_key(rfield.field)[0]
            return S3Represent(lookup=tablename, labels=represent, fields=_placeholders(represent))
        return represent


def _converted(rfield: S3ResourceField, texts: Iterable[str]) -> set[Any]:
    values = set()
    for text in texts:
        try:
            values.add(convert_value(rfield.ftype, S3URLQuery.parse_value(text), rfield.selector))
        except S3FilterValueError:
            continue
    return values


def _placeholders(template: str) -> list[str]:
    return [part.partition(")")[0] for part in template.split("%(")[1:]]


def _fixed(options: Any) -> Options:
    """Options as they are configured: {value: label}, [(value, label)] or [value]."""
    items = options.items() if isinstance(options, Mapping) else options
    pairs = [item if isinstance(item, (list, tuple)) else (item, item) for item in items]
    return [(write_value(value), s3_str(label)) for value, label in pairs]


def checkboxes(name: str, stem: str, options: Options, chosen: set[str], css_class: str) -> DIV:
    """Boxes to tick."""
    boxes = []
    for position, (value, label) in enumerate(options):
        box_id = f"{stem}-{position}"
        box = INPUT(_type="checkbox", _name=name, _id=box_id, _value=value, value=value in chosen, _class=css_class)
        boxes.append(DIV(box, " ", LABEL(label, _for=box_id), _class="choice"))
    return DIV(*boxes, _class="choices")


def selection(name: str, stem: str, options: Options, chosen: set[str], css_class: str, label: Any, is_multiple: bool = True) -> Any:
    """A list to choose from."""
    items = [OPTION(text, _value=value, _selected="selected" if value in chosen else None) for value, text in options]
    attr: dict[str, Any] = {"_name": name, "_id": stem, "_class": css_class, "_aria-label": label}
    if is_multiple:
        return SELECT(*items, _multiple="multiple", _size=str(min(LINES, len(items))), **attr)
    return SELECT(OPTION(current.T("All"), _value=""), *items, **attr)


def s3_get_filter_opts(
    tablename: str, fieldname: str = "name", key: str = "id", none: Any = False, orderby: Any = None, translate: bool = False
) -> dict[Any, Any]:
    """All records of a table that the reader may read, as ``options`` of a widget; those that no record uses, too.

    Args:
        fieldname: of the label
        key: of the value
        none: label for "no value"; True for the standard one
        orderby: as of S3Resource.select; default the label
        translate: translate the labels

    Source: Eden s3filter.py s3_get_filter_opts
    """
    rows = S3Resource(tablename).select([key, fieldname], orderby=orderby or fieldname, as_rows=True).rows
    found = {row[key]: current.T(row[fieldname]) if translate else row[fieldname] for row in rows}
    return {**found, None: current.T("None") if none is True else none} if none else found
