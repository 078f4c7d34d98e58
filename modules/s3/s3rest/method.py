"""S3Method: the base of everything that handles a REST request."""
from __future__ import annotations

import re
from typing import Any

from gluon import current

from s3.s3resource import S3Resource
from s3.s3rest.request import S3Request
from s3.s3rest.views import find_view
from s3dal import Table

__all__ = ("S3Method",)

# methods that show records, and need no more than the right to read
READING_METHODS = ("datalist", "datatable", "list", "read")

ID_PLACEHOLDER = re.compile(r"\[id\]|%5Bid%5D")


class S3Method:
    """A handler of REST requests; subclasses override :meth:`apply_method`.

    Source: Eden s3rest.py S3Method
    """

    request: S3Request
    resource: S3Resource
    table: Table
    tablename: str
    record_id: Any
    method: str
    next: str | None = None

    def __call__(self, r: S3Request, method: str | None = None, **attr: Any) -> Any:
        """Handle a request.

        Args:
            r: the request
            method: the method to apply, default the one of the URL, else read or list
            attr: keywords of the REST controller
        """
        self.request = r
        self.resource = r.resource if r.component is None else r.component
        self.prefix = self.resource.prefix
        self.name = self.resource.name
        self.tablename = self.resource.tablename
        self.table = self.resource.table
        self.record_id = self._get_record_id()
        self.method = method or r.method or ("read" if self.record_id else "list")
        self.next = None
        output = self.apply_method(r, **attr)
        if self.next and not current.response.error:
            last_id = getattr(self.resource, "lastid", None)
            r.next = ID_PLACEHOLDER.sub(str(last_id), self.next) if last_id else self.next
        if isinstance(output, dict) and r.interactive:
            self._extend_view(output, **attr)
        return output

    def apply_method(self, r: S3Request, **attr: Any) -> Any:
        """Do the work; give a dict for the view, or the text of the answer."""
        return r.error(405, current.ERROR.BAD_METHOD)

    # -- for subclasses ---------------------------------------------------------

    def _get_record_id(self) -> Any:
        """The record that the request is about; of a component that has one record only, that one."""
        r = self.request
        if r.component is None:
            return r.id
        if r.component_id:
            return int(r.component_id)
        if r.id and not r.component.multiple:
            rows = r.component.load(limit=1)
            return rows[0][r.component.table._id.name] if rows else None
        return None

    def _permitted(self, method: str | None = None) -> bool:
        """Whether the user may do this; adding to a record's component needs the right to update the record."""
        method = method or self.method
        if method in READING_METHODS:
            method = "read"
        r = self.request
        auth = current.auth
        if r.component is not None and method == "create" and not self._may_ignore_master():
            if not auth.s3_has_permission("update", r.table, record_id=r.id):
                return False
        return bool(auth.s3_has_permission(method, self.table, record_id=self.record_id))

    def _may_ignore_master(self) -> bool:
        """Whether the master says that its record is not asked for this component (``ignore_master_access``)."""
        r = self.request
        ignore = current.s3db.get_config(r.tablename, "ignore_master_access")
        return ignore is True or (isinstance(ignore, (list, tuple)) and r.component_name in ignore)

    def _config(self, key: str, default: Any = None) -> Any:
        """The setting of this table (``s3db.configure``)."""
        return current.s3db.get_config(self.tablename, key, default)

    def _extend_view(self, output: dict[str, Any], **attr: Any) -> None:
        """Add the keywords of the REST controller to the output: values, or callables of the request."""
        for key, value in attr.items():
            handled = value(self.request) if callable(value) else value
            if callable(value) and isinstance(handled, dict):
                output.update(handled)
            elif handled is None:
                output.pop(key, None)
            else:
                output[key] = handled

    @staticmethod
    def _remove_filters(get_vars: dict[str, Any]) -> dict[str, Any]:
        """The URL variables that are no record filters."""
        return {
            key: value
            for key, value in get_vars.items()
            if "." not in key and not ("(" in key and ")" in key)
        }

    @staticmethod
    def crud_string(tablename: str, name: str) -> Any:
        """A sentence of the record pages: of the table, else the deployment's default, else the framework's."""
        return current.s3db.get_crud_string(tablename, name)

    @staticmethod
    def _view(r: S3Request, default: str) -> str:
        """The view of a page: of this component or resource if there is one, else the default."""
        names = [f"{r.controller}/{r.name}_{default}", default]
        if r.component_name:
            names.insert(0, f"{r.controller}/{r.name}_{r.component_name}_{default}")
        return find_view(*names)
