"""Nothing lost, nothing twice, nothing stuck, while workers and web server are killed again and again (E5).

Real processes on a database of their own. Records are written without a break, some of them in transactions that are committed
late or never. Then everything is left in peace, and each subscriber's mails are counted record by record.
"""
from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import pickle
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cast
import pytest
from harness import App

from launcher.browser import Browser
from launcher.errors import LauncherError
from launcher.instance import create_instance
from launcher.mailcatcher import Mailbox
from launcher.network import free_port, wait_for_port
from launcher.postgres import start_postgres
from launcher.processes import Child, Supervisor, launcher_command

pytestmark = pytest.mark.acceptance

SENT = 2
#: Posts that are there before anybody subscribes; each is changed at most once
OLD_POSTS = 60
#: Seconds after which nobody works any more on what has had the same owner all that time
STUCK_SECONDS = 6.0
START_SECONDS = 60
SETTLE_SECONDS = 60

MARKER = re.compile(r"#\w+#")

#: A deployment whose hooks take their time, before the messages are composed and after: so that kills hit these places, too
CONFIG = """
import random as _random
import time as _time

def _notify_fields(r, tablename):
    current.s3db.configure("cms_post", notify_fields=["name"])
settings.customise_cms_post_resource = _notify_fields

def _dawdle(*args, **data):
    _time.sleep(_random.choice((0, 0, 0, 0.2, 0.6)))
settings.msg.notify_send_data = _dawdle
settings.msg.send_postprocess = _dawdle
"""


@dataclass(frozen=True)
class Plan:
    """One experiment."""

    subscribers: int
    workers: int
    #: How often each process is killed
    kills: int
    #: Transactions at the same time, each held open for up to so many seconds
    writers: int
    hold_seconds: float
    seed: int


#: SQLite has one writer at a time: a transaction that stays open stops everybody
PLANS = {
    "postgresql": Plan(subscribers=12, workers=2, kills=2, writers=3, hold_seconds=1.5, seed=20260302),
    "sqlite": Plan(subscribers=4, workers=1, kills=1, writers=1, hold_seconds=0.05, seed=20260303),
}


@dataclass
class Scene:
    """The application, its processes, and what has been written so far."""

    app: App
    plan: Plan
    supervisor: Supervisor
    mailbox: Mailbox
    web_port: int
    lines: list[str]
    #: e-mail addresses
    subscribers: list[str] = field(default_factory=list)
    old_posts: list[int] = field(default_factory=list)
    #: Markers that were in a transaction which was rolled back on purpose
    rolled_back: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    #: Names of the processes that were killed
    killed: list[str] = field(default_factory=list)
    mails: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: (table, id, owner) -> monotonic time at which this owner was first seen
    owners: dict[tuple[str, int, str], float] = field(default_factory=dict)
    #: seconds after which a claim is taken for that of a dead process
    patience: float = STUCK_SECONDS
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # -- mails ---------------------------------------------------------------------------------------------------------
    def read_mails(self) -> None:
        while (mail := self.mailbox.read(len(self.mails) + 1)) is not None:
            self.mails[mail["number"]] = mail

    def digests(self, address: str) -> dict[str, str]:
        """The texts of the mails of a subscriber by Message-ID: a mail handed over twice is one mail."""
        texts: dict[str, str] = {}
        for mail in self.mails.values():
            if mail["to"] == [address]:
                assert texts.setdefault(mail["message_id"], mail["text"]) == mail["text"], "two mails with one Message-ID"
        return texts

    def has_written_to_everybody(self) -> bool:
        self.read_mails()
        return all(self.digests(address) for address in self.subscribers)

    def told(self, address: str) -> Counter[str]:
        """How often each record was told to a subscriber."""
        return Counter(marker for text in self.digests(address).values() for marker in MARKER.findall(text))

    # -- database ------------------------------------------------------------------------------------------------------
    def written(self) -> set[str]:
        """The markers of all new and changed posts, as committed."""
        with self.app.env() as current:
            table = current.s3db.cms_post
            names = {row.name for row in current.db(table.id > 0).select(table.name)}
        return {name for name in names if not name.startswith("#old")}

    def open_ends(self) -> list[str]:
        """What is not finished yet."""
        written = self.written()
        self.read_mails()
        ends = [f"{address} misses {sorted(missing)}" for address in self.subscribers if (missing := written - self.told(address).keys())]
        with self.app.env() as current:
            outbox, watched = current.s3db.msg_outbox, current.s3db.pr_subscription_resource
            db, now = current.db, _now()
            ends += [f"outbox row {row.id} has status {row.status}: {row.last_error}" for row in db(outbox.status != SENT).select()]
            ends += [
                f"subscribed resource {row.id} is leased to {row.lease_owner} until {row.lease_until}: {row.last_error}"
                for row in db(watched.lease_until > now).select()
            ]
        return ends

    def wake_check(self) -> None:
        with self.transaction("wake") as current:
            current.s3task.wake("notify_check_subscriptions")

    def finished_checks(self) -> int:
        with self.app.env() as current:
            db = current.s3task.scheduler.db
            task, run = db.scheduler_task, db.scheduler_run
            query = (run.task_id == task.id) & (task.function_name == "notify_check_subscriptions") & (run.status == "COMPLETED")
            return int(db(query).count())

    @contextlib.contextmanager
    def transaction(self, name: str) -> Iterator[Any]:
        """A transaction of the test's own; an error of the database, such as a lock of SQLite, is noted and undoes it."""
        try:
            with self.app.env() as current:
                current.auth.override = True
                yield current
                current.db.commit()
        except Exception as error:  # whatever the driver raises: the database tells what was committed
            self.errors.append(f"{name}: {type(error).__name__}: {error}")

    def let_time_pass(self) -> None:
        """Minutes go by, for what waits: back-offs are over, and claims end whose owner is dead.

        A claim in the queue is good for 15 minutes, one on the outbox for 10, a back-off takes 5 at least, and the scheduler waits for
        45 heartbeats for some of its dead workers: no setting makes them shorter. So the times are set to now in the database, of claims
        only when they have had the same owner for some seconds. Should he be alive after all, he is a slow one, and must lose.
        """
        with self.transaction("let time pass") as current:
            db, now = current.db, _now()
            watched, outbox = current.s3db.pr_subscription_resource, current.s3db.msg_outbox
            waiting = [watched[name] for name in ("next_check_time", "retry_at") if name in watched.fields]
            for waits_until in (*waiting, outbox.next_attempt_at):
                db(waits_until > now).update_naive(**{waits_until.name: now})
            self._end_claims(db, watched.lease_owner, watched.lease_until, now)
            self._end_claims(db, outbox.claim_owner, outbox.claim_until, now)
            workers = current.s3task.scheduler.db.scheduler_worker
            silent = workers.last_heartbeat < now - dt.timedelta(seconds=5)
            current.s3task.scheduler.db(silent).update(last_heartbeat=now - dt.timedelta(minutes=5))

    def _end_claims(self, db: Any, owner: Any, until: Any, now: dt.datetime) -> None:
        table = owner.table
        for row in db((owner != None) & (until > now)).select(table.id, owner):  # noqa: E711
            key = (str(table), int(row.id), row[owner.name])
            if time.monotonic() - self.owners.setdefault(key, time.monotonic()) > self.patience:
                # on a slow machine the queue may take longer than this for everybody, and then nobody would ever come to an end
                self.patience *= 1.5
                db((table.id == row.id) & (owner == row[owner.name])).update_naive(**{until.name: now})

    # -- writing -------------------------------------------------------------------------------------------------------
    def new_marker(self, kind: str) -> str:
        return f"#{kind}{next(self.numbers):04}#"

    def write_post(self) -> str:
        marker = self.new_marker("last")
        with self.app.env() as current:
            current.auth.override = True
            current.s3db.resource("cms_post").insert(name=marker, body="Body")
            current.db.commit()
        return marker

    def write_in_transactions(self, stop: threading.Event, rng: random.Random) -> None:
        """Insert a few posts, keep the transaction open for a while, then commit it; sometimes roll it back."""
        while not stop.wait(rng.uniform(0.05, 0.4)):
            markers = [self.new_marker("post") for _ in range(rng.randint(1, 3))]
            with self.transaction("writer") as current:
                for marker in markers:
                    current.s3db.resource("cms_post").insert(name=marker, body="Body")
                time.sleep(rng.uniform(0, self.plan.hold_seconds))
                if rng.random() < 0.2:
                    current.db.rollback()
                    self.rolled_back.update(markers)

    def write_over_http(self, stop: threading.Event, rng: random.Random) -> None:
        """Be an editor at the browser; what has no answer may have been written or not."""
        browser = None
        while not stop.wait(rng.uniform(0.05, 0.3)):
            try:
                if browser is None:
                    browser = Browser(f"http://127.0.0.1:{self.web_port}/{self.app.name}")
                    browser.log_in(cast.PEOPLE["editor"][2], cast.PASSWORD)
                browser.post_json("/cms/post.json", {"name": self.new_marker("http"), "body": "Body"})
            except LauncherError as error:
                self.errors.append(f"browser: {error}")

    def change_posts(self, stop: threading.Event, rng: random.Random) -> None:
        """Change each of the old posts once."""
        for post_id in self.old_posts:
            if stop.wait(rng.uniform(0.05, 0.4)):
                return
            with self.transaction("changes") as current:
                current.db(current.s3db.cms_post.id == post_id).update(name=self.new_marker("changed"))
                time.sleep(rng.uniform(0, self.plan.hold_seconds))

    # -- killing -------------------------------------------------------------------------------------------------------
    def kill(self, child: Child, rng: random.Random) -> None:
        """Kill a process without warning: alone, so that a task it has forked works on for a while, or with all its own."""
        self.wait_for(f"{child.name} does not come back", lambda: child.is_alive, START_SECONDS)
        assert child.process is not None
        alone = rng.random() < 0.5
        if alone:
            os.kill(child.process.pid, signal.SIGKILL)
        else:
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self.killed.append(child.name)
        if alone:
            time.sleep(rng.uniform(0, 1))
        self.supervisor.check()

    # -- waiting -------------------------------------------------------------------------------------------------------
    def wait_for(self, what: str, condition: Callable[[], Any], seconds: float, act: Callable[[], None] = lambda: None) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                pytest.fail(self.describe(f"After {seconds:g} s: {what}"))
            self.supervisor.check()
            act()
            time.sleep(0.25)

    def describe(self, what: str, details: list[str] | None = None) -> str:
        parts = {
            "killed": self.killed, "in detail": details or [], "tickets": self.tickets(), "queue": self.queue(),
            "errors of the test's own writers": self.errors[-10:], "output of the processes, the end of it": self.lines[-60:],
        }  # fmt: skip
        return "\n".join([what, *(f"-- {title}:\n  " + "\n  ".join(map(str, lines)) for title, lines in parts.items())])

    def tickets(self) -> list[str]:
        texts = []
        for path in sorted((self.app.folder / "errors").glob("*"), key=lambda path: path.stat().st_mtime)[-3:]:
            with path.open("rb") as stream:
                texts.append(str(pickle.load(stream)["traceback"]))
        return texts

    def queue(self) -> list[str]:
        with self.app.env() as current:
            db = current.s3task.scheduler.db
            task, worker = db.scheduler_task, db.scheduler_worker
            tasks = db(task.status.belongs(("QUEUED", "ASSIGNED", "RUNNING"))).select()
            workers = db(worker.id > 0).select()
        lines = [f"{row.status} {row.function_name}{row.args} next {row.next_run_time} of {row.assigned_worker_name}" for row in tasks]
        lines += [f"{row.worker_name} {row.status} {row.last_heartbeat} ticker: {row.is_ticker}" for row in workers]
        return [*lines, f"now {_now()}"]


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0)


# -- setting the scene -------------------------------------------------------------------------------------------------
@pytest.fixture(params=PLANS)
def scene(request: pytest.FixtureRequest, web2py_folder: Path, tmp_path: Path) -> Iterator[Scene]:
    kind = request.param
    with contextlib.ExitStack() as stack:
        uri = "sqlite://storage.db"
        if kind == "postgresql":
            server = start_postgres(tmp_path)
            stack.callback(server.stop)
            uri = server.uri
        scene = make_scene(stack, web2py_folder, tmp_path, kind, uri)
        yield scene


def make_scene(stack: contextlib.ExitStack, web2py_folder: Path, folder: Path, kind: str, uri: str) -> Scene:
    web_port, mail_port = free_port(), free_port()
    instance = create_instance(
        web2py_folder, app=f"faults_{kind}", database_uri=uri, template="default", public_url=f"http://127.0.0.1:{web_port}",
        mail_server=f"127.0.0.1:{mail_port}", mail_sender="alerts@example.com", security_policy=5, scheduler_heartbeat=1,
        msg_notify_check_interval=5, msg_outbox_interval=5, msg_notify_batch=6, msg_notify_lookup_timeout=10, msg_notify_max_records=5000,
    )  # fmt: skip
    with instance.config.open("a") as config:
        config.write(CONFIG)
    lines: list[str] = []
    supervisor = Supervisor(write=lines.append, back_off=(0.3,))
    app = App(instance.app_folder, instance.app, kind)
    app.clean()
    scene = Scene(app, PLANS[kind], supervisor, Mailbox(folder / "mail"), web_port, lines)
    with app.env() as current:
        current.auth.override = True
        posts = current.s3db.resource("cms_post")
        scene.old_posts = [int(posts.insert(name=f"#old{number:04}#", body="Body")) for number in range(OLD_POSTS)]
        current.db.commit()  # else they would be new to those who subscribe in the same transaction
        scene.subscribers = [subscribe(current, f"subscriber{number}@example.com") for number in range(scene.plan.subscribers)]
        current.db.commit()
    stack.callback(supervisor.stop)
    where = (str(instance.folder), instance.app)
    supervisor.start("mail", launcher_command("mailcatcher", str(folder / "mail"), str(mail_port), str(free_port())))
    supervisor.start("web", launcher_command("webserver", *where, str(web_port)))
    for number in range(scene.plan.workers):
        supervisor.start(f"worker{number + 1}", launcher_command("worker", *where))
    assert wait_for_port(mail_port, START_SECONDS), scene.describe("The mail catcher does not start.")
    assert wait_for_port(web_port, START_SECONDS), scene.describe("The web server does not start.")
    return scene


def subscribe(current: Any, email: str) -> str:
    """A person who may read posts, subscribed to new and updated ones, at once; gives the address."""
    auth, db, s3db = current.auth, current.db, current.s3db
    users = db.auth_user
    user_id = users.insert(first_name="Sub", last_name="Scriber", email=email, password="", registration_key="", language="en")
    for uid in ("AUTHENTICATED", "READER"):
        auth.s3_assign_role(user_id, uid)
    auth.s3_link_to_person(db(users.id == user_id).select().first())
    subscription_id = s3db.pr_subscription.insert(
        pe_id=auth.s3_user_pe_id(user_id), notify_on=["new", "upd"], frequency="immediately", method=["EMAIL"])
    s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource="cms_post", url="cms/post")
    return email


@contextlib.contextmanager
def writing(scene: Scene, rng: random.Random) -> Iterator[None]:
    """Write from several threads while the block runs."""
    stop = threading.Event()
    works = [scene.write_over_http, scene.change_posts, *[scene.write_in_transactions] * scene.plan.writers]
    # a generator for each, made here: how the threads take turns must not change what they draw
    threads = [threading.Thread(target=work, args=(stop, random.Random(rng.random())), daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(START_SECONDS)
    assert not any(thread.is_alive() for thread in threads), scene.describe("A writer does not end.")


def kill_again_and_again(scene: Scene, rng: random.Random) -> None:
    """Kill each process as often as planned, in random order, at random moments."""
    children = [child for child in scene.supervisor.children if child.name != "mail"]
    victims = children * scene.plan.kills
    rng.shuffle(victims)
    for victim in victims:
        moment = time.monotonic() + rng.uniform(0.3, 1.8)
        scene.wait_for("the moment does not come", lambda moment=moment: time.monotonic() > moment, 60)
        scene.wake_check()
        scene.kill(victim, rng)
        scene.let_time_pass()


def settle(scene: Scene) -> None:
    """Wait until everything is delivered, and one more check has found nothing left to do."""
    end = time.monotonic() + SETTLE_SECONDS
    while ends := scene.open_ends():
        if time.monotonic() > end:
            pytest.fail(scene.describe(f"After {SETTLE_SECONDS} s of peace there is something unfinished.", ends))
        scene.supervisor.check()
        scene.let_time_pass()
        time.sleep(0.5)
    enough = scene.finished_checks() + 1
    scene.wake_check()
    scene.wait_for("no more checks are run", lambda: scene.finished_checks() >= enough, START_SECONDS)
    scene.wait_for("what is there does not come to rest", lambda: not scene.open_ends(), START_SECONDS)


# -- the experiment ----------------------------------------------------------------------------------------------------
def test_every_change_is_in_exactly_one_digest_of_each_subscriber_whoever_is_killed(scene):
    rng = random.Random(scene.plan.seed)

    with writing(scene, rng):
        scene.wait_for("not everybody has got a mail", scene.has_written_to_everybody, START_SECONDS)
        kill_again_and_again(scene, rng)
    last = scene.write_post()
    settle(scene)

    written = scene.written()
    assert last in written
    assert len(written) >= 20, scene.describe("Hardly anything was written.")
    assert not scene.rolled_back & written
    for address in scene.subscribers:
        told = scene.told(address)
        details = [f"{Path(address).name}: {len(text)} {sorted(MARKER.findall(text))}" for text in scene.digests(address).values()]
        assert written - told.keys() == set(), scene.describe(f"{address} misses something.", details)
        assert told.keys() - written == set(), scene.describe(f"{address} was told what was never committed.", details)
        assert [marker for marker, times in told.items() if times > 1] == [], scene.describe(f"{address} was told twice.", details)
        assert len(scene.digests(address)) > 1
    assert Counter(scene.killed) == {child.name: scene.plan.kills for child in scene.supervisor.children if child.name != "mail"}
    with scene.app.env() as current:
        db, subscriptions = current.db, current.s3db.pr_subscription
        assert db(subscriptions.suspended == True).count() == 0  # noqa: E712
    assert scene.tickets() == []
