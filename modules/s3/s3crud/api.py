"""Adding, changing and deleting records by programs, in JSON."""
from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from gluon import current
from gluon.storage import Storage

from s3.s3crud.crud import S3CRUD
from s3.s3crud.values import check_values
from s3.s3error import S3DataError, S3PermissionError
from s3.s3rest import S3Request
from s3dal import Row

__all__ = ("JSON_TYPE", "CreateJSON", "DeleteJSON", "UpdateJSON", "refuse_foreign_request")

JSON_TYPE = "application/json"


def refuse_foreign_request(r: S3Request, content_types: tuple[str, ...] = (JSON_TYPE,)) -> None:
    """End a request that another web site may have made the reader's browser send.

    A page of another origin can send the reader's cookies along, but neither the content type of JSON or XML nor a DELETE
    without asking first, and it cannot hide where it comes from.

    Args:
        content_types: what the body can be; none of those that a form can send
    """
    content_type = str(r.env.content_type or "").split(";")[0].strip().lower()
    if r.http != "DELETE" and content_type not in content_types:
        kind = "JSON" if JSON_TYPE in content_types else "XML"
        message = current.T("The body must be %(kind)s, sent as Content-Type: %(type)s.")
        r.error(415, message % {"kind": kind, "type": content_types[0]})
    origin = r.env.http_origin
    if origin and urlsplit(origin).netloc.lower() not in _own_hosts(r):
        r.error(403, current.T("Requests from other sites are not accepted."))


def _own_hosts(r: S3Request) -> set[str]:
    """The names under which this site is reached, with ports: behind a proxy it may not be the one in the request."""
    hosts = {str(r.env.http_host or "").lower()}
    public_url = current.deployment_settings.get_base_public_url()
    if public_url:
        hosts.add(urlsplit(public_url).netloc.lower())
    return hosts - {""}


class S3Write(S3CRUD):
    """What writing JSON has in common."""

    def _read_body(self) -> dict[str, Any]:
        """The JSON object in the body of the request; ends the request if there is none."""
        r = self.request
        # not the variables that web2py makes of the body: it takes a broken one for an empty one
        r.body.seek(0)
        try:
            data = json.loads(r.body.read())
        except (ValueError, RecursionError) as exc:
            r.error(400, f"The body is not valid JSON: {exc}")
        if not isinstance(data, dict):
            r.error(400, "The body must be a JSON object with the fields of one record.")
        return data

    def _check(self, method: str, record: Row | None = None) -> dict[str, Any]:
        """The values to store; ends the request if one is not valid."""
        table = current.s3db.table(self.tablename)
        parent = self._parent_values()
        given = self._read_body()
        values, errors = check_values(table, given, record, preset=parent)
        errors.update({name: "is given by the URL" for name in parent if name in values and values[name] != parent[name]})
        if not errors:
            form = Storage(vars=Storage(values), errors=Storage(), record=record)
            if record is not None:
                form.vars.id = record[table._id.name]
            self._hook(method)(form)
            errors = dict(form.errors)
            values = {name: form.vars[name] for name in form.vars if name in table.fields and name != table._id.name}
        if errors:
            self._refuse(errors)
        return values

    def _refuse(self, errors: dict[str, Any]) -> None:
        texts = {name: str(error) for name, error in errors.items()}
        message = "; ".join(f"{name}: {text}" for name, text in texts.items())
        self.request.error(400, message, errors=texts)

    def _guarded(self, write: Any, *args: Any) -> Any:
        """Write; what the tables refuse ends the request with nothing stored."""
        r = self.request
        try:
            return write(*args)
        except S3DataError as exc:
            r.error(400, str(exc))
        except S3PermissionError:
            r.unauthorised()

    def _answer(self, message: Any, **data: Any) -> str:
        current.response.headers["Content-Type"] = JSON_TYPE
        if current.response.warning:
            # what else the request has caused, which a page would show
            data["warning"] = str(current.response.warning)
        return current.xml.json_message(True, 200, message=str(message), **data)


class CreateJSON(S3Write):
    """POST of a JSON object: add a record; the answer names its id."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        refuse_foreign_request(r)
        if r.component is not None and not r.id:
            r.error(404, current.ERROR.BAD_RECORD)
        self._require("create")
        values = self._check("create")
        record_id = self._guarded(self._insert, values)
        return self._answer(self._string("msg_record_created"), created=[int(record_id)])


class UpdateJSON(S3Write):
    """PUT or POST of a JSON object to a record: change the fields it names."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        refuse_foreign_request(r)
        record = self._own_row()
        self._require("update")
        values = self._check("update", record)
        if values:
            self._guarded(self._update, values)
        return self._answer(self._string("msg_record_modified"), updated=[int(self.record_id)])


class DeleteJSON(S3Write):
    """DELETE of a record, or POST to its method delete."""

    def apply_method(self, r: S3Request, **attr: Any) -> str:
        refuse_foreign_request(r)
        self._own_row()
        self._require("delete")
        if self.resource.delete() != 1:
            current.db.rollback()
            r.error(409, self.resource.error or current.ERROR.NOT_PERMITTED)
        return self._answer(self._string("msg_record_deleted"), deleted=[int(self.record_id)])
