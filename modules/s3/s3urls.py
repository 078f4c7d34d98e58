"""Which URLs a subscription may point to: pages of this application, and nothing else.

Checked when a subscription is saved, and again by whoever sends a request to a stored URL: rows can be written past the forms.
"""
from __future__ import annotations

import os
import re
from collections.abc import Container
from typing import Any
from urllib.parse import parse_qsl

from gluon import current
from gluon.validators import Validator

from s3.s3error import S3DataError

__all__ = ("IS_SUBSCRIPTION_URL", "check_subscription_url", "known_controllers")

# controller/function[/arg]*[?query]; whitespace and control characters are nowhere allowed
PATTERN = re.compile(r"(?P<controller>[A-Za-z]\w*)/(?P<function>[A-Za-z]\w*)(/[\w.,:=+~-]+)*(\?(?P<query>[^\s\x00-\x20\x7f#]*))?", re.ASCII)
# parameters that the lookup request sets itself
RESERVED = {"format", "subscription"}
# arguments that make a page one of a record, or a form
METHODS = {"read", "display", "create", "update", "delete"}


def check_subscription_url(url: Any, controllers: Container[str] | None = None, is_new: bool = False) -> str:
    """The URL without leading slash, if it is ``controller/function(/arg)*(?query)?`` of this application.

    Args:
        controllers: names of the controllers there are; default are those of the running application
        is_new: to be stored, and therefore not of a page that is no list; a stored one gets the answer of its look-up

    Raises:
        S3DataError: it is anything else; names the URL
    """
    path = str(url or "").removeprefix("/")
    match = PATTERN.fullmatch(path)
    reason = None
    if match is None:
        reason = "it must be controller/function of this application, such as cms/post"
    elif any(sign in path for sign in ("..", "//", "@")):
        reason = 'it must not contain "..", "//" or "@"'
    elif RESERVED & {name for name, _ in parse_qsl(match["query"] or "", keep_blank_values=True)}:
        reason = "the parameters format and subscription are set by the lookup"
    elif match["controller"] not in (known_controllers() if controllers is None else controllers):
        reason = f"there is no controller {match['controller']!r} in this application"
    elif is_new and not _is_list(path):
        reason = "the page is no list; it must not end with a record id, nor have a method such as update or a format such as .json"
    if reason:
        raise S3DataError(f"Cannot subscribe to the URL {url!r}: {reason}", url=url)
    return path


def _is_list(path: str) -> bool:
    args = path.partition("?")[0].split("/")[2:]
    has_format = any("." in arg for arg in args)
    return not has_format and METHODS.isdisjoint(args) and not (args and args[-1].isdigit())


def known_controllers() -> frozenset[str]:
    """Names of the controllers of the running application whose module is enabled."""
    files = os.listdir(os.path.join(current.request.folder, "controllers"))
    names = (name[:-3] for name in files if name.endswith(".py"))
    settings = current.deployment_settings
    return frozenset(name for name in names if settings.has_module(name))


class IS_SUBSCRIPTION_URL(Validator):
    """Validator of a URL that a subscription watches; gives it without leading slash."""

    def __init__(self, controllers: Container[str] | None = None) -> None:
        """
        Args:
            controllers: names of the controllers there are; default are those of the running application
        """
        self.controllers = controllers

    def __call__(self, value: Any, record_id: Any = None) -> tuple[Any, str | None]:
        try:
            return check_subscription_url(value, self.controllers, is_new=True), None
        except S3DataError as error:
            return value, str(error)
