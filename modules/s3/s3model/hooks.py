"""What models attach to tables beside their configuration: custom methods, and the sentences of the user interface."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3ModelError
from s3cfg import to_translate

if TYPE_CHECKING:
    from s3.s3model.model import ModelStore

__all__ = ("CrudStrings", "HookMixin")

# Shown for tables without strings of their own; translated when they are read
DEFAULT_CRUD_STRINGS = to_translate({
    "label_create": "Add Record",
    "title_display": "Record Details",
    "title_list": "Records",
    "title_update": "Edit Record",
    "title_map": "Map",
    "title_report": "Report",
    "title_upload": "Import Records",
    "label_list_button": "List Records",
    "label_delete_button": "Delete Record",
    "msg_record_created": "Record added",
    "msg_record_modified": "Record updated",
    "msg_record_deleted": "Record deleted",
    "msg_list_empty": "No Records currently available",
    "msg_match": "Matching Records",
    "msg_no_match": "No Matching Records",
})


class CrudStrings(Storage):
    """``response.s3.crud_strings``: {table name: its sentences}, and directly the sentences of all other tables."""

    def __getattr__(self, key: str) -> Any:
        return self.get(key)

    def __getitem__(self, key: str) -> Any:
        return self.get(key)

    def get(self, key: str, default: Any = None) -> Any:
        if key in self:
            return super().get(key)
        return current.T(DEFAULT_CRUD_STRINGS[key]) if key in DEFAULT_CRUD_STRINGS else default


class HookMixin:
    """Part of S3Model."""

    store: ModelStore

    def set_method(self, prefix: str, name: str, component_name: str | None = None, method: str | None = None, action: Any = None) -> None:
        """Bind a URL method of a resource to a handler.

        Args:
            prefix, name: of the resource
            component_name: alias of a component, for a method of this component
            method: name of the method in the URL
            action: an S3Method class or instance, or callable(r, **attr)

        Raises:
            S3ModelError: no method is named
        """
        if not method:
            raise S3ModelError(f"{prefix}_{name}: set_method needs the name of a method", table=f"{prefix}_{name}")
        key = (method, component_name)
        self.store.methods.setdefault(key, {})[f"{prefix}_{name}"] = action

    def get_method(self, prefix: str, name: str, component_name: str | None = None, method: str | None = None) -> Any:
        """Find the handler of a URL method, None if there is none.

        Raises:
            S3ModelError: no method is named
        """
        if not method:
            raise S3ModelError(f"{prefix}_{name}: get_method needs the name of a method", table=f"{prefix}_{name}")
        return self.store.methods.get((method, component_name), {}).get(f"{prefix}_{name}")

    @staticmethod
    def get_crud_string(tablename: str | None, key: str) -> Any:
        """Sentence of the user interface for a table, else the deployment's default, else the framework's."""
        crud_strings = current.response.s3.crud_strings or {}
        own = crud_strings.get(tablename) if tablename else None
        text = (own.get(key) if own else None) or crud_strings.get(key)
        return current.T(DEFAULT_CRUD_STRINGS[key]) if text is None and key in DEFAULT_CRUD_STRINGS else text
