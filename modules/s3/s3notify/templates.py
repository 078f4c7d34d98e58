"""Message templates: which file renders a message, and rendering it.

Message templates are web2py views named ``<prefix>_<method>.html``, for e-mail also ``<prefix>_email_<format>.html``.
Any template of the deployment, plain names included, goes before any default one. What they extend or include is looked for
in the same folders.
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

from s3.s3msg.mail import is_html
from s3.s3notify import savepoint
from s3.s3utils import s3_str

__all__ = ("render_message", "template_folders", "template_names")


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


def render_message(prefix: str, method: str, email_format: str | None, contents: dict[str, Any], contents_format: str,
                   notes: list[str] | None = None) -> str | None:
    """Render the message with the best template that works; None if there is none.

    A template that fails costs itself, not the message: the next one in the search order takes its place.

    Args:
        contents: the variables of the template
        contents_format: "html" if values have to be escaped, else "text"
        notes: gets the reasons why templates failed
    """
    for path in _candidates(prefix, method, email_format):
        name = f"The message template {path.name} of {path.parents[2].name}"
        text = savepoint.attempt(name, partial(_render, path, contents, contents_format), None, [] if notes is None else notes)
        if text is not None:
            return text
    return None


def _candidates(prefix: str, method: str, email_format: str | None) -> Iterator[Path]:
    names = template_names(prefix, method, email_format)
    for folder in template_folders():
        for name in names:
            path = folder / name
            if path.is_file():
                yield path


def _find_part(name: str) -> Path:
    """The file that another one extends or includes."""
    for folder in template_folders():
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"There is no {name} in any folder of message templates.")


def _render(path: Path, contents: dict[str, Any], contents_format: str) -> str:
    code = _code_of(path)
    text = _run(code, contents, escape=contents_format == "html")
    if contents_format != "html" and is_html(text):
        # a template without format in its name may give html for everybody: then texts are no markup in it
        text = _run(code, contents, escape=True)
    return text


def _run(code: CodeType, contents: dict[str, Any], escape: bool) -> str:
    body = _MessageBody(escape)
    # a copy: nothing of one message may be visible in the next
    exec(code, {**current.response._view_environment, **contents, "message": body})  # noqa: S102 - the deployment's own code
    return body.text()


class _MessageBody:
    """Where a template writes to. Text messages are not markup: nothing is escaped in them."""

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


_Stamp = tuple[Path, int]


class _Compiled:
    """A template as Python code, with the files that it is made of."""

    def __init__(self, path: Path) -> None:
        self._stamp = _stamp_of(path)
        self._parts: dict[str, _Stamp] = {}
        parser = TemplateParser(path.read_text(encoding="utf-8"), name=path.name, path=self._read_part, writer="message.write")
        self.code: CodeType = compile(str(parser), str(path), "exec")

    def _read_part(self, name: str) -> str:
        path = _find_part(name)
        self._parts[name] = _stamp_of(path)
        return path.read_text(encoding="utf-8")

    def is_current(self) -> bool:
        """Would compiling give the same again?"""
        is_same = self._stamp == _stamp_of(self._stamp[0])
        return is_same and all(stamp == _stamp_of(_find_part(name)) for name, stamp in self._parts.items())


def _stamp_of(path: Path) -> _Stamp:
    return path, os.stat(path).st_mtime_ns


# Compiled templates of this process: a template is the same for everybody
_compiled: dict[Path, _Compiled] = {}


def _code_of(path: Path) -> CodeType:
    compiled = _compiled.get(path)
    if compiled is None or not compiled.is_current():
        compiled = _compiled[path] = _Compiled(path)
    return compiled.code
