"""Permission rules: the bits, the rules table, and which of its rules are about the user of this request."""
from __future__ import annotations

import functools
import json
import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gluon import current

from s3.s3aaa.policy import Acl, Acls, Realms, Rule, find_acls
from s3.s3aaa.realm import sql_boolean, sql_list
from s3dal import Query, Table

if TYPE_CHECKING:
    from s3.s3aaa.auth import AuthS3

__all__ = ("PermissionRules",)


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
    uses_table_rules: bool
    uses_realms: bool

    @property
    def table(self) -> Table:
        return self.auth.table("s3_permission")

    def forget_rules(self) -> None:
        # {controller: rules}, {table: rules}, both of the user's roles alone; the tables that have a rule for anyone
        self._rules: tuple[dict[str, list[Rule]], dict[str, list[Rule]], set[str]] | None = None

    @classmethod
    def required_acl(cls, methods: str | Iterable[str]) -> int:
        """The bits that these methods need together."""
        names = [methods] if isinstance(methods, str) else methods
        return functools.reduce(operator.or_, (cls.METHODS.get(name, cls.UPDATE) for name in names), cls.NONE)

    @classmethod
    def most_permissive(cls, acls: Iterable[tuple[int, int]]) -> Acl:
        return functools.reduce(operator.or_, (Acl(*acl) for acl in acls), Acl.none())

    @classmethod
    def most_restrictive(cls, acls: Iterable[tuple[int, int]]) -> Acl:
        return functools.reduce(operator.and_, (Acl(*acl) for acl in acls), Acl.all())

    def is_admin(self) -> bool:
        admin = self.auth.get_system_roles().ADMIN if self.auth.user else None
        return admin is not None and admin in self.auth.realms

    @property
    def realms(self) -> Realms | None:
        """The realms of the user's roles; None if the policy knows none."""
        return self.auth.realms if self.uses_realms else None

    def find_acls(self, c: str, f: str, tablename: str | None, is_page_restricted: bool) -> Acls:
        """What the current roles may do on a page, or with a table on it, for each entity."""
        rules_of_page: list[Rule] = []
        rules_of_table: list[Rule] = []
        if is_page_restricted:
            rules_of_page = self.own_rules[0].get(c, [])
        if tablename and self.uses_table_rules:
            rules_of_table = self.own_rules[1].get(tablename, [])
        return find_acls(
            [rule for rule in rules_of_page if rule.function is None],
            [rule for rule in rules_of_page if rule.function == f] if self.uses_function_rules else [],
            rules_of_table,
            # where no rule counts nobody needs to know the roles, which may not have been read yet
            realms=self.realms if rules_of_page or rules_of_table else None,
            is_page_restricted=is_page_restricted,
            is_table_restricted=bool(tablename) and self.table_restricted(tablename),
        )

    def table_restricted(self, tablename: str | None) -> bool:
        """Whether there is a rule for this table, whoever for: then everybody needs one."""
        return self.uses_table_rules and tablename in self.own_rules[2]

    @property
    def own_rules(self) -> tuple[dict[str, list[Rule]], dict[str, list[Rule]], set[str]]:
        if self._rules is None:
            self._rules = self._read_rules()
        return self._rules

    def _read_rules(self) -> tuple[dict[str, list[Rule]], dict[str, list[Rule]], set[str]]:
        """All rules that this request can need, with one query."""
        roles = self.auth.realms
        pages: dict[str, list[Rule]] = {}
        tables: dict[str, list[Rule]] = {}
        restricted: set[str] = set()
        concerned = f"group_id IN ({sql_list(roles)})" + (" OR tablename IS NOT NULL" if self.uses_table_rules else "")
        # not by the DAL: every request for a restricted page comes here, and to define the table and to make Rows of
        # hundreds of rules takes it longer than all the rest
        rows = current.db.executesql(
            'SELECT group_id, controller, "function", tablename, uacl, oacl, entity, unrestricted '
            f"FROM s3_permission WHERE deleted = {sql_boolean(False)} AND ({concerned})"
        )
        for role, controller, function, tablename, uacl, oacl, entity, unrestricted in rows:
            if tablename:
                restricted.add(tablename)
            if role in roles:
                acl = Acl(uacl or 0, oacl or 0)
                rule = Rule(role, controller, function or None, tablename, acl, entity, unrestricted in ("T", True, 1))
                target, name = (tables, tablename) if tablename else (pages, controller)
                target.setdefault(name, []).append(rule)
        return pages, tables, restricted

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
        delete: bool = False,
    ) -> int | None:
        """Set a rule of a role for a page or a table; replaces the one there is.

        Args:
            group: id or UID of the role
            uacl: bits for any record, default none
            oacl: bits for owned records, default as uacl
            entity: the rule is for the records of this entity, whatever the realm of the role; "any": for those of all entities
            delete: archive the rule instead

        Returns:
            id of the rule; None without page and table, or archived

        Raises:
            ValueError: there is no such role
        """
        key = self._rule_key(group, c, f, t, entity)
        if key is None:
            return None
        if delete:
            self.delete_acl(group, c=c, f=f, t=t, entity=entity)
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
