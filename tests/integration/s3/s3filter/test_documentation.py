"""docs/filters.md is tried out: its examples run, and it names what there is."""
from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

TEXT = (Path(__file__).parents[4] / "docs" / "filters.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", TEXT, re.S)
CONTROLS = re.findall(r"^\| (?:`\[\w*\]`(?:, )?)+ \| `([^`]*)` \| `([^`]*)` \|$", TEXT, re.M)


def test_list_has_the_widgets_of_the_example(app):
    from s3 import S3FilterForm

    with app.env(user="anna", c="cms", f="post") as current:
        current.auth.override = True
        current.s3db.resource("cms_post").insert(title="A", body="b")
        exec(EXAMPLES[0], {"s3db": current.s3db, "T": current.T})  # noqa: S102
        configured = current.s3db.get_config("cms_post", "filter_widgets")
        form = S3FilterForm(configured, submit=current.s3db.get_config("cms_post", "filter_submit"))

        page = str(form.html(current.s3db.resource("cms_post"), {}, url="/cms/post"))

    labels = ("Search", "Words, or a phrase", "No country", "Date", "More Options", "Of the past", "With a remark", "Find posts")
    assert [label for label in labels if label not in page] == []


def test_other_form_reads_what_its_example_says(app):
    with app.env(user="anna") as current:
        current.auth.override = True
        series = current.s3db.resource("cms_series").insert(name="News")
        current.s3db.resource("cms_post").insert(body="b", series_id=series)
        sent = {"series_id__belongs[]": ["1", "2"]}
        names = {"stored": [["series_id__belongs", str(series)], ["body", "x"]], "request": type("Request", (), {"post_vars": sent})}

        exec(EXAMPLES[1], names)  # noqa: S102

    assert names["pairs"] == [("series_id__belongs", "1,2"), ("location_id$L1__belongs", None), ("body", "x")]
    assert re.search(rf'<input checked="checked"[^>]* name="series_id__belongs\[\]"[^>]* value="{series}"', str(names["rows"][0]))


@pytest.mark.parametrize("sent, variables", CONTROLS)
def test_controls_become_the_variables_of_the_table(depot, sent, variables):
    from s3.s3filter import translate_controls

    result = translate_controls(pairs(sent))

    assert dict(result) == pairs(variables)


def pairs(query):
    """{name: text, or list of texts}."""
    found = {}
    for key, value in parse_qsl(query):
        found[key] = [*(found[key] if isinstance(found[key], list) else [found[key]]), value] if key in found else value
    return found


def test_all_widgets_and_kinds_of_controls_are_named(web2py_folder):
    import s3
    from s3.s3filter.controls import KINDS

    widgets = [name for name in s3.__all__ if re.fullmatch(r"S3\w+Filter", name) and name != "S3ResourceFilter"]

    assert len(CONTROLS) == 8
    assert [name for name in widgets if f"`{name}`" not in TEXT] == []
    assert [kind for kind in KINDS if f"`[{kind}]`" not in TEXT] == []
