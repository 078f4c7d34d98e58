"""The outbox: one row per message and recipient, from unsent to its final state.

Before: ``S3Msg.send_by_pe_id`` inserts the rows. After: the channel of the contact method (email.py, sms.py).

Right before a message is handed over, recheck.py says whether its recipient may still get it; otherwise it is withheld.

Any number of runs may work on it at the same time. A row is claimed by one conditional update, committed, sent, and
finished by an update that only its claimer can make. A run that dies, or cannot write that a message was accepted,
leaves a claim that ends; what it may have sent is then sent once more, with the same Message-ID. How often that may
happen to a row is limited by its channel (``max_ambiguous``).
"""
from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from gluon import current

from s3.s3datetime import utcnow
from s3.s3msg.contacts import find_addresses, find_instance_type
from s3.s3msg.expansion import find_members, is_expandable
from s3.s3msg.failure import CHANNEL_DOWN, INVALID, PERMANENT, DeliveryFailure, channel_down, one_line, temporary
from s3.s3msg.recheck import find_objections
from s3cfg import to_translate
from s3dal import Query, Row, Table

__all__ = ("Channel", "OutboxRun", "STATUS", "recipient_key", "retry_delay")

UNSENT = 1
SENT = 2
DRAFT = 3
INVALID_ROW = 4
FAILED = 5
SENDING = 6
WITHHELD = 7

#: status -> label, for the table
STATUS = to_translate({
    UNSENT: "Unsent", SENT: "Sent", DRAFT: "Draft", INVALID_ROW: "Invalid", FAILED: "Failed", SENDING: "Sending", WITHHELD: "Withheld",
})  # fmt: skip

#: How long a row belongs to the run that claimed it; far longer than one hand-over can take
CLAIM_MINUTES = 10
#: Minutes until the next attempt, after the first, second, ... failure; the last one repeats
RETRY_MINUTES = (1, 5, 15, 60, 3 * 60, 6 * 60, 12 * 60, 24 * 60, 24 * 60)
#: Seconds that a channel is left alone after it was found down for the first, second, ... time in a row
BACK_OFF_SECONDS = (15, 60, 120, 300)
#: A run takes no more rows after this time, so that it ends before the time-out of its task
RUN_SECONDS = 200
#: Recipients in a row that get no answer in time before the channel counts as down
MAX_SILENT = 3
#: How old the answer may be whether recipients may still get their messages
RECHECK_SECONDS = 5
#: How often a final state is written before a failing database is given up
WRITE_ATTEMPTS = 3


class Channel(Protocol):
    """Hands messages of one contact method over to the outside."""

    #: a hand-over with an unknown end may be repeated this often
    max_ambiguous: int

    def open(self) -> None:
        """Find out whether anything can be sent now. Raises DeliveryFailure (channel down)."""

    def free_at(self, now: dt.datetime) -> dt.datetime | None:
        """When the sending limit allows the next message; None is now."""

    def send(self, row: Row, message: Row, address: str) -> str | None:
        """Hand one message over to one address. Returns the id the provider gave it. Raises DeliveryFailure."""

    def after_send(self) -> None:
        """Write what the channel keeps count of; in the transaction of the final state."""

    def close(self) -> None:
        """Let go of all connections."""


def retry_delay(attempts: int) -> dt.timedelta:
    """Time until the next attempt after so many failed ones."""
    return dt.timedelta(minutes=RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1])


def recipient_key(message_id: int, pe_id: int | None, contact_method: str) -> str | None:
    """Unique key of a row: an entity gets a message once per contact method, directly or as a member of something."""
    return f"{message_id}:{pe_id}:{contact_method}" if pe_id else None


# -- decisions ---------------------------------------------------------------------------------------------------------
def after_failure(row: Row, failure: DeliveryFailure, now: dt.datetime, max_ambiguous: int) -> dict[str, Any]:
    """The new state of a row that was not delivered."""
    if failure.kind == CHANNEL_DOWN:
        return {"status": UNSENT, "last_error": str(failure)}
    attempts = (row.attempts or 0) + 1
    state: dict[str, Any] = {"attempts": attempts, "last_error": str(failure)}
    if failure.kind == INVALID:
        return {**state, "status": INVALID_ROW}
    if failure.kind == PERMANENT:
        return {**state, "status": FAILED}
    if failure.ambiguous:
        state["ambiguous"] = (row.ambiguous or 0) + 1
        if state["ambiguous"] > max_ambiguous:
            return {**state, "status": FAILED, "last_error": one_line(f"may have arrived {state['ambiguous']} times: {failure}")}
    if row.retries is None:
        return {**state, "status": UNSENT, "next_attempt_at": now + retry_delay(attempts)}
    if row.retries <= 0:
        return {**state, "status": FAILED}
    return {**state, "status": UNSENT, "retries": row.retries - 1, "next_attempt_at": now + retry_delay(attempts)}


# -- one run -----------------------------------------------------------------------------------------------------------
class OutboxRun:
    """One pass over the due rows of one contact method. Commits after every row."""

    def __init__(self, contact_method: str, channel: Channel, force: bool = False) -> None:
        """
        Args:
            force: also take rows and channels whose next attempt is not due yet
        """
        self.contact_method = contact_method
        self.channel = channel
        self.force = force
        self.db = current.db
        self.table: Table = current.s3db.msg_outbox
        self.owner = f"{socket.gethostname()}#{os.getpid()}#{secrets.token_hex(4)}"
        self.counts: Counter[str] = Counter()
        self.down: DeliveryFailure | None = None
        self._silent = 0
        self._may_have_arrived = False
        self._seen: set[int] = set()
        self._objections: dict[int, str] = {}
        self._is_open = False
        self._is_stopped = False
        self._state: Row | None = None

    def __call__(self) -> str:
        """Deliver what is due. Returns the counters as a text; empty if nothing was due.

        A row can end the run only for its channel (channel down, sending limit), never by an error of its own.
        """
        started = time.monotonic()
        try:
            self._return_expired_claims()
            batch = current.deployment_settings.get_msg_outbox_batch()
            while not self._is_stopped and len(self._seen) < batch and time.monotonic() - started < RUN_SECONDS:
                due = self._find_due(batch - len(self._seen))
                if not due:
                    break
                self._work_on(due, started)
            self._continue_if_more_is_due()
        finally:
            self.channel.close()
        self.db.commit()  # ends the reading transaction of an idle run, too: nothing may stay open between two runs
        return self.summary()

    def summary(self) -> str:
        counted = ", ".join(f"{number} {name}" for name, number in sorted(self.counts.items()) if number)
        parts = [counted] if counted else []
        if self.down is not None:
            parts.append(f"{self.down.kind}: {self.down}")
        return f"{self.contact_method}: {'; '.join(parts)}" if parts else ""

    def _work_on(self, row_ids: list[int], started: float) -> None:
        asked: float | None = None
        for position, row_id in enumerate(row_ids):
            if self._is_stopped or time.monotonic() - started >= RUN_SECONDS or not self._is_ready():
                return
            if asked is None or time.monotonic() - asked >= RECHECK_SECONDS:
                asked = time.monotonic()
                self._objections = find_objections(row_ids[position:])
            self._seen.add(row_id)
            row = self._claim(row_id)
            if row is None:
                continue
            self._may_have_arrived = False
            try:
                self._process(row)
            except Exception as exc:  # the boundary of one row: whatever is wrong with it, the others go on
                current.log.exception(f"Outbox row {row.id} failed")
                self.db.rollback()
                self._fail(row, temporary(f"{type(exc).__name__}: {exc}", ambiguous=self._may_have_arrived))

    def _process(self, row: Row) -> None:
        objection = self._objections.get(row.id)
        if objection:
            self._finish(row, "withheld", status=WITHHELD, last_error=objection)
            return
        message = find_message(row.message_id)
        if message is None:
            self._finish(row, "invalid", status=INVALID_ROW, last_error="the message is gone")
            return
        if row.address:
            self._deliver(row, message, [row.address])
            return
        instance_type = find_instance_type(row.pe_id)
        if instance_type is None:
            self._finish(row, "invalid", status=INVALID_ROW, last_error="the recipient is gone" if row.pe_id else "no recipient")
        elif instance_type == "pr_person":
            self._deliver(row, message, find_addresses(row.pe_id, self.contact_method))
        elif is_expandable(instance_type):
            self._expand(row, instance_type)
        else:
            self._finish(row, "invalid", status=INVALID_ROW, last_error=f"recipients of type {instance_type} cannot be reached")

    def _deliver(self, row: Row, message: Row, addresses: list[str]) -> None:
        """Try the addresses in their order until one is not refused for good."""
        if not addresses:
            self._finish(row, "invalid", status=INVALID_ROW, last_error=f"no {self.contact_method} contact")
            return
        worst: DeliveryFailure | None = None
        for address in addresses:
            # an unexpected error does not say whether it came before or after the acceptance
            self._may_have_arrived = True
            try:
                external_id = self.channel.send(row, message, address)
            except DeliveryFailure as failure:
                self._may_have_arrived = failure.ambiguous
                if failure.kind not in (INVALID, PERMANENT):
                    self._fail(row, failure)
                    self._count_silence(failure)
                    return
                # a refusal by the server says more than an address that cannot be one
                worst = failure if worst is None or failure.kind == PERMANENT else worst
                continue
            self._silent = 0
            self._note_sent(row, address, external_id)
            return
        assert worst is not None
        self._fail(row, worst)
        self._silent = 0

    def _note_sent(self, row: Row, address: str, external_id: str | None) -> None:
        """Write that a message was accepted: with all that belongs to it; else that alone; else leave the row claimed.

        Whatever fails here, it is no failure of the delivery: to try that again is to send twice (F72).
        """

        def count() -> None:
            self.channel.after_send()
            self._note_channel_up()

        sent = {"status": SENT, "sent_on": utcnow(), "attempts": (row.attempts or 0) + 1, "last_error": None}
        try:
            self._finish(row, "sent", count, sent_to=address, external_id=external_id, **sent)
            self._state = None
        except Exception:
            current.log.exception(f"Outbox row {row.id} was sent, but cannot be written with its details")
            self._note_sent_only(row, sent)

    def _note_sent_only(self, row: Row, sent: dict[str, Any]) -> None:
        try:
            self._finish(row, "sent", **sent)
        except Exception:
            current.log.exception(f"Outbox row {row.id} was sent, but cannot be written at all: it may be sent again when its claim ends")
            self.counts["unknown"] += 1
            # a database that did not take this one would not take the next one either
            self._is_stopped = True

    def _fail(self, row: Row, failure: DeliveryFailure) -> None:
        now = utcnow()
        state = after_failure(row, failure, now, self.channel.max_ambiguous)
        counter = {UNSENT: "postponed", INVALID_ROW: "invalid"}.get(state["status"], "failed")
        self._finish(row, counter, **state)
        if failure.kind == CHANNEL_DOWN:
            self._close_channel(failure)

    def _count_silence(self, failure: DeliveryFailure) -> None:
        """A server that leaves several recipients without an answer is down; an error of our own says nothing about it."""
        self._silent = self._silent + 1 if failure.ambiguous else 0
        if self._silent >= MAX_SILENT:
            self._close_channel(channel_down(failure))

    # -- rows ----------------------------------------------------------------------------------------------------------
    def _find_due(self, limit: int) -> list[int]:
        table = self.table
        query = self._unsent()
        if not self.force:
            query &= self._is_due(utcnow())
        if self._seen:
            query &= ~table.id.belongs(sorted(self._seen))
        rows = self.db(query).select(table.id, orderby=(table.next_attempt_at, table.id), limitby=(0, limit))
        return [row.id for row in rows]

    def _unsent(self) -> Query:
        table = self.table
        return (
            (table.contact_method == self.contact_method)
            & (table.status == UNSENT)
            & (table.deleted == False)
        )

    def _is_due(self, now: dt.datetime) -> Query:
        table = self.table
        return (table.next_attempt_at == None) | (table.next_attempt_at <= now)

    def _claim(self, row_id: int) -> Row | None:
        """Make a row ours. Gives it to exactly one of several callers; commits."""
        table, now = self.table, utcnow()
        query = (table.id == row_id) & self._unsent()
        if not self.force:
            query &= self._is_due(now)
        claimed = self.db(query).update(status=SENDING, claim_owner=self.owner, claim_until=now + dt.timedelta(minutes=CLAIM_MINUTES))
        # every other run must see that the row is taken before anything is sent
        self.db.commit()
        return table[row_id] if claimed == 1 else None

    def _finish(self, row: Row, counter: str, also: Callable[[], None] | None = None, **state: Any) -> None:
        """Write the next state of a claimed row, unless the claim has ended and passed to another run; commits.

        Tries again when the database fails: to forget that a message was sent is to send it twice.

        Args:
            also: writes what belongs into the same transaction
        """
        ours = (self.table.id == row.id) & (self.table.status == SENDING) & (self.table.claim_owner == self.owner)
        for attempt in range(1, WRITE_ATTEMPTS + 1):
            try:
                changed = self.db(ours).update(claim_owner=None, claim_until=None, **state)
                if changed and also is not None:
                    also()
                # nobody may send this row again; one transaction per row, so that no later one can take it back
                self.db.commit()
                break
            except Exception as exc:
                self.db.rollback()
                if attempt == WRITE_ATTEMPTS:
                    raise
                current.log.warning(f"State of outbox row {row.id} not written (attempt {attempt})", exc)
                time.sleep(0.1 * attempt)
        if changed:
            self.counts[counter] += 1

    def _return_expired_claims(self) -> None:
        """Rows whose run died may have been sent or not: they are tried again, as after a failure."""
        table, now = self.table, utcnow()
        expired = self.db(
            (table.contact_method == self.contact_method)
            & (table.status == SENDING)
            & (table.claim_until < now)
        ).select(table.ALL)
        unknown = temporary("ambiguous: the run that sent it did not finish", ambiguous=True)
        for row in expired:
            state = after_failure(row, unknown, now, self.channel.max_ambiguous)
            if state["status"] == UNSENT:
                # the delay is for recipients that refuse; here nobody has
                state["next_attempt_at"] = now
            self.db((table.id == row.id) & (table.status == SENDING) & (table.claim_owner == row.claim_owner)).update(
                claim_owner=None, claim_until=None, **state
            )
        if expired:
            # other runs may take them
            self.db.commit()

    def _expand(self, row: Row, instance_type: str) -> None:
        """Replace a row for several persons by one row for each of them who has none yet, in one transaction."""
        members = find_members(instance_type, row.pe_id)

        def insert_rows() -> None:
            # reads again when it is repeated: it may be another run that has inserted one of them
            keys = {recipient_key(row.message_id, pe_id, self.contact_method): pe_id for pe_id in members}
            table = self.table
            known = {other.recipient_key for other in self.db(table.recipient_key.belongs(list(keys))).select(table.recipient_key)}
            for key, pe_id in keys.items():
                if key not in known:
                    table.insert(
                        message_id=row.message_id, pe_id=pe_id, via_pe_id=row.pe_id, contact_method=self.contact_method,
                        system_generated=True, recipient_key=key,
                    )  # fmt: skip

        self._finish(
            row, "expanded", insert_rows, status=SENT, sent_on=utcnow(), sent_to=f"{len(members)} recipients", last_error=None
        )

    def _continue_if_more_is_due(self) -> None:
        if not self._is_stopped and not self.force and not self.db(self._unsent() & self._is_due(utcnow())).isempty():
            current.s3task.wake("msg_process_outbox", [self.contact_method])

    # -- the channel ---------------------------------------------------------------------------------------------------
    def _is_ready(self) -> bool:
        """Can the channel take a message? Asked before a row is claimed."""
        now = utcnow()
        if not self._is_open and not self._open_channel(now):
            return False
        free_at = self.channel.free_at(now)
        if free_at is not None:
            self._postpone(free_at)
        return not self._is_stopped

    def _open_channel(self, now: dt.datetime) -> bool:
        self._state = find_channel_state(self.contact_method)
        if not self.force and self._state and self._state.retry_at and self._state.retry_at > now:
            self._is_stopped = True
            return False
        try:
            self.channel.open()
        except DeliveryFailure as failure:
            self._close_channel(failure)
            return False
        self._is_open = True
        return True

    def _postpone(self, until: dt.datetime) -> None:
        """The sending limit is reached: let everything that is due wait until it allows more; not counted as attempts."""
        query = self._unsent() & self._is_due(utcnow())
        self.counts["postponed"] += self.db(query).update(next_attempt_at=until, last_error="sending limit reached (mail.limit)")
        # other runs need not find out by themselves
        self.db.commit()
        self._is_stopped = True

    def _close_channel(self, failure: DeliveryFailure) -> None:
        """Note that the channel is down, and for how long to leave it alone; commits."""
        self.down = failure
        self._is_stopped = True
        current.log.warning(f"Channel {self.contact_method} is down", failure)
        table, now = current.s3db.msg_channel_state, utcnow()
        state = find_channel_state(self.contact_method)
        failures = (state.failures or 0) + 1 if state else 1
        wait = dt.timedelta(seconds=BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS)) - 1]) if failure.back_off else None
        values = {"failures": failures, "last_error": str(failure), "retry_at": now + wait if wait else None}
        if state is None:
            table.insert(contact_method=self.contact_method, down_since=now, **values)
        else:
            self.db(table.id == state.id).update(down_since=state.down_since or now, **values)
        # doctor and other runs must see it
        self.db.commit()

    def _note_channel_up(self) -> None:
        """Called again when the transaction is repeated."""
        state = self._state
        if state is None or not state.failures:
            return
        table = current.s3db.msg_channel_state
        # becomes visible with the state of the row that got through
        self.db(table.id == state.id).update(failures=0, down_since=None, retry_at=None, last_error=None)


def find_channel_state(contact_method: str) -> Row | None:
    table = current.s3db.msg_channel_state
    return current.db(table.contact_method == contact_method).select(limitby=(0, 1)).first()


def find_message(message_id: int | None) -> Row | None:
    """The instance record (msg_email, msg_sms) of a message; None if it was deleted."""
    if not message_id:
        return None
    s3db, db = current.s3db, current.db
    super_table = s3db.msg_message
    message = db((super_table.message_id == message_id) & (super_table.deleted == False)).select(limitby=(0, 1)).first()
    table = s3db.table(message.instance_type) if message else None
    if table is None:
        return None
    return db((table.message_id == message_id) & (table.deleted == False)).select(limitby=(0, 1)).first()
