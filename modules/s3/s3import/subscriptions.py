"""Subscriptions from a CSV file: each row is a list that somebody is notified of.

=========================================== ====================================================================
column                                      meaning
=========================================== ====================================================================
First Name, Middle Name, Last Name          the person, who is created if nobody has the address yet
Email                                       address of the person
Resource, URL                               table and page, such as cms_post and cms/post
Filter                                      JSON list of [key, value]; apostrophes will do for quotation marks
Notify On, Frequency, Method                as in pr_subscription, members of a list with "|" between them
=========================================== ====================================================================

Rows of one person with the same filter and the same settings become one subscription. What is subscribed already stays as it
is, and so does what was subscribed by an earlier import and has been ended or changed since.
"""
from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gluon import current
from lxml import etree

from s3.s3error import S3DataError, S3Error, S3FilterValueError
from s3.s3filter import S3FilterString, parse_filter, quoted_json, validate_filter
from s3.s3import.people import PERSON_NAMES, People
from s3.s3import.rows import CellProblem, Row, read_rows
from s3.s3xml import ALIAS, DATA, FIELD, NAME, REFERENCE, RESOURCE, ROOT, UID
from s3dal import Table

__all__ = ("SubscriptionDocument",)

Result = TypeVar("Result")

#: with options to choose from
SETTINGS = {"Notify On": "notify_on", "Frequency": "frequency", "Method": "method"}
REQUIRED = ("Email", "Resource", "URL")
COLUMNS = (*PERSON_NAMES, *REQUIRED, "Filter", *SETTINGS)
MEMBERS = "|"
# The same row gives the same identifier in every database
NAMESPACE = uuid.UUID("0f8e5a0e-6b3c-5d9a-8a58-1d1f3c8f6f42")


@dataclass(frozen=True)
class _Wish:
    """What one row asks for, checked."""

    row: Row
    email: str
    resource: str
    url: str
    #: as stored; empty without one
    query: str
    #: (field, values)
    settings: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def uid(self) -> str:
        return uuid.uuid5(NAMESPACE, json.dumps([self.email, self.resource, self.url, self.query])).urn

    @property
    def subscription(self) -> tuple[Any, ...]:
        """Equal for rows that belong to one subscription."""
        return self.email, self.query, self.settings


@dataclass
class SubscriptionDocument:
    """One file of subscriptions."""

    path: Path
    table: Table
    #: what the file is called in messages
    name: str
    problems: list[str] = field(default_factory=list)

    @staticmethod
    def has_columns(names: Iterable[str]) -> bool:
        """Whether these are columns of such a file, and not the names of fields."""
        return "email" in {_normal(name) for name in names}

    def tree(self) -> Any:
        """The root element, with what is not subscribed yet, None if that is nothing; what cannot be used stands in ``problems``.

        Raises:
            S3DataError: the file or its header cannot be read
        """
        names, rows = read_rows(self.path)
        self._columns = self._read_header(names)
        rows = [Row(row.line, {self._columns[name]: cell for name, cell in row.cells.items()}) for row in rows]
        wishes = [wish for row in rows if (wish := self._guarded(row, partial(self._wish, row))) is not None]
        self._refuse_repeated(wishes)
        self._people = People(wish.email for wish in wishes)
        for wish in wishes:
            self._guarded(wish.row, partial(self._identify, wish))
        if self.problems:
            return None
        done = self._find_done(wishes)
        left = [wish for wish in wishes if wish.uid not in done]
        return _tree(left, self._people) if left else None

    def _read_header(self, names: list[str]) -> dict[str, str]:
        known = {_normal(name): name for name in COLUMNS}
        unknown = next((name for name in names if _normal(name) not in known), None)
        if unknown is not None:
            raise S3DataError(f"{self.name}, line 1, column {unknown!r}: only {', '.join(COLUMNS)}")
        columns = {name: known[_normal(name)] for name in names}
        missing = next((name for name in REQUIRED if name not in columns.values()), None)
        if missing is not None:
            raise S3DataError(f"{self.name}, line 1: there is no column {missing!r}")
        return columns

    def _guarded(self, row: Row, step: Callable[[], Result]) -> Result | None:
        """The result of a step, None if the row cannot be used, which is noted."""
        try:
            return step()
        except CellProblem as problem:
            column = next((name for name, meant in self._columns.items() if meant == problem.column), problem.column)
            self.problems.append(f"{self.name}, line {row.line}, column {column!r}: {problem}")
        return None

    # One row

    def _wish(self, row: Row) -> _Wish:
        missing = next((column for column in REQUIRED if column not in row.cells), None)
        if missing is not None:
            raise CellProblem(missing, current.T("enter a value"))
        resource = row.cells["Resource"]
        try:
            url = current.s3db.pr_check_subscription_resource(resource, row.cells["URL"])
        except S3DataError as error:
            raise CellProblem("URL" if hasattr(error, "url") else "Resource", error) from error
        settings = ((name, self._chosen(row, column, name)) for column, name in SETTINGS.items())
        return _Wish(row, row.cells["Email"].lower(), resource, url, self._query(row, resource), tuple(settings))

    @staticmethod
    def _query(row: Row, resource: str) -> str:
        cell = row.cells.get("Filter")
        if not cell:
            return ""
        try:
            query = validate_filter(quoted_json(cell), [resource])
        except S3Error as error:
            raise CellProblem("Filter", error) from error
        return "" if query == "[]" else query

    def _chosen(self, row: Row, column: str, name: str) -> tuple[str, ...]:
        """What a cell chooses from the options of a field, each once, in the order of the options; if it is empty, the default."""
        chosen = self.table[name]
        if column not in row.cells:
            return tuple(chosen.default) if isinstance(chosen.default, list) else (chosen.default,)
        options = [value for value, _label in chosen.requires.options(zero=False)]
        values = {value.lower(): value for value in options}
        parts = [part.strip() for part in row.cells[column].split(MEMBERS) if part.strip()]
        wrong = next((part for part in parts if part.lower() not in values), None)
        if wrong is not None:
            raise CellProblem(column, f"{wrong!r} is none of {', '.join(options)}")
        if len(parts) > 1 and not chosen.type.startswith("list:"):
            raise CellProblem(column, f"choose one of {', '.join(options)}")
        return tuple(value for value in options if value.lower() in {part.lower() for part in parts})

    def _identify(self, wish: _Wish) -> None:
        self._people.identify(wish.email, wish.row)
        if "SMS" in dict(wish.settings)["method"] and not self._people.has_mobile_phone(wish.email):
            raise CellProblem("Method", "the person has no mobile phone number")

    # All rows

    def _refuse_repeated(self, wishes: list[_Wish]) -> None:
        lines: dict[str, int] = {}
        for wish in wishes:
            first = lines.setdefault(wish.uid, wish.row.line)
            if first != wish.row.line:
                self.problems.append(f"{self.name}, line {wish.row.line}: asks for the same as line {first}")

    def _find_done(self, wishes: list[_Wish]) -> set[str]:
        """Identifiers of what an earlier import has subscribed, and of what people have subscribed themselves."""
        s3db, db = current.s3db, current.db
        subscription, resource, saved = s3db.pr_subscription, s3db.pr_subscription_resource, s3db.pr_filter
        uids = {row.uuid for row in db(resource.uuid.belongs([wish.uid for wish in wishes])).select(resource.uuid)}
        live = (resource.subscription_id == subscription.id) & (resource.deleted == False) & (subscription.deleted == False)
        rows = db(live & subscription.pe_id.belongs(self._people.pe_ids)).select(
            subscription.pe_id, resource.resource, resource.url, saved.query, left=saved.on(saved.id == subscription.filter_id)
        )
        watched = ((row.pr_subscription.pe_id, row.pr_subscription_resource, row.pr_filter.query) for row in rows)
        subscribed = {(pe_id, row.resource, (row.url or "").removeprefix("/"), _conditions(query)) for pe_id, row, query in watched}
        own = {
            wish.uid
            for wish in wishes
            if (self._people.pe_id(wish.email), wish.resource, wish.url, _conditions(wish.query)) in subscribed
        }
        return uids | own


def _conditions(query: str | None) -> tuple[tuple[str, str], ...] | None:
    """What a stored filter asks for, however it is written; None if it cannot be read."""
    try:
        pairs = parse_filter(query)
    except S3FilterValueError:
        return None
    return tuple(sorted((_selected(key), value) for key, value in pairs if value is not None))


def _selected(key: str) -> str:
    return "|".join(selector.removeprefix("~.") for selector in key.split("|"))


def _normal(name: str) -> str:
    return name.strip().lower().replace("_", " ")


# -- the document ------------------------------------------------------------------------------------------------------
def _tree(wishes: list[_Wish], people: People) -> Any:
    root = etree.Element(ROOT)
    subscriptions: dict[tuple[Any, ...], list[_Wish]] = {}
    for wish in wishes:
        subscriptions.setdefault(wish.subscription, []).append(wish)
    created: set[str] = set()
    for group in subscriptions.values():
        email = group[0].email
        if people.pe_id(email) is None and email not in created:
            created.add(email)
            root.append(_person(email, people.new[email]))
        root.extend(_subscription(group, people))
    return root


def _person(email: str, row: Row) -> Any:
    element = _record("pr_person", row, _person_tuid(email))
    for column, name in PERSON_NAMES.items():
        if column in row.cells:
            _data(element, name, row, column, row.cells[column])
    contact = _record("pr_contact", row)
    contact.set(ALIAS, "email")
    _data(contact, "value", row, "Email", email)
    element.append(contact)
    return element


def _subscription(wishes: list[_Wish], people: People) -> Iterator[Any]:
    """The saved filter, if there is one, and the subscription with its resources."""
    first = wishes[0]
    tuid = f"subscription of line {first.row.line}"
    element = _record("pr_subscription", first.row, tuid)
    element.append(_owner(first, people))
    if first.query:
        saved = _record("pr_filter", first.row, f"filter of {tuid}")
        saved.append(_owner(first, people))
        _data(saved, "title", first.row, "Filter", _title(first))
        _data(saved, "query", first.row, "Filter", first.query)
        etree.SubElement(element, REFERENCE, {FIELD: "filter_id", "resource": "pr_filter", "tuid": saved.get("tuid")})
        yield saved
    for name, values in first.settings:
        column = next(column for column, meant in SETTINGS.items() if meant == name)
        _data(element, name, first.row, column, MEMBERS.join(values))
    for wish in wishes:
        resource = _record("pr_subscription_resource", wish.row)
        resource.set(UID, wish.uid)
        _data(resource, "resource", wish.row, "Resource", wish.resource)
        _data(resource, "url", wish.row, "URL", wish.url)
        element.append(resource)
    yield element


def _title(wish: _Wish) -> str:
    """The filter in words, by which people find it among others; without names that only who imports it may know."""
    return str(S3FilterString(current.s3db.resource(wish.resource), wish.query).represent(is_for_reader=False))[:500]


def _owner(wish: _Wish, people: People) -> Any:
    reference = etree.Element(REFERENCE, {FIELD: "pe_id", "resource": "pr_person", "line": str(wish.row.line), "column": "Email"})
    uid = people.uid(wish.email)
    reference.set(*((UID, uid) if uid else ("tuid", _person_tuid(wish.email))))
    return reference


def _person_tuid(email: str) -> str:
    return f"person {email}"


def _record(tablename: str, row: Row, tuid: str | None = None) -> Any:
    element = etree.Element(RESOURCE, {NAME: tablename, "line": str(row.line)})
    if tuid:
        element.set("tuid", tuid)
    return element


def _data(element: Any, name: str, row: Row, column: str, text: str) -> None:
    data = etree.SubElement(element, DATA, {FIELD: name, "line": str(row.line), "column": column})
    data.text = text
