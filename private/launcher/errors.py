"""What ends a command with one sentence instead of a traceback."""
from __future__ import annotations

__all__ = ("LauncherError",)


class LauncherError(Exception):
    """The message is the sentence that the person at the terminal reads; it names the thing that is wrong."""
