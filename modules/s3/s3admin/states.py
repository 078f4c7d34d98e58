"""What the states of an account are called."""
from __future__ import annotations

from typing import Any

from gluon import current

__all__ = ("ACTIVE", "state_label")

ACTIVE = "active"


def state_label(state: str) -> Any:
    T = current.T
    labels = {
        ACTIVE: T("Active"),
        "unverified": T("E-mail not confirmed"),
        "pending": T("Waits for approval"),
        "disabled": T("Disabled"),
        "blocked": T("Blocked"),
    }
    return labels.get(state, state)
