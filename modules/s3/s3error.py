"""The errors of the framework: one base, messages that tell a person what to do, data as attributes.

The class docstring is the default message. Errors of libraries are wrapped once, where they enter, with ``from exc``.
"""
from __future__ import annotations

from typing import Any

__all__ = (
    "S3Error",
    "S3CircularModelError",
    "S3ConfigError",
    "S3DataError",
    "S3DeliveryError",
    "S3FilterValueError",
    "S3LookupError",
    "S3ModelError",
    "S3PermissionError",
    "S3RecordError",
    "S3RequestError",
    "S3SelectorError",
    "S3SettingsError",
    "S3TaskError",
    "S3ThrottleError",
    "S3TokenError",
)


class S3Error(Exception):
    """Something went wrong in the framework."""

    def __init__(self, message: str | None = None, **data: Any) -> None:
        """
        Args:
            message: one sentence that names the offending thing; default is the class docstring
            data: attributes of this error (selector=..., table=..., status=...)
        """
        self.message = message or (type(self).__doc__ or "").strip()
        self.__dict__.update(data)
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message


class S3ConfigError(S3Error, RuntimeError):
    """The deployment settings are wrong."""


class S3ModelError(S3Error, SyntaxError):
    """A table or resource is declared wrongly."""

    # SyntaxError formats itself with file and line, which a declaration error has not
    __str__ = S3Error.__str__


class S3CircularModelError(S3Error, RuntimeError):
    """Two models need each other while they are being loaded."""


class S3SelectorError(S3Error, AttributeError):
    """A field selector does not resolve to a field of this resource."""


class S3FilterValueError(S3Error, ValueError):
    """A filter value cannot be converted to the type of its field."""


class S3DataError(S3Error, ValueError):
    """A record cannot be stored as given."""


class S3SettingsError(S3DataError):
    """Notification settings cannot be saved as given."""

    errors: dict[str, str]

    def __init__(self, errors: dict[str, str]) -> None:
        """
        Args:
            errors: {setting: what is wrong with it}
        """
        super().__init__("; ".join(errors.values()), errors=errors)


class S3PermissionError(S3Error, PermissionError):
    """Operation not permitted."""

    # OSError consumes its arguments in __new__ and would print them as an errno
    __str__ = S3Error.__str__


class S3ThrottleError(S3PermissionError):
    """Too many attempts. Please try again later."""

    seconds: int

    def __init__(self, message: str | None = None, *, seconds: int, **data: Any) -> None:
        """
        Args:
            seconds: until the next attempt is allowed
        """
        super().__init__(message, seconds=seconds, **data)


class S3TokenError(S3PermissionError):
    """The lookup token is missing, unknown, used or expired."""


class S3LookupError(S3Error, RuntimeError):
    """A lookup request did not give a usable answer."""


class S3DeliveryError(S3Error, RuntimeError):
    """A message could not be handed over to its channel."""


class S3TaskError(S3Error, RuntimeError):
    """A background task cannot be queued or run."""


class S3RequestError(S3Error, AttributeError):
    """The request addresses something that does not exist."""


class S3RecordError(S3Error, KeyError):
    """Record not found!"""

    # KeyError prints the repr of its argument
    __str__ = S3Error.__str__
