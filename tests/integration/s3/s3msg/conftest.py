"""An outbox that delivers to a mail server which fails on demand."""
from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from harness import App
from smtp_faults import FaultySMTP


@pytest.fixture(scope="session")
def faulty_server() -> Iterator[FaultySMTP]:
    server = FaultySMTP()
    yield server
    server.stop()


@pytest.fixture
def mailserver(faulty_server: FaultySMTP) -> Iterator[FaultySMTP]:
    yield faulty_server
    faulty_server.reset()


class Post:
    """Shortcuts to compose, deliver and look, in one model environment."""

    def __init__(self, app: App, current: Any, mailserver: FaultySMTP) -> None:
        self.app = app
        self.current = current
        self.db = current.db
        self.s3db = current.s3db
        self.mailserver = mailserver
        self.clock = app.clock

    # -- recipients ----------------------------------------------------------------------------------------------------
    def pe_id(self, name: str) -> int:
        return self.app.people[name].pe_id

    def insert(self, tablename: str, **values: Any) -> Any:
        """Insert a record with its super-records."""
        table = self.s3db[tablename]
        record = {"id": table.insert(**values)}
        self.s3db.update_super(table, record)
        return table[record["id"]]

    def person(self, *addresses: str, method: str = "EMAIL") -> Any:
        """A person with contacts, in the order of their priority."""
        person = self.insert("pr_person", first_name="Some", last_name="Body")
        for priority, address in enumerate(addresses, 1):
            self.contact(person.pe_id, address, method, priority)
        return person

    def contact(self, pe_id: int, value: str, method: str = "EMAIL", priority: int = 1) -> None:
        self.s3db.pr_contact.insert(pe_id=pe_id, contact_method=method, value=value, priority=priority)

    def group(self, *persons: Any) -> Any:
        group = self.insert("pr_group", name="Team")
        for person in persons:
            self.s3db.pr_group_membership.insert(group_id=group.id, person_id=person and person.id)
        return group

    # -- messages ------------------------------------------------------------------------------------------------------
    def compose(self, pe_id: Any, subject: str = "News", message: Any = "Hello", **options: Any) -> int:
        message_id = self.current.msg.send_by_pe_id(pe_id, subject, message, **{"system_generated": True, **options})
        self.db.commit()
        return int(message_id)

    def run(self, contact_method: str = "EMAIL", force: bool = False) -> str:
        return str(self.current.msg.process_outbox(contact_method, force=force))

    def rows(self) -> list[Any]:
        table = self.s3db.msg_outbox
        return list(self.db(table).select(orderby=table.id))

    @property
    def row(self) -> Any:
        [row] = self.rows()
        return row

    def after(self, **delta: float) -> dt.timedelta:
        """Let time pass."""
        self.clock.advance(**delta)
        return dt.timedelta(**delta)

    @property
    def delivered(self) -> list[str]:
        return self.mailserver.recipients


@pytest.fixture
def post(app: App, mailserver: FaultySMTP) -> Iterator[Post]:
    with app.env() as current:
        current.deployment_settings.mail.server = f"127.0.0.1:{mailserver.port}"
        current.deployment_settings.mail.timeout = 1
        yield Post(app, current, mailserver)
