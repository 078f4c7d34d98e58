"""Message templates: which file renders a message, and rendering it.

Message templates are web2py views named ``<prefix>_<method>.html``, for e-mail also ``<prefix>_email_<format>.html``.
Any template of the deployment, plain names included, goes before any default one.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from io import StringIO
from pathlib import Path
from types import CodeType
from typing import Any

from gluon import current
from gluon.html import xmlescape
from yatl.template import TemplateParser

from s3.s3notify import savepoint
from s3.s3utils import s3_str

__all__ = ("render_message", "template_folders", "template_names")

# Compiled templates of this process by (file, modification time): a template is the same for everybody
_compiled: dict[tuple[str, int], CodeType] = {}
MAX_COMPILED = 200


def template_names(prefix: str, method: str, email_format: str | None) -> list[str]:
    """File names to look for, most specific first. Source: Eden s3notify.py S3Notifications.send"""
    names = [f"{prefix}_{method.lower()}.html"]
    if method == "EMAIL" and email_format:
        names.insert(0, f"{prefix}_email_{email_format}.html")
    return names


def template_folders() -> list[Path]:
    """Folders to look in: the deployment templates from last to first, then the defaults of the application."""
    deployment = reversed(current.deployment_settings.template_folders())
    return [Path(folder) / "views" / "msg" for folder in (*deployment, current.request.folder)]


def _candidates(prefix: str, method: str, email_format: str | None) -> Iterator[Path]:
    names = template_names(prefix, method, email_format)
    for folder in template_folders():
        for name in names:
            path = folder / name
            if path.is_file():
                yield path


def render_message(prefix: str, method: str, email_format: str | None, contents: dict[str, Any], contents_format: str) -> str:
    """Render the message with the best template that works; without any, a one-line notice.

    A template that fails costs itself, not the message: the next one in the search order takes its place.
    """
    for path in _candidates(prefix, method, email_format):
        name = f"The message template {path.name} of {path.parents[2].name}"
        text = savepoint.attempt(name, partial(_render, path, contents, contents_format), None)
        if text is not None:
            return text
    return s3_str(current.T("New updates are available."))


def _render(path: Path, contents: dict[str, Any], contents_format: str) -> str:
    body = _MessageBody(escape=contents_format == "html")
    # a copy: nothing of one message may be visible in the next
    context = {**current.response._view_environment, **contents, "message": body}
    exec(_compile(path), context)  # noqa: S102 - message templates are part of the deployment's code
    return body.text()


def _compile(path: Path) -> CodeType:
    key = (str(path), os.stat(path).st_mtime_ns)
    if key not in _compiled:
        if len(_compiled) >= MAX_COMPILED:
            _compiled.clear()
        parser = TemplateParser(path.read_text(encoding="utf-8"), name=path.name, path=str(path.parent), writer="message.write")
        _compiled[key] = compile(str(parser), str(path), "exec")
    return _compiled[key]


class _MessageBody:
    """Where a template writes to. Text messages are not markup: nothing is escaped in them, and no element survives."""

    def __init__(self, escape: bool) -> None:
        self.escape = escape
        self.stream = StringIO()

    def write(self, data: Any, escape: bool = True) -> None:
        if escape and self.escape:
            self.stream.write(s3_str(xmlescape(data)))
        else:
            self.stream.write(s3_str(data))

    def text(self) -> str:
        return self.stream.getvalue().strip()
