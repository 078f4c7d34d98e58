"""The variables of a submitted form, read once and before anybody else asks web2py for them."""
from __future__ import annotations

from typing import Any

from gluon.storage import Storage

__all__ = ("read_form",)

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
FORM_VERBS = ("POST", "PUT", "DELETE")
# what the parsers of the various web2py and Python versions raise
PARSER_ERRORS = (AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError)


def read_form(request: Any) -> str | None:
    """Read the form in the body of a request into its ``post_vars``; say what is wrong with it, None if nothing is.

    Any other body is data, which its handler reads, and no variables: web2py fails on bodies of other types, which anybody
    may send, as soon as somebody asks for variables. A broken form gives no variables either.
    """
    if not request.env.request_method:
        # no request from the web
        return None
    request._post_vars, form = Storage(), None
    if _is_form(request.env):
        request._post_vars = None
        try:
            form = request.post_vars
        except PARSER_ERRORS as error:
            request._post_vars = Storage()
            return f"The form in the body of the request cannot be read: {error}"
    objection = _find_nul(form or {})
    if objection:
        request._post_vars = Storage()
    return objection


def _is_form(env: Any) -> bool:
    return env.request_method in FORM_VERBS and str(env.content_type or "").lower().startswith(FORM_TYPES)


def _find_nul(form: dict[str, Any]) -> str | None:
    for key, value in form.items():
        if any(isinstance(item, str) and "\x00" in item for item in (value if isinstance(value, list) else [value])):
            # no database stores it
            return f"The value of {key} has characters that cannot be stored."
    return None
