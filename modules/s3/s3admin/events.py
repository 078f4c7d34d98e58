"""The page with the log of events: who has done what, when and from where."""
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gluon import DIV, LI, SPAN, UL, A, P, current

from s3.s3admin.memberships import UNRESTRICTED, entity_labels, realm_text
from s3.s3admin.parts import (
    ROWS_PER_PAGE,
    Page,
    admin_url,
    contains,
    pages_of,
    read_number,
    search_field,
    search_form,
    select_field,
    table_of,
    url_vars,
)
from s3.s3admin.rules import bits_text, rule_title
from s3.s3admin.states import ACTIVE, state_label
from s3dal import Query, Row

__all__ = ("list_events",)

MAX_SEARCH = 255
# of long values the beginning says which they are
SHOWN = 120
# a name that many accounts have is no filter
MAX_ACCOUNTS = 200


def list_events() -> Page:
    """The log, the newest first, a page at a time; by whom or about whom the search says."""
    T, db, table = current.T, current.db, current.auth.table("auth_event")
    asked = url_vars()
    user, kind, start = (asked.user or "").strip()[:MAX_SEARCH], asked.kind or "", read_number(asked.start) or 0
    query = _matching(user, kind)
    total = db(query).count()
    rows = db(query).select(table.ALL, orderby=~table.id, limitby=(start, start + ROWS_PER_PAGE))
    names = Names(rows)
    heads = (T("When (UTC)"), T("Who"), T("What"), T("From where"))
    lines = [(_time(row), names.user(row.user_id), names.event(row), _origin(row)) for row in rows]
    form = search_form(
        search_field("user", T("User"), user, hint=T("Name or e-mail address of who did it, or whose account or roles changed.")),
        select_field("kind", T("Of"), _kinds(), value=kind),
    )
    found = T("%(number)s events") % {"number": total}
    return Page(
        title=T("Log of events"),
        sections=[
            (None, form),
            (None, P(found, _class="legend", _role="status")),
            (None, table_of(T("Log of events"), heads, lines, T("There is no such event."))),
            (None, pages_of("event", start, total, user=user, kind=kind)),
        ],
    )


def _kinds() -> dict[str, Any]:
    T = current.T
    return {
        "": T("Everything"),
        "login": T("Logins and passwords"),
        "auth_user": T("Account"),
        "auth_group": T("Role"),
        "auth_membership": T("Roles of accounts"),
        "s3_permission": T("Permission rule"),
    }


def _matching(user: str, kind: str) -> Query:
    table = current.auth.table("auth_event")
    query = table.id > 0
    if kind == "login":
        query &= table.tablename == None
    elif kind:
        query &= table.tablename == kind
    return query & _about(_find_accounts(user)) if user else query


def _find_accounts(text: str) -> list[int]:
    """Accounts of this name or address, also archived ones."""
    table = current.auth.table("auth_user")
    query = table.email == text.lower()
    rows = current.db(query).select(table.id)
    if not rows:
        query = table.id > 0
        for word in text.split():
            query &= contains(table.email, word) | contains(table.first_name, word) | contains(table.last_name, word)
        rows = current.db(query).select(table.id, limitby=(0, MAX_ACCOUNTS))
    return [row.id for row in rows]


def _about(user_ids: list[int]) -> Query:
    """Events by these accounts, of these accounts, and of what they were given or lost."""
    table = current.auth.table("auth_event")
    query = table.user_id.belongs(user_ids) | ((table.tablename == "auth_user") & table.record_id.belongs(user_ids))
    for user_id in user_ids:
        # as json.dumps writes it; a membership itself forgets whose it was
        given, taken = f'%"user_id": [null, {user_id}]%', f'%"user_id": [{user_id}, null]%'
        query |= (table.tablename == "auth_membership") & (table.changes.like(given) | table.changes.like(taken))
    return query


def _time(row: Row) -> SPAN:
    return SPAN(f"{row.time_stamp:%Y-%m-%d %H:%M:%S}", _class="time")


def _origin(row: Row) -> Any:
    return DIV(row.client_ip or "", DIV(row.origin or "", _class="hint"))


class Names:
    """What the ids in a page of the log are called; a query for each kind of them, whatever their number."""

    def __init__(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        self.changes: dict[int, dict[str, list[Any]]] = {row.id: json.loads(row.changes) for row in rows if row.changes}
        users = {row.user_id for row in rows} | self._values("user_id") | self._records(rows, "auth_user")
        roles = self._values("group_id") | self._records(rows, "auth_group")
        self.unrestricted = {current.auth.get_system_role(uid) for uid in UNRESTRICTED}
        self.users = _labels("auth_user", users, "email")
        self.roles = _labels("auth_group", roles, "role")
        held = current.auth.table("auth_membership")
        query = held.id.belongs(self._records(rows, "auth_membership"))
        # archived ones forget whose they were, not for which entity
        self.realms = {row.id: row.pe_id for row in current.db(query).select(held.id, held.pe_id)}
        self.entities = entity_labels(self._values("pe_id") | self._values("entity") | set(self.realms.values()))
        rules = current.auth.table("s3_permission")
        query = rules.id.belongs(self._records(rows, "s3_permission"))
        # archived ones keep what they were about
        found = current.db(query).select(rules.id, rules.controller, rules.function, rules.tablename)
        self.rules = {row.id: rule_title(row) for row in found}

    def _values(self, name: str) -> set[Any]:
        return {value for changes in self.changes.values() for value in changes.get(name, ()) if isinstance(value, int)}

    @staticmethod
    def _records(rows: Iterable[Row], tablename: str) -> set[Any]:
        return {row.record_id for row in rows if row.tablename == tablename}

    def user(self, user_id: int | None) -> Any:
        if user_id is None:
            return current.T("nobody or the system")
        email = self.users.get(user_id)
        return A(email, _href=admin_url("user", user_id)) if email else f"#{user_id}"

    def event(self, row: Row) -> Any:
        """One sentence, and what it was and is."""
        if row.tablename is None:
            return row.description
        changes = self.changes.get(row.id, {})
        labels = _field_labels()
        # as the forms have them; what has no label follows
        names = [*(name for name in labels if name in changes), *(name for name in changes if name not in labels)]
        shown = ((labels.get(name, name), *(self._shown(name, value) for value in changes[name])) for name in names)
        lines = [LI(f"{label}: {old} → {new}") for label, old, new in shown]
        if row.record_id in self.realms and row.tablename == "auth_membership" and "pe_id" not in changes:
            lines.append(LI(f"{labels['pe_id']}: {self._realm(row, changes)}"))
        return DIV(self._title(row), UL(*lines, _class="changes") if lines else "")

    def _realm(self, row: Row, changes: dict[str, list[Any]]) -> str:
        """For whom a membership was or is, which the change itself does not say."""
        roles = changes.get("group_id", ())
        return realm_text(self.realms[row.record_id], any(role in self.unrestricted for role in roles), self.entities)

    def _title(self, row: Row) -> str:
        T = current.T
        kind = _kinds().get(row.tablename, row.tablename)
        actions = {"created": T("created"), "updated": T("changed"), "deleted": T("deleted"), "restored": T("restored")}
        names = {"auth_user": self.users, "auth_group": self.roles, "s3_permission": self.rules}.get(row.tablename, {})
        name = names.get(row.record_id) or f"#{row.record_id}"
        return f"{kind} {name}: {actions.get(row.action, row.action)}"

    def _shown(self, name: str, value: Any) -> str:
        if name == "registration_key":
            return str(state_label(value or ACTIVE))
        if value is None or value == "":
            return "–"
        if name in ("uacl", "oacl"):
            return bits_text(value)
        names = {"user_id": self.users, "group_id": self.roles}.get(name)
        if names is not None:
            return str(names.get(value) or f"#{value}")
        if name in ("pe_id", "entity"):
            return str(current.T("everybody (whole site)") if value == 0 else self.entities.get(value, f"#{value}"))
        text = str(value)
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _field_labels() -> dict[str, Any]:
    T = current.T
    return {
        "first_name": T("First Name"),
        "last_name": T("Last Name"),
        "email": T("E-mail"),
        "registration_key": T("State"),
        "user_id": T("User"),
        "role": T("Name"),
        "group_id": T("Role"),
        "pe_id": T("For the records of"),
        "controller": T("Controller"),
        "function": T("Function"),
        "tablename": T("Table"),
        "uacl": T("With any record"),
        "oacl": T("With own records"),
        "entity": T("For the records of"),
        "unrestricted": T("For the records of all"),
        "description": T("Description"),
        "language": T("Language"),
        "timezone": T("Time zone"),
        "password": T("Password"),
    }


def _labels(tablename: str, ids: Iterable[Any], name: str) -> dict[int, str]:
    table = current.auth.table(tablename)
    rows = current.db(table.id.belongs([record_id for record_id in ids if record_id])).select(table.id, table[name])
    return {row.id: row[name] for row in rows if row[name]}
