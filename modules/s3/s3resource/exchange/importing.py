"""Import of a document: its records are matched, checked and written in the order in which they need one another, all or nothing.

Before: a document has been parsed, whoever sent it. Here nothing of it is trusted: every record needs the permission that
it would need on its page, every value passes the validators of its field, and every write is that of any other page.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3error import S3Error, S3PermissionError
from s3.s3resource.exchange.access import is_guarded, is_trusted, may_write, readable_records
from s3.s3resource.exchange.checking import Validation
from s3.s3resource.exchange.identity import chunks
from s3.s3resource.exchange.item import METHOD, ImportItem, Reference
from s3.s3resource.exchange.lookups import StoredRecords, by_table, is_deleted, load_record
from s3.s3resource.exchange.order import sort_by_need
from s3.s3resource.exchange.parsing import DocumentParser
from s3.s3resource.exchange.result import ImportFault, ImportResult
from s3.s3resource.writing import create_record, update_record
from s3dal import savepoint

if TYPE_CHECKING:
    from s3.s3resource.resource import S3Resource

__all__ = ("ImportJob",)

# What cannot be stored is undone before anything else is read
FATAL = "The database refused the record: a value is too long, is taken, or refers to a missing record"


class _Refused(Exception):
    """The document is refused: undo what has been written."""


class ImportJob:
    """One import."""

    def __init__(
        self,
        resource: S3Resource,
        ignore_errors: bool = False,
        strategy: Iterable[str] = (METHOD.CREATE, METHOD.UPDATE, METHOD.DELETE),
        preset: Mapping[str, Any] | None = None,
        record_id: int | None = None,
        customise: Callable[[str], None] | None = None,
    ) -> None:
        """Parameters as those of S3Resource.import_tree."""
        self.resource = resource
        self.ignore_errors = ignore_errors
        self.strategy = frozenset(strategy)
        self.preset = dict(preset or {})
        self.record_id = record_id
        self.customise = customise
        self.trusted = is_trusted()
        self.parser = DocumentParser(resource.tablename, self.trusted, self._prepare)
        self.result = ImportResult()
        self._prepared: set[str] = set()
        self.stored = StoredRecords(resource, self.trusted)
        self.validation = Validation()
        #: references to records that are written later
        self._postponed: dict[ImportItem, list[Reference]] = {}

    def run(self, root: Any) -> ImportResult:
        """Import the records of a document.

        Raises:
            S3PermissionError: the user may not create and update records of this table
        """
        self._require_permission()
        with _bulk():
            try:
                with savepoint(current.db, "s3_import"):
                    self._import(root)
                    if self.result.faults and not self.ignore_errors:
                        raise _Refused
            except _Refused:
                self.result.is_accepted = False
                self.result.created, self.result.updated, self.result.deleted = [], [], []
        return self.result

    def _require_permission(self) -> None:
        auth, resource = current.auth, self.resource
        for method in ("create", "update"):
            if not auth.s3_has_permission(method, resource._table):
                raise S3PermissionError(f"Operation not permitted: {method} {resource.tablename}", table=resource.tablename)

    def _import(self, root: Any) -> None:
        self._prepare(self.resource.tablename)
        tops = self.parser.parse(root)
        self._choose(tops)
        self.result.faults.extend(self.parser.faults)
        self.result.ignored = list(self.parser.ignored)
        self.stored.match(self._items)
        self.stored.look_up_people(self._items)
        self.stored.look_up_references(self._items)
        for item in self._ordered():
            self._process(item)
        self._write_postponed()
        for item in self._items:
            if item.is_deleted and not item.is_faulty:
                self._guarded(item, self._delete)
        self._restore_stamps()
        self._report()

    # What is imported

    def _choose(self, tops: list[ImportItem]) -> None:
        """Refuse records of other tables that nothing refers to, and give those of the resource what they have in common."""
        own = [item for item in tops if item.is_own]
        if not own and not self.parser.faults:
            self.result.faults.append(ImportFault(self.resource.tablename, str(current.ERROR.NO_MATCH)))
        reached = set(_reachable(own))
        for item in self.parser.items:
            if item not in reached:
                item.fail(f"nothing in the document refers to this record, which is not of {self.resource.tablename}")
        for item in own:
            item.data.update(self.preset)
        if self.record_id is not None:
            self._bind(own)
        self._items = self.parser.items

    def _bind(self, own: list[ImportItem]) -> None:
        """The document is about the one record that the request names."""
        if len(own) != 1:
            for item in own[1:]:
                item.fail("the document must hold one record")
            return
        item, table = own[0], self.resource._table
        row = load_record(table, self.record_id)
        if row is None or (item.uid and row.get("uuid") != item.uid):
            item.fail("is not the record that the request is about")
        elif row is not None:
            item.original, item.id = row, self.record_id

    def _prepare(self, tablename: str) -> None:
        """Let the deployment change a table before its first record is looked at."""
        if tablename in self._prepared:
            return
        self._prepared.add(tablename)
        current.auth.permission.set_default_approver(current.s3db.table(tablename, db_only=True))
        if self.customise is not None:
            self.customise(tablename)

    # Order

    def _ordered(self) -> list[ImportItem]:
        live = [item for item in self._items if not item.is_deleted]
        order, circular = sort_by_need({item: list(self._needs(item)) for item in live})
        for item in circular:
            item.fail("this record and others need one another, so that none can be the first")
        places = {item: place for place, item in enumerate(order)}
        for item in order:
            for reference in item.references:
                is_later = any(target is not None and places.get(target, -1) >= places[item] for target in reference.targets)
                if is_later and not all(self._is_known(target) for target in reference.targets):
                    self._postponed.setdefault(item, []).append(reference)
        return [*order, *circular]

    @staticmethod
    def _is_known(target: ImportItem | None) -> bool:
        """Whether the keys of a record are known before it is written."""
        return target is None or (target.original is not None and not is_deleted(target.original))

    def _needs(self, item: ImportItem) -> Iterator[tuple[ImportItem, bool]]:
        if item.parent is not None:
            yield item.parent, True
        for reference in item.references:
            for target in reference.targets:
                if target is not None and not self._is_known(target):
                    yield target, self.validation.is_required(item.table, reference.field)

    # One record

    def _process(self, item: ImportItem) -> None:
        parent = item.parent
        if item.is_faulty:
            return
        if parent is None or (parent.is_done and parent.method in self.strategy):
            self._guarded(item, self._write)
        elif parent.is_faulty:
            item.fail(f"needs {parent.name}, which cannot be imported", is_consequence=True)

    def _guarded(self, item: ImportItem, write: Callable[[ImportItem], None]) -> None:
        """Write a record; what goes wrong is noted on it."""
        driver = current.db._adapter.driver
        # after a failed statement PostgreSQL refuses all others, up to a savepoint
        guard = savepoint(current.db, "s3_import_record") if self.ignore_errors else nullcontext()
        try:
            with guard:
                write(item)
        except (driver.IntegrityError, driver.DataError) as error:
            # the sentence of the database names columns and values
            current.log.warning(f"The database refused a record: {error}")
            item.fail(FATAL)
            item.is_done = item.is_written = False
            if not self.ignore_errors:
                self._report()
                raise _Refused from error
        except S3Error as error:
            item.fail(error)
            item.is_done = item.is_written = False

    def _write(self, item: ImportItem) -> None:
        self._resolve(item)
        if item.is_faulty:
            return
        self.stored.match_duplicate(item)
        if item.is_faulty:
            return
        item.method = METHOD.CREATE if item.id is None else METHOD.UPDATE
        if item.method not in self.strategy:
            item.is_done = item.id is not None
            return
        if not self._is_permitted(item):
            if self._is_quoted(item):
                item.is_done = True
            else:
                item.fail(current.ERROR.NOT_PERMITTED)
            return
        values = self.validation.validated(item, {reference.field for reference in self._postponed.get(item, ())})
        if not item.is_faulty:
            self._store(item, values)

    def _resolve(self, item: ImportItem) -> None:
        """Put the keys of other records into the data."""
        if item.parent is not None and item.hook is not None:
            item.data[item.hook.fkey] = self.stored.key_of(item.parent, item.hook.pkey)
        postponed = self._postponed.get(item, ())
        for reference in item.references:
            is_parent = item.hook is not None and reference.field == item.hook.fkey
            if not is_parent and reference not in postponed:
                self._resolve_reference(item, reference)

    def _resolve_reference(self, item: ImportItem, reference: Reference) -> None:
        keys = []
        for uid, target in zip(reference.uids, reference.targets, strict=True):
            problem = f"needs {target.name}, which cannot be imported" if target else f"there is no {reference.instance} {uid}"
            if target is not None and target.is_done:
                key = self.stored.key_of(target, reference.key)
            else:
                # not what another element of the document claims to be, but what the user may read
                key = self.stored.find_key(reference, (target.uid or "") if target else uid)
            if key is None:
                item.fail(problem, reference.field, reference.element, is_consequence=target is not None)
            else:
                keys.append(key)
        item.data[reference.field] = keys if reference.multiple else keys[0] if keys else None

    def _is_permitted(self, item: ImportItem) -> bool:
        master = self.resource.tablename
        assert item.method is not None
        if is_deleted(item.original) and not self.trusted:
            return False
        if item.parent is not None and not self._may_change_parts(item, item.parent):
            return False
        if item.id is not None and item.tablename != master and is_guarded(item.tablename, self.trusted):
            # its page may hide the record from this user
            return False
        return may_write(item.method, item.table, item.id, master, item.is_own)

    def _may_change_parts(self, item: ImportItem, parent: ImportItem) -> bool:
        """Whether the user may add this component to a record, or change it there; it is not taken from another record."""
        if item.id is not None:
            assert item.original is not None and item.hook is not None
            return self.trusted or bool(item.original[item.hook.fkey] == self.stored.key_of(parent, item.hook.pkey))
        if parent.is_written and parent.method == METHOD.CREATE:
            return True
        return may_write(METHOD.UPDATE, parent.table, parent.id, self.resource.tablename, parent.is_own)

    def _is_quoted(self, item: ImportItem) -> bool:
        """Whether a record is as the user may read it in the database: documents quote what they refer to."""
        if item.id is None or is_deleted(item.original) or self._is_changed(item, item.data):
            return False
        readable = readable_records(self.resource.tablename, item.table, self.trusted)
        return not is_guarded(item.tablename, self.trusted) and not current.db(readable & (item.table._id == item.id)).isempty()

    # Writing

    def _store(self, item: ImportItem, values: dict[str, Any]) -> None:
        table = item.table
        if item.method == METHOD.CREATE:
            if item.uid and "uuid" in table.fields:
                values["uuid"] = item.uid
            item.id = create_record(table, {**values, **item.stamps})
        elif self._is_changed(item, values):
            assert item.id is not None
            stamps = {name: value for name, value in item.stamps.items() if name not in ("mci", "created_on", "created_by")}
            revival = {"deleted": False, "deleted_fk": None} if is_deleted(item.original) else {}
            update_record(table, item.id, {**values, **stamps, **revival})
        else:
            item.is_done = True
            return
        item.is_done = item.is_written = True

    @staticmethod
    def _is_changed(item: ImportItem, values: dict[str, Any]) -> bool:
        original = item.original
        assert original is not None
        return is_deleted(original) or any(original.get(name) != value for name, value in values.items())

    def _write_postponed(self) -> None:
        """Close the circles."""
        for item in self._postponed:
            if item.is_done and not item.is_faulty and item.method in self.strategy:
                self._guarded(item, self._write_references)

    def _write_references(self, item: ImportItem) -> None:
        for reference in self._postponed[item]:
            self._write_reference(item, reference)

    def _write_reference(self, item: ImportItem, reference: Reference) -> None:
        self._resolve_reference(item, reference)
        field = item.table[reference.field]
        value = item.data.get(reference.field)
        if item.is_faulty:
            return
        table = item.table
        item.original = load_record(table, item.id)
        value = self.validation.validate(item, field, value)
        if not item.is_faulty and item.original is not None and item.original[reference.field] != value:
            assert item.id is not None
            update_record(table, item.id, {reference.field: value})
            item.is_written = True

    def _delete(self, item: ImportItem) -> None:
        item.method = METHOD.DELETE
        if item.id is None or is_deleted(item.original) or METHOD.DELETE not in self.strategy:
            return
        if not self._is_permitted(item):
            item.fail(current.ERROR.NOT_PERMITTED)
            return
        resource = type(self.resource)(item.tablename, id=item.id)
        replaced_by = self.stored.replacement(item, self.parser.by_key)
        if resource.delete(replaced_by={item.id: replaced_by} if replaced_by else None) != 1:
            item.fail(resource.error or current.ERROR.NOT_PERMITTED)
            return
        item.is_done = item.is_written = True

    def _restore_stamps(self) -> None:
        """Callbacks and other records of the document have touched what was written before: it was not changed by them."""
        for table, items in by_table(self._items):
            stamped = {item.id: item for item in items if item.is_written and not item.is_deleted and "modified_on" in item.stamps}
            if not stamped:
                continue
            names = [name for name in ("modified_on", "modified_by") if name in table.fields]
            for chunk in chunks(stamped):
                for row in current.db(table._id.belongs(chunk)).select(table._id, *(table[name] for name in names)):
                    stamps = stamped[row[table._id.name]].stamps
                    wanted = {name: stamps.get(name, row[name]) for name in names}
                    if any(row[name] != value for name, value in wanted.items()):
                        kept = {field.name: field for field in table if field.update is not None and field.name not in wanted}
                        # naive: for the change log the record has been written once already
                        current.db(table._id == row[table._id.name]).update_naive(**wanted, **kept)

    # Report

    def _report(self) -> None:
        result = self.result
        faults = [*result.faults, *(fault for item in self._items for fault in item.faults)]
        result.faults = sorted(faults, key=lambda fault: fault.is_consequence)
        done = [item for item in self._items if item.is_done]
        result.records = len(done)
        own = [item for item in done if item.is_own and item.tablename == self.resource.tablename and item.is_written]
        lists = {METHOD.CREATE: result.created, METHOD.UPDATE: result.updated, METHOD.DELETE: result.deleted}
        for item in own:
            if item.id is not None and item.method is not None:
                lists[item.method].append(int(item.id))


@contextmanager
def _bulk() -> Iterator[None]:
    """Let callbacks know that they are called for many records."""
    s3 = current.response.s3
    before, s3.bulk = s3.bulk, True
    try:
        yield
    finally:
        s3.bulk = before


def _reachable(items: list[ImportItem]) -> Iterator[ImportItem]:
    """These records, their components, and all that they refer to."""
    pending, seen = list(items), set(items)
    while pending:
        item = pending.pop()
        yield item
        others = [target for reference in item.references for target in reference.targets if target is not None]
        for other in [*item.components, *others]:
            if other not in seen:
                seen.add(other)
                pending.append(other)
