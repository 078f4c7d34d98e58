"""A whole round whose reader is gone before the mail leaves: nothing is handed over, and the row says why."""
from __future__ import annotations

from typing import Any

import pytest

from s3.s3msg.outbox import SENT, WITHHELD


@pytest.fixture
def composed(app, world) -> Any:
    """A round of anna's subscription; its mail waits because there is no mail server."""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="Secret news")
    with app.configured("settings.mail.server = '127.0.0.1:1'"):
        world.tick()
    app.clock.advance(minutes=10)
    assert len(world.rows("msg_outbox")) == 1 and world.mails == []
    return subscribed


def deliver(app: Any) -> str:
    with app.env() as current:
        return str(current.msg.process_outbox("EMAIL"))


def test_the_ledger_knows_as_whom_the_message_was_looked_up(app, world, composed):
    [entry] = world.rows("pr_subscription_ledger")

    assert entry.user_id == app.people["anna"].user_id
    assert deliver(app) == "EMAIL: 1 sent"


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (lambda auth, s3db, anna, ids: auth.disable_user(anna), "the account of the recipient is disabled"),
        (lambda auth, s3db, anna, ids: auth.delete_user(anna), "the account of the recipient was deleted"),
        (lambda auth, s3db, anna, ids: s3db.resource("pr_subscription", id=ids.subscription_id).delete(), "the subscription was deleted"),
        (lambda auth, s3db, anna, ids: s3db.resource("pr_subscription_resource", id=ids.resource_id).delete(),
         "the subscription was deleted"),
    ],
    ids=["disabled", "deleted", "unsubscribed", "one resource less"],
)  # fmt: skip
def test_reader_who_is_gone_gets_nothing(app, world, composed, how, reason):
    with app.env(user="admin") as current:
        how(current.auth, current.s3db, app.people["anna"].user_id, composed)
        current.db.commit()

    assert deliver(app) == "EMAIL: 1 withheld"

    [row] = world.rows("msg_outbox")
    assert (row.status, row.last_error) == (WITHHELD, f"withheld: {reason}")
    assert world.mails == []


def test_withheld_message_stands_in_the_outbox_with_its_reason(app, world, composed):
    with app.env(user="admin") as current:
        current.auth.disable_user(app.people["anna"].user_id)
        current.db.commit()
    deliver(app)

    page = app.request("/msg/outbox", auth="admin")

    assert "Withheld" in page.text and "the account of the recipient is disabled" in page.text


def test_other_readers_are_not_touched(app, world, composed):
    world.subscribe("editor")
    app.clock.advance(minutes=10)
    world.create(name="More news")
    with app.env() as current:
        current.auth.disable_user(app.people["anna"].user_id)
        current.db.commit()

    world.tick()

    assert {(row.pe_id, row.status) for row in world.rows("msg_outbox")} == {
        (app.people["anna"].pe_id, WITHHELD), (app.people["editor"].pe_id, SENT),
    }  # fmt: skip
