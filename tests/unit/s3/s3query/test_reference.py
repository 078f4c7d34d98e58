"""docs/queries.md has the table of operators as it stands in the code."""
from __future__ import annotations

from pathlib import Path

from s3.s3query.operators import OPERATORS, reference

PAGE = Path(__file__).resolve().parents[4] / "docs" / "queries.md"


def test_page_has_the_operators_of_the_code():
    text = PAGE.read_text(encoding="utf-8")

    table = text.partition("<!-- operators -->\n")[2].partition("<!-- /operators -->")[0]

    assert table == f"{reference()}\n", "replace the table by what s3.s3query.operators.reference() gives"


def test_reference_has_a_row_for_each_operator():
    rows = reference().splitlines()[2:]

    assert [row.split("`")[1] for row in rows] == [f"__{key}" for key in OPERATORS]
    assert all(row.count("|") == 6 for row in rows)
