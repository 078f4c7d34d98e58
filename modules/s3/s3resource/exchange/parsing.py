"""The records of a document as import items, with what is wrong with them; writes nothing."""
from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from gluon import current
from gluon.storage import Storage

from s3.s3resource.exchange.access import is_closed, is_protected, is_super_entity, is_written, super_keys
from s3.s3resource.exchange.import_values import decode_datetime, decode_value
from s3.s3resource.exchange.item import ImportItem, Reference
from s3.s3resource.exchange.result import ImportFault, line_of
from s3.s3utils import original_name, s3_get_foreign_key, s3_has_foreign_key
from s3.s3xml import ALIAS, DATA, ERROR, FIELD, NAME, REFERENCE, RESOURCE, UID, VALUE, import_uid
from s3dal import Field, Table

__all__ = ("DocumentParser",)

_TABLE_NAME = re.compile(r"[a-z0-9]+_\w+", re.ASCII)
USER_ATTRIBUTES = ("created_by", "modified_by", "owned_by_user")
TIME_ATTRIBUTES = ("created_on", "modified_on")
MAX_UID_LENGTH = 128


class DocumentParser:
    """Reads the records of one document.

    Attributes:
        items: all records, in the order of the document
        by_key: {(table name, uuid or tuid): record}
        faults: of elements that are no record
        ignored: "table.field" of what is not for this user to write
    """

    def __init__(self, master: str, trusted: bool, prepare: Callable[[str], None]) -> None:
        """
        Args:
            master: name of the table that the document is about
            prepare: called with the name of a table before its fields are looked at
        """
        self.master = master
        self.prepare = prepare
        self.trusted = trusted
        self.items: list[ImportItem] = []
        self.by_key: dict[tuple[str, str], ImportItem] = {}
        self.faults: list[ImportFault] = []
        self.ignored: dict[str, None] = {}
        #: super keys of the tables met so far
        self._super_keys: dict[str, set[str]] = {}
        self._numbers: dict[str, int] = {}

    def parse(self, root: Any) -> list[ImportItem]:
        """The records at the top of the document; those within them are their components."""
        elements = [root] if root.tag == RESOURCE else [child for child in root if child.tag == RESOURCE]
        tops = [item for element in elements if (item := self._record(element)) is not None]
        self._connect()
        return tops

    def _refuse(self, element: Any, message: str) -> None:
        element.set(ERROR, message)
        self.faults.append(ImportFault(element.get(NAME) or element.tag, message, None, line_of(element)))

    def _record(self, element: Any, parent: ImportItem | None = None) -> ImportItem | None:
        tablename = element.get(NAME) or ""
        table = _find_table(tablename)
        if table is None:
            self._refuse(element, f"there is no table {tablename!r}")
            return None
        is_own = tablename == self.master if parent is None else parent.is_own
        if is_super_entity(table) or (tablename != self.master and is_closed(self.master, tablename, self.trusted)):
            self._refuse(element, "records of this table cannot be imported here")
            return None
        self.prepare(tablename)
        item = ImportItem(table, element, self._name_of(tablename, element), parent=parent, is_own=is_own)
        self.items.append(item)
        self._identify(item)
        item.is_deleted = (element.get("deleted") or "").strip().lower() in ("true", "1")
        self._read_stamps(item)
        if parent is not None and not self._attach(item, parent):
            return item
        if not item.is_deleted:
            self._read_fields(item)
        return item

    def _name_of(self, tablename: str, element: Any) -> str:
        number = self._numbers[tablename] = self._numbers.get(tablename, 0) + 1
        return f"{tablename} {element.get(UID) or f'number {number}'}"

    def _identify(self, item: ImportItem) -> None:
        element, tablename = item.element, item.tablename
        uid = import_uid(tablename, element.get(UID) or "")
        if len(uid) > MAX_UID_LENGTH:
            item.fail(f"the uuid is longer than {MAX_UID_LENGTH} characters")
            return
        item.uid = uid or None
        item.tuid = element.get("tuid") or None
        for key in (item.uid, item.tuid):
            if key and self.by_key.setdefault((tablename, key), item) is not item:
                item.fail(f"{key} stands in the document twice")

    # Authorship

    def _read_stamps(self, item: ImportItem) -> None:
        """Who has written the record when; e-mail addresses and role names are looked up later, for all at once."""
        mci = item.element.get("mci") or ""
        if mci.isascii() and mci.isdigit() and len(mci) < 9 and "mci" in item.table.fields:
            item.stamps["mci"] = int(mci)
        if not self.trusted:
            return
        fields = item.table.fields
        for name in TIME_ATTRIBUTES:
            text = item.element.get(name)
            if text and name in fields:
                try:
                    item.stamps[name] = decode_datetime(text)
                except ValueError as error:
                    item.fail(str(error), name)
        for name in (*USER_ATTRIBUTES, "owned_by_group"):
            if item.element.get(name) and name in fields:
                item.stamps[name] = item.element.get(name)

    # Components

    def _attach(self, item: ImportItem, parent: ImportItem) -> bool:
        hook = self._component(parent, item)
        if hook is None:
            item.fail(f"is no component of {parent.tablename}")
            return False
        item.parent, item.hook = parent, hook
        parent.components.append(item)
        for name, value in _presets(hook).items():
            if name in item.table.fields:
                item.data.setdefault(name, value)
        return True

    def _component(self, parent: ImportItem, item: ImportItem) -> Storage | None:
        """How the record belongs to its parent: as component, or as link to one."""
        alias = item.element.get(ALIAS) or item.tablename.partition("_")[2]
        hook = current.s3db.get_component(parent.tablename, alias)
        found = _as_component(hook, item.tablename) if hook is not None else None
        if found is not None or item.element.get(ALIAS):
            return found
        hooks = current.s3db.get_components(parent.tablename).values()
        matching = (_as_component(hook, item.tablename) for hook in hooks if not hook.filterby)
        return next((hook for hook in matching if hook is not None), None)

    # Fields

    def _read_fields(self, item: ImportItem) -> None:
        several: dict[str, list[Any]] = {}
        for child in item.element:
            if child.tag == DATA:
                several.setdefault(child.get(FIELD) or "", []).append(child)
            elif child.tag == REFERENCE:
                self._read_reference(item, child)
            elif child.tag == RESOURCE:
                self._record(child, parent=item)
        for name, elements in several.items():
            self._read_data(item, name, elements)

    def _writable(self, item: ImportItem, name: str, element: Any) -> Field | None:
        """The field of an element, None if it cannot be written."""
        if name not in item.table.fields:
            item.fail("there is no such field", name, element)
            return None
        field = item.table[name]
        if is_protected(field):
            item.fail("is set by the system", name, element)
            return None
        is_key = item.hook is not None and name == item.hook.fkey
        if not is_written(field, self.trusted) and not is_key:
            self.ignored[f"{item.tablename}.{name}"] = None
            return None
        return field

    def _read_data(self, item: ImportItem, name: str, elements: list[Any]) -> None:
        element = elements[0]
        field = self._writable(item, name, element)
        if field is None:
            return
        if field.type == "upload":
            # a file from an address in a document: the server would fetch whatever a stranger names
            self.ignored[f"{item.tablename}.{name}"] = None
        elif s3_has_foreign_key(field):
            item.fail("is a reference", name, element)
        elif len(elements) > 1 and not str(field.type).startswith("list:"):
            item.fail("is given twice", name, elements[1])
        else:
            try:
                item.data[name] = _combined(field, elements)
            except ValueError as error:
                item.fail(str(error), name, element)

    def _read_reference(self, item: ImportItem, element: Any) -> None:
        name = element.get(FIELD) or ""
        field = self._writable(item, name, element)
        if field is None:
            return
        if name in self._own_super_keys(item):
            item.fail("is set by the system", name, element)
            return
        tablename, key, multiple = s3_get_foreign_key(field)
        if tablename is None or key is None:
            item.fail("is no reference", name, element)
            return
        instance = element.get("resource") or tablename
        if not _is_instance(instance, tablename):
            item.fail(f"refers to {tablename}, and not to {instance}", name, element)
            return
        if any(reference.field == name for reference in item.references):
            item.fail("is given twice", name, element)
            return
        reference = Reference(element, name, tablename, key, bool(multiple), instance)
        item.references.append(reference)
        self._read_targets(item, reference)

    def _own_super_keys(self, item: ImportItem) -> set[str]:
        if item.tablename not in self._super_keys:
            self._super_keys[item.tablename] = super_keys(item.table)
        return self._super_keys[item.tablename]

    def _read_targets(self, item: ImportItem, reference: Reference) -> None:
        element = reference.element
        uids = [import_uid(reference.instance, uid) for uid in _uids(element.get(UID))]
        reference.uids += [*uids, *_uids(element.get("tuid"))]
        reference.targets += [None] * len(reference.uids)
        for child in element:
            if child.tag == RESOURCE:
                target = self._inline(item, reference, child)
                if target is not None:
                    reference.uids.append("")
                    reference.targets.append(target)
        if len(reference.uids) > 1 and not reference.multiple:
            item.fail("refers to several records, and can to one only", reference.field, element)

    def _inline(self, item: ImportItem, reference: Reference, child: Any) -> ImportItem | None:
        """A record that stands in the reference to it."""
        if child.get(NAME) != reference.instance:
            item.fail(f"refers to {reference.instance}, and not to {child.get(NAME)}", reference.field, child)
            return None
        return self._record(child)

    def _connect(self) -> None:
        """Find the records that references mean, as far as they stand in the document."""
        for item in self.items:
            for reference in item.references:
                for position, uid in enumerate(reference.uids):
                    if reference.targets[position] is None:
                        reference.targets[position] = self.by_key.get((reference.instance, uid))


def _find_table(tablename: str) -> Table | None:
    if not _TABLE_NAME.fullmatch(tablename):
        return None
    table: Table | None = current.s3db.table(tablename, db_only=True)
    return table


def _is_instance(tablename: str, supertable: str) -> bool:
    """Whether a table is the other one, or one of those that it is the super-entity of."""
    if tablename == supertable:
        return True
    if _find_table(tablename) is None:
        return False
    supers = current.s3db.get_config(tablename, "super_entity") or ()
    names = supers if isinstance(supers, (list, tuple)) else (supers,)
    return supertable in {original_name(item) for item in names}


def _as_component(hook: Storage, tablename: str) -> Storage | None:
    """A declaration as it applies to the records of a table: its component, or its link table."""
    if hook.linktable is None:
        return hook if original_name(hook.table) == tablename else None
    if original_name(hook.linktable) != tablename:
        return None
    return Storage(hook, table=hook.linktable, fkey=hook.lkey, filterby=None, defaults={})


def _presets(hook: Storage) -> dict[str, Any]:
    filterby = hook.filterby if isinstance(hook.filterby, dict) else {}
    return {**(hook.defaults or {}), **{name: value for name, value in filterby.items() if isinstance(value, (str, int))}}


def _uids(text: str | None) -> Iterator[str]:
    if not text:
        return
    try:
        found = json.loads(text) if text.startswith("[") else [text]
    except (ValueError, RecursionError):
        found = [text]
    yield from (str(uid) for uid in found if uid)


def _combined(field: Field, elements: list[Any]) -> Any:
    values = [decode_value(field, element.get(VALUE), element.text) for element in elements]
    if len(values) == 1:
        return values[0]
    return [member for value in values for member in value or ()]
