"""The default template: the modules there are, with permission rules per controller, function and table."""
from __future__ import annotations

from typing import Any

from gluon import current
from gluon.storage import Storage


def config(settings: Any) -> None:
    T = current.T
    settings.security.policy = 5
    settings.L10n.languages = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "ar": "العربية"}
    settings.modules.update(
        cms=Storage(name_nice=T("Content Management"), restricted=True, module_type=4),
        doc=Storage(name_nice=T("Documents"), restricted=True, module_type=None),
        event=Storage(name_nice=T("Events"), restricted=True, module_type=10),
        msg=Storage(name_nice=T("Messaging"), restricted=True, module_type=None),
    )
