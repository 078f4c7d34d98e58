"""One record: its page, and JSON."""
from __future__ import annotations

from typing import Any

from gluon import DIV, TAG, A, P, current

from s3.s3crud.crud import S3CRUD
from s3.s3crud.values import dump_json
from s3.s3datetime import S3DateTime
from s3.s3rest import S3Request

__all__ = ("ReadJSON", "ReadPage")


class S3Read(S3CRUD):
    """What all forms of a record have in common."""

    def _select(self, **how: Any) -> Any:
        """Extract the readable fields of the record, the id first."""
        id_name = self.resource.table._id.name
        names = [field.name for field in self.resource.readable_fields()]
        return self.resource.select([id_name, *(name for name in names if name != id_name)], limit=1, **how)


class ReadPage(S3Read):
    """The page of a record."""

    def apply_method(self, r: S3Request, **attr: Any) -> dict[str, Any]:
        self._require("read")
        output: dict[str, Any] = {"title": self._string("title_display")}
        current.response.view = self._view(r, "display.html")
        if r.component is not None and not self.record_id:
            # the one record of a single component is still to be made
            button = [self._link(self._string("label_create"), self._create_url())] if self._offers("create") else []
            return {**output, "item": P(self._string("msg_list_empty")), "buttons": button, "modified": None}
        row = self._own_row()
        data = self._select(represent=True)
        output["item"] = self._describe(data)
        output["buttons"] = self._buttons()
        output["modified"] = self._modified(row)
        return output

    def _describe(self, data: Any) -> Any:
        id_column = str(self.resource.table._id)
        row = data.rows[0]
        pairs = [
            DIV(TAG.dt(rfield.label), TAG.dd(self._shown(rfield, row[rfield.colname])))
            for rfield in data.rfields
            if rfield.colname != id_column
        ]
        return TAG.dl(*pairs, _class="record")

    def _buttons(self) -> list[A]:
        T = current.T
        buttons = []
        if self._offers("update"):
            buttons.append(self._link(T("Edit"), self._record_url(self.record_id, "update")))
        if self._offers("delete"):
            buttons.append(self._link(self._string("label_delete_button"), self._record_url(self.record_id, "delete"), "button danger"))
        buttons.append(self._link(self._string("label_list_button"), self._list_url(), "button plain"))
        return buttons

    @staticmethod
    def _modified(row: Any) -> str | None:
        """When the record was last changed, for the reader's clock."""
        modified_on = row.get("modified_on")
        return S3DateTime.datetime_represent(modified_on, utc=True) if modified_on else None


class ReadJSON(S3Read):
    """The record for programs: a JSON object {colname: raw value}."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        self._require("read")
        self._own_row()
        data = self._select()
        current.response.headers["Content-Type"] = "application/json"
        return dump_json(dict(data.rows[0]))
