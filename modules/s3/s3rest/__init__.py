"""REST requests: what a URL addresses, who handles it, and what comes back."""
from __future__ import annotations

from s3.s3rest.body import read_form
from s3.s3rest.errors import REQUEST_ERRORS, fail_request, keep_messages, status_of
from s3.s3rest.method import S3Method
from s3.s3rest.request import S3Request, s3_request
from s3.s3rest.views import find_layout, find_view, template_view, theme_stylesheet

__all__ = (
    "REQUEST_ERRORS",
    "S3Method",
    "S3Request",
    "fail_request",
    "find_layout",
    "find_view",
    "keep_messages",
    "read_form",
    "s3_request",
    "status_of",
    "template_view",
    "theme_stylesheet",
)
