"""The widget for records that stand below one another."""
from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from gluon import DIV, INPUT, LABEL, LI, SPAN, UL, P, current

from s3.s3fields import S3Represent
from s3.s3filter.controls import control_name
from s3.s3filter.widgets.base import Place, S3FilterWidget, Values, members
from s3.s3filter.widgets.limits import first_keys, listed_hint
from s3.s3filter.widgets.lookup import labels_of, readable_keys, used_values
from s3.s3hierarchy import find_descendants, find_hierarchy, find_paths
from s3.s3query.syntax import write_value
from s3.s3utils import s3_get_foreign_key

__all__ = ("S3HierarchyFilter",)

# no database counts that far
MAX_DIGITS = 10


class S3HierarchyFilter(S3FilterWidget):
    """Records of a hierarchy, drawn as the tree that they form.

    Options:
        leafonly: only records with nothing below them can be chosen (True)
        cascade: to choose a record chooses all that is below it, also what will be (False); with leafonly=False
        represent: of the records; default their names
        lookup: the table of the hierarchy, if the field is no reference to it, such as the record id
        none: label for "no value"; True for the standard one
        no_opts: said when there is nothing to choose
    """

    css_class = "hierarchy-filter"
    is_single = True

    @property
    def operators(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("typeof",) if self._cascades else ("belongs",)

    @property
    def alternatives(self) -> tuple[str, ...]:  # type: ignore[override]
        return () if self._cascades else ("typeof",)

    @property
    def _cascades(self) -> bool:
        return bool(self.opts.get("cascade")) and not self.opts.get("leafonly", True)

    def shows(self, place: Place, variable: str, values: list[str]) -> bool:
        keys = [_key(value) for value in members({variable: values}, variable)]
        is_each = variable in self.variables(place)
        return super().shows(place, variable, values) and all(isinstance(key, int) or (is_each and key != "") for key in keys)

    def row(self, place: Place, values: Values) -> Any:
        controls = self.controls(place, values)
        return "" if controls == "" else self.group(place, controls)

    def controls(self, place: Place, values: Values) -> Any:
        variable = self.variable(place, self.operators[0])
        if variable is None:
            return ""
        chosen = self._chosen(place, values)
        tree = self._tree(place, chosen)
        none = self.opts.get("none")
        labels = {None: current.T("None") if none is True else none} if none else {}
        # what the tree has not, such as a record that the reader may not read, is shown as it is written
        labels.update({key: write_value(key) for key in sorted(chosen - tree.labels.keys() - labels.keys(), key=write_value)})
        if not tree.children and not labels:
            return P(self.opts.get("no_opts") or current.T("No options available"), _class="hint")
        name = control_name(variable)
        listed = first_keys(tree.parents, tree.parents, chosen)
        hint = listed_hint(len(listed), len(tree.parents), f"{self.name(place)}__listed")
        tree = tree.limited(listed)
        boxes = [self._box(place, name, key, label, chosen) for key, label in labels.items()]
        return DIV(self._draw(place, name, tree, None, chosen), *boxes, hint)

    def _chosen(self, place: Place, values: Values) -> set[Any]:
        """The chosen records, None for no value; what is within others is chosen with them where each is chosen by itself."""
        first = self.variable(place, self.operators[0]) or ""
        chosen = {_key(value) for name in (first, control_name(first)) for value in members(values, name)}
        if not self._cascades:
            tops = {key for key in map(_key, members(values, self.variable(place, "typeof"))) if isinstance(key, int)}
            target = self._target(place)
            chosen |= find_descendants(target[0], tops) if target and tops else tops
        return chosen

    def _draw(self, place: Place, name: str, tree: Tree, key: Any, chosen: set[Any]) -> UL:
        items = []
        for child in tree.children.get(key, ()):
            below = self._draw(place, name, tree, child, chosen) if child in tree.children else ""
            is_heading = below != "" and self.opts.get("leafonly", True) and child not in chosen
            label = SPAN(tree.labels[child]) if is_heading else self._box(place, name, child, tree.labels[child], chosen)
            items.append(LI(label, below))
        return UL(*items, _class="tree")

    def _box(self, place: Place, name: str, key: Any, label: Any, chosen: set[Any]) -> DIV:
        box_id = f"{self.name(place)}-{key}"
        box = INPUT(_type="checkbox", _name=name, _id=box_id, _value=write_value(key), value=key in chosen, _class=self.css_class)
        return DIV(box, " ", LABEL(label, _for=box_id), _class="choice")

    # -- what can be chosen --------------------------------------------------------------------------------------------
    def _target(self, place: Place) -> tuple[str, str] | None:
        """The table of the hierarchy, and the key that the field holds."""
        rfield = self.rfield(place)
        if rfield is None or rfield.field is None:
            return None
        tablename, key, _ = s3_get_foreign_key(rfield.field)
        if tablename and key:
            return tablename, key
        lookup = self.opts.get("lookup")
        return (lookup, current.s3db.table(lookup)._id.name) if lookup else None

    def _tree(self, place: Place, chosen: Iterable[Any]) -> Tree:
        source, rfield, target = self.source(place), self.rfield(place), self._target(place)
        if source is None or rfield is None or target is None:
            return Tree({}, {})
        represent = self.opts.get("represent") or S3Represent(lookup=target[0])
        used = used_values(source, rfield, extra=(key for key in chosen if isinstance(key, int)), represent=represent) - {None}
        paths = find_paths(target[0], used) if find_hierarchy(target[0]) else {key: [key] for key in used}
        # what lies above records is shown to those who may read it
        above = {key for path in paths.values() for key in path} - used
        table = current.s3db.table(target[0])
        known = used | readable_keys(table, target[1], above)
        return _grown([[key for key in path if key in known] for path in paths.values()], labels_of(known, represent))

    def ajax_options(self, place: Place) -> dict[str, Any]:
        """{id: [[key, label, key of the record above], ...]}."""
        tree = self._tree(place, ())
        return {self.name(place): [[key, tree.labels[key], parent] for parent, keys in tree.children.items() for key in keys]}


class Tree:
    """Records below one another: the keys below each, those at the top below None; and what they are called."""

    def __init__(self, children: dict[Any, list[Any]], labels: dict[Any, str]) -> None:
        self.children = children
        self.labels = labels

    @property
    def parents(self) -> dict[Any, Any]:
        return {key: parent for parent, keys in self.children.items() for key in keys}

    def limited(self, keys: Container[Any]) -> Tree:
        """The same with these records only."""
        children = {parent: [key for key in below if key in keys] for parent, below in self.children.items()}
        return Tree({parent: below for parent, below in children.items() if below}, self.labels)


def _grown(paths: list[list[Any]], labels: dict[Any, str]) -> Tree:
    parents: dict[Any, Any] = {}
    for path in paths:
        for above, key in zip([None, *path], path, strict=False):
            parents.setdefault(key, above)
    children: dict[Any, list[Any]] = {}
    for key in sorted(parents, key=lambda item: labels[item].lower()):
        children.setdefault(parents[key], []).append(key)
    return Tree(children, labels)


def _key(value: Any) -> Any:
    is_number = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS
    return int(value) if is_number else value
