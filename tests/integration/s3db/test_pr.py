"""Persons, contacts, groups, saved filters and subscriptions."""
from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from gluon.storage import Storage
from harness import App


def form(record: Any = None, **values: Any) -> Storage:
    return Storage(vars=Storage(values), errors=Storage(), record=record)


def insert(current: Any, tablename: str, **values: Any) -> int:
    """Insert as the pages do, with all that follows, and with every permission."""
    current.auth.override = True
    record_id = int(current.s3db.resource(tablename).insert(**values))
    current.auth.override = False
    return record_id


def stored(current: Any, tablename: str, record_id: int) -> Any:
    table = current.s3db[tablename]
    return current.db(table.id == record_id).select(table.ALL).first()


def validate(current: Any, tablename: str, values: dict[str, Any], method: str = "create") -> dict[str, Any]:
    """What the model has against this record: {field: reason}."""
    return dict(current.s3db.onvalidation(current.s3db[tablename], values, method=method))


# -- subscriptions -----------------------------------------------------------------------------------------------------
def test_model_provides_the_names_of_the_original(app: App) -> None:
    with app.env() as current:
        s3db = current.s3db

        assert s3db.pr_subscription._tablename == "pr_subscription"
        assert s3db.pr_subscription_resource._tablename == "pr_subscription_resource"
        assert s3db.pr_subscription_check_intervals == {"immediately": 5, "hourly": 60, "daily": 1440, "weekly": 10080, "never": 0}


def test_subscription_has_the_defaults_of_the_original(app: App) -> None:
    with app.env() as current:
        subscription = stored(current, "pr_subscription", insert(current, "pr_subscription", pe_id=app.people["anna"].pe_id))

        assert (subscription.notify_on, subscription.frequency, subscription.method) == (["new"], "daily", ["EMAIL"])
        assert (subscription.email_format, subscription.attachment, subscription.suspended) == (None, False, False)


def test_subscribed_resource_reports_later_changes_only(app: App) -> None:
    with app.env() as current:
        watched = stored(current, "pr_subscription_resource", subscribe(current, app))

        assert watched.last_check_time == app.clock()
        assert watched.next_check_time is None
        assert (watched.locked, watched.attempts, watched.auth_token) == (False, 0, None)


@pytest.mark.parametrize("instance", ["pr_person", "pr_group", "org_organisation"])
def test_any_entity_can_subscribe(app: App, instance: str) -> None:
    with app.env() as current:
        names = {"first_name": "Nora"} if instance == "pr_person" else {"name": "Nora and friends"}
        pe_id = current.s3db.pr_get_pe_id(instance, insert(current, instance, **names))

        subscription = stored(current, "pr_subscription", insert(current, "pr_subscription", pe_id=pe_id))

        assert subscription.pe_id == pe_id
        assert current.s3db.pr_instance_type(pe_id) == instance


def test_watched_resources_are_a_component_of_their_subscription(app: App) -> None:
    with app.env() as current:
        subscription = current.s3db.resource("pr_subscription", components=["subscription_resource"])

        assert subscription.components["subscription_resource"].tablename == "pr_subscription_resource"


def test_deleting_a_subscription_deletes_what_it_watches(app: App) -> None:
    with app.env() as current:
        watched_id = subscribe(current, app)
        subscription_id = stored(current, "pr_subscription_resource", watched_id).subscription_id
        current.auth.override = True

        assert current.s3db.resource("pr_subscription", id=subscription_id).delete() == 1

        assert stored(current, "pr_subscription_resource", watched_id).deleted


def test_subscription_needs_somebody_to_notify(app: App) -> None:
    with app.env() as current:
        errors = validate(current, "pr_subscription", {"frequency": "daily"})

        assert list(errors) == ["pe_id"]


@pytest.mark.parametrize("field, value", [
    ("notify_on", ["del"]), ("frequency", "yearly"), ("method", ["FACEBOOK"]), ("email_format", "pdf"),
])
def test_option_that_is_not_offered_is_refused(app: App, field: str, value: Any) -> None:
    with app.env() as current:
        _, error = current.s3db.pr_subscription[field].validate(value)

        assert error


@pytest.mark.parametrize("field", ["notify_on", "method"])
@pytest.mark.parametrize("method", ["create", "update"])
def test_subscription_must_say_of_what_and_how(app: App, field: str, method: str) -> None:
    with app.env() as current:
        pe_id = app.people["anna"].pe_id
        record = {"id": insert(current, "pr_subscription", pe_id=pe_id)} if method == "update" else {}
        for nothing in ([], None, ""):
            assert list(validate(current, "pr_subscription", {**record, "pe_id": pe_id, field: nothing}, method)) == [field]


@pytest.mark.parametrize("field, values, stored_as", [
    ("method", ["EMAIL", "EMAIL", "SMS", "EMAIL"], ["EMAIL", "SMS"]), ("method", "SMS", ["SMS"]), ("notify_on", ["upd", "upd"], ["upd"]),
])
def test_repeated_option_counts_once(app: App, field: str, values: Any, stored_as: list[str]) -> None:
    with app.env() as current:
        current.s3db.pr_subscription  # noqa: B018  - loads the model
        subscription = form(pe_id=app.people["anna"].pe_id, **{field: values})

        current.s3db.get_config("pr_subscription", "onvalidation")(subscription)

        assert not subscription.errors
        assert subscription.vars[field] == stored_as


def test_subscription_with_options_repeated_or_left_out_over_http(app: App) -> None:
    def add(**values: Any) -> Any:
        return app.request("/pr/subscription.json", "POST", json={"pe_id": app.people["anna"].pe_id, **values}, auth="admin")

    assert [add(method=[]).status, add(notify_on=[]).status, add(notify_on=None).status] == [400, 400, 400]
    created = add(method=["EMAIL", "EMAIL"]).json()["created"][0]

    with app.env() as current:
        subscription = stored(current, "pr_subscription", created)
        assert (subscription.method, subscription.notify_on) == (["EMAIL"], ["new"])
        assert current.db(current.s3db.pr_subscription).count() == 1


@pytest.mark.parametrize("resource, url, field, names", [
    ("cms_pots", "cms/post", "resource", "'cms_pots'"),
    ("nuclear_reactor", "cms/post", "resource", "'nuclear_reactor'"),
    ("cms", "cms/post", "resource", "'cms'"),
    ("../etc", "cms/post", "resource", "'../etc'"),
    (None, "cms/post", "resource", "None"),
    ("pr_pentity", "pr/pentity", "resource", "no modified_on"),
    ("pr_subscription", "pr/subscription", "resource", "changes are not logged"),
    ("pr_filter", "pr/filter", "resource", "changes are not logged"),
    ("s3_change", "cms/post", "resource", "'s3_change'"),
    ("auth_user", "pr/person", "resource", "'auth_user'"),
    ("cms_post", "cms/post/12", "url", "no list"),
    ("cms_post", "cms/post?format=json", "url", "set by the lookup"),
    ("cms_post", "../cms/post", "url", "'../cms/post'"),
    ("cms_post", "http://example.org/", "url", "'http://example.org/'"),
    ("cms_post", "nuclear/reactor", "url", "no controller 'nuclear'"),
])
def test_what_cannot_be_watched_is_named(app: App, resource: Any, url: str, field: str, names: str) -> None:
    with app.env() as current:
        errors = validate(current, "pr_subscription_resource", {"resource": resource, "url": url})

        assert list(errors) == [field]
        assert names in str(errors[field])


def test_what_can_be_watched_is_accepted(app: App) -> None:
    with app.env() as current:
        watched = form(resource="cms_post", url="/default/index/newsfeed")

        current.s3db.pr_subscription_resource  # noqa: B018  - loads the model
        current.s3db.get_config("pr_subscription_resource", "onvalidation")(watched)

        assert not watched.errors
        assert watched.vars.url == "default/index/newsfeed"


def test_changing_one_of_resource_and_url_is_checked_with_the_other_as_stored(app: App) -> None:
    with app.env() as current:
        watched_id = subscribe(current, app)

        def check(**values: Any) -> list[str]:
            return list(validate(current, "pr_subscription_resource", {"id": watched_id, **values}, "update"))

        assert check(url="org/organisation") == []
        assert check(resource="org_pots") == ["resource"]


def test_editing_a_suspended_subscription_gives_it_a_new_start(app: App) -> None:
    with app.env() as current:
        db, s3db = current.db, current.s3db
        watched_id = subscribe(current, app, attempts=20, last_error="HTTP 500", next_check_time=dt.datetime(2030, 1, 1))
        subscription_id = stored(current, "pr_subscription_resource", watched_id).subscription_id
        db(s3db.pr_subscription.id == subscription_id).update(suspended=True, suspended_reason="HTTP 500")

        s3db.onaccept("pr_subscription", {"id": subscription_id}, method="update")

        subscription = stored(current, "pr_subscription", subscription_id)
        watched = stored(current, "pr_subscription_resource", watched_id)
        assert (subscription.suspended, subscription.suspended_reason) == (False, None)
        assert (watched.attempts, watched.last_error) == (0, None)


def test_new_frequency_counts_from_the_last_check(app: App) -> None:
    with app.env() as current:
        db, s3db = current.db, current.s3db
        last = dt.datetime(2026, 5, 1, 12, 0)
        watched_id = subscribe(current, app, last_check_time=last, next_check_time=last + dt.timedelta(days=7))
        subscription_id = stored(current, "pr_subscription_resource", watched_id).subscription_id
        before = stored(current, "pr_subscription", subscription_id)
        db(s3db.pr_subscription.id == subscription_id).update(frequency="hourly")

        s3db.get_config("pr_subscription", "update_onaccept")(form(before, id=subscription_id, frequency="hourly"))

        # 12:00 + 60 minutes
        assert stored(current, "pr_subscription_resource", watched_id).next_check_time == dt.datetime(2026, 5, 1, 13, 0)


def subscribe(current: Any, app: App, filter_id: int | None = None, **watched: Any) -> int:
    """Anna subscribes to posts; gives the id of the subscribed resource."""
    subscription_id = insert(current, "pr_subscription", pe_id=app.people["anna"].pe_id, filter_id=filter_id)
    return insert(current, "pr_subscription_resource", subscription_id=subscription_id, resource="cms_post", url="cms/post", **watched)


# -- saved filters -----------------------------------------------------------------------------------------------------
def test_deleting_a_saved_filter_suspends_its_subscriptions_and_says_so(app: App) -> None:
    with app.env() as current:
        filter_id = insert(current, "pr_filter", title="Floods", query='[["title__like", "*flood*"]]')
        watched_id = subscribe(current, app, filter_id)
        other_id = subscribe(current, app)
        current.auth.override = True

        assert current.s3db.resource("pr_filter", id=filter_id).delete() == 1

        table = current.s3db.pr_subscription
        of = {key: stored(current, "pr_subscription_resource", key).subscription_id for key in (watched_id, other_id)}
        subscription = current.db(table.id == of[watched_id]).select().first()
        assert subscription.suspended
        assert subscription.suspended_reason == 'Its saved filter "Floods" was deleted'
        # it still points to the filter, so nothing can take it for a subscription without filter
        assert subscription.filter_id == filter_id
        assert not current.db(table.id == of[other_id]).select().first().suspended


def test_subscription_stays_suspended_until_another_filter_is_chosen(app: App) -> None:
    with app.env() as current:
        filter_id = insert(current, "pr_filter", title="Floods", query='[["title__like", "*flood*"]]')
        subscription_id = stored(current, "pr_subscription_resource", subscribe(current, app, filter_id)).subscription_id
        current.auth.override = True
        current.s3db.resource("pr_filter", id=filter_id).delete()
        table = current.s3db.pr_subscription

        current.s3db.onaccept("pr_subscription", {"id": subscription_id}, method="update")
        assert stored(current, "pr_subscription", subscription_id).suspended

        current.db(table.id == subscription_id).update(filter_id=None)
        current.s3db.onaccept("pr_subscription", {"id": subscription_id}, method="update")
        assert not stored(current, "pr_subscription", subscription_id).suspended


@pytest.mark.parametrize("query, clean", [
    ('[["status", "open"]]', [["status", "open"]]),
    ('[["name", "O\'Brien"]]', [["name", "O'Brien"]]),
    ("[['status', 'open']]", [["status", "open"]]),
    ('[["a", null], ["b__belongs", "1,2"]]', [["a", None], ["b__belongs", "1,2"]]),
    ('[["ort", "Köln"]]', [["ort", "Köln"]]),
    ("[]", []),
])
def test_filter_is_stored_as_it_was_meant(app: App, query: str, clean: Any) -> None:
    with app.env() as current:
        current.s3db.pr_filter  # noqa: B018  - loads the model
        saved = form(query=query)

        current.s3db.get_config("pr_filter", "onvalidation")(saved)

        assert not saved.errors
        assert json.loads(saved.vars.query) == clean


@pytest.mark.parametrize("query", [
    "status=open", '{"status": "open"}', '["status", "open"]', '[["status"]]', '[["status", 1]]', '[["", "x"]]', '[["a", "b", "c"]]',
    "[['name', 'O'Brien']]", '"status"', "[[null, null]]",
])
def test_text_that_is_no_filter_is_refused_and_named(app: App, query: str) -> None:
    with app.env() as current:
        errors = validate(current, "pr_filter", {"query": query})

        assert list(errors) == ["query"]
        assert query in errors["query"]


@pytest.mark.parametrize("query, names", [
    ('[["colour", "red"]]', "colour"), ('[["date__ge", "soon"]]', "soon"), ('[["body__near", "x"]]', "near"),
])
def test_filter_that_a_subscribed_table_cannot_apply_is_refused(app: App, query: str, names: str) -> None:
    with app.env() as current:
        filter_id = insert(current, "pr_filter", title="Floods", query='[["body__like", "*flood*"]]')
        subscribe(current, app, filter_id)

        errors = validate(current, "pr_filter", {"id": filter_id, "query": query}, "update")

        assert list(errors) == ["query"]
        assert names in errors["query"]


def test_filter_and_resource_that_do_not_go_together_are_refused_from_either_side(app: App) -> None:
    with app.env() as current:
        filter_id = insert(current, "pr_filter", title="Floods", query='[["body__like", "*flood*"]]')
        watched_id = subscribe(current, app, filter_id)
        subscription_id = stored(current, "pr_subscription_resource", watched_id).subscription_id
        other_id = insert(current, "pr_filter", title="Acronyms", query='[["acronym", "RC"]]')

        def check(tablename: str, **values: Any) -> list[str]:
            return list(validate(current, tablename, values, "update"))

        assert check("pr_subscription", id=subscription_id, filter_id=filter_id) == []
        assert check("pr_subscription", id=subscription_id, filter_id=other_id) == ["filter_id"]
        assert check("pr_subscription_resource", subscription_id=subscription_id, resource="org_office", url="org/office") == ["resource"]


def test_member_is_added_on_the_page_of_a_group_once(app: App) -> None:
    with app.env() as current:
        group_id = insert(current, "pr_group", name="Volunteers")
        current.db.commit()
    member = {"person_id": app.people["anna"].person_id}
    path = f"/pr/group/{group_id}/group_membership.json"

    first, second = (app.request(path, "POST", json=member, auth="admin") for _ in range(2))

    assert (first.status, second.status) == (200, 400), second.text
    assert list(second.json()["errors"]) == ["person_id"]


# -- contacts ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method, value, stored_as", [
    ("EMAIL", " anna@example.org ", "anna@example.org"),
    ("SMS", "+44 123 456 789", "+44123456789"),
    ("WORK_PHONE", "030 1234; 030 5678", "030 1234, 030 5678"),
    ("RADIO", "Delta 4", "Delta 4"),
])
def test_address_is_stored_in_the_form_its_method_needs(app: App, method: str, value: str, stored_as: str) -> None:
    with app.env() as current:
        current.s3db.pr_contact  # noqa: B018  - loads the model
        contact = form(contact_method=method, value=value)

        current.s3db.get_config("pr_contact", "onvalidation")(contact)

        assert not contact.errors
        assert contact.vars.value == stored_as


@pytest.mark.parametrize("method, value", [
    ("EMAIL", "anna(at)example.org"), ("SMS", "0172 123456"), ("SMS", "call me"), ("HOME_PHONE", "none"),
])
def test_address_that_cannot_work_is_refused(app: App, method: str, value: str) -> None:
    with app.env() as current:
        assert list(validate(current, "pr_contact", {"contact_method": method, "value": value})) == ["value"]


def test_changed_address_is_checked_by_the_stored_method(app: App) -> None:
    with app.env() as current:
        contact_id = insert(current, "pr_contact", pe_id=app.people["anna"].pe_id, contact_method="EMAIL", value="a@example.org")

        assert list(validate(current, "pr_contact", {"id": contact_id, "value": "nonsense"}, method="update")) == ["value"]


def test_contacts_of_one_method_are_components_of_their_own(app: App) -> None:
    with app.env() as current:
        pe_id = app.people["anna"].pe_id
        insert(current, "pr_contact", pe_id=pe_id, contact_method="SMS", value="+4912345678")
        current.auth.override = True

        data = current.s3db.resource("pr_person", id=app.people["anna"].person_id).select(["email.value", "phone.value"])

        row = data.rows[0]
        assert [row[rfield.colname] for rfield in data.rfields if rfield.selector.endswith("value")] == ["anna@cast.example", "+4912345678"]


# -- persons and groups ------------------------------------------------------------------------------------------------
def test_new_name_of_a_person_is_the_new_name_of_the_account(app: App) -> None:
    with app.env() as current:
        anna = app.people["anna"]

        current.s3db.onaccept(current.s3db.pr_person, {"id": anna.person_id, "first_name": "Annabel"}, method="update")

        account = current.db.auth_user[anna.user_id]
        assert (account.first_name, account.last_name) == ("Annabel", "Abel")


def test_person_entity_is_found_in_every_way_there_is(app: App) -> None:
    with app.env() as current:
        anna, find = app.people["anna"], current.s3db.pr_get_pe_id
        row = stored(current, "pr_person", anna.person_id)

        assert find("pr_person", anna.person_id) == anna.pe_id
        assert find(("pr_person", anna.person_id)) == anna.pe_id
        assert find(row) == anna.pe_id
        assert (find(anna.pe_id), find(str(anna.pe_id))) == (anna.pe_id, anna.pe_id)
        assert find("pr_person", 999999) is None
        assert find("cms_series", 1) is None
        assert find("nonsense") is None


def test_entities_are_represented_with_name_and_type(app: App) -> None:
    with app.env() as current:
        represent = current.s3db.pr_pentity_represent
        group = current.s3db.pr_get_pe_id("pr_group", insert(current, "pr_group", name="Night watch"))
        anna, ben = app.people["anna"].pe_id, app.people["ben"].pe_id

        bulk = represent.bulk([anna, ben, group])

        labels = [str(bulk[key]) for key in (anna, ben, group)]
        assert labels == ["Anna Abel (Person)", "Ben Bruck (Person)", "Night watch (Person Group)"]
        # one for the entities, one for the persons, one for the groups
        assert represent.queries == 3
        assert (str(represent(None)), str(represent(999999))) == ("-", "Unknown")


def test_entity_without_name_is_known_by_its_tag(app: App) -> None:
    with app.env() as current:
        from s3db.pr import pr_PersonEntityRepresent

        pe_id = current.s3db.pr_pentity.insert(instance_type="pr_realm", pe_label="R-7")

        assert str(pr_PersonEntityRepresent(show_label=True)(pe_id)) == "<R-7> (Realm)"


def test_persons_are_shown_with_their_tags_unless_that_is_switched_off(app: App) -> None:
    with app.env() as current:
        from s3db.pr import pr_PersonEntityRepresent

        tagged = insert(current, "pr_person", first_name="Nora", last_name="Nix", pe_label="N-1")
        pe_ids = [app.people["anna"].pe_id, current.s3db.pr_get_pe_id("pr_person", tagged)]

        assert [pr_PersonEntityRepresent()(pe_id) for pe_id in pe_ids] == ["Anna Abel [No ID Tag] (Person)", "Nora Nix <N-1> (Person)"]
        assert pr_PersonEntityRepresent(show_label=False, show_type=False)(pe_ids[1]) == "Nora Nix"


def test_no_two_persons_have_the_same_tag(app: App) -> None:
    with app.env() as current:
        person_id = insert(current, "pr_person", first_name="Nora", pe_label="N-1")
        field = current.s3db.pr_person.pe_label

        assert [bool(field.validate(value)[1]) for value in ("N-1", "N-2", "")] == [True, False, False]
        current.auth.override = True
        current.s3db.resource("pr_person", id=person_id).delete()
        assert field.validate("N-1")[1] is None


@pytest.mark.parametrize("born, age, group", [
    # the clock stands at 2026-03-02
    (dt.date(2000, 3, 2), 26, "25-59"), (dt.date(2000, 3, 3), 25, "25-59"), (dt.date(2026, 1, 1), 0, "0-1"),
    (dt.date(1950, 1, 1), 76, "60+"), (None, "-", "-"),
])
def test_the_age_follows_from_the_date_of_birth(app: App, born: Any, age: Any, group: str) -> None:
    with app.env() as current:
        person_id = insert(current, "pr_person", first_name="Nora", date_of_birth=born)
        current.auth.override = True

        data = current.s3db.resource("pr_person", id=person_id).select(["age", "age_group"])

        assert [data.rows[0]["pr_person.age"], data.rows[0]["pr_person.age_group"]] == [age, group]


def test_nobody_is_in_a_group_twice(app: App) -> None:
    with app.env() as current:
        group_id, person_id = insert(current, "pr_group", name="Night watch"), app.people["anna"].person_id
        membership_id = insert(current, "pr_group_membership", group_id=group_id, person_id=person_id)

        def check(**values: Any) -> list[str]:
            return list(validate(current, "pr_group_membership", {"group_id": group_id, **values}))

        assert check(person_id=person_id) == ["person_id"]
        assert check(person_id=person_id, id=membership_id) == []
        assert check(person_id=app.people["ben"].person_id) == []


def test_machinery_is_not_watched_and_what_people_subscribe_to_is(app: App) -> None:
    from s3.s3changes import is_watched

    with app.env() as current:
        s3db = current.s3db

        machinery = ("pr_subscription", "pr_subscription_resource", "pr_filter", "pr_person_user", "pr_pentity")
        assert [name for name in machinery if is_watched(s3db[name])] == []
        content = ("pr_person", "pr_contact", "pr_group", "org_organisation", "org_office", "gis_location", "cms_post", "cms_comment")
        assert [name for name in content if not is_watched(s3db[name])] == []


# -- over HTTP ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("resource, url, names", [
    ("cms_pots", "cms/post", "cms_pots"),
    ("cms_post", "../admin/user", "../admin/user"),
    ("cms_post", "http://example.org/x", "http://example.org/x"),
])
def test_request_to_watch_what_cannot_be_watched_gets_the_reason_and_changes_nothing(app: App, resource: str, url: str, names: str) -> None:
    with app.env() as current:
        subscription_id = insert(current, "pr_subscription", pe_id=app.people["anna"].pe_id)
        current.db.commit()

    response = app.request(
        f"/pr/subscription/{subscription_id}/subscription_resource.json", "POST", json={"resource": resource, "url": url}, auth="admin")

    assert response.status == 400
    assert names in response.text
    with app.env() as current:
        assert current.db(current.s3db.pr_subscription_resource).count() == 0


def test_request_with_a_malformed_filter_gets_the_reason_and_changes_nothing(app: App) -> None:
    response = app.request("/pr/filter.json", "POST", json={"title": "Broken", "query": "status=open"}, auth="admin")

    assert response.status == 400
    assert "status=open" in response.text
    with app.env() as current:
        assert current.db(current.s3db.pr_filter).count() == 0


def test_ordinary_user_may_not_touch_subscriptions(app: App) -> None:
    assert app.request("/pr/subscription.json", auth="admin").status == 200
    assert app.request("/pr/subscription.json", auth="anna").status == 403
