"""A CSV file as a S3XML document: every row is a record, with what its columns mean."""
from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gluon import current
from lxml import etree

from s3.s3datetime import s3_encode_iso_datetime, s3_relative_datetime
from s3.s3error import S3DataError, S3Error
from s3.s3import.columns import UID, Columns, Lookup
from s3.s3import.rows import CellProblem, Row, read_rows
from s3.s3query import FS
from s3.s3resource import S3Resource
from s3.s3utils import original_name
from s3.s3xml import ALIAS, DATA, FIELD, NAME, REFERENCE, RESOURCE, ROOT
from s3dal import Field, Table

__all__ = ("CsvDocument",)

# Stands between the members of a list in one cell
MEMBERS = "|"
# Begins the temporary identifiers of the rows of a file
TUID = "line "
# The same file gives the same identifiers in every database
NAMESPACE = uuid.UUID("5a5c1a9e-3c1f-5f0e-9d43-8f6a9b2f7c11")


class CsvDocument:
    """One file of records of one table."""

    def __init__(self, path: Path, table: Table, name: str | None = None) -> None:
        """
        Args:
            name: what the file is called in messages
        """
        self.path = path
        self.name = name or path.name
        self.table = table
        self.problems: list[str] = []
        #: {(table name, selectors, values): identifier or problem}
        self._found: dict[tuple[Any, ...], str | CellProblem] = {}
        #: {columns: {values: lines}}
        self._own: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}
        self._seen: dict[str, int] = {}

    def tree(self) -> Any:
        """The root element; what cannot be used stands in ``problems``.

        Raises:
            S3DataError: the file or its header cannot be read
        """
        names, self.rows = read_rows(self.path)
        try:
            self.columns = Columns.parse(self.table, names)
        except S3DataError as error:
            raise S3DataError(f"{self.name}, line 1, {error}") from error
        root = etree.Element(ROOT)
        for row in self.rows:
            root.append(self._record(row))
        return root

    def _record(self, row: Row) -> Any:
        element = etree.Element(RESOURCE, {NAME: original_name(self.table), "tuid": _tuid(row.line), "line": str(row.line)})
        if UID in self.table.fields:
            element.set(UID, row.cells.get(self.columns.uid or "") or self._made_up_uid(row))
        self._fill(element, self.columns, row)
        return element

    def _made_up_uid(self, row: Row) -> str:
        """An identifier of the content of a row, so that it is the same record when the file is read again."""
        content = json.dumps([original_name(self.table), sorted(row.cells.items())])
        number = self._seen[content] = self._seen.get(content, 0) + 1
        return uuid.uuid5(NAMESPACE, f"{content}{number}").urn

    def _fill(self, element: Any, columns: Columns, row: Row) -> None:
        for column, name in columns.fields.items():
            if column in row.cells:
                self._add_data(element, columns.table[name], column, row)
        for name, lookup in columns.lookups.items():
            self._add_reference(element, name, lookup, row)
        for alias, (hook, parts) in columns.components.items():
            component = etree.Element(RESOURCE, {NAME: original_name(hook.table), ALIAS: alias, "line": str(row.line)})
            self._fill(component, parts, row)
            if parts.uid in row.cells:
                component.set(UID, row.cells[parts.uid])
            if len(component):
                element.append(component)
        for alias, (hook, lookup) in columns.links.items():
            for uid in self._look_up(lookup, row):
                link = etree.SubElement(element, RESOURCE, {NAME: original_name(hook.linktable), ALIAS: alias, "line": str(row.line)})
                reference = etree.SubElement(link, REFERENCE, {FIELD: lookup.field, "resource": lookup.tablename})
                _refer(reference, [uid], multiple=False)

    def _add_data(self, element: Any, field: Field, column: str, row: Row) -> None:
        data = etree.SubElement(element, DATA, {FIELD: field.name, "line": str(row.line), "column": column})
        cell = row.cells[column]
        if field.type in ("date", "datetime"):
            moment = s3_relative_datetime(cell)
            cell = s3_encode_iso_datetime(moment if field.type == "datetime" else moment.date()) if moment else cell
        try:
            data.text = cell
        except ValueError:
            # control characters are not XML
            self._note(row, column, "must be text without control characters")

    # References

    def _add_reference(self, element: Any, name: str, lookup: Lookup, row: Row) -> None:
        uids = list(self._look_up(lookup, row))
        if not uids:
            return
        column = next(iter(lookup.selectors))
        reference = etree.SubElement(
            element, REFERENCE, {FIELD: name, "resource": lookup.tablename, "line": str(row.line), "column": column}
        )
        _refer(reference, uids, lookup.multiple)

    def _look_up(self, lookup: Lookup, row: Row) -> Iterator[str]:
        """Identifiers of the records that the cells name; a cell of a list may name several."""
        given = {column: row.cells[column] for column in lookup.selectors if column in row.cells}
        if not given:
            return
        for cells in _members(given) if lookup.multiple else [given]:
            try:
                yield self._find(lookup, cells, row)
            except CellProblem as problem:
                self._note(row, problem.column, str(problem))

    def _find(self, lookup: Lookup, cells: dict[str, str], row: Row) -> str:
        own = self._find_in_file(lookup, cells, row)
        if own is not None:
            return own
        key = (lookup.tablename, *((lookup.selectors[column], cell) for column, cell in cells.items()))
        if key not in self._found:
            try:
                self._found[key] = self._find_in_database(lookup, cells)
            except CellProblem as problem:
                self._found[key] = problem
        found = self._found[key]
        if isinstance(found, CellProblem):
            raise CellProblem(next(iter(cells)), str(found))
        return found

    def _find_in_file(self, lookup: Lookup, cells: dict[str, str], row: Row) -> str | None:
        """The row of this file that the cells name, if they name one."""
        if lookup.tablename != original_name(self.table):
            return None
        column_of = {name: column for column, name in self.columns.fields.items()}
        if self.columns.uid:
            column_of[UID] = self.columns.uid
        names = tuple(column_of.get(lookup.selectors[column], "") for column in cells)
        if "" in names:
            return None
        if names not in self._own:
            index = self._own[names] = {}
            for other in self.rows:
                index.setdefault(tuple(other.cells.get(name, "") for name in names), []).append(other.line)
        lines = self._own[names].get(tuple(cells.values()), [])
        if len(lines) > 1:
            raise CellProblem(next(iter(cells)), f"lines {', '.join(map(str, lines))} of this file are meant by it")
        return _tuid(lines[0]) if lines else None

    @staticmethod
    def _find_in_database(lookup: Lookup, cells: dict[str, str]) -> str:
        column = next(iter(cells))
        wanted = ", ".join(f"{lookup.selectors[name]} {cell!r}" for name, cell in cells.items())
        table = current.s3db.table(lookup.tablename, db_only=True)
        if UID not in table.fields:
            raise CellProblem(column, f"records of {lookup.tablename} have no identifiers")
        try:
            resource = S3Resource(lookup.tablename)
            for name, cell in cells.items():
                resource.add_filter(FS(lookup.selectors[name]) == cell)
            uids = [item[f"{lookup.tablename}.uuid"] for item in resource.select([UID], limit=2, orderby=table._id).rows]
        except S3Error as error:
            raise CellProblem(column, str(error)) from error
        if len(uids) != 1:
            raise CellProblem(column, f"there {'are several' if uids else 'is no'} {lookup.tablename} with {wanted}")
        return str(uids[0])

    def _note(self, row: Row, column: str, message: str) -> None:
        self.problems.append(f"{self.name}, line {row.line}, column {column!r}: {message}")


def _tuid(line: int) -> str:
    return f"{TUID}{line}"


def _refer(element: Any, uids: list[str], multiple: bool) -> None:
    """Name the records of a reference: those of this file by their lines, all others by their identifiers."""
    own = [uid for uid in uids if uid.startswith(TUID)]
    for attribute, values in (("tuid", own), (UID, [uid for uid in uids if uid not in own])):
        if values:
            element.set(attribute, json.dumps(values) if multiple else values[0])


def _members(cells: dict[str, str]) -> list[dict[str, str]]:
    """One set of cells for each member of a list: "a|b" in every column means the first and the second record."""
    parts = {column: [part.strip() for part in cell.split(MEMBERS)] for column, cell in cells.items()}
    length = max(map(len, parts.values()))
    return [
        {column: members[number] for column, members in parts.items() if number < len(members) and members[number]}
        for number in range(length)
    ]
