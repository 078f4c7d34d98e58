"""The permission rules of a role: the table of them, and the form of one."""
from __future__ import annotations

import json
import re
from typing import Any

from gluon import BUTTON, DIV, FORM, INPUT, LABEL, OPTION, TAG, A, P, current
from gluon.storage import Storage
from gluon.validators import IS_LENGTH

from s3.s3aaa import S3Permission
from s3.s3aaa.forms import accepts, field, form_of
from s3.s3admin.memberships import entity_labels, organisation_options
from s3.s3admin.parts import Page, admin_url, find_record, finish, select_field, storing, table_of
from s3.s3error import S3DataError, S3RecordError
from s3.s3urls import known_controllers
from s3dal import Row, Table

__all__ = ("bits_text", "rule_page", "rule_title", "rules_table")

BITS = ("READ", "CREATE", "UPDATE", "DELETE", "REVIEW", "APPROVE", "PUBLISH")
# values of the field for whose records a rule is
OF_ROLE, ANY = "", "any"
FUNCTION = re.compile(r"[A-Za-z]\w*(/[A-Za-z]\w*)?", re.ASCII)
TABLE = re.compile(r"[a-z][a-z0-9]*_\w+", re.ASCII)


def rules_table(role: Row) -> Any:
    """What a role may do, rule by rule."""
    T, table = current.T, current.auth.table("s3_permission")
    query = (table.group_id == role.id) & (table.deleted == False)
    rows = current.db(query).select(table.ALL, orderby=(table.controller, table.function, table.tablename, table.id))
    labels = entity_labels(row.entity for row in rows)
    heads = (T("Page or table"), T("With any record"), T("With own records"), T("For the records of"))
    lines = [
        (
            A(rule_title(row), _href=admin_url("role", role.id, "rule", row.id)),
            bits_text(row.uacl),
            bits_text(row.oacl),
            _entity_text(row, labels),
        )
        for row in rows
    ]
    return table_of(T("Permission rules"), heads, lines, T("This role has no rules."))


def rule_title(rule: Row) -> str:
    """What a rule is about."""
    if rule.tablename:
        return str(current.T("table %(name)s") % {"name": rule.tablename})
    return f"{rule.controller or '*'}/{rule.function or '*'}"


def bits_text(bits: int | None) -> str:
    """What rights are set, in words."""
    T, names = current.T, _bit_labels()
    if (bits or 0) & S3Permission.ALL == S3Permission.ALL:
        return str(T("everything"))
    return ", ".join(str(names[name]) for name in BITS if (bits or 0) & getattr(S3Permission, name)) or str(T("nothing"))


def _bit_labels() -> dict[str, Any]:
    T = current.T
    return {
        "READ": T("read"),
        "CREATE": T("create"),
        "UPDATE": T("update"),
        "DELETE": T("delete"),
        "REVIEW": T("review"),
        "APPROVE": T("approve"),
        "PUBLISH": T("publish"),
    }


def _entity_text(rule: Row, labels: dict[Any, Any]) -> str:
    T = current.T
    if rule.unrestricted:
        return str(T("all"))
    return str(labels[rule.entity]) if rule.entity else str(T("whom the role is held for"))


# -- one rule ----------------------------------------------------------------------------------------------------------
def rule_page(role: Row, which: str) -> Page:
    """A new rule of a role, or one that there is.

    Args:
        which: "create", or the id of the rule

    Raises:
        S3RecordError: this role has no such rule
    """
    T, back = current.T, (role.role, admin_url("role", role.id))
    if which == "create":
        return Page(title=T("New rule"), back=back, sections=[(None, _create_form(role))])
    missing = T("There is no such rule.")
    rule = find_record(current.auth.table("s3_permission"), which, missing)
    if rule.group_id != role.id:
        raise S3RecordError(str(missing))
    whose = P(T("For the records of"), ": ", _entity_text(rule, entity_labels([rule.entity])))
    forms = [(None, _bits_form(role, rule)), (None, _delete_form(role, rule))]
    return Page(title=rule_title(rule), back=back, sections=[(None, whose), *forms])


def _create_form(role: Row) -> FORM:
    T = current.T
    realms = {OF_ROLE: T("whom the role is held for"), ANY: T("all, whomever the role is held for"), **organisation_options()}
    names = sorted(known_controllers())
    form = form_of(
        P(T("A rule is for a page or for a table."), _class="legend"),
        field("controller", T("Controller"), requires=IS_LENGTH(64), required=False, autocomplete="off", _list="auth_controllers",
              hint=T("The first part of the address of a page, such as cms.")),
        TAG.datalist(*[OPTION(_value=name) for name in names], _id="auth_controllers"),
        field("function", T("Function"), requires=IS_LENGTH(512), required=False, autocomplete="off",
              hint=T("The second part, such as post; empty for all pages of the controller.")),
        field("tablename", T("Table"), requires=IS_LENGTH(512), required=False, autocomplete="off",
              hint=T("Instead of a page: the name of a table, such as cms_post.")),
        *_bit_boxes(S3Permission.READ, S3Permission.READ),
        select_field("entity", T("For the records of"), realms),
        submit=T("Create"),
    )  # fmt: skip

    def check(form: FORM) -> None:
        _check_target(form)
        if not form.errors:
            storing(lambda values: _create(role, values), "controller")(form)

    if accepts(form, "create_rule", onvalidation=check):
        finish(T("Rule created"), admin_url("role", role.id))
    return form


def _check_target(form: FORM) -> None:
    """Say beside the fields what is wrong with the page or table that the rule is to be about."""
    T, values = current.T, form.vars
    for name in ("controller", "function", "tablename"):
        values[name] = (values[name] or "").strip()
    if values.tablename:
        if values.controller or values.function:
            form.errors.tablename = T("Enter either a page or a table")
        elif not _is_table(values.tablename):
            form.errors.tablename = T("There is no such table")
    elif not values.controller:
        form.errors.controller = T("Enter a controller or a table")
    elif values.controller not in known_controllers():
        form.errors.controller = T("There is no such controller")
    if values.function and not FUNCTION.fullmatch(values.function):
        form.errors.function = T("This cannot be the name of a function")


def _is_table(name: str) -> bool:
    return bool(TABLE.fullmatch(name)) and isinstance(current.s3db.table(name, db_only=True), Table)


def _create(role: Row, values: Storage) -> None:
    """
    Raises:
        S3DataError: the role has such a rule
    """
    permission, table = current.auth.permission, current.auth.table("s3_permission")
    target: dict[str, Any] = {"controller": values.controller, "function": values.function, "tablename": values.tablename}
    entity = int(values.entity) if values.entity not in (OF_ROLE, ANY) else None
    query = (table.group_id == role.id) & (table.deleted == False)
    query &= (table.unrestricted == True) if values.entity == ANY else (table.unrestricted == False) & (table.entity == entity)
    for name, value in target.items():
        query &= (table[name] == value) if value else (table[name] == None) | (table[name] == "")
    if not current.db(query).isempty():
        raise S3DataError(str(current.T("The role has a rule for this already: change that one.")))
    permission.update_acl(
        role.id, c=values.controller or None, f=values.function or None, t=values.tablename or None,
        uacl=_bits_of(values, "uacl"), oacl=_bits_of(values, "oacl"), entity=ANY if values.entity == ANY else entity,
    )  # fmt: skip


def _bits_form(role: Row, rule: Row) -> FORM:
    T, table = current.T, current.auth.table("s3_permission")
    form = form_of(*_bit_boxes(rule.uacl or 0, rule.oacl or 0), submit=T("Save"))
    if accepts(form, "edit_rule"):
        current.db(table.id == rule.id).update(uacl=_bits_of(form.vars, "uacl"), oacl=_bits_of(form.vars, "oacl"))
        current.auth.permission.clear_cache()
        finish(T("Rule saved"), admin_url("role", role.id))
    return form


def _delete_form(role: Row, rule: Row) -> FORM:
    T, table = current.T, current.auth.table("s3_permission")
    button = BUTTON(T("Delete this rule"), _type="submit", _class="button danger")
    form = FORM(DIV(button, _class="form-buttons"), _class="auth-form")
    if accepts(form, "delete_rule"):
        gone = {"deleted": True, "group_id": None, "deleted_fk": json.dumps({"group_id": role.id})}
        current.db(table.id == rule.id).update(**gone)
        current.auth.permission.clear_cache()
        finish(T("Rule deleted"), admin_url("role", role.id))
    return form


# -- the boxes ---------------------------------------------------------------------------------------------------------
def _bit_boxes(uacl: int, oacl: int) -> list[Any]:
    T = current.T
    return [_boxes("uacl", T("With any record"), uacl), _boxes("oacl", T("With own records"), oacl)]


def _boxes(name: str, legend: Any, bits: int) -> Any:
    labels = _bit_labels()
    boxes = []
    for bit in BITS:
        field_id = f"auth_{name}_{bit}"
        is_set = bool(bits & getattr(S3Permission, bit))
        box = INPUT(_type="checkbox", _name=f"{name}_{bit}", _id=field_id, value=is_set)
        boxes.append(DIV(LABEL(box, " ", labels[bit], _for=field_id), _class="choice"))
    return TAG.fieldset(TAG.legend(legend), *boxes, _class="form-row boxes")


def _bits_of(values: Storage, name: str) -> int:
    return sum(getattr(S3Permission, bit) for bit in BITS if values[f"{name}_{bit}"])
