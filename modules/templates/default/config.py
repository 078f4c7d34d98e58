"""The default template: what every deployment starts from."""
from __future__ import annotations

from typing import Any


def config(settings: Any) -> None:
    settings.security.policy = 5
