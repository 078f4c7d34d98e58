"""Filters of a list: its filter form, and the method ``filter``, which saves, changes and deletes filters of the reader.

``filter.json`` is for programs, ``filter`` for the forms of the list page, ``filter.options`` says what can be chosen.
"""
from __future__ import annotations

import hmac
from typing import Any, NoReturn

from gluon import current

from s3.s3crud.api import S3Write, refuse_foreign_request
from s3.s3crud.crud import S3CRUD
from s3.s3crud.values import dump_json, length_error, storable_text
from s3.s3error import S3DataError, S3FilterValueError, S3SelectorError
from s3.s3filter import (
    S3FilterForm,
    change_filter,
    delete_filter,
    own_filters,
    own_pe_id,
    parse_filter,
    save_filter,
    saved_filters_html,
)
from s3.s3filter.manager import FORM_PURPOSE
from s3.s3filter.widgets import Place
from s3.s3query.syntax import is_filter
from s3.s3rest import S3Request
from s3.s3utils import s3_str

__all__ = ("FilterForms", "FilterJSON", "FilterOptions", "ListFilter", "filter_form")

FILTER_ERRORS = (S3FilterValueError, S3SelectorError, S3DataError)
# no database counts that far
MAX_DIGITS = 9


def filter_form(crud: S3CRUD) -> S3FilterForm | None:
    """The filter form of a list: of the table's configuration ``filter_widgets``, a list or a callable that gives it."""
    if crud.request.component is not None:
        return None
    widgets = crud._config("filter_widgets")
    widgets = widgets() if callable(widgets) else widgets
    if not widgets:
        return None
    return S3FilterForm(widgets, clear=crud._config("filter_clear", True), submit=crud._config("filter_submit"))


class ListFilter:
    """The filters of a list page.

    Attributes:
        errors: what is wrong with what the form has sent, by name of the control; the list must not be read then
    """

    def __init__(self, crud: S3CRUD) -> None:
        self.crud = crud
        self.request = crud.request
        self.form = filter_form(crud)
        self.errors = self.form.errors(self.request.get_vars, crud.resource) if self.form else {}

    def apply_defaults(self) -> None:
        if self.form is not None:
            self.form.apply_filter_defaults(self.request, self.crud.resource)

    def form_html(self) -> Any:
        if self.form is None:
            return ""
        return self.form.html(self.crud.resource, self.request.get_vars, url=self._url())

    def saved_html(self) -> Any:
        """Saved filters of the reader, who must be known."""
        if self.form is None or not own_pe_id():
            return ""
        variables = {key: value for key, value in self.request.get_vars.items() if key != "start"}
        action = self.request.url(method="filter", vars=variables)
        is_filtered = any(map(is_filter, variables)) and not self.errors
        return saved_filters_html(self.crud.resource, self._url(), action, is_filtered, variables)

    def _url(self) -> str:
        return self.request.url(vars={})


class S3Filter(S3Write):
    """What the formats of the method have in common. Source: Eden s3filter.py S3Filter."""

    def _require_person(self) -> None:
        self._require("read")
        if not own_pe_id():
            self.request.unauthorised()

    def _own_id(self, given: Any) -> int:
        """The id of a filter of the reader for this table; ends the request if there is none."""
        text = str(given)
        is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
        if not is_number or int(text) not in {row.id for row in own_filters(self.tablename)}:
            self.request.error(404, current.ERROR.BAD_RECORD)
        return int(text)

    def _title(self, given: Any) -> str:
        """The title of a filter.

        Raises:
            S3DataError: it is none
        """
        field = current.s3db.pr_filter.title
        title = _storable(field.label, given).strip()
        if not title:
            raise S3DataError(s3_str(current.T("Please give the filter a title.")))
        error = length_error(field, title)
        if error:
            raise S3DataError(f"{field.label}: {error}")
        return title

    def _page(self) -> dict[str, str]:
        """The page that a filter is saved on."""
        r = self.request
        return {"controller": r.controller, "function": r.function, "url": f"{r.controller}/{r.function}"}


class FilterForms(S3Filter):
    """The forms of saved filters on a list page; afterwards the list is shown again."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        self._require_person()
        response, variables = current.response, dict(r.get_vars)
        try:
            self._check_key()
            response.confirmation = self._do(str(r.post_vars.get("action") or ""))
        except FILTER_ERRORS as error:
            current.db.rollback()
            response.error = s3_str(error)
        r.next = r.url(method="", vars=variables)
        return {}

    def _check_key(self) -> None:
        given = self.request.post_vars.get("_key")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), current.auth.form_key(FORM_PURPOSE).encode()):
            raise S3DataError(s3_str(current.T("This form was open for too long. Please try again.")))

    def _do(self, action: str) -> Any:
        T, given = current.T, self.request.post_vars
        if action == "save":
            save_filter(self.resource, self._shown_filter(), self._title(given.get("title")), None, **self._page())
            return T("Filter saved")
        filter_id = self._own_id(given.get("id"))
        if action == "delete":
            delete_filter(filter_id)
            return T("Filter deleted")
        if action == "rename":
            change_filter(filter_id, title=self._title(given.get("title")))
        elif action == "replace":
            save_filter(self.resource, self._shown_filter(), filter_id=filter_id)
        else:
            self.request.error(400, current.ERROR.BAD_REQUEST)
        return T("Filter updated")

    def _shown_filter(self) -> list[tuple[str, str]]:
        """The filter of the list that the form stands on."""
        pairs: list[tuple[str, str]] = []
        for key, value in self.request.get_vars.items():
            if is_filter(key):
                pairs.extend((key, text) for text in (value if isinstance(value, list) else [value]))
        if not pairs:
            raise S3DataError(s3_str(current.T("There is no filter to save.")))
        return pairs


class FilterJSON(S3Filter):
    """Saved filters for programs: GET lists them; POST saves or changes one, with ``delete=1`` it deletes one."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        if r.http == "GET":
            return self._load(r)
        refuse_foreign_request(r)
        self._require_person()
        data = self._read_body()
        return self._delete(data) if r.get_vars.get("delete") else self._guarded(self._save, data)

    def _load(self, r: S3Request) -> str:
        """A JSON list of {id, title, description, query}; ``load=1,2`` names those that are wanted."""
        self._require_person()
        wanted = {text.strip() for text in str(r.get_vars.get("load") or "").split(",")} - {""}
        rows = [row for row in own_filters(self.tablename) if not wanted or str(row.id) in wanted]
        current.response.headers["Content-Type"] = "application/json"
        return dump_json([{**{name: row[name] for name in ("id", "title", "description")}, "query": _pairs(row.query)} for row in rows])

    def _save(self, data: dict[str, Any]) -> str:
        label = current.s3db.pr_filter.description.label
        details = {"description": _storable(label, data["description"])} if data.get("description") is not None else {}
        title = self._title(data["title"]) if data.get("title") is not None else None
        is_new = data.get("id") is None
        filter_id = None if is_new else self._own_id(data["id"])
        try:
            if filter_id is None or "query" in data:
                page = self._page() if is_new else {}
                filter_id = save_filter(self.resource, data.get("query"), title, filter_id, **details, **page)
            else:
                change_filter(filter_id, **details, **({"title": title} if title else {}))
        except (S3FilterValueError, S3SelectorError) as error:
            self._fail(error)
        message = current.T("Filter saved") if is_new else current.T("Filter updated")
        return self._answer(message, **{"created" if is_new else "updated": filter_id})

    def _fail(self, error: Exception) -> NoReturn:
        current.db.rollback()
        self.request.error(400, s3_str(error))

    def _delete(self, data: dict[str, Any]) -> str:
        filter_id = self._own_id(data.get("id"))
        self._guarded(delete_filter, filter_id)
        return self._answer(current.T("Filter deleted"), deleted=filter_id)


def _storable(label: Any, text: Any) -> str:
    try:
        return storable_text(text)
    except (TypeError, ValueError) as error:
        raise S3DataError(f"{label}: {error}") from error


def _pairs(query: str) -> Any:
    try:
        return parse_filter(query)
    except S3FilterValueError:
        # what was stored past the forms
        return []


class FilterOptions(S3CRUD):
    """What can be chosen in the widgets of the list's form, without regard to its filters: {id: [[value, label], ...]}."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        self._require("read")
        form = filter_form(self)
        place, options = Place(self.resource), {}
        for widget in form.widgets if form is not None else ():
            if widget.variables(place):
                options.update(widget.ajax_options(place))
        current.response.headers["Content-Type"] = "application/json"
        return dump_json(options)
