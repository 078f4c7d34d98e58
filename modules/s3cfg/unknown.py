"""Settings and hooks that nothing here reads: misspelt, or meant for something else.

They stop nothing, since a template may have been written for more than there is here; they are told in the log, by
``manage.py``, and on the page about the state of the service.
"""
from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

__all__ = ("describe_unknown", "find_unknown")

#: sections that belong to the deployment
FREE = frozenset(("custom", "tasks"))
MODULES = "modules"
HOOK = re.compile(r"customise_\w+_(controller|home|resource)", re.ASCII)
#: in which configurations stand
FOLDERS = ("models", "modules", "private")


def find_unknown(settings: Mapping[str, Any], sections: Iterable[str], known: Collection[str]) -> list[str]:
    """Names of the settings and hooks that nothing reads.

    Args:
        settings: the S3Config
        sections: names of the sections there are
        known: all settings, as "section.key"
    """
    own = {*sections, MODULES}
    found = [name for name in settings if name not in own and not HOOK.fullmatch(name)]
    for section in sections:
        values = settings.get(section)
        if values and section not in FREE:
            found += [name for name in (f"{section}.{key}" for key in values) if name not in known]
    return found


def describe_unknown(name: str, known: Collection[str], files: Iterable[str]) -> str:
    """A sentence: where the setting stands in these files, its name, and the nearest name that there is."""
    nearest = next(_nearest(name, known), None)
    return f"{_where(name, files)}settings.{name}: there is no such setting" + (f"; did you mean settings.{nearest}?" if nearest else ".")


def _nearest(name: str, known: Collection[str]) -> Iterator[str]:
    section, dot, key = name.partition(".")
    if not dot:
        hook = re.sub(r"^customi[sz]ed?_", "customise_", name)
        yield from [hook] if HOOK.fullmatch(hook) else get_close_matches(name, known, 1, 0.8)
        return
    yield from (other for other in sorted(known) if other.endswith(f".{key}"))
    own = {other.partition(".")[2]: other for other in known if other.startswith(f"{section}.")}
    yield from (own[match] for match in get_close_matches(key, own, 1))
    yield from get_close_matches(name, known, 1, 0.8)


def _where(name: str, files: Iterable[str]) -> str:
    """The first line of these files that sets it, and an empty text if none of them does so by its name."""
    pattern = re.compile(rf"^[^#\n]*\bsettings\.{re.escape(name)}\s*=", re.MULTILINE)
    for file in files:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
        match = pattern.search(text)
        if match:
            parts = Path(file).parts
            start = max((position for position, part in enumerate(parts) if part in FOLDERS), default=len(parts) - 1)
            return f"{'/'.join(parts[start:])}, line {text.count(chr(10), 0, match.end()) + 1}: "
    return ""
