"""A saved filter that is deleted: its subscriptions stop, and everybody concerned can read why."""
from __future__ import annotations

import json
import logging
import re

import pytest


@pytest.fixture
def filtered(app):
    """Ids of a filter and of the two subscriptions that use it."""
    with app.env() as current:
        s3db, pe_id = current.s3db, app.people["anna"].pe_id
        filter_id = s3db.pr_filter.insert(pe_id=pe_id, title="Floods", query=json.dumps([["body__like", "*flood*"]]))
        ids = [s3db.pr_subscription.insert(pe_id=pe_id, filter_id=filter_id) for _ in range(2)]
        for subscription_id in ids:
            s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")
        s3db.pr_subscription.insert(pe_id=pe_id)
        current.db.commit()
    return filter_id, ids


def subscriptions(app):
    with app.env() as current:
        table = current.s3db.pr_subscription
        return list(current.db(table.id > 0).select(orderby=table.id))


def test_deletion_is_said_on_the_subscriptions_in_the_log_and_to_the_program_that_deletes(app, filtered, caplog):
    filter_id, ids = filtered

    with caplog.at_level(logging.WARNING):
        answer = app.request(f"/pr/filter/{filter_id}/delete.json", "POST", json={}, auth="admin")

    assert answer.status == 200, answer.text
    assert answer.json()["warning"] == "2 subscriptions that used this filter are suspended"
    assert [row.suspended for row in subscriptions(app)] == [True, True, False]
    assert {row.suspended_reason for row in subscriptions(app)[:2]} == {'Its saved filter "Floods" was deleted'}
    for subscription_id in ids:
        assert f'Subscription {subscription_id} is suspended: Its saved filter "Floods" was deleted' in caplog.text


def test_deletion_on_a_page_says_on_the_next_page_what_it_has_stopped(app, filtered):
    filter_id, _ = filtered
    path = f"/pr/filter/{filter_id}/delete"
    page = app.request(path, auth="admin")
    hidden = dict(re.findall(r'<input name="(_formkey|_formname)" type="hidden" value="([^"]*)"', page.text))

    answer = app.request(path, "POST", data=hidden, auth="admin", cookies=page.cookies)
    listing = app.request("/pr/filter", auth="admin", cookies=page.cookies)

    assert answer.status == 303
    assert "2 subscriptions that used this filter are suspended" in listing.text


def test_filter_that_nobody_uses_is_deleted_without_a_word(app):
    created = app.request("/pr/filter.json", "POST", json={"title": "Mine", "query": "[]"}, auth="admin").json()["created"][0]

    answer = app.request(f"/pr/filter/{created}/delete.json", "POST", json={}, auth="admin")

    assert "warning" not in answer.json()


def test_saving_the_form_of_a_subscription_without_its_deleted_filter_is_no_wish_for_everything(app, filtered):
    filter_id, ids = filtered
    app.request(f"/pr/filter/{filter_id}/delete.json", "POST", json={}, auth="admin")

    refused = app.request(f"/pr/subscription/{ids[0]}.json", "POST", json={"frequency": "daily", "filter_id": None}, auth="admin")
    unchanged = app.request(f"/pr/subscription/{ids[0]}.json", "POST", json={"frequency": "weekly"}, auth="admin")

    assert refused.status == 400 and "filter_id" in refused.json()["errors"]
    assert unchanged.status == 200
    row = subscriptions(app)[0]
    assert (row.filter_id, row.suspended, row.frequency) == (filter_id, True, "weekly")


def test_another_filter_starts_the_subscription_again(app, filtered):
    filter_id, ids = filtered
    app.request(f"/pr/filter/{filter_id}/delete.json", "POST", json={}, auth="admin")
    fires = {"title": "Fires", "query": json.dumps([["body__like", "*fire*"]])}
    other = app.request("/pr/filter.json", "POST", json=fires, auth="admin").json()["created"][0]

    assert app.request(f"/pr/subscription/{ids[0]}.json", "POST", json={"filter_id": other}, auth="admin").status == 200

    row = subscriptions(app)[0]
    assert (row.filter_id, row.suspended, row.suspended_reason) == (other, False, None)
