"""Statements of the original's documentation that no other file tests: who may subscribe, filters, models, phases."""
from __future__ import annotations

import pytest


@pytest.mark.parametrize("kind", ["user", "person without account", "group", "organisation"])
def test_any_person_entity_may_subscribe(app, world, kind):
    """R2"""
    tables = {
        "person without account": ("pr_person", {"first_name": "Nobody"}),
        "group": ("pr_group", {"name": "Volunteers"}),
        "organisation": ("org_organisation", {"name": "Helpers"}),
    }
    if kind == "user":
        pe_id = app.people["anna"].pe_id
    else:
        tablename, values = tables[kind]
        pe_id = world.row(tablename, world.create(tablename, **values)).pe_id

    subscribed = world.subscribe(pe_id)

    assert world.row("pr_subscription", subscribed.subscription_id).pe_id == pe_id


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        # R4: field of the resource, with and without alias
        ([["name", "Open"]], {"Open"}),
        ([["~.name", "Open"]], {"Open"}),
        ([["post.name", "Open"]], {"Open"}),
        ([["name__belongs", "Open,Closed"]], {"Open", "Closed"}),
        ([["name!", "Open"]], {"Closed", "Far, away"}),
        ([["name__like", "*o*"]], {"Open", "Closed"}),
        # a comma inside quotes is part of the value
        ([["name__belongs", '"Far, away"']], {"Far, away"}),
        # foreign key, by id and by field
        ([["series_id__belongs", "{alerts}"]], {"Open"}),
        ([["series_id$name", "Alerts"]], {"Open"}),
        # all pairs must hold; what is not set does not count
        ([["series_id$name", "Alerts"], ["name", "Closed"]], set()),
        ([["name__belongs", "Open,Closed"], ["body__like", None]], {"Open", "Closed"}),
        # the same selector twice
        ([["name__like", "*o*"], ["name__like", "*c*"]], {"Closed"}),
    ],
)
def test_saved_filters_limit_what_is_reported(app, world, filters, expected):
    """R4, R26"""
    alerts = world.create("cms_series", name="Alerts")
    filled = [[key, value.format(alerts=alerts) if value else value] for key, value in filters]
    world.subscribe("anna", filters=filled)
    app.clock.advance(minutes=1)
    world.create(name="Open", series_id=alerts)
    world.create(name="Closed")
    world.create(name="Far, away")

    world.tick()

    found = {name for name in ("Open", "Closed", "Far, away") if world.mails and f"Name: {name}" in world.text()}
    assert found == expected
    assert len(world.mails) == (1 if expected else 0)


def test_one_filter_for_all_resources_of_a_subscription(app, world):
    """R13"""
    subscribed = world.subscribe("anna", filters=[["name", "Wanted"]])
    world.watch(subscribed.subscription_id, "org_organisation", "org/organisation")
    app.clock.advance(minutes=1)
    for name in ("Wanted", "Other"):
        world.create(name=name)
        world.create("org_organisation", name=name)

    world.tick()

    assert len(world.mails) == 2
    assert all("Wanted" in world.text(index) and "Other" not in world.text(index) for index in (0, 1))


def test_different_filters_are_different_subscriptions(app, world):
    """R15"""
    world.subscribe("anna", filters=[["name", "First"]])
    world.subscribe("anna", filters=[["name", "Second"]])
    app.clock.advance(minutes=1)
    world.create(name="First")
    world.create(name="Second")

    world.tick()

    texts = sorted("First" in world.text(index) for index in range(len(world.mails)))
    assert texts == [False, True]


def test_context_selectors_fit_tables_of_different_shape(app, world):
    """R14: one name, which each table maps to a path of its own."""
    config = """
def _post_context(r, tablename):
    current.s3db.configure("cms_post", context={"place": "location_id"}, notify_fields=["name"])
def _office_context(r, tablename):
    current.s3db.configure("org_office", context={"place": "site_id$location_id"}, notify_fields=["name"])
settings.customise_cms_post_resource = _post_context
settings.customise_org_office_resource = _office_context
"""
    here, there = (world.create("gis_location", name=name) for name in ("Here", "There"))
    organisation = world.create("org_organisation", name="Helpers")
    subscribed = world.subscribe("anna", filters=[["(place)$name", "Here"]])
    world.watch(subscribed.subscription_id, "org_office", "org/office")
    app.clock.advance(minutes=1)
    for name, location in (("Inside", here), ("Outside", there)):
        world.create(name=name, location_id=location)
        world.create("org_office", name=name, organisation_id=organisation, location_id=location)

    with app.configured(config):
        world.tick()

    assert len(world.mails) == 2
    assert all("Inside" in world.text(index) and "Outside" not in world.text(index) for index in (0, 1))


def test_the_model_is_reached_by_its_names(app):
    """R10"""
    with app.env() as current:
        s3db = current.s3db
        assert s3db.pr_subscription._tablename == "pr_subscription"
        assert s3db.pr_subscription_resource._tablename == "pr_subscription_resource"
        assert s3db.pr_subscription_check_intervals == {"immediately": 5, "hourly": 60, "daily": 1440, "weekly": 10080, "never": 0}


def test_a_subscription_has_the_documented_defaults(app, world):
    """R11"""
    with app.env() as current:
        subscription_id = current.s3db.pr_subscription.insert(pe_id=app.people["anna"].pe_id)
        row = current.db(current.s3db.pr_subscription.id == subscription_id).select().first()

    assert (row.notify_on, row.frequency, row.method) == (["new"], "daily", ["EMAIL"])
    assert (row.filter_id, row.email_format, row.attachment, row.suspended) == (None, None, False, False)


def test_deleting_a_subscription_deletes_its_resources(app, world):
    """R12"""
    subscribed = world.subscribe("anna")
    with app.env() as current:
        current.auth.override = True
        resource = current.s3db.resource("pr_subscription", id=subscribed.subscription_id)
        assert resource.components["subscription_resource"].tablename == "pr_subscription_resource"
        assert resource.delete() == 1
        current.db.commit()

    assert world.row("pr_subscription_resource", subscribed.resource_id).deleted


def test_administrators_manage_subscriptions_and_others_do_not(app, world):
    """R16"""
    world.subscribe("anna")

    assert app.request("/pr/subscription", auth="admin").status == 200
    assert "Anna Abel" in app.request("/pr/subscription", auth="admin").text
    assert app.request("/pr/subscription.json", auth="anna").status == 403


def test_each_phase_leaves_the_documented_state(app, world):
    """R19, R33, R35"""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="News")

    claim = world.claim()
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert (row.lease_owner, row.auth_token) == (claim.lease, None) and row.lease_until > app.clock.now

    with world.env() as current:
        from s3 import S3Notifications

        assert S3Notifications.notify(subscribed.resource_id, claim.lease) == "Success"
        current.db.commit()
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert (row.lease_owner, row.auth_token) == (None, None)
    assert [outbox.status for outbox in world.rows("msg_outbox")] == [1] and world.mails == []

    with world.env() as current:
        current.msg.process_outbox("EMAIL")
        current.db.commit()
    assert [outbox.status for outbox in world.rows("msg_outbox")] == [2] and len(world.mails) == 1


def test_the_address_is_looked_up_at_dispatch(app, world):
    """R32"""
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create()
    claim = world.claim()
    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.notify_batch(claim.resource_ids, claim.lease)
        ctable = current.s3db.pr_contact
        current.db(ctable.pe_id == app.people["anna"].pe_id).update(value="new-address@cast.example")
        current.db.commit()
        current.msg.process_outbox("EMAIL")
        current.db.commit()

    assert world.mails[0]["To"] == "new-address@cast.example"


def test_the_lookup_is_a_local_post_with_all_filters(app, world, monkeypatch):
    """R24 to R26"""
    from gluon import main

    world.subscribe("anna", filters=[["name", "News"], ["series_id$name", None]])
    app.clock.advance(minutes=1)
    world.create(name="News")
    seen = []
    original = main.wsgibase

    def recording(environ, responder):
        names = ("REQUEST_METHOD", "REMOTE_ADDR", "PATH_INFO", "QUERY_STRING")
        seen.append((*(environ[name] for name in names), "HTTP_X_S3_SUBSCRIPTION" in environ))
        return original(environ, responder)

    monkeypatch.setattr(main, "wsgibase", recording)
    with app.serving() as url:
        world.url = url
        world.tick()

    assert len(seen) == 1
    method, peer, path, query, has_token = seen[0]
    assert (method, peer, path, has_token) == ("POST", "127.0.0.1", f"/{app.name}/cms/post", True)
    assert "format=msg" in query and "~.name=News" in query and "series" not in query and "~.modified_on__ge=" in query
    assert "subscription=" not in query


def test_send_gets_the_filtered_resource_once(app, world):
    """R27, R29"""
    world.subscribe("anna", filters=[["name", "News"]])
    app.clock.advance(minutes=1)
    world.create(name="News")
    world.create(name="Other")
    with app.configured(
        """
def _renderer(resource, data, meta_data, format=None):
    return dict(meta_data, new=None, upd=None, new_records=[], upd_records=[], new_more=0, upd_more=0,
                filter_query="%s %s %s" % (resource.tablename, len(data.rows), format))
settings.msg.notify_renderer = _renderer
"""
    ):
        world.tick()

    assert "cms_post 1 text" in world.text()
    assert len(world.mails) == 1


def test_everything_is_importable_from_one_module(app):
    """R34"""
    from s3.s3notify import S3Notifications

    for name in ("check_subscriptions", "notify", "send", "_subscriptions", "_render"):
        assert callable(getattr(S3Notifications, name))


def test_without_a_worker_nothing_happens_and_no_page_fails(app, world):
    """R38"""
    world.subscribe("anna")
    app.clock.advance(minutes=1)
    response = app.request("/cms/post/create.json", "POST", json={"name": "By hand", "body": "Text"}, auth="editor")

    assert response.status in (200, 201), response.text
    assert world.rows("msg_outbox") == [] and world.mails == []
    assert world.tick() == "1 notifications scheduled."
