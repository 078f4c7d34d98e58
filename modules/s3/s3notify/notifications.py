"""S3Notifications: the table of contents of the framework, one method for each step of the straight line."""
from __future__ import annotations

import datetime as dt
import time
from typing import Any

from gluon import current

from s3.s3datetime import utcnow
from s3.s3error import S3Error, S3LookupError, S3PermissionError, S3TokenError
from s3.s3notify import check, deliver, extract, lookup, release, render, tokens
from s3.s3notify.messages import Composition, compose_messages
from s3.s3notify.records import Answer, Lookup, Subscription, Updates, find_subscription
from s3.s3notify.refusal import refuse, refuse_token
from s3.s3notify.unsubscribe import unsubscribe_page
from s3.s3urls import check_subscription_url

__all__ = ("S3Notifications",)

# Look-ups that are under way at the same time in one task
CONCURRENCY = 4
# A task stops to begin further look-ups after this many seconds; what is left is claimed again
BATCH_SECONDS = 240


class S3Notifications:
    """Subscriptions: check what is due, look it up as the subscriber, send what is new.

    Source: Eden s3notify.py S3Notifications
    """

    # -- in the worker -------------------------------------------------------------------------------------------------
    @classmethod
    def check_subscriptions(cls) -> str:
        """Claim every subscribed resource that is due and may have updates, and queue their look-ups.

        Gives a text for the task log. Commits: the claims must be visible to other workers before their tasks are queued.
        """
        claim = check.claim_due(utcnow())
        current.db.commit()  # claims and sweep; dying after this lets the claims expire, and the next check takes them
        ids = claim.resource_ids
        settings = current.deployment_settings
        batch = settings.get_msg_notify_batch()
        # whoever begins a look-up at the last moment must be able to end it
        timeout = BATCH_SECONDS + settings.get_msg_notify_lookup_timeout() + 60
        for start in range(0, len(ids), batch):
            current.s3task.run_async("notify_notify", args=[ids[start : start + batch]], vars={"lease": claim.lease}, timeout=timeout)
        current.db.commit()  # the tasks must be visible to the scheduler's ticker
        message = f"{len(ids)} notifications scheduled." if ids else "No notifications to schedule."
        current.log.debug(message)
        return message

    @classmethod
    def _subscriptions(cls, now: dt.datetime | None = None) -> list[int]:
        """Ids of the subscribed resources that are due and may have updates."""
        return check.find_due(now or utcnow())

    @classmethod
    def notify(cls, resource_id: int, lease: str | None = None) -> str | bool:
        """Look up one subscribed resource; gives the answer's message, or True if there is nothing to look up (any more).

        Args:
            resource_id: of pr_subscription_resource
            lease: of the check that claimed the row; without one, the row is claimed now if it is free
        """
        return cls.notify_batch([resource_id], lease)[resource_id]

    @classmethod
    def notify_batch(cls, resource_ids: list[int], lease: str | None = None) -> dict[int, str | bool]:
        """Look up several subscribed resources; each has its own token, request, transaction and result.

        A bad one never touches its neighbours. Stops when the web server does not answer at all, or when time is up; what
        is left is free for the next check. Commits.
        """
        lease = lease or release.take(resource_ids, utcnow())
        results: dict[int, str | bool] = {}
        composed: set[str] = set()
        started = time.monotonic()
        for begin in range(0, len(resource_ids), CONCURRENCY):
            chunk = resource_ids[begin : begin + CONCURRENCY]
            answers = cls._look_up(chunk, lease)
            results.update({key: answer if isinstance(answer, bool) else answer.message for key, answer in answers.items()})
            composed |= {method for answer in answers.values() if isinstance(answer, Answer) for method in answer.methods}
            if _nobody_answers(answers) or time.monotonic() - started > BATCH_SECONDS:
                release.give_back(resource_ids[begin + CONCURRENCY :], lease)
                break
        for method in sorted(composed):
            current.s3task.wake("msg_process_outbox", [method])
        current.db.commit()  # the ticker must see that the outbox is due
        return results

    @classmethod
    def _look_up(cls, resource_ids: list[int], lease: str) -> dict[int, Answer | bool]:
        answers: dict[int, Answer | bool] = {}
        requests: dict[int, lookup.Request] = {}
        for resource_id in resource_ids:
            try:
                request = cls._prepare(resource_id, lease)
            except Exception as error:  # each row is a task of its own: what is wrong with one must not touch the others
                current.db.rollback()
                answers[resource_id] = cls._failure(resource_id, error)
            else:
                current.db.commit()  # the web server must see the token
                if request is None:
                    answers[resource_id] = True
                else:
                    requests[resource_id] = request
        if requests:
            answers.update(zip(requests, lookup.post_all(list(requests.values())), strict=True))
        for resource_id, answer in answers.items():
            release.finish(resource_id, lease, answer, utcnow())
            current.db.commit()  # one row's result must not depend on the next one's
        return answers

    @staticmethod
    def _failure(resource_id: int, error: Exception) -> Answer:
        """What the row is to say of an error before its request."""
        if isinstance(error, S3Error):
            return Answer(message=str(error), status=400)
        current.log.exception(f"Subscribed resource {resource_id} cannot be looked up")
        return Answer(message=f"{type(error).__name__}: {error}", status=500)

    @classmethod
    def _prepare(cls, resource_id: int, lease: str) -> lookup.Request | None:
        """The request for one row; None if the row is not ours any more, or has nobody to notify."""
        settings, now = current.deployment_settings, utcnow()
        timeout = settings.get_msg_notify_lookup_timeout()
        subscription = find_subscription(current.s3db.pr_subscription_resource.id == resource_id)
        if subscription is None or subscription.lease_owner != lease:
            return None
        if not subscription.pe_id:
            raise S3LookupError("The subscription has nobody to notify.", subscription_id=subscription.subscription_id)
        check.subscribable_table(subscription.resource)
        check_subscription_url(subscription.url)
        filters = _lookup_filters(subscription)
        try:
            token = tokens.issue(resource_id, lease, now, until=now + dt.timedelta(seconds=timeout + 60))
        except S3TokenError:
            return None
        return lookup.build_request(
            settings.get_msg_notify_lookup_url(), current.request.application, subscription, filters, token,
            settings.get_msg_notify_connect_timeout(), timeout,
        )  # fmt: skip

    # -- in the web server ---------------------------------------------------------------------------------------------
    @classmethod
    def authorise(cls) -> None:
        """Turn this request into the subscriber's, if it brings a valid token; refuse it otherwise.

        To be called by the models for every request of format ``msg``, before anything is read. Stores no session.

        Raises:
            HTTP: 401 for a token that is not valid (429 after many of them), 403 for a subscriber who may not log in
        """
        request, auth = current.request, current.auth
        current.session.forget(current.response)
        token = request.env.http_x_s3_subscription or request.get_vars.get(tokens.PARAMETER)
        path = [request.controller, request.function, *(part for part in (request.raw_args or "").split("/") if part)]
        try:
            granted = tokens.consume(token if isinstance(token, str) else None, path, utcnow())
            user_id = auth.s3_get_user_id(pe_id=granted.subscription.pe_id)
            auth.s3_impersonate(user_id)
        except S3TokenError as error:
            raise refuse_token(str(error), token) from error
        except (S3PermissionError, ValueError) as error:
            raise refuse(403, str(error)) from error
        try:
            tokens.set_lookup_parameters(granted.subscription, _lookup_filters(granted.subscription))
        except S3Error as error:
            raise refuse(400, str(error)) from error
        current.response.s3.lookup = granted

    @classmethod
    def send(cls, r: Any, resource: Any) -> str:
        """Compose the messages of this look-up; gives the JSON answer for the worker.

        Everything that counts is read from the database by the token that was consumed; the request's body decides nothing.

        Args:
            r: S3Request, of format ``msg``
            resource: S3Resource with the controller's, the URL's and the permission filters
        """
        granted: Lookup | None = current.response.s3.lookup
        if granted is None:
            raise refuse(401, "A look-up needs a token.")
        json_message = current.xml.json_message
        subscription = granted.subscription
        if not subscription.notify_on or not subscription.method:
            return json_message(message="No notifications configured for this subscription.")
        now = utcnow()
        max_records = current.deployment_settings.get_msg_notify_max_records()
        try:
            updates = extract.extract_updates(resource, subscription, max_records)
            composition = cls._compose(resource, subscription, updates) if updates.total else Composition()
            message_ids = deliver.compose(granted, composition.messages, updates, composition.send_data, now)
        except S3TokenError as error:
            current.db.rollback()
            raise refuse(409, str(error)) from error
        except S3Error as error:
            current.db.rollback()
            raise refuse(400, str(error)) from error
        current.db.commit()  # the round is done, whatever a hook of the deployment does from here on
        for message_id in message_ids:
            current.msg.postprocess(message_id, **composition.send_data)
        text = "Success" if updates.total else "No records found"
        methods = [message.method for message in composition.messages]
        return json_message(message=text, new=updates.new, updated=updates.updated, methods=methods, notes=composition.notes)

    #: the page that the link of a message leads to
    unsubscribe = staticmethod(unsubscribe_page)

    @classmethod
    def _compose(cls, resource: Any, subscription: Subscription, updates: Updates) -> Composition:
        return compose_messages(resource, subscription, updates, _lookup_filters(subscription), cls._render)

    @classmethod
    def _render(cls, resource: Any, data: Any, meta_data: dict[str, Any], format: str | None = None) -> dict[str, Any]:
        """Default pre-renderer, see ``render.render_contents``."""
        return render.render_contents(resource, data, meta_data, format)


def _lookup_filters(subscription: Subscription) -> list[tuple[str, str]]:
    """The saved filter as URL parameters, each with the alias of the resource it belongs to."""
    pairs = subscription.filters
    if not pairs:
        return []
    resource = current.s3db.resource(subscription.resource)
    return [(resource.prefix_selector(key), value) for key, value in pairs]


def _nobody_answers(answers: dict[int, Answer | bool]) -> bool:
    """Is the web server itself down? Then the rest of the batch can only fail the same way."""
    tried = [answer for answer in answers.values() if isinstance(answer, Answer)]
    return bool(tried) and all(answer.status is None for answer in tried)
