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
====== ==================== ===========================================================

The rules of one page or table are read with one query, once per request.
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
from s3.s3aaa.rules import Acl, PermissionRules, covers
from s3.s3error import S3ConfigError
from s3.s3utils import original_name
from s3cfg import SettingError
from s3dal import Query, Row, Table

if TYPE_CHECKING:
    from s3.s3aaa.auth import AuthS3

__all__ = ("S3Permission",)

Method = str | Sequence[str]

SUPPORTED_POLICIES = (1, 2, 3, 4, 5)
# Realms and hierarchies
PLANNED_POLICIES = (6, 7)

# Visitors must reach these to log in or to learn what this is
OPEN_PAGES = frozenset((("default", "index"), ("default", "user"), ("default", "contact"), ("default", "about")))
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
        self._controller: str | None = None
        self._function: str | None = None
        self._format: str | None = None
        self.clear_cache()

    def clear_cache(self) -> None:
        """Forget rules and decisions: roles, rules or user have changed."""
        self.forget_rules()
        self._decisions: dict[tuple[Any, ...], bool] = {}

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
        required = self.required_acl(method)
        acl = self.applicable_acl(c, f, tablename)
        if covers(acl.uacl, required):
            return True
        if not covers(acl.oacl, required):
            return False
        if not (tablename and record_id):
            return True
        return self.is_owner(self.find_table(tablename), record_id, strict=self.strict_ownership)

    def _page_permits(self, method: str, c: str, f: str, in_table: bool) -> bool:
        if self.auth.user or self.required_acl(method) == self.READ:
            return True
        return not in_table and not self.page_restricted(c, f)

    @staticmethod
    def find_table(tablename: str) -> Table | None:
        db = current.db
        return db[tablename] if tablename in db else current.s3db.table(tablename)

    def applicable_acl(self, c: str | None = None, f: str | None = None, t: str | None = None) -> Acl:
        """What the roles of the current user permit here: the rules for the page AND those for the table.

        A function rule replaces the controller rule. A restricted page or table without a rule permits nothing.
        """
        c, f = c or self.controller, f or self.function
        acl = self.page_acl(c, f) if self.page_restricted(c, f) else Acl.all()
        return acl & self.table_acl(t) if t and self.uses_table_rules else acl

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
        acl = self.applicable_acl(c, f, original_name(table))
        if covers(acl.uacl, required):
            return everything
        if covers(acl.oacl, required):
            return self.owner_query(table, strict=self.strict_ownership)
        return None

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
        """Whether the current user may do this only with records that the user owns."""
        owner_fields = {"owned_by_user", "owned_by_group"} & set(table.fields)
        if not self.uses_rules or not owner_fields or self.auth.override or self.is_admin():
            return False
        return not covers(self.applicable_acl(c, f, original_name(table)).uacl, self.required_acl(method))

    # Approval

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
        if "approved_by" not in table.fields or not self.requires_approval(table):
            return None
        if self.required_acl(method) & (self.REVIEW | self.APPROVE):
            return table.approved_by == None
        approved = table.approved_by != None
        own = self.owner_query(table, strict=True, groups=False)
        return approved if own is None else approved | own

    def _approval_permits(self, method: str, table: Table | None, record_id: Any) -> bool:
        if table is None or "approved_by" not in table.fields or not self.requires_approval(table):
            return True
        record = current.db(table._id == record_id).select(table.approved_by, limitby=(0, 1)).first()
        approved = record is not None and record.approved_by is not None
        if self.required_acl(method) & (self.REVIEW | self.APPROVE):
            return not approved
        return approved or self._is_own(table, record_id) or self.has_permission("review", t=table, record=record_id)

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
    if policy in PLANNED_POLICIES:
        raise S3ConfigError(f"settings.security.policy {policy} (realms) is not supported yet by this version; use one of 1-5")
    raise S3ConfigError(f"settings.security.policy {policy!r} is unknown; use one of 1-5")


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
