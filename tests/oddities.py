"""Tables with a field of every type and a join of every kind, some batches of random records, and what filters can say of them.

``Oracle`` reads a filter naively: record by record, choice by choice of the joined records, without SQL and without the
framework.
"""
from __future__ import annotations

import datetime as dt
import functools
import itertools
import operator
import random
import re
from decimal import Decimal
from typing import Any

from gluon.storage import Storage
from hypothesis import strategies as st

from s3.s3model import S3Model
from s3.s3query import FS, S3ResourceQuery
from s3dal import Field

BATCHES = 16
THINGS = 7
PLACES = 5

TEXTS = ["", "a", "A", "ab", "aB", "a%", "%", "a_b", "_", "a\\", "\\%", "a*", "*", "?", "a,b", "NONE", 'a"', "b é", "É", "[a]", "'", "|"]
WORDS = ["a", "A", "ab", "b", "a|b", "|a", "b|", "a b", "é", "É", "%", "_", "a\\", "x,y"]
NUMBERS = [-1, 0, 1, 2, 10]
AMOUNTS = [-1.5, 0.0, 0.5, 2.25]
PRICES = [Decimal("-1.50"), Decimal("0.00"), Decimal("0.25"), Decimal("12.00")]
DAYS = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 2)]
MOMENTS = [dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 0, 0, 1), dt.datetime(2026, 1, 2, 23, 59, 59)]
TIMES = [dt.time(0, 0), dt.time(8, 30), dt.time(23, 59, 59)]

#: values of the fields of each type
DOMAINS: dict[str, list[Any]] = {
    "string": TEXTS, "text": TEXTS, "integer": NUMBERS, "double": AMOUNTS, "decimal": PRICES, "boolean": [True, False],
    "date": DAYS, "datetime": MOMENTS, "time": TIMES, "list:string": WORDS, "list:integer": NUMBERS,
}  # fmt: skip

ORDER = {"lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "ge": lambda a, b: a >= b, "gt": lambda a, b: a > b}
LEGIBLE = {"string", "text", "integer", "reference", "date", "datetime", "time"}


def define(current: Any) -> None:
    """Define the tables, and declare how they belong together."""
    db = current.db
    deleted = Field("deleted", "boolean", notnull=True, default=False)
    db.define_table("odd_place", Field("batch", "integer"), Field("name"), Field("parent_id", "reference odd_place"), deleted)
    db.define_table(
        "odd_thing",
        Field("batch", "integer"), Field("name"), Field("body", "text"), Field("number", "integer"), Field("amount", "double"),
        Field("price", "decimal(10,2)"), Field("flag", "boolean"), Field("day", "date"), Field("at", "datetime"), Field("clock", "time"),
        Field("words", "list:string"), Field("numbers", "list:integer"), Field("place_ids", "list:reference odd_place"),
        Field("place_id", "reference odd_place"), Field("other_id", "reference odd_place"),
        Field.Method("loud", lambda row: None if row.name is None else f"{row.name}!".upper()),
        Field.Method("next_number", lambda row: None if row.number is None else row.number + 1),
        deleted.clone(),
    )  # fmt: skip
    db.define_table(
        "odd_part",
        Field("thing_id", "reference odd_thing"), Field("kind"), Field("weight", "integer"), Field("words", "list:string"),
        Field("place_id", "reference odd_place"), deleted.clone(),
    )  # fmt: skip
    db.define_table("odd_label", Field("name"), deleted.clone())
    db.define_table("odd_thing_label", Field("thing_id", "reference odd_thing"), Field("label_id", "reference odd_label"), deleted.clone())
    db.commit()
    current.s3db = S3Model()
    current.s3db.load_all_models = lambda: None
    current.s3db.configure("odd_place", hierarchy="parent_id")
    current.s3db.configure("odd_thing", context={"where": "place_id", "partly": "part.place_id"})
    current.s3db.add_components(
        "odd_thing",
        odd_part=["thing_id", {"name": "heavy", "joinby": "thing_id", "filterby": {"weight": [2, 10]}}],
        odd_label={"link": "odd_thing_label", "joinby": "thing_id", "key": "label_id"},
    )


def fill(current: Any) -> list[dict[int, Storage]]:
    """Insert random records; gives the things of each batch by id, each with its ``parts``, ``labels`` and ``places``."""
    db, draw = current.db, random.Random(7)
    labels = [db.odd_label.insert(name=name) for name in ("a", "A", "b")]
    for batch in range(BATCHES):
        places = _fill_places(db, draw, batch)
        for _ in range(THINGS):
            thing = db.odd_thing.insert(batch=batch, **_values(db.odd_thing, draw, places))
            for _ in range(draw.choice((0, 1, 1, 2, 3))):
                db.odd_part.insert(thing_id=thing, deleted=draw.random() < 0.15, **_values(db.odd_part, draw, places))
            for label in draw.sample(labels, draw.choice((0, 0, 1, 2))):
                db.odd_thing_label.insert(thing_id=thing, label_id=label, deleted=draw.random() < 0.2)
    db.commit()
    return [_read(db, batch) for batch in range(BATCHES)]


def _fill_places(db: Any, draw: random.Random, batch: int) -> list[int]:
    places: list[int] = []
    for _ in range(PLACES):
        parent = draw.choice([None, *places])
        places.append(db.odd_place.insert(batch=batch, name=draw.choice(("a", "A", "b", None)), parent_id=parent))
    if batch % 4 == 0:
        db(db.odd_place.id == places[0]).update(parent_id=places[-1])
    assert places == places_of(batch)
    return places


def places_of(batch: int) -> list[int]:
    """Ids of the places of a batch in a database that has just been filled."""
    return list(range(batch * PLACES + 1, batch * PLACES + PLACES + 1))


def _values(table: Any, draw: random.Random, places: list[int]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in table:
        if field.name in ("id", "batch", "thing_id", "deleted") or draw.random() < 0.2:
            continue
        domain = DOMAINS.get(field.type.partition("(")[0], places)
        is_list = field.type.startswith("list:")
        values[field.name] = draw.sample(domain, draw.choice((0, 1, 1, 2, 3))) if is_list else draw.choice(domain)
    return values


def _read(db: Any, batch: int) -> dict[int, Storage]:
    places = {row.id: Storage(row.as_dict()) for row in db(db.odd_place.batch == batch).select()}
    things = {row.id: Storage(row.as_dict()) for row in db(db.odd_thing.batch == batch).select(orderby=db.odd_thing.id)}
    for thing in things.values():
        thing.loud = None if thing.name is None else f"{thing.name}!".upper()
        thing.next_number = None if thing.number is None else thing.number + 1
        thing.places = places
        mine = (db.odd_part.thing_id == thing.id) & (db.odd_part.deleted == False)
        thing.parts = [Storage(row.as_dict()) for row in db(mine).select()]
        links = (db.odd_thing_label.thing_id == thing.id) & (db.odd_thing_label.deleted == False)
        labels = db(links & (db.odd_label.id == db.odd_thing_label.label_id)).select(db.odd_label.ALL)
        thing.labels = [Storage(row.as_dict()) for row in labels]
    return things


#: what selectors stand for: {selector: (type, function(thing, choice of joined records) -> value)}
SELECTORS: dict[str, tuple[str, Any]] = {
    **{
        name: (ftype, lambda thing, choice, name=name: thing[name])
        for name, ftype in (
            ("name", "string"), ("body", "text"), ("number", "integer"), ("amount", "double"), ("price", "decimal"), ("flag", "boolean"),
            ("day", "date"), ("at", "datetime"), ("clock", "time"), ("words", "list:string"), ("numbers", "list:integer"),
            ("place_ids", "list:reference"), ("place_id", "reference"), ("loud", "virtual:string"), ("next_number", "virtual:integer"),
        )
    },
    "place_id$name": ("string", lambda thing, choice: _place(thing, thing.place_id).name),
    "other_id$name": ("string", lambda thing, choice: _place(thing, thing.other_id).name),
    "(where)$id": ("reference", lambda thing, choice: thing.place_id),
    "place_id$parent_id$name": ("string", lambda thing, choice: _place(thing, _place(thing, thing.place_id).parent_id).name),
    "part.kind": ("string", lambda thing, choice: choice["part"].kind),
    "part.weight": ("integer", lambda thing, choice: choice["part"].weight),
    "part.words": ("list:string", lambda thing, choice: choice["part"].words),
    "(partly)": ("reference", lambda thing, choice: choice["part"].place_id),
    "part.place_id$name": ("string", lambda thing, choice: _place(thing, choice["part"].place_id).name),
    "heavy.kind": ("string", lambda thing, choice: choice["heavy"].kind),
    "label.name": ("string", lambda thing, choice: choice["label"].name),
}  # fmt: skip


#: for names of places what tells the place, by which "typeof" compares
PLACES_OF: dict[str, Any] = {
    "place_id$name": lambda thing, choice: thing.place_id,
    "other_id$name": lambda thing, choice: thing.other_id,
    "place_id$parent_id$name": lambda thing, choice: _place(thing, thing.place_id).parent_id,
    "part.place_id$name": lambda thing, choice: choice["part"].place_id,
}


def _place(thing: Storage, place_id: int | None) -> Storage:
    return thing.places.get(place_id) or Storage()


class Oracle:
    """Reads filters naively."""

    def selects(self, query: Any, thing: Storage) -> bool:
        """Whether the whole filter is true for one choice of joined records."""
        heavy = [part for part in thing.parts if part.weight in (2, 10)]
        combinations = itertools.product(*(records or [Storage()] for records in (thing.parts, heavy, thing.labels)))
        choices = (dict(zip(("part", "heavy", "label"), records, strict=True)) for records in combinations)
        return any(self.decide(query, thing, choice) is True for choice in choices)

    def decide(self, query: Any, thing: Storage, choice: dict[str, Storage]) -> bool | None:
        if query.op == "not":
            result = self.decide(query.left, thing, choice)
            return None if result is None else not result
        if query.op in ("and", "or"):
            results = [self.decide(part, thing, choice) for part in (query.left, query.right)]
            decisive = query.op == "or"
            return decisive if decisive in results else None if None in results else not decisive
        ftype, read = SELECTORS[query.left.name]
        return self.compare(query, ftype.rpartition("virtual:")[2], read(thing, choice), thing, choice)

    def compare(self, query: Any, ftype: str, value: Any, thing: Storage, choice: dict[str, Storage]) -> bool | None:
        op, case = query.op, query.left.op
        items = query.right if isinstance(query.right, list) else [query.right]
        items = [read(ftype, item) if op not in ("like", "ilike") else item for item in items]
        if case and isinstance(value, str):
            value = getattr(value, case)()
        if op == "typeof":
            return self._typeof(query, ftype, value, items, thing, choice)
        if ftype.startswith("list:"):
            return self._compare_list(op, value, items)
        if op in ("eq", "ne", "belongs"):
            has_wildcards = (isinstance(query.right, list) or op == "belongs") and ftype in ("string", "text")
            found = some(None if item is not None and value is None else same(value, item, has_wildcards) for item in items)
            return found if op != "ne" or found is None else not found
        if op in ORDER:
            return some(None if value is None else ORDER[op](value, item) for item in items)
        if op in ("contains", "anyof"):
            return some(part_of(value, item) for item in items)
        return some(matches(op, value, item) for item in items)

    def _compare_list(self, op: str, value: Any, items: list[Any]) -> bool | None:
        if op in ("eq", "ne"):
            if items == [None]:
                return (value is None) is (op == "eq")
            return None if value is None else (value == items) is (op == "eq")
        found = [item_in(value, item) for item in items]
        return every(found) if op == "contains" else some(found)

    def _typeof(self, query: Any, ftype: str, value: Any, items: list[Any], thing: Storage, choice: dict[str, Storage]) -> bool | None:
        find_place = PLACES_OF.get(query.left.name)
        if find_place is not None:
            value = find_place(thing, choice)
            named = [place.id for place in thing.places.values() for item in items if item is not None and same(place.name, item, True)]
            items = [*named, None] if None in items else named
        elif ftype not in ("reference", "list:reference"):
            return self.compare(S3ResourceQuery("belongs", query.left, query.right), ftype, value, thing, choice)
        within = {p for p in thing.places for item in items if item is not None and (p == item or item in above(thing.places, p))}
        if ftype == "list:reference":
            return some(item_in(value, item) for item in [*within, *([None] if None in items else [])])
        return some([*([None] if value is None and within else [value in within]), *([value is None] if None in items else [])])


def above(places: dict[int, Storage], place: int) -> set[int]:
    found: set[int] = set()
    while places[place].parent_id is not None and places[place].parent_id not in found:
        place = places[place].parent_id
        found.add(place)
    return found


def some(results: Any) -> bool | None:
    results = list(results)
    return True if True in results else None if None in results else False


def every(results: Any) -> bool | None:
    results = list(results)
    return False if False in results else None if None in results else True


def same(value: Any, item: Any, has_wildcards: bool) -> bool:
    if item is None or value is None:
        return value is item
    if has_wildcards and "*" in item:
        return re.fullmatch(".*".join(re.escape(part) for part in item.split("*")), value, re.DOTALL) is not None
    return value == item


def part_of(value: Any, item: Any) -> bool | None:
    if item is None:
        return value is None
    return None if value is None else item.lower() in value.lower()


def item_in(value: Any, item: Any) -> bool | None:
    if item is None:
        return value is None
    return None if value is None else str(item).lower() in [str(member).lower() for member in value]


def matches(op: str, value: Any, pattern: str | None) -> bool | None:
    if pattern is None:
        return value is None
    if value is None:
        return None
    return _like(pattern, str(value), op == "ilike")


def _like(pattern: str, text: str, ignores_case: bool) -> bool:
    """Recursively, character by character."""
    if ignores_case:
        pattern, text = pattern.lower(), text.lower()
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(_like(rest, text[n:], False) for n in range(len(text) + 1))
    if head == "\\":
        head, rest = rest[0], rest[1:]
        return text[:1] == head and _like(rest, text[1:], False)
    return bool(text) and head in ("_", text[0]) and _like(rest, text[1:], False)


def read(ftype: str, item: Any) -> Any:
    """The value that a text stands for; other values as they are."""
    if not isinstance(item, str):
        return item
    kinds = {"integer": int, "reference": int, "double": float, "decimal": Decimal, "boolean": lambda text: text == "True",
             "date": dt.date.fromisoformat, "datetime": lambda text: dt.datetime.fromisoformat(text.rstrip("Z")),
             "time": dt.time.fromisoformat}  # fmt: skip
    return kinds.get(ftype.rpartition(":")[2], str)(item)


def text_of(item: Any) -> Any:
    """The text of a value as URLs have it."""
    if item is None or isinstance(item, str):
        return item
    return f"{item.isoformat()}Z" if isinstance(item, dt.datetime) else item.isoformat() if hasattr(item, "isoformat") else str(item)


PATTERNS = ["%", "_", "a%", "%a%", "a\\%", "\\_", "a\\\\", "%B", "_%", "1", "1%", "%-01-%", "20%", "a*", "[a]", "É", "%é", "\\%"]


NAMES = st.sampled_from(sorted(SELECTORS))
CASES_OF_TEXT = st.sampled_from([None, None, None, None, "lower", "upper"])
YES_NO = st.booleans()


@st.composite
def conditions(draw: Any, places: tuple[int, ...]) -> Any:
    """One condition, with values as they are or as text."""
    selector = draw(NAMES)
    ftype = SELECTORS[selector][0].rpartition("virtual:")[2]
    left = FS(selector)
    if ftype in ("string", "text"):
        left.op = draw(CASES_OF_TEXT)
    kind = draw(_operator_of(ftype))
    value = draw(_values_of(ftype, kind, places))
    if SELECTORS[selector][0].startswith("virtual:") and isinstance(value, list) and None in value and kind in ("like", "ilike"):
        value = "a"
    if draw(YES_NO):
        value = [text_of(item) for item in value] if isinstance(value, list) else text_of(value)
    return S3ResourceQuery(kind, left, value)


@functools.cache
def _operator_of(ftype: str) -> Any:
    return st.sampled_from(_operators(ftype))


@functools.cache
def _values_of(ftype: str, kind: str, places: tuple[int, ...]) -> Any:
    is_list = ftype.startswith("list:")
    if kind in ("like", "ilike"):
        items = st.sampled_from(PATTERNS)
    elif kind in ("contains", "anyof") and not is_list:
        items = st.none() | st.sampled_from(TEXTS)
    else:
        items = st.sampled_from(DOMAINS.get(ftype) or list(places))
        if kind not in ORDER and not (is_list and kind in ("eq", "ne")):
            items = st.none() | items
    return items | st.lists(items, min_size=1, max_size=3)


def _operators(ftype: str) -> list[str]:
    if ftype.startswith("list:"):
        return ["eq", "ne", "belongs", "contains", "anyof", "typeof"]
    operators = ["eq", "ne", "belongs", "typeof", *([] if ftype == "boolean" else ORDER)]
    if ftype in ("string", "text"):
        operators += ["contains", "anyof"]
    return [*operators, "like", "ilike"] if ftype in LEGIBLE else operators


def _combinations(parts: Any) -> Any:
    return st.builds(operator.and_, parts, parts) | st.builds(operator.or_, parts, parts) | st.builds(operator.invert, parts)


@functools.cache
def queries(batch: int) -> Any:
    """Trees of conditions on the records of a batch: (batch, query)."""
    trees = st.recursive(conditions(tuple(places_of(batch))), _combinations, max_leaves=4)
    return st.tuples(st.just(batch), trees)


CASES = st.integers(0, BATCHES - 1).flatmap(queries)
