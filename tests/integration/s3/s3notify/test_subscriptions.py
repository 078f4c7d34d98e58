"""What the documentation of the original says of triggers, filters, contexts and groups, each statement in whole rounds."""
from __future__ import annotations

import pytest


def told(world) -> dict[int, tuple[int, int, str]]:
    """For each subscribed resource that was told something: (new records, updated records, text)."""
    bodies = {row.message_id: row.body for row in world.rows("msg_email")}
    return {
        row.subscription_resource_id: (row.new_records, row.updated_records, bodies[row.message_id])
        for row in world.rows("pr_subscription_ledger")
    }


def test_triggers_decide_what_is_told(app, world):
    """R3: of an old record that was edited and one that was created."""
    old = world.create(name="Old one")
    subscribed = {
        triggers: world.subscribe("anna", notify_on=list(triggers)).resource_id for triggers in (("new",), ("upd",), ("new", "upd"))
    }
    app.clock.advance(minutes=1)
    world.update(old, name="Edited one")
    world.create(name="Created one")

    world.tick()

    found = told(world)
    assert {triggers: found[resource_id][:2] for triggers, resource_id in subscribed.items()} == {
        ("new",): (1, 0),
        ("upd",): (0, 1),
        ("new", "upd"): (1, 1),
    }
    texts = {triggers: found[resource_id][2] for triggers, resource_id in subscribed.items()}
    assert "Created one" in texts["new",] and "Edited one" not in texts["new",]
    assert "Edited one" in texts["upd",] and "Created one" not in texts["upd",]
    assert "Edited one" in texts["new", "upd"] and "Created one" in texts["new", "upd"]


def test_record_that_comes_to_match_the_filter_is_told_as_updated(app, world):
    """R3, R4: it was there before, and is new to the reader only."""
    post = world.create(name="Closed")
    subscribed = {
        triggers: world.subscribe("anna", filters=[["name", "Open"]], notify_on=list(triggers)).resource_id
        for triggers in (("new",), ("upd",))
    }
    app.clock.advance(minutes=1)
    world.update(post, name="Open")

    world.tick()

    assert {key: value[:2] for key, value in told(world).items()} == {subscribed["upd",]: (0, 1)}


def test_saved_filter_limits_what_is_told_as_it_limits_the_list(app, world):
    """R4"""
    with app.configured('settings.L10n.timezone = "Asia/Tokyo"'):
        world.subscribe("anna", filters=[["name", "Open"], ["date__ge", "2026-02-28"], ["comments", None]])
        app.clock.advance(minutes=1)
        # midnight in Tokyo is 15:00 UTC of the day before
        for name, date in (("Open", "2026-02-27 15:00:00"), ("Open", "2026-02-27 14:59:59"), ("Closed", "2026-02-27 15:00:00")):
            world.create(name=name, body=f"of {date}", date=date)

        world.tick()
        listed = app.request("/cms/post.json", vars={"~.name": "Open", "~.date__ge": "2026-02-28"}, auth="anna").json()

    assert len(listed) == 1
    assert len(world.mails) == 1
    assert world.text().count("Name: ") == 1 and "of 2026-02-27 15:00:00" in world.text()
    assert 'Filter: Name is "Open" AND Date >= 2026-02-28 00:00' in world.text()


@pytest.fixture
def volunteers(app):
    """The entity of a group with anna and ben, and without the editor."""
    with app.env() as current:
        current.auth.override = True
        s3db = current.s3db
        group_id = s3db.resource("pr_group").insert(name="Volunteers")
        for name in ("anna", "ben"):
            s3db.resource("pr_group_membership").insert(group_id=group_id, person_id=app.people[name].person_id)
        pe_id = current.db(s3db.pr_group.id == group_id).select(s3db.pr_group.pe_id).first().pe_id
        current.db.commit()
    return pe_id


@pytest.fixture
def stranger(app):
    """The entity of a person without account."""
    with app.env() as current:
        current.auth.override = True
        s3db = current.s3db
        person_id = s3db.resource("pr_person").insert(first_name="Sam", last_name="Stranger")
        pe_id = current.db(s3db.pr_person.id == person_id).select(s3db.pr_person.pe_id).first().pe_id
        s3db.resource("pr_contact").insert(pe_id=pe_id, contact_method="EMAIL", value="sam@stranger.example")
        current.db.commit()
    return pe_id


def open_to_all(app, is_open: bool = True) -> None:
    with app.env() as current:
        permission, anonymous = current.auth.permission, current.auth.get_system_roles()["ANONYMOUS"]
        for rule in ({"c": "cms"}, {"t": "cms_post"}):
            if is_open:
                permission.update_acl(anonymous, uacl=2, oacl=2, **rule)
            else:
                permission.delete_acl(anonymous, **rule)
        current.db.commit()


@pytest.mark.parametrize(
    ("subscriber", "addresses"),
    [("volunteers", ["anna@cast.example", "ben@cast.example"]), ("stranger", ["sam@stranger.example"])],
)
def test_entity_without_account_is_told_what_everybody_may_read(app, world, request, subscriber, addresses):
    """R9: (a) a closed table: nothing sent, watermark unmoved, the error on the row; (b) an open one: each member gets one copy."""
    subscribed = world.subscribe(request.getfixturevalue(subscriber), filters=[["name", "Wanted"]])
    before = world.row("pr_subscription_resource", subscribed.resource_id)
    app.clock.advance(minutes=1)
    world.create(name="Wanted")
    world.create(name="Other")

    world.tick()
    closed = world.row("pr_subscription_resource", subscribed.resource_id)
    assert world.mails == [] and world.rows("msg_outbox") == []
    assert (closed.last_position, closed.last_check_time) == (before.last_position, before.last_check_time)
    assert "HTTP 401" in closed.last_error and closed.attempts == 1

    open_to_all(app)
    try:
        app.clock.set(closed.retry_at)
        world.tick()
    finally:
        open_to_all(app, False)

    assert sorted(mail["To"] for mail in world.mails) == addresses
    # one member of a group must not end the subscription for the others (S9)
    assert all(bool(mail["List-Unsubscribe"]) == (subscriber == "stranger") for mail in world.mails)
    assert all("Wanted" in world.text(index) and "Other" not in world.text(index) for index in range(len(addresses)))
    opened = world.row("pr_subscription_resource", subscribed.resource_id)
    assert (opened.last_error, opened.attempts) == (None, 0)
    app.clock.advance(days=1)
    assert world.tick() == "No notifications to schedule."


@pytest.fixture
def places(app):
    """Ids of places: two provinces, a town in each; of two organisations; of their members' accounts."""
    with app.env() as current:
        current.auth.override = True
        insert = lambda tablename, **values: int(current.s3db.resource(tablename).insert(**values))  # noqa: E731
        country = insert("gis_location", name="Utopia", level="L0")
        ids = {}
        for province in ("North", "South"):
            ids[province] = insert("gis_location", name=province, level="L1", parent=country)
            ids[f"{province} town"] = insert("gis_location", name=f"{province} town", level="L2", parent=ids[province])
        for who, organisation in (("editor", "Helpers"), ("admin", "Others")):
            ids[organisation] = insert("org_organisation", name=organisation)
            current.db(current.db.auth_user.id == app.people[who].user_id).update(organisation_id=ids[organisation])
        current.db.commit()
    return ids


def test_one_filter_with_contexts_limits_resources_of_different_shape(app, world, places):
    """R13, R14: posts know their organisation by who wrote them, offices by a key; both lie at a place."""
    subscribed = world.subscribe("anna", filters=[["(organisation)$name", "Helpers"], ["(location)$L1__belongs", "North,East"]])
    offices = world.watch(subscribed.subscription_id, "org_office", "org/office")
    app.clock.advance(minutes=1)
    for who, organisation in (("editor", "Helpers"), ("admin", "Others")):
        for place in ("North", "North town", "South town"):
            name = f"{organisation} in {place}"
            world.create(name=name, location_id=places[place], created_by=app.people[who].user_id)
            world.create("org_office", name=name, location_id=places[place], organisation_id=places[organisation])

    world.tick()

    found = told(world)
    assert set(found) == {subscribed.resource_id, offices}
    for _, _, text in found.values():
        assert "Helpers in North\n" in text and "Helpers in North town\n" in text
        assert "Others in" not in text and "South" not in text
    assert 'Filter: Name (Created By, Organization) is "Helpers" AND State / Province (Location) = "North" or "East"' in (
        found[subscribed.resource_id][2]
    )
    assert all((new, updated) == (2, 0) for new, updated, _ in found.values())


def test_resource_that_lacks_a_context_fails_alone_and_tells_nothing(app, world, places):
    """R14, X11: an unknown context does not mean "everything"."""
    subscribed = world.subscribe("anna", filters=[["(location)$L1", "North"]])
    series = world.watch(subscribed.subscription_id, "cms_series", "cms/series")
    app.clock.advance(minutes=1)
    world.create(name="Here", location_id=places["North town"])
    world.create("cms_series", name="Anywhere")

    world.tick()

    assert set(told(world)) == {subscribed.resource_id}
    assert "(location)" in world.row("pr_subscription_resource", series).last_error
    assert world.row("pr_subscription_resource", subscribed.resource_id).last_error is None
    assert not world.row("pr_subscription", subscribed.subscription_id).suspended


def test_several_subscriptions_of_one_reader_have_each_their_filter(app, world):
    """R15: also for the same page, with the same filter record, and with none."""
    wanted = {"First": [["name", "First"]], "Second": [["name", "Second"]], "": None}
    subscribed = {name: world.subscribe("anna", filters=filters).resource_id for name, filters in wanted.items()}
    again = world.subscribe("anna")
    first = world.row("pr_subscription_resource", subscribed["First"]).subscription_id
    world.set("pr_subscription", again.subscription_id, filter_id=world.row("pr_subscription", first).filter_id)
    app.clock.advance(minutes=1)
    for name in ("First", "Second"):
        world.create(name=name)

    world.tick()

    found = told(world)
    texts = {name: found[resource_id][2] for name, resource_id in subscribed.items()}
    assert "Name: First" in texts["First"] and "Name: Second" not in texts["First"]
    assert "Name: Second" in texts["Second"] and "Name: First" not in texts["Second"]
    assert "Name: First" in texts[""] and "Name: Second" in texts[""] and "Filter:" not in texts[""]
    assert "Name: First" in found[again.resource_id][2] and "Name: Second" not in found[again.resource_id][2]
    assert len(world.mails) == 4


def test_filter_in_the_address_and_saved_filter_must_both_hold(app, world):
    """R4, R26: the page may be one with a filter of its own."""
    world.subscribe("anna", url="cms/post?~.name__like=*one*", filters=[["name__like", "*red*"]])
    app.clock.advance(minutes=1)
    for name in ("red one", "red two", "blue one"):
        world.create(name=name)

    world.tick()

    assert "Name: red one" in world.text()
    assert world.text().count("Name: ") == 1


def test_filter_is_said_in_the_language_and_format_of_the_reader(app, world):
    """R4, E19: from the operator table, also where the worker and the site speak another language."""
    series = world.create("cms_series", name="News")
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(language="de")
        current.db.commit()
    dates = [["date__ge", "-7D"], ["date__lt", "2026-12-24T08:00:00Z"]]
    world.subscribe("anna", filters=[["series_id__belongs", str(series)], ["name|title__like", "*red*"], *dates])
    app.clock.advance(minutes=1)
    world.create(name="red", series_id=series)
    config = """
settings.L10n.languages = {"en": "English", "de": "Deutsch"}
settings.L10n.date_format = "%d.%m.%Y"
settings.L10n.timezone = "Europe/Berlin"
"""

    with app.configured(config):
        world.tick()

    said = world.text().partition("Filter: ")[2].splitlines()[0]
    conditions = ['Typ = "News"', '(Name wie "*red*" ODER Titel wie "*red*")', "Datum >= vor 7 Tagen", "Datum < 24.12.2026 09:00"]
    assert said == " UND ".join(conditions)


def test_filter_with_markup_is_text_in_a_mail_of_html(app, world):
    """R4, X38"""
    world.subscribe("anna", filters=[["name__like", "*<script>*"]], email_format="html")
    app.clock.advance(minutes=1)
    world.create(name="<script>alert(1)</script>")

    world.tick()

    source = world.rows("msg_email")[0].html_body
    assert "<script>" not in source
    assert 'Name like "*&lt;script&gt;*"' in source
