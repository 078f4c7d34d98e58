"""Resolution of a field selector, like ``contact.value`` or ``location_id$L1``, to a field and the joins that lead to it.

``selector := step* field``, ``step := alias "." | key "$"``, read from left to right; every step changes the current
table. A selector that does not resolve raises S3SelectorError: dropping it would widen a filter (deviation from Eden).
"""
from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gluon import current

from s3.s3error import S3SelectorError
from s3.s3query.client import MAX_STEPS, field_objection, key_objection, table_objection
from s3.s3query.joins import Join
from s3.s3utils import original_name, s3_get_foreign_key
from s3dal import Field, Query, Table

__all__ = ("Path", "Subject", "component_query", "resolve_path")

_SEPARATORS = re.compile(r"([.$])")
_CONTEXT = re.compile(r"\((\w+)\)$")
# Contexts may stand for chains with further contexts; more than this is a circle
MAX_CONTEXTS = 8
# PostgreSQL cuts identifiers after 63 bytes, silently
MAX_ALIAS_LENGTH = 60


class Subject(Protocol):
    """What a selector is resolved for; an S3Resource is one."""

    table: Table
    tablename: str
    alias: str


@dataclass(frozen=True)
class Path:
    """Where a selector leads.

    Attributes:
        table: the table of the field, possibly aliased
        name: name of the field as in the selector
        field: the field; None for a computed one
        virtual: the Field.Method or Field.Virtual of a computed field
        joins: left joins that lead from the subject to the table
        is_multiple: there can be several values per record of the subject
        reached: names of the tables to which steps of a client have led
    """

    table: Table
    name: str
    field: Field | None
    virtual: Any
    joins: tuple[Join, ...]
    is_multiple: bool
    reached: frozenset[str] = frozenset()

    @property
    def colname(self) -> str:
        return f"{self.table._tablename}.{self.name}"


def resolve_path(subject: Subject, selector: str, is_client: bool = False) -> Path:
    """Resolve a selector.

    Args:
        is_client: the selector comes from outside, and may reach only what clients may filter by. What a context stands
            for is code, and free to lead anywhere; what a client appends to it is not.

    Raises:
        S3SelectorError: it is malformed, or names something that the tables do not have or that clients may not reach
    """
    if isinstance(selector, str) and selector[:2] == "~.":
        # as most are: nothing to follow, nothing to check
        name = selector[2:]
        if name in subject.table.fields:
            return Path(subject.table, name, subject.table[name], None, (), False)
    return _Resolver(subject, selector, is_client).resolve()


class _Resolver:
    """One pass over the tokens of a selector."""

    def __init__(self, subject: Subject, selector: str, is_client: bool) -> None:
        self.selector = selector
        self.is_client = is_client
        # how many of the next tokens come from contexts; whether the present one comes from a client
        self.configured = 0
        self.is_checked = is_client
        self.is_component = False
        self.reached: set[str] = set()
        self.subject = subject
        self.master = subject.table
        self.master_alias = subject.alias
        self.table = subject.table
        self.steps: list[str] = []
        self.joins: list[Join] = []
        self.is_multiple = False
        self.contexts = 0
        self.tokens = _SEPARATORS.split(selector) if isinstance(selector, str) else [""]

    def resolve(self) -> Path:
        while True:
            self.is_checked = self.is_client and not self.configured
            name = self._next_token()
            if name.startswith("("):
                self._expand_context(name)
                continue
            if not self.tokens:
                return self._end(name)
            separator = self._next_token()
            if not name:
                raise self._error("has an empty step")
            if separator == "$":
                self._follow_key(name)
            else:
                self._enter(name)

    def _next_token(self) -> str:
        self.configured = max(self.configured - 1, 0)
        return self.tokens.pop(0)

    def _object(self, objection: str | None) -> None:
        if objection:
            raise self._error(objection)

    def _error(self, reason: str) -> S3SelectorError:
        return S3SelectorError(
            f"Field selector {self.selector!r} {reason} (table {original_name(self.master)})", selector=self.selector
        )

    @property
    def _tablename(self) -> str:
        return original_name(self.table)

    def _expand_context(self, token: str) -> None:
        match = _CONTEXT.match(token)
        contexts = current.s3db.get_config(self._tablename, "context") or {}
        replacement = contexts.get(match.group(1)) if match else None
        self.contexts += 1
        if not replacement or self.contexts > MAX_CONTEXTS:
            raise self._error(f"uses the context {token} that {self._tablename} does not define")
        tokens = _SEPARATORS.split(replacement)
        self.configured += len(tokens)
        self.tokens[:0] = tokens

    def _end(self, name: str) -> Path:
        if not name:
            raise self._error("does not end with a field")
        field, virtual = self._find_field(name)
        if self.is_checked and self.joins:
            self._object(table_objection(original_name(self.master), self._tablename))
            original = current.db[self._tablename][field.name] if field is not None else None
            self._object(field_objection(original_name(self.master), self._tablename, name, original, self.is_component))
        return Path(self.table, name, field, virtual, tuple(self.joins), self.is_multiple, frozenset(self.reached))

    def _find_field(self, name: str) -> tuple[Field | None, Any]:
        if name == "id":
            return self.table._id, None
        name = "uuid" if name == "uid" else name
        if name in self.table.fields:
            return self.table[name], None
        for virtual in (*self.table._virtual_methods, *self.table._virtual_fields):
            if virtual.name == name:
                return None, virtual
        raise self._error(f"names the field {name!r} that {self._tablename} does not have")

    def _follow_key(self, name: str) -> None:
        self._check_step(name)
        if name not in self.table.fields:
            raise self._error(f"names the key {name!r} that {self._tablename} does not have")
        # pseudo references are declared for the table, not for its alias
        original = current.db[self._tablename][name]
        tablename, key = _reference(original)
        target = current.s3db.table(tablename, db_only=True) if tablename else None
        if target is None:
            raise self._error(f"follows {name!r} that is no reference to an available table")
        self.steps.append(name)
        if self._is_ambiguous(original, target):
            target = self._aliased(target)
        self.is_component = False
        self._join(target, self.table[name] == target[key])

    def _is_ambiguous(self, key: Field, target: Table) -> bool:
        """Whether the target could be reached on another path as well and so needs an alias of its own."""
        if self.joins or target._tablename == self.master._tablename:
            return True
        keys = _keys_to(current.db[self._tablename], target)
        return key.name not in keys or len(keys) > 1

    def _enter(self, name: str) -> None:
        if name == "~" or (not self.steps and name == self.master_alias):
            return
        self._check_step(name)
        self.is_component = True
        component = current.s3db.get_component(self._tablename, name)
        if component is not None:
            self._join_component(name, component)
            return
        if self._enter_linked(name) or self._enter_link(name):
            return
        if self.is_checked:
            raise self._error(f"names {name!r} that is no component of {self._tablename}")
        self._join_freely(name)

    def _join_component(self, name: str, component: Any, is_link_only: bool = False) -> None:
        self.steps.append(name)
        self.is_multiple = True
        table = component.table
        if self._is_component_ambiguous(component):
            table = self._aliased(current.db[original_name(table)])
        is_aliased = table._tablename != original_name(table)
        restriction = component_query(component, table, self.table)
        if component.linktable is None:
            self._join(table, _both(self.table[component.pkey] == table[component.fkey], _not_deleted(table), restriction))
            return
        link = self._join_link(component, is_aliased)
        if not is_link_only:
            self._join(table, _both(link[component.rkey] == table[component.fkey], restriction))

    def _is_component_ambiguous(self, component: Any) -> bool:
        """Whether the table of a component could be reached on another path as well and so needs an alias of its own."""
        table = component.table
        if self.joins or table._tablename == self.master._tablename:
            return True
        if table._tablename != original_name(table):
            # it has one already
            return False
        master = current.db[self._tablename]
        if _keys_to(master, table):
            return True
        # of several components of a table the one that is called like it goes without
        return component.alias != component.name and any(
            hook.filterby is None and table._tablename in (hook.tablename, _link_name(hook))
            for alias, hook in current.s3db.get_hooks(master)[1].items()
            if alias != component.alias
        )

    def _is_link_ambiguous(self, component: Any) -> bool:
        """Whether the link table of a component has another key to this one, by which it could be joined as well."""
        return len(_keys_to(component.linktable, current.db[self._tablename])) > 1

    def _join_link(self, component: Any, is_aliased: bool) -> Table:
        link = component.linktable
        if is_aliased or self._is_link_ambiguous(component):
            link = self._aliased(link)
        on = _both(self.table[component.pkey] == link[component.lkey], _not_deleted(link))
        self._reach(link)
        self.joins.append(Join((*self.steps, "link"), link, on, is_link=True))
        return link

    def _enter_link(self, name: str) -> bool:
        alias = current.s3db.get_alias(self._tablename, name)
        component = current.s3db.get_component(self._tablename, alias) if alias else None
        if component is None or component.linktable is None:
            return False
        self._join_component(alias, component, is_link_only=True)
        # a target like any other, whose fields may be seen by who may read it
        self.joins[-1] = replace(self.joins[-1], is_link=False)
        self.table = self.joins[-1].table
        return True

    def _enter_linked(self, name: str) -> bool:
        """From the link table of a component, that of a resource which is one, to the component."""
        linked = None if self.steps else getattr(self.subject, "linked", None)
        if linked is None or name != linked.alias:
            return False
        self.steps.append(name)
        table = current.db[linked.tablename]
        if len(_keys_to(current.db[self._tablename], table)) > 1 or table._tablename == self.master._tablename:
            table = self._aliased(table)
        self._join(table, self.table[linked.rkey] == table[linked.fkey])
        return True

    def _join_freely(self, name: str) -> None:
        keyname, _, tablename = name.rpartition(":")
        table = current.s3db.table(tablename, db_only=True) if "_" in tablename else None
        # the full name of the own table means no field of the record itself, and is not to mean those of its children
        if table is None or (not keyname and tablename == self._tablename):
            raise self._error(f"names {name!r} that is no component of {self._tablename}")
        keys = _keys_to(table, self.table)
        if keyname:
            keys = [key for key in keys if key == keyname]
        if len(keys) != 1:
            raise self._error(f"joins {tablename} that has {len(keys)} keys {keyname} to {self._tablename}")
        self.steps.append(name)
        self.is_multiple = True
        if self.joins or keyname or self._is_free_join_ambiguous(table):
            table = self._aliased(table)
        target_key = _reference(current.db[tablename][keys[0]])[1]
        self._join(table, _both(table[keys[0]] == self.table[target_key], _not_deleted(table)))

    def _is_free_join_ambiguous(self, table: Table) -> bool:
        master = current.db[self._tablename]
        if table._tablename == master._tablename or _keys_to(master, table):
            return True
        hooks = current.s3db.get_hooks(master)[1].values()
        # the link table of a component is joined by its only key in either way
        return any(hook.filterby is None and hook.tablename == table._tablename for hook in hooks)

    def _check_step(self, name: str) -> None:
        if self.is_client and len(self.steps) >= MAX_STEPS:
            raise self._error(f"has more than {MAX_STEPS} steps")
        if self.is_checked and self.joins:
            self._object(key_objection(original_name(self.master), self._tablename, name))

    def _reach(self, table: Table) -> None:
        if self.is_checked:
            self._object(table_objection(original_name(self.master), original_name(table)))
            self.reached.add(original_name(table))

    def _join(self, table: Table, on: Query) -> None:
        self._reach(table)
        self.joins.append(Join(tuple(self.steps), table, on))
        self.table = table

    def _aliased(self, table: Table) -> Table:
        """Alias of a table that is the same whenever it is reached by the same steps."""
        prefix, _, name = original_name(table).partition("_")
        steps = "__".join(re.sub(r"\W", "_", step) for step in self.steps)
        alias = f"{prefix}_{steps}_{name}"
        if len(alias) > MAX_ALIAS_LENGTH or alias in current.db.tables:
            digest = hashlib.sha256("/".join((original_name(table), *self.steps)).encode()).hexdigest()[:8]
            alias = f"{alias[: MAX_ALIAS_LENGTH - 9]}_{digest}"
        return table.with_alias(alias)


def component_query(component: Any, table: Table, master: Table) -> Query | None:
    """The condition that makes a component of some records of its table, for example the contacts that are e-mails.

    Args:
        table: the component's table as it stands in the query
        master: the table that the component belongs to, as it stands in the query
    """
    filterby = component.filterby
    if not filterby:
        return None
    if callable(filterby):
        return filterby(table)
    query: Query | None = None
    for name, value in filterby.items():
        condition = _filter_condition(table[name], value, master)
        if condition is not None:
            query = condition if query is None else query & condition
    return query


def _filter_condition(field: Field, value: Any, master: Table) -> Query | None:
    if isinstance(value, (list, tuple, set)):
        values = list(value)
        if not values:
            return None
        return field == values[0] if len(values) == 1 else field.belongs(values)
    if hasattr(value, "resolve"):
        return field == master[value.name.rpartition(".")[2]]
    return field == value


def _keys_to(table: Table, target: Table) -> list[str]:
    """Names of the fields of table that refer to target."""
    name = original_name(target)
    get_config = current.s3db.get_config
    pseudo = get_config(table, "references") or {}
    claimed = [fname for tname, fname in get_config(target, "referenced_by") or () if tname == original_name(table)]
    # by name alone: s3_get_foreign_key would load the model of every table that is referred to
    reference, super_reference = f"reference {name}", f"reference {name}."
    keys = [field.name for field in table if field.type == reference or field.type.startswith(super_reference)]
    if not pseudo and not claimed:
        return keys
    return [fname for fname in table.fields if fname in keys or fname in claimed or pseudo.get(fname) == name]


def _reference(field: Field) -> tuple[str | None, str | None]:
    """The table and the key that a field refers to; also by declaration of that table alone."""
    tablename, key, _ = s3_get_foreign_key(field, m2m=False)
    if tablename:
        return tablename, key
    position = (original_name(field.table), field.name)
    for other, config in current.s3db.store.config.items():
        if any(tuple(item) == position for item in config.get("referenced_by") or ()):
            return other, current.s3db.table(other, db_only=True)._id.name
    return None, None


def _link_name(hook: Any) -> str | None:
    return original_name(hook.link) if hook.link else None


def _not_deleted(table: Table) -> Query | None:
    return (table.deleted == False) if "deleted" in table.fields else None


def _both(*queries: Query | None) -> Query:
    result: Query | None = None
    for query in queries:
        if query is not None:
            result = query if result is None else result & query
    assert result is not None
    return result
