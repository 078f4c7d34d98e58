"""A filter that cannot be applied is refused wherever it turns up, with the reason, and never selects more instead (X11, F20, F21)."""
from __future__ import annotations

import html
import json

import pytest
from lxml import etree

#: (key, value, what the reason must name)
BAD_FILTERS = [
    # nothing of this name
    ("~.nonsense", "x", "nonsense"),
    ("~.nonsense__belongs!", "1,2", "nonsense"),
    ("nonsense.name", "x", "nonsense"),
    ("comment.nonsense", "x", "comment.nonsense"),
    ("~.nonsense$name", "x", "nonsense"),
    ("~.series_id$nonsense", "x", "series_id$nonsense"),
    ("~.location_id$parent$nonsense", "x", "nonsense"),
    ("(nowhere)$name", "x", "(nowhere)"),
    ("(nowhere)", "x", "(nowhere)"),
    ("~.(location)$nonsense", "x", "nonsense"),
    ("cms_post.name", "x", "cms_post"),
    # no reference
    ("~.body$name", "x", "body"),
    # half a selector
    ("~.", "x", "~."),
    ("~.series_id$", "x", "series_id$"),
    ("~.series_id$$name", "x", "series_id$$name"),
    # an alternative that nobody can decide
    ("~.name|~.nonsense", "x", "nonsense"),
    # operators
    ("~.name__near", "x", "near"),
    ("~.name__not", "x", "not"),
    ("~.name__or", "x", "or"),
    ("$filter", 'name eq "x"', "$filter"),
    # values
    ("~.priority", "many", "priority"),
    ("~.priority__belongs", "1,many", "many"),
    ("~.priority__lt", "", "priority"),
    ("~.priority__ge", "NONE", "priority"),
    ("~.priority__contains", "1", "priority"),
    ("~.series_id", "News", "News"),
    ("~.series_id__ne", "1;2", "series_id"),
    ("comment.id__gt", "one", "comment.id"),
    ("~.date__ge", "soon", "soon"),
    ("~.date__ge", "2026-13-01", "2026-13-01"),
    ("~.date__lt", "-1X", "-1X"),
    ("~.date__lt", "+99999Y", "date"),
    ("~.date", "2026-01-01,soon", "soon"),
    ("~.expired", "perhaps", "expired"),
    ("~.name__like", "NONE", "name"),
    ("~.name", "a\0b", "name"),
    # what a filter would tell
    ("~.created_by$email", "a@b", "created_by$email"),
    ("~.created_by$password__like", "a*", "password"),
    ("~.person_id$contact.value", "x", "contact"),
    # more than a filter can be
    ("~." + "|~.".join(["name"] * 60), "x", "more than 50"),
    ("~.location_id" + "$parent" * 12 + "$name", "x", "steps"),
]  # fmt: skip

#: what is no list of pairs at all
UNREADABLE = [
    ("no json", "no JSON"),
    ("{", "no JSON"),
    ("5", "a list of [key, value]"),
    ('"name"', "a list of [key, value]"),
    ('{"name": "x"}', "a list of [key, value]"),
    ('["name", "x"]', "is [key, value], not 'name'"),
    ('[["name"]]', "is [key, value], not ['name']"),
    ('[["name", "x", "y"]]', "is [key, value]"),
    ('[[5, "x"]]', "is [key, value]"),
    ('[["", "x"]]', "is [key, value]"),
    ('[["name", 5]]', "The value of 'name' is a text or null, not 5"),
    ('[["name", ["x"]]]', "a text or null"),
    ('[["name", {"x": 1}]]', "a text or null"),
    ("[" * 5000, "no JSON"),
    (json.dumps([["name", "x"]] * 101), "at most 100 conditions"),
]


@pytest.mark.parametrize(("key", "value", "named"), BAD_FILTERS)
def test_pages_answer_400_with_the_reason(app, key, value, named):
    answers = {extension: app.request(f"/cms/post{extension}", vars={key: value}, auth="anna") for extension in ("", ".json", ".csv")}

    assert {answer.status for answer in answers.values()} == {400}
    assert named in html.unescape(answers[""].text)
    assert named in answers[".csv"].json()["message"]
    assert (answers[".json"].json()["status"], answers[".json"].json()["statuscode"]) == ("failed", "400")
    assert named in answers[".json"].json()["message"]


def test_page_with_a_bad_map_section_is_refused_too(app):
    assert app.request("/cms/post.json", vars={"bbox": "1,2,3"}, auth="anna").status == 400


@pytest.mark.parametrize(("key", "found"), [("~.id", 0), ("~.priority__belongs", 0), ("~.priority__lt", 1), ("~.series_id!", 0)])
def test_number_that_no_column_can_hold_is_a_number(app, world, key, found):
    world.create(name="Open")

    answer = app.request("/cms/post.json", vars={key: "99999999999999999999"}, auth="anna")

    assert (answer.status, len(answer.json())) == (200, found)


def test_page_of_one_record_applies_the_filter_of_its_url(app, world):
    post = world.create(name="Open")

    assert app.request(f"/cms/post/{post}.json", vars={"~.nonsense": "x"}, auth="anna").status == 400
    assert app.request(f"/cms/post/{post}.json", vars={"~.name": "Closed"}, auth="anna").status == 404
    assert app.request(f"/cms/post/{post}.json", vars={"~.name": "Open"}, auth="anna").status == 200


def store(app, query: str) -> int:
    """A saved filter that got past all checks."""
    with app.env() as current:
        filter_id = current.s3db.pr_filter.insert(pe_id=app.people["anna"].pe_id, title="Bad", query=query)
        current.db.commit()
    return int(filter_id)


def test_lookup_fails_with_the_reason_and_tells_nothing(app, world):
    queries = {json.dumps([[key, value]]): named for key, value, named in BAD_FILTERS}
    queries |= dict(UNREADABLE)
    # one that can be applied beside it changes nothing
    queries[json.dumps([["name", "Secret"], ["nonsense", "x"]])] = "nonsense"
    subscribed = {}
    for query, named in queries.items():
        made = world.subscribe("anna")
        world.set("pr_subscription", made.subscription_id, filter_id=store(app, query))
        subscribed[made.resource_id] = (query, named)
    app.clock.advance(minutes=1)
    world.create(name="Secret")

    claim = world.claim()
    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.notify_batch(claim.resource_ids, claim.lease)
        current.db.commit()

    assert sorted(claim.resource_ids) == sorted(subscribed)
    assert world.rows("msg_outbox") == [] and world.rows("pr_subscription_ledger") == []
    rows = {row.id: row for row in world.rows("pr_subscription_resource")}
    for resource_id, (query, named) in subscribed.items():
        assert named in (rows[resource_id].last_error or ""), query
        assert "Traceback" not in rows[resource_id].last_error
        assert (rows[resource_id].attempts, rows[resource_id].lease_owner) == (1, None), query


def test_filter_that_is_mended_tells_what_was_kept_back(app, world):
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    filter_id = world.row("pr_subscription", subscribed.subscription_id).filter_id
    world.set("pr_filter", filter_id, query="no json")
    app.clock.advance(minutes=1)
    world.create(name="Wanted")
    world.create(name="Other")
    world.tick()
    assert world.mails == []

    world.set("pr_filter", filter_id, query='[["name", "Wanted"]]')
    app.clock.advance(minutes=10)
    world.tick()

    assert len(world.mails) == 1
    assert "Wanted" in world.text() and "Other" not in world.text()


@pytest.mark.parametrize("method", ["create", "update"])
def test_no_such_filter_is_saved_for_a_table(app, method):
    good = {"title": "Mine", "resource": "cms_post", "query": '[["name", "x"]]'}
    path = "/pr/filter.json"
    if method == "update":
        path = f"/pr/filter/{app.request(path, 'POST', json=good, auth='admin').json()['created'][0]}.json"
    refused = {}
    queries = [json.dumps([["name", "x"], [key, value]]) for key, value, _ in BAD_FILTERS]

    for query in (*queries, *dict(UNREADABLE)):
        answer = app.request(path, "POST", json={**good, "query": query}, auth="admin")
        refused[query] = (answer.status, list(answer.json().get("errors", {})))

    assert set(map(str, refused.values())) == {"(400, ['query'])"}, refused
    with app.env() as current:
        stored = [row.query for row in current.db(current.s3db.pr_filter.id > 0).select()]
    assert stored == ([json.dumps([["name", "x"]])] if method == "update" else [])


@pytest.mark.parametrize("extension", ["xml", "s3json"])
def test_documents_answer_400_with_the_reason_too(app, extension):
    for key, value, named in BAD_FILTERS:
        answer = app.request(f"/cms/post.{extension}", vars={key: value}, auth="anna")

        assert answer.status == 400 and named in answer.json()["message"], (key, value, answer.text)


def test_no_such_filter_is_imported(app):
    def document(query: str) -> bytes:
        root = etree.Element("s3xml")
        record = etree.SubElement(root, "resource", name="pr_filter")
        for name, text in (("title", "Imported"), ("resource", "cms_post"), ("query", query)):
            etree.SubElement(record, "data", field=name).text = text
        return etree.tostring(root)

    def send(query: str):
        return app.request("/pr/filter.xml", "POST", data=document(query), headers={"Content-Type": "application/xml"}, auth="admin")

    bad = [json.dumps([[key, value]]) for key, value, _ in BAD_FILTERS]
    refused = {query: send(query).status for query in (*bad, *dict(UNREADABLE))}
    good = send('[["name", "x"]]')

    assert set(refused.values()) == {400}, refused
    assert good.status == 200, good.text
    with app.env() as current:
        assert [row.query for row in current.db(current.s3db.pr_filter.id > 0).select()] == ['[["name", "x"]]']


def test_filter_that_a_table_cannot_apply_is_refused_for_its_subscriptions(app, world):
    subscribed = world.subscribe("anna")
    post_filter = store(app, '[["series_id$name", "x"]]')

    with_filter = app.request(f"/pr/subscription/{subscribed.subscription_id}.json", "POST", json={"filter_id": post_filter}, auth="admin")
    assert with_filter.status == 200, with_filter.text
    path = f"/pr/subscription/{subscribed.subscription_id}/subscription_resource.json"
    other_table = app.request(path, "POST", json={"resource": "org_organisation", "url": "org/organisation"}, auth="admin")
    unreadable = {"filter_id": store(app, "no json")}
    broken = app.request(f"/pr/subscription/{subscribed.subscription_id}.json", "POST", json=unreadable, auth="admin")

    assert (other_table.status, list(other_table.json()["errors"])) == (400, ["resource"])
    assert "series_id" in other_table.json()["errors"]["resource"]
    assert (broken.status, list(broken.json()["errors"])) == (400, ["filter_id"])
    assert world.row("pr_subscription", subscribed.subscription_id).filter_id == post_filter


def test_changed_filter_counts_from_the_next_round_with_nothing_wider_between(app, world):
    """P-F: between the check and the look-up, and between two rounds, only one of the two filters holds."""
    subscribed = world.subscribe("anna", filters=[["name", "First"]])
    filter_id = world.row("pr_subscription", subscribed.subscription_id).filter_id
    app.clock.advance(minutes=1)
    for name in ("First", "Second", "Neither"):
        world.create(name=name)
    claim = world.claim()
    changed = app.request(f"/pr/filter/{filter_id}.json", "POST", json={"query": '[["name", "Second"]]'}, auth="admin")
    assert changed.status == 200, changed.text

    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.notify_batch(claim.resource_ids, claim.lease)
        current.db.commit()
        current.msg.process_outbox("EMAIL")
        current.db.commit()
    app.clock.advance(minutes=10)
    for name in ("First", "Second"):
        world.create(name=f"{name} later")
        world.create(name=name)
    world.tick()

    assert len(world.mails) == 2
    assert all('Filter: Name is "Second"' in world.text(index) for index in (0, 1))
    assert all(world.text(index).count("Name: ") == 1 and "Name: Second" in world.text(index) for index in (0, 1))


@pytest.mark.parametrize("by_hand", [False, True])
def test_filter_that_is_deleted_after_the_check_tells_nothing(app, world, by_hand):
    """F20: through its page, or past all hooks."""
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    filter_id = world.row("pr_subscription", subscribed.subscription_id).filter_id
    app.clock.advance(minutes=1)
    world.create(name="Wanted")
    claim = world.claim()
    if by_hand:
        world.set("pr_filter", filter_id, deleted=True)
    else:
        assert app.request(f"/pr/filter/{filter_id}/delete.json", "POST", json={}, auth="admin").status == 200

    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.notify_batch(claim.resource_ids, claim.lease)
        current.db.commit()

    assert world.rows("msg_outbox") == []
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert row.lease_owner is None
    assert ("deleted" in row.last_error) if by_hand else world.row("pr_subscription", subscribed.subscription_id).suspended
