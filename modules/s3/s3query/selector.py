"""Field selectors: FS names a field, also of another table, and makes filters; S3ResourceField is a resolved selector."""
from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property
from typing import Any

from s3.s3error import S3SelectorError
from s3.s3query.comparing import TEXT_TYPES, fold, folded
from s3.s3query.joins import Join
from s3.s3query.path import Path, Subject, resolve_path
from s3.s3query.query import S3ResourceQuery
from s3.s3utils import s3_str
from s3dal import Expression, Field, Row

__all__ = ("FS", "S3FieldSelector", "S3ResourceField")

NUMERIC_TYPES = ("integer", "bigint", "double", "float")


class S3FieldSelector:
    """Name of a field, relative to a resource, that can be compared with values to make filters.

    ``FS("location_id$L1") == "North"``, ``FS("contact.value").like("%@example.org")``.
    Source: Eden s3query.py S3FieldSelector.
    """

    def __init__(self, name: str, type: Any = None, is_client: bool = False) -> None:
        """
        Args:
            is_client: the name comes from outside, see resolve_path
        """
        if not isinstance(name, str) or not name:
            raise S3SelectorError(f"A field selector is a non-empty text, not {name!r}", selector=name)
        self.name = name
        self.type = type
        self.is_client = is_client
        self.op: str | None = None

    def __repr__(self) -> str:
        return f"FS({self.name!r})" + (f".{self.op}()" if self.op else "")

    # a selector is compared to make a filter, so it can be a key only by its identity
    __hash__ = object.__hash__

    def lower(self) -> S3FieldSelector:
        """The same field, of which the lower case is compared."""
        return self._in_case("lower")

    def upper(self) -> S3FieldSelector:
        """The same field, of which the upper case is compared."""
        return self._in_case("upper")

    def _in_case(self, case: str) -> S3FieldSelector:
        selector = S3FieldSelector(self.name, self.type, self.is_client)
        selector.op = case
        return selector

    def __lt__(self, value: Any) -> S3ResourceQuery:
        return S3ResourceQuery("lt", self, value)

    def __le__(self, value: Any) -> S3ResourceQuery:
        return S3ResourceQuery("le", self, value)

    def __eq__(self, value: Any) -> S3ResourceQuery:  # type: ignore[override]
        return S3ResourceQuery("eq", self, value)

    def __ne__(self, value: Any) -> S3ResourceQuery:  # type: ignore[override]
        return S3ResourceQuery("ne", self, value)

    def __ge__(self, value: Any) -> S3ResourceQuery:
        return S3ResourceQuery("ge", self, value)

    def __gt__(self, value: Any) -> S3ResourceQuery:
        return S3ResourceQuery("gt", self, value)

    def like(self, value: Any) -> S3ResourceQuery:
        """Match a LIKE pattern, with the wildcards % and _ and the escape character backslash."""
        return S3ResourceQuery("like", self, value)

    def ilike(self, value: Any) -> S3ResourceQuery:
        """Match a LIKE pattern without regard to case."""
        return S3ResourceQuery("ilike", self, value)

    def belongs(self, value: Any) -> S3ResourceQuery:
        """Equal one of the values; in text, * stands for anything."""
        return S3ResourceQuery("belongs", self, value)

    def contains(self, value: Any) -> S3ResourceQuery:
        """Hold the text, or all of the members of a list."""
        return S3ResourceQuery("contains", self, value)

    def anyof(self, value: Any) -> S3ResourceQuery:
        """Hold any of the texts or members."""
        return S3ResourceQuery("anyof", self, value)

    def typeof(self, value: Any) -> S3ResourceQuery:
        """Be one of the records, or below one of them in the hierarchy of their table."""
        return S3ResourceQuery("typeof", self, value)

    def expr(self, value: Any) -> Any:
        """Apply lower() or upper() to a text field or a text; other values are returned as they are."""
        return fold(value, self.op) if isinstance(value, Expression) else folded(value, self.op)

    def resolve(self, resource: Subject) -> S3ResourceField:
        """Find the field that the selector means for a resource.

        Raises:
            S3SelectorError: there is none
        """
        return S3ResourceField(resource, self.name, is_client=self.is_client)

    @classmethod
    def extract(cls, resource: Subject, row: Any, field: Any) -> Any:
        """Value of a field in a row.

        Args:
            row: nested or flat Row, or {colname: value}
            field: selector, S3FieldSelector, S3ResourceField or Field; anything else is returned unchanged

        Raises:
            KeyError: the row does not hold the field
        """
        if isinstance(field, str):
            field = S3ResourceField(resource, field)
        elif isinstance(field, S3FieldSelector):
            return field.expr(cls.extract(resource, row, field.name))
        if isinstance(field, S3ResourceField):
            return _extract(row, field.tname, field.fname, field.colname)
        if isinstance(field, Field):
            return _extract(row, field.tablename, field.name, f"{field.tablename}.{field.name}")
        return field


FS = S3FieldSelector


def _extract(row: Any, tname: str, fname: str, colname: str) -> Any:
    # rows of mapping type "Storage" never raise KeyError, so ask first
    if colname in row:
        value = row[colname]
    elif tname in row and isinstance(row[tname], (Row, dict)):
        value = row[tname][fname]
    elif fname in row:
        value = row[fname]
    else:
        raise KeyError(f"Field not found: {colname}")
    return value() if callable(value) else value


class S3ResourceField:
    """A selector that has been resolved for a resource: the field, its label and representation, the joins it needs.

    Attributes:
        selector: as given
        tname, fname: (alias) name of the table, name of the field
        colname: "tname.fname", the key of this field in extracted rows
        field: None for computed fields
        ftype: type of the field, "virtual" for computed ones
        virtual: True for computed fields; method: their Field.Method or Field.Virtual
        is_list: the field holds a list
        show: False for fields that are loaded but not returned

    Raises:
        S3SelectorError: the selector does not resolve
    """

    def __init__(self, resource: Subject, selector: str, label: Any = None, is_client: bool = False) -> None:
        self.resource = resource
        self.selector = selector
        self.show = True
        self._lead_to(resolve_path(resource, selector, is_client))
        if label is not None:
            self.label = label

    def _lead_to(self, path: Path) -> None:
        self.path = path
        self.tname: str = path.table._tablename
        self.fname = path.name
        self.colname = path.colname
        self.field: Field | None = path.field
        self.method = path.virtual
        self.virtual = path.field is None
        self.ftype = "virtual" if path.field is None else str(path.field.type)
        self.joins: tuple[Join, ...] = path.joins
        self.distinct = bool(path.joins)
        self.multiple = path.is_multiple
        self.is_list = self.ftype.startswith("list:")

    def sibling(self, name: str) -> S3ResourceField:
        """The resolved selector of another field of the same table, found by the same way."""
        other = copy(self)
        for name_of_cached in ("label", "represent"):
            other.__dict__.pop(name_of_cached, None)
        other._lead_to(replace(self.path, name=name, field=self.path.table[name], virtual=None))
        return other

    @property
    def left(self) -> dict[str, list[Expression]]:
        """The left joins by the name of the table that they lead to: {alias: [table.on(query), ...]}."""
        return {join.alias: [step.table.on(step.on) for step in self.joins[: n + 1]] for n, join in enumerate(self.joins)}

    def __repr__(self) -> str:
        return f"<S3ResourceField selector={self.selector!r} colname={self.colname!r} type={self.ftype}>"

    @cached_property
    def label(self) -> Any:
        """As given, else that of the field."""
        if self.field is not None:
            return self.field.label
        return getattr(self.method, "label", None) or " ".join(word.capitalize() for word in self.fname.split("_"))

    @cached_property
    def represent(self) -> Any:
        """Function that represents a value, or None."""
        if self.field is not None:
            return self.field.represent
        handler = getattr(self.method, "handler", None)
        return getattr(handler, "represent", None) or s3_str

    @property
    def requires(self) -> Any:
        return self.field.requires if self.field is not None else None

    @property
    def search_field(self) -> str | None:
        """Field to search instead of a computed one, if it names one."""
        return getattr(getattr(self.method, "handler", None), "search_field", None)

    @property
    def is_lookup(self) -> bool:
        """The values are chosen from a set of options, which are more than the numbers that they are stored as."""
        requires = self.requires
        requires = requires[0] if isinstance(requires, (list, tuple)) and requires else requires
        requires = getattr(requires, "other", requires)
        if self.ftype not in ("string", "integer") or not (hasattr(requires, "options") and hasattr(requires, "theset")):
            return False
        return self.ftype == "string" or any(str(key) != s3_str(label) for key, label in requires.options(zero=False))

    @property
    def is_numeric(self) -> bool:
        return (self.ftype in NUMERIC_TYPES or self.ftype.startswith("decimal")) and not self.is_lookup

    @property
    def is_string(self) -> bool:
        return self.ftype in TEXT_TYPES and not self.is_lookup

    @property
    def is_datetime(self) -> bool:
        return self.ftype in ("date", "datetime", "time")

    @property
    def is_reference(self) -> bool:
        return self.ftype.startswith("reference")

    def extract(self, row: Any, represent: bool = False) -> Any:
        """Value of this field in a row, or its representation.

        Raises:
            KeyError: the row does not hold the field
        """
        value = _extract(row, self.tname, self.fname, self.colname)
        if not represent:
            return value
        return self.represent(value) if self.represent else s3_str(value)
