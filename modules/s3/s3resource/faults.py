"""What representations and computed fields of a deployment may get wrong without costing the whole select."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gluon import current

__all__ = ("Fallible",)

# Faults of code; errors of the database are none of them, because they break the transaction
CODE_FAULTS = (ArithmeticError, AssertionError, AttributeError, LookupError, NameError, RuntimeError, TypeError, ValueError)


class Fallible:
    """A function of a deployment, called for many values; its first fault is logged."""

    def __init__(self, call: Callable[[Any], Any], instead: Callable[[Any], Any], what: str) -> None:
        """
        Args:
            instead: gives the result where the function fails
            what: beginning of the line in the log
        """
        self.call = call
        self.instead = instead
        self.what = what
        self.is_logged = False

    def __call__(self, value: Any) -> Any:
        try:
            return self.call(value)
        except CODE_FAULTS as error:
            if not self.is_logged:
                self.is_logged = True
                current.log.warning(f"{self.what}: {type(error).__name__} {error}")
            return self.instead(value)
