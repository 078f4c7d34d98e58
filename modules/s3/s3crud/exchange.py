"""Records as documents: export and import of S3XML and S3JSON by URL."""
from __future__ import annotations

import datetime as dt
from typing import Any

from gluon import current

from s3.s3crud.api import JSON_TYPE, refuse_foreign_request
from s3.s3crud.crud import S3CRUD
from s3.s3crud.listing import page_bounds
from s3.s3datetime import s3_decode_iso_datetime, s3_utc
from s3.s3error import S3DataError
from s3.s3rest import S3Request
from s3.s3xml import read_source

__all__ = ("ExportDocument", "ImportDocument")

XML_TYPES = ("application/xml", "text/xml")
CONTENT_TYPES = {"xml": XML_TYPES, "s3json": (JSON_TYPE,)}
TRUE = ("true", "1", "yes")
MAX_DEPTH = 10
MEGABYTE = 1024 * 1024


class S3Document(S3CRUD):
    """What export and import have in common."""

    @property
    def _format(self) -> str:
        return str(self.request.representation)

    def _var(self, key: str) -> str | None:
        value = self.request.get_vars.get(key)
        return str(value[-1] if isinstance(value, list) else value) if value else None

    def _flag(self, key: str, default: bool = False) -> bool:
        text = self._var(key)
        return default if text is None else text.strip().lower() in TRUE


class ExportDocument(S3Document):
    """GET of a list or a record: the records with those that they refer to.

    URL variables beside filters, start and limit: ``msince``, ``fields``, ``references``, ``components`` (aliases or "none"),
    ``dereference``, ``maxdepth``, ``include_deleted``.
    """

    def apply_method(self, r: S3Request, **attr: Any) -> Any:
        self._require("read")
        if self.record_id:
            self._own_row()
        start, limit = page_bounds(r)
        if self._flag("include_deleted") and not self.record_id:
            self.resource.include_deleted = True
            self.resource.clear()
        document = self.resource.export_xml(
            start=start or None,
            limit=limit,
            msince=self._msince(),
            fields=self._fields("fields"),
            references=self._fields("references"),
            mcomponents=self._components(),
            dereference=self._flag("dereference", True),
            maxdepth=self._depth(),
            orderby=self._config("list_orderby") or self._config("orderby"),
            customise=r.customise_resource,
            as_json=self._format == "s3json",
        )
        current.response.headers["Content-Type"] = f"{CONTENT_TYPES[self._format][0]}; charset=utf-8"
        return document

    def _msince(self) -> dt.datetime | None:
        text = self._var("msince")
        if text is None:
            return None
        try:
            since = s3_utc(s3_decode_iso_datetime(text))
        except ValueError:
            self.request.error(400, f"msince must be a date and time such as 2020-12-31T23:59:59Z, not {text!r}.")
        assert since is not None
        return since.replace(tzinfo=None)

    def _names(self, key: str) -> list[str] | None:
        value = self.request.get_vars.get(key)
        if not value:
            return None
        texts = value if isinstance(value, list) else [value]
        return [name.strip() for text in texts for name in str(text).split(",") if name.strip()]

    def _fields(self, key: str) -> list[str] | None:
        names = self._names(key)
        for name in names or ():
            if name not in self.table.fields:
                self.request.error(400, f"{key}: {self.tablename} has no field {name!r}.")
        return names

    def _components(self) -> list[str] | None:
        names = self._names("components")
        if names is None or names == ["none"] or self.request.component is not None:
            return None
        for alias in names:
            if current.s3db.get_component(self.tablename, alias) is None:
                self.request.error(400, f"components: {self.tablename} has no component {alias!r}.")
        return names

    def _depth(self) -> int:
        text = self._var("maxdepth")
        if text is None:
            return MAX_DEPTH
        if not (text.isascii() and text.isdigit() and len(text) < 3):
            self.request.error(400, "maxdepth must be a whole number, 0 or more.")
        return min(int(text), MAX_DEPTH)


class ImportDocument(S3Document):
    """POST or PUT of a document to a list or a record; URL variable ``ignore_errors``.

    The answer names the records that were written, or the elements for which the document was refused.
    """

    def apply_method(self, r: S3Request, **attr: Any) -> Any:
        refuse_foreign_request(r, CONTENT_TYPES[self._format])
        if r.component is not None and not r.id:
            r.error(404, current.ERROR.BAD_RECORD)
        if r.link is not None:
            r.error(405, current.ERROR.BAD_METHOD)
        if self.record_id:
            self._own_row()
            self._require("update")
        else:
            self._require("create")
        result = self.resource.import_tree(
            self._read_document(),
            ignore_errors=self._flag("ignore_errors"),
            preset=self._parent_values(),
            record_id=int(self.record_id) if self.record_id else None,
            customise=r.customise_resource,
        )
        if not result.is_accepted:
            current.db.rollback()
            r.error(result.statuscode, result.summary(), errors=[fault.as_dict() for fault in result.named_faults])
        current.response.headers["Content-Type"] = JSON_TYPE
        return result.message()

    def _read_document(self) -> Any:
        """The root element of the document in the body."""
        r = self.request
        max_bytes = current.deployment_settings.get_base_import_max_size() * MEGABYTE
        r.body.seek(0)
        try:
            content = read_source(r.body, max_bytes)
        except S3DataError as error:
            r.error(413, str(error))
        parse = current.xml.json2tree if self._format == "s3json" else current.xml.parse
        return parse(content, max_bytes)
