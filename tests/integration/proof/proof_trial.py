"""The trial: rights change at random between check, look-up and dispatch, and each message is held against what its reader can open.

The oracle is the page itself: a GET of the subscribed list with the same filters, by the same reader, at the moment of the look-up.
"""
from __future__ import annotations

import base64
import collections
import contextlib
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cast
from harness import App
from proof_world import CANARY, KINDS, REVIEWED, Subscribed, User, World

__all__ = ("Trial",)

SENT, INVALID, WITHHELD = 2, 4, 7
BATCH = 12

#: what an account can become, and what the reason then says
STATES = {"disabled": "is disabled", "blocked": "is blocked", "pending": "waits for approval", "deleted": "was deleted"}


@dataclass
class Sight:
    """What a reader sees of a subscribed list."""

    status: int
    #: of everything that is shown
    canaries: frozenset[str]
    #: by record
    rows: dict[int, frozenset[str]]


@dataclass
class Composed:
    """A message that was compared."""

    id: int
    subscribed: Subscribed
    canaries: frozenset[str]


@dataclass
class Trial:
    app: App
    world: World
    rng: random.Random
    url: str
    #: messages with content that were looked up, and all that was found out about them
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    composed: list[Composed] = field(default_factory=list)
    addresses: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, messages: int) -> None:
        """Rounds until so many messages were compared, and something was kept from somebody."""
        rounds = 0
        while not self._is_enough(messages):
            rounds += 1
            assert rounds < 20 + messages, f"too few messages: {dict(self.counts)}"
            self.round(messages)

    def _is_enough(self, messages: int) -> bool:
        return self.counts["messages"] >= messages and self.counts["records kept from readers"] > 0

    def round(self, messages: int) -> None:
        from s3.s3datetime import utcnow
        from s3.s3notify import check

        self.app.clock.advance(hours=7)
        with self.changing(6) as current:
            self._write(current)
        with self._worker() as current:
            claim = check.claim_due(utcnow())
            current.db.commit()
        ids = claim.resource_ids
        self.rng.shuffle(ids)
        for start in range(0, len(ids), BATCH):
            if self._is_enough(messages):
                self._give_back(claim.lease)
                break
            with self.changing(5):
                pass
            self._look_up(ids[start : start + BATCH], claim.lease)
        with self.changing(3) as current:
            self._take_leave(current)
        self._dispatch()

    def _give_back(self, lease: str) -> None:
        from s3.s3notify import release

        with self._worker() as current:
            release.give_back(list(self.world.subscribed), lease)
            current.db.commit()

    # -- what happens meanwhile ----------------------------------------------------------------------------------------
    def _write(self, current: Any) -> None:
        for tablename in KINDS:
            for _ in range(self.rng.randint(1, 2)):
                self.world.insert(current, tablename)
            for _ in range(self.rng.randint(3, 7)):
                self.world.update(current, tablename)

    @contextlib.contextmanager
    def changing(self, number: int) -> Iterator[Any]:
        """So many random changes of rights, and those of the block, in one transaction."""
        with self.app.env() as current:
            current.auth.override = True
            for _ in range(number):
                self.rng.choice(CHANGES)(self, current)
                self.counts["changes"] += 1
            yield current
            current.db.commit()

    def withdraw_role(self, current: Any) -> None:
        user = self.rng.choice(self.world.users)
        table = current.auth.table("auth_membership")
        held = (table.user_id == user.user_id) & table.group_id.belongs(self.world.roles)
        rows = current.db(held).select(table.group_id, table.pe_id, orderby=table.id)
        if rows:
            row = self.rng.choice(list(rows))
            current.auth.s3_withdraw_role(user.user_id, row.group_id, for_pe=row.pe_id)

    def assign_role(self, current: Any) -> None:
        for_pe = self.rng.choice([None, 0, *self.rng.sample(self.world.organisations, 3)])
        current.auth.s3_assign_role(self.rng.choice(self.world.users).user_id, self.rng.choice(self.world.roles), for_pe=for_pe)

    def change_rule(self, current: Any) -> None:
        tablename = self.rng.choice(sorted(KINDS))
        c, f = KINDS[tablename].url.split("/")
        target: dict[str, str] = self.rng.choice([{"c": c}, {"c": c, "f": f}, {"t": tablename}])
        uacl = self.rng.choice([0, 2, 2, 6])
        current.auth.permission.update_acl(self.rng.choice(self.world.roles), **target, uacl=uacl, oacl=uacl | self.rng.choice([0, 2]))

    def change_owners(self, current: Any) -> None:
        self._set(current, self.rng.choice(sorted(KINDS)), **self.world.owners())

    def change_approval(self, current: Any) -> None:
        self._set(current, self.rng.choice(REVIEWED), approved_by=self.rng.choice([None, 0]))

    def _set(self, current: Any, tablename: str, **values: Any) -> None:
        """Past the log of changes: what is not written about must not be told because of it."""
        table = current.s3db[tablename]
        current.db(table.id == self.rng.choice(self.world.records[tablename])).update_naive(**values)

    def delete_record(self, current: Any) -> None:
        tablename = self.rng.choice(["cms_post", "event_incident_report", "event_incident", "org_office"])
        ids = self.world.records[tablename]
        if len(ids) > 8:
            record_id = self.rng.choice(ids)
            assert current.s3db.resource(tablename, id=record_id).delete() == 1
            ids.remove(record_id)

    def close_account(self, current: Any) -> None:
        self._close(current, self.rng.choice(self.world.users))

    def open_accounts(self, current: Any) -> None:
        table = current.db.auth_user
        closed = [user for user in self.world.users if user.state and user.state != "deleted"]
        for user in self.rng.sample(closed, len(closed) // 2):
            current.db(table.id == user.user_id).update(registration_key="")
            user.state = ""

    def move_person(self, current: Any) -> None:
        """Into another organisation: that is where roles without a realm are held."""
        table, roles = current.s3db.pr_affiliation, current.s3db.pr_role
        row = current.db((roles.role == "Staff") & (roles.pe_id == self.rng.choice(self.world.organisations))).select(roles.id).first()
        current.db(table.pe_id == self.rng.choice(self.world.users).pe_id).update(role_id=row.id)

    def _close(self, current: Any, user: User) -> None:
        if user.state == "deleted":
            return
        user.state = self.rng.choice(["disabled", "blocked", "pending"] * 3 + ["deleted"])
        if user.state == "deleted":
            current.auth.delete_user(user.user_id)
        else:
            current.db(current.db.auth_user.id == user.user_id).update(registration_key=user.state)

    def _take_leave(self, current: Any) -> None:
        """Readers of what was just composed go, or give up their subscriptions."""
        s3db = current.s3db
        for message in self.composed:
            subscribed, way = message.subscribed, self.rng.random()
            if subscribed.user is None:
                if way < 0.5:
                    self._leave_group(current, subscribed.pe_id)
            elif way < 0.08:
                self._close(current, subscribed.user)
            if way > 0.97:
                self._end(subscribed, "the subscription was deleted")
                s3db.resource("pr_subscription", id=subscribed.subscription_id).delete()
            elif way > 0.94:
                self._end(subscribed, "the subscription is switched off")
                current.db(s3db.pr_subscription.id == subscribed.subscription_id).update(frequency="never")
            elif way > 0.91:
                self._end(subscribed, "the subscription is suspended")
                current.db(s3db.pr_subscription.id == subscribed.subscription_id).update(suspended=True)

    def _end(self, subscribed: Subscribed, reason: str) -> None:
        subscribed.ended = subscribed.ended or reason

    def _leave_group(self, current: Any, pe_id: int) -> None:
        members = self.world.groups[pe_id]
        if len(members) > 1:
            leaving = self.rng.choice(sorted(members))
            members.discard(leaving)
            person = next(user.person_id for user in self.world.users if user.user_id == leaving)
            table = current.s3db.pr_group_membership
            current.db((table.group_id == self.world.group_ids[pe_id]) & (table.person_id == person)).update(deleted=True)

    # -- the look-up ---------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def _worker(self) -> Iterator[Any]:
        with self.app.env() as current:
            current.deployment_settings.msg.notify_lookup_url = self.url
            yield current

    def _look_up(self, ids: list[int], lease: str) -> None:
        """Nothing changes between what the readers see and what is composed for them."""
        from s3 import S3Notifications

        sights = {resource_id: self._see(self.world.subscribed[resource_id]) for resource_id in ids}
        with self._worker() as current:
            last = current.db.executesql("SELECT MAX(id) FROM pr_subscription_ledger")[0][0] or 0
            answers = S3Notifications.notify_batch(ids, lease)
            found = _read_messages(current, last)
        for resource_id in ids:
            subscribed = self.world.subscribed[resource_id]
            self._judge(subscribed, sights[resource_id], answers[resource_id], found.pop(resource_id, None))
        assert not found, "a message for somebody who was not asked for"

    def _see(self, subscribed: Subscribed) -> Sight:
        path, _, query = subscribed.url.partition("?")
        variables = "&".join(part for part in (query, *(f"{key}={value}" for key, value in subscribed.filters)) if part)
        response = self._get(f"/{path}.json?{variables}", subscribed.user)
        if response.status != 200:
            assert response.status in (401, 403), response.text
            return Sight(response.status, frozenset(), {})
        key = f"{subscribed.tablename}.id"
        rows = {row[key]: frozenset(CANARY.findall(json.dumps(row))) for row in response.json()}
        texts = response.text
        if "event_id" in KINDS[subscribed.tablename].joined:
            # what references look like is not in the JSON
            texts += self._get(f"/{path}.csv?{variables}", subscribed.user).text
        return Sight(200, frozenset(CANARY.findall(texts)), rows)

    def _get(self, path: str, user: User | None) -> Any:
        headers = {}
        if user is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user.email}:{cast.PASSWORD}".encode()).decode()
        number = next(self.addresses)
        # refused logins are counted by address
        return self.app.request(path, headers=headers, remote_addr=f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")

    def _judge(self, subscribed: Subscribed, sight: Sight, answer: Any, message: tuple[int, str] | None) -> None:
        who = f"{subscribed} answered {answer!r}"
        hidden = self._hidden(subscribed, sight)
        if subscribed.ended:
            assert message is None, f"told of an ended subscription: {who}"
            self.counts["ended before the look-up"] += 1
            return
        if sight.status != 200 or (subscribed.user and subscribed.user.state):
            assert message is None, f"told what cannot be opened: {who}"
            assert "HTTP 401" in str(answer) or "HTTP 403" in str(answer), who
            self.counts["refused"] += 1
            return
        assert answer in ("Success", "No records found"), who
        wanted = frozenset().union(*(sight.rows[record] for record in self.world.expected(subscribed) if record in sight.rows))
        told = frozenset(CANARY.findall(message[1])) if message else frozenset()
        assert told <= sight.canaries, f"LEAK of {sorted(told - sight.canaries)}: {who}"
        assert wanted <= told, f"LOST {sorted(wanted - told)}: {who}"
        subscribed.seen = len(self.world.changes)
        self.counts["records kept from readers"] += hidden
        self.counts["looked up"] += 1
        if message:
            self.counts["messages"] += 1
            self.counts["messages to groups"] += subscribed.user is None
            self.counts["canaries compared"] += len(told)
            self.composed.append(Composed(message[0], subscribed, told))

    def _hidden(self, subscribed: Subscribed, sight: Sight) -> int:
        """How many changed records that are there only the reader's rights keep from him or her."""
        if subscribed.filters or "?" in subscribed.url:
            return 0
        return len((self.world.expected(subscribed) & set(self.world.records[subscribed.tablename])) - set(sight.rows))

    # -- the dispatch --------------------------------------------------------------------------------------------------
    def _dispatch(self) -> None:
        assert self.app.smtp is not None
        self.app.smtp.clear()
        with self.app.env() as current:
            # a group becomes its members in the first run
            for _ in range(3):
                current.msg.process_outbox("EMAIL")
            outbox = current.s3db.msg_outbox
            rows = list(current.db(outbox.message_id.belongs([message.id for message in self.composed])).select())
        messages = {message.id: message for message in self.composed}
        sent: dict[str, list[frozenset[str]]] = collections.defaultdict(list)
        for row in rows:
            address = self._judge_row(row, messages[row.message_id])
            if address:
                sent[address].append(messages[row.message_id].canaries)
        self._judge_mails(sent)
        self.composed.clear()

    def _judge_row(self, row: Any, message: Composed) -> str | None:
        """Gives the address of a row that was sent."""
        subscribed = message.subscribed
        user = self.world.user_of(row.pe_id)
        reasons = {subscribed.ended} if subscribed.ended else set()
        if user is not None and user.state:
            reasons.add(f"the account of the recipient {STATES[user.state]}")
        if row.via_pe_id and user is not None and user.user_id not in self.world.groups[row.via_pe_id]:
            reasons.add("the recipient is not a member of the group or organization any more")
        if reasons:
            assert row.status == WITHHELD, f"{row.status} in spite of {reasons}: {subscribed}"
            assert (row.last_error or "").removeprefix("withheld: ") in reasons, f"{row.last_error!r}, not {reasons}"
            self.counts["withheld"] += 1
            return None
        if user is None:
            # the group itself, in place of which its members got the message
            assert row.pe_id in self.world.groups and row.status in (SENT, INVALID), row
            return None
        assert row.status == SENT, f"not sent without a reason: {row.status} {row.last_error} {subscribed}"
        self.counts["sent"] += 1
        return user.email

    def _judge_mails(self, sent: dict[str, list[frozenset[str]]]) -> None:
        assert self.app.smtp is not None
        for mail, [address] in zip(self.app.smtp.messages, self.app.smtp.recipients, strict=True):
            texts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
            canaries = frozenset(CANARY.findall(" ".join([str(mail["Subject"]), *texts])))
            assert canaries in sent[address], f"a mail to {address} that was not composed for it: {sorted(canaries)}"
            sent[address].remove(canaries)
        assert not any(sent.values()), f"noted as sent, and did not arrive: {dict(sent)}"


CHANGES: tuple[Callable[[Trial, Any], None], ...] = (
    *[Trial.withdraw_role] * 2, *[Trial.assign_role] * 3, *[Trial.change_rule] * 2, *[Trial.change_owners] * 4,
    *[Trial.change_approval] * 3, Trial.delete_record, Trial.close_account, Trial.open_accounts, Trial.move_person,
)  # fmt: skip


def _read_messages(current: Any, last: int) -> dict[int, tuple[int, str]]:
    """{subscribed resource: (message, its texts)} of what was composed since a row of the ledger."""
    ledger, mail = current.s3db.pr_subscription_ledger, current.s3db.msg_email
    rows = current.db((ledger.id > last) & (mail.message_id == ledger.message_id)).select(ledger.subscription_resource_id, mail.ALL)
    found = {row.pr_subscription_ledger.subscription_resource_id: row.msg_email for row in rows}
    assert len(found) == len(rows), "two messages for one round"
    return {key: (row.message_id, json.dumps(row.as_dict(), default=str)) for key, row in found.items()}
