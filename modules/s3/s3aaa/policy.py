"""What permission rules come to: from the rules and the roles of a user to the entities in which the user may do something.

Decides only. The rules come from ``rules``, the records that an entity stands for from ``owners``.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

__all__ = ("ANY", "Acl", "Acls", "Entity", "Grant", "Realms", "Rule", "covers", "find_acls", "find_grant", "is_within")

#: stands for the records of every entity
ANY = "ANY"
ALL_BITS = 0x7F

Entity = int | str
#: {role id: entities for which the role is held, None for everywhere}
Realms = dict[int, "list[int] | None"]


class Acl(NamedTuple):
    """Bits for any record (uacl) and for records that the user owns (oacl)."""

    uacl: int
    oacl: int

    def __and__(self, other: Acl) -> Acl:
        return Acl(self.uacl & other.uacl, self.oacl & other.oacl)

    def __or__(self, other: Acl) -> Acl:
        return Acl(self.uacl | other.uacl, self.oacl | other.oacl)

    @classmethod
    def all(cls) -> Acl:
        return cls(ALL_BITS, ALL_BITS)

    @classmethod
    def none(cls) -> Acl:
        return cls(0, 0)


#: {entity, or ANY: what the user may do with its records}; always with ANY
Acls = dict[Entity, Acl]


class Rule(NamedTuple):
    """One rule of a role: for a controller, a function of it, or a table."""

    role: int
    controller: str | None
    function: str | None
    tablename: str | None
    acl: Acl
    entity: int | None = None
    is_unrestricted: bool = False

    def entities(self, realms: Realms | None) -> Iterable[Entity]:
        """Whose records the rule is about.

        Args:
            realms: of the user; None where the policy knows no realms
        """
        if realms is None or self.is_unrestricted:
            return (ANY,)
        if self.entity:
            return (self.entity,)
        realm = realms[self.role]
        return (ANY,) if realm is None else realm


class Grant(NamedTuple):
    """The entities with whose records the user may do something; None is everywhere.

    Attributes:
        any: with all records of these
        owned: with those records of these that the user owns
    """

    any: frozenset[int] | None
    owned: frozenset[int] | None

    def __bool__(self) -> bool:
        return self.any is None or self.owned is None or bool(self.any or self.owned)

    @classmethod
    def everything(cls) -> Grant:
        return cls(None, None)

    @classmethod
    def nothing(cls) -> Grant:
        return cls(frozenset(), frozenset())


def covers(acl: int, required: int) -> bool:
    """Whether all required bits are there; nothing required is covered by nothing."""
    return required > 0 and acl & required == required


def is_within(realm: int | None, entities: frozenset[int] | None) -> bool:
    """Whether a record of this realm is among the records of these entities; one without realm belongs to each of them."""
    return entities is None or (bool(entities) if realm is None else realm in entities)


def find_acls(
    controller_rules: Sequence[Rule],
    function_rules: Sequence[Rule],
    table_rules: Sequence[Rule],
    *,
    realms: Realms | None,
    is_page_restricted: bool,
    is_table_restricted: bool,
) -> Acls:
    """What these rules of the user's roles permit, for each entity: the rules for the page AND those for the table.

    A function rule replaces the controller rules for the same entity. What is permitted everywhere is permitted in every
    entity. A restricted page or table without a rule permits nothing.
    """
    controller, function = _merge(controller_rules, realms), _merge(function_rules, realms)
    table = _merge(table_rules, realms)

    def page_acl(entity: Entity) -> Acl:
        if not is_page_restricted:
            return Acl.all()
        return function.get(entity, controller.get(entity, Acl.none()))

    def table_acl(entity: Entity) -> Acl:
        return table.get(entity, Acl.none()) if is_table_restricted else Acl.all()

    entities = {ANY, *table}
    if is_page_restricted:
        entities.update(controller, function)
    page_default, table_default = page_acl(ANY), table_acl(ANY)
    return {entity: (page_default | page_acl(entity)) & (table_default | table_acl(entity)) for entity in entities}


def _merge(rules: Iterable[Rule], realms: Realms | None) -> Acls:
    """The most permissive of the rules, for each entity that they are about."""
    merged: Acls = {}
    for rule in rules:
        for entity in rule.entities(realms):
            merged[entity] = merged[entity] | rule.acl if entity in merged else rule.acl
    return merged


def find_grant(acls: Mapping[Entity, Acl], required: int) -> Grant:
    """Where these permit what is required."""
    return Grant(
        _entities_of({entity: acl.uacl for entity, acl in acls.items()}, required),
        _entities_of({entity: acl.oacl for entity, acl in acls.items()}, required),
    )


def _entities_of(bits: Mapping[Entity, int], required: int) -> frozenset[int] | None:
    found = {entity for entity, acl in bits.items() if covers(acl, required)}
    return None if ANY in found else frozenset(entity for entity in found if isinstance(entity, int))
