"""The pages about accounts: the list, and one account with what can be done about it."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import BUTTON, DIV, FORM, TAG, A, P, current
from gluon.storage import Storage
from gluon.validators import IS_EMAIL, IS_LENGTH

from s3.s3aaa import account_state
from s3.s3aaa.forms import accepts, choice, field, form_of, last_texts, name_fields
from s3.s3admin.memberships import assign_form, memberships_form
from s3.s3admin.parts import (
    ROWS_PER_PAGE,
    Page,
    admin_url,
    buttons_form,
    contains,
    find_record,
    finish,
    pages_of,
    read_number,
    search_field,
    search_form,
    select_field,
    storing,
    table_of,
    url_vars,
)
from s3.s3admin.safety import require_another_administrator
from s3.s3admin.states import ACTIVE, state_label
from s3.s3datetime import S3DateTime
from s3.s3error import S3DataError, S3DeliveryError
from s3dal import Query, Row

__all__ = ("account_page", "list_accounts")

MAX_SEARCH = 100
# which buttons an account in a state has
ACTIONS = {
    ACTIVE: ("send_link", "disable"),
    "unverified": ("approve", "disable"),
    "pending": ("approve", "disable"),
    "disabled": ("enable",),
    "blocked": ("enable", "disable"),
}


# -- the list ----------------------------------------------------------------------------------------------------------
def list_accounts() -> Page:
    """The accounts that a search finds, a page at a time."""
    T, db, table = current.T, current.db, current.auth.table("auth_user")
    asked = url_vars()
    search, state = (asked.search or "").strip()[:MAX_SEARCH], asked.state or ""
    role, start = read_number(asked.role), read_number(asked.start) or 0
    query = _matching(search, state, role)
    total = db(query).count()
    rows = db(query).select(
        table.id, table.first_name, table.last_name, table.email, table.registration_key, table.created_on,
        orderby=table.email, limitby=(start, start + ROWS_PER_PAGE),
    )  # fmt: skip
    roles = _roles_of([row.id for row in rows])
    heads = (T("E-mail"), T("Name"), T("State"), T("Roles"), T("Since"))
    lines = [
        (
            A(row.email, _href=admin_url("user", row.id)),
            _full_name(row),
            state_label(account_state(row.registration_key) or ACTIVE),
            ", ".join(roles.get(row.id, [])),
            S3DateTime.datetime_represent(row.created_on, utc=True),
        )
        for row in rows
    ]
    found = T("%(number)s accounts") % {"number": total}
    return Page(
        title=T("Accounts"),
        sections=[
            (None, _search(search, state, role)),
            (None, P(found, _class="legend", _role="status")),
            (None, table_of(T("Accounts"), heads, lines, T("No account is like that."))),
            (None, pages_of("user", start, total, search=search, state=state, role=role)),
        ],
    )


def _search(search: str, state: str, role: int | None) -> FORM:
    T = current.T
    states = {"": T("All"), **{name: state_label(name) for name in ACTIONS}}
    groups = current.auth.table("auth_group")
    rows = current.db(groups.deleted == False).select(groups.id, groups.role, orderby=groups.role)
    roles = {"": T("All"), **{str(row.id): row.role for row in rows}}
    return search_form(
        search_field("search", T("Name or e-mail"), search),
        select_field("state", T("State"), states, value=state),
        select_field("role", T("Role"), roles, value=str(role or "")),
    )


def _matching(search: str, state: str, role: int | None) -> Query:
    table = current.auth.table("auth_user")
    query = table.deleted == False
    for word in search.split():
        query &= contains(table.email, word) | contains(table.first_name, word) | contains(table.last_name, word)
    key, closed = table.registration_key, [name for name in ACTIONS if name not in (ACTIVE, "unverified")]
    is_active = (key == "") | (key == None)
    if state == ACTIVE:
        query &= is_active
    elif state == "unverified":
        query &= ~(is_active | key.belongs(closed))
    elif state:
        query &= key == state
    if role:
        held = current.auth.table("auth_membership")
        query &= table.id.belongs(current.db((held.group_id == role) & (held.deleted == False))._select(held.user_id))
    return query


def _roles_of(user_ids: Iterable[int]) -> dict[int, list[str]]:
    """{account: names of its roles}"""
    held, groups = current.auth.table("auth_membership"), current.auth.table("auth_group")
    query = (held.user_id.belongs(list(user_ids))) & (held.deleted == False) & (groups.id == held.group_id) & (groups.deleted == False)
    names: dict[int, list[str]] = {}
    for row in current.db(query).select(held.user_id, groups.role, distinct=True, orderby=groups.role):
        names.setdefault(row.auth_membership.user_id, []).append(row.auth_group.role)
    return names


def _full_name(account: Row) -> str:
    return " ".join(part for part in (account.first_name, account.last_name) if part)


# -- one account -------------------------------------------------------------------------------------------------------
def account_page(args: list[str]) -> Page:
    """One account: its data, its state, its roles.

    Raises:
        S3RecordError: there is no such account
    """
    T, auth = current.T, current.auth
    missing = T("There is no such account.")
    account = find_record(auth.table("auth_user"), args[0] if len(args) == 1 else "", missing)
    return Page(
        title=_full_name(account) or account.email,
        back=(T("Accounts"), admin_url("user")),
        links=[A(T("What happened to it"), _href=admin_url("event", user=account.email), _class="button plain")],
        sections=[
            (T("State"), _state_form(account)),
            (T("Roles"), memberships_form(account)),
            (T("Give it a role"), assign_form(account)),
            (T("Name and address"), _edit_form(account)),
        ],
    )


def _edit_form(account: Row) -> FORM:
    T = current.T
    languages = current.deployment_settings.get_L10n_languages()
    options = dict(languages)
    if account.language not in options:
        options = {account.language or "": account.language or T("Not set"), **options}
    form = form_of(
        *name_fields(account.first_name, account.last_name),
        field("email", T("E-mail"), type="email", value=account.email, requires=[IS_EMAIL(), IS_LENGTH(255)], autocomplete="off"),
        choice("language", T("Language"), options, value=account.language or ""),
        submit=T("Save"),
    )
    for widget in form.elements("input[autocomplete]"):
        # the names are not those of who sits at the keyboard
        widget["_autocomplete"] = "off"

    def store(values: Storage) -> None:
        names = ("first_name", "last_name", "email", "language")
        current.auth.update_user(account.id, **{name: values[name] for name in names})

    if accepts(form, "edit_account", onvalidation=storing(store, "email")):
        finish(T("Account saved"), admin_url("user", account.id))
    return form


def _state_form(account: Row) -> Any:
    T = current.T
    state = account_state(account.registration_key) or ACTIVE
    since = S3DateTime.datetime_represent(account.created_on, utc=True)
    facts = TAG.dl(
        DIV(TAG.dt(T("State")), TAG.dd(state_label(state))),
        DIV(TAG.dt(T("Since")), TAG.dd(since)),
        _class="record",
    )
    buttons = [_action_button(action) for action in ACTIONS[state]]
    form = buttons_form(DIV(facts, DIV(*buttons, _class="buttons")))
    if accepts(form, "account_state"):
        _act(account, last_texts(current.request.post_vars).action or "")
    return form


def _action_button(action: str) -> Any:
    T = current.T
    labels = {
        "approve": T("Approve"),
        "enable": T("Enable"),
        "disable": T("Disable"),
        "send_link": T("Send a link for a new password"),
    }
    style = {"disable": "button danger", "send_link": "button plain"}.get(action, "button")
    return BUTTON(labels[action], _type="submit", _name="action", _value=action, _class=style)


def _act(account: Row, action: str) -> None:
    """Do what a button says; what cannot be done is said on the page."""
    T, auth = current.T, current.auth
    try:
        if action == "approve":
            auth.s3_approve_user(account.id)
            done = T("The account is approved")
        elif action == "enable":
            auth.enable_user(account.id)
            done = T("The account is enabled")
        elif action == "disable":
            require_another_administrator(account.id)
            auth.disable_user(account.id)
            done = T("The account is disabled")
        elif action == "send_link":
            done = _send_link(account)
        else:
            raise S3DataError(str(T("Nothing is done: there is no such button.")))
    except (S3DataError, S3DeliveryError) as error:
        current.response.error = str(error)
        return
    finish(done, admin_url("user", account.id))


def _send_link(account: Row) -> Any:
    T, auth = current.T, current.auth
    if not auth.can_send_keys():
        raise S3DeliveryError(str(T("No links can be sent: settings.mail.sender or settings.base.public_url is not set.")))
    if account_state(account.registration_key):
        raise S3DataError(str(T("The account is not active: nobody can set its password.")))
    auth.send_password_reset(account.email)
    return T("The mail with the link is sent")
