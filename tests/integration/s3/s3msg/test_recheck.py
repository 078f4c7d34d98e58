"""What has changed since a message was composed is asked again before it is handed over (spec 03, 6.11 and 9.4), on both databases."""
from __future__ import annotations

from typing import Any

import pytest
from smtp_faults import FaultySMTP

from s3.s3msg import outbox
from s3.s3msg.outbox import SENT, UNSENT, WITHHELD
from s3.s3msg.recheck import find_objections
from s3dal import Field

ANNA = "anna@cast.example"
BEN = "ben@cast.example"

#: states of an account in which it is not active, and what the row says of it
INACTIVE = {
    "deleted": ({"deleted": True}, "was deleted"),
    "pending": ({"registration_key": "pending"}, "waits for approval"),
    "disabled": ({"registration_key": "disabled"}, "is disabled"),
    "blocked": ({"registration_key": "blocked"}, "is blocked"),
    "unverified": ({"registration_key": "verify:0123456789abcdef"}, "is not verified"),
}


@pytest.fixture(params=INACTIVE)
def inactive(request: pytest.FixtureRequest) -> Any:
    return INACTIVE[request.param]


class Notified:
    """A notification in the outbox, as a round leaves it: message, row, ledger."""

    def __init__(self, post: Any, pe_id: int, user_id: int | None) -> None:
        self.post, self.s3db, self.db = post, post.s3db, post.db
        self.subscription_id = self.s3db.pr_subscription.insert(pe_id=pe_id, frequency="immediately")
        self.resource_id = self.s3db.pr_subscription_resource.insert(
            subscription_id=self.subscription_id, resource="cms_post", url="cms/post"
        )
        self.message_id = post.compose(pe_id, dedupe_key=f"notify:{self.resource_id}:0:EMAIL")
        self.ledger_id = self.s3db.pr_subscription_ledger.insert(
            subscription_resource_id=self.resource_id, contact_method="EMAIL", message_id=self.message_id, user_id=user_id
        )
        self.db.commit()

    def change(self, tablename: str, **values: Any) -> None:
        record_id = {"pr_subscription": self.subscription_id, "pr_subscription_resource": self.resource_id}[tablename]
        self.db(self.s3db[tablename].id == record_id).update(**values)
        self.db.commit()


@pytest.fixture
def notified(post: Any) -> Notified:
    """A notification for anna."""
    return Notified(post, post.pe_id("anna"), post.app.people["anna"].user_id)


def close_account(post: Any, name: str, **state: Any) -> None:
    users = post.db.auth_user
    post.db(users.id == post.app.people[name].user_id).update(**state)
    post.db.commit()


# -- the account -------------------------------------------------------------------------------------------------------
def test_who_has_lost_the_account_gets_nothing_and_the_others_do(post: Any, inactive: Any) -> None:
    state, reason = inactive
    post.compose([post.pe_id("anna"), post.pe_id("ben")])
    close_account(post, "anna", **state)

    assert post.run() == "EMAIL: 1 sent, 1 withheld"
    assert post.delivered == [BEN]
    withheld, sent = post.rows()
    assert (withheld.status, sent.status) == (WITHHELD, SENT)
    assert withheld.last_error == f"withheld: the account of the recipient {reason}"


def test_withheld_is_final(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    close_account(post, "anna", registration_key="disabled")
    post.run()
    close_account(post, "anna", registration_key="")
    post.after(days=1)

    assert post.run() == ""
    assert post.delivered == []


def test_administrator_can_send_a_withheld_message_after_all_but_not_past_the_check(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    close_account(post, "anna", registration_key="disabled")
    post.run()

    assert post.current.msg.resend(post.row.id)
    assert post.run() == "EMAIL: 1 withheld"
    close_account(post, "anna", registration_key="")
    assert post.current.msg.resend(post.row.id)
    assert post.run() == "EMAIL: 1 sent"


def test_account_that_is_open_again_gets_what_waited(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    close_account(post, "anna", registration_key="disabled")
    close_account(post, "anna", registration_key="")

    assert post.run() == "EMAIL: 1 sent"


def test_people_without_account_get_theirs(post: Any) -> None:
    post.compose(post.person("one@cast.example").pe_id)

    assert post.run() == "EMAIL: 1 sent"


def test_mail_to_an_address_goes_out(post: Any) -> None:
    post.current.msg.send("desk@cast.example", "Hello", "News")
    post.db.commit()

    assert post.run() == "EMAIL: 1 sent"
    assert post.delivered == ["desk@cast.example"]


def test_link_that_was_deleted_is_none(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.db(post.s3db.pr_person_user.pe_id == post.pe_id("anna")).update(deleted=True)
    close_account(post, "anna", registration_key="disabled")

    assert post.run() == "EMAIL: 1 sent"


def test_the_oldest_account_of_a_person_counts(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.s3db.pr_person_user.insert(pe_id=post.pe_id("anna"), user_id=post.app.people["ben"].user_id)
    close_account(post, "anna", registration_key="disabled")

    assert post.run() == "EMAIL: 1 withheld"


# -- the subscription --------------------------------------------------------------------------------------------------
def test_live_subscription_is_no_objection(post: Any, notified: Notified) -> None:
    assert post.run() == "EMAIL: 1 sent"


@pytest.mark.parametrize(
    ("tablename", "values", "reason"),
    [
        ("pr_subscription", {"deleted": True}, "the subscription was deleted"),
        ("pr_subscription_resource", {"deleted": True}, "the subscription was deleted"),
        ("pr_subscription", {"suspended": True}, "the subscription is suspended"),
        ("pr_subscription", {"frequency": "never"}, "the subscription is switched off"),
    ],
    ids=["deleted", "unsubscribed", "suspended", "never"],
)  # fmt: skip
def test_subscription_that_has_ended_withholds_its_message(post: Any, notified: Notified, tablename: str, values: Any, reason: str) -> None:
    notified.change(tablename, **values)
    post.compose(post.pe_id("ben"))

    assert post.run() == "EMAIL: 1 sent, 1 withheld"
    assert post.delivered == [BEN]
    assert (post.rows()[0].status, post.rows()[0].last_error) == (WITHHELD, f"withheld: {reason}")


def test_subscription_that_was_erased_with_its_ledger_withholds_its_message(post: Any, notified: Notified) -> None:
    post.db(post.s3db.pr_subscription_resource.id == notified.resource_id).delete()
    post.db(post.s3db.pr_subscription_ledger.id > 0).delete()
    post.db.commit()

    assert post.run() == "EMAIL: 1 withheld"
    assert post.row.last_error == "withheld: the subscription was deleted"


def test_subscription_that_is_for_somebody_else_now_withholds_what_was_for_the_first(post: Any, notified: Notified) -> None:
    notified.change("pr_subscription", pe_id=post.pe_id("ben"))

    assert post.run() == "EMAIL: 1 withheld"
    assert post.row.last_error == "withheld: the subscription is now for somebody else"


def test_account_that_was_erased_does_not_look_like_none(post: Any, notified: Notified) -> None:
    """A person without account gets messages, but not what an account was allowed to see."""
    user_id = post.app.people["anna"].user_id
    post.db(post.current.auth.table("auth_membership").user_id == user_id).delete()
    post.db(post.s3db.pr_person_user.user_id == user_id).delete()
    post.db.executesql(f"UPDATE pr_subscription_ledger SET user_id = 4711 WHERE id = {notified.ledger_id}")
    post.db.commit()

    assert post.run() == "EMAIL: 1 withheld"
    assert post.row.last_error == "withheld: the account that the message was made for is gone"


def test_account_that_is_another_persons_now_withholds_its_message(post: Any, notified: Notified) -> None:
    post.db(post.s3db.pr_person_user.pe_id == post.pe_id("anna")).update(pe_id=post.pe_id("ben"))
    post.db.commit()

    assert post.run() == "EMAIL: 1 withheld"
    assert post.row.last_error == "withheld: the subscriber has another account now"


def test_closed_account_withholds_notifications(post: Any, notified: Notified, inactive: Any) -> None:
    state, reason = inactive
    close_account(post, "anna", **state)

    assert post.run() == "EMAIL: 1 withheld"
    assert post.row.last_error.endswith(reason)


def test_messages_of_other_code_need_no_subscription(post: Any) -> None:
    post.compose(post.pe_id("anna"), dedupe_key="case:17")

    assert post.run() == "EMAIL: 1 sent"


# -- the membership ----------------------------------------------------------------------------------------------------
@pytest.fixture
def group(post: Any) -> Any:
    """A group of anna and ben."""
    persons = [post.s3db.pr_person[post.app.people[name].person_id] for name in ("anna", "ben")]
    return post.group(*persons)


def leave(post: Any, group: Any, name: str) -> None:
    table = post.s3db.pr_group_membership
    post.db((table.group_id == group.id) & (table.person_id == post.app.people[name].person_id)).update(deleted=True)
    post.db.commit()


def expand(post: Any) -> None:
    """Let the run find the members, and send them nothing yet."""
    post.mailserver.rcpt.update({ANNA: "451 later", BEN: "451 later"})
    post.run()
    post.mailserver.rcpt.clear()
    post.after(hours=1)


def test_who_has_left_the_group_gets_nothing_any_more(post: Any, group: Any) -> None:
    post.compose(group.pe_id)
    expand(post)
    leave(post, group, "anna")

    assert post.run() == "EMAIL: 1 sent, 1 withheld"
    assert post.delivered == [BEN]
    [row] = [row for row in post.rows() if row.status == WITHHELD]
    assert row.pe_id == post.pe_id("anna") and row.via_pe_id == group.pe_id
    assert row.last_error == "withheld: the recipient is not a member of the group or organization any more"


def test_who_leaves_before_the_group_is_expanded_never_gets_a_row(post: Any, group: Any) -> None:
    post.compose(group.pe_id)
    leave(post, group, "anna")

    assert post.run() == "EMAIL: 1 expanded, 1 sent"
    assert [row.pe_id for row in post.rows()] == [group.pe_id, post.pe_id("ben")]


def test_group_that_was_deleted_has_no_members(post: Any, group: Any) -> None:
    post.compose(group.pe_id)
    expand(post)
    post.db(post.s3db.pr_group.id == group.id).update(deleted=True)
    post.db.commit()

    assert post.run() == "EMAIL: 2 withheld"


def test_member_of_another_group_that_was_written_to_still_gets_it(post: Any, group: Any) -> None:
    other = post.group(post.s3db.pr_person[post.app.people["anna"].person_id])
    post.compose([group.pe_id, other.pe_id])
    expand(post)
    leave(post, group, "anna")

    assert post.run() == "EMAIL: 2 sent"


def test_who_was_written_to_directly_needs_no_membership(post: Any, group: Any) -> None:
    post.compose([group.pe_id, post.pe_id("anna")])
    expand(post)
    leave(post, group, "anna")

    assert post.run() == "EMAIL: 2 sent"


def test_member_without_active_account_gets_nothing(post: Any, group: Any) -> None:
    post.compose(group.pe_id)
    close_account(post, "ben", registration_key="disabled")

    assert post.run() == "EMAIL: 1 expanded, 1 sent, 1 withheld"
    assert post.delivered == [ANNA]


def test_group_whose_subscription_has_ended_is_not_even_expanded(post: Any, group: Any) -> None:
    notified = Notified(post, group.pe_id, None)
    notified.change("pr_subscription", deleted=True)

    assert post.run() == "EMAIL: 1 withheld"
    assert len(post.rows()) == 1


def test_members_of_a_group_whose_subscription_ends_meanwhile_get_nothing(post: Any, group: Any) -> None:
    notified = Notified(post, group.pe_id, None)
    expand(post)
    notified.change("pr_subscription", deleted=True)

    assert post.run() == "EMAIL: 2 withheld"


def test_staff_that_has_left_the_organisation_gets_nothing(post: Any) -> None:
    db = post.db
    db.executesql("CREATE TABLE hrm_human_resource (id integer PRIMARY KEY, organisation_id integer, person_id integer, deleted char(1))")
    db.commit()
    try:
        staff = db.define_table(
            "hrm_human_resource", Field("organisation_id", "integer"), Field("person_id", "integer"),
            Field("deleted", "boolean", default=False), migrate=False,
        )  # fmt: skip
        organisation = post.insert("org_organisation", name="Red Cross")
        for number, name in enumerate(("anna", "ben"), 1):
            staff.insert(id=number, organisation_id=organisation.id, person_id=post.app.people[name].person_id)
        post.compose(organisation.pe_id)
        expand(post)
        db(staff.id == 2).update(deleted=True)
        db.commit()

        assert post.run() == "EMAIL: 1 sent, 1 withheld"
        assert post.delivered == [ANNA]
    finally:
        db.rollback()
        db.executesql("DROP TABLE hrm_human_resource")
        db.commit()


# -- the batch ---------------------------------------------------------------------------------------------------------
def test_number_of_queries_does_not_grow_with_the_batch(post: Any, group: Any) -> None:
    def fill(number: int) -> None:
        for _ in range(number):
            Notified(post, post.pe_id("anna"), post.app.people["anna"].user_id)
            Notified(post, group.pe_id, None)
        expand(post)

    def queries() -> int:
        ids = [row.id for row in post.rows()]
        post.db._timings.clear()
        assert find_objections(ids) == {}
        return len(post.db._timings)

    fill(1)
    few = queries()
    fill(6)

    assert queries() == few <= 7


def test_answer_does_not_grow_old_while_a_slow_batch_is_sent(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves while the mails before are handed over is asked for again."""
    monkeypatch.setattr(outbox, "RECHECK_SECONDS", 0)
    post.compose([post.pe_id("anna"), post.pe_id("ben")])
    send = outbox.OutboxRun._deliver

    def and_ben_is_closed(self: Any, row: Any, message: Any, addresses: list[str]) -> None:
        send(self, row, message, addresses)
        close_account(post, "ben", registration_key="blocked")

    monkeypatch.setattr(outbox.OutboxRun, "_deliver", and_ben_is_closed)

    assert post.run() == "EMAIL: 1 sent, 1 withheld"
    assert post.delivered == [ANNA]


def test_check_that_fails_sends_nothing_and_costs_no_row_anything(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.pe_id("anna"))

    def broken(_ids: Any) -> Any:
        raise OSError("the database is gone")

    monkeypatch.setattr(outbox, "find_objections", broken)
    with pytest.raises(OSError):
        post.run()
    post.db.rollback()

    assert post.delivered == []
    assert (post.row.status, post.row.attempts, post.row.retries) == (UNSENT, 0, 9)


def test_channel_that_is_down_is_no_reason_to_ask(post: Any, mailserver: FaultySMTP, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.pe_id("anna"))
    post.current.deployment_settings.mail.server = "127.0.0.1:1"
    monkeypatch.setattr(outbox, "find_objections", lambda ids: pytest.fail("asked"))

    assert "channel down" in post.run()
