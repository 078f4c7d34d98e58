"""Instances: a web2py folder with the application in it, either the checkout itself or a throw-away one.

A throw-away instance shares the code with the checkout by symbolic links and has everything else to itself: its settings, its
database, its sessions and uploads.
"""
from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from launcher.config import write_config
from launcher.errors import LauncherError

__all__ = ("CHECKOUT", "CONFIG", "Instance", "create_instance", "open_instance")

CHECKOUT = Path(__file__).resolve().parents[2]

#: The folders of the application which hold code; whatever else web2py needs it makes in the instance itself
CODE_FOLDERS = ("controllers", "cron", "languages", "modules", "private", "static", "views")
DATA_FOLDERS = ("cache", "databases", "errors", "sessions", "uploads")
CONFIG = "000_config.py"

#: pip's gluon reads its version from here and needs the last word only
VERSION = "Version 2.26.1-stable+timestamp.2023.12.03.16.44.00\n"


@dataclass(frozen=True)
class Instance:
    """One web2py folder with one application."""

    #: The web2py folder, which holds applications/
    folder: Path
    #: Name of the application, the first part of its URLs
    app: str

    @property
    def app_folder(self) -> Path:
        return self.folder / "applications" / self.app

    @property
    def config(self) -> Path:
        return self.app_folder / "models" / CONFIG

    def enter(self) -> None:
        """Make this the web2py folder of the current process. To be called before anything of gluon is imported."""
        if "gluon" in sys.modules and os.environ.get("web2py_path") != str(self.folder):
            raise RuntimeError("gluon is already imported and keeps the web2py folder it was imported with")
        os.environ["web2py_path"] = str(self.folder)
        os.chdir(self.folder)
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))

    def remove(self) -> None:
        """Delete the instance with all its data; the code behind the links stays."""
        shutil.rmtree(self.folder, ignore_errors=True)


def create_instance(
    folder: Path | str,
    *,
    app: str = "eden",
    database_uri: str = "sqlite://storage.db",
    template: str = "default",
    public_url: str = "http://127.0.0.1:8000",
    mail_server: str = "127.0.0.1:8025",
    **settings: object,
) -> Instance:
    """Make a throw-away instance in `folder`, which is created when it does not exist.

    Args:
        mail_server: host:port
        settings: further settings as section_key (msg_notify_check_interval=1)
    """
    values = {
        "base.template": template,
        "base.public_url": public_url,
        "database.uri": database_uri,
        "mail.server": mail_server,
        **{key.replace("_", ".", 1): value for key, value in settings.items()},
    }
    instance = Instance(Path(folder).resolve(), app)
    _make_web2py_folder(instance.folder)
    for name in ("models", *DATA_FOLDERS):
        (instance.app_folder / name).mkdir(parents=True, exist_ok=True)
    _link_code(instance.app_folder)
    write_config(instance.config, values)
    return instance


def open_instance(folder: Path | str, *, app: str = "eden", **settings: object) -> Instance:
    """Give the instance whose application is the checkout itself; its 000_config.py is made once and never changed.

    Args:
        folder: its web2py folder
        settings: values of a new 000_config.py, as for `create_instance`
    """
    instance = Instance(Path(folder).resolve(), app)
    _make_web2py_folder(instance.folder)
    _link(instance.app_folder, CHECKOUT)
    _check_data_folders(instance.app_folder)
    if not instance.config.exists():
        write_config(instance.config, {key.replace("_", ".", 1): value for key, value in settings.items()})
    return instance


def _make_web2py_folder(folder: Path) -> None:
    try:
        (folder / "applications").mkdir(parents=True, exist_ok=True)
        (folder / "applications" / "__init__.py").touch()
        if not (folder / "VERSION").exists():
            (folder / "VERSION").write_text(VERSION)
    except OSError as error:
        raise LauncherError(f"The web2py folder {folder} cannot be made: {error.strerror}.") from error


def _check_data_folders(app_folder: Path) -> None:
    for name in DATA_FOLDERS:
        if (app_folder / name).exists() and not (app_folder / name).is_dir():
            raise LauncherError(f"{app_folder.resolve() / name} is not a folder: move it away, the application keeps its data there.")


def _link_code(app_folder: Path) -> None:
    """Link the code folders whole, and the models one by one since 000_config.py stands among them."""
    for name in CODE_FOLDERS:
        if (CHECKOUT / name).is_dir():
            _link(app_folder / name, CHECKOUT / name)
    (app_folder / "__init__.py").touch()
    for model in sorted((CHECKOUT / "models").glob("*.py")):
        if model.name != CONFIG:
            _link(app_folder / "models" / model.name, model)


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.resolve() == target.resolve():
        return
    if link.is_symlink():
        link.unlink()
    link.symlink_to(target)
