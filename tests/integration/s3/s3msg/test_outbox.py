"""What the outbox guarantees (spec 03, 6.9 and 9.4), on both databases, against a mail server that fails on demand."""
from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from gluon import current
from harness import App
from smtp_faults import HANG_UP, TAKE_AND_HANG_UP, FaultySMTP

from s3.s3msg.email import EmailChannel
from s3.s3msg.outbox import FAILED, INVALID_ROW, SENDING, SENT, UNSENT, OutboxRun
from s3dal import Field

ANNA = "anna@cast.example"
BEN = "ben@cast.example"


class Killed(BaseException):
    """The process dies here."""


# -- who gets it -------------------------------------------------------------------------------------------------------
def test_mail_to_two_persons_reaches_both(post: Any) -> None:
    post.compose([post.pe_id("anna"), post.pe_id("ben")])

    assert post.run() == "EMAIL: 2 sent"
    assert sorted(post.delivered) == [ANNA, BEN]
    assert [(row.status, row.sent_to) for row in post.rows()] == [(SENT, ANNA), (SENT, BEN)]


def test_mail_to_a_group_reaches_its_members(post: Any) -> None:
    group = post.group(post.person("one@cast.example"), post.person("two@cast.example"))
    post.compose(group.pe_id)

    assert post.run() == "EMAIL: 1 expanded, 2 sent"
    assert sorted(post.delivered) == ["one@cast.example", "two@cast.example"]
    original, *expanded = post.rows()
    assert (original.status, original.sent_to) == (SENT, "2 recipients")
    assert [row.system_generated for row in expanded] == [True, True]


@pytest.fixture
def staff(post: Any) -> Any:
    """The staff table of the module hrm, which is not part of this application."""
    db = post.db
    db.executesql("CREATE TABLE hrm_human_resource (id integer PRIMARY KEY, organisation_id integer, person_id integer, deleted char(1))")
    db.commit()
    db.define_table(
        "hrm_human_resource",
        Field("organisation_id", "integer"),
        Field("person_id", "integer"),
        Field("deleted", "boolean", default=False),
        migrate=False,
    )
    yield db.hrm_human_resource
    db.rollback()
    db.executesql("DROP TABLE hrm_human_resource")
    db.commit()


def test_mail_to_an_organisation_reaches_its_staff(post: Any, staff: Any) -> None:
    organisation = post.insert("org_organisation", name="Red Cross")
    for number, address in enumerate(("one@cast.example", "two@cast.example"), 1):
        staff.insert(id=number, organisation_id=organisation.id, person_id=post.person(address).id)
    post.compose(organisation.pe_id)

    post.run()

    assert sorted(post.delivered) == ["one@cast.example", "two@cast.example"]


def test_organisation_without_the_staff_module_is_invalid(post: Any) -> None:
    organisation = post.insert("org_organisation", name="Red Cross")
    post.compose([organisation.pe_id, post.pe_id("anna")])

    post.run()

    assert [row.status for row in post.rows()] == [INVALID_ROW, SENT]
    assert "org_organisation" in post.rows()[0].last_error
    assert post.delivered == [ANNA]


def test_row_without_recipient_is_invalid_and_the_others_are_sent(post: Any) -> None:
    message_id = post.compose(post.pe_id("anna"))
    post.s3db.msg_outbox.insert(message_id=message_id, pe_id=None)

    post.run()

    assert [(row.status, row.last_error) for row in post.rows()] == [(SENT, None), (INVALID_ROW, "no recipient")]


def test_membership_without_person_costs_only_itself(post: Any) -> None:
    post.compose(post.group(post.person("one@cast.example"), None).pe_id)

    post.run()

    assert post.delivered == ["one@cast.example"]


def test_one_refused_recipient_of_an_organisation_does_not_stop_the_others(post: Any, staff: Any) -> None:
    organisation = post.insert("org_organisation", name="Red Cross")
    for number, address in enumerate(("bad@cast.example", "good@cast.example"), 1):
        staff.insert(id=number, organisation_id=organisation.id, person_id=post.person(address).id)
    post.mailserver.rcpt["bad@cast.example"] = "550 no such user"
    post.compose(organisation.pe_id)

    assert post.run() == "EMAIL: 1 expanded, 1 failed, 1 sent"
    assert post.delivered == ["good@cast.example"]


def test_one_recipient_of_a_group_that_raises_does_not_stop_the_others(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = post.person("bad@cast.example")
    post.compose(post.group(bad, post.person("good@cast.example")).pe_id)
    process = OutboxRun._process

    def broken(self: OutboxRun, row: Any) -> None:
        if row.pe_id == bad.pe_id:
            raise ZeroDivisionError("no way")
        process(self, row)

    monkeypatch.setattr(OutboxRun, "_process", broken)

    assert post.run() == "EMAIL: 1 expanded, 1 postponed, 1 sent"
    assert post.delivered == ["good@cast.example"]
    assert post.rows()[1].last_error == "ZeroDivisionError: no way"


@pytest.mark.parametrize("retries", [0, 2])
def test_row_is_unsent_before_each_of_its_attempts_and_failed_after_them(post: Any, retries: int) -> None:
    post.current.deployment_settings.msg.max_send_retries = retries
    post.mailserver.rcpt[ANNA] = "450 later"
    post.compose(post.pe_id("anna"))

    states = []
    for _ in range(retries + 1):
        states.append(post.row.status)
        post.run(force=True)

    assert states == [UNSENT] * (retries + 1)
    assert (post.row.status, post.row.attempts) == (FAILED, retries + 1)


def test_deleted_person_and_deleted_membership_get_nothing(post: Any) -> None:
    left, died, stays = (post.person(f"{name}@cast.example") for name in ("left", "died", "stays"))
    group = post.group(left, died, stays)
    memberships = post.s3db.pr_group_membership
    post.db(memberships.person_id == left.id).update(deleted=True)
    post.db(post.s3db.pr_person.id == died.id).update(deleted=True)
    post.compose(group.pe_id)

    post.run()

    assert post.delivered == ["stays@cast.example"]


def test_group_without_members_is_sent_to_nobody_and_says_so(post: Any) -> None:
    post.compose(post.group().pe_id)

    post.run()

    assert (post.row.status, post.row.sent_to) == (SENT, "0 recipients")


def test_person_in_two_groups_and_addressed_directly_gets_one_copy(post: Any) -> None:
    person = post.person("one@cast.example")
    post.compose([post.group(person).pe_id, post.group(person, post.person("two@cast.example")).pe_id, person.pe_id])

    post.run()

    assert sorted(post.delivered) == ["one@cast.example", "two@cast.example"]


def test_entity_that_is_gone_is_invalid(post: Any) -> None:
    person = post.person("one@cast.example")
    post.compose(person.pe_id)
    post.db(post.s3db.pr_pentity.pe_id == person.pe_id).update(deleted=True)

    post.run()

    assert (post.row.status, post.row.last_error) == (INVALID_ROW, "the recipient is gone")


def test_entity_that_is_not_a_recipient_is_invalid(post: Any) -> None:
    office = post.insert("org_office", name="Headquarters")
    post.compose(office.pe_id)

    post.run()

    assert (post.row.status, post.row.last_error) == (INVALID_ROW, "recipients of type org_office cannot be reached")


def test_message_that_was_deleted_is_not_sent(post: Any) -> None:
    message_id = post.compose(post.pe_id("anna"))
    post.db(post.s3db.msg_message.message_id == message_id).update(deleted=True)

    post.run()

    assert (post.row.status, post.row.last_error) == (INVALID_ROW, "the message is gone")
    assert post.delivered == []


# -- addresses ---------------------------------------------------------------------------------------------------------
def test_person_without_a_contact_is_invalid_until_there_is_one(post: Any) -> None:
    person = post.person()
    post.compose(person.pe_id)
    post.run()
    row = post.row
    post.contact(person.pe_id, "late@cast.example")

    resent = post.current.msg.resend(row.id)
    post.run()

    assert (row.status, row.last_error, row.retries) == (INVALID_ROW, "no EMAIL contact", 9)
    assert resent
    assert (post.row.status, post.row.sent_to) == (SENT, "late@cast.example")


def test_next_contact_is_tried_when_one_is_refused_for_good(post: Any) -> None:
    person = post.person("old@cast.example", "no address", "new@cast.example")
    post.mailserver.rcpt["old@cast.example"] = "550 no such user"
    post.compose(person.pe_id)

    post.run()

    assert (post.row.status, post.row.sent_to) == (SENT, "new@cast.example")


def test_contact_that_is_only_busy_is_waited_for(post: Any) -> None:
    person = post.person("busy@cast.example", "other@cast.example")
    post.mailserver.rcpt["busy@cast.example"] = "450 later"
    post.compose(person.pe_id)

    post.run()

    assert post.row.status == UNSENT
    assert post.delivered == []


def test_address_goes_before_the_contacts(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.row.update_record(address="elsewhere@cast.example")

    post.run()

    assert post.delivered == ["elsewhere@cast.example"]


def test_address_needs_no_recipient(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.row.update_record(address="elsewhere@cast.example", pe_id=None)

    post.run()

    assert post.row.status == SENT


def test_malformed_address_is_invalid_without_asking_the_server(post: Any) -> None:
    post.compose(post.person("not an address").pe_id)

    post.run()

    assert (post.row.status, post.row.last_error) == (INVALID_ROW, "'not an address' is not an e-mail address")


def test_contact_that_changed_after_compose_is_the_one_that_counts(post: Any) -> None:
    person = post.person("old@cast.example")
    post.compose(person.pe_id)
    post.db(post.s3db.pr_contact.pe_id == person.pe_id).update(value="new@cast.example")

    post.run()

    assert post.delivered == ["new@cast.example"]


# -- failures ----------------------------------------------------------------------------------------------------------
def test_server_that_is_down_for_a_day_costs_no_retries(post: Any) -> None:
    post.compose([post.pe_id("anna"), post.pe_id("ben")])
    post.mailserver.stop()

    summaries = []
    for _ in range(24):
        summaries.append(post.run())
        post.after(hours=1)
    waiting = [(row.status, row.retries, row.attempts) for row in post.rows()]
    post.mailserver.start()
    post.run()

    assert all(summary.startswith("EMAIL: channel down: mail server 127.0.0.1:") for summary in summaries)
    assert waiting == [(UNSENT, 9, 0), (UNSENT, 9, 0)]
    assert sorted(post.delivered) == [ANNA, BEN]


def test_server_that_is_down_is_left_alone_for_a_while(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.mailserver.stop()

    first, at_once = post.run(), post.run()
    post.after(seconds=15)
    later = post.run()

    assert (bool(first), at_once, bool(later)) == (True, "", True)


def test_channel_that_is_down_is_noted_until_something_gets_through(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.mailserver.stop()
    table = post.s3db.msg_channel_state

    post.run()
    down = post.db(table).select().first()
    down_since = down.down_since
    post.mailserver.start()
    post.after(minutes=1)
    post.run()
    up = post.db(table).select().first()

    assert (down.contact_method, down_since, down.failures) == ("EMAIL", dt.datetime(2026, 3, 2, 6, 0, 0), 1)
    assert (up.down_since, up.failures, up.last_error) == (None, 0, None)


def test_greylisted_mail_is_sent_after_1_and_5_minutes(post: Any) -> None:
    post.mailserver.data = ["451 greylisted", "451 greylisted"]
    post.compose(post.pe_id("anna"))

    post.run()
    post.after(seconds=59)
    too_early = post.run()
    post.after(seconds=1)
    post.run()
    post.after(minutes=4, seconds=59)
    still_too_early = post.run()
    post.after(seconds=1)
    post.run()

    assert (too_early, still_too_early) == ("", "")
    assert (post.row.status, post.row.attempts, post.row.retries) == (SENT, 3, 7)


def test_recipient_refused_for_good_is_not_tried_again(post: Any) -> None:
    post.mailserver.rcpt[ANNA] = "550 5.1.1 no such user"
    post.compose(post.pe_id("anna"))

    post.run()

    assert (post.row.status, post.row.last_error, post.row.attempts) == (FAILED, "550 5.1.1 no such user", 1)


def test_content_refused_for_good_is_not_tried_again(post: Any) -> None:
    post.mailserver.data = ["554 spam"]
    post.compose(post.pe_id("anna"))

    post.run()

    assert (post.row.status, post.row.last_error) == (FAILED, "554 spam")


def test_row_without_limit_of_retries_is_tried_for_ever(post: Any) -> None:
    post.current.deployment_settings.msg.max_send_retries = None
    post.mailserver.rcpt[ANNA] = "450 later"
    post.compose([post.pe_id("anna"), post.pe_id("ben")])

    for _ in range(12):
        post.run(force=True)

    assert [(row.status, row.attempts) for row in post.rows()] == [(UNSENT, 12), (SENT, 1)]
    assert post.rows()[0].next_attempt_at == post.clock() + dt.timedelta(days=1)


def test_busy_composing_burns_no_retries(post: Any) -> None:
    post.mailserver.rcpt[ANNA] = "450 later"

    for _ in range(5):
        post.compose(post.pe_id("anna"))
        post.run()

    assert [row.retries for row in post.rows()] == [8] * 5


@pytest.mark.parametrize(("name", "value"), [("server", "nowhere"), ("sender", "nobody")])
def test_wrong_setting_waits_for_a_right_one(post: Any, name: str, value: str) -> None:
    post.current.deployment_settings.mail[name] = value
    post.compose(post.pe_id("anna"))

    summary = post.run()

    assert summary.startswith("EMAIL: channel down: ")
    assert f"mail.{name}" in summary
    assert (post.row.status, post.row.retries) == (UNSENT, 9)


def test_missing_sender_waits_for_the_settings(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    settings = post.current.deployment_settings
    settings.mail.sender, sender = None, settings.mail.sender

    summary = post.run()
    settings.mail.sender = sender
    post.run()

    assert summary == "EMAIL: channel down: no sender is configured (mail.sender)"
    assert (post.row.status, post.row.retries) == (SENT, 9)


def test_server_that_answers_nobody_ends_the_run(post: Any) -> None:
    post.mailserver.delay = 2
    post.compose([post.person(f"user{number}@cast.example").pe_id for number in range(5)])

    post.run()

    # three have been tried, the others do not pay for it
    assert [row.attempts for row in post.rows()] == [1, 1, 1, 0, 0]


def test_server_that_hangs_up_during_a_mail_gets_it_again(post: Any) -> None:
    post.mailserver.data = [HANG_UP]
    post.compose([post.pe_id("anna"), post.pe_id("ben")])

    post.run()
    after_first = [row.status for row in post.rows()]
    post.after(minutes=1)
    post.run()

    assert after_first == [UNSENT, SENT]
    assert sorted(post.delivered) == [ANNA, BEN]


def test_mail_whose_acceptance_was_not_heard_is_repeated_with_the_same_id(post: Any) -> None:
    post.mailserver.data = [TAKE_AND_HANG_UP]
    post.compose(post.pe_id("anna"))

    post.run()
    post.after(minutes=1)
    post.run()

    first, second = post.mailserver.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert post.row.status == SENT


def test_limit_postpones_to_when_the_window_frees(post: Any) -> None:
    post.current.deployment_settings.mail.limit = 2
    post.compose(post.pe_id("anna"))
    post.run()
    post.after(hours=1)
    post.compose([post.person(f"user{number}@cast.example").pe_id for number in range(3)])

    summary = post.run()
    over = [row for row in post.rows() if row.status == UNSENT]
    # the first of today leaves the window after 24 hours, the second an hour later
    post.after(hours=23)
    post.run()
    post.after(hours=1)
    post.run()

    assert summary == "EMAIL: 2 postponed, 1 sent"
    assert [(row.attempts, row.retries, row.next_attempt_at) for row in over] == [(0, 9, dt.datetime(2026, 3, 3, 6, 0, 0))] * 2
    assert [row.status for row in post.rows()] == [SENT] * 4


# -- dying and living on -----------------------------------------------------------------------------------------------
def die_in(post: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Run the outbox and let the process die when it calls this method."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(OutboxRun, name, die)
        with pytest.raises(Killed):
            post.run()
    # what the database does with the transaction of a dead process
    post.db.rollback()


def test_death_before_sending_costs_ten_minutes_and_nothing_else(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.pe_id("anna"))

    die_in(post, monkeypatch, "_process")
    claimed = post.row.status
    post.after(minutes=9)
    too_early = post.run()
    post.after(minutes=1, seconds=1)
    post.run()

    assert (claimed, too_early) == (SENDING, "")
    assert post.delivered == [ANNA]
    assert post.row.status == SENT


def test_death_between_acceptance_and_commit_sends_the_same_message_id_again(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.pe_id("anna"))

    die_in(post, monkeypatch, "_finish")
    post.after(minutes=10, seconds=1)
    post.run()

    first, second = post.mailserver.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert (post.row.status, post.row.attempts, post.row.ambiguous) == (SENT, 2, 1)


def test_message_that_kills_every_run_ends(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.current.deployment_settings.msg.max_send_retries = 1
    post.compose(post.pe_id("anna"))

    for _ in range(2):
        die_in(post, monkeypatch, "_process")
        post.after(minutes=11)
    post.run()

    assert (post.row.status, post.row.last_error) == (FAILED, "ambiguous: the run that sent it did not finish")


def test_death_during_expansion_changes_nothing(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.group(post.person("one@cast.example"), post.person("two@cast.example")).pe_id)
    inserted: list[Any] = []

    def die_at_the_second(values: Any) -> None:
        inserted.append(values)
        if len(inserted) == 2:
            raise Killed

    hooks = post.s3db.msg_outbox._before_insert
    hooks.append(die_at_the_second)
    with pytest.raises(Killed):
        post.run()
    post.db.rollback()
    hooks.remove(die_at_the_second)
    left = len(post.rows())
    post.after(minutes=11)
    post.run()

    assert left == 1
    assert sorted(post.delivered) == ["one@cast.example", "two@cast.example"]


def test_late_run_cannot_finish_what_another_has_taken_over(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    late, quick = (OutboxRun("EMAIL", _NoChannel()) for _ in range(2))
    row = late._claim(post.row.id)
    post.after(minutes=11)
    quick._return_expired_claims()
    quick._claim(row.id)

    late._finish(row, "failed", status=FAILED)

    assert post.row.status == SENDING
    assert (post.row.claim_owner, late.counts) == (quick.owner, {})


def test_claim_goes_to_one_of_several(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    runs = [OutboxRun("EMAIL", _NoChannel()) for _ in range(5)]

    claimed = [run._claim(post.row.id) is not None for run in runs]

    assert claimed == [True, False, False, False, False]


def test_failing_database_is_asked_again_before_a_sent_mail_is_forgotten(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post.compose(post.pe_id("anna"))
    commit, calls = post.db.commit, []

    def fail_after_the_claim() -> None:
        calls.append(None)
        if len(calls) in (2, 3):
            raise OSError("connection to the database lost")
        commit()

    monkeypatch.setattr(post.db, "commit", fail_after_the_claim)
    post.run()

    assert post.delivered == [ANNA]
    assert post.row.status == SENT


class _NoChannel:
    max_ambiguous = 9


# -- accepted, but not written -----------------------------------------------------------------------------------------
def refuse(post: Any, status: int, times: int | None = None) -> Any:
    """Let the database refuse this state of a row, for so many times or until the returned hook is removed."""
    refused: list[Any] = []

    def hook(_: Any, values: Any) -> None:
        if values.get("status") == status and (times is None or len(refused) < times):
            refused.append(values)
            raise OSError("connection to the database lost")

    post.s3db.msg_outbox._before_update.append(hook)
    return hook


def run_for_a_day(post: Any, contact_method: str = "EMAIL") -> None:
    for _ in range(24):
        post.run(contact_method)
        post.after(hours=1, minutes=1)


def test_mail_that_cannot_be_counted_is_sent_all_the_same_and_once(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise OSError("connection to the database lost")

    monkeypatch.setattr(EmailChannel, "after_send", fail)
    post.compose(post.pe_id("anna"))

    run_for_a_day(post)

    assert post.delivered == [ANNA]
    assert (post.row.status, post.row.sent_on, post.row.ambiguous) == (SENT, dt.datetime(2026, 3, 2, 6, 0, 0), 0)


def test_mail_that_cannot_be_written_as_sent_stays_claimed_and_ends_the_run(post: Any) -> None:
    post.compose([post.pe_id("anna"), post.pe_id("ben")])
    refuse(post, SENT)

    summary = post.run()
    at_once = post.run()

    # the run that could not write one does not go on to send more of them; the next one may try with another
    assert (summary, at_once) == ("EMAIL: 1 unknown", "EMAIL: 1 unknown")
    assert [(row.status, row.attempts) for row in post.rows()] == [(SENDING, 0), (SENDING, 0)]
    assert sorted(post.delivered) == [ANNA, BEN]


def test_mail_that_cannot_be_written_as_sent_is_repeated_with_the_same_id_when_its_claim_ends(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    hook = refuse(post, SENT)
    post.run()
    post.s3db.msg_outbox._before_update.remove(hook)

    run_for_a_day(post)

    first, second = post.mailserver.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert (post.row.status, post.row.ambiguous) == (SENT, 1)


@pytest.mark.parametrize("retries", [9, None])
def test_mail_that_can_never_be_written_as_sent_ends_with_the_reason(post: Any, retries: int | None) -> None:
    post.current.deployment_settings.msg.max_send_retries = retries
    post.compose(post.pe_id("anna"))
    refuse(post, SENT)

    run_for_a_day(post)

    # the first, and nine repetitions
    assert len(post.delivered) == 10
    assert len({mail["Message-ID"] for mail in post.mailserver.messages}) == 1
    assert post.row.status == FAILED
    assert post.row.last_error.startswith("may have arrived 10 times: ")


def test_mail_that_may_have_arrived_counts_as_such_although_that_was_hard_to_write(post: Any) -> None:
    post.mailserver.data = [TAKE_AND_HANG_UP]
    post.compose(post.pe_id("anna"))
    refuse(post, UNSENT, times=3)

    post.run()

    assert (post.row.status, post.row.ambiguous) == (UNSENT, 1)


def test_mails_that_cannot_be_made_do_not_close_the_channel(post: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = [post.compose(post.pe_id("anna")) for _ in range(4)]
    post.compose(post.pe_id("ben"))

    def find(message_id: int) -> list[Any]:
        if message_id in bad:
            raise ZeroDivisionError("no way")
        return []

    monkeypatch.setattr("s3.s3msg.email.find_attachments", find)

    assert post.run() == "EMAIL: 4 postponed, 1 sent"
    assert post.delivered == [BEN]


def test_channel_counts_as_up_although_the_mail_was_written_at_the_second_attempt(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    post.mailserver.stop()
    post.run()
    post.mailserver.start()
    post.after(minutes=1)
    after_update = post.s3db.msg_channel_state._after_update
    failures = [OSError("connection to the database lost")]

    def fail_once(*_: Any) -> None:
        if failures:
            raise failures.pop()

    after_update.append(fail_once)
    post.run()

    state = post.db(post.s3db.msg_channel_state).select().first()
    assert (post.row.status, failures) == (SENT, [])
    assert (state.down_since, state.failures) == (None, 0)


# -- many at once ------------------------------------------------------------------------------------------------------
def test_parallel_runs_send_every_mail_once(app: App, post: Any, mailserver: FaultySMTP) -> None:
    number, threads = (200, 8) if app.kind == "postgresql" else (40, 4)
    addresses = [f"user{index}@cast.example" for index in range(number)]
    post.compose([post.person(address).pe_id for address in addresses])
    errors: list[BaseException] = []

    def work() -> None:
        try:
            with app.env() as mine:
                mine.deployment_settings.mail.server = f"127.0.0.1:{mailserver.port}"
                while mine.msg.process_outbox("EMAIL"):
                    pass
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert errors == []
    assert sorted(post.delivered) == sorted(addresses)
    post.db.rollback()
    assert {row.status for row in post.rows()} == {SENT}


def test_run_takes_one_batch_and_asks_for_the_next(post: Any) -> None:
    post.current.deployment_settings.msg.outbox_batch = 2
    st = post.current.s3task.scheduler.db.scheduler_task
    periodic = (st.function_name == "msg_process_outbox") & (st.args == '["EMAIL"]') & (st.repeats == 0)
    later = post.clock() + dt.timedelta(seconds=50)
    post.db(periodic).update(next_run_time=later, status="QUEUED", enabled=True)
    post.compose([post.person(f"user{number}@cast.example").pe_id for number in range(3)])

    first = post.run()
    woken = post.db(periodic).select().first().next_run_time
    second = post.run()

    assert (first, second) == ("EMAIL: 2 sent", "EMAIL: 1 sent")
    assert woken == post.clock()


def test_batch_goes_over_one_connection(post: Any) -> None:
    post.compose([post.person(f"user{number}@cast.example").pe_id for number in range(5)])

    post.run()

    assert (len(post.delivered), post.mailserver.connections) == (5, 1)


def test_nothing_due_opens_no_connection_and_leaves_no_transaction(post: Any) -> None:
    assert post.run() == ""
    assert post.mailserver.connections == 0
    if post.app.kind == "postgresql":
        from psycopg2.extensions import TRANSACTION_STATUS_IDLE

        assert post.db._adapter.connection.get_transaction_status() == TRANSACTION_STATUS_IDLE


def test_only_persons_touch_no_group_table(post: Any) -> None:
    post.compose(post.pe_id("anna"))
    statements: list[str] = []
    execute = post.db._adapter.execute

    def remember(*arguments: Any, **options: Any) -> Any:
        statements.append(arguments[0])
        return execute(*arguments, **options)

    post.db._adapter.execute = remember
    try:
        post.run()
    finally:
        post.db._adapter.execute = execute

    assert statements
    assert not [statement for statement in statements if "pr_group" in statement]


def test_outbox_is_of_the_current_request(post: Any) -> None:
    assert OutboxRun("EMAIL", _NoChannel()).db is current.db
