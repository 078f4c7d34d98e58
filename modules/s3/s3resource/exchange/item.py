"""One record of a document on its way into the database."""
from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from gluon.storage import Storage

from s3.s3resource.exchange.result import ImportFault, line_of
from s3.s3utils import original_name
from s3.s3xml import ERROR
from s3dal import Row, Table

__all__ = ("METHOD", "ImportItem", "Reference")


class METHOD:
    """What is done with a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(eq=False)
class Reference:
    """A reference element: which records a field refers to."""

    element: Any
    field: str
    #: the table that the field refers to, and the key there
    tablename: str
    key: str
    multiple: bool
    #: the table of the records: that table, or an instance of it
    instance: str
    #: identifiers, as they are stored
    uids: list[str] = dataclasses.field(default_factory=list)
    #: records of the same document, in the order of the identifiers; None for those that are in the database
    targets: list[ImportItem | None] = dataclasses.field(default_factory=list)


@dataclass(eq=False)
class ImportItem:
    """One record. ``deduplicate`` gets it with ``data`` complete, and may set ``id`` and ``method``."""

    table: Table
    element: Any
    #: what a person would call it
    name: str
    uid: str | None = None
    tuid: str | None = None
    parent: ImportItem | None = None
    #: how it belongs to the parent
    hook: Storage | None = None
    #: the table of the resource, or a component of it
    is_own: bool = False
    is_deleted: bool = False
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    references: list[Reference] = dataclasses.field(default_factory=list)
    components: list[ImportItem] = dataclasses.field(default_factory=list)
    #: who has written it when, for documents of administrators
    stamps: dict[str, Any] = dataclasses.field(default_factory=dict)
    #: the stored record
    original: Row | None = None
    id: int | None = None
    method: str | None = None
    faults: list[ImportFault] = dataclasses.field(default_factory=list)
    #: the record is in the database
    is_done: bool = False
    #: it was written by this import
    is_written: bool = False
    #: keys of the record beside the id, read when they are needed
    keys: dict[str, Any] = dataclasses.field(default_factory=dict)

    METHOD = METHOD

    @property
    def tablename(self) -> str:
        return original_name(self.table)

    @property
    def is_faulty(self) -> bool:
        return bool(self.faults)

    def fail(self, message: Any, name: str | None = None, element: Any = None, is_consequence: bool = False) -> None:
        """Note what is wrong with the record, or with the field of this name.

        Args:
            is_consequence: what is wrong is another record
        """
        culprit = self.element if element is None else element
        if culprit.get(ERROR) is None:
            culprit.set(ERROR, str(message))
        self.faults.append(ImportFault(self.name, str(message), name, line_of(culprit), culprit.get("column"), is_consequence))
