"""The words of filter texts in every language that is shipped."""
from __future__ import annotations

import ast
from pathlib import Path

import pytest

from s3.s3filter import string, words
from s3.s3query import OPERATORS

LANGUAGES = sorted((Path(__file__).resolve().parents[4] / "languages").glob("*.py"))
# "=", "<" and their like are the same everywhere
SENTENCES = {text for row in OPERATORS.values() for text in (row.sentence, row.negated) if any(word.isalpha() for word in text.split())}
CONNECTIVES = {string.AND_WORDS, string.OR_WORDS, string.NOT_WORDS, *(row.conjunction for row in OPERATORS.values())}
DATES = {"now", "%(time)s ago", "in %(time)s", *(text for forms in words.UNITS.values() for text in forms)}


def placeholders(text: str) -> list[str]:
    return sorted(word for word in text.split() if word.startswith("%"))


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_all_words_of_filters_are_translated(path):
    translated = ast.literal_eval(path.read_text(encoding="utf-8"))
    needed = {*SENTENCES, *CONNECTIVES, *DATES, "None"}

    assert needed - set(translated) == set()
    assert {text for text in needed if placeholders(text) != placeholders(translated[text])} == set()
    # two that mean different things must not be said alike
    assert len({translated[text] for text in (*SENTENCES, *CONNECTIVES)}) == len({*SENTENCES, *CONNECTIVES})
