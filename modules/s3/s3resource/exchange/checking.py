"""The values of a record, checked before it is written: as a form would do it."""
from __future__ import annotations

from collections.abc import Container
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3resource.exchange.import_values import length_fault
from s3.s3resource.exchange.item import METHOD, ImportItem
from s3.s3utils import s3_validate
from s3dal import Field, Table

__all__ = ("Validation",)


class Validation:
    """Validates the records of one document."""

    def __init__(self) -> None:
        self._required: dict[tuple[str, str], bool] = {}
        #: references that have been found valid: whether a record will do does not depend on who refers to it
        self._valid: set[tuple[str, str, Any]] = set()

    def validated(self, item: ImportItem, postponed: Container[str]) -> dict[str, Any]:
        """The values to store, with what the callbacks of the table have made of them; faults are noted on the record.

        Args:
            postponed: names of fields that get their values later
        """
        table, record = item.table, item.original
        values: dict[str, Any] = {}
        for name, value in item.data.items():
            values[name] = self.validate(item, table[name], value)
        if item.method == METHOD.CREATE:
            self._check_missing(item, values, postponed)
        if item.is_faulty:
            return values
        form = Storage(vars=Storage(values), errors=Storage(), record=record)
        if item.id is not None:
            form.vars[table._id.name] = item.id
        current.s3db.onvalidation(item.tablename, form, item.method)
        for name, error in form.errors.items():
            item.fail(error, name, _field_element(item, name))
        return {name: form.vars[name] for name in form.vars if name in table.fields and name != table._id.name}

    def validate(self, item: ImportItem, field: Field, value: Any) -> Any:
        """One value as it is to be stored; what is wrong with it is noted on the record."""
        key = (item.tablename, field.name, repr(value))
        is_reference = any(reference.field == field.name for reference in item.references)
        if is_reference and key in self._valid:
            return value
        result, error = s3_validate(item.table, field, value, item.original)
        if error is None and result is None and field.notnull:
            error = current.T("enter a value")
        error = error or length_fault(field, result)
        if error is not None:
            item.fail(error, field.name, _field_element(item, field.name))
        elif is_reference and result == value:
            self._valid.add(key)
        return result

    def _check_missing(self, item: ImportItem, values: dict[str, Any], postponed: Container[str]) -> None:
        """A field of a new record that is not given must have a default or be optional."""
        table = item.table
        for field in table:
            name = field.name
            if name in values or name in postponed or field.type == "id" or not (field.notnull or field.requires):
                continue
            default = field.default() if callable(field.default) else field.default
            if default is None and name not in ("uuid", "deleted") and self.is_required(table, name):
                item.fail(current.T("enter a value"), name)

    def is_required(self, table: Table, name: str) -> bool:
        """Whether a field must have a value."""
        key = (str(table), name)
        if key not in self._required:
            field = table[name]
            self._required[key] = bool(field.notnull) or s3_validate(table, field, None)[1] is not None
        return self._required[key]


def _field_element(item: ImportItem, name: str) -> Any:
    return next((child for child in item.element if child.get("field") == name), None)
