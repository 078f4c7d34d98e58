"""Ways through the application: the modules the reader may open, and the tabs of a record."""
from __future__ import annotations

from typing import Any, NamedTuple

from gluon import TAG, URL, A, current

from s3.s3rest import S3Request

__all__ = ("MenuItem", "module_menu", "s3_rheader_tabs")

# the pages of a module, the first one being its entry
MODULE_PAGES: dict[str, tuple[str, ...]] = {
    "cms": ("post", "series"),
    "org": ("organisation", "office"),
    "pr": ("person", "group", "filter", "subscription"),
    "gis": ("location",),
    "msg": ("outbox", "message", "email"),
}

PAGE_TITLES = {
    "cms_post": "Posts",
    "cms_series": "Series",
    "gis_location": "Locations",
    "msg_email": "E-mails",
    "msg_message": "Messages",
    "msg_outbox": "Outbox",
    "org_office": "Offices",
    "org_organisation": "Organizations",
    "pr_filter": "Saved Filters",
    "pr_group": "Groups",
    "pr_person": "Persons",
    "pr_subscription": "Subscriptions",
}


class MenuItem(NamedTuple):
    """A link of a menu."""

    label: Any
    url: str
    is_current: bool


def module_menu() -> list[tuple[MenuItem, list[MenuItem]]]:
    """The modules of the deployment that the reader may open, each with its pages that he may open.

    Without a database query unless the permission policy has rules.
    """
    settings = current.deployment_settings
    permission = current.auth.permission
    request = current.request
    menu = []
    for module, pages in MODULE_PAGES.items():
        if not settings.has_module(module):
            continue
        items = [
            MenuItem(
                _list_title(f"{module}_{page}"),
                URL(c=module, f=page, extension=""),
                request.controller == module and request.function == page,
            )
            for page in pages
            if permission.has_permission("read", c=module, f=page)
        ]
        if items:
            title = settings.modules[module].name_nice or module
            menu.append((MenuItem(title, items[0].url, request.controller == module), items))
    return menu


def _list_title(tablename: str) -> Any:
    """What the list of a table is called; its models are not loaded for a menu."""
    if tablename in (current.response.s3.crud_strings or {}):
        return current.s3db.get_crud_string(tablename, "title_list")
    return current.T(PAGE_TITLES[tablename])


def s3_rheader_tabs(r: S3Request, tabs: list[tuple[Any, str | None]]) -> Any:
    """Links between a record and its components, for the keyword ``rheader`` of a REST controller.

    Args:
        r: the request
        tabs: (label, component alias), None for the record itself; those that the reader may not read are left out

    Returns:
        An element, or "" when the page is about no record.
    """
    if not r.id:
        return ""
    links = []
    for label, alias in tabs:
        if alias and not _may_read_component(r, alias):
            continue
        is_here = r.component_name == alias and (alias is not None or r.component is None)
        url = r.url(component=alias or "", component_id=0, method="", id=r.id, representation="", vars={})
        links.append(A(label, _href=url, **({"_aria-current": "page"} if is_here else {})))
    return TAG.nav(*links, _class="tabs", **{"_aria-label": current.T("Parts of this record")})


def _may_read_component(r: S3Request, alias: str) -> bool:
    component = current.s3db.get_component(r.tablename, alias)
    return bool(component) and bool(current.auth.s3_has_permission("read", component.tablename))
