"""Saved filters in code: loaded, saved and applied, by their owner, and never as no filter at all."""
from __future__ import annotations

import json

import pytest

from s3.s3error import S3FilterValueError, S3PermissionError, S3RecordError, S3SelectorError


def save(current, query, tablename="cms_post", **how):
    from s3 import save_filter

    return save_filter(current.s3db.resource(tablename), query, **how)


def test_filter_is_loaded_as_it_was_saved(app):
    from s3 import load_filter

    query = [["name__like", "*O'Brien*"], ["~.date__ge", "-7D"], ["series_id", None]]
    with app.env(user="anna") as current:
        filter_id = save(current, query, title="Mine")
        row = current.db.pr_filter[filter_id]

        assert load_filter(filter_id) == [tuple(pair) for pair in query]
        assert (row.title, row.resource, row.pe_id) == ("Mine", "cms_post", app.people["anna"].pe_id)
        assert (row.owned_by_user, json.loads(row.query)) == (app.people["anna"].user_id, query)


def test_own_filter_is_changed_and_keeps_its_title(app):
    from s3 import load_filter

    with app.env(user="anna") as current:
        filter_id = save(current, [["name", "x"]], title="Mine")

        assert save(current, '[["name", "y"]]', filter_id=filter_id) == filter_id
        assert load_filter(filter_id) == [("name", "y")]
        assert current.db.pr_filter[filter_id].title == "Mine"


def test_filter_of_somebody_else_cannot_be_changed(app):
    with app.env(user="anna") as current:
        filter_id = save(current, [["name", "x"]])
        current.auth.s3_impersonate(app.people["ben"].user_id)

        with pytest.raises(S3PermissionError):
            save(current, [["name", "y"]], filter_id=filter_id)
        current.auth.s3_impersonate(None)
        with pytest.raises(S3PermissionError):
            save(current, [["name", "y"]])


@pytest.mark.parametrize("query", ["no json", [["nonsense", "x"]], [["date__ge", "soon"]], [["name__near", "x"]], {"name": "x"}])
def test_what_is_no_filter_of_the_resource_is_not_saved(app, query):
    with app.env(user="anna") as current:
        filter_id = save(current, [["name", "x"]])

        for how in ({}, {"filter_id": filter_id}):
            with pytest.raises(S3FilterValueError):
                save(current, query, **how)
        assert [row.query for row in current.db(current.db.pr_filter.id > 0).select()] == ['[["name", "x"]]']


def test_filter_that_is_gone_is_an_error(app):
    from s3 import load_filter

    with app.env(user="anna") as current:
        filter_id = save(current, [["name", "x"]])
        current.auth.override = True
        assert current.s3db.resource("pr_filter", id=filter_id).delete() == 1

        for gone in (filter_id, 999_999):
            with pytest.raises(S3RecordError):
                load_filter(gone)
        with pytest.raises(S3RecordError):
            save(current, [["name", "y"]], filter_id=filter_id)


def test_filter_that_cannot_be_read_is_an_error(app):
    from s3 import load_filter

    with app.env(user="anna") as current:
        filter_id = save(current, [["name", "x"]])
        current.db(current.db.pr_filter.id == filter_id).update(query="no json")

        with pytest.raises(S3FilterValueError):
            load_filter(filter_id)


def test_applied_filter_selects_what_a_url_would(app):
    from s3 import S3FilterString, apply_filter

    with app.env(user="anna") as current:
        resource = current.s3db.resource
        current.auth.override = True
        series = resource("cms_series").insert(name="News")
        for name, series_id in (("red one", series), ("red two", None), ("blue one", series)):
            resource("cms_post").insert(name=name, body="Body", series_id=series_id)
        query = [["name__like", "*red*"], ["name__like", "*one*"], ["series_id$name", "News"], ["title", None]]

        applied = resource("cms_post")
        apply_filter(applied, json.dumps(query))
        linked = resource("cms_post", vars=S3FilterString(resource("cms_post"), query).get_vars)

        names = [[row["cms_post.name"] for row in one.select(["name"]).rows] for one in (applied, linked)]
        assert names == [["red one"], ["red one"]]


@pytest.mark.parametrize("query", ["no json", [["nonsense", "x"]], [["priority", "many"]], [["name__near", "x"]]])
def test_filter_that_cannot_be_applied_selects_nothing(app, query):
    from s3 import apply_filter

    with app.env(user="anna") as current:
        resource = current.s3db.resource("cms_post")

        with pytest.raises((S3FilterValueError, S3SelectorError)):
            apply_filter(resource, query)
            resource.select(["name"])


def test_change_of_the_query_alone_is_checked_against_the_stored_resource(app):
    mine = {"title": "Mine", "resource": "cms_post", "query": '[["name", "x"]]'}
    filter_id = app.request("/pr/filter.json", "POST", json=mine, auth="admin").json()["created"][0]

    answer = app.request(f"/pr/filter/{filter_id}.json", "POST", json={"query": '[["nonsense", "x"]]'}, auth="admin")

    assert answer.status == 400 and "nonsense" in answer.json()["errors"]["query"]
