"""What the pages of administrators are made of: tables, forms, buttons, links to pages of long lists."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gluon import BUTTON, DIV, FORM, INPUT, LABEL, OPTION, SELECT, SPAN, TABLE, TAG, TBODY, TD, TH, THEAD, TR, URL, A, P, current, redirect
from gluon.storage import Storage
from gluon.validators import IS_IN_SET

from s3.s3aaa.forms import last_texts
from s3.s3error import S3DataError, S3RecordError
from s3dal import Query, Row, Table

__all__ = (
    "ROWS_PER_PAGE",
    "Page",
    "admin_url",
    "buttons_form",
    "contains",
    "find_record",
    "finish",
    "pages_of",
    "read_number",
    "search_field",
    "search_form",
    "select_field",
    "storing",
    "table_of",
    "url_vars",
)

ROWS_PER_PAGE = 50
# no database counts that far
MAX_DIGITS = 9


@dataclass
class Page:
    """What the view shows."""

    title: Any
    #: (heading or None, content)
    sections: list[tuple[Any, Any]] = field(default_factory=list)
    #: links and buttons beside the title
    links: list[Any] = field(default_factory=list)
    #: (label, URL) of the list that the page belongs to
    back: tuple[Any, str] | None = None


# -- addresses ---------------------------------------------------------------------------------------------------------
def admin_url(name: str, *args: Any, **variables: Any) -> str:
    """URL of a page of administrators; empty variables are left out."""
    given = {key: value for key, value in variables.items() if value not in (None, "")}
    return str(URL(c="admin", f=name, args=list(args), vars=given, extension=False))


def url_vars() -> Storage:
    """The variables of the URL, each a text."""
    return last_texts(current.request.get_vars)


def read_number(text: str | None) -> int | None:
    """A number from a URL; None if it is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def find_record(table: Table, record_id: str, message: Any) -> Row:
    """The record with this id, as it stands in a URL.

    Raises:
        S3RecordError: there is none, or it is deleted
    """
    number = read_number(record_id)
    record = current.db((table.id == number) & (table.deleted == False)).select(table.ALL, limitby=(0, 1)).first() if number else None
    if record is None:
        raise S3RecordError(str(message))
    return record


def contains(field: Any, text: str) -> Query:
    """The query for records with this text in a field, whatever the case."""
    pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return field.ilike(f"%{pattern}%", escape="\\")


def finish(message: Any, url: str) -> NoReturn:
    """Say on the next page that something is done."""
    current.session.confirmation = str(message)
    redirect(url)
    raise AssertionError("a redirect does not return")


# -- forms -------------------------------------------------------------------------------------------------------------
def storing(store: Callable[[Storage], Any], field_name: str) -> Callable[[FORM], None]:
    """For ``onvalidation``: store the values of a valid form; what is wrong with them stands beside this field."""

    def validate(form: FORM) -> None:
        try:
            store(form.vars)
        except S3DataError as error:
            form.errors[field_name] = str(error)

    return validate


def select_field(name: str, label: Any, options: dict[Any, Any], value: Any = None, hint: Any = None) -> DIV:
    """A labelled list to choose one value from; nothing else is valid."""
    field_id, described = f"auth_{name}", {}
    if hint:
        described = {"_aria-describedby": f"{field_id}_hint"}
    widget = SELECT(
        *[OPTION(text, _value=key) for key, text in options.items()],
        _name=name,
        _id=field_id,
        value=value,
        requires=IS_IN_SET([str(key) for key in options]),
        **described,
    )
    parts = [LABEL(label, _for=field_id), widget]
    if hint:
        parts.append(P(hint, _class="hint", _id=f"{field_id}_hint"))
    return DIV(*parts, _class="form-row")


def buttons_form(content: Any) -> FORM:
    """A form around buttons: which one was pressed is in the body of the request, under the name of the buttons."""
    return FORM(content, _class="buttons-form")


def search_form(*fields: Any) -> FORM:
    """A form that changes nothing, only what is shown."""
    button = BUTTON(current.T("Search"), _type="submit")
    return FORM(*fields, DIV(button, _class="form-buttons"), _method="get", _action="", _role="search", _class="auth-form search")


def search_field(name: str, label: Any, value: Any, hint: Any = None) -> DIV:
    field_id, described = f"auth_{name}", {}
    if hint:
        described = {"_aria-describedby": f"{field_id}_hint"}
    parts = [LABEL(label, _for=field_id), INPUT(_type="search", _name=name, _id=field_id, _value=value or "", **described)]
    if hint:
        parts.append(P(hint, _class="hint", _id=f"{field_id}_hint"))
    return DIV(*parts, _class="form-row")


# -- lists -------------------------------------------------------------------------------------------------------------
def table_of(label: Any, heads: Sequence[Any], rows: Iterable[Sequence[Any]], empty: Any) -> Any:
    """A table whose first column names the rows; a sentence if there are none."""
    body = [TR(TH(first, _scope="row"), *(TD(cell) for cell in cells)) for first, *cells in rows]
    if not body:
        return P(empty, _class="empty")
    head = TR(*(TH(text, _scope="col") for text in heads))
    # a wide table scrolls by itself, also with the keyboard
    return DIV(
        TABLE(THEAD(head), TBODY(*body), _class="list"),
        _class="table-scroll",
        _tabindex="0",
        _role="region",
        **{"_aria-label": label},
    )


def pages_of(name: str, start: int, total: int, **variables: Any) -> Any:
    """Links to the pages of a list before and after this one."""
    if total <= ROWS_PER_PAGE and not start:
        return ""
    T, last = current.T, min(start + ROWS_PER_PAGE, total)
    links: list[Any] = []
    if start:
        before = max(0, start - ROWS_PER_PAGE)
        links.append(A(T("Previous page"), _href=admin_url(name, **variables, start=before or None), _rel="prev", _class="button"))
    if start < last:
        links.append(SPAN(T("%(first)s to %(last)s of %(total)s") % {"first": start + 1, "last": last, "total": total}))
    if last < total:
        links.append(A(T("Next page"), _href=admin_url(name, **variables, start=start + ROWS_PER_PAGE), _rel="next", _class="button"))
    return TAG.nav(*links, _class="paging", **{"_aria-label": T("Pages")})
