"""The look-up request, and what its answer means."""
from __future__ import annotations

import datetime as dt
import json
import socket
import threading
from urllib.parse import parse_qsl, urlsplit

import pytest


def subscription(**values):
    from s3.s3notify.records import Subscription

    settings = {
        "id": 5, "subscription_id": 3, "pe_id": 42, "notify_on": ("new", "upd"), "frequency": "daily", "method": ("EMAIL",),
        "email_format": None, "attachment": False, "resource": "cap_alert", "url": "cap/alert?scope=all",
        "last_check_time": dt.datetime(2026, 3, 1, 6, 0, 0), "next_check_time": None, "last_position": 7, "lease_owner": "me",
        "attempts": 0, "filter_query": None,
    }  # fmt: skip
    return Subscription(**{**settings, **values})


def query_of(url):
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def test_request_carries_every_filter_the_time_and_the_own_query_of_the_url():
    from s3.s3notify.lookup import lookup_url

    url = lookup_url("https://relief.example", "eden", subscription(), [("~.scope__belongs", "Public,Restricted"), ("~.status", "Actual")])

    assert url.startswith("https://relief.example/eden/cap/alert?")
    assert query_of(url) == [
        ("scope", "all"),
        ("format", "msg"),
        ("~.modified_on__ge", "2026-03-01T06:00:00Z"),
        ("~.scope__belongs", "Public,Restricted"),
        ("~.status", "Actual"),
    ]


def test_two_values_for_one_filter_are_two_parameters():
    from s3.s3notify.lookup import lookup_url

    url = lookup_url("http://x", "eden", subscription(), [("~.name__like", "*a*"), ("~.name__like", "*b*")])

    assert [value for key, value in query_of(url) if key == "~.name__like"] == ["*a*", "*b*"]


def test_subscriber_of_new_records_only_asks_by_creation_time():
    assert subscription(notify_on=("new",)).time_filter == ("~.created_on__ge", "2026-03-01T06:00:00Z")


def test_token_is_in_the_header_and_neither_in_the_url_nor_in_the_body():
    from s3.s3notify.lookup import build_request

    request = build_request("http://x", "eden", subscription(), [], "secret-token", 5, 240)

    assert request.token == "secret-token"
    assert "secret-token" not in request.url
    assert b"secret-token" not in request.body


@pytest.mark.parametrize("query", ["not json", "{}x", '[["a"]]', '[["a", "b", "c"]]', "7"])
def test_a_broken_filter_is_an_error_and_not_an_empty_filter(query):
    from s3.s3error import S3FilterValueError

    with pytest.raises(S3FilterValueError):
        subscription(filter_query=query).filters  # noqa: B018


def test_filter_values_that_are_not_set_are_left_out():
    assert subscription(filter_query='[["a", null], ["b", "1"]]').filters == [("b", "1")]


@pytest.mark.parametrize(
    ("status", "body", "success", "message"),
    [
        (200, {"status": "success", "statuscode": "200", "message": "Success"}, True, "Success"),
        (200, {"status": "failed", "statuscode": "403", "message": "No"}, False, "No"),
        (401, {"status": "failed", "statuscode": "401", "message": "The token is unknown"}, False, "HTTP 401: The token is unknown"),
        # a proxy's or a login page's answer is none of ours
        (200, "<html>Welcome</html>", False, "HTTP 200: <html>Welcome</html>"),
        (303, "", False, "HTTP 303: "),
        (200, [], False, "HTTP 200: []"),
    ],
)
def test_reading_an_answer(status, body, success, message):
    from s3.s3notify.lookup import read_answer

    text = body if isinstance(body, str) else json.dumps(body)
    answer = read_answer(status, text.encode())

    assert (answer.success, answer.message, answer.status) == (success, message, status)


def test_a_server_that_is_down_is_an_answer_without_status():
    from s3.s3notify.lookup import Request, post

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    answer = post(Request(f"http://127.0.0.1:{port}/eden/cms/post?format=msg", "t", b"{}", 1, 1))

    assert answer.status is None
    assert not answer.success
    assert "ConnectionRefusedError" in answer.message


def test_a_server_that_does_not_answer_is_given_up():
    from s3.s3notify.lookup import Request, post

    with socket.create_server(("127.0.0.1", 0)) as silent:
        accepted: list[object] = []
        threading.Thread(target=lambda: accepted.append(silent.accept()), daemon=True).start()
        port = silent.getsockname()[1]
        answer = post(Request(f"http://127.0.0.1:{port}/eden/cms/post?format=msg", "t", b"{}", 1, 0.2))

    assert answer.status is None
    assert "timed out" in answer.message.lower()


def test_a_server_that_trickles_its_answer_is_given_up_in_time():
    """The time-out is for the whole answer: each byte alone would come in time."""
    from s3.s3notify.lookup import Request, post

    ended = threading.Event()

    def trickle(listener):
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\n")
            for number in range(600):
                if ended.wait(0.05):
                    return
                try:
                    client.sendall(b"X-%d: y\r\n" % number)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=trickle, args=[listener], daemon=True)
        server.start()
        answer = post(Request(f"http://127.0.0.1:{listener.getsockname()[1]}/eden/cms/post?format=msg", "t", b"{}", 1, 0.3))
        still_trickling = server.is_alive() or not ended.is_set()
        ended.set()
        server.join(10)

    assert answer.status is None and "timed out" in answer.message
    assert still_trickling
