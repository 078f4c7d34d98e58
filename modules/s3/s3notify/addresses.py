"""Where the links of a message lead, all of them absolute."""
from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from gluon import current
from gluon.compileapp import find_exposed_functions

from s3.s3notify.lookup import page_url
from s3.s3notify.records import Subscription
from s3.s3notify.unsubscribe import unsubscribe_url
from s3.s3resource import S3Resource

__all__ = ("find_addresses",)


def find_addresses(resource: S3Resource, subscription: Subscription, filters: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """The addresses that templates know.

    Gives ``list_url`` (the subscribed page), ``page_url`` (the same with the saved filter: what the message tells of),
    ``record_url`` (of one record, with the placeholder [id]), ``settings_url`` and ``unsubscribe_url``; those that there
    are not are None.
    """
    application = current.request.application
    list_url = page_url(_public_url(), application, subscription)
    return {
        "list_url": list_url,
        "page_url": _with_filters(list_url, filters),
        "record_url": _record_url(resource),
        "settings_url": _settings_url(),
        "unsubscribe_url": unsubscribe_url(subscription),
    }


def _public_url() -> str:
    return str(current.deployment_settings.get_base_public_url())


def _absolute(address: str) -> str:
    if address.startswith(("http://", "https://")):
        return address
    return f"{_public_url()}/{current.request.application}/{address.lstrip('/')}"


def _with_filters(url: str, filters: Iterable[tuple[str, str]]) -> str:
    target = urlsplit(url)
    query = [*parse_qsl(target.query, keep_blank_values=True), *filters]
    return target._replace(query=urlencode(query)).geturl()


def _record_url(resource: S3Resource) -> str | None:
    own = resource.get_config("notify_record_url")
    if own is not None:
        return _absolute(own) if own else None
    controller, _, function = resource.tablename.partition("_")
    return _absolute(f"{controller}/{function}/[id]") if _can_open(controller, function, resource.tablename) else None


def _can_open(controller: str, function: str, tablename: str) -> bool:
    """Does the application have the page of this table, and may the reader open it?"""
    request = current.request
    if (request.controller, request.function) == (controller, function):
        return True
    path = Path(request.folder) / "controllers" / f"{controller}.py"
    if not (current.deployment_settings.has_module(controller) and path.is_file()):
        return False
    is_page = function in find_exposed_functions(path.read_text(encoding="utf-8"))
    return is_page and current.auth.permission.has_permission("read", c=controller, f=function, t=tablename)


def _settings_url() -> str | None:
    # whoever has no account has no settings either
    address = current.deployment_settings.get_msg_notify_settings_url() if current.auth.user_id else None
    return _absolute(address) if address else None
