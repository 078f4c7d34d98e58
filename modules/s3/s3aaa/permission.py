"""S3Permission: may the user of this request do this, and which records does that cover.

Rules (table s3_permission) give a role bits for a page (controller, function) or for a table. What a policy takes into account:

====== ==================== ===========================================================
policy rules                without a rule
====== ==================== ===========================================================
1      none                 everybody reads, every logged-in user changes
2      none                 everybody reads, editors and owners change
3      controller           restricted pages are closed
4      controller, function same
5      also table           same; a table that has a rule for anyone needs one for everyone
6      same, for the realms same; records of other entities are closed, those of no entity belong to all
       that a role is held for
7      same, and for all    same
       entities below them
====== ==================== ===========================================================

One thing decides both about a record and about which records are found: the ``Grant`` of ``policy``. All rules of a request
are read with one query.
"""
from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from gluon import current
from gluon.html import URL
from gluon.http import HTTP, redirect

from s3.s3aaa.owners import Owners
from s3.s3aaa.policy import Acl, Acls, Grant, covers, find_grant, is_within
from s3.s3aaa.realm import find_ancestors, person_below
from s3.s3aaa.rules import PermissionRules
from s3.s3error import S3ConfigError
from s3.s3utils import original_name
from s3cfg import SettingError
from s3dal import Query, Row, Table

if TYPE_CHECKING:
    from s3.s3aaa.auth import AuthS3

__all__ = ("S3Permission",)

Method = str | Sequence[str]

SUPPORTED_POLICIES = (1, 2, 3, 4, 5, 6, 7)

# Visitors must reach these to log in or to learn what this is
OPEN_PAGES = frozenset(("default", function) for function in ("index", "user", "contact", "about", "unsubscribe"))
# The generic table browser bypasses what controllers add
CLOSED_PAGES = frozenset((("default", "tables"), ("default", "table")))


class S3Permission(Owners, PermissionRules):
    """Permission decisions for the user, the page and the format of this request."""

    def __init__(self, auth: AuthS3) -> None:
        settings = current.deployment_settings
        self.auth = auth
        self.policy = _supported_policy(settings)
        self.strict_ownership: bool = bool(settings.get_security_strict_ownership())
        self.uses_rules = self.policy >= 3
        self.uses_function_rules = self.policy >= 4
        self.uses_table_rules = self.policy >= 5
        self.uses_realms = self.policy >= 6
        self.uses_hierarchy = self.policy >= 7
        self._controller: str | None = None
        self._function: str | None = None
        self._format: str | None = None
        self.clear_cache()

    def clear_cache(self) -> None:
        """Forget rules and decisions: roles, rules or user have changed."""
        self.forget_rules()
        self._decisions: dict[tuple[Any, ...], bool] = {}
        self._acls: dict[tuple[str, str, str | None], Acls] = {}
        self._ancestors: dict[int, set[int]] = {}

    def forget(self, table: Table | str, record_id: Any = None) -> None:
        """Forget the decisions about a table, or about one record of it: its owner or approval has changed."""
        tablename = original_name(table)
        self._decisions = {
            key: permitted
            for key, permitted in self._decisions.items()
            if key[3] != tablename or (record_id is not None and str(key[4]) != str(record_id))
        }

    # The request that is decided about; settable, to decide as if it were another page

    @property
    def controller(self) -> str:
        return self._controller or current.request.controller or "default"

    @controller.setter
    def controller(self, controller: str | None) -> None:
        self._controller = controller

    @property
    def function(self) -> str:
        return self._function or current.request.function or "index"

    @function.setter
    def function(self, function: str | None) -> None:
        self._function = function

    @property
    def format(self) -> str:
        """Lower-case format of the request: URL variable, else extension of the last argument that has one, else of the page."""
        return self._format or _requested_format(current.request)

    @format.setter
    def format(self, extension: str | None) -> None:
        self._format = extension

    # Decisions

    def has_permission(
        self,
        method: Method,
        c: str | None = None,
        f: str | None = None,
        t: Table | str | None = None,
        record: Any = None,
    ) -> bool:
        """Whether the current user may do this on a page, with a table there, with one record of it.

        Args:
            method: name, or several of which one must be permitted
            c, f: controller and function, default those of the request
            t: Table or table name
            record: id or Row; None or 0 for "some record"
        """
        if self.auth.override:
            return True
        if not isinstance(method, str):
            return any(self.has_permission(name, c=c, f=f, t=t, record=record) for name in method)
        tablename = None if t is None else original_name(t)
        record_id = record.get("id") if isinstance(record, (Row, dict)) else record
        key = (method, c or self.controller, f or self.function, tablename, record_id or None)
        if key not in self._decisions:
            self._decisions[key] = self._decide(*key)
        return self._decisions[key]

    def _decide(self, method: str, c: str, f: str, tablename: str | None, record_id: Any) -> bool:
        if self.is_admin():
            permitted = True
        elif self.uses_rules:
            permitted = self._rules_permit(method, c, f, tablename, record_id)
        elif self.policy == 2 and tablename and self.required_acl(method) != self.READ:
            permitted = self._may_edit(self.find_table(tablename), record_id)
        else:
            permitted = self._page_permits(method, c, f, in_table=tablename is not None)
        if permitted and tablename and record_id:
            return self._approval_permits(method, self.find_table(tablename), record_id)
        return permitted

    def _rules_permit(self, method: str, c: str, f: str, tablename: str | None, record_id: Any) -> bool:
        grant = self.find_grant(method, c, f, tablename)
        if not (grant and tablename and record_id) or grant.any is None:
            return bool(grant)
        table = self.find_table(tablename)
        owners = self.get_owners(table, record_id)
        realm = owners[0] if self.uses_realms else None
        if self._is_in_realm(realm, grant.any):
            return True
        return self._is_in_realm(realm, grant.owned) and self.is_owner(table, record_id, owners, strict=self.strict_ownership)

    def _is_in_realm(self, realm: int | None, entities: frozenset[int] | None) -> bool:
        """Whether a record of this realm is among the records of these entities. With a hierarchy, persons belong to all above them."""
        if is_within(realm, entities):
            return True
        if not (self.uses_hierarchy and realm and entities):
            return False
        if realm not in self._ancestors:
            self._ancestors[realm] = find_ancestors(realm)
        return not entities.isdisjoint(self._ancestors[realm])

    def _page_permits(self, method: str, c: str, f: str, in_table: bool) -> bool:
        if self.auth.user or self.required_acl(method) == self.READ:
            return True
        return not in_table and not self.page_restricted(c, f)

    @staticmethod
    def find_table(tablename: str) -> Table | None:
        db = current.db
        return db[tablename] if tablename in db else current.s3db.table(tablename)

    def applicable_acls(self, racl: int, c: str | None = None, f: str | None = None, t: str | None = None) -> dict[int | str, Acl]:
        """What the roles of the current user permit here: {entity, or "ANY": Acl}, of those that cover the bits at all."""
        acls = self._acls_of(c or self.controller, f or self.function, t)
        return {entity: acl for entity, acl in acls.items() if covers(acl.uacl, racl) or covers(acl.oacl, racl)}

    def find_grant(self, method: Method, c: str | None = None, f: str | None = None, t: str | None = None) -> Grant:
        """Where the roles of the current user permit this, on a page or with a table there. For the policies with rules."""
        if self.auth.override or self.is_admin():
            return Grant.everything()
        return find_grant(self._acls_of(c or self.controller, f or self.function, t), self.required_acl(method))

    def _acls_of(self, c: str, f: str, tablename: str | None) -> Acls:
        key = (c, f, tablename)
        if key not in self._acls:
            self._acls[key] = self.find_acls(c, f, tablename, self.page_restricted(c, f))
        return self._acls[key]

    def permitted_realms(
        self, tablename: str, method: str = "read", c: str | None = None, f: str | None = None
    ) -> list[int] | None:
        """Entities with all records of which the current user may do this; None is everywhere, [] nowhere."""
        if not self.uses_realms:
            return None if self.has_permission(method, c=c, f=f, t=tablename) else []
        entities = self.find_grant(method, c, f, tablename).any
        return None if entities is None else sorted(entities)

    def page_restricted(self, c: str | None = None, f: str | None = None) -> bool:
        """Whether a page needs a rule. A controller that is not in settings.modules does: it is not meant to be used."""
        page = (c or self.controller, f or self.function)
        if page in OPEN_PAGES:
            return False
        if page in CLOSED_PAGES:
            return True
        module = current.deployment_settings.modules.get(page[0])
        return module is None or module.get("restricted") is not False

    # Record filters

    def accessible_query(
        self,
        method: Method,
        table: Table,
        c: str | None = None,
        f: str | None = None,
        deny: bool = True,
    ) -> Query | None:
        """The query for those records of a table (master or joined) with which the current user may do this.

        Args:
            deny: when there are none: True for a query that finds nothing, False for None
        """
        nothing = (table._id == 0) if deny else None
        if self.auth.override:
            return table._id > 0
        if not isinstance(method, str):
            queries = [self.accessible_query(name, table, c, f, deny=False) for name in method]
            queries = [query for query in queries if query is not None]
            return functools.reduce(operator.or_, queries) if queries else nothing
        query = self._permitted_records(method, table, c, f)
        if query is None:
            return nothing
        approval = self._approval_query(method, table)
        return query if approval is None else approval & query

    def _permitted_records(self, method: str, table: Table, c: str | None, f: str | None) -> Query | None:
        everything = table._id > 0
        if self.is_admin():
            return everything
        required = self.required_acl(method)
        if not self.uses_rules:
            return everything if required == self.READ else self._editable_records(table)
        grant = self.find_grant(method, c, f, original_name(table))
        if grant.any is None or (grant.any and not self._has_realm(table)):
            return everything
        queries = [self._realm_query(table, grant.any)] if grant.any else []
        if grant.owned is None or grant.owned:
            owned = self.owner_query(table, strict=self.strict_ownership)
            if owned is not None and grant.owned is not None and self._has_realm(table):
                owned &= self._realm_query(table, grant.owned)
            if owned is not None:
                queries.append(owned)
        return functools.reduce(operator.or_, queries) if queries else None

    def _has_realm(self, table: Table) -> bool:
        return self.uses_realms and "realm_entity" in table.fields

    def _realm_query(self, table: Table, entities: frozenset[int]) -> Query:
        """The query for the records of these entities, and for those of none."""
        realm = table.realm_entity
        query = realm.belongs(sorted(entities)) | (realm == None)
        return query | realm.belongs(person_below(realm, sorted(entities))) if self.uses_hierarchy else query

    def _editable_records(self, table: Table) -> Query | None:
        """Records that may be changed under the policies without rules."""
        user = self.auth.user
        if user is None:
            return None
        if self.policy == 1 or self.auth.s3_has_role("EDITOR"):
            return table._id > 0
        return table.owned_by_user == user.id if "owned_by_user" in table.fields else None

    def _may_edit(self, table: Table | None, record_id: Any) -> bool:
        """Under the editor policy: everybody who is logged in creates, editors and owners change."""
        user = self.auth.user
        if user is None:
            return False
        if not record_id or self.auth.s3_has_role("EDITOR"):
            return True
        return self.get_owners(table, record_id)[2] == user.id

    def ownership_required(self, method: Method, table: Table, c: str | None = None, f: str | None = None) -> bool:
        """Whether the current user may do this, if at all, only with some records: those that the user owns or of some entities."""
        owner_fields = {"owned_by_user", "owned_by_group"} & set(table.fields)
        if not self.uses_rules or not owner_fields:
            return False
        entities = self.find_grant(method, c, f, original_name(table)).any
        return not (entities is None or (entities and not self._has_realm(table)))

    # Approval

    def approved(self, table: Table, record: Any) -> bool:
        """Whether a record (id or Row) is approved, or needs no approval."""
        return self._is_approved(table, record) if self._has_approval(table) else True

    def unapproved(self, table: Table, record: Any) -> bool:
        """Whether a record (id or Row) waits for approval."""
        return not self.approved(table, record)

    def _has_approval(self, table: Table | None) -> bool:
        return table is not None and "approved_by" in table.fields and self.requires_approval(table)

    @staticmethod
    def _is_approved(table: Table, record: Any) -> bool:
        if not isinstance(record, (Row, dict)) or "approved_by" not in record:
            record_id = record[table._id.name] if isinstance(record, (Row, dict)) else record
            record = current.db(table._id == record_id).select(table.approved_by, limitby=(0, 1)).first()
        return record is not None and record["approved_by"] is not None

    def requires_approval(self, table: Table | str) -> bool:
        """Whether records of this table are visible to others only once they are approved."""
        settings = current.deployment_settings
        if not settings.get_auth_record_approval():
            return False
        tablename = original_name(table)
        required_for = settings.get_auth_record_approval_required_for()
        if required_for is not None:
            return tablename in required_for
        return bool(current.s3db.get_config(tablename, "requires_approval"))

    def set_default_approver(self, table: Table, force: bool = False) -> None:
        """Set who new records of this table are approved by; None leaves them to be reviewed, 0 is the system."""
        if "approved_by" not in table.fields:
            return
        settings = current.deployment_settings
        if not settings.get_auth_record_approval():
            table.approved_by.default = self.auth.user_id or 0
        elif force or original_name(table) not in settings.get_auth_record_approval_manual():
            may_approve = not self.auth.override and self.has_permission("approve", t=table)
            table.approved_by.default = 0 if self.auth.override else self.auth.user_id if may_approve else None

    def _approval_query(self, method: str, table: Table) -> Query | None:
        if not self._has_approval(table):
            return None
        if self.required_acl(method) & (self.REVIEW | self.APPROVE):
            return table.approved_by == None
        approved = table.approved_by != None
        own = self.owner_query(table, strict=True, groups=False)
        return approved if own is None else approved | own

    def _approval_permits(self, method: str, table: Table | None, record_id: Any) -> bool:
        if table is None or not self._has_approval(table):
            return True
        approved = self._is_approved(table, record_id)
        if self.required_acl(method) & (self.REVIEW | self.APPROVE):
            return not approved
        return approved or self._is_own(table, record_id) or self.has_permission("review", t=table, record=record_id)

    # Pages and menus

    def accessible_url(
        self,
        c: str | None = None,
        f: str | None = None,
        p: Method = "read",
        t: str | None = None,
        a: str | None = None,
        args: Iterable[Any] = (),
        vars: dict[str, Any] | None = None,
        anchor: str = "",
        extension: str | None = None,
    ) -> str | bool:
        """The address of a page, False if the current user may not do this there or the module is not enabled.

        Args:
            c, f: default those of the request; static files are nobody's secret
            t: table that the page is about; default <c>_<f> if there is such a table
            a: application
        """
        c, f = c or self.controller, f or self.function
        if c != "static":
            if not current.deployment_settings.has_module(c):
                return False
            if t is None and self.find_table(f"{c}_{f}") is not None:
                t = f"{c}_{f}"
            if not self.has_permission(p, c=c, f=f, t=t):
                return False
        return str(URL(a=a, c=c, f=f, args=list(args), vars=vars or {}, anchor=anchor, extension=extension))

    def hidden_modules(self) -> list[str]:
        """Restricted modules on whose pages the current user may do nothing at all."""
        if not self.uses_rules or self.auth.override or self.is_admin():
            return []
        own = self.own_rules[0]
        opened = {c for c, rules in own.items() if any(rule.acl.uacl | rule.acl.oacl for rule in rules)}
        return [name for name in current.deployment_settings.modules if name not in opened and self.page_restricted(name, "index")]

    # Refusal

    def fail(self) -> None:
        """Refuse this request; never returns.

        Raises:
            HTTP: html: 303 to the login page (logged in: to the home page) with a message; else 401 with a Basic challenge
                (logged in: 403), with a JSON message
        """
        if self.format == "html":
            self._fail_page()
        T, request = current.T, current.request
        logged_in = self.auth.is_logged_in()
        status = 403 if logged_in else 401
        headers = {"Content-Type": "application/json"}
        if not logged_in:
            headers["WWW-Authenticate"] = f'Basic realm="{request.application}"'
        message = T("Insufficient Privileges") if logged_in else T("Authentication Required")
        body = current.xml.json_message(False, status, message=str(message))
        raise HTTP(status, body, **headers)

    def _fail_page(self) -> None:
        T, request, session = current.T, current.request, current.session
        if self.auth.is_logged_in():
            session.error = str(T("Insufficient Privileges"))
            redirect(URL(c="default", f="index", args=[], vars={}))
        session.error = str(T("Authentication Required"))
        this = URL(c=request.controller, f=request.function, args=request.args, vars=request.get_vars)
        redirect(URL(c="default", f="user", args=["login"], vars={"_next": this}))


def _supported_policy(settings: Any) -> int:
    try:
        policy = settings.get_security_policy()
    except SettingError as exc:
        raise S3ConfigError(str(exc)) from exc
    if policy in SUPPORTED_POLICIES and not isinstance(policy, bool):
        return int(policy)
    raise S3ConfigError(f"settings.security.policy {policy!r} is unknown; use one of 1-7")


def _requested_format(request: Any) -> str:
    if request.controller == "admin" and request.function == "ticket":
        return "html"
    wanted = request.get_vars.get("format")
    if isinstance(wanted, list):
        wanted = wanted[-1]
    if wanted:
        return str(wanted).lower()
    for arg in reversed(_as_texts(request.args)):
        if "." in arg:
            return arg.rsplit(".", 1)[1].lower()
    return (request.extension or "html").lower()


def _as_texts(args: Iterable[Any] | None) -> list[str]:
    return [str(arg) for arg in args or ()]
