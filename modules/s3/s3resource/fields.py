"""Which fields of a resource are meant: selectors resolved, lists of fields from the configuration."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3error import S3SelectorError
from s3.s3query import FS, Join, Joins, S3ResourceField
from s3dal import Field

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource
    from s3dal import Table

__all__ = ("FieldsMixin",)


class FieldsMixin:
    """Part of S3Resource."""

    alias: str
    table: Table
    parent: S3Resource | None
    fkey: str | None

    if TYPE_CHECKING:

        def get_config(self, key: str, default: Any = None) -> Any: ...

    def prefix_selector(self, selector: str) -> str:
        """The selector with "~." in front, unless it starts with a component: ``name`` -> ``~.name``."""
        head = selector.partition("$")[0]
        prefix, dot, rest = selector.partition(".")
        if "." not in head:
            return f"~.{selector}"
        return f"~.{rest}" if dot and prefix == self.alias else selector

    def resolve_selector(self, selector: str) -> S3ResourceField:
        """Resolve one selector.

        Raises:
            S3SelectorError: it means no field of this resource
        """
        return S3ResourceField(self, selector)  # type: ignore[arg-type]

    def resolve_selectors(
        self, selectors: Iterable[Any] | None, skip_components: bool = False, extra_fields: bool = True, show: bool = True
    ) -> tuple[list[S3ResourceField], dict[str, list[Any]], dict[str, Join], bool]:
        """Resolve the fields of a select.

        Args:
            selectors: selectors, (label, selector), S3FieldSelector or S3ResourceField; None for the readable fields
            skip_components: leave out selectors that start with another table
            extra_fields: add the fields that computed fields need, not to be shown
            show: mark the fields to be shown

        Returns:
            (fields, inner joins (none), left joins by alias, whether there are joins)

        Raises:
            S3SelectorError: one of them means no field of this resource
        """
        requested = [field.name for field in self.readable_fields()] if selectors is None else list(selectors)
        rfields = [self._resolve_item(item) for item in requested]
        if skip_components:
            rfields = [rfield for rfield in rfields if self.prefix_selector(rfield.selector).startswith("~.")]
        for rfield in rfields:
            rfield.show = show and rfield.show
        if extra_fields and any(rfield.virtual for rfield in rfields):
            rfields += self._resolve_extra_fields(rfields)
        joins = Joins(join for rfield in rfields for join in rfield.joins)
        return rfields, {}, {join.alias: join for join in joins}, bool(joins)

    def _resolve_extra_fields(self, requested: list[S3ResourceField]) -> list[S3ResourceField]:
        known = {rfield.colname for rfield in requested}
        extra = [self._resolve_item(item) for item in self.get_config("extra_fields") or ()]
        for rfield in extra:
            rfield.show = False
        return [rfield for rfield in extra if rfield.colname not in known]

    def _resolve_item(self, item: Any) -> S3ResourceField:
        if isinstance(item, S3ResourceField):
            return item
        label, selector = item if isinstance(item, (list, tuple)) and len(item) == 2 else (None, item)
        if isinstance(selector, FS):
            selector = selector.name
        if not isinstance(selector, str) or not selector:
            raise S3SelectorError(f"Not a field selector: {item!r}", selector=item)
        return S3ResourceField(self, self.prefix_selector(selector), label=label)  # type: ignore[arg-type]

    def readable_fields(self, subset: Iterable[str] | None = None) -> list[Field]:
        """Fields that may be shown, of a component without its key to the parent.

        Args:
            subset: names of fields to choose from
        """
        names = None if subset is None else set(subset)
        own_key = self.fkey if self.parent is not None else None
        return [
            field
            for field in self.table
            if field.readable and field.type != "password" and field.name != own_key and (names is None or field.name in names)
        ]

    def list_fields(self, key: str = "list_fields", id_column: bool | int = 0) -> list[Any]:
        """Selectors to show in a list, with labels where they are configured.

        Args:
            key: configuration key; the fallbacks are "list_fields", then the names of the readable fields
            id_column: 0 puts the id first; True has it only if and where it is configured; False never

        Returns:
            new list of selectors and (label, selector)
        """
        configured = self.get_config(key) or self.get_config("list_fields")
        items = list(configured) if configured else [field.name for field in self.readable_fields()]
        fields: dict[str, Any] = {}
        for item in items:
            fields.setdefault(self._plain_name(item), item)
        if self.parent is not None and not current.response.s3.component_show_key:
            fields.pop(self.fkey or "", None)
        id_name = self.table._id.name
        # False == 0, so the identity decides
        if id_column is False:
            fields.pop(id_name, None)
            fields.pop("id", None)
        elif not id_column:
            first = fields.pop("id", None) or fields.pop(id_name, None) or id_name
            return [first, *fields.values()]
        return list(fields.values())

    def _plain_name(self, item: Any) -> str:
        selector = item[1] if isinstance(item, (list, tuple)) else item
        prefixed = self.prefix_selector(selector)
        return prefixed[2:] if prefixed.startswith("~.") else prefixed

    def __contains__(self, selector: str) -> bool:
        try:
            return self.resolve_selector(selector).field is not None
        except S3SelectorError:
            return False
