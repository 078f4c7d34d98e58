"""Identities of records: which record of which table a key stands for, looked up for many keys at once."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gluon import current

from s3.s3resource.exchange.access import readable_records
from s3.s3utils import original_name
from s3dal import Row, Table

__all__ = ("Identities", "Identity", "chunks")

# Keys per "IN (...)"
CHUNK = 1000
COORDINATES = ("lat", "lon")


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    found = list(values)
    for start in range(0, len(found), CHUNK):
        yield found[start : start + CHUNK]


@dataclass(frozen=True)
class Identity:
    """A record that a document may name; of a super-entity, the record of the instance."""

    tablename: str
    record_id: int
    uid: str
    lat: float | None = None
    lon: float | None = None


class Identities:
    """Finds the records that keys refer to, among those that the user may read; one query per table."""

    def __init__(self, master: str, trusted: bool) -> None:
        """
        Args:
            master: name of the table that the document is about
        """
        self.master = master
        self.trusted = trusted
        self._known: dict[tuple[str, str], dict[Any, Identity | None]] = {}

    def get(self, tablename: str, key: str, value: Any) -> Identity | None:
        """The record that a key refers to, if it has been looked up and was found."""
        return self._known.get((tablename, key), {}).get(value)

    def look_up(self, tablename: str, key: str, values: Iterable[Any]) -> None:
        """Find the records of these keys."""
        known = self._known.setdefault((tablename, key), {})
        missing = [value for value in dict.fromkeys(values) if value is not None and value not in known]
        table = current.s3db.table(tablename, db_only=True) if missing else None
        if table is None or key not in table.fields or "uuid" not in table.fields:
            return
        for chunk in chunks(missing):
            known.update(dict.fromkeys(chunk))
            known.update(self._super_entities(table, chunk) if "instance_type" in table.fields else self._records(table, key, chunk))

    def _records(self, table: Table, key: str, values: list[Any]) -> dict[Any, Identity | None]:
        rows = self._readable(table, table[key].belongs(values), key)
        return {row[key]: _identity(table, row) for row in rows}

    def _super_entities(self, table: Table, values: list[Any]) -> dict[Any, Identity | None]:
        """The instances of super-records, which have the same UUID."""
        by_type: dict[str, dict[str, Any]] = {}
        key = table._id
        for row in current.db(key.belongs(values)).select(key, table.instance_type, table.uuid):
            by_type.setdefault(row.instance_type or "", {})[row.uuid] = row[key.name]
        found: dict[Any, Identity | None] = {}
        for tablename, uids in by_type.items():
            instance = current.s3db.table(tablename, db_only=True) if tablename else None
            if instance is not None and "uuid" in instance.fields:
                rows = self._readable(instance, instance.uuid.belongs(list(uids)), "uuid")
                found.update((uids[row.uuid], _identity(instance, row)) for row in rows)
        return found

    def _readable(self, table: Table, query: Any, key: str) -> Iterable[Row]:
        names = {table._id.name, "uuid", key}
        if original_name(table) == "gis_location":
            names.update(COORDINATES)
        return current.db(query & readable_records(self.master, table, self.trusted)).select(*(table[name] for name in names))


def _identity(table: Table, row: Row) -> Identity | None:
    if not row.uuid:
        return None
    coordinates = {name: row[name] for name in COORDINATES if name in row}
    return Identity(original_name(table), row[table._id.name], row.uuid, **coordinates)
