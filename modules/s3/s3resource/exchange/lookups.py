"""What the database has of the records of a document, looked up for all of them at once."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3resource.exchange.access import readable_records
from s3.s3resource.exchange.identity import chunks
from s3.s3resource.exchange.item import ImportItem, Reference
from s3.s3resource.exchange.parsing import USER_ATTRIBUTES
from s3dal import Field, Row, Table

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("StoredRecords", "by_table", "is_deleted", "load_record")


class StoredRecords:
    """The stored records that those of one document mean, and may be."""

    def __init__(self, resource: S3Resource, trusted: bool) -> None:
        self.resource = resource
        self.trusted = trusted
        #: {(table name, key name): {identifier: value of the key}} of readable records
        self._keys: dict[tuple[str, str], dict[str, Any]] = {}

    def match(self, items: list[ImportItem]) -> None:
        """Find the stored records of the same UUIDs, deleted ones included."""
        for table, several in by_table(items):
            by_uid = {item.uid: item for item in several if item.uid}
            if not by_uid or "uuid" not in table.fields:
                continue
            for chunk in chunks(by_uid):
                for row in current.db(table.uuid.belongs(chunk)).select(*loadable(table)):
                    item = by_uid[row.uuid]
                    item.original, item.id = row, row[table._id.name]
        self.refuse_hidden([item for item in items if item.tablename == self.resource.tablename and item.original is not None])

    def refuse_hidden(self, items: list[ImportItem]) -> None:
        """Records that this resource does not show are not for its users to change."""
        live = [item for item in items if not is_deleted(item.original)]
        if current.auth.override or not live:
            return
        visible = self._visible_ids([item.id for item in live])
        for item in live:
            if item.id not in visible:
                item.fail(current.ERROR.NOT_PERMITTED)

    def _visible_ids(self, ids: list[Any]) -> set[Any]:
        resource = self.resource
        rfilter = resource.rfilter
        if rfilter.virtual is not None or rfilter.extra_filters:
            return set(resource.select([resource._id.name], getids=True).ids or ()) & set(ids)
        found: set[Any] = set()
        left = rfilter.get_joins() or None
        for chunk in chunks(ids):
            rows = current.db(rfilter.get_query() & resource._id.belongs(chunk)).select(resource._id, left=left, cacheable=True)
            found.update(row[resource._id] for row in rows)
        return found

    def match_duplicate(self, item: ImportItem) -> None:
        """Ask the rule of the table whether the record is there under another identifier."""
        deduplicate = current.s3db.get_config(item.tablename, "deduplicate") if item.id is None else None
        if not deduplicate:
            return
        deduplicate(item)
        if item.id is None:
            return
        table = item.table
        item.original = load_record(table, item.id)
        if item.original is None:
            item.id = None
        elif item.tablename == self.resource.tablename:
            self.refuse_hidden([item])

    @staticmethod
    def look_up_people(items: list[ImportItem]) -> None:
        """Accounts by e-mail address, roles by name; whoever is not known here has written nothing here."""
        for names, tablename, key in ((USER_ATTRIBUTES, "auth_user", "email"), (("owned_by_group",), "auth_group", "role")):
            wanted = {item.stamps[name] for item in items for name in names if name in item.stamps}
            known: dict[str, int] = {}
            table: Any = current.auth.table(tablename) if wanted else None
            for chunk in chunks(wanted):
                known.update((row[key], row.id) for row in current.db(table[key].belongs(chunk)).select(table.id, table[key]))
            for item in items:
                for name in names:
                    if name in item.stamps:
                        found = known.get(item.stamps.pop(name))
                        item.stamps.update({name: found} if found else {})

    def look_up_references(self, items: list[ImportItem]) -> None:
        """Find the records in the database that references mean, among those that the user may read."""
        wanted: dict[tuple[str, str], dict[str, None]] = {}
        for item in items:
            for reference in item.references:
                missing = [
                    uid if target is None else target.uid or ""
                    for uid, target in zip(reference.uids, reference.targets, strict=True)
                    if target is None or (target.uid and target.original is not None)
                ]
                wanted.setdefault((reference.instance, reference.key), {}).update(dict.fromkeys(missing))
        for (tablename, key), uids in wanted.items():
            stored = self._keys.setdefault((tablename, key), {})
            table = current.s3db.table(tablename, db_only=True) if uids else None
            if table is None or "uuid" not in table.fields or key not in table.fields:
                continue
            readable = readable_records(self.resource.tablename, table, self.trusted)
            for chunk in chunks(uids):
                rows = current.db(table.uuid.belongs(chunk) & readable).select(table.uuid, table[key])
                stored.update((row.uuid, row[key]) for row in rows)

    def find_key(self, reference: Reference, uid: str) -> Any:
        """The key of a stored record that a reference names; None if there is none that the user may read."""
        return self._keys.get((reference.instance, reference.key), {}).get(uid)

    @staticmethod
    def key_of(item: ImportItem, name: str) -> Any:
        """The value of a key of a record that is in the database."""
        table = item.table
        if name == table._id.name:
            return item.id
        if name not in item.keys:
            row = current.db(table._id == item.id).select(table[name], limitby=(0, 1)).first()
            item.keys[name] = row[name] if row else None
        return item.keys[name]

    @staticmethod
    def replacement(item: ImportItem, others: Mapping[tuple[str, str], ImportItem]) -> int | None:
        """Id of the record that has taken the place of a deleted one.

        Args:
            others: the records of the document, by table name and identifier
        """
        uid, table = item.element.get("replaced_by"), item.table
        if not uid or "uuid" not in table.fields:
            return None
        other = others.get((item.tablename, uid))
        if other is not None:
            return other.id
        row = current.db(table.uuid == uid).select(table._id, limitby=(0, 1)).first()
        return row[table._id.name] if row else None


def by_table(items: Iterable[ImportItem]) -> Iterator[tuple[Table, list[ImportItem]]]:
    groups: dict[str, list[ImportItem]] = {}
    for item in items:
        groups.setdefault(item.tablename, []).append(item)
    for group in groups.values():
        yield group[0].table, group


def load_record(table: Table, record_id: Any) -> Row | None:
    """A whole record, but for what is stored as blob."""
    row: Row | None = current.db(table._id == record_id).select(*loadable(table), limitby=(0, 1)).first()
    return row


def loadable(table: Table) -> list[Field]:
    return [field for field in table if field.type != "blob"]


def is_deleted(row: Row | None) -> bool:
    return row is not None and bool(row.get("deleted"))
