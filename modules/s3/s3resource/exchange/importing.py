"""Import of a document: its records are matched, checked and written in the order in which they need one another, all or nothing.

Before: a document has been parsed, whoever sent it. Here nothing of it is trusted: every record needs the permission that
it would need on its page, every value passes the validators of its field, and every write is that of any other page.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.storage import Storage

from s3.s3error import S3Error, S3PermissionError
from s3.s3resource.exchange.access import is_guarded, is_trusted, may_write, readable_records
from s3.s3resource.exchange.identity import chunks
from s3.s3resource.exchange.import_values import length_fault
from s3.s3resource.exchange.item import METHOD, ImportItem, Reference
from s3.s3resource.exchange.order import sort_by_need
from s3.s3resource.exchange.parsing import USER_ATTRIBUTES, DocumentParser
from s3.s3resource.exchange.result import ImportFault, ImportResult
from s3.s3resource.exchange.savepoint import undone_on_failure
from s3.s3resource.writing import create_record, update_record
from s3.s3utils import s3_validate
from s3dal import Field, Row, Table

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
        self.parser = DocumentParser(resource.tablename, self.trusted)
        self.result = ImportResult()
        self._prepared: set[str] = set()
        self._required: dict[tuple[str, str], bool] = {}
        self._valid: set[tuple[str, str, Any]] = set()
        #: {(table name, key name): {identifier: value of the key}} of readable records in the database
        self._stored: dict[tuple[str, str], dict[str, Any]] = {}
        self._postponed: list[tuple[ImportItem, Reference]] = []

    def run(self, root: Any) -> ImportResult:
        """Import the records of a document.

        Raises:
            S3PermissionError: the user may not create and update records of this table
        """
        self._require_permission()
        with _bulk():
            try:
                with undone_on_failure("s3_import"):
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
        self._match_stored()
        self._look_up_people()
        self._look_up_references()
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
        for item in self._items:
            self._prepare(item.tablename)

    def _bind(self, own: list[ImportItem]) -> None:
        """The document is about the one record that the request names."""
        if len(own) != 1:
            for item in own[1:]:
                item.fail("the document must hold one record")
            return
        item, table = own[0], self.resource._table
        row = current.db(table._id == self.record_id).select(*_loadable(table), limitby=(0, 1)).first()
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

    # Look-ups for all records at once

    def _match_stored(self) -> None:
        """Find the stored records of the same UUIDs, deleted ones included."""
        for table, items in _by_table(self._items):
            by_uid = {item.uid: item for item in items if item.uid}
            if not by_uid or "uuid" not in table.fields:
                continue
            for chunk in chunks(by_uid):
                for row in current.db(table.uuid.belongs(chunk)).select(*_loadable(table)):
                    item = by_uid[row.uuid]
                    item.original, item.id = row, row[table._id.name]
        self._refuse_hidden([item for item in self._items if item.tablename == self.resource.tablename and item.original is not None])

    def _refuse_hidden(self, items: list[ImportItem]) -> None:
        """Records that this resource does not show are not for its users to change."""
        live = [item for item in items if not _is_deleted(item.original)]
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

    def _look_up_people(self) -> None:
        """Accounts by e-mail address, roles by name; whoever is not known here has written nothing here."""
        for names, tablename, key in ((USER_ATTRIBUTES, "auth_user", "email"), (("owned_by_group",), "auth_group", "role")):
            wanted = {item.stamps[name] for item in self._items for name in names if name in item.stamps}
            known: dict[str, int] = {}
            table: Any = current.auth.table(tablename) if wanted else None
            for chunk in chunks(wanted):
                known.update((row[key], row.id) for row in current.db(table[key].belongs(chunk)).select(table.id, table[key]))
            for item in self._items:
                for name in names:
                    if name in item.stamps:
                        found = known.get(item.stamps.pop(name))
                        item.stamps.update({name: found} if found else {})

    def _look_up_references(self) -> None:
        """Find the records in the database that references mean, among those that the user may read."""
        wanted: dict[tuple[str, str], dict[str, None]] = {}
        for item in self._items:
            for reference in item.references:
                missing = [uid for uid, target in zip(reference.uids, reference.targets, strict=True) if target is None]
                wanted.setdefault((reference.instance, reference.key), {}).update(dict.fromkeys(missing))
        for (tablename, key), uids in wanted.items():
            stored = self._stored.setdefault((tablename, key), {})
            table = current.s3db.table(tablename, db_only=True) if uids else None
            if table is None or "uuid" not in table.fields or key not in table.fields:
                continue
            readable = readable_records(self.resource.tablename, table, self.trusted)
            for chunk in chunks(uids):
                rows = current.db(table.uuid.belongs(chunk) & readable).select(table.uuid, table[key])
                stored.update((row.uuid, row[key]) for row in rows)

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
                    self._postponed.append((item, reference))
        return [*order, *circular]

    @staticmethod
    def _is_known(target: ImportItem | None) -> bool:
        """Whether the keys of a record are known before it is written."""
        return target is None or (target.original is not None and not _is_deleted(target.original))

    def _needs(self, item: ImportItem) -> Iterator[tuple[ImportItem, bool]]:
        if item.parent is not None:
            yield item.parent, True
        for reference in item.references:
            for target in reference.targets:
                if target is not None and not self._is_known(target):
                    yield target, self._is_required(item.table, reference.field)

    def _is_required(self, table: Table, name: str) -> bool:
        key = (str(table), name)
        if key not in self._required:
            field = table[name]
            self._required[key] = bool(field.notnull) or s3_validate(table, field, None)[1] is not None
        return self._required[key]

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
        guard = undone_on_failure("s3_import_record") if self.ignore_errors else nullcontext()
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
        self._match_duplicate(item)
        if item.is_faulty:
            return
        item.method = METHOD.CREATE if item.id is None else METHOD.UPDATE
        if item.method not in self.strategy:
            item.is_done = item.id is not None
            return
        if not self._is_permitted(item):
            item.fail(current.ERROR.NOT_PERMITTED)
            return
        values = self._validated(item)
        if not item.is_faulty:
            self._store(item, values)

    def _resolve(self, item: ImportItem) -> None:
        """Put the keys of other records into the data."""
        if item.parent is not None and item.hook is not None:
            item.data[item.hook.fkey] = self._key_of(item.parent, item.hook.pkey)
        postponed = {id(reference) for owner, reference in self._postponed if owner is item}
        for reference in item.references:
            is_parent = item.hook is not None and reference.field == item.hook.fkey
            if not is_parent and id(reference) not in postponed:
                self._resolve_reference(item, reference)

    def _resolve_reference(self, item: ImportItem, reference: Reference) -> None:
        keys = []
        stored = self._stored.get((reference.instance, reference.key), {})
        for uid, target in zip(reference.uids, reference.targets, strict=True):
            if target is None:
                key = stored.get(uid)
                problem = f"there is no {reference.instance} {uid}"
            else:
                key = self._key_of(target, reference.key) if target.is_done or self._is_known(target) else None
                problem = f"needs {target.name}, which cannot be imported"
            if key is None:
                item.fail(problem, reference.field, reference.element, is_consequence=target is not None)
            else:
                keys.append(key)
        item.data[reference.field] = keys if reference.multiple else keys[0] if keys else None

    def _key_of(self, item: ImportItem, name: str) -> Any:
        """The value of a key of a record that is in the database."""
        table = item.table
        if name == table._id.name:
            return item.id
        if name not in item.keys:
            row = current.db(table._id == item.id).select(table[name], limitby=(0, 1)).first()
            item.keys[name] = row[name] if row else None
        return item.keys[name]

    def _match_duplicate(self, item: ImportItem) -> None:
        """Ask the rule of the table whether the record is there under another identifier."""
        deduplicate = current.s3db.get_config(item.tablename, "deduplicate") if item.id is None else None
        if not deduplicate:
            return
        deduplicate(item)
        if item.id is None:
            return
        table = item.table
        item.original = current.db(table._id == item.id).select(*_loadable(table), limitby=(0, 1)).first()
        if item.original is None:
            item.id = None
        elif item.tablename == self.resource.tablename:
            self._refuse_hidden([item])

    def _is_permitted(self, item: ImportItem) -> bool:
        master = self.resource.tablename
        assert item.method is not None
        if _is_deleted(item.original) and not self.trusted:
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
            return self.trusted or bool(item.original[item.hook.fkey] == self._key_of(parent, item.hook.pkey))
        if parent.is_written and parent.method == METHOD.CREATE:
            return True
        return may_write(METHOD.UPDATE, parent.table, parent.id, self.resource.tablename, parent.is_own)

    # Values

    def _validated(self, item: ImportItem) -> dict[str, Any]:
        """The values to store, with what the callbacks of the table have made of them."""
        table, record = item.table, item.original
        values: dict[str, Any] = {}
        for name, value in item.data.items():
            values[name] = self._validate(item, table[name], value)
        if item.method == METHOD.CREATE:
            self._check_missing(item, values)
        if item.is_faulty:
            return values
        form = Storage(vars=Storage(values), errors=Storage(), record=record)
        if item.id is not None:
            form.vars[table._id.name] = item.id
        current.s3db.onvalidation(item.tablename, form, item.method)
        for name, error in form.errors.items():
            item.fail(error, name, _field_element(item, name))
        return {name: form.vars[name] for name in form.vars if name in table.fields and name != table._id.name}

    def _validate(self, item: ImportItem, field: Field, value: Any) -> Any:
        key = (item.tablename, field.name, repr(value))
        is_reference = any(reference.field == field.name for reference in item.references)
        if is_reference and key in self._valid:
            # the same record again: whether it will do does not depend on who refers to it
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

    def _check_missing(self, item: ImportItem, values: dict[str, Any]) -> None:
        """A field of a new record that is not given must have a default or be optional."""
        table = item.table
        postponed = {reference.field for owner, reference in self._postponed if owner is item}
        for field in table:
            name = field.name
            if name in values or name in postponed or field.type == "id" or not (field.notnull or field.requires):
                continue
            default = field.default() if callable(field.default) else field.default
            if default is None and name not in ("uuid", "deleted") and self._is_required(table, name):
                item.fail(current.T("enter a value"), name)

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
            revival = {"deleted": False, "deleted_fk": None} if _is_deleted(item.original) else {}
            update_record(table, item.id, {**values, **stamps, **revival})
        else:
            item.is_done = True
            return
        item.is_done = item.is_written = True

    @staticmethod
    def _is_changed(item: ImportItem, values: dict[str, Any]) -> bool:
        original = item.original
        assert original is not None
        return _is_deleted(original) or any(original.get(name) != value for name, value in values.items())

    def _write_postponed(self) -> None:
        """Close the circles."""
        for item, reference in self._postponed:
            if item.is_done and not item.is_faulty and item.method in self.strategy:
                self._guarded(item, lambda owner, reference=reference: self._write_reference(owner, reference))  # type: ignore[misc]

    def _write_reference(self, item: ImportItem, reference: Reference) -> None:
        self._resolve_reference(item, reference)
        field = item.table[reference.field]
        value = item.data.get(reference.field)
        if item.is_faulty:
            return
        table = item.table
        item.original = current.db(table._id == item.id).select(*_loadable(table), limitby=(0, 1)).first()
        value = self._validate(item, field, value)
        if not item.is_faulty and item.original is not None and item.original[reference.field] != value:
            assert item.id is not None
            update_record(table, item.id, {reference.field: value})
            item.is_written = True

    def _delete(self, item: ImportItem) -> None:
        item.method = METHOD.DELETE
        if item.id is None or _is_deleted(item.original) or METHOD.DELETE not in self.strategy:
            return
        if not self._is_permitted(item):
            item.fail(current.ERROR.NOT_PERMITTED)
            return
        resource = type(self.resource)(item.tablename, id=item.id)
        replaced_by = self._replacement(item)
        if resource.delete(replaced_by={item.id: replaced_by} if replaced_by else None) != 1:
            item.fail(resource.error or current.ERROR.NOT_PERMITTED)
            return
        item.is_done = item.is_written = True

    def _replacement(self, item: ImportItem) -> int | None:
        uid, table = item.element.get("replaced_by"), item.table
        if not uid or "uuid" not in table.fields:
            return None
        other = self.parser.by_key.get((item.tablename, uid))
        if other is not None:
            return other.id
        row = current.db(table.uuid == uid).select(table._id, limitby=(0, 1)).first()
        return row[table._id.name] if row else None

    def _restore_stamps(self) -> None:
        """Callbacks and other records of the document have touched what was written before: it was not changed by them."""
        for table, items in _by_table(self._items):
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


def _by_table(items: Iterable[ImportItem]) -> Iterator[tuple[Table, list[ImportItem]]]:
    groups: dict[str, list[ImportItem]] = {}
    for item in items:
        groups.setdefault(item.tablename, []).append(item)
    for group in groups.values():
        yield group[0].table, group


def _loadable(table: Table) -> list[Field]:
    return [field for field in table if field.type != "blob"]


def _is_deleted(row: Row | None) -> bool:
    return row is not None and bool(row.get("deleted"))




def _field_element(item: ImportItem, name: str) -> Any:
    return next((child for child in item.element if child.get("field") == name), None)
