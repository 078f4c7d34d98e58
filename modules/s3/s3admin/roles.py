"""The pages about roles: the list, and one role with its rules."""
from __future__ import annotations

from typing import Any

from gluon import CAT, DIV, FORM, LABEL, TEXTAREA, A, P, current
from gluon.storage import Storage
from gluon.validators import IS_LENGTH, IS_NOT_EMPTY

from s3.s3aaa.forms import accepts, field, form_of
from s3.s3admin.parts import Page, admin_url, find_record, finish, storing, table_of
from s3.s3admin.rules import rule_page, rules_table
from s3.s3error import S3DataError, S3RecordError
from s3dal import Row

__all__ = ("list_roles", "role_page")


def list_roles() -> Page:
    """All roles, with the number of those who hold each."""
    T, db, auth = current.T, current.db, current.auth
    groups, held, users = auth.table("auth_group"), auth.table("auth_membership"), auth.table("auth_user")
    rows = db(groups.deleted == False).select(groups.id, groups.role, groups.description, groups.system, groups.uuid, orderby=groups.role)
    number = held.user_id.count(distinct=True)
    query = (held.deleted == False) & (users.id == held.user_id) & (users.deleted == False)
    numbers = {row[held.group_id]: row[number] for row in db(query).select(held.group_id, number, groupby=held.group_id)}
    lines = [
        (
            A(row.role, _href=admin_url("role", row.id)),
            row.description or "",
            T("of the system") if row.system else "",
            T("everybody") if row.uuid == "ANONYMOUS" else A(numbers.get(row.id, 0), _href=admin_url("user", role=row.id)),
        )
        for row in rows
    ]
    heads = (T("Role"), T("Description"), T("Kind"), T("Accounts"))
    return Page(
        title=T("Roles"),
        links=[A(T("New role"), _href=admin_url("role", "create"), _class="button")],
        sections=[(None, table_of(T("Roles"), heads, lines, T("There are no roles.")))],
    )


def role_page(args: list[str]) -> Page:
    """One role, a new one, or what stands below a role: its rules, and how it is deleted.

    Raises:
        S3RecordError: there is no such role or page
    """
    if args == ["create"]:
        return _new_role()
    role = find_record(current.auth.table("auth_group"), args[0], current.T("There is no such role."))
    if len(args) == 1:
        return _one_role(role)
    if args[1:] == ["delete"] and not (role.system or role.protected):
        return _delete_role(role)
    if len(args) == 3 and args[1] == "rule" and role.uuid != "ADMIN":
        return rule_page(role, args[2])
    raise S3RecordError(str(current.T("There is no such page.")))


# -- one role ----------------------------------------------------------------------------------------------------------
def _one_role(role: Row) -> Page:
    T = current.T
    people = A(T("Accounts with this role"), _href=admin_url("user", role=role.id), _class="button plain")
    links = [] if role.uuid == "ANONYMOUS" else [people]
    if not (role.system or role.protected):
        links.append(A(T("Delete"), _href=admin_url("role", role.id, "delete"), _class="button danger"))
    sections: list[tuple[Any, Any]] = []
    if role.system:
        sections.append((None, DIV(P(role.description or ""), P(T("A role of the system: its name cannot be changed."), _class="hint"))))
    if role.uuid == "ADMIN":
        sections.append((T("Permission rules"), P(T("Administrators may do everything: rules would change nothing."))))
    else:
        sections.append((T("Permission rules"), rules_table(role)))
        sections.append((None, P(A(T("New rule"), _href=admin_url("role", role.id, "rule", "create"), _class="button"))))
    if not role.system:
        sections.append((T("Name and description"), _edit_form(role)))
    return Page(title=role.role, back=(T("Roles"), admin_url("role")), links=links, sections=sections)


def _edit_form(role: Row) -> FORM:
    T = current.T
    form = form_of(*_role_fields(role), submit=T("Save"))

    def store(values: Storage) -> None:
        name = _free_name(values.role, role.id)
        table = current.auth.table("auth_group")
        current.db(table.id == role.id).update(role=name, description=values.description)

    if accepts(form, "edit_role", onvalidation=storing(store, "role")):
        finish(T("Role saved"), admin_url("role", role.id))
    return form


def _new_role() -> Page:
    T = current.T
    form = form_of(*_role_fields(), submit=T("Create"))
    created: list[int] = []

    def store(values: Storage) -> None:
        created.append(current.auth.s3_create_role(_free_name(values.role), values.description))

    if accepts(form, "create_role", onvalidation=storing(store, "role")):
        finish(T("Role created"), admin_url("role", created[0]))
    return Page(title=T("New role"), back=(T("Roles"), admin_url("role")), sections=[(None, form)])


def _role_fields(role: Row | None = None) -> list[DIV]:
    T = current.T
    text = TEXTAREA(
        _name="description", _id="auth_description", _rows=3, value=(role and role.description) or "", requires=IS_LENGTH(2000)
    )
    return [
        field("role", T("Name"), value=role and role.role, requires=[IS_NOT_EMPTY(), IS_LENGTH(255)], autocomplete="off"),
        DIV(LABEL(T("Description"), _for="auth_description"), text, _class="form-row"),
    ]


def _free_name(name: str, role_id: int | None = None) -> str:
    """A name that no other role has.

    Raises:
        S3DataError: it is taken
    """
    name, table = name.strip(), current.auth.table("auth_group")
    other = current.db(table.role.lower() == name.lower()).select(table.id).first()
    if other is not None and other.id != role_id:
        raise S3DataError(str(current.T("There is a role with this name.")), role=name)
    return name


def _delete_role(role: Row) -> Page:
    T = current.T
    form = form_of(submit=T("Delete this role"))
    for button in form.elements("input[type=submit]"):
        button["_class"] = "danger"
    if accepts(form, "delete_role"):
        current.auth.s3_delete_role(role.id)
        finish(T("Role deleted"), admin_url("role"))
    told = P(T("The role is taken from all accounts that have it, and its rules end. This cannot be undone."))
    title = T("Delete the role %(role)s?") % {"role": role.role}
    return Page(title=title, back=(role.role, admin_url("role", role.id)), sections=[(None, CAT(told, form))])
