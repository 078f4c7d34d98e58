"""The first data of a deployment: what the tasks.cfg of its templates say, in their order.

A line is ``prefix,name,file``, records of the table ``<prefix>_<name>`` from a CSV, XML or S3JSON file, or ``*,function,file``.
Records that are there are left alone; a line ``prefix,name,file,update`` changes them. Everything is written in the caller's
transaction, which is not to be committed if this raises.
"""
from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gluon import current

from s3.s3error import S3ConfigError, S3DataError, S3Error
from s3.s3import.roles import import_roles
from s3.s3import.rows import read_rows
from s3.s3import.users import import_users
from s3.s3rest import S3Request
from s3.s3utils import import_module

__all__ = ("Outcome", "import_file", "import_records", "prepopulate")

TASKS = "tasks.cfg"
FUNCTIONS: dict[str, Callable[..., list[str]]] = {"import_role": import_roles, "import_user": import_users}
UPDATE = "update"
SUBSCRIPTIONS = "pr_subscription"
FORMATS = {".csv": "csv", ".xml": "xml", ".s3json": "s3json"}
# A file that was written for another table would be one long list
MAX_PROBLEMS = 20
# A template is no stranger: its files may be larger than what a request may bring
MAX_BYTES = 2**30


@dataclass(frozen=True)
class Task:
    """One line of tasks.cfg."""

    #: the folder, and the line, for messages
    folder: Path
    line: int
    cells: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.folder.name}/{TASKS}, line {self.line}"


def prepopulate() -> None:
    """Import the first data of the deployment templates, as the setting ``base.prepopulate`` says.

    Raises:
        S3ConfigError: a file is wrong; names file, line and column
    """
    for folder in _folders():
        for task in _read_tasks(folder):
            problems = _run(task)
            if problems:
                more = len(problems) - MAX_PROBLEMS
                lines = problems[:MAX_PROBLEMS] + ([f"and {more} more"] if more > 0 else [])
                raise S3ConfigError(f"The first data cannot be imported ({task.place}): " + "; ".join(lines))


def _folders() -> list[Path]:
    """The folders whose tasks are to be done, the most general template first."""
    settings = current.deployment_settings
    wanted = settings.get_base_prepopulate()
    if not wanted:
        return []
    if wanted is True:
        return [Path(folder) for folder in settings.template_folders() if (Path(folder) / TASKS).exists()]
    return [_named_folder(name) for name in ([wanted] if isinstance(wanted, str) else wanted)]


def _named_folder(name: str) -> Path:
    templates = import_module("templates")
    parts = [part for part in re.split(r"[./]", name) if part]
    folders = [Path(root, *parts) for root in (templates.__path__ if templates else ())]
    for folder in folders:
        if (folder / TASKS).exists():
            return folder
    raise S3ConfigError(f"Setting base.prepopulate names {name!r}, which has no {TASKS} (looked for {', '.join(map(str, folders))})")


def _read_tasks(folder: Path) -> Iterator[Task]:
    with open(folder / TASKS, encoding="utf-8", newline="") as stream:
        for number, line in enumerate(stream, 1):
            text = line.strip()
            if text and not text.startswith("#"):
                yield Task(folder, number, tuple(cell.strip() for cell in next(csv.reader([text]))))


def _run(task: Task) -> list[str]:
    """Do one task; gives what is wrong."""
    try:
        if task.cells[0] == "*":
            return _run_function(task)
        return _run_import(task)
    except S3Error as error:
        return [str(error)]


def _run_function(task: Task) -> list[str]:
    name = task.cells[1] if len(task.cells) > 1 else ""
    function = FUNCTIONS.get(name)
    if function is None:
        return [f"there is no function {name!r}, only {', '.join(FUNCTIONS)}"]
    if len(task.cells) != 3:
        return [f"write *,{name},<file>"]
    return function(_find_file(task, task.cells[2]), task.cells[2])


def _run_import(task: Task) -> list[str]:
    prefix, name, filename, *options = (*task.cells, "", "")[: max(3, len(task.cells))]
    if not filename:
        return ["write <prefix>,<name>,<file>"]
    stylesheet = next((option for option in options if option.endswith(".xsl")), None)
    if stylesheet:
        return [f"{stylesheet}: stylesheets are not used; name the columns of {filename} by the fields that they fill"]
    if options and options != [UPDATE]:
        return [f"{options[0]!r} is no option, only {UPDATE!r}"]
    return import_file(f"{prefix}_{name}", _find_file(task, filename), filename, update=bool(options))


def _find_file(task: Task, filename: str) -> Path:
    """A file of the folder, or ``<template>/<file>``."""
    places = [task.folder / filename]
    head, _, rest = filename.partition("/")
    if rest:
        templates = import_module("templates")
        places += [Path(root, head, rest) for root in (templates.__path__ if templates else ())]
    for place in places:
        if place.is_file():
            return place
    raise S3DataError(f"{filename}: there is no such file in {task.folder}")


@dataclass(frozen=True)
class Outcome:
    """What became of a file."""

    #: what is wrong with it; nothing was written then
    problems: list[str]
    #: numbers of records of its table
    created: int = 0
    updated: int = 0


def import_file(tablename: str, path: Path, name: str | None = None, update: bool = False) -> list[str]:
    """As ``import_records``; gives what is wrong with the file."""
    return import_records(tablename, path, name, update).problems


def import_records(tablename: str, path: Path, name: str | None = None, update: bool = False) -> Outcome:
    """Import the records of a file, all or nothing.

    Args:
        name: what the file is called in messages
        update: change records that are there, rather than leave them alone
    """
    name = name or path.name
    if "_" not in tablename or current.s3db.table(tablename, db_only=True) is None:
        return Outcome([f"there is no table {tablename!r}"])
    format = FORMATS.get(path.suffix)
    if format is None:
        return Outcome([f"{name}: only files with the endings {', '.join(FORMATS)} can be imported"])
    _customise(tablename)
    tree, problems = _read_csv(tablename, path, name) if format == "csv" else (_read_document(path, name, format), [])
    if problems or tree is None:
        return Outcome(problems)
    strategy = ("create", "update", "delete") if update else ("create",)
    result = current.s3db.resource(tablename).import_tree(tree, strategy=strategy, customise=_customise)
    faults = [fault for fault in result.faults if not fault.is_consequence] or result.faults
    return Outcome([_sentence(name, fault) for fault in faults], len(result.created), len(result.updated))


def _read_csv(tablename: str, path: Path, name: str) -> tuple[Any, list[str]]:
    """The document that a file means, None if there is nothing to do; and what is wrong with it."""
    # lxml, which no start but the first one needs
    from s3.s3import.document import CsvDocument
    from s3.s3import.subscriptions import SubscriptionDocument

    table = current.s3db.table(tablename, db_only=True)
    try:
        is_plain = tablename != SUBSCRIPTIONS or not SubscriptionDocument.has_columns(read_rows(path)[0])
        document = CsvDocument(path, table, name) if is_plain else SubscriptionDocument(path, table, name)
        tree = document.tree()
    except S3DataError as error:
        return None, [str(error)]
    return tree, document.problems


def _read_document(path: Path, name: str, format: str) -> Any:
    parse = current.xml.json2tree if format == "s3json" else current.xml.parse
    try:
        with open(path, "rb") as stream:
            return parse(stream, MAX_BYTES)
    except S3DataError as error:
        raise S3DataError(f"{name}: {error}") from error


def _sentence(name: str, fault: Any) -> str:
    line = f", line {fault.line}" if fault.line else ""
    column = fault.column or fault.field
    # a record of a document is found by its identifier, a row by its line
    element = "" if fault.column else f" {fault.element}:"
    return f"{name}{line}{f', column {column!r}' if column else ''}:{element} {fault.message}"


def _customise(tablename: str) -> None:
    """Let the deployment change a table, as it does on its page."""
    hook = current.deployment_settings.customise_resource(tablename)
    if hook:
        prefix, _, name = tablename.partition("_")
        hook(S3Request(prefix=prefix, name=name, args=[], vars={}, http="GET"), tablename)
