"""The messages of one round: hooks and templates of the deployment, each of which may fail without taking the message along.

Before: ``extract`` has read the records. After: ``deliver`` puts the messages into the outbox.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gluon import current

from s3.s3error import S3DeliveryError
from s3.s3filter import S3FilterString
from s3.s3msg.mail import is_html
from s3.s3notify.addresses import find_addresses
from s3.s3notify.deliver import Message
from s3.s3notify.records import Subscription, Updates
from s3.s3notify.render import contents_formats, meta_data_of, notice, subject_line
from s3.s3notify.savepoint import attempt
from s3.s3notify.styles import inline_styles
from s3.s3notify.templates import render_message

__all__ = ("Composition", "compose_messages")

# Arguments of send_by_pe_id and of the hook after it that the framework itself decides
RESERVED_SEND_DATA = frozenset(
    ("self", "pe_id", "subject", "message", "contact_method", "document_ids", "from_address", "system_generated", "dedupe_key",
     "unsubscribe_url", "message_id")
)  # fmt: skip

Renderer = Callable[..., dict[str, Any]]


@dataclass
class Composition:
    """What a round is going to send, and what went wrong on the way."""

    messages: list[Message] = field(default_factory=list)
    #: further keywords for ``send_by_pe_id``
    send_data: dict[str, Any] = field(default_factory=dict)
    #: which hooks and templates failed, and why
    notes: list[str] = field(default_factory=list)


def compose_messages(resource: Any, subscription: Subscription, updates: Updates, filters: Iterable[tuple[str, str]],
                     default_renderer: Renderer) -> Composition:
    """Make the messages of a subscription, one for each method.

    Args:
        filters: the saved filter, as URL parameters

    Raises:
        S3DeliveryError: the subscription has only methods by which messages cannot be sent
    """
    meta_data = meta_data_of(
        resource, subscription, updates, find_addresses(resource, subscription, filters), _filter_text(resource, subscription)
    )
    return _Composer(resource, subscription, updates.data, meta_data, default_renderer).compose()


def _filter_text(resource: Any, subscription: Subscription) -> str | None:
    """The saved filter in words, in the subscriber's language."""
    if not subscription.filters:
        return None
    return str(S3FilterString(resource, json.dumps(subscription.filters)).represent()) or None


class _Composer:
    """Calls the hooks of the deployment, in their order, with their signatures."""

    def __init__(self, resource: Any, subscription: Subscription, data: Any, meta_data: dict[str, Any], default_renderer: Renderer) -> None:
        self.resource = resource
        self.subscription = subscription
        self.data = data
        self.meta_data = meta_data
        self.default_renderer = default_renderer
        self.settings = current.deployment_settings
        self.email_format = subscription.email_format or self.settings.get_msg_notify_email_format()
        self.prefix = resource.get_config("notify_template") or "notify"
        self.notes: list[str] = []

    def compose(self) -> Composition:
        methods = self._methods()
        contents = self._contents(contents_formats(methods, self.email_format))
        subject = self._subject()
        document_ids = self._attachments()
        messages = []
        for method in methods:
            body = self._mail(contents) if method == "EMAIL" else self._rendered(method, contents, "text")
            # an empty message is the template's way to say that there is nothing to tell
            if body:
                attached = document_ids if method == "EMAIL" else []
                messages.append(Message(method, subject, body, attached, self.meta_data["unsubscribe_url"]))
        send_data = self._send_data()
        # one template may have failed for text and for html
        return Composition(messages, send_data, list(dict.fromkeys(self.notes)))

    def _methods(self) -> tuple[str, ...]:
        possible = current.msg.MSG_CONTACT_OPTS
        methods = tuple(method for method in dict.fromkeys(self.subscription.method) if method in possible)
        refused = [method for method in self.subscription.method if method not in possible]
        reason = f"Messages cannot be sent by {', '.join(refused)}."
        if not methods:
            raise S3DeliveryError(reason)
        if refused:
            self.notes.append(reason)
        return methods

    def _attempt(self, what: str, function: Callable[[], Any], default: Any = None) -> Any:
        return attempt(what, function, default, self.notes)

    # -- contents ------------------------------------------------------------------------------------------------------
    def _contents(self, formats: list[str]) -> dict[str, dict[str, Any]]:
        """{format: variables of the template}; text is always among them."""
        hook = self.resource.get_config("notify_renderer") or self.settings.get_msg_notify_renderer()
        made: dict[str, dict[str, Any]] = {}
        if hook:
            for name in formats:
                contents = self._attempt(f"notify_renderer for {name}", partial(self._call_renderer, hook, name))
                if contents is not None:
                    made[name] = contents
        if "text" not in made:
            made = {name: self.default_renderer(self.resource, self.data, self.meta_data, name) for name in formats}
        return made

    def _call_renderer(self, hook: Renderer, name: str) -> dict[str, Any]:
        contents = self._call(hook, name)
        if not isinstance(contents, dict):
            raise TypeError(f"a dict is expected, not {contents!r}")
        return contents

    def _call(self, hook: Callable[..., Any], *args: Any) -> Any:
        """Call a hook with meta data of its own: it may change them as it likes."""
        return hook(self.resource, self.data, dict(self.meta_data), *args)

    # -- texts ---------------------------------------------------------------------------------------------------------
    def _subject(self) -> str:
        for source in self._subjects():
            if callable(source):
                template = self._attempt("notify_subject", partial(self._call, source))
            else:
                template = source
            if template:
                return subject_line(template, self.meta_data)
        return subject_line(self.settings.default_notify_subject(), self.meta_data)

    def _subjects(self) -> Iterator[Any]:
        yield self.resource.get_config("notify_subject")
        yield self.settings.get_msg_notify_subject()

    def _mail(self, contents: dict[str, dict[str, Any]]) -> str | tuple[str, str]:
        """The body of the mail: text, html, or both as alternatives."""
        text = self._rendered("EMAIL", contents, "text")
        html = self._rendered("EMAIL", contents, "html") if "html" in contents else text
        if not html:
            return ""
        if not is_html(html):
            # a template without format, whose values must not hold markup; or one for html that is none
            if "html" in contents and html != text and html.lstrip().startswith("<"):
                self.notes.append("The html template of mails does not begin with <html or end with </html>: only text is sent.")
            return text
        html = self._attempt("Reading the style sheet of the message", partial(inline_styles, html), html)
        return html if not text or is_html(text) else (text, html)

    def _rendered(self, method: str, contents: dict[str, dict[str, Any]], name: str) -> str:
        text = render_message(self.prefix, method, name if method == "EMAIL" else None, contents[name], name, self.notes)
        return notice(self.meta_data) if text is None else text

    # -- other hooks ---------------------------------------------------------------------------------------------------
    def _attachments(self) -> list[int]:
        hook = self.settings.get_msg_notify_attachment() if self.subscription.attachment else None
        return self._attempt("notify_attachment", partial(self._find_documents, hook), []) if hook else []

    def _find_documents(self, hook: Callable[..., Any]) -> list[int]:
        wanted = [int(item) for item in self._call(hook) or ()]
        table = current.s3db.table("doc_document", db_only=True) if wanted else None
        if table is None:
            return []
        rows = current.db(table.id.belongs(wanted) & (table.deleted == False)).select(table.id)  # noqa: E712
        found = {row.id for row in rows}
        missing = [str(document_id) for document_id in wanted if document_id not in found]
        if missing:
            self.notes.append(f"notify_attachment: there is no document {', '.join(missing)}.")
        return [document_id for document_id in wanted if document_id in found]

    def _send_data(self) -> dict[str, Any]:
        hook = self.settings.get_msg_notify_send_data()
        if not callable(hook):
            return {}
        given = self._attempt("notify_send_data", lambda: dict(self._call(hook) or {}), {})
        # it adds keywords for the hook after composing, and decides nothing about the message itself
        return {key: value for key, value in given.items() if isinstance(key, str) and key not in RESERVED_SEND_DATA}
