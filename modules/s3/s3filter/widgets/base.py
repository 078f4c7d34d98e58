"""S3FilterWidget: what the widgets of filter forms have in common.

A widget knows the URL variables that it stands for, draws controls whose names say how they become these variables
(``controls``), and fills them from variables. It keeps nothing of a request.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gluon import DIV, FIELDSET, LABEL, TAG, current

from s3.s3error import S3FilterValueError, S3SelectorError
from s3.s3filter.controls import choice_error, control_error, control_name, texts_of
from s3.s3filter.widgets.lookup import as_opened
from s3.s3query import OPERATORS, S3ResourceField, S3URLQuery
from s3.s3query.client import META_FIELDS
from s3.s3query.values import convert_value
from s3.s3resource import S3Resource

if TYPE_CHECKING:
    from s3.s3query.selector import S3ResourceField as Resolved

__all__ = ("Place", "S3FilterWidget", "Values", "described", "errors_of", "hint_of", "members")

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a widget stands.

    Attributes:
        resource: whose records are filtered; None in a form for several resources, whose variables have no prefix
        alias: the component that the selectors start from, "~" for the resource itself
    """

    resource: S3Resource | None = None
    alias: str = "~"


class S3FilterWidget:
    """A part of a filter form: one condition, or a few that belong together.

    Source: Eden s3filter.py S3FilterWidget. Unlike there the controls are named after the variables themselves.

    Attributes:
        css_class: of the controls
        operators: the operators of its variables
        alternatives: operators that are shown as well when a URL has them
        is_single: its variables are ways to say one condition, of which it can show one at a time
        opts: keywords without underscore
        attr: HTML attributes, keywords with an underscore; ``_id`` is the stem of all ids of the widget
    """

    css_class = "filter-widget"
    operators: tuple[str, ...] = ("eq",)
    alternatives: tuple[str, ...] = ()
    is_single = False

    def __init__(self, field: str | list[str] | tuple[str, ...] | None = None, **attr: Any) -> None:
        """
        Args:
            field: selector, or several of which any may match
            attr: options, and HTML attributes (with a leading underscore). For all widgets:
                label: default is that of the first field
                comment: a hint below the control
                hidden: shown under "More Options"
                default: value, or {variable: value}, of a list that is opened without filters
                resource: where to find values when the form is for several resources: name of a table, or an S3Resource
        """
        self.field = field
        self.opts = {key: value for key, value in attr.items() if not key.startswith("_")}
        self.attr = {key: value for key, value in attr.items() if key.startswith("_")}

    # -- variables ---------------------------------------------------------------------------------------------------
    @property
    def fields(self) -> list[str]:
        return [self.field] if isinstance(self.field, str) else list(self.field or ())

    def selectors(self, place: Place) -> list[str]:
        """The selectors as they stand in variables: those that mean a field which clients may filter by."""
        if place.resource is None:
            return self.fields
        found = [(selector, _resolved(place.resource, selector)) for selector in (_prefixed(place, name) for name in self.fields)]
        hidden = place.resource.rfilter.hidden_tables()
        return [selector for selector, rfield in found if rfield is not None and _is_shown(rfield, hidden)]

    def variable(self, place: Place, operator: str) -> str | None:
        """The URL variable of a condition; None if the resource has none of the fields."""
        selectors = self.selectors(place)
        return f"{'|'.join(selectors)}__{operator}" if selectors else None

    def variables(self, place: Place) -> list[str]:
        """All URL variables that the widget sets."""
        return [name for name in (self.variable(place, operator) for operator in self.operators) if name]

    def shown_variables(self, place: Place) -> list[str]:
        """All URL variables that the widget can show."""
        others = (self.variable(place, operator) for operator in self.alternatives)
        return [*self.variables(place), *(name for name in others if name)]

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        """Whether its controls can say these conditions, neither more nor less."""
        return variable in self.shown_variables(place) and len(values) == 1

    def errors(self, place: Place, values: Values) -> dict[str, str]:
        """{name of a control: why what was chosen with it is no value of its field}, for the reader."""
        found = {}
        for variable in self.shown_variables(place):
            control = control_name(variable)
            chosen = [value for name in (variable, control) for value in members(values, name) if value != ""]
            wrong = self._unfit(place, variable, chosen) if chosen else None
            if wrong is not None:
                found[control] = choice_error(wrong)
        return found

    def _unfit(self, place: Place, variable: str, chosen: list[Any]) -> str | None:
        """The first value that the fields of a variable cannot be compared with."""
        selectors, operator, _ = S3URLQuery.parse_expression(variable)
        resource = self._known_resource(place)
        rfields = [_resolved(resource, _prefixed(place, selector)) for selector in selectors] if resource is not None else []
        for rfield in rfields:
            if rfield is None or rfield.virtual:
                continue
            for value in chosen:
                try:
                    convert_value(rfield.ftype if OPERATORS[operator].is_typed else "text", value, rfield.selector)
                except S3FilterValueError:
                    return str(value)
        return None

    # -- markup ------------------------------------------------------------------------------------------------------
    def __call__(self, resource: S3Resource | None = None, get_vars: Values | None = None, alias: str | None = None) -> Any:
        """The controls, without label, filled from URL variables; "" if the resource has none of the fields."""
        return self.controls(Place(resource, alias or "~"), get_vars or {})

    def row(self, place: Place, values: Values) -> Any:
        """The labelled controls; "" if there is nothing to choose."""
        controls = self.controls(place, values)
        if controls == "":
            return ""
        label = LABEL(self.label(place), _for=self.name(place))
        return DIV(label, controls, hint_of(self, place), _class="field", _id=f"{self.name(place)}__row")

    def explained_row(self, place: Place, values: Values) -> Any:
        """The row, with what is wrong with the choice below it."""
        row = self.row(place, values)
        errors = self.errors(place, values) if row != "" else {}
        if errors:
            error_id, box = f"{self.name(place)}__error", row.element("fieldset") or row
            box["_aria-describedby"] = " ".join(filter(None, (box["_aria-describedby"], error_id)))
            box.append(DIV(*errors.values(), _class="error_wrapper", _id=error_id))
        return row

    def group(self, place: Place, *content: Any) -> DIV:
        """Controls with labels of their own, under the label of the widget."""
        legend = TAG.legend(self.label(place))
        fields = FIELDSET(legend, *content, hint_of(self, place), _class="boxes", **described(self, place))
        return DIV(fields, _class="field", _id=f"{self.name(place)}__row")

    def controls(self, place: Place, values: Values) -> Any:
        raise TypeError(f"{type(self).__name__} draws no controls")

    def label(self, place: Place) -> Any:
        if "label" in self.opts:
            return self.opts["label"]
        rfield = self.rfield(place)
        return rfield.label if rfield is not None else current.T("Filter")

    def name(self, place: Place) -> str:
        """The stem of the ids of the widget."""
        given = self.attr.get("_id") or self.attr.get("_name")
        if given:
            return str(given)
        stem = "-".join("".join(char if char.isalnum() or char == "_" else "_" for char in name) for name in self.fields)
        prefix = f"{place.resource.alias}-" if place.resource is not None else ""
        return f"{prefix}{stem}-{self.css_class}"

    # -- fields ------------------------------------------------------------------------------------------------------
    def source(self, place: Place) -> S3Resource | None:
        """The resource whose records have the values to choose from: as its page shows it, without what clients filter."""
        given = place.resource if place.resource is not None else self.opts.get("resource")
        if isinstance(given, str):
            return S3Resource(given, context=True)
        return as_opened(given) if given is not None else None

    def rfield(self, place: Place) -> Resolved | None:
        """The first field."""
        resource = self._known_resource(place)
        found = (_resolved(resource, _prefixed(place, name)) for name in self.fields) if resource is not None else ()
        return next((rfield for rfield in found if rfield is not None), None)

    def _known_resource(self, place: Place) -> S3Resource | None:
        resource = place.resource if place.resource is not None else self.opts.get("resource")
        return S3Resource(resource) if isinstance(resource, str) else resource

    def ajax_options(self, place: Place) -> dict[str, Any]:
        """{id: what can be chosen now}, for scripts."""
        return {}


def hint_of(widget: S3FilterWidget, place: Place) -> Any:
    comment = widget.opts.get("comment")
    return TAG.small(comment, _class="hint", _id=f"{widget.name(place)}__hint") if comment else ""


def described(widget: S3FilterWidget, place: Place, *others: str | None) -> dict[str, str]:
    """What tells a screen reader of the hint, and of other elements by their ids."""
    hint = f"{widget.name(place)}__hint" if widget.opts.get("comment") else None
    ids = [element_id for element_id in (hint, *others) if element_id]
    return {"_aria-describedby": " ".join(ids)} if ids else {}


def errors_of(values: Values, name: str, control_id: str) -> tuple[dict[str, str], Any]:
    """What marks a control as wrong, and the sentence beside it; nothing if what it sent can be read."""
    error = control_error(name, texts_of(values, name)) if name in values else None
    if error is None:
        return {}, ""
    error_id = f"{control_id}__error"
    return {"_aria-invalid": "true", "_aria-describedby": error_id}, DIV(error, _class="error_wrapper", _id=error_id)


def _prefixed(place: Place, name: str) -> str:
    if name.startswith("("):
        return name
    head = name.partition("$")[0]
    return name if "." in head else f"{place.alias}.{name}"


def _resolved(resource: S3Resource, selector: str) -> S3ResourceField | None:
    try:
        return S3ResourceField(resource, selector, is_client=True)
    except S3SelectorError:
        return None


def _is_shown(rfield: S3ResourceField, hidden: set[str]) -> bool:
    """Whether a field is one whose values the page may offer: of joined tables that has been asked already.

    Args:
        hidden: tables of which the page hides records
    """
    field = rfield.field
    if rfield.path.reached & hidden:
        return False
    return bool(rfield.joins) or field is None or field.readable or field.type == "id" or field.name in META_FIELDS


def members(values: Values, name: str | None) -> Iterator[Any]:
    """The single values of a condition; None for NONE."""
    for text in texts_of(values, name) if name else ():
        parsed = S3URLQuery.parse_value(text)
        yield from parsed if isinstance(parsed, list) else [parsed]
