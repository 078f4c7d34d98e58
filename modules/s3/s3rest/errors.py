"""Answers to requests that cannot be served: a page for people, JSON for programs, the same sentence for both."""
from __future__ import annotations

from typing import Any, NoReturn

from gluon import HTTP, current, redirect

from s3.s3error import S3DataError, S3FilterValueError, S3RecordError, S3RequestError, S3SelectorError
from s3.s3rest.address import DEFAULT_REPRESENTATION
from s3.s3rest.views import find_view

__all__ = ("REQUEST_ERRORS", "fail_request", "keep_messages", "status_of")

# what the client got wrong; everything else is a fault of ours and becomes an error ticket
REQUEST_ERRORS = (S3RecordError, S3RequestError, S3SelectorError, S3FilterValueError, S3DataError)

MESSAGE_KINDS = ("error", "warning", "confirmation", "information", "flash")


def keep_messages() -> None:
    """Carry the messages of this page over to the next one, before a redirect."""
    for kind in MESSAGE_KINDS:
        message = current.response.get(kind)
        if message:
            current.session[kind] = message


def status_of(error: Exception) -> int:
    """The HTTP status of something the client got wrong."""
    return 404 if isinstance(error, S3RecordError) else 400


def fail_request(
    status: int,
    message: Any,
    representation: str = DEFAULT_REPRESENTATION,
    next: str | None = None,
    tree: str | None = None,
    **data: Any,
) -> NoReturn:
    """End the request with an error.

    Args:
        status: the HTTP status
        message: one sentence for the reader
        representation: the format of the answer: html, or anything else for JSON
        next: html only: where to go instead, the message being shown there
        tree: JSON text with details
        data: further items of the JSON answer

    Raises:
        HTTP: always; a page with that status (Eden redirects to the controller's index, which hides the status
            from caches and programs), or for ``next`` a redirect
    """
    if representation != DEFAULT_REPRESENTATION:
        body = current.xml.json_message(False, status, message=str(message), tree=tree, **data)
        raise HTTP(status, body, **{"Content-Type": "application/json"})
    if next:
        keep_messages()
        current.session.error = str(message)
        redirect(next)
    page = current.response.render(find_view("error.html"), {"title": str(message), "status": status})
    raise HTTP(status, page)
