"""docs/queries.md does what it says: its selectors resolve, its filters run."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "queries.md").read_text(encoding="utf-8")


def blocks(language):
    return [line for block in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def selectors():
    table = PAGE.partition("| selector | means |\n|---|---|\n")[2].partition("\n\n")[0]
    return [selector for row in table.splitlines() for selector in re.findall("`([^`]+)`", row.split("|")[1])]


@pytest.fixture
def posts(app):
    with app.env(user="admin", c="cms", f="post") as current:
        yield current.s3db.resource


def test_selectors_lead_to_fields(posts):
    found = {selector: posts("cms_post").resolve_selector(selector).colname for selector in selectors()}

    assert len(found) >= 14
    assert found["(location)$L1"] == posts("cms_post").resolve_selector("location_id$L1").colname


def test_filters_of_urls_are_run(posts):
    from s3 import S3URLQuery

    lines = blocks("url")

    assert len(lines) >= 10
    for line in lines:
        variables = S3URLQuery.parse_url(f"?{line.replace('+', '%2B')}")
        queries = [query for items in S3URLQuery.parse(posts("cms_post"), variables).values() for query in items]
        assert len(queries) == len(variables) > 0
        assert posts("cms_post", vars=variables).count() == 0


def test_filters_of_code_are_run(posts):
    from s3 import FS

    lines = blocks("python")

    assert len(lines) >= 6
    for line in lines:
        query = eval(line, {"FS": FS})
        assert posts("cms_post", filter=query).count() == 0
        assert query.represent(posts("cms_post"))
