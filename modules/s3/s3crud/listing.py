"""Lists of records: a page with a table, JSON, CSV."""
from __future__ import annotations

import csv
import io
from typing import Any

from gluon import DIV, SPAN, TABLE, TAG, TBODY, TD, TH, THEAD, TR, A, P, current

from s3.s3crud.crud import S3CRUD
from s3.s3crud.filtering import ListFilter
from s3.s3crud.values import dump_json
from s3.s3rest import S3Request
from s3.s3utils import NONE, s3_plain_text, s3_truncate

__all__ = ("ListCSV", "ListJSON", "ListPage", "page_bounds")

ROWS_PER_PAGE = 20
MAX_ROWS_PER_PAGE = 500

# no database counts that far
MAX_DIGITS = 10

# long texts are read on the page of their record
CELL_LENGTH = 200

# what makes a spreadsheet take a cell for a formula
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def page_bounds(r: S3Request) -> tuple[int, int | None]:
    """First row and number of rows that the URL asks for; None: not said.

    Ends the request if they are no numbers.
    """
    return _bound(r, "start") or 0, _bound(r, "limit")


def _bound(r: S3Request, key: str) -> int | None:
    text = r.get_vars.get(key)
    if text is None:
        return None
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < MAX_DIGITS):
        r.error(400, f"{key} must be a whole number, 0 or more.")
    return int(text)


class S3List(S3CRUD):
    """What all forms of a list have in common."""

    def _select(self, start: int, limit: int | None, **how: Any) -> Any:
        orderby = self._config("list_orderby") or self._config("orderby") or self.resource.table._id
        return self.resource.select(
            self.resource.list_fields(),
            start=start,
            limit=limit,
            orderby=orderby,
            **how,
        )


class ListPage(S3List):
    """The list as a page, one screenful at a time."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        self._require("read")
        filters = ListFilter(self)
        if filters.errors:
            return self._refused(filters)
        filters.apply_defaults()
        start, limit = page_bounds(r)
        limit = min(limit or current.response.s3.ROWSPERPAGE or ROWS_PER_PAGE, MAX_ROWS_PER_PAGE)
        data = self._select(start, limit, count=True, represent=True, show_links=False, raw_data=True)
        return {
            **self._frame(filters),
            "items": self._table(data) if data.rows else self._empty(data.numrows),
            "numrows": data.numrows,
            "start": start,
            "shown": len(data.rows),
            "paging": self._paging(start, limit, data.numrows),
            "formats": self._formats(),
        }

    def _frame(self, filters: ListFilter) -> dict[str, Any]:
        """What is around the list."""
        current.response.view = self._view(self.request, "list.html")
        return {
            "title": self._string("title_list"),
            "list_filter_form": filters.form_html(),
            "saved_filters": filters.saved_html(),
            "buttons": self._buttons(),
        }

    def _refused(self, filters: ListFilter) -> dict[str, Any]:
        """The form with what is wrong in it: a list without the filter would show too much."""
        current.response.status = 400
        current.response.error = " ".join(filters.errors.values())
        return {**self._frame(filters), "items": "", "numrows": 0, "start": 0, "shown": 0, "paging": "", "formats": []}

    def _table(self, data: Any) -> DIV:
        id_column = str(self.resource.table._id)
        rfields = [rfield for rfield in data.rfields if rfield.colname != id_column]
        head = TR(*(TH(rfield.label, _scope="col") for rfield in rfields))
        body = [self._row(row, rfields, id_column) for row in data.rows]
        # a wide table scrolls by itself, also with the keyboard
        return DIV(
            TABLE(THEAD(head), TBODY(*body), _class="list"),
            _class="table-scroll",
            _tabindex="0",
            _role="region",
            **{"_aria-label": self._string("title_list")},
        )

    def _row(self, row: Any, rfields: list[Any], id_column: str) -> TR:
        record_id = row["_row"][id_column]
        if isinstance(record_id, list):
            record_id = record_id[0]
        cells: list[Any] = []
        for position, rfield in enumerate(rfields):
            value = self._cell(rfield, row[rfield.colname])
            if position == 0:
                text = s3_plain_text(value).strip()
                label = text if text and text != NONE else f"#{record_id}"
                cells.append(TH(A(label, _href=self._record_url(record_id)), _scope="row"))
            else:
                cells.append(TD(value))
        return TR(*cells)

    def _cell(self, rfield: Any, value: Any) -> Any:
        shown = self._shown(rfield, value)
        return s3_truncate(s3_plain_text(shown), CELL_LENGTH) if rfield.ftype == "text" else shown

    def _empty(self, numrows: int) -> P:
        r = self.request
        if numrows:
            return P(current.T("There are no more records. "), A(current.T("Back to the first page"), _href=self._page_url(0)))
        is_filtered = self._remove_filters(r.get_vars) != dict(r.get_vars)
        return P(self._string("msg_no_match" if is_filtered else "msg_list_empty"), _class="empty")

    def _page_url(self, start: int) -> str:
        variables = {key: value for key, value in self.request.get_vars.items() if key != "start"}
        if start:
            variables["start"] = str(start)
        return self.request.url(vars=variables)

    def _paging(self, start: int, limit: int, numrows: int) -> Any:
        """Links to the pages before and after, if there are any."""
        if numrows <= limit and not start:
            return ""
        T = current.T
        links: list[Any] = []
        if start > 0:
            links.append(A(T("Previous page"), _href=self._page_url(max(0, start - limit)), _rel="prev", _class="button"))
        last = min(start + limit, numrows)
        if start < last:
            links.append(SPAN(T("%(first)s to %(last)s of %(total)s") % {"first": start + 1, "last": last, "total": numrows}))
        if last < numrows:
            links.append(A(T("Next page"), _href=self._page_url(start + limit), _rel="next", _class="button"))
        return TAG.nav(*links, _class="paging", **{"_aria-label": T("Pages")})

    def _buttons(self) -> list[A]:
        r = self.request
        is_tied = r.component is None or r.id
        return [self._link(self._string("label_create"), self._create_url())] if is_tied and self._offers("create") else []

    def _formats(self) -> list[A]:
        """Links to the same list in other formats."""
        variables = {key: value for key, value in self.request.get_vars.items() if key not in ("start", "limit")}
        return [
            A(label, _href=self.request.url(representation=extension, vars=variables), _rel="alternate nofollow")
            for label, extension in (("CSV", "csv"), ("JSON", "json"))
        ]


class ListJSON(S3List):
    """The list for programs: a JSON list of {colname: raw value}, date/times as ISO text with "Z"."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        self._require("read")
        start, limit = page_bounds(r)
        data = self._select(start, limit)
        current.response.headers["Content-Type"] = "application/json"
        return dump_json([dict(row) for row in data.rows])


class ListCSV(S3List):
    """The list for spreadsheets: labels, then what the page shows."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        self._require("read")
        start, limit = page_bounds(r)
        data = self._select(start, limit, represent=True, show_links=False)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([self._plain(rfield.label) for rfield in data.rfields])
        for row in data.rows:
            writer.writerow([self._plain(row[rfield.colname]) for rfield in data.rfields])
        headers = current.response.headers
        headers["Content-Type"] = "text/csv; charset=utf-8"
        headers["Content-Disposition"] = f'attachment; filename="{self.tablename}.csv"'
        return text.getvalue()

    @staticmethod
    def _plain(value: Any) -> str:
        """Text of a cell that no spreadsheet takes for a formula."""
        text = "" if value is None else s3_plain_text(value)
        is_number = text.lstrip("-+").replace(".", "", 1).isdigit()
        return f"'{text}" if text.startswith(FORMULA_SIGNS) and not is_number and text != NONE else text
