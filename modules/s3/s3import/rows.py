"""The rows of a CSV file, with the lines they stand on."""
from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s3.s3error import S3DataError

__all__ = ("CellProblem", "Row", "read_rows")

COMMENT = "#"
# what spreadsheets write instead of commas; no column is named so
OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class CellProblem(Exception):
    """A cell that cannot be used."""

    def __init__(self, column: str, message: object) -> None:
        super().__init__(str(message))
        self.column = column


@dataclass(frozen=True)
class Row:
    """One row: {column: cell}, without empty cells."""

    line: int
    cells: dict[str, str]


def read_rows(path: Path) -> tuple[list[str], list[Row]]:
    """The columns of a file and its rows; blank rows, rows that begin with "#", and columns without a name are left out.

    Raises:
        S3DataError: it is no CSV file in UTF-8, or a row has more cells than there are columns; names the line
    """
    header: list[str] = []
    rows: list[Row] = []
    for line, cells in _lines(path):
        if not header:
            header = cells
            _check_header(path, line, header)
            continue
        if any(cells[len(header) :]):
            raise S3DataError(f"{path.name}, line {line}: there are {len(cells)} cells for {len(header)} columns")
        rows.append(Row(line, {name: cell for name, cell in zip(header, cells, strict=False) if _is_named(name) and cell}))
    if not header:
        raise S3DataError(f"{path.name}: the file has no header")
    return [name for name in header if _is_named(name)], [row for row in rows if row.cells]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    # utf-8-sig: spreadsheets write a byte order mark
    with open(path, encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        first = 1
        try:
            for cells in reader:
                cells = [cell.strip() for cell in cells]
                if any(cells) and not cells[0].startswith(COMMENT):
                    yield first, cells
                first = reader.line_num + 1
        except csv.Error as error:
            raise S3DataError(f"{path.name}, line {first}: {error}") from error
        except UnicodeDecodeError as error:
            raise S3DataError(f"{path.name}, line {first}: the file is not UTF-8") from error


def _check_header(path: Path, line: int, header: list[str]) -> None:
    named = [name for name in header if _is_named(name)]
    other = next((words for sign, words in OTHER_SEPARATORS.items() if len(named) == 1 and sign in named[0]), None)
    if other:
        raise S3DataError(f"{path.name}, line {line}: columns are separated by commas, not by {other}")
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice:
        raise S3DataError(f"{path.name}, line {line}: there are two columns {twice!r}")


def _is_named(name: str) -> bool:
    return bool(name) and not name.startswith(COMMENT)
