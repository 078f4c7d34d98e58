"""Ways through the application: the modules the reader may open, and the tabs of a record."""
from __future__ import annotations

from typing import Any, NamedTuple

from gluon import CAT, TAG, URL, A, P, current, redirect

from s3.s3rest import S3Request, find_view
from s3.s3utils import import_module, s3_fullname, s3_plain_text
from s3cfg import to_translate

__all__ = ("MenuItem", "module_home", "module_menu", "page_menu", "personal_menu", "s3_rheader_tabs", "template_pages")

# the pages of a module, the first one being its entry
MODULE_PAGES: dict[str, tuple[str, ...]] = {
    "cms": ("post", "series"),
    "org": ("organisation", "office"),
    "pr": ("person", "group", "filter", "subscription"),
    "gis": ("location",),
    "msg": ("outbox", "message", "email"),
    "admin": ("user", "role", "event", "health"),
}

# no rule opens its pages to others
ADMIN = "admin"

PAGE_TITLES = to_translate({
    "admin_event": "Log of Events",
    "admin_health": "State of the Service",
    "admin_role": "Roles",
    "admin_user": "Accounts",
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
})


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
        if not settings.has_module(module) or (module == ADMIN and not permission.is_admin()):
            continue
        items = [
            MenuItem(
                current.T(PAGE_TITLES[f"{module}_{page}"]),
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


def module_home(start: str) -> Any:
    """The entry of this module: what ``settings.customise_<module>_home()`` of the deployment gives, else a redirection.

    Args:
        start: function of the module to go to without such a hook
    """
    module = current.request.controller
    hook = current.deployment_settings.get(f"customise_{module}_home")
    if hook is None:
        redirect(URL(f=start))
    current.response.view = find_view(f"{module}/index.html")
    return hook()


def template_pages() -> dict[str, Any]:
    """The pages below default/index that the deployment templates offer: what stands in ``PAGES`` of their controllers.

    Of pages of the same name that of the last template counts. Eden serves whatever the module happens to hold.
    """
    pages: dict[str, Any] = {}
    for template in current.deployment_settings.get_template_names():
        module = import_module(f"templates.{template}.controllers")
        pages.update(getattr(module, "PAGES", {}))
    return pages


def page_menu() -> list[MenuItem]:
    """Links to the pages of the templates that have a title."""
    return _pages_with("title")


def personal_menu() -> list[MenuItem]:
    """Links to the pages of the templates for whoever is logged in: those that have a ``personal_title``."""
    return _pages_with("personal_title") if current.auth.user else []


def _pages_with(attribute: str) -> list[MenuItem]:
    labels = {name: getattr(page, attribute, None) for name, page in template_pages().items()}
    return [
        MenuItem(current.T(label), URL(c="default", f="index", args=name, extension=""), current.request.function == f"index/{name}")
        for name, label in labels.items()
        if label
    ]


def s3_rheader_tabs(r: S3Request, tabs: list[tuple[Any, str | None]]) -> Any:
    """The name of a record, and links to its components, for the keyword ``rheader`` of a REST controller.

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
    nav = TAG.nav(*links, _class="tabs", **{"_aria-label": current.T("Parts of this record")})
    return CAT(P(_record_name(r), _class="record-name"), nav)


def _record_name(r: S3Request) -> str:
    """What a record is called among people."""
    record: Any = r.record
    if r.tablename == "pr_person":
        return s3_fullname(record, truncate=False)
    names = [name for name in ("name", "title", "label", "pe_id") if record.get(name)]
    if not names:
        return f"#{r.id}"
    represent = r.table[names[0]].represent
    return s3_plain_text(represent(record[names[0]]) if represent else record[names[0]])


def _may_read_component(r: S3Request, alias: str) -> bool:
    component = current.s3db.get_component(r.tablename, alias)
    return bool(component) and bool(current.auth.s3_has_permission("read", component.tablename))
