"""Who may look up, and as whom: R5 to R8, R25, R28, R35 to R37; 401 means nothing sent and nothing changed."""
from __future__ import annotations

import pytest


def state(world, subscribed):
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    return row.last_position, row.last_check_time, row.next_check_time, len(world.rows("msg_outbox")), len(world.rows("msg_email"))


def test_a_valid_token_composes_the_message(world, pending):
    response = world.post(token=world.token(pending.resource_id))

    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.json()["status"] == "success" and response.json()["message"] == "Success"
    assert len(world.rows("msg_outbox")) == 1


@pytest.mark.parametrize("path", ["/cms/post", "/cms/post.msg", "/org/organisation", "/default/index"])
@pytest.mark.parametrize("token", [None, "", "guessed", "x" * 500])
def test_without_a_valid_token_nothing_is_sent_and_nothing_changed(world, pending, path, token):
    """X1, X3, R37"""
    before = state(world, pending)

    response = world.post(path, token)

    assert response.status == 401
    assert response.json() == {"status": "failed", "statuscode": "401", "message": response.json()["message"]}
    assert state(world, pending) == before


def test_a_login_does_not_replace_the_token(world, pending):
    """X3: not even an administrator can make the system send mails."""
    before = state(world, pending)

    assert world.post(auth="admin").status == 401
    assert state(world, pending) == before


def test_a_token_is_good_for_one_request(world, pending):
    """R36"""
    token = world.token(pending.resource_id)
    assert world.post(token=token).status == 200
    after = state(world, pending)

    assert world.post(token=token).status == 401
    assert state(world, pending) == after


GUESS = "x" * 43


def counted_refusals(app):
    with app.env() as current:
        table = current.auth.table("auth_throttle")
        rows = current.db(table.name.startswith("token:")).select(table.attempts)
        return [row.attempts for row in rows]


def test_who_keeps_guessing_is_told_to_wait_and_a_valid_token_passes_all_the_same(app, world, pending):
    """S2: the worker may stand behind the same proxy as whoever guesses."""
    with app.configured("settings.msg.notify_invalid_tokens = 3"):
        assert [world.post(token=GUESS).status for _ in range(5)] == [401, 401, 401, 429, 429]
        told = world.post(token=GUESS)
        assert 0 < int(told.headers["retry-after"]) <= 60
        assert world.post(token=world.token(pending.resource_id)).status == 200

        app.clock.advance(seconds=61)
        assert world.post(token=GUESS).status == 401


def test_guesses_beyond_the_limit_write_nothing(app, world, pending):
    """S2"""
    with app.configured("settings.msg.notify_invalid_tokens = 3"):
        for _ in range(10):
            world.post(token=GUESS)

    assert counted_refusals(app) == [3]


@pytest.mark.parametrize("token", [None, "", "x" * 42, "x" * 44, "é" * 43, "x" * 42 + ";"])
def test_what_is_no_token_is_not_even_counted(app, world, pending, token):
    assert world.post(token=token).status == 401
    assert counted_refusals(app) == []


def test_a_token_expires(app, world, pending):
    """R36"""
    token = world.token(pending.resource_id)
    before = state(world, pending)
    app.clock.advance(minutes=5, seconds=1)

    assert world.post(token=token).status == 401
    assert state(world, pending) == before


def test_a_new_token_makes_the_older_one_worthless(app, world, pending):
    old = world.token(pending.resource_id)
    app.clock.advance(minutes=7)
    world.token(pending.resource_id)

    assert world.post(token=old).status == 401


@pytest.mark.parametrize("path", ["/org/organisation", "/cms/series", "/cms/post/1", "/default/index"])
def test_a_token_works_for_its_own_address_only(world, pending, path):
    before = state(world, pending)

    assert world.post(path, world.token(pending.resource_id)).status == 401
    assert state(world, pending) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_lookup_is_a_post(world, pending, method):
    """R25"""
    before = state(world, pending)

    assert world.post(token=world.token(pending.resource_id), method=method).status == 405
    assert state(world, pending) == before


def test_the_token_as_url_parameter_is_still_accepted(world, pending):
    assert world.post(vars={"subscription": world.token(pending.resource_id)}).status == 200


def test_the_token_is_stored_as_a_hash_and_gone_afterwards(world, pending):
    """R35, S1"""
    token = world.token(pending.resource_id)
    stored = world.row("pr_subscription_resource", pending.resource_id).auth_token
    assert stored and token not in stored

    world.post(token=token)

    assert world.row("pr_subscription_resource", pending.resource_id).auth_token is None
    world.app.clock.advance(minutes=7)
    assert world.token(pending.resource_id) != token


def test_a_lookup_leaves_no_session_and_no_cookie(world, pending):
    """S4, W15"""
    sessions = world.app.folder / "sessions"
    before = sorted(sessions.rglob("*"))

    response = world.post(token=world.token(pending.resource_id))

    assert response.status == 200
    assert not response.cookies
    assert sorted(sessions.rglob("*")) == before


def test_a_forwarded_address_does_not_matter(world, pending):
    """F32: behind a proxy the token decides, neither more nor less."""
    response = world.post(token=world.token(pending.resource_id), **{"remote_addr": "203.0.113.9"})

    assert response.status == 200 and len(world.rows("msg_outbox")) == 1
    world.create(name="More news")
    world.app.clock.advance(minutes=7)
    forwarded = world.post(token=world.token(pending.resource_id), **{"remote_addr": "203.0.113.9", "forwarded": "198.51.100.7"})
    assert forwarded.status == 200 and forwarded.json()["new"] == 1
    assert world.app.request("/cms/post", "POST", vars={"format": "msg"}, json={}, headers={"X-Forwarded-For": "127.0.0.1"}).status == 401


def test_the_body_decides_nothing(app, world, pending):
    """X3, S3: recipient, methods and texts come from the database."""
    ben = app.people["ben"].pe_id
    body = {"pe_id": ben, "method": ["SMS"], "notify_on": ["upd"], "filter_query": "phishing", "page_url": "https://evil.example"}
    token = world.token(pending.resource_id)

    response = app.request("/cms/post", "POST", vars={"format": "msg"}, json=body, headers={"X-S3-Subscription": token})

    assert response.status == 200
    outbox = world.rows("msg_outbox")
    assert [(row.pe_id, row.contact_method) for row in outbox] == [(app.people["anna"].pe_id, "EMAIL")]
    text = world.rows("msg_email")[0].body
    assert "evil.example" not in text and "phishing" not in text


def test_the_lookup_runs_as_the_subscriber(app, world, pending):
    """R5, R7: the controller sees the subscriber's account, so hooks that look at it apply."""
    with app.configured(
        """
def _customise(**attr):
    if not current.auth.user or current.auth.user.email != "anna@cast.example":
        raise HTTP(500, "runs as somebody else")
    return attr
settings.customise_cms_post_controller = _customise
"""
    ):
        assert world.post(token=world.token(pending.resource_id)).status == 200


def test_who_may_not_read_the_page_gets_nothing(app, world):
    """R5, F1: ben subscribes and may not read; the failure is on the row, the watermark does not move."""
    subscribed = world.subscribe("ben")
    app.clock.advance(minutes=1)
    world.create(name="Not for ben")
    before = world.row("pr_subscription_resource", subscribed.resource_id)

    world.tick()

    assert world.mails == [] and world.rows("msg_outbox") == []
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert row.last_position == before.last_position
    assert row.attempts == 1 and "403" in row.last_error
    assert row.retry_at > app.clock.now and row.next_check_time == before.next_check_time


def test_a_table_that_is_closed_is_an_error_and_no_silence(app, world):
    """R5, R9: on screen the list is refused, though its page is open; so is its look-up, and what has changed is not passed over."""
    with app.env() as current:
        current.auth.permission.update_acl("AUTHENTICATED", c="cms", uacl=2)
        current.db.commit()
    subscribed = world.subscribe("ben")
    app.clock.advance(minutes=1)
    world.create(name="Not for ben")
    before = world.row("pr_subscription_resource", subscribed.resource_id)

    world.tick()

    assert app.request("/cms/post.json", auth="ben").status == 403
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert (row.last_position, row.attempts) == (before.last_position, 1) and "403" in row.last_error
    assert world.mails == []


def test_a_role_withdrawn_between_check_and_lookup_counts(app, world, pending):
    """R5"""
    token = world.token(pending.resource_id)
    with app.env() as current:
        current.auth.s3_withdraw_role(app.people["anna"].user_id, "READER")
        current.db.commit()

    assert world.post(token=token).status == 403
    assert world.rows("msg_outbox") == []


def test_content_rules_of_the_controller_apply(app, world, pending):
    """R6: a filter that the controller sets for people without a role."""
    world.create(name="Restricted")
    with app.configured(
        """
def _customise(**attr):
    from s3 import FS
    if not current.auth.s3_has_role("WRITER"):
        current.response.s3.filter = FS("name") != "Restricted"
    return attr
settings.customise_cms_post_controller = _customise
"""
    ):
        world.tick()

    assert "News" in world.text() and "Restricted" not in world.text()


@pytest.mark.parametrize(
    "state",
    [{"registration_key": "disabled"}, {"registration_key": "blocked"}, {"registration_key": "pending"},
     {"registration_key": "verify:0123456789abcdef"}, {"registration_key": "9c3f6b1e-2b1c-4a55-8f0e-0d1c5f7a9b11"}, {"deleted": True}],
    ids=["disabled", "blocked", "pending", "unverified", "verified by the original", "deleted"],
)  # fmt: skip
@pytest.mark.parametrize("when", ["before the token", "after the token"])
def test_an_inactive_account_is_refused(app, world, pending, state, when):
    """S5, F23"""
    token = world.token(pending.resource_id) if when == "after the token" else None
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(**state)
        current.db.commit()

    assert world.post(token=token or world.token(pending.resource_id)).status in (401, 403)
    assert world.rows("msg_outbox") == []


def test_a_group_is_looked_up_anonymously(app, world):
    """R8, R9: a closed table is an error on the row, an open one reaches the members."""
    with app.env() as current:
        current.auth.override = True
        s3db = current.s3db
        group_id = s3db.resource("pr_group").insert(name="Volunteers")
        s3db.resource("pr_group_membership").insert(group_id=group_id, person_id=app.people["anna"].person_id)
        pe_id = current.db(s3db.pr_group.id == group_id).select(s3db.pr_group.pe_id).first().pe_id
        current.db.commit()
    subscribed = world.subscribe(pe_id)
    app.clock.advance(minutes=1)
    world.create(name="For everybody")

    world.tick()
    row = world.row("pr_subscription_resource", subscribed.resource_id)
    assert world.mails == [] and "401" in row.last_error

    with app.env() as current:
        anonymous = current.auth.get_system_roles()["ANONYMOUS"]
        current.auth.permission.update_acl(anonymous, c="cms", uacl=2, oacl=2)
        current.auth.permission.update_acl(anonymous, t="cms_post", uacl=2, oacl=2)
        current.db.commit()
    try:
        app.clock.set(row.retry_at)
        world.tick()
        assert [mail["To"] for mail in world.mails] == ["anna@cast.example"]
    finally:
        with app.env() as current:
            current.auth.permission.delete_acl(anonymous, c="cms")
            current.auth.permission.delete_acl(anonymous, t="cms_post")
            current.db.commit()


def test_everything_is_said_in_the_language_of_the_subscriber(app, world, pending):
    """R28"""
    with app.env() as current:
        current.db(current.db.auth_user.id == app.people["anna"].user_id).update(language="de")
        current.db.commit()
    with app.configured('settings.L10n.languages = {"en": "English", "de": "Deutsch"}'):
        world.tick()

    assert "Filter" not in world.text()
    assert "Update Notification" not in world.text().splitlines()[0]
