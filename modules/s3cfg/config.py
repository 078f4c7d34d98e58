"""S3Config: the deployment settings of one request, put together from the sections."""
from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

from gluon.storage import Storage

from s3cfg.auth import AuthSettings
from s3cfg.base import BaseSettings
from s3cfg.l10n import L10nSettings
from s3cfg.mail import MailSettings
from s3cfg.model import ModelSettings
from s3cfg.msg import MsgSettings
from s3cfg.security import SecuritySettings
from s3cfg.setting import SettingError, settings_of
from s3cfg.template import TemplateCascade
from s3cfg.ui import UiSettings
from s3cfg.unknown import describe_unknown, find_unknown

__all__ = ("SETTINGS", "S3Config")

# a template can set options of modules that are not here; they are kept and nobody reads them
SECTIONS = (
    "asset", "auth", "base", "br", "cap", "cms", "cr", "custom", "database", "dc", "deploy", "doc", "dvr", "event", "fin", "gis", "hrm",
    "inv", "L10n", "log", "mail", "med", "member", "mobile", "msg", "org", "pr", "proc", "project", "req", "scheduler", "search",
    "security", "setup", "supply", "sync", "tasks", "transport", "ui", "vulnerability", "xforms",
)


class UnknownSectionError(SettingError, AttributeError):
    """A section that does not exist. Also an AttributeError, so that hasattr and getattr with a default work."""


class S3Config(
    BaseSettings, AuthSettings, SecuritySettings, MailSettings, MsgSettings, L10nSettings, UiSettings, ModelSettings,
    TemplateCascade, Storage,
):
    """Deployment settings, as ``settings.<section>.<key>``; read with ``settings.get_<section>_<key>()``, which knows the default.

    Made anew for every request: models/000_config.py and the deployment templates fill it. A setting nobody reads changes
    nothing; ``unknown`` tells of it.
    """
    def __init__(self) -> None:
        super().__init__((section, Storage()) for section in SECTIONS)
        self.gis.countries = []
        self.L10n.languages = {"en": "English"}
        self.modules = {name: Storage(name_nice=title, restricted=restricted, module_type=None) for name, title, restricted in MODULES}

    def __getattr__(self, name: str) -> Any:
        """What is set, or None for a hook; a section that there is not is named, where None would fail without a name."""
        if name in self or name.startswith("customise_"):
            return self.get(name)
        raise UnknownSectionError(f"settings.{name}: there is no section {name!r}{_suggest(name)}")

    def has_module(self, name: str) -> bool:
        return name in self.modules

    def get_task(self, name: str) -> Callable[..., Any] | None:
        """The function a deployment registered as ``settings.tasks.<name>``, for the generic task ``settings_task``."""
        task: Callable[..., Any] | None = self.tasks.get(name)
        return task

    def customise_controller(self, name: str, **attr: Any) -> dict[str, Any]:
        """Let the template change the attributes of a REST controller: ``settings.customise_<prefix>_<name>_controller(**attr)``."""
        customise = self.get(f"customise_{name}_controller")
        result: dict[str, Any] = customise(**attr) if customise else attr
        if result is None:
            raise SettingError(f"customise_{name}_controller must return its attributes")
        return result

    def customise_resource(self, tablename: str) -> Callable[[Any, str], Any] | None:
        """The template's ``settings.customise_<tablename>_resource(r, tablename)``, if there is one."""
        customise: Callable[[Any, str], Any] | None = self.get(f"customise_{tablename}_resource")
        return customise

    def customised_tables(self) -> list[str]:
        """Names of the tables that the deployment has hooks for."""
        hooks = (re.fullmatch(r"customise_(\w+)_resource", name) for name in self)
        return [hook[1] for hook in hooks if hook]

    def check(self) -> list[str]:
        """What is wrong with the settings: one sentence per setting whose value cannot work."""
        problems: dict[str, None] = {}
        for setting in SETTINGS:
            try:
                getattr(self, setting.getter)()
            except SettingError as error:
                # a wrong value shows up again in the settings whose default it is
                problems[str(error)] = None
        return list(problems)

    def unknown(self) -> list[str]:
        """One sentence for each setting and hook that nothing reads, with its place and the nearest name."""
        return self._describe(find_unknown(self, SECTIONS, NAMES))

    def untold(self) -> list[str]:
        """Those of ``unknown`` that this process has not been told of."""
        names = [name for name in find_unknown(self, SECTIONS, NAMES) if name not in _told]
        _told.update(names)
        return self._describe(names)

    def _describe(self, names: list[str]) -> list[str]:
        files = self.config_files() if names else []
        return [describe_unknown(name, NAMES, files) for name in names]


def _suggest(name: str) -> str:
    sections = {section.lower(): section for section in SECTIONS}
    nearest = get_close_matches(name.lower(), sections, n=1)
    return f"; did you mean {sections[nearest[0]]!r}?" if nearest else ""


# name, title, whether the permission rules of pages apply
MODULES = (
    ("default", "Home", False),
    ("admin", "Administration", True),
    ("gis", "Locations", True),
    ("pr", "Persons", True),
    ("org", "Organizations", True),
)

#: every setting there is, by name
SETTINGS = settings_of(S3Config)
NAMES = frozenset(setting.name for setting in SETTINGS)

# once for each process, not for each request
_told: set[str] = set()
