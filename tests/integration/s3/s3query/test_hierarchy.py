"""Hierarchies: everything below a record, and the way to it from the top."""
from __future__ import annotations

import pytest
from bare import counted_queries

from s3.s3error import S3ModelError
from s3.s3hierarchy import find_descendants, find_hierarchy, find_paths


@pytest.fixture
def tree(depot):
    """a > b > (c, d > e), f; gives {name: id}."""
    depot.s3db.configure("depot_item", hierarchy="parent_id")
    ids = {}
    for name, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "b"), ("e", "d"), ("f", None)):
        ids[name] = depot.db.depot_item.insert(name=name, parent_id=ids.get(parent), status=name)
    return ids


@pytest.fixture
def linked(depot):
    """The same by the link table: an item is tagged with the items above it; gives {name: id}."""
    db = depot.db
    depot.s3db.add_components("depot_item", depot_item={"name": "above", "link": "depot_bond", "joinby": "lower_id", "key": "upper_id"})
    depot.s3db.configure("depot_item", hierarchy=("above__link.upper_id", "status"))
    ids = {name: db.depot_item.insert(name=name, status=name) for name in "abcdef"}
    for lower, upper in (("b", "a"), ("c", "b"), ("d", "b"), ("e", "d")):
        db.depot_bond.insert(lower_id=ids[lower], upper_id=ids[upper])
    return ids


def keys(ids, names):
    return {ids[name] for name in names}


@pytest.mark.parametrize("kind", ["tree", "linked"])
@pytest.mark.parametrize(("top", "names"), [("a", "abcde"), ("b", "bcde"), ("d", "de"), ("e", "e"), ("f", "f"), ("df", "def"), ("", "")])
def test_descendants_are_the_record_and_everything_below(request, depot, kind, top, names):
    ids = request.getfixturevalue(kind)

    assert find_descendants("depot_item", keys(ids, top)) == keys(ids, names)


@pytest.mark.parametrize("kind", ["tree", "linked"])
def test_path_leads_from_the_top_to_the_record(request, depot, kind):
    ids = request.getfixturevalue(kind)

    found = find_paths("depot_item", keys(ids, "aecf"))

    assert found == {ids[path[-1]]: [ids[name] for name in path] for path in ("a", "abde", "abc", "f")}


def test_one_query_answers_for_any_number_of_records(depot, tree):
    with counted_queries(depot.db) as sent:
        find_descendants("depot_item", tree.values())
        find_paths("depot_item", tree.values())

    assert len(sent) == 2


@pytest.mark.parametrize(("upper", "circle"), [("e", "abcde"), ("a", "abcde")])
def test_circle_of_parents_ends(depot, tree, upper, circle):
    depot.db(depot.db.depot_item.id == tree["a"]).update(parent_id=tree[upper])

    assert find_descendants("depot_item", [tree["a"]]) == keys(tree, circle)
    path = find_paths("depot_item", [tree["e"]])[tree["e"]]
    assert path[-1] == tree["e"] and len(set(path)) == len(path)


def test_archived_records_are_not_below(depot, tree):
    depot.db(depot.db.depot_item.id == tree["d"]).update(deleted=True)

    assert find_descendants("depot_item", [tree["a"]]) == keys(tree, "abc")


def test_archived_links_do_not_count(depot, linked):
    depot.db(depot.db.depot_bond.lower_id == linked["d"]).update(deleted=True)

    assert find_descendants("depot_item", [linked["a"]]) == keys(linked, "abc")
    assert find_paths("depot_item", [linked["e"]]) == {linked["e"]: [linked["d"], linked["e"]]}


def test_of_several_parents_the_one_with_the_lowest_key_counts(depot, linked):
    depot.db.depot_bond.insert(lower_id=linked["e"], upper_id=linked["f"])

    assert find_paths("depot_item", [linked["e"]])[linked["e"]] == [linked[name] for name in "abde"]
    assert find_descendants("depot_item", [linked["f"]]) == keys(linked, "ef")


def test_descendants_of_a_category(linked):
    assert find_descendants("depot_item", [linked["a"]], category="d") == {linked["d"]}


def test_table_without_a_hierarchy_has_nothing_below_its_records(depot):
    assert find_hierarchy("depot_place") is None
    assert find_descendants("depot_place", [1, 2]) == {1, 2}
    assert find_paths("depot_place", [1]) == {1: [1]}


def test_unknown_record_stands_alone(tree):
    assert find_descendants("depot_item", [999]) == {999}
    assert find_paths("depot_item", [999]) == {999: [999]}


@pytest.mark.parametrize("declared", ["nope", "name", "from_id", "nope.item_id", "comp.item_id", "tag__link.nope", ("parent_id", "nope")])
def test_wrong_declaration_names_the_table_and_itself(depot, declared):
    depot.s3db.configure("depot_item", hierarchy=declared)

    with pytest.raises(S3ModelError, match="depot_item: hierarchy .*nope|depot_item: hierarchy") as error:
        find_descendants("depot_item", [1])

    assert repr(declared) in str(error.value)


def test_many_roots_are_looked_up_in_few_queries(depot, tree):
    with counted_queries(depot.db) as sent:
        found = find_descendants("depot_item", range(1, 2501))

    assert len(sent) == 3
    assert len(found) == 2500
