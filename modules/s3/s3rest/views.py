"""Which view shows a page: that of the theme, of a deployment template, or of the application."""
from __future__ import annotations

import os
from collections.abc import Iterator

from gluon import current

__all__ = ("find_layout", "find_view", "template_view", "theme_stylesheet")

#: frame of all pages, and the application's own one
LAYOUT = "layout.html"
SITE = "site.html"
#: shows what a deployment has for the inside of a page in its frame
PART = "part.html"


def find_view(*names: str) -> str:
    """The view for a page, for ``response.view`` and ``response.render``; the deployment's go before the application's.

    Args:
        names: views of the application that would do, the most specific first, such as "cms/post_list.html", "list.html"

    A deployment may also call them "cms_post_list.html" and "_list.html"; the latter is the inside of the page alone.
    Source: Eden s3rest.py S3Method._view
    """
    for folder in _folders():
        for name in names:
            for path in _paths(folder, name):
                if os.path.isfile(path):
                    return _in_frame(path)
    own = os.path.join(current.request.folder, "views")
    return next((name for name in names if os.path.isfile(os.path.join(own, name))), names[-1])


def find_layout() -> str:
    """The frame of all pages: ``layout.html`` of the deployment, else the application's."""
    paths = (os.path.join(folder, LAYOUT) for folder in _folders())
    return next((path for path in paths if os.path.isfile(path)), SITE)


def template_view(name: str) -> str | None:
    """A view that only deployment templates have, for their own pages; None if none of them has it."""
    paths = (os.path.join(folder, name) for folder in _folders())
    return next((path for path in paths if os.path.isfile(path)), None)


def theme_stylesheet() -> str | None:
    """Path below static/ of the stylesheet that the theme adds, if it has one."""
    styles = current.deployment_settings.theme_styles()
    path = f"{styles}/theme.css"
    return path if styles and os.path.isfile(os.path.join(current.request.folder, "static", path)) else None


def _folders() -> list[str]:
    """Folders of the deployment's views, those that go first at the beginning."""
    return [os.path.join(folder, "views") for folder in current.deployment_settings.view_folders()]


def _paths(folder: str, name: str) -> Iterator[str]:
    yield os.path.join(folder, name.replace("/", "_"))
    yield os.path.join(folder, name)
    if "/" not in name:
        yield os.path.join(folder, f"_{name}")


def _in_frame(path: str) -> str:
    if not os.path.basename(path).startswith("_"):
        return path
    current.response.s3.view_part = path
    return PART
