"""Running a REST request: prep, the handler that verb, method and format lead to, postp, the redirect after."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gluon import FORM, current, redirect
from gluon.html import DIV
from gluon.storage import Storage

from s3.s3rest.address import DEFAULT_REPRESENTATION
from s3.s3rest.errors import keep_messages
from s3.s3utils import s3_get_extension

if TYPE_CHECKING:
    from s3.s3rest.request import S3Request

__all__ = ("method_key", "run_request")

# methods that show or change one record, which must exist
RECORD_METHODS = ("read", "update", "delete")

# those of them for which the only record there is needs no id
SINGLE_RECORD_METHODS = ("read", "update")


def run_request(r: S3Request, attr: dict[str, Any]) -> Any:
    """Run the hooks and the handler of a request; give the output for the view."""
    r.next = None
    _enforce_single_record(r)
    proceed, output = _run_prep(r)
    if proceed:
        output = _find_handler(r)(r, **attr)
    output = _run_postp(r, output)
    if r.next and r.http != "GET" and not _has_form_errors(output):
        keep_messages()
        redirect(r.next)
    return output


def method_key(r: S3Request) -> str:
    """What the request asks for: its method, or for none what verb and record lead to."""
    if r.method:
        return "read" if r.method == "display" else r.method
    if r.http == "DELETE":
        return "delete"
    if r.component is not None:
        return "read" if r.component_id or not r.component.multiple else "list"
    return "read" if r.id else "list"


def _enforce_single_record(r: S3Request) -> None:
    """A page about one record without its id: the only record there is, or the list."""
    if r.representation != DEFAULT_REPRESENTATION or r.id:
        return
    if r.component is None and r.method not in SINGLE_RECORD_METHODS:
        return
    rows = r.resource.load(limit=2)
    if len(rows) != 1:
        redirect(r.url(id=0, component="", method="", vars={}))
    r.record = rows[0]
    r.id = r.record[r.resource.table._id.name]
    r.resource.add_filter(r.resource.table._id == r.id, hides=False)


def _run_prep(r: S3Request) -> tuple[bool, Any]:
    """Run ``s3.prep``.

    Returns:
        Whether to run the handler, and the output if not.
    """
    prep = current.response.s3.prep
    if not prep:
        return True, None
    verdict = prep(r)
    # the hook may have changed the URL variables
    r.representation = s3_get_extension(r)
    if not isinstance(verdict, dict):
        return (True, None) if verdict else r.error(400, current.ERROR.BAD_REQUEST)
    output = verdict.get("output")
    if not verdict.get("success", True):
        if r.representation == DEFAULT_REPRESENTATION and output:
            return False, output
        r.error(verdict.get("status", 400), verdict.get("message", current.ERROR.BAD_REQUEST))
    return not verdict.get("bypass"), output


def _find_handler(r: S3Request) -> Any:
    """Find who handles the request; nobody: 404, 405 or 415."""
    action = r.custom_action or r.get_custom_method()
    if action is not None:
        return action() if isinstance(action, type) else action
    key = method_key(r)
    handler = r.get_handler(key)
    if handler is None:
        if not r.is_known_format() or (key == "read" and not r.handled_verbs(key)):
            r.error(415, current.ERROR.BAD_FORMAT)
        r.error(405, current.ERROR.BAD_METHOD)
    if key in RECORD_METHODS and r.component is None and not r.id:
        r.error(404, current.ERROR.BAD_RECORD)
    return handler


def _run_postp(r: S3Request, output: Any) -> Any:
    """Run ``s3.postp``, and hand the request to the view."""
    postp = current.response.s3.postp
    if postp:
        output = postp(r, output)
    if isinstance(output, dict):
        output["r"] = r
    return output


def _has_form_errors(output: Any) -> bool:
    """Whether the page shows a form that was not accepted."""
    form = output.get("form") if isinstance(output, dict) else None
    if isinstance(form, DIV) and not isinstance(form, FORM):
        form = form.element("form")
    errors = getattr(form, "errors", None)
    return bool(errors) and isinstance(errors, Storage)
