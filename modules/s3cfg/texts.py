"""How texts are marked that are translated somewhere else than where they stand."""
from __future__ import annotations

from typing import TypeVar

__all__ = ("to_translate",)

Texts = TypeVar("Texts")


def to_translate(texts: Texts) -> Texts:
    """Give back what it gets: a text, or a tuple, list or dictionary of texts (its values), for the collector of texts.

    A text that stands in ``T("...")`` needs no mark; one that reaches ``T`` through a variable does.
    """
    return texts
