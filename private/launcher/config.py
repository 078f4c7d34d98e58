"""An instance's models/000_config.py, rendered from private/000_config.py.example."""
from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from launcher.errors import LauncherError

__all__ = ("CONFIG_EXAMPLE", "check_config", "check_template", "render_config", "write_config")

CONFIG_EXAMPLE = Path(__file__).resolve().parents[1] / "000_config.py.example"

#: Where deployment templates stand, the older place last
TEMPLATE_FOLDERS = ("modules/templates", "private/templates")

#: A setting of the example, in use or commented out
_ASSIGNMENT = re.compile(r"^(?:# )?settings\.(?P<key>[a-z]\w*\.\w+) = .*$", re.MULTILINE)
_KEY = re.compile(r"[a-z]\w*\.\w+")


def render_config(values: Mapping[str, object], example: str | None = None) -> str:
    """Give the source of a 000_config.py with `values` in the place of the example's.

    Args:
        values: {"section.key": value}; a key which the example does not mention is a local override at its end.
            Without "auth.hmac_key" a new random one is made.
        example: source of the example; default: private/000_config.py.example

    Raises:
        LauncherError: a key is not of the form section.key
    """
    for key in values:
        if not _KEY.fullmatch(key):
            raise LauncherError(f"'{key}' is not a setting: expected the form section.key.")
    missing = {"auth.hmac_key": f"sha512:{secrets.token_hex(32)}", **values}

    def replace(match: re.Match[str]) -> str:
        key = match["key"]
        return f"settings.{key} = {missing.pop(key)!r}" if key in missing else match[0]

    source = _ASSIGNMENT.sub(replace, CONFIG_EXAMPLE.read_text() if example is None else example)
    overrides = "".join(f"settings.{key} = {value!r}\n" for key, value in missing.items())
    return source.rstrip("\n") + "\n" + overrides


def write_config(path: Path, values: Mapping[str, object]) -> None:
    """Write a 000_config.py that only its owner may read, since it holds the key of the password hashes."""
    path.touch(mode=0o600)
    path.write_text(render_config(values))


def check_config(path: Path) -> None:
    """Make sure that a 000_config.py can be executed at all.

    Raises:
        LauncherError: it is no Python; names the file, the line and the reason
    """
    try:
        compile(path.read_bytes(), path, "exec")
    except SyntaxError as error:
        line = f"line {error.lineno}: " if error.lineno else ""
        raise LauncherError(f"{path} is no valid Python: {line}{error.msg}.") from error
    except ValueError as error:
        raise LauncherError(f"{path} is no valid Python: {error}.") from error
    except OSError as error:
        raise LauncherError(f"{path} cannot be read: {error.strerror}.") from error


def check_template(checkout: Path, name: str) -> None:
    """Make sure that there is a deployment template of this name.

    Raises:
        LauncherError: there is none; names those that there are
    """
    places = [checkout / folder for folder in TEMPLATE_FOLDERS]
    names = {path.parent.relative_to(place).as_posix().replace("/", ".") for place in places for path in place.rglob("config.py")}
    if name not in names:
        raise LauncherError(f"There is no template {name!r}, only {', '.join(sorted(names))}.")
