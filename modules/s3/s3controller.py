"""The REST controller: the hooks of the deployment, the request, and who handles which method in which format."""
from __future__ import annotations

from typing import Any

from gluon import current

from s3.s3crud import (
    CreateJSON,
    CreatePage,
    DeleteJSON,
    DeletePage,
    ExportDocument,
    FilterForms,
    FilterJSON,
    FilterOptions,
    ImportDocument,
    ListCSV,
    ListJSON,
    ListPage,
    ReadJSON,
    ReadPage,
    UpdateJSON,
    UpdatePage,
)
from s3.s3error import S3PermissionError
from s3.s3notify import S3Notifications
from s3.s3rest import REQUEST_ERRORS, S3Request, fail_request, s3_request, status_of
from s3.s3utils import s3_get_extension

__all__ = ("HANDLERS", "s3_rest_controller")


def send_notifications(r: S3Request, **attr: Any) -> str:
    """Answer the lookup request of a subscription: compose its messages from this list."""
    resource = r.resource if r.component is None else r.component
    if not current.auth.s3_has_permission("read", resource.table):
        # as a list on screen: an empty one would look as if nothing had happened, and move the watermark
        r.unauthorised()
    current.response.headers["Content-Type"] = "application/json"
    return S3Notifications.send(r, resource)


# (method, verbs, format, handler). A URL without method asks for "read" if it names a record, else for "list".
# What is not here is refused: 405 for the method, 415 for the format.
HANDLERS: tuple[tuple[str, tuple[str, ...], str, Any], ...] = (
    ("list", ("GET",), "html", ListPage),
    ("list", ("GET",), "json", ListJSON),
    ("list", ("GET",), "csv", ListCSV),
    ("list", ("POST",), "json", CreateJSON),
    ("list", ("POST",), "msg", send_notifications),
    ("read", ("GET",), "html", ReadPage),
    ("read", ("GET",), "json", ReadJSON),
    ("read", ("POST", "PUT"), "json", UpdateJSON),
    ("create", ("GET", "POST"), "html", CreatePage),
    ("create", ("POST",), "json", CreateJSON),
    ("update", ("GET", "POST"), "html", UpdatePage),
    ("update", ("POST", "PUT"), "json", UpdateJSON),
    ("delete", ("GET", "POST"), "html", DeletePage),
    ("delete", ("POST", "DELETE"), "json", DeleteJSON),
    ("filter", ("POST",), "html", FilterForms),
    ("filter", ("GET", "POST"), "json", FilterJSON),
    ("filter", ("GET",), "options", FilterOptions),
    *(
        (method, verbs, extension, handler)
        for extension in ("xml", "s3json")
        for method in ("list", "read")
        for verbs, handler in ((("GET",), ExportDocument), (("POST", "PUT"), ImportDocument))
    ),
)


def s3_rest_controller(prefix: str | None = None, resourcename: str | None = None, **attr: Any) -> Any:
    """Serve a REST request: customise_controller, request, customise_resource, prep, handler, postp.

    Args:
        prefix, resourcename: the table is <prefix>_<resourcename>; default controller and function of the URL
        attr: keywords for the handler and the page (rheader, populate, ...); a value that is callable gets the request

    Returns:
        A dict for the view, or the text of the answer.

    Source: Eden models/00_utils.py s3_rest_controller
    """
    request = current.request
    name = f"{prefix or request.controller}_{resourcename or request.function}"
    attr = current.deployment_settings.customise_controller(name, **attr)
    representation = s3_get_extension()
    try:
        r = s3_request(prefix, resourcename)
        representation = r.representation
        r.customise_resource()
        for method, verbs, extension, handler in HANDLERS:
            r.set_handler(method, handler, http=verbs, representation=extension)
        return r(**attr)
    except S3PermissionError:
        current.db.rollback()
        current.auth.permission.fail()
    except REQUEST_ERRORS as exc:
        # nothing of a request that is refused stays
        current.db.rollback()
        fail_request(status_of(exc), str(exc), representation)
