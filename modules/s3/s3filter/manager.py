"""Saved filters on a list page: links that load them, forms that save, rename, replace and delete them.

The forms go to the method ``filter`` of the list, see s3crud/filtering.py.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from gluon import BUTTON, DIV, FORM, INPUT, LABEL, LI, TAG, UL, A, P, current

from s3.s3error import S3Error
from s3.s3filter.saved import validate_filter
from s3.s3filter.store import own_filters
from s3.s3filter.string import S3FilterString
from s3.s3resource import S3Resource
from s3dal import Row

__all__ = ("FORM_PURPOSE", "saved_filters_html")

#: of the key in the forms
FORM_PURPOSE = "filter"
MAX_TITLE = 80
# a page must stay small enough for a bad line
MAX_SHOWN = 20
# how many of the newest are left out: the variable of the list, and what it can be at most
SKIPPED = "saved"
MAX_DIGITS = 6


def saved_filters_html(resource: S3Resource, list_url: str, action: str, is_filtered: bool, variables: Mapping[str, Any]) -> Any:
    """What a list page shows of saved filters; "" if there are none and there is nothing to save.

    Args:
        list_url: address of the list, without variables
        action: where the forms go: the method ``filter`` with the variables of the list
        is_filtered: the list has a filter that can be saved
        variables: of the list
    """
    T = current.T
    rows = [row for row in own_filters(resource.tablename) if row.title]
    if not rows and not is_filtered:
        return ""
    count = len(rows)
    skipped = _skipped(variables, count)
    if count > MAX_SHOWN:
        newest = sorted(rows, key=lambda row: (row.modified_on, row.id), reverse=True)
        rows = newest[skipped : skipped + MAX_SHOWN]
    items = [LI(_link(resource, row, list_url), " ", _change_form(row, action, is_filtered)) for row in rows]
    parts = [UL(*items, _class="saved-filters")] if items else []
    if count > MAX_SHOWN:
        parts.append(_pages(list_url, variables, skipped, count))
    if is_filtered:
        parts.append(_save_form(action))
    return TAG.details(TAG.summary(T("Saved Filters")), *parts, _class="filter saved", _open="open" if skipped else None)


def _skipped(variables: Mapping[str, Any], count: int) -> int:
    text = str(variables.get(SKIPPED) or "")
    if count <= MAX_SHOWN or not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        return 0
    return min(int(text), (count - 1) // MAX_SHOWN * MAX_SHOWN)


def _pages(list_url: str, variables: Mapping[str, Any], skipped: int, count: int) -> Any:
    """Which of the saved filters these are, and links to those before and after."""
    T = current.T
    others = {key: value for key, value in variables.items() if key != SKIPPED}

    def link(label: Any, start: int) -> Any:
        return A(label, _href=f"{list_url}?{urlencode({**others, SKIPPED: start}, doseq=True)}")

    parts = [T("%(number)s of %(count)s are listed here.") % {"number": min(MAX_SHOWN, count - skipped), "count": count}]
    if skipped:
        parts += [" ", link(T("Newer ones"), max(0, skipped - MAX_SHOWN))]
    if skipped + MAX_SHOWN < count:
        parts += [" ", link(T("Older ones"), skipped + MAX_SHOWN)]
    return P(*parts, _class="hint")


def _link(resource: S3Resource, row: Row, list_url: str) -> Any:
    """Loading a filter is opening the list with it."""
    try:
        validate_filter(row.query, [resource])
        variables = S3FilterString(resource, row.query).get_vars
    except S3Error as error:
        return DIV(row.title, P(current.T("This filter cannot be used any more: %(reason)s") % {"reason": error}, _class="hint"))
    query = urlencode(variables, doseq=True)
    return A(row.title, _href=f"{list_url}?{query}" if query else list_url)


def _save_form(action: str) -> FORM:
    T = current.T
    title = INPUT(_name="title", _id="save-filter-title", _required=True, _maxlength=str(MAX_TITLE), _autocomplete="off")
    button = BUTTON(T("Save"), _type="submit", _name="action", _value="save")
    label = LABEL(T("Save this filter as"), _for="save-filter-title")
    return _form(action, DIV(label, title, _class="field"), DIV(button, _class="buttons"))


def _change_form(row: Row, action: str, is_filtered: bool) -> Any:
    T = current.T
    field_id = f"filter-title-{row.id}"
    title = INPUT(_name="title", _id=field_id, _value=row.title, _required=True, _maxlength=str(MAX_TITLE), _autocomplete="off")
    buttons = [BUTTON(T("Rename"), _type="submit", _name="action", _value="rename")]
    if is_filtered:
        buttons.append(BUTTON(T("Replace by this filter"), _type="submit", _name="action", _value="replace"))
    buttons.append(BUTTON(T("Delete"), _type="submit", _name="action", _value="delete", _class="button danger"))
    form = _form(
        action,
        INPUT(_type="hidden", _name="id", _value=row.id),
        DIV(LABEL(T("Title"), _for=field_id), title, _class="field"),
        P(T("Subscriptions that use this filter follow its changes, and are suspended when it is deleted."), _class="hint"),
        DIV(*buttons, _class="buttons"),
    )
    # the name says to a screen reader which filter is meant
    return TAG.details(TAG.summary(T("Change"), **{"_aria-label": T("Change %(title)s") % {"title": row.title}}), form)


def _form(action: str, *content: Any) -> FORM:
    key = INPUT(_type="hidden", _name="_key", _value=current.auth.form_key(FORM_PURPOSE))
    return FORM(key, *content, _method="post", _action=action, _enctype="application/x-www-form-urlencoded")
