"""Permission rules: the bits, the rules table, and what the rules of one page or one table come to."""
from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gluon import current

from s3dal import Query, Table

if TYPE_CHECKING:
    from s3.s3aaa.auth import AuthS3

__all__ = ("Acl", "PermissionRules", "covers")

Rule = tuple[int, "str | None", int, int]  # role id, function, uacl, oacl


class Acl(NamedTuple):
    """Bits for any record (uacl) and for records that the user owns (oacl)."""

    uacl: int
    oacl: int

    def __and__(self, other: Acl) -> Acl:
        return Acl(self.uacl & other.uacl, self.oacl & other.oacl)

    @classmethod
    def all(cls) -> Acl:
        return cls(PermissionRules.ALL, PermissionRules.ALL)


def covers(acl: int, required: int) -> bool:
    """Whether all required bits are there; nothing required is covered by nothing."""
    return required > 0 and acl & required == required


class PermissionRules:
    """Reads, merges and writes the rules of s3_permission."""

    CREATE = 0x01
    READ = 0x02
    UPDATE = 0x04
    DELETE = 0x08
    REVIEW = 0x10
    APPROVE = 0x20
    PUBLISH = 0x40
    ALL = 0x7F
    NONE = 0x00

    # A method that is not here needs the right to update
    METHODS = {
        "create": CREATE,
        "import": CREATE,
        "read": READ,
        "list": READ,
        "datatable": READ,
        "datalist": READ,
        "display": READ,
        "search": READ,
        "filter": READ,
        "map": READ,
        "report": READ,
        "timeplot": READ,
        "msg": READ,
        "update": UPDATE,
        "delete": DELETE,
        "review": REVIEW,
        "approve": APPROVE,
        "reject": APPROVE,
        "publish": PUBLISH,
    }

    auth: AuthS3
    uses_function_rules: bool

    @property
    def table(self) -> Table:
        return self.auth.table("s3_permission")

    def forget_rules(self) -> None:
        self._page_rules: dict[str, list[Rule]] = {}
        self._table_rules: dict[str, list[Rule]] = {}

    @classmethod
    def required_acl(cls, methods: str | Iterable[str]) -> int:
        """The bits that these methods need together."""
        names = [methods] if isinstance(methods, str) else methods
        return functools.reduce(operator.or_, (cls.METHODS.get(name, cls.UPDATE) for name in names), cls.NONE)

    @classmethod
    def most_permissive(cls, acls: Iterable[tuple[int, int]]) -> Acl:
        return functools.reduce(lambda a, b: Acl(a.uacl | b[0], a.oacl | b[1]), acls, Acl(cls.NONE, cls.NONE))

    @classmethod
    def most_restrictive(cls, acls: Iterable[tuple[int, int]]) -> Acl:
        return functools.reduce(lambda a, b: Acl(a.uacl & b[0], a.oacl & b[1]), acls, Acl.all())

    def is_admin(self) -> bool:
        admin = self.auth.get_system_roles().ADMIN if self.auth.user else None
        return admin is not None and admin in self.auth.realms

    def page_acl(self, c: str, f: str) -> Acl:
        """What the current roles may do on a page: by the function's rules, else by the controller's, else nothing."""
        rules = self._own(self._rules_for_page(c))
        by_function = [rule for rule in rules if rule[1] == f and self.uses_function_rules]
        return self._merge(by_function or [rule for rule in rules if rule[1] is None])

    def table_acl(self, tablename: str) -> Acl:
        """What the current roles may do with a table; everything if it has no rule at all."""
        rules = self._rules_for_table(tablename)
        return self._merge(self._own(rules)) if rules else Acl.all()

    def table_restricted(self, tablename: str) -> bool:
        """Whether there is a rule for this table, whoever for."""
        return bool(self._rules_for_table(tablename))

    def _own(self, rules: Iterable[Rule]) -> list[Rule]:
        roles = self.auth.realms
        return [rule for rule in rules if rule[0] in roles]

    def _merge(self, rules: Sequence[Rule]) -> Acl:
        return self.most_permissive((rule[2], rule[3]) for rule in rules)

    def _rules_for_page(self, c: str) -> list[Rule]:
        if c not in self._page_rules:
            self._page_rules[c] = self._read_rules(self.table.controller == c)
        return self._page_rules[c]

    def _rules_for_table(self, tablename: str) -> list[Rule]:
        if tablename not in self._table_rules:
            self._table_rules[tablename] = self._read_rules(self.table.tablename == tablename)
        return self._table_rules[tablename]

    def _read_rules(self, query: Query) -> list[Rule]:
        table = self.table
        rows = current.db(query & (table.deleted == False)).select(
            table.group_id, table.function, table.uacl, table.oacl, cacheable=True
        )
        return [(row.group_id, row.function or None, row.uacl or 0, row.oacl or 0) for row in rows]

    # Writing

    def update_acl(
        self,
        group: int | str,
        c: str | None = None,
        f: str | None = None,
        t: str | None = None,
        uacl: int | None = None,
        oacl: int | None = None,
        entity: int | str | None = None,
    ) -> int | None:
        """Set a rule of a role for a page or a table; replaces the one there is.

        Args:
            group: id or UID of the role
            uacl: bits for any record, default none
            oacl: bits for owned records, default as uacl
            entity: the rule is for the records of this entity; "any": for those of all entities

        Returns:
            id of the rule; None without page and table
        """
        key = self._rule_key(group, c, f, t, entity)
        if key is None:
            return None
        uacl = self.NONE if uacl is None else uacl
        bits = {"uacl": uacl, "oacl": uacl if oacl is None else oacl}
        rule = current.db(self._rule_query(key)).select(self.table.id, limitby=(0, 1)).first()
        if rule:
            rule.update_record(**bits)
            rule_id = rule.id
        else:
            rule_id = int(self.table.insert(**key, **bits))
        self.auth.permission.clear_cache()
        return rule_id

    def delete_acl(
        self,
        group: int | str,
        c: str | None = None,
        f: str | None = None,
        t: str | None = None,
        entity: int | str | None = None,
    ) -> None:
        """Archive a rule."""
        key = self._rule_key(group, c, f, t, entity)
        if key is None:
            return
        current.db(self._rule_query(key)).update(
            deleted=True, group_id=None, deleted_fk=json.dumps({"group_id": key["group_id"]})
        )
        self.auth.permission.clear_cache()

    def _rule_key(
        self, group: int | str, c: str | None, f: str | None, t: str | None, entity: int | str | None
    ) -> dict[str, Any] | None:
        if t:
            c = f = None
        if not (c or f or t):
            return None
        role_id = self.auth.find_role_id(group)
        if role_id is None:
            raise ValueError(f"There is no role {group!r}")
        unrestricted = entity == "any"
        return {
            "group_id": role_id,
            "controller": c,
            "function": f,
            "tablename": t,
            "unrestricted": unrestricted,
            "entity": None if unrestricted else entity,
        }

    def _rule_query(self, key: dict[str, Any]) -> Query:
        table = self.table
        query = table.deleted == False
        for name, value in key.items():
            query &= table[name] == value
        return query
