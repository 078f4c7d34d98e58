"""The pages to add, change and delete a record."""
from __future__ import annotations

from typing import Any

from gluon import DIV, FORM, INPUT, A, P, current

from s3.s3crud.crud import S3CRUD
from s3.s3crud.form import FormResult, RecordForm
from s3.s3error import S3DataError
from s3.s3rest import S3Request
from s3dal import Row, Table

__all__ = ("CreatePage", "DeletePage", "UpdatePage")


class S3Edit(S3CRUD):
    """What the pages with a form have in common."""

    def _table(self) -> Table:
        """The table to write to: components may be read through an alias."""
        return current.s3db.table(self.tablename)

    def _process(self, method: str, record: Row | None = None) -> FormResult:
        form = RecordForm(self._table(), record, hidden=tuple(self._parent_values()))
        if not form.names:
            self.request.error(405, current.ERROR.METHOD_DISABLED)
        posted = self.request.post_vars if self.request.http == "POST" else {}
        return form.process(posted, self._hook(method))

    def _store(self, result: FormResult, write: Any) -> Any:
        """Store what the form gives; what the tables refuse is said above the form."""
        try:
            return write(result.values)
        except S3DataError as exc:
            current.response.error = str(exc)
            result.form.errors["id"] = str(exc)
            result.accepted = False
            return None

    def _cancel(self, url: str) -> A:
        return A(current.T("Cancel"), _href=url, _class="button plain")


class CreatePage(S3Edit):
    """The page to add a record."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        if r.component is not None and not r.id:
            r.error(404, current.ERROR.BAD_RECORD)
        self._require("create")
        self._populate(**attr)
        result = self._process("create")
        if result.accepted:
            record_id = self._store(result, self._insert)
            if result.accepted:
                self._finish(record_id)
        current.response.view = self._view(r, "create.html")
        return {
            "title": self._string("label_create"),
            "form": result.form,
            "buttons": [self._cancel(self._list_url())],
        }

    def _populate(self, **attr: Any) -> None:
        """Fill the form in advance: the keyword ``populate`` of the REST controller."""
        populate = attr.get("populate")
        if self.request.http != "GET" or not populate:
            return
        table = self._table()
        for name, value in (populate(self.request, **attr) if callable(populate) else populate).items():
            table[name].default = value

    def _finish(self, record_id: Any) -> None:
        current.response.confirmation = self._string("msg_record_created")
        default = self._record_url(record_id) if self.request.component is None else self._list_url()
        self.next = self._next_url("create_next", record_id, default)


class UpdatePage(S3Edit):
    """The page to change a record."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        record = self._own_row()
        self._require("update")
        result = self._process("update", record)
        if result.accepted:
            self._store(result, self._update)
            if result.accepted:
                current.response.confirmation = self._string("msg_record_modified")
                self.next = self._next_url("update_next", self.record_id, self._record_url(self.record_id))
        current.response.view = self._view(r, "update.html")
        return {
            "title": self._string("title_update"),
            "form": result.form,
            "buttons": [self._cancel(self._record_url(self.record_id))],
        }


class DeletePage(S3CRUD):
    """The question whether to delete a record, and doing so; only a form with its one-time key deletes.

    Eden deletes with the GET request, which any page on the web can make a browser send.
    """

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        self._own_row()
        self._require("delete")
        form = self._form()
        posted = r.post_vars if r.http == "POST" else {}
        if form.accepts(posted, current.session, formname=f"{self.tablename}/{self.record_id}/delete"):
            self._delete()
        elif posted:
            current.response.error = current.T("This form was open for too long or was sent twice. Please confirm again.")
        current.response.view = self._view(r, "delete.html")
        return {"title": self._string("label_delete_button"), "form": form, "buttons": []}

    def _form(self) -> FORM:
        T = current.T
        return FORM(
            P(T("Delete this record? Nobody will see it any more.")),
            DIV(
                INPUT(_type="submit", _value=T("Delete"), _class="danger"),
                " ",
                A(T("Cancel"), _href=self._record_url(self.record_id), _class="button plain"),
                _class="actions",
            ),
            _action="",
        )

    def _delete(self) -> None:
        if self.resource.delete() == 1:
            current.response.confirmation = self._string("msg_record_deleted")
            self.next = self._next_url("delete_next", self.record_id, self._list_url())
        else:
            current.db.rollback()
            current.response.error = str(self.resource.error or current.ERROR.NOT_PERMITTED)
