"""Represent stored values as text: options and references, looked up in bulk with one query per referenced table."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gluon import current
from gluon.html import TAG, URL, A

from s3.s3hierarchy import find_paths
from s3.s3utils import NONE, among, s3_fullname, s3_str
from s3dal import Field, Row, Table

__all__ = ("DelegatedRepresent", "S3Represent", "UserRepresent")


class S3Represent:
    """Represent the values of a field, one by one or in bulk.

    Use an instance as ``represent`` of a field. It keeps what it has looked up for as long as it lives, which is one
    request, because models make their own instances in every request.

    Labels are plain text and not escaped: whoever puts them into HTML must escape them, as web2py's helpers and views
    do. Only links are elements. Source: Eden s3fields.py S3Represent.
    """

    def __init__(
        self,
        lookup: str | None = None,
        key: str | None = None,
        fields: Iterable[str] | None = None,
        labels: Any = None,
        options: Mapping[Any, Any] | None = None,
        translate: bool = False,
        linkto: str | None = None,
        show_link: bool = False,
        multiple: bool = False,
        hierarchy: bool | str = False,
        default: Any = None,
        none: Any = None,
        field_sep: str = " ",
    ) -> None:
        """
        Args:
            lookup: name of the table to look up
            key: its key field; default the table's id
            fields: names of the fields that make the label; default "name", else the key
            labels: template like "%(name)s [%(acronym)s]", or callable(row); default joins the non-empty fields
            options: {value: label}, looked up before the table
            translate: labels are translated
            linkto: URL with the placeholder "[id]"
            show_link: render labels as links
            multiple: the values are lists
            hierarchy: put the labels of the records above a record before its own; True, or a template like "%s > %s".
                The table declares its hierarchy by the configuration key ``hierarchy``
            default: text for an unknown value
            none: text for None
            field_sep: stands between the fields of a label
        """
        self.tablename = lookup
        self.table: Table | None = None
        self.key = key
        self.fields = list(fields) if fields else None
        self.labels = labels
        self.options = options
        self.translate = translate
        self.linkto = linkto
        self.show_link = show_link
        self.list_type = multiple
        self.hierarchy = "%s > %s" if hierarchy is True else hierarchy
        self.default = default
        self.none = none
        self.field_sep = field_sep
        self.setup = False
        self.theset: dict[Any, Any] = {}
        self.rows: dict[Any, Row] = {}
        self.queries = 0
        #: values to be represented together, see S3RepresentLazy
        self.lazy: list[Any] = []

    def lookup_rows(self, key: Field, values: list[Any], fields: list[Field]) -> Iterable[Row]:
        """Load the records of these keys, in one query. May be overridden, e.g. to join."""
        self.queries += 1
        query = (key == values[0]) if len(values) == 1 else among(key, values)
        # cacheable: without the functions that the DAL gives to each row, which cost more than the rest
        return current.db(query).select(key, *fields, cacheable=True)

    def represent_row(self, row: Row, prefix: str | None = None) -> Any:
        """Make the label of a record of the lookup table. May be overridden.

        Args:
            prefix: label of the record above it, in a hierarchy
        """
        if callable(self.labels):
            label = self._translated(self.labels(row))
        elif self.labels:
            label = self._translated(s3_str(self.labels) % {k: self.none if v is None else v for k, v in row.as_dict().items()})
        else:
            label = self._join_fields(row)
        return s3_str(self.hierarchy) % (prefix, label) if prefix and self.hierarchy else label

    def link(self, k: Any, v: Any, row: Row | None = None) -> Any:
        """Link a label to its record. May be overridden."""
        if not self.linkto:
            return v
        record_id = s3_str(k)
        return A(v, _href=self.linkto.replace("[id]", record_id).replace("%5Bid%5D", record_id))

    def __call__(self, value: Any, row: Row | None = None, show_link: bool = True) -> Any:
        """Represent one value.

        Args:
            row: the record of the lookup table, if known; the value is then taken from it
        """
        self._setup()
        if self.list_type:
            return self.multiple(value, list_type=False, show_link=show_link)
        rows = None
        if row is not None and self.table is not None:
            value = row[self.key]
            rows = [row]
        if value is None:
            return self.none
        return self._labels([value], rows, show_link).get(value, self.default)

    def multiple(self, values: Any, rows: Iterable[Row] | None = None, list_type: bool = True, show_link: bool = True) -> Any:
        """Represent several values as one comma-separated text, or as elements if they are links.

        Args:
            values: list of values; of a list type with list_type=True: list of lists

        Raises:
            ValueError: list_type is True and the values are not lists
        """
        self._setup()
        values = self._flatten(values, list_type)
        if not values:
            return self.none
        labels = self._labels(values, rows, show_link)
        return self._join_labels(values, labels, show_link)

    def bulk(
        self, values: Iterable[Any], rows: Iterable[Row] | None = None, list_type: bool = True, show_link: bool = True
    ) -> dict[Any, Any]:
        """Represent many values with at most one query.

        Returns:
            {value: label}; of list types the keys are the members of the lists; always contains None
        """
        self._setup()
        flat = self._flatten(values, list_type)
        labels = self._labels(flat, rows, show_link)
        result = {value: labels.get(value, self.default) for value in flat}
        result[None] = self.none
        return result

    def render_list(self, value: Iterable[Any] | None, labels: Mapping[Any, Any], show_link: bool = True) -> Any:
        """Represent one list from the labels that bulk() has returned."""
        self._setup()
        return self._join_labels(list(value), labels, show_link) if value else self.none

    def _setup(self) -> None:
        """Resolve what depends on the request; deferred, because most instances of a request are never used."""
        if self.setup:
            return
        self.setup = True
        messages = getattr(current, "messages", None) or {}
        if self.default is None:
            self.default = s3_str(messages.get("UNKNOWN_OPT") or "Unknown")
        if self.none is None:
            self.none = s3_str(messages.get("NONE") or NONE)
        if self.options:
            self.theset = {k: self._translated(v) for k, v in self.options.items()}
        if self.tablename:
            self._setup_lookup(self.tablename)

    def _setup_lookup(self, tablename: str) -> None:
        self.table = table = current.s3db.table(tablename, db_only=True)
        if table is None:
            return
        self.key = self.key or table._id.name
        self.fields = self.fields or (["name"] if "name" in table.fields else [self.key])
        if self.show_link and not self.linkto:
            prefix, name = tablename.split("_", 1)
            self.linkto = URL(c=prefix, f=name, args=["[id]"], extension="")

    def _translated(self, label: Any) -> Any:
        return current.T(label) if self.translate and isinstance(label, str) else label

    def _flatten(self, values: Any, list_type: bool) -> list[Any]:
        if values is None:
            return []
        if not (self.list_type and list_type):
            return list(values) if isinstance(values, (list, tuple, set, frozenset, dict)) else [values]
        members: dict[Any, None] = {}
        for value in values:
            if value is None:
                continue
            if not isinstance(value, (list, tuple, set, frozenset)):
                raise ValueError(f"list of lists expected, got {value!r}")
            members.update(dict.fromkeys(value))
        return list(members)

    def _labels(self, values: list[Any], rows: Iterable[Row] | None, show_link: bool) -> dict[Any, Any]:
        """Labels of the known values, and of None."""
        keys = {value: self._record_key(value) for value in values if value is not None}
        missing = list({key: None for key in keys.values() if key not in self.theset})
        if missing and self.table is not None:
            self._load(missing, rows)
        labels = {value: self.theset[key] for value, key in keys.items() if key in self.theset}
        if show_link and self.show_link:
            labels = {v: self.link(keys[v], label, row=self.rows.get(keys[v])) for v, label in labels.items()}
        labels[None] = self.none
        return labels

    def _record_key(self, value: Any) -> Any:
        """The key to look up: record ids that come as text are numbers in the database."""
        if self.table is None or value in self.theset or not self._has_number_key():
            return value
        try:
            return int(value)
        except (TypeError, ValueError):
            return value

    def _has_number_key(self) -> bool:
        ftype = str(self.table[self.key].type) if self.table is not None else ""
        return ftype in ("id", "integer", "bigint") or ftype.startswith("reference ")

    def _load(self, keys: list[Any], rows: Iterable[Row] | None) -> None:
        if self.hierarchy:
            self._load_paths(keys, rows)
            return
        is_custom = type(self).lookup_rows is not S3Represent.lookup_rows
        if rows is not None and not is_custom:
            self._add_rows(rows)
            keys = [key for key in keys if key not in self.theset]
        if self._has_number_key():
            # a value that is no number cannot be the key of a record, and some databases refuse to compare
            keys = [key for key in keys if isinstance(key, int)]
        if keys:
            table: Any = self.table
            fields = [table[name] for name in self.fields or () if name != self.key]
            self._add_rows(self.lookup_rows(table[self.key], keys, fields))

    def _load_paths(self, keys: list[Any], rows: Iterable[Row] | None) -> None:
        """Load records with all that are above them: one query for the paths, one for the records."""
        paths = find_paths(self.tablename or "", [key for key in keys if isinstance(key, int)])
        self.rows.update((self._key_of(row), row) for row in rows or ())
        missing = list({key: None for path in paths.values() for key in path if key not in self.rows})
        if missing:
            table: Any = self.table
            fields = [table[name] for name in self.fields or () if name != self.key]
            self.rows.update((self._key_of(row), row) for row in self.lookup_rows(table[self.key], missing, fields))
        for path in paths.values():
            label = None
            for key in path:
                if key not in self.theset and key in self.rows:
                    self.theset[key] = self.represent_row(self.rows[key], prefix=label)
                label = self.theset.get(key, label)

    def _add_rows(self, rows: Iterable[Row]) -> None:
        for row in rows:
            key = self._key_of(row)
            self.rows[key] = row
            self.theset[key] = self.represent_row(row)

    def _key_of(self, row: Row) -> Any:
        return (row[self.tablename] if self.tablename in row else row)[self.key]

    def _join_fields(self, row: Row) -> Any:
        values = [row[name] for name in self.fields or ()]
        parts = [self._translated(value if isinstance(value, str) else s3_str(value)) for value in values if value not in (None, "")]
        if len(parts) == 1:
            return parts[0]
        return self.field_sep.join(s3_str(part) for part in parts) or self.none

    def _join_labels(self, values: list[Any], labels: Mapping[Any, Any], show_link: bool) -> Any:
        parts = [labels.get(value, self.default) for value in values]
        if not (show_link and self.show_link):
            return ", ".join(s3_str(part) for part in parts)
        elements: list[Any] = []
        for part in parts:
            elements += [part, ", "]
        return TAG[""](*elements[:-1])


class UserRepresent(S3Represent):
    """Represent a user account: its e-mail address, or its name if the setting ``ui.auth_user_represent`` is "name"."""

    def __init__(self, **attr: Any) -> None:
        super().__init__(lookup="auth_user", fields=("email", "first_name", "last_name"), **attr)

    def represent_row(self, row: Row, prefix: str | None = None) -> str:
        if current.deployment_settings.get_ui_auth_user_represent() == "name":
            return s3_fullname(row, truncate=False)
        return row.email or self.none


class DelegatedRepresent:
    """Represent with an object that a model provides, which is loaded when the first value is represented.

    Lets a field be declared without loading the model of the table it refers to.
    """

    def __init__(self, name: str, lookup: str | None = None) -> None:
        """
        Args:
            name: what ``current.s3db`` knows the represent object by, e.g. "pr_pentity_represent"
            lookup: name of the table to look up if the model provides no such object
        """
        self.name = name
        self.lookup = lookup

    def __call__(self, value: Any, row: Row | None = None, show_link: bool = True) -> Any:
        return self.delegate(value, show_link=show_link)

    def multiple(self, values: Any, **attr: Any) -> Any:
        return self.delegate.multiple(values, **attr)

    def bulk(self, values: Iterable[Any], **attr: Any) -> dict[Any, Any]:
        return self.delegate.bulk(values, **attr)

    @property
    def delegate(self) -> Any:
        """The object that represents."""
        return current.s3db.table(self.name) or S3Represent(lookup=self.lookup)
