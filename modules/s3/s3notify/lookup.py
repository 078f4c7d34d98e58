"""The look-up request: from the worker to the subscribed controller, as an HTTP POST with a token.

Comes after ``check``; the other end is ``S3Notifications.send``. The only place of this package that touches the network.
"""
from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from s3.s3notify.records import Answer, Subscription
from s3.s3notify.tokens import HEADER

__all__ = ("Request", "build_request", "page_url", "post", "post_all")

MAX_ANSWER = 1_000_000


@dataclass(frozen=True)
class Request:
    """What the worker posts."""

    url: str
    token: str
    body: bytes
    #: seconds
    connect_timeout: float
    timeout: float


def page_url(base_url: str, application: str, subscription: Subscription) -> str:
    """The address of the subscribed list, as a person would open it."""
    return f"{base_url}/{application}/{subscription.url}"


def lookup_url(base_url: str, application: str, subscription: Subscription, filters: Iterable[tuple[str, str]]) -> str:
    """The address of the list with the filters of the subscription; a repeated filter is a repeated parameter."""
    target = urlsplit(page_url(base_url, application, subscription))
    query = parse_qsl(target.query, keep_blank_values=True)
    query += [("format", "msg"), subscription.time_filter, *filters]
    return target._replace(query=urlencode(query), fragment="").geturl()


def build_request(base_url: str, application: str, subscription: Subscription, filters: Iterable[tuple[str, str]],
                  token: str, connect_timeout: float, timeout: float) -> Request:
    """The complete request. The body is for the information of the controller's hooks; nothing is decided by it."""
    hints = {
        "resource": subscription.resource,
        "notify_on": subscription.notify_on,
        "method": subscription.method,
        "email_format": subscription.email_format,
        "last_check_time": subscription.last_check_time.isoformat(),
        "page_url": page_url(base_url, application, subscription),
    }
    url = lookup_url(base_url, application, subscription, filters)
    return Request(url, token, json.dumps(hints).encode(), connect_timeout, timeout)


def post(request: Request) -> Answer:
    """Make the request. Raises nothing: whatever goes wrong is the answer. Redirects are not followed."""
    target = urlsplit(request.url)
    connection = _connection(target.scheme, target.hostname or "", target.port, request.connect_timeout)
    headers = {"Content-Type": "application/json", "Accept": "application/json", HEADER: request.token}
    late, deadline = threading.Event(), None
    try:
        connection.connect()
        connection.sock.settimeout(request.timeout)
        # the time-out of a socket begins anew with every byte: a server that trickles would never be given up
        deadline = threading.Timer(request.timeout, _hang_up, [connection.sock, late])
        deadline.start()
        connection.request("POST", f"{target.path}?{target.query}", body=request.body, headers=headers)
        response = connection.getresponse()
        answer = read_answer(response.status, response.read(MAX_ANSWER))
    except (OSError, http.client.HTTPException) as error:
        answer = Answer(message=f"{type(error).__name__}: {error}")
    finally:
        if deadline is not None:
            deadline.cancel()
        connection.close()
    # once we have hung up, what came is half an answer, or an error that says nothing of the time
    return Answer(message=f"TimeoutError: timed out after {request.timeout:g} seconds") if late.is_set() else answer


def _hang_up(sock: socket.socket, late: threading.Event) -> None:
    late.set()
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _connection(scheme: str, host: str, port: int | None, timeout: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, port, timeout=timeout)


def read_answer(status: int, body: bytes) -> Answer:
    """What the application said; anything but its JSON answer is a failure."""
    text = body.decode("utf-8", "replace")
    try:
        answer = json.loads(text)
        message, success = str(answer["message"]), answer["status"] == "success"
    except (ValueError, KeyError, TypeError):
        return Answer(message=f"HTTP {status}: {text[:200]}", status=status)
    if status != 200:
        return Answer(message=f"HTTP {status}: {message}", status=status)
    methods, notes = (tuple(str(item) for item in answer.get(key) or ()) for key in ("methods", "notes"))
    return Answer(message=message, success=success, status=status, methods=methods, notes=notes)


def post_all(requests: list[Request]) -> list[Answer]:
    """Make all these requests at the same time; gives the answers in the order of the requests."""
    if len(requests) == 1:
        return [post(requests[0])]
    with ThreadPoolExecutor(max_workers=len(requests)) as pool:
        return list(pool.map(post, requests))
