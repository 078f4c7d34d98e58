"""The language of a request, and the translations that deployment templates bring."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable
from threading import RLock
from typing import Any, NamedTuple
from urllib.parse import urlencode

from gluon import current
from gluon.languages import TranslatorFactory, read_dict
from gluon.storage import Storage

__all__ = (
    "LanguageLink",
    "choose_language",
    "forget_language",
    "is_right_to_left",
    "isolated",
    "language_menu",
    "speak",
    "text_direction",
    "translator",
)

#: Languages whose script runs from right to left
RIGHT_TO_LEFT = frozenset(("ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi"))

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
LEFT_TO_RIGHT = re.compile(r"[\dA-Za-z\u00c0-\u058f]")
ADDRESS_AT_END = re.compile(r"://\S+[\w/=&-]$")


class LanguageLink(NamedTuple):
    """A link to the same page in a language."""

    code: str
    name: str
    url: str
    is_current: bool

    @property
    def direction(self) -> str:
        return text_direction(self.code)


def choose_language(wanted: Any, account_language: str | None) -> str:
    """The language of this request: what its address wants, what the session remembers of that, the account's, the deployment's.

    Only languages of the deployment count. Remembers a wanted one in the session. Source: Eden models/00_settings.py.

    Args:
        wanted: the URL variable ``_language``, a list if it is repeated
    """
    settings, session = current.deployment_settings, current.session
    languages = settings.get_L10n_languages()
    wanted = wanted[-1] if isinstance(wanted, list) else wanted
    remembered = (session.s3 or {}).get("language")
    if wanted in languages and wanted != remembered:
        session.s3 = Storage(session.s3 or {}, language=wanted)
    candidates = (wanted, remembered, account_language)
    return next((str(code) for code in candidates if code in languages), settings.get_L10n_default_language())


def forget_language() -> None:
    """Let the account decide again."""
    if current.session.s3:
        current.session.s3.pop("language", None)


def language_menu() -> list[LanguageLink]:
    """Links to this page in each language of the deployment; empty if there is but one, or the deployment does not want them."""
    settings, request = current.deployment_settings, current.request
    languages = settings.get_L10n_languages()
    if len(languages) < 2 or not settings.get_L10n_display_toolbar():
        return []
    variables = {key: value for key, value in request.get_vars.items() if key != "_language"}
    return [
        LanguageLink(code, name, "?" + urlencode({**variables, "_language": code}, doseq=True), code == current.response.s3.language)
        for code, name in languages.items()
    ]


def speak(language: str) -> None:
    """Make this the language of the rest of the request."""
    _prepare(current.T, language)
    s3 = current.response.s3
    if s3 is not None:
        s3.language = language
        s3.rtl = is_right_to_left(current.T.accepted_language)


def translator(language: str | None) -> TranslatorFactory:
    """What translates into another language than that of the request; None is the language of the deployment."""
    factory = TranslatorFactory(os.path.join(current.request.folder, "languages"), None)
    _prepare(factory, language or current.deployment_settings.get_L10n_default_language())
    return factory


def is_right_to_left(language: str) -> bool:
    return language.partition("-")[0].lower() in RIGHT_TO_LEFT


def text_direction(language: str) -> str:
    """The value of the attribute ``dir`` for texts in a language."""
    return "rtl" if is_right_to_left(language) else "ltr"


def isolated(text: str) -> str:
    """A value for a sentence in plain text: where that runs from right to left, in marks that keep dates and addresses in order.

    Numbers beside Arabic letters would be turned round part by part: 2026-11-22 is read as 22-11-2026.
    """
    if not (current.response.s3 and current.response.s3.rtl):
        return text
    # no mark reaches over the end of a line
    return "\n".join(f"{FIRST_STRONG_ISOLATE}{line}{POP_ISOLATE}" if _needs_isolation(line) else line for line in text.split("\n"))


def _needs_isolation(line: str) -> bool:
    # a mark behind an address would be taken for a part of it
    return bool(LEFT_TO_RIGHT.search(line)) and not ADDRESS_AT_END.search(line)


def _prepare(T: Any, language: str) -> None:
    T.is_writable = False
    T.force(language)
    files = list(_files_of_templates(language.lower()))
    if files:
        T.accepted_language = language
        # a copy, and a cache of its own: web2py shares both with all applications and threads of the process
        T.t = dict(T.t)
        for path in files:
            T.t.update(read_dict(path))
        T.cache = ({}, RLock())


def _files_of_templates(language: str) -> Iterable[str]:
    """The translations of the deployment templates, the most general first; where there are none in pt-br, those in pt."""
    for folder in current.deployment_settings.template_folders():
        for name in dict.fromkeys((language, language.partition("-")[0])):
            path = os.path.join(folder, "languages", f"{name}.py")
            if os.path.isfile(path):
                yield path
                break
