"""`manage.py demo`: the whole job from nothing, with real processes, in a throw-away instance.

An editor writes and changes posts through the REST interface; the scheduler worker checks, notifies and delivers; the mail
which arrives must hold exactly the posts that the reader may see under the saved filter.
"""
from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from launcher.application import application
from launcher.browser import Browser
from launcher.errors import LauncherError
from launcher.instance import Instance, create_instance
from launcher.mailcatcher import Mailbox
from launcher.network import free_port
from launcher.observer import Observer
from launcher.postgres import is_postgres, own_schema
from launcher.processes import Supervisor, interrupt_on_signals
from launcher.run import Ports, start_all
from launcher.setup import DemoLogins, set_up

__all__ = ("demonstrate", "find_faults")

#: Seconds until a phase counts as failed; the worker needs two or three for a task
PHASE_SECONDS = 60

#: What the editor writes: (series, location, description, does the reader get it?). The demo data's reader has saved a filter for
#: North Province, and may not see restricted reports.
NEW_POSTS = (
    ("Flood Warning", "Alder Town", "The Alder rises by ten centimetres an hour: leave the lower bank.", True),
    ("Situation Report", "Birchport", "The harbour road is passable for lorries only.", True),
    ("Flood Warning", "Cedar Bay", "High water expected at four in the afternoon.", False),
    ("Restricted Report", "Birchport", "The depot will move to the old school on Friday.", False),
)
#: What the editor changes: (beginning of the description, new description, does the reader get it?)
CHANGES = (
    ("The bridge over the Alder", "The bridge over the Alder is closed again.", True),
    ("Spring tide", "Spring tide is over: boats may leave the inner harbour.", False),
    ("Stocks of the depot", "Stocks of the depot are down to two days.", False),
)


@dataclass
class Report:
    """What the last line says."""

    created: int = 0
    updated: int = 0
    #: Notifications that the check has queued
    scheduled: int = 0
    #: Notifications that the application has answered with success
    notified: int = 0
    #: Messages in the outbox
    composed: int = 0
    #: Mails that have arrived
    delivered: int = 0
    seconds: float = 0.0


@dataclass
class Stage:
    """Everything that the demo has started."""

    instance: Instance
    ports: Ports
    mail_folder: Path
    supervisor: Supervisor
    lines: list[str] = field(default_factory=list)
    phase: str = ""

    @property
    def application_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.web}/{self.instance.app}"

    @contextlib.contextmanager
    def running(self, phase: str) -> Iterator[None]:
        """Print a phase with its time."""
        self.phase = phase
        started = time.monotonic()
        print(f"{phase:<56}", end=" ", flush=True)
        yield
        print(f"{time.monotonic() - started:6.2f} s", flush=True)


def demonstrate(database_uri: str | None) -> int:
    """Run the demo in the given database, or in a SQLite of its own; gives the exit code. Leaves nothing behind."""
    interrupt_on_signals()
    report, started = Report(), time.monotonic()
    with contextlib.ExitStack() as stack:
        stage = _prepare(stack, database_uri)
        try:
            faults = _perform(stage, report, stack)
        except LauncherError as error:
            print()
            faults = [f"Phase '{stage.phase}': {error}"]
        report.seconds = round(time.monotonic() - started, 1)
        if faults:
            _explain(stage, faults)
        with stage.running("Stop everything"):
            stack.close()
    print(json.dumps(asdict(report)))
    return 1 if faults else 0


def _prepare(stack: contextlib.ExitStack, database_uri: str | None) -> Stage:
    """Make the instance; everything is undone when the stack is closed, the last thing first."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True)))
    stack.callback(os.chdir, Path.cwd())
    if database_uri and is_postgres(database_uri):
        # for this process and for all that it starts
        os.environ.update(stack.enter_context(own_schema(database_uri)))
    ports = Ports(free_port(), free_port(), free_port())
    instance = create_instance(
        folder / "web2py",
        database_uri=database_uri or "sqlite://storage.db",
        template="DRMP",
        public_url=f"http://127.0.0.1:{ports.web}",
        mail_server=f"127.0.0.1:{ports.mail}",
        scheduler_heartbeat=1,
    )
    lines: list[str] = []
    supervisor = Supervisor(write=lines.append)
    stack.callback(supervisor.stop)
    return Stage(instance, ports, folder / "mail", supervisor, lines)


def _perform(stage: Stage, report: Report, stack: contextlib.ExitStack) -> list[str]:
    """Run all phases; gives what is wrong with their outcome."""
    with stage.running("Create the tables, load the demo data"):
        logins = set_up(stage.instance, say=lambda line: None)
    with stage.running("Start web server, worker and mail catcher"):
        start_all(stage.supervisor, stage.instance, stage.ports, stage.mail_folder)
    stack.enter_context(application(stage.instance))
    from gluon import current

    observer = Observer(current)
    with stage.running("Worker: the first check finds nothing"):
        last_check = observer.wait_for("The first check", observer.finished_checks, PHASE_SECONDS)[-1].id
    _write_posts(stage, report, logins)
    _watch_worker(stage, report, observer, last_check)
    mails = _receive(stage, report, observer)
    return find_faults(report, mails, logins.accounts["reader"])


def _write_posts(stage: Stage, report: Report, logins: DemoLogins) -> None:
    browser = Browser(stage.application_url)
    with stage.running(f"Editor: log in as {logins.accounts['editor']}"):
        browser.log_in(logins.accounts["editor"], logins.password)
    with stage.running(f"Editor: create {len(NEW_POSTS)} posts"):
        series = _ids_by_name(browser, "cms", "series")
        locations = _ids_by_name(browser, "gis", "location")
        for series_name, location, body, _ in NEW_POSTS:
            values = {"series_id": series[series_name], "location_id": locations[location], "body": body}
            report.created += len(browser.post_json("/cms/post.json", values)["created"])
    with stage.running(f"Editor: change {len(CHANGES)} posts"):
        posts = browser.get_json("/cms/post.json")
        for beginning, body, _ in CHANGES:
            post_id = next(post["cms_post.id"] for post in posts if post["cms_post.body"].startswith(beginning))
            report.updated += len(browser.post_json(f"/cms/post/{post_id}.json", {"body": body})["updated"])


def _ids_by_name(browser: Browser, prefix: str, name: str) -> dict[str, int]:
    rows = browser.get_json(f"/{prefix}/{name}.json")
    return {row[f"{prefix}_{name}.name"]: row[f"{prefix}_{name}.id"] for row in rows}


def _watch_worker(stage: Stage, report: Report, observer: Observer, last_check: int) -> None:
    with stage.running("Worker: check for due subscriptions"):
        observer.wake_check()
        observer.wait_for("The check", lambda: observer.finished_checks(last_check), PHASE_SECONDS)
        report.scheduled = len(observer.scheduled())
        if not report.scheduled:
            raise LauncherError("The check has scheduled no notification.")
    with stage.running("Worker: notify"):
        observer.wait_for("The notification", observer.finished_notifications, PHASE_SECONDS)
        report.notified, report.composed = observer.notified(), observer.composed()
        if not report.notified:
            raise LauncherError(f"The worker says: {[run.run_result or run.traceback for run in observer.finished_notifications()]}")


def _receive(stage: Stage, report: Report, observer: Observer) -> list[dict[str, Any]]:
    mailbox = Mailbox(stage.mail_folder)
    with stage.running("Worker: deliver the outbox"):
        observer.wait_for("The delivery", lambda: observer.sent() == report.composed, PHASE_SECONDS)
    mails = mailbox.mails()
    report.delivered = len(mails)
    for mail in mails:
        print(f"\n{_as_text(mail)}\n")
    return mails


def _as_text(mail: dict[str, Any]) -> str:
    head = [f"{name}: {value}" for name, value in mail["headers"] if name in ("From", "To", "Subject", "Message-ID", "Date")]
    lines = [*head, "", *(mail["text"] or mail["html"]).strip().splitlines()]
    return "\n".join(f"    | {line}" for line in lines)


def find_faults(report: Report, mails: list[dict[str, Any]], reader: str) -> list[str]:
    """Compare what has arrived with what should have: one mail, for the reader, with the right posts and no others."""
    faults = []
    if (report.created, report.updated) != (len(NEW_POSTS), len(CHANGES)):
        faults.append(f"{report.created} posts were created and {report.updated} changed.")
    if [mail["to"] for mail in mails] != [[reader]]:
        return [*faults, f"Expected was one mail for {reader}, there are: {[mail['to'] for mail in mails]}."]
    # the same in one line, however the lines of the mail are broken
    content = " ".join((mails[0]["text"] or mails[0]["html"]).split())
    for _, _, body, is_expected in NEW_POSTS:
        faults += _post_faults(content, body, is_expected)
    for beginning, body, is_expected in CHANGES:
        faults += _post_faults(content, body, is_expected)
        if not is_expected and beginning in content:
            faults.append(f"The mail holds what the reader may not see: {beginning!r}")
    return faults


def _post_faults(content: str, body: str, is_expected: bool) -> list[str]:
    times = content.count(body)
    if times == is_expected:
        return []
    return [f"The mail holds {body!r} {times} times, expected was {int(is_expected)}."]


def _explain(stage: Stage, faults: list[str]) -> None:
    print("\nOutput of the processes, the end of it:")
    for line in stage.lines[-40:]:
        print(f"    {line}")
    for ticket in sorted((stage.instance.app_folder / "errors").glob("*"))[:3]:
        print(f"    ticket: {_ticket_text(ticket)}")
    for fault in faults:
        print(f"FAILED: {fault}")


def _ticket_text(path: Path) -> str:
    import pickle

    try:
        with path.open("rb") as stream:
            return str(pickle.load(stream)["traceback"]).strip().splitlines()[-1]
    except (OSError, ValueError, KeyError, pickle.UnpicklingError):
        return f"{path.name} cannot be read"
