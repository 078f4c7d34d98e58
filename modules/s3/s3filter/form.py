"""S3FilterForm: filter widgets as a form of their own, which leads to a filtered list, or as a part of another form.

Works without script: the form sends the URL variables themselves, or controls that are named after them (``controls``).
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gluon import BUTTON, DIV, FORM, INPUT, TAG, A, P, current
from gluon.storage import Storage

from s3.s3error import S3Error, S3FilterValueError, S3SelectorError
from s3.s3filter.controls import control_error, texts_of, translate_controls
from s3.s3filter.defaults import default_filters, has_defaults
from s3.s3filter.saved import parse_filter
from s3.s3filter.store import apply_filter
from s3.s3filter.string import S3FilterString
from s3.s3filter.widgets import Place, S3FilterWidget
from s3.s3query import S3URLQuery
from s3.s3query.syntax import is_filter
from s3.s3resource import S3Resource

__all__ = ("S3FilterForm",)

#: [(variable, value or None for "no such condition")]
Pairs = list[tuple[str, "str | None"]]

NO_DEFAULTS = "default_filters"


class S3FilterForm:
    """Filter widgets together. Source: Eden s3filter.py S3FilterForm.

    A list page shows ``html(resource, get_vars, url=...)``. A page that stores filters puts ``fields(None, ...)`` into its
    own form:

        form = S3FilterForm([S3OptionsFilter("series_id", resource="cms_post"), S3LocationFilter(levels=["L1"], resource="cms_post")])
        form.fields(get_vars=form.values_of(stored))            # rows with what is stored
        pairs = form.pairs_of(request.post_vars, stored=stored)  # what was sent, to be stored
        form.fields(get_vars=request.post_vars)                 # once more, with what is wrong beside it
    """

    def __init__(self, widgets: Iterable[S3FilterWidget], **attr: Any) -> None:
        """
        Args:
            widgets: in the order in which they are shown
            attr: HTML attributes of the form (``_id``, ``_class``), and
                clear: offer to remove the filters (True); or the words for it
                submit: the words on the button
        """
        self.widgets = list(widgets)
        self.opts = {key: value for key, value in attr.items() if not key.startswith("_")}
        self.attr = {key: value for key, value in attr.items() if key.startswith("_")}

    # -- stored and submitted filters ----------------------------------------------------------------------------------
    @staticmethod
    def values_of(pairs: Any) -> Storage:
        """URL variables of a stored filter, for ``fields`` and ``html``.

        Args:
            pairs: as of parse_filter
        """
        values = Storage()
        for key, value in parse_filter(pairs):
            if value is not None:
                values.setdefault(key, []).append(value)
        return values

    def pairs_of(
        self, form_vars: Mapping[str, Any], stored: Any = (), resource: S3Resource | None = None, alias: str | None = None
    ) -> Pairs:
        """What the widgets of a submitted form say, as it is stored.

        Args:
            form_vars: all variables of the form; those of others are left alone
            stored: the filter as it was, as of parse_filter: what no widget shows is kept
            resource, alias: as they were given to ``fields``

        Returns:
            (variable, value) for each condition, and (variable, None) for each variable without any

        Raises:
            S3FilterValueError: a control cannot be read; ``errors`` is {name of the control: what is wrong}
        """
        place = Place(resource, alias or "~")
        known = self.errors(self.values_of(stored), resource, alias)
        # what was stored already may be sent again
        errors = {name: error for name, error in self.errors(form_vars, resource, alias).items() if known.get(name) != error}
        if errors:
            raise S3FilterValueError("; ".join(errors.values()), errors=errors)
        values = translate_controls(form_vars)
        pairs: Pairs = []
        for variable in dict.fromkeys(name for widget in self.widgets for name in widget.variables(place)):
            texts = texts_of(values, variable)
            pairs.extend((variable, text) for text in texts)
            if not texts:
                pairs.append((variable, None))
        _, kept = self._divide(place, self.values_of(stored))
        return pairs + [(key, text) for key, texts in kept.items() for text in texts]

    def errors(self, form_vars: Mapping[str, Any], resource: S3Resource | None = None, alias: str | None = None) -> dict[str, str]:
        """{name of a control: its label, and why what it sent cannot be read}."""
        place = Place(resource, alias or "~")
        own = {variable: widget for widget in self.widgets for variable in widget.variables(place)}
        found = {}
        for key in form_vars:
            variable = key.partition("[")[0]
            error = control_error(key, texts_of(form_vars, key)) if key.endswith("]") and variable in own else None
            if error is not None:
                found[key] = f"{own[variable].label(place)}: {error}"
        shown, _ = self._divide(place, form_vars)
        for widget in self.widgets:
            found.update({name: f"{widget.label(place)}: {error}" for name, error in widget.errors(place, shown).items()})
        return found

    def _divide(self, place: Place, values: Mapping[str, Any]) -> tuple[Storage, dict[str, list[str]]]:
        """What widgets show, under the names that they know it by, with what controls have sent; and the conditions that none shows."""
        shown = Storage()
        given: dict[str, list[str]] = {}
        spelling: dict[str, str] = {}
        for key in values:
            if key.endswith("]"):
                shown[key] = texts_of(values, key)
                continue
            variable = _normal(place, key)
            # in two spellings it is two conditions
            given.setdefault(variable, []).extend(texts_of(values, key))
            spelling.setdefault(variable, key)
        for widget in self.widgets:
            can_show = [variable for variable, texts in given.items() if widget.shows(place, variable, texts)]
            shown.update({variable: given[variable] for variable in (can_show[:1] if widget.is_single else can_show)})
        return shown, {spelling[variable]: texts for variable, texts in given.items() if variable not in shown}

    # -- markup --------------------------------------------------------------------------------------------------------
    def fields(self, resource: S3Resource | None = None, get_vars: Mapping[str, Any] | None = None, alias: str | None = None) -> list[Any]:
        """The rows of the widgets, for another form.

        Args:
            resource: whose records are filtered; None for several, whose variables then have no prefix
            get_vars: URL variables, or what such a form has sent
            alias: the component that the selectors start from
        """
        place = Place(resource, alias or "~")
        values, _ = self._divide(place, get_vars or {})
        rows = [(widget, widget.explained_row(place, values)) for widget in self.widgets]
        first = [row for widget, row in rows if row != "" and not widget.opts.get("hidden")]
        advanced = [row for widget, row in rows if row != "" and widget.opts.get("hidden")]
        return [*first, self._more(place, values, advanced)] if advanced else first

    def _more(self, place: Place, values: Storage, rows: list[Any]) -> Any:
        """Widgets that are hidden at first; open if one of them is used."""
        hidden = [widget for widget in self.widgets if widget.opts.get("hidden")]
        is_used = any(key.partition("[")[0] in widget.shown_variables(place) for widget in hidden for key in values)
        return TAG.details(TAG.summary(current.T("More Options")), *rows, _class="more", _open="open" if is_used else None)

    def html(
        self,
        resource: S3Resource,
        get_vars: Mapping[str, Any] | None = None,
        target: str | None = None,
        alias: str | None = None,
        url: str = "",
    ) -> Any:
        """The form of a list, folded while the list is not filtered.

        Args:
            get_vars: variables of the page; those that the form does not show are kept, but for the place in the list
            target: id of the list
            url: address of the list, without variables
        """
        values, T = get_vars or {}, current.T
        place = Place(resource, alias or "~")
        rows = self.fields(resource, values, alias)
        _, kept = self._divide(place, {key: value for key, value in values.items() if key not in ("start", NO_DEFAULTS)})
        if has_defaults(self.widgets, place):
            # to empty the form is to see everything
            kept[NO_DEFAULTS] = ["0"]
        hidden = [INPUT(_type="hidden", _name=key, _value=text) for key, texts in kept.items() for text in texts]
        button = BUTTON(self.opts.get("submit") or T("Search"), _type="submit")
        form = FORM(
            *rows,
            *hidden,
            self._others(resource, kept),
            DIV(button, self._clear(values, url, NO_DEFAULTS in kept), _class="buttons"),
            _method="get", _action=url, _enctype="application/x-www-form-urlencoded", _role="search",
            **{"_id": "filter-form", "_class": "filter-form", "_aria-label": T("Filter"), "_aria-controls": target, **self.attr},
        )
        is_used = any(is_filter(key) for key in values)
        return TAG.details(TAG.summary(T("Filter")), form, _class="filter", _open="open" if is_used else None)

    def _clear(self, values: Mapping[str, Any], url: str, has_default: bool) -> Any:
        words = self.opts.get("clear", True)
        if not words or not any(is_filter(key) for key in values):
            return ""
        query = f"?{NO_DEFAULTS}=0" if has_default else ""
        return A(current.T("Clear Filter") if words is True else words, _href=f"{url}{query}", _class="button plain")

    @staticmethod
    def _others(resource: S3Resource, kept: Mapping[str, list[str]]) -> Any:
        """What else the list is filtered by, such as the place that a link was about."""
        pairs = [(key, text) for key, texts in kept.items() if is_filter(key) for text in texts]
        if not pairs:
            return ""
        try:
            text = S3FilterString(resource, pairs).represent()
        except S3Error:
            # the list itself says what is wrong with it
            return ""
        return P(current.T("Also filtered by: %(filter)s") % {"filter": text}, _class="hint")

    def apply_filter_defaults(self, r: Any, resource: S3Resource, alias: str | None = None) -> Storage:
        """Filter a list that is opened without filters as its widgets say, unless the URL has ``default_filters=0``.

        Args:
            r: the request; its variables have the defaults afterwards, so that links to the list say them

        Returns:
            the URL variables that were added
        """
        place = Place(resource, alias or "~")
        if r.get_vars.get(NO_DEFAULTS) == "0":
            return Storage()
        defaults = default_filters(self.widgets, place, (_normal(place, key) for key in r.get_vars))
        apply_filter(resource, list(defaults.items()))
        r.get_vars.update(defaults)
        return defaults


def _normal(place: Place, key: str) -> str:
    """A variable as widgets write it."""
    if key.endswith("]"):
        return key
    try:
        selectors, operator, is_inverted = S3URLQuery.parse_expression(key)
    except S3SelectorError:
        return key
    if place.resource is not None:
        selectors = [place.resource.prefix_selector(selector) for selector in selectors]
    else:
        selectors = [selector.removeprefix("~.") for selector in selectors]
    return f"{'|'.join(selectors)}__{operator}{'!' if is_inverted else ''}"
