"""Deployment templates: find those that ``settings.base.template`` names and let them set the settings."""
from __future__ import annotations

import os
from types import ModuleType
from typing import Any

from gluon import current

from s3cfg.importer import import_module
from s3cfg.script import run_script
from s3cfg.setting import SettingError

__all__ = ("TemplateCascade",)


class TemplateCascade:
    def import_template(self: Any, config: str = "config") -> None:
        """Run ``config(settings)`` of every template in the cascade; a later template overrides an earlier one.

        At the older place a config.py without that function is executed itself.

        Raises:
            SettingError: there is no such template, or its module has no function ``config``
        """
        for name in self.get_template_names():
            script = _older_file(name, config)
            if script and run_script(script, config):
                continue
            module = self.template_module(name, config)
            if module is None:
                raise SettingError(f"Template not found: {name} (looked for {_places(name, config)})")
            configure = getattr(module, config, None)
            if not callable(configure):
                raise SettingError(f"Template {name} has no function {config}(settings) in {module.__file__}")
            configure(self)

    def get_template_names(self: Any) -> list[str]:
        """Names of the templates in the cascade, the most general first. Dots are sub-templates."""
        names = self.get_template()
        return [names] if isinstance(names, str) else list(names)

    def template_module(self: Any, name: str, module: str) -> ModuleType | None:
        """A module of a template, such as ``controllers`` of ``DRMP``; None when the template does not have it."""
        if not all(part.isidentifier() for part in name.split(".")):
            return None
        return import_module(f"templates.{name}.{module}")

    def template_folders(self: Any) -> list[str]:
        """Folders of the templates in the cascade that exist, the most general first: search them from the end."""
        folders = [folder for name in self.get_template_names() for folder in reversed(_folders(name))]
        return [folder for folder in folders if os.path.isdir(folder)]

    def config_files(self: Any) -> list[str]:
        """The files that make the settings: models/000_config.py, then the config.py of every template, the last one first."""
        files = [os.path.join(current.request.folder, "models", "000_config.py")]
        files += [os.path.join(folder, "config.py") for folder in reversed(self.template_folders())]
        return [file for file in files if os.path.isfile(file)]

    def check_theme(self: Any) -> None:
        """Find out before a page is made, and not while it tells of an error, that the theme cannot be used.

        Raises:
            SettingError: it is no name
        """
        for read in (self.get_theme, self.get_theme_layouts, self.get_theme_styles):
            read()

    def view_folders(self: Any) -> list[str]:
        """Folders whose views/ show pages, in the order of the search: the theme's, then those of the cascade, the last one first."""
        theme = self.get_theme_layouts() or self.get_theme()
        folders = [*(_folders(theme) if theme else ()), *reversed(self.template_folders())]
        return [folder for folder in dict.fromkeys(folders) if os.path.isdir(folder)]

    def theme_styles(self: Any) -> str | None:
        """Folder below static/ of the theme's stylesheet; None without a theme."""
        theme = self.get_theme_styles() or self.get_theme()
        return f"themes/{theme.replace('.', '/')}" if theme else None


def _folders(name: str) -> list[str]:
    """Where a template can stand: modules/templates, then the older private/templates."""
    templates = import_module("templates")
    return [os.path.join(root, *name.split(".")) for root in templates.__path__] if templates else []


def _older_file(name: str, module: str) -> str | None:
    """A module of a template that stands at the older place alone."""
    newer, *older = (os.path.join(folder, f"{module}.py") for folder in _folders(name))
    return None if os.path.isfile(newer) else next((path for path in older if os.path.isfile(path)), None)


def _places(name: str, module: str) -> str:
    return ", ".join(os.path.join(folder, f"{module}.py") for folder in _folders(name))
