"""Who may open the pages of administrators, and which page it is."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gluon import current

from s3.s3admin.accounts import account_page, list_accounts
from s3.s3admin.events import list_events
from s3.s3admin.health import show_health
from s3.s3admin.parts import Page
from s3.s3admin.roles import list_roles, role_page
from s3.s3error import S3RecordError
from s3.s3rest import fail_request, find_view

__all__ = ("admin_page",)

HTML = "html"
VERBS = ("GET", "HEAD", "POST")

# {function of the controller: page without argument, page of the record that the first argument names}
PAGES: dict[str, tuple[Callable[[], Page], Callable[[list[str]], Page] | None]] = {
    "user": (list_accounts, account_page),
    "role": (list_roles, role_page),
    "event": (list_events, None),
    "health": (show_health, None),
}


def admin_page(name: str) -> dict[str, Any]:
    """The page ``admin/<name>`` as what its view needs; redirects when something has been done.

    Whatever the permission rules say: administrators alone get in, and nothing changes without the key of a form that this
    session has opened.

    Raises:
        HTTP: refused, no such page, or another format than html
    """
    _admit()
    args = [str(arg) for arg in current.request.args]
    overview, of_record = PAGES[name]
    try:
        if not args:
            page = overview()
        elif of_record is None:
            raise S3RecordError(str(current.T("There is no such page.")))
        else:
            page = of_record(args)
    except S3RecordError as error:
        fail_request(404, error)
    current.response.view = find_view("admin/page.html")
    current.response.title = page.title
    return {"title": page.title, "page": page}


def _admit() -> None:
    permission, request = current.auth.permission, current.request
    if not permission.is_admin():
        permission.fail()
    if permission.format != HTML:
        fail_request(415, current.T("This page has no such format."), permission.format)
    if request.env.request_method not in VERBS:
        fail_request(405, current.T("This page does not do that."))
    if current.response.s3.form_error:
        fail_request(400, current.response.s3.form_error)
