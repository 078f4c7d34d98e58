"""S3CRUD: what the pages and the JSON interface of records have in common: permissions, titles, links, hooks."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gluon import A, current

from s3.s3error import S3DataError, S3Error
from s3.s3rest import S3Method
from s3dal import Row

__all__ = ("S3CRUD",)

# a table is open for a method unless its configuration closes it
METHOD_SWITCHES = {"create": "insertable", "update": "editable", "delete": "deletable"}


@contextmanager
def _undone_on_failure() -> Iterator[None]:
    """Roll back if the write inside fails; what the database refuses becomes an S3DataError."""
    db = current.db
    driver = db._adapter.driver
    try:
        yield
    except S3Error:
        db.rollback()
        raise
    except (driver.IntegrityError, driver.DataError) as exc:
        db.rollback()
        # the sentence of the database names columns and values
        current.log.warning(f"The database refused a record: {exc}")
        message = current.T("The record cannot be stored: a value is too long, is taken, or refers to a missing record.")
        raise S3DataError(str(message)) from exc


class S3CRUD(S3Method):
    """Base of the handlers that list, show, add, change and delete records.

    Source: Eden s3crud.py S3CRUD
    """

    def _require(self, method: str) -> None:
        """End the request unless the table is open for a method and the user may do it."""
        switch = METHOD_SWITCHES.get(method)
        if switch and not self._config(switch, True):
            self.request.error(405, current.ERROR.METHOD_DISABLED)
        if not self._permitted(method):
            self.request.unauthorised()

    def _offers(self, method: str) -> bool:
        """Whether to show a way to do this."""
        return bool(self._config(METHOD_SWITCHES[method], True)) and self._permitted(method)

    def _string(self, name: str) -> Any:
        return self.crud_string(self.tablename, name)

    def _record_url(self, record_id: Any, method: str | None = None) -> str:
        """The page of a record of this resource."""
        r = self.request
        if r.component is not None:
            return r.url(component_id=record_id, method=method or "read", representation="", vars={})
        return r.url(id=record_id, method=method or "", target=record_id, representation="", vars={})

    def _list_url(self) -> str:
        return self.request.url(target=0, method="", representation="", vars={})

    def _create_url(self) -> str:
        return self.request.url(target=0, method="create", representation="", vars={})

    @staticmethod
    def _shown(rfield: Any, value: Any) -> Any:
        """A represented value for people."""
        if value is None:
            return ""
        if rfield.ftype == "boolean" and value in ("True", "False"):
            return current.T("Yes") if value == "True" else current.T("No")
        return value

    def _link(self, label: Any, url: str, kind: str = "button") -> A:
        return A(label, _href=url, _class=kind)

    def _next_url(self, key: str, record_id: Any, default: str) -> str:
        """Where to go after a change: the table's ``create_next``, ``update_next`` or ``delete_next``."""
        configured = self._config(key)
        if callable(configured):
            configured = configured(self.request)
        return str(configured).replace("[id]", str(record_id)).replace("%5Bid%5D", str(record_id)) if configured else default

    def _parent_values(self) -> dict[str, Any]:
        """What makes a new record one of this component: its key to the master record, and what the component is filtered by."""
        component: Any = self.request.component
        if component is None:
            return {}
        filterby = component.hook.filterby
        values = {name: value for name, value in filterby.items() if isinstance(value, (str, int))} if isinstance(filterby, dict) else {}
        if self.request.link is None and self.request.record:
            values[component.fkey] = self.request.record[component.pkey]
        return values

    def _insert(self, values: dict[str, Any]) -> Any:
        """Store a new record with all that belongs to it; give its id. Undone if it fails.

        Raises:
            S3Error: the record cannot be stored
        """
        r = self.request
        with _undone_on_failure():
            record_id = self.resource.insert(**{**getattr(r.component, "defaults", {}), **values, **self._parent_values()})
            if r.link is not None and r.record:
                self._link_to_master(record_id)
        return record_id

    def _link_to_master(self, record_id: Any) -> None:
        """Tie a new component record to the master record through their link table."""
        r = self.request
        component: Any = self.resource
        link: Any = r.link
        row = self._load_row(record_id)
        assert row is not None and r.record is not None
        link.insert(**{component.lkey: r.record[component.pkey], component.rkey: row[component.fkey]})

    def _update(self, values: dict[str, Any]) -> None:
        """Change the record of this request; undone if it fails.

        Raises:
            S3Error: the record cannot be stored
        """
        with _undone_on_failure():
            self.resource.update(**values)

    def _load_row(self, record_id: Any) -> Row | None:
        """A whole record as it is stored."""
        table = current.s3db.table(self.tablename)
        return current.db(table._id == record_id).select(limitby=(0, 1)).first()

    def _own_row(self) -> Row:
        """The record of this request as it is stored; ends the request if it is not there or not for this user."""
        r = self.request
        if not self.record_id:
            r.error(404, current.ERROR.BAD_RECORD)
        if r.component is not None:
            self.resource.add_filter(self.resource.table._id == self.record_id, hides=False)
            if self.resource.count() != 1:
                r.error(404, current.ERROR.BAD_RECORD)
        row = self._load_row(self.record_id)
        if row is None:
            r.error(404, current.ERROR.BAD_RECORD)
        return row

    def _hook(self, method: str) -> Callable[[Any], None]:
        """The validation hooks of the table, as one callable for a form."""

        def check(form: Any) -> None:
            if method == "create":
                # no form asks for them, but what a record belongs to decides what it may be
                for name, value in self._parent_values().items():
                    form.vars.setdefault(name, value)
            current.s3db.onvalidation(self.tablename, form, method)

        return check
