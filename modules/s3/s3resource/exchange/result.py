"""The outcome of an import."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gluon import current

__all__ = ("ImportFault", "ImportResult", "line_of")

# Faults that a message tells of one by one
MAX_FAULTS = 100
# Faults that its sentence names
MAX_NAMED = 3
# What documents call things may be as long as they are
MAX_LENGTH = 200


@dataclass(frozen=True)
class ImportFault:
    """Why a record was not imported."""

    #: what a person would call the element
    element: str
    message: str
    field: str | None = None
    #: where it stands in its source
    line: int | None = None
    #: column of a table that it comes from
    column: str | None = None
    #: another record is at fault
    is_consequence: bool = False

    def as_dict(self) -> dict[str, Any]:
        values = {"element": _cut(self.element), "message": _cut(self.message), "field": _cut(self.field), "line": self.line}
        return {key: value for key, value in values.items() if value is not None}

    def __str__(self) -> str:
        return f"{_cut(self.element)}: {f'{_cut(self.field)}: ' if self.field else ''}{_cut(self.message)}"


def line_of(element: Any) -> int | None:
    """Where an element stands in its source: a file of rows says so itself."""
    line = str(element.get("line") or element.sourceline or "")
    return int(line) if line.isascii() and line.isdigit() and len(line) < 10 else None


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MAX_LENGTH else f"{text[:MAX_LENGTH]}..."


@dataclass
class ImportResult:
    """What an import has done; if it was refused, what it would have done is not listed."""

    is_accepted: bool = True
    #: records that were created, updated, deleted or found unchanged, of all tables
    records: int = 0
    #: ids in the table of the resource
    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    faults: list[ImportFault] = field(default_factory=list)
    #: "table.field" of what stood in the document and is not for this user to write
    ignored: list[str] = field(default_factory=list)

    @property
    def statuscode(self) -> int:
        return 200 if self.is_accepted else 400

    @property
    def named_faults(self) -> list[ImportFault]:
        """As many of the faults as a message can hold."""
        return self.faults[:MAX_FAULTS]

    def message(self) -> str:
        """JSON message."""
        details: dict[str, Any] = {}
        if self.faults:
            details["errors"] = [fault.as_dict() for fault in self.named_faults]
        if not self.is_accepted:
            return str(current.xml.json_message(False, self.statuscode, message=self.summary(), **details))
        if self.ignored:
            details["ignored"] = self.ignored
        return str(
            current.xml.json_message(
                True, 200, message=self.summary() or None, records=self.records, created=self.created, updated=self.updated,
                deleted=self.deleted, **details,
            )
        )  # fmt: skip

    def summary(self) -> str:
        """One sentence with the first faults, empty if there are none."""
        more = len(self.faults) - MAX_NAMED
        return "; ".join(map(str, self.faults[:MAX_NAMED])) + (f"; and {more} more" if more > 0 else "")
