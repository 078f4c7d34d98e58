"""Configuration of tables: what models and templates declare about them, and the callbacks around writing."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gluon.storage import Storage

from s3.s3error import S3ModelError
from s3.s3utils import original_name
from s3dal import Row, Table

if TYPE_CHECKING:
    from s3.s3model.model import ModelStore

__all__ = ("ConfigMixin",)

CALLBACK_HOOKS = ("onvalidation", "onaccept")
CALLBACK_METHODS = ("create", "update")


class ConfigMixin:
    """Part of S3Model.

    The configuration belongs to the table, an alias of it shares it. Reading it never loads a model: before a table has
    been defined in this request it has none.
    """

    store: ModelStore

    def configure(self, tablename: Table | str, **attr: Any) -> None:
        """Set configuration keys of a table: ``s3db.configure("cms_post", notify_fields=[...])``."""
        self.store.config.setdefault(original_name(tablename), {}).update(attr)

    def get_config(self, tablename: Table | str, key: str, default: Any = None) -> Any:
        """Value of a configuration key, also if it is None; the default only if the key is absent."""
        config = self.store.config.get(original_name(tablename))
        return default if config is None else config.get(key, default)

    def clear_config(self, tablename: Table | str, *keys: str) -> None:
        """Remove these keys from the configuration of a table; without keys all of it."""
        config = self.store.config.get(original_name(tablename), {})
        if not keys:
            config.clear()
        for key in keys:
            config.pop(key, None)

    def add_custom_callback(self, tablename: Table | str, hook: str, cb: Callable[..., Any], method: str | None = None) -> None:
        """Run one more callback beside those that are configured.

        Args:
            hook: "onvalidation" or "onaccept"
            method: "create" or "update", for this method alone

        Raises:
            S3ModelError: unknown hook or method
        """
        if hook not in CALLBACK_HOOKS:
            raise S3ModelError(f"{original_name(tablename)}: unknown callback hook {hook!r}, expected one of {CALLBACK_HOOKS}")
        if method is not None and method not in CALLBACK_METHODS:
            raise S3ModelError(f"{original_name(tablename)}: unknown method {method!r}, expected one of {CALLBACK_METHODS}")
        generic = _callbacks(self.get_config(tablename, hook))
        specific = {key: self.get_config(tablename, key) for key in (f"{m}_{hook}" for m in CALLBACK_METHODS)}
        if method is None:
            changed = {hook: _with(generic, cb)}
            changed.update({key: _with(_callbacks(present), cb) for key, present in specific.items() if present})
        else:
            key = f"{method}_{hook}"
            # a specific callback replaces the generic ones, so these come along
            changed = {key: _with(_callbacks(specific[key]) or generic, cb)}
        self.configure(tablename, **changed)

    def onaccept(self, table: Table | str, record: Any, method: str = "create") -> None:
        """Run the callbacks after writing.

        Args:
            record: the form, or the written values including the record id
            method: "create" or "update"; its own callback replaces the generic one
        """
        self._run_callbacks(table, "onaccept", method, _as_form(record))

    def onvalidation(self, table: Table | str, record: Any, method: str = "create") -> Storage:
        """Run the callbacks before writing.

        Returns:
            {field name: error}, empty if the values are accepted
        """
        form = _as_form(record)
        self._run_callbacks(table, "onvalidation", method, form)
        return form.errors

    def _run_callbacks(self, table: Table | str, hook: str, method: str, form: Any) -> None:
        callback = self.get_config(table, f"{method}_{hook}") or self.get_config(table, hook)
        for function in _callbacks(callback):
            function(form)


def _callbacks(value: Any) -> list[Callable[..., Any]]:
    if not value:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _with(callbacks: list[Callable[..., Any]], cb: Callable[..., Any]) -> list[Callable[..., Any]]:
    return callbacks if cb in callbacks else [*callbacks, cb]


def _as_form(record: Any) -> Any:
    if getattr(record, "vars", None) is not None:
        return record
    values = record.as_dict() if isinstance(record, Row) else record
    if "vars" in values:
        return Storage(values)
    return Storage(vars=Storage(values), errors=Storage())
