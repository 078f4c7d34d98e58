"""Random records, permissions, filters, orders and pages: however a resource is read, it has the same records.

``Oracle`` reads naively: record by record, combination by combination of the joined records, without SQL.
"""
from __future__ import annotations

import itertools
import os
from types import SimpleNamespace

import pytest
from depot import reset
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s3.s3query import FS
from s3.s3resource import S3Resource, reading

# examples for each kind of database; more take their time
EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "60"))

NAMES = st.sampled_from(["a", "b", "c", None])
VALUES = st.sampled_from(["x", "y", None])

ITEM = st.fixed_dictionaries({
    "name": NAMES,
    "number": st.sampled_from([0, 1, 2, None]),
    "place": st.sampled_from([0, 1, None]),
    "parent": st.sampled_from([0, 1, None]),
    "comps": st.lists(st.tuples(VALUES, st.sampled_from(["big", None]), st.booleans()), max_size=3),
    "tags": st.lists(st.tuples(st.sampled_from([0, 1]), st.booleans()), max_size=2),
    "deleted": st.sampled_from([False, False, False, True]),
})  # fmt: skip

#: selector: values to compare with
FIELDS = {
    "name": ["a", "b", None], "number": [0, 1, None], "shout": ["A!", "NONE!"], "comp.value": ["x", "y", None],
    "big.value": ["x", None], "from_id$name": ["north", "south", None], "tag.name": ["red", "blue", None],
    "parent_id$name": ["a", "b", None], "parent_id$shout": ["A!", "B!"], "child.name": ["a", "b", None],
}  # fmt: skip
#: restricts what may be read: (table, field, value that hides a record)
SECRETS = [("depot_comp", "value", "x"), ("depot_place", "name", "north"), ("depot_tag", "name", "red"), ("depot_item", "number", 2)]


@st.composite
def conditions(draw):
    selector = draw(st.sampled_from(list(FIELDS)))
    op = draw(st.sampled_from(["eq", "ne", "belongs"]))
    values = st.sampled_from(FIELDS[selector])
    return op, selector, draw(st.lists(values, min_size=1, max_size=2, unique=True)) if op == "belongs" else draw(values)


FILTERS = st.recursive(
    conditions(),
    lambda parts: st.tuples(st.sampled_from(["and", "or"]), parts, parts) | st.tuples(st.just("not"), parts, st.none()),
    max_leaves=4,
)


def build(node):
    """The filter as a query."""
    op, left, right = node
    if op == "and":
        return build(left) & build(right)
    if op == "or":
        return build(left) | build(right)
    if op == "not":
        return ~build(left)
    return {"eq": FS(left).__eq__, "ne": FS(left).__ne__, "belongs": FS(left).belongs}[op](right)


def selectors(node):
    op, left, right = node
    if op in ("and", "or"):
        return selectors(left) | selectors(right)
    return selectors(left) if op == "not" else {left}


def decide(node, values):
    """True, False, or None if nobody knows."""
    op, left, right = node
    if op == "and":
        results = decide(left, values), decide(right, values)
        return False if False in results else None if None in results else True
    if op == "or":
        results = decide(left, values), decide(right, values)
        return True if True in results else None if None in results else False
    if op == "not":
        result = decide(left, values)
        return None if result is None else not result
    value = values[left]
    if op == "belongs":
        results = [equals(value, item) for item in right]
        return True if True in results else None if None in results else False
    result = equals(value, right)
    return result if op == "eq" or result is None else not result


def equals(value, item):
    return value is None if item is None else None if value is None else value == item


class Oracle:
    """The records as Python objects, read naively."""

    def __init__(self, items, hidden):
        self.items = items
        self.hidden = hidden

    def is_readable(self, tablename, record):
        for secret, field, value in self.hidden:
            # what has no value is not known to be readable
            if secret == tablename and (getattr(record, field) is None or getattr(record, field) == value):
                return False
        return True

    def joined(self, alias, item):
        """The records that are joined; [None] for none."""
        if alias in ("comp", "big"):
            found = [comp for comp in item.comps if not comp.deleted and (alias == "comp" or comp.kind == "big")]
            tablename = "depot_comp"
        elif alias == "tag":
            found, tablename = [tag for tag, deleted in item.tags if not deleted], "depot_tag"
        elif alias == "child":
            found, tablename = [other for other in self.items if other.parent is item and not other.deleted], "depot_item"
        else:
            record = item.place if alias == "from_id" else item.parent
            found, tablename = [] if record is None else [record], "depot_place" if alias == "from_id" else "depot_item"
        return [record for record in found if self.is_readable(tablename, record)] or [None]

    def combinations(self, item, names):
        """{selector: value} of each combination of joined records."""
        aliases = sorted({alias_of(name) for name in names} - {""})
        for records in itertools.product(*(self.joined(alias, item) for alias in aliases)):
            by_alias = {"": item, **dict(zip(aliases, records, strict=True))}
            yield {name: value_of(by_alias[alias_of(name)], name) for name in names}

    def matches(self, filters):
        names = set().union(*(selectors(node) for node in filters))
        return [
            item
            for item in self.items
            if not item.deleted and self.is_readable("depot_item", item)
            and any(all(decide(node, values) is True for node in filters) for values in self.combinations(item, names))
        ]  # fmt: skip


def alias_of(selector):
    alias, separator, _ = selector.replace("$", ".").partition(".")
    return alias if separator else ""


def value_of(record, selector):
    if record is None:
        return None
    field = selector.replace("$", ".").rpartition(".")[2]
    return f"{record.name}!".upper() if field == "shout" else getattr(record, field)


def write(db, items):
    """Write the records; gives them as objects with their ids."""
    places = [SimpleNamespace(id=db.depot_place.insert(name=name), name=name) for name in ("north", "south")]
    tags = [SimpleNamespace(id=db.depot_tag.insert(name=name), name=name) for name in ("red", "blue")]
    written = []
    for item in items:
        place = None if item["place"] is None else places[item["place"]]
        parent = None if item["parent"] is None or item["parent"] >= len(written) else written[item["parent"]]
        data = {name: item[name] for name in ("name", "number", "deleted")}
        record_id = db.depot_item.insert(**data, from_id=place and place.id, parent_id=parent and parent.id)
        comps = [SimpleNamespace(value=value, kind=kind, deleted=deleted) for value, kind, deleted in item["comps"]]
        for comp in comps:
            comp.id = db.depot_comp.insert(item_id=record_id, value=comp.value, kind=comp.kind, deleted=comp.deleted)
        for position, deleted in item["tags"]:
            db.depot_item_tag.insert(item_id=record_id, tag_id=tags[position].id, deleted=deleted)
        linked = [(tags[position], deleted) for position, deleted in item["tags"]]
        written.append(SimpleNamespace(id=record_id, place=place, parent=parent, comps=comps, tags=linked, **data))
    return written


def hiding(field, value):
    return lambda table: table[field] != value


@pytest.fixture(scope="module")
def world(open_depot):
    reset(open_depot)
    return open_depot


def in_order(items, key, is_descending):
    """Without a value first, or last if descending; equal ones by id."""
    items = sorted(items, key=lambda item: item.id)
    known = sorted((item for item in items if key(item) is not None), key=key, reverse=is_descending)
    if is_descending:
        # reversed sorting keeps the order of equal ones
        return [*known, *(item for item in items if key(item) is None)]
    return [*(item for item in items if key(item) is None), *known]


def order_key(oracle, name):
    return lambda item: value_of(oracle.joined("from_id", item)[0] if "$" in name else item, name)


@given(
    items=st.lists(ITEM, min_size=2, max_size=5),
    filters=st.lists(FILTERS, min_size=1, max_size=2),
    hidden=st.lists(st.sampled_from(SECRETS), max_size=2, unique=True),
    order=st.sampled_from(["name", "number", "from_id$name"]),
    is_descending=st.booleans(),
    start=st.integers(0, 3),
    limit=st.integers(1, 3),
    chunk=st.sampled_from([1, 2, 1000]),
)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_way_to_read_finds_the_same_records(world, items, filters, hidden, order, is_descending, start, limit, chunk):
    db, before = world.db, reading.CHUNK
    world.auth.readable = {tablename: hiding(field, value) for tablename, field, value in hidden}
    reading.CHUNK = chunk
    try:
        oracle = Oracle(write(db, items), hidden)
        expected = in_order(oracle.matches(filters), order_key(oracle, order), is_descending)
        check(world, oracle, filters, [item.id for item in expected], f"{order} desc" if is_descending else order, start, limit)
    finally:
        reading.CHUNK = before
        world.auth.readable = {}
        db.rollback()


def make(filters):
    resource = S3Resource("depot_item", filter=build(filters[0]))
    for node in filters[1:]:
        resource.add_filter(build(node))
    return resource


def check(world, oracle, filters, expected, orderby, start, limit):
    resource = make(filters)
    everything = resource.select(["id", "name", "comp.value", "shout"], orderby=orderby)
    page = make(filters).select(["id", "comp.value"], start=start, limit=limit, orderby=orderby, count=True)
    plain_page = make(filters).select(["id"], start=start, limit=limit, orderby=orderby)
    shown = make(filters).select(["id", "comp.value"], orderby=orderby, represent=True, raw_data=True)

    assert [row["depot_item.id"] for row in everything.rows] == everything.ids == expected
    assert everything.numrows == resource.count() == make(filters).count() == len(expected)
    assert (page.ids, page.numrows) == (expected, len(expected))
    assert [row["depot_item.id"] for row in page.rows] == [row["depot_item.id"] for row in plain_page.rows]
    assert [row["depot_item.id"] for row in page.rows] == expected[start : start + limit]
    assert [row.id for row in make(filters).load(orderby=orderby)] == expected
    assert [row["depot_item.id"] for row in shown.rows] == [str(record_id) for record_id in expected]
    values = {item.id: component_values(oracle, item) for item in oracle.items}
    assert [row["depot_comp.value"] for row in everything.rows] == [shape(values[record_id]) for record_id in expected]
    assert [row._row["depot_comp.value"] for row in shown.rows] == [shape(values[record_id]) for record_id in expected]
    assert [row["depot_comp.value"] for row in shown.rows] == [text(values[record_id]) for record_id in expected]
    # the component's own resource, and the values for a sub-select
    components = make(filters).components["comp"].select(["id"], getids=True)
    assert sorted(components.ids) == sorted(
        comp.id for item in oracle.items if item.id in expected for comp in oracle.joined("comp", item) if comp is not None
    )
    found = world.db(world.db.depot_item.id.belongs(make(filters).subselect("id"))).select(world.db.depot_item.id)
    assert sorted(row.id for row in found) == sorted(expected)


def component_values(oracle, item):
    values = [comp and comp.value for comp in oracle.joined("comp", item)]
    return list(dict.fromkeys(values))


def shape(values):
    return values[0] if len(values) == 1 else values


def text(values):
    return ", ".join(value for value in values if value is not None) or "-"
