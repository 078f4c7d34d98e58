"""The roles of an account, each with the entity that it is held for: what there is, giving and taking."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gluon import BUTTON, FORM, A, current

from s3.s3aaa.forms import accepts, form_of, last_texts
from s3.s3admin.parts import admin_url, buttons_form, finish, read_number, select_field, table_of
from s3.s3admin.safety import require_another_administrator
from s3.s3error import S3DataError
from s3dal import Row

__all__ = ("UNRESTRICTED", "assign_form", "entity_labels", "memberships_form", "organisation_options", "realm_text")

DEFAULT, SITE_WIDE = "", "0"
# roles that are always for the whole site
UNRESTRICTED = ("ADMIN", "AUTHENTICATED", "ANONYMOUS")


def memberships_form(account: Row) -> Any:
    """The table of roles, with a button to withdraw each."""
    T = current.T
    rows = _memberships(account.id)
    labels = entity_labels(row.auth_membership.pe_id for row in rows)
    heads = (T("Role"), T("For the records of"), T("Change"))
    lines = []
    for row in rows:
        role, realm = row.auth_group.role, realm_label(row, labels)
        button = BUTTON(
            T("Withdraw"), _type="submit", _name="withdraw", _value=row.auth_membership.id, _class="button danger",
            **{"_aria-label": f"{T('Withdraw')}: {role}, {realm}"},
        )  # fmt: skip
        lines.append((A(role, _href=admin_url("role", row.auth_group.id)), realm, button))
    form = buttons_form(table_of(T("Roles"), heads, lines, T("This account has no roles.")))
    if accepts(form, "withdraw_role"):
        _withdraw(account, read_number(last_texts(current.request.post_vars).withdraw), rows)
    return form


def _memberships(user_id: int) -> Any:
    held, groups = current.auth.table("auth_membership"), current.auth.table("auth_group")
    query = (held.user_id == user_id) & (held.deleted == False) & (groups.id == held.group_id) & (groups.deleted == False)
    return current.db(query).select(held.id, held.pe_id, groups.id, groups.role, groups.uuid, orderby=(groups.role, held.id))


def _withdraw(account: Row, membership_id: int | None, rows: Any) -> None:
    T, auth = current.T, current.auth
    row = next((row for row in rows if row.auth_membership.id == membership_id), None)
    try:
        if row is None:
            raise S3DataError(str(T("The account does not have this role any more.")))
        if row.auth_group.uuid == "ADMIN":
            require_another_administrator(account.id)
    except S3DataError as error:
        current.response.error = str(error)
        return
    assert row is not None
    auth.s3_withdraw_role(account.id, row.auth_group.id, for_pe=row.auth_membership.pe_id)
    finish(T("The role is withdrawn"), admin_url("user", account.id))


def assign_form(account: Row) -> FORM:
    """The form that gives an account a role."""
    T, auth = current.T, current.auth
    groups = auth.table("auth_group")
    # everybody is ANONYMOUS without being given it
    query = (groups.deleted == False) & (groups.uuid != "ANONYMOUS")
    roles = {str(row.id): row.role for row in current.db(query).select(groups.id, groups.role, orderby=groups.role)}
    realms = {DEFAULT: T("the person's own organizations and groups"), SITE_WIDE: T("everybody (whole site)"), **organisation_options()}
    form = form_of(
        select_field("role", T("Role"), roles),
        select_field("realm", T("For the records of"), realms, hint=_realm_hint()),
        submit=T("Give the role"),
    )
    if accepts(form, "assign_role"):
        realm = form.vars.realm
        auth.s3_assign_role(account.id, int(form.vars.role), for_pe=None if realm == DEFAULT else int(realm))
        finish(T("The role is given"), admin_url("user", account.id))
    return form


def _realm_hint() -> Any:
    if current.auth.permission.uses_realms:
        return current.T("Administrator and Authenticated are always for the whole site.")
    return current.T("The security policy of this site knows no realms: every role is held for all records.")


def realm_label(row: Row, labels: dict[Any, Any]) -> str:
    """Whose records a membership is for."""
    return realm_text(row.auth_membership.pe_id, row.auth_group.uuid in UNRESTRICTED, labels)


def realm_text(pe_id: int | None, is_unrestricted: bool, labels: dict[Any, Any]) -> str:
    """Whose records a role is held for, in words.

    Args:
        is_unrestricted: the role knows no realms
        labels: of entities
    """
    T = current.T
    if is_unrestricted or pe_id == 0:
        return str(T("everybody (whole site)"))
    if pe_id is None:
        return str(T("the person's own organizations and groups"))
    return str(labels[pe_id])


def organisation_options() -> dict[str, str]:
    """{pe_id: name} of all organisations."""
    table = current.s3db.table("org_organisation")
    rows = current.db(table.deleted == False).select(table.pe_id, table.name, orderby=table.name)
    return {str(row.pe_id): row.name for row in rows if row.pe_id}


def entity_labels(pe_ids: Iterable[int | None]) -> dict[Any, Any]:
    """{pe_id: label}"""
    return dict(current.s3db.table("pr_pentity_represent").bulk([pe_id for pe_id in pe_ids if pe_id], show_link=False))
