"""What a URL addresses: the arguments of a REST URL taken apart.

Pure functions; :mod:`s3.s3rest.request` looks up what the names stand for.
"""
from __future__ import annotations

from collections.abc import Sequence

__all__ = ("DEFAULT_REPRESENTATION", "split_args", "split_extension")

DEFAULT_REPRESENTATION = "html"

# <id>/<component>/<component id>/<method>: what comes after is not looked at
MAX_ARGS = 4


def split_extension(text: str) -> tuple[str, str | None]:
    """Give a URL part without its extension, and the extension in lower case ("5.JSON" -> "5", "json")."""
    if "." not in text:
        return text, None
    name, extension = text.rsplit(".", 1)
    return name, extension.lower() or None


def split_args(args: Sequence[str]) -> tuple[str | None, list[tuple[str, str | None]]]:
    """Pair each name in the URL arguments with the id that follows it.

    Returns:
        The id before any name (the master record), and the names, each with the id after it or None.
        A second id in a row is no id but a name: there is no method of that name, and the client is told so.
    """
    names: list[tuple[str, str | None]] = []
    master_id: str | None = None
    may_be_id = True
    for arg in args[:MAX_ARGS]:
        name = split_extension(str(arg))[0]
        if not name:
            continue
        is_id = may_be_id and name.isascii() and name.isdigit()
        if is_id and names:
            names[-1] = (names[-1][0], name)
        elif is_id:
            master_id = name
        else:
            names.append((name.lower(), None))
        may_be_id = not is_id
    return master_id, names
