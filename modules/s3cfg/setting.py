"""What a deployment setting is: its name, its default, its meaning, and the getter that reads it.

Every setting is declared once, next to its getter: ``get_msg_outbox_batch = setting("msg.outbox_batch", 100, "...")``, or as a
method under ``@computed(...)`` where the value needs more than a default. Sections are mixins of S3Config that hold declarations only.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = (
    "Check",
    "Setting",
    "SettingError",
    "a_function",
    "a_page",
    "a_name",
    "a_sender",
    "a_time_zone",
    "addresses",
    "at_least",
    "computed",
    "names",
    "one_of",
    "setting",
    "settings_of",
    "web_address",
)

Check = Callable[[Any], "str | None"]


class SettingError(RuntimeError):
    """A deployment setting has a value that cannot work."""


@dataclass(frozen=True)
class Setting:
    """One row of the settings table."""

    #: section and key, as in ``settings.<section>.<key>``
    name: str
    #: what the getter returns when the deployment says nothing; a text in angle brackets when it is computed
    default: Any
    #: one sentence, with the unit
    help: str
    #: name of the method of S3Config that reads it
    getter: str = ""


def setting(name: str, default: Any, help: str, check: Check | None = None, lazy: bool = False) -> Callable[[Any], Any]:
    """Declare a setting; gives the getter to put into the section class.

    Args:
        default: a list or dict is copied for every reader, so that nobody changes the default of others
        check: says what a value must be when it is wrong, else None; the default is not checked
        lazy: a callable as value is called once per request, with the default; its result takes its place
    """
    section, key = name.split(".")

    def getter(self: Any) -> Any:
        values = self[section]
        value = values.get(key, _UNSET)
        if value is _UNSET:
            return default.copy() if isinstance(default, (list, dict)) else default
        if lazy and callable(value):
            value = values[key] = value(default)
        if check is not None:
            require(name, value, check)
        return value

    getter.__doc__ = help
    getter.setting = Setting(name, default, help)  # type: ignore[attr-defined]
    return getter


def computed(name: str, default: Any, help: str) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
    """Declare a setting whose getter is the decorated method."""

    def declare(method: Callable[[Any], Any]) -> Callable[[Any], Any]:
        method.setting = Setting(name, default, help)  # type: ignore[attr-defined]
        return method

    return declare


def require(name: str, value: Any, check: Check) -> None:
    """Raises SettingError, naming the setting and the value, when the check objects."""
    objection = check(value)
    if objection:
        raise SettingError(f"Setting {name} is {value!r}: it must be {objection}")


def one_of(*options: Any) -> Check:
    return lambda value: None if value in options else "one of " + ", ".join(str(option) for option in options)


def at_least(minimum: int, none_is: str | None = None) -> Check:
    """A whole number; None is allowed when ``none_is`` says what it means."""
    wanted = f"a whole number of at least {minimum}" + (f", or None ({none_is})" if none_is else "")

    def check(value: Any) -> str | None:
        if value is None and none_is:
            return None
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return None if is_number and value >= minimum else wanted

    return check


def a_function(value: Any) -> str | None:
    return None if value is None or callable(value) else "a function, or None"


def a_page(value: Any) -> str | None:
    is_page = isinstance(value, str) and re.fullmatch(r"(https?://[^\s/]+|[A-Za-z]\w*)(/\S*)?", value)
    return None if value is None or is_page else "a page, such as default/index/subscriptions or https://example.org/settings"


def a_sender(value: Any) -> str | None:
    """An e-mail address, optionally after a name; enough to tell a mistake, not to tell whether it exists."""
    is_sender = isinstance(value, str) and re.fullmatch(r"([^<>\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?", value.strip())
    return None if value is None or is_sender else "an e-mail address, such as alerts@example.org or Alerts <alerts@example.org>"


def a_time_zone(value: Any) -> str | None:
    try:
        if value is not None:
            ZoneInfo(value)
    except (ValueError, TypeError, OSError, ZoneInfoNotFoundError):
        return "the name of a time zone, such as Europe/Berlin"
    return None


def addresses(value: Any) -> str | None:
    try:
        is_list = isinstance(value, (list, tuple)) and all(isinstance(address, str) and ip_address(address) for address in value)
    except ValueError:
        is_list = False
    return None if is_list else "a list of IP addresses, such as 10.0.0.1"


def a_name(value: Any) -> str | None:
    """A dotted name, which cannot lead out of the folder it is looked for in."""
    is_name = isinstance(value, str) and all(part.isidentifier() for part in value.split("."))
    return None if value is None or is_name else "a name of letters, digits and _, with dots between folders"


def names(value: Any) -> str | None:
    """One name, or several."""
    several = [value] if isinstance(value, str) else value
    is_names = isinstance(several, (list, tuple)) and several and all(isinstance(name, str) for name in several)
    return None if is_names else "a name, or a list of names"


def web_address(name: str, value: Any) -> str:
    """The address of a server as it goes into mails and requests: in ASCII, without a slash at its end.

    Raises:
        SettingError: it is none
    """
    url = str(value)
    try:
        parts = urlsplit(url)
        host = parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not url.startswith(("http://", "https://")) or not host:
        raise SettingError(f"Setting {name} is {value!r}: it must begin with http:// or https://, and a host must follow")
    return f"{parts.scheme}://{host}{quote(parts.path, safe='/%')}".rstrip("/")


def settings_of(cls: type) -> tuple[Setting, ...]:
    """All settings that a class declares or inherits, by name."""
    found = ((attribute, getattr(getattr(cls, attribute), "setting", None)) for attribute in dir(cls))
    return tuple(sorted((replace(item, getter=attribute) for attribute, item in found if item), key=lambda item: item.name))


_UNSET = object()
