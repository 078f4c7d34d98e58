"""Subscriptions, posts, and the rounds of the worker, played step by step or in one go."""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import App

#: What a deployment would put into its config: messages about posts show name and text
NOTIFY_FIELDS = """
def _notify_fields(r, tablename):
    current.s3db.configure("cms_post", notify_fields=["name", "body"])
settings.customise_cms_post_resource = _notify_fields
"""


CONFIGURE = """
def _configure_post(r, tablename):
    current.s3db.configure("cms_post", **{options})
settings.customise_cms_post_resource = _configure_post
"""


@dataclass
class Subscribed:
    """Ids of a subscription made by a test."""

    subscription_id: int
    resource_id: int


class World:
    """What the tests of the notifications do to the application."""

    def __init__(self, app: App, url: str) -> None:
        self.app = app
        #: of the web server that look-ups go to
        self.url = url

    # -- arrange -------------------------------------------------------------------------------------------------------
    def subscribe(self, who: str | int = "anna", resource: str = "cms_post", url: str = "cms/post", filters: Any = None,
                  **settings: Any) -> Subscribed:
        """Insert filter, subscription and subscribed resource.

        Args:
            who: an actor, or a pe_id
            filters: list of [selector, value]
            settings: fields of pr_subscription; default: new and updated records, immediately, by e-mail
        """
        pe_id = self.app.people[who].pe_id if isinstance(who, str) else who
        with self.app.env() as current:
            s3db = current.s3db
            filter_id = s3db.pr_filter.insert(pe_id=pe_id, title="Test", query=json.dumps(filters)) if filters is not None else None
            values = {"notify_on": ["new", "upd"], "frequency": "immediately", "method": ["EMAIL"], **settings}
            subscription_id = s3db.pr_subscription.insert(pe_id=pe_id, filter_id=filter_id, **values)
            resource_id = self._watch(current, subscription_id, resource, url)
            current.db.commit()
        return Subscribed(int(subscription_id), resource_id)

    def watch(self, subscription_id: int, resource: str, url: str) -> int:
        """Add a further resource to a subscription."""
        with self.app.env() as current:
            resource_id = self._watch(current, subscription_id, resource, url)
            current.db.commit()
        return resource_id

    def _watch(self, current: Any, subscription_id: int, resource: str, url: str) -> int:
        return int(current.s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource=resource, url=url))

    def create(self, tablename: str = "cms_post", **values: Any) -> int:
        """Insert a record through the standard write pipeline, as the system."""
        defaults = {"cms_post": {"name": "Post", "body": "Body"}}.get(tablename, {})
        with self.app.env() as current:
            current.auth.override = True
            record_id = current.s3db.resource(tablename).insert(**{**defaults, **values})
            current.db.commit()
        return int(record_id)

    def update(self, record_id: int, tablename: str = "cms_post", **values: Any) -> None:
        with self.app.env() as current:
            table = current.s3db[tablename]
            current.db(table.id == record_id).update(**values)
            current.db.commit()

    def set(self, tablename: str, record_id: int, **values: Any) -> None:
        """Set fields as they are, past all hooks."""
        with self.app.env() as current:
            table = current.s3db[tablename]
            current.db(table.id == record_id).update_naive(**values)
            current.db.commit()

    def configured(self, **options: str) -> Any:
        """The table configuration of posts, as a deployment would set it: Python source of each value."""
        pairs = {"notify_fields": '["name", "body"]', **options}.items()
        return self.app.configured(CONFIGURE.format(options="{" + ", ".join(f"{key!r}: {value}" for key, value in pairs) + "}"))

    # -- act -----------------------------------------------------------------------------------------------------------
    def tick(self) -> str:
        """One whole round, as the worker's tasks would do it; gives the text of the check."""
        with self.env() as current:
            from s3 import S3Notifications

            text = S3Notifications.check_subscriptions()
            current.msg.process_outbox("EMAIL")
            current.db.commit()
        return text

    def env(self) -> Any:
        """A model environment as of the worker, whose look-ups reach the test's web server."""
        return _worker_env(self.app, self.url)

    def claim(self) -> Any:
        """Only the first two steps: what is due, leased to us."""
        with self.env() as current:
            from s3.s3datetime import utcnow
            from s3.s3notify import check

            claim = check.claim_due(utcnow())
            current.db.commit()
        return claim

    def token(self, resource_id: int) -> str:
        """Claim a row and give it a token, as notify does before its request."""
        with self.env() as current:
            from s3.s3datetime import utcnow
            from s3.s3notify import release, tokens

            lease = release.take([resource_id], utcnow())
            token = tokens.issue(resource_id, lease, utcnow())
            current.db.commit()
        return token

    def post(self, path: str = "/cms/post", token: str | None = None, method: str = "POST", vars: dict[str, Any] | None = None,
             forwarded: str | None = None, **options: Any) -> Any:
        """A look-up request, with or without a token."""
        headers = {"X-S3-Subscription": token} if token else {}
        if forwarded:
            headers["X-Forwarded-For"] = forwarded
        return self.app.request(path, method, vars={"format": "msg", **(vars or {})}, json={}, headers=headers, **options)

    # -- assert --------------------------------------------------------------------------------------------------------
    def row(self, tablename: str, record_id: int) -> Any:
        with self.app.env() as current:
            table = current.s3db[tablename]
            return current.db(table.id == record_id).select(limitby=(0, 1)).first()

    def rows(self, tablename: str) -> list[Any]:
        with self.app.env() as current:
            table = current.s3db[tablename]
            return list(current.db(table.id > 0).select(orderby=table.id))

    @property
    def mails(self) -> list[Any]:
        assert self.app.smtp is not None
        return self.app.smtp.messages

    def text(self, index: int = 0) -> str:
        """The text of a mail that arrived."""
        return str(self.mails[index].get_body(("plain", "html")).get_content())

    def bodies(self, index: int = 0) -> tuple[str, str]:
        """The text and the html of a mail that arrived."""
        text, html = (self.mails[index].get_body((kind,)) for kind in ("plain", "html"))
        return text.get_content(), html.get_content()

    def last_error(self, subscribed: Subscribed) -> str | None:
        error: str | None = self.row("pr_subscription_resource", subscribed.resource_id).last_error
        return error


class _worker_env:
    def __init__(self, app: App, url: str) -> None:
        self.context = app.env()
        self.url = url

    def __enter__(self) -> Any:
        current = self.context.__enter__()
        current.deployment_settings.msg.notify_lookup_url = self.url
        return current

    def __exit__(self, *error: Any) -> None:
        self.context.__exit__(*error)


@pytest.fixture
def world(app: App) -> Iterator[World]:
    with app.serving() as url, app.configured(NOTIFY_FIELDS):
        yield World(app, url)


@pytest.fixture
def views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], int]:
    """Writes message templates of a deployment: (name, text)."""
    from s3.s3notify import templates

    original = templates.template_folders
    monkeypatch.setattr(templates, "template_folders", lambda: [tmp_path, *original()])
    return lambda name, text: (tmp_path / name).write_text(text)


@pytest.fixture
def pending(app: App, world: World) -> Subscribed:
    """anna is subscribed to posts, and there is one that she has not been told of."""
    subscribed = world.subscribe("anna")
    app.clock.advance(minutes=1)
    world.create(name="News")
    return subscribed
