"""What strangers send to the running server to make it send mails, or to read as somebody else (E8, E12; X1-X3, X51, S1-S6).

A real web server process. After each attempt nothing was composed, no watermark moved, no session and no error ticket was written.
"""
from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import http.client
import json
import os
import secrets
import socket
import threading
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cast
import pytest
from harness import App

from launcher.instance import create_instance
from launcher.network import free_port, wait_for_port
from launcher.postgres import start_postgres
from launcher.processes import Supervisor, launcher_command

pytestmark = pytest.mark.acceptance

HEADER = "X-S3-Subscription"
PAGE = "/cms/post"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


class Server:
    """The running server, and its database from behind."""

    def __init__(self, app: App, port: int, lines: list[str]) -> None:
        self.app = app
        self.port = port
        self.lines = lines

    # -- what a stranger can do ----------------------------------------------------------------------------------------
    def send(self, path: str = PAGE, token: str | None = None, method: str = "POST", query: str = "format=msg", body: bytes = b"{}",
             headers: dict[str, str] | None = None) -> Answer:
        """Send a request; path and query as they are. Without an answer the status is 0."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Content-Type": "application/json", **({HEADER: token} if token is not None else {}), **(headers or {})}
        try:
            connection.request(method, f"/{self.app.name}{path}" + (f"?{query}" if query else ""), body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read().decode("latin-1"))
        except (ConnectionError, http.client.HTTPException):
            return Answer(0, {}, "")
        finally:
            connection.close()

    def send_raw(self, data: bytes) -> bytes:
        """Send bytes and no more; gives all that the server has to say to them."""
        answer = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            # a server that has heard enough may hang up meanwhile
            with contextlib.suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(10)
                while chunk := connection.recv(65536):
                    answer += chunk
        return answer

    # -- what is behind ------------------------------------------------------------------------------------------------
    def subscribe(self, who: str = "anna", resource: str = "cms_post", url: str = "cms/post") -> int:
        """A subscription with something to tell; gives the id of the subscribed resource."""
        with self.app.env() as current:
            current.auth.override = True
            s3db = current.s3db
            subscription_id = s3db.pr_subscription.insert(
                pe_id=self.app.people[who].pe_id, notify_on=["new", "upd"], frequency="immediately", method=["EMAIL"])
            resource_id = int(s3db.pr_subscription_resource.insert(subscription_id=subscription_id, resource=resource, url=url))
            current.db.commit()
            values = {"name": "News", "body": "Body"} if resource == "cms_post" else {"name": f"News {secrets.token_hex(4)}"}
            s3db.resource(resource).insert(**values)
            current.db.commit()
        return resource_id

    def token(self, resource_id: int) -> str:
        """As notify makes it before its request."""
        with self.app.env() as current:
            from s3.s3datetime import utcnow
            from s3.s3notify import release, tokens

            lease = release.take([resource_id], utcnow())
            token = tokens.issue(resource_id, lease, utcnow())
            current.db.commit()
        return token

    def change(self, tablename: str, record_id: int, **values: Any) -> None:
        with self.app.env() as current:
            table = current.db.auth_user if tablename == "auth_user" else current.s3db[tablename]
            current.db(table.id == record_id).update_naive(**values)
            current.db.commit()

    def subscription_of(self, resource_id: int) -> int:
        with self.app.env() as current:
            return int(current.s3db.pr_subscription_resource[resource_id].subscription_id)

    def state(self) -> Any:
        """Whatever an attempt must not change."""
        with self.app.env() as current:
            s3db, db = current.s3db, current.db
            watched = s3db.pr_subscription_resource
            positions = [(row.id, row.last_position, row.next_check_time) for row in db(watched.id > 0).select(orderby=watched.id)]
            counts = [db(s3db[name].id > 0).count() for name in ("msg_outbox", "msg_email", "pr_subscription_ledger")]
            counts.append(db(s3db.cms_post.deleted == False).count())
        return positions, counts, self.files()

    def files(self) -> list[str]:
        """Tickets and sessions."""
        return sorted(str(path) for name in ("errors", "sessions") for path in (self.app.folder / name).rglob("*") if path.is_file())

    def recipients(self) -> list[int]:
        with self.app.env() as current:
            outbox = current.s3db.msg_outbox
            return [row.pe_id for row in current.db(outbox.id > 0).select(outbox.pe_id, orderby=outbox.id)]


@contextlib.contextmanager
def serving(kind: str, web2py_folder: Path, folder: Path) -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        uri = "sqlite://storage.db"
        if kind == "postgresql":
            postgres = start_postgres(folder)
            stack.callback(postgres.stop)
            uri = postgres.uri
        port = free_port()
        instance = create_instance(
            web2py_folder, app=f"intruders_{kind}", database_uri=uri, template="default", public_url=f"http://127.0.0.1:{port}",
            mail_sender="alerts@example.com", security_policy=5,
        )  # fmt: skip
        app = App(instance.app_folder, instance.app, kind)
        app.clean()
        lines: list[str] = []
        supervisor = Supervisor(write=lines.append)
        stack.callback(supervisor.stop)
        supervisor.start("web", launcher_command("webserver", str(instance.folder), instance.app, str(port)))
        assert wait_for_port(port, 60), lines
        yield Server(app, port, lines)


@pytest.fixture(scope="module")
def running(web2py_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving("sqlite", web2py_folder, tmp_path_factory.mktemp("intruders")) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Server:
    running.app.clean()
    # of pages that tests have opened
    for path in running.files():
        os.remove(path)
    return running


@pytest.fixture
def pending(server: Server) -> int:
    return server.subscribe()


@pytest.fixture
def untouched(server: Server, pending: int) -> Iterator[None]:
    """Nothing has changed when the test is over."""
    before = server.state()
    yield
    assert server.state() == before


@pytest.fixture
def token(server: Server, pending: int) -> str:
    return server.token(pending)


def test_the_server_serves_whoever_has_the_token(server, pending, token):
    """Otherwise the refusals below would prove nothing."""
    answer = server.send(token=token)

    assert answer.status == 200 and json.loads(answer.text)["new"] == 1
    assert "set-cookie" not in answer.headers
    assert server.recipients() == [server.app.people["anna"].pe_id]
    assert server.files() == []


# -- forged tokens -----------------------------------------------------------------------------------------------------
FORGED = {
    "none": lambda token: None,
    "empty": lambda token: "",
    "blank": lambda token: "   ",
    "guessed": lambda token: secrets.token_urlsafe(32),
    "cut": lambda token: token[:-1],
    "longer": lambda token: token + "A",
    "other case": lambda token: token.swapcase(),
    "its hash": lambda token: hashlib.sha256(token.encode()).hexdigest(),
    "wildcards": lambda token: "%" * len(token),
    "SQL": lambda token: "' OR auth_token IS NOT NULL --",
    "not ASCII": lambda token: "\xe4\xf6\xfc\xff" * 8,
    "the word None": lambda token: "None",
    "twice in one header": lambda token: f"{token}, {token}",
    "40 kB": lambda token: "x" * 40_000,
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
@pytest.mark.parametrize("where", ["header", "URL"])
def test_a_forged_token_is_refused(server, token, forge, where):
    forged = forge(token)
    if where == "header":
        answer = server.send(token=forged)
    else:
        variable = "" if forged is None else "&" + urllib.parse.urlencode({"subscription": forged}, encoding="latin-1")
        answer = server.send(query="format=msg" + variable)

    # what is too long for a header or a URL does not get as far as the application
    assert answer.status == 401 or (answer.status in (0, 400, 414, 431, 413) and len(forged or "") > 8000), answer


@pytest.mark.usefixtures("untouched")
def test_several_tokens_in_the_url_are_none(server, token):
    assert server.send(query=f"format=msg&subscription={token}&subscription=guessed").status == 401


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("size", [200_000, 3_000_000])
def test_a_huge_header_does_not_bring_the_server_down(server, size):
    server.send_raw(b"POST /%s/cms/post?format=msg HTTP/1.1\r\nHost: x\r\n%s: %s\r\nContent-Length: 0\r\n\r\n" % (
        server.app.name.encode(), HEADER.encode(), b"x" * size))

    assert server.send(PAGE, "guessed").status == 401


# -- tokens out of place -----------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "smuggle",
    [
        lambda token: {"headers": {"Cookie": f"subscription={token}; {HEADER}={token}"}},
        lambda token: {"headers": {"Authorization": f"Bearer {token}"}},
        lambda token: {"headers": {"Authorization": f"{HEADER} {token}"}},
        lambda token: {"headers": {"X-Subscription": token, "X-S3-Token": token, "X-Forwarded-X-S3-Subscription": token}},
        lambda token: {"headers": {"Referer": f"http://x/?subscription={token}"}},
        lambda token: {"body": json.dumps({"subscription": token, HEADER: token}).encode()},
        lambda token: {"body": urllib.parse.urlencode({"subscription": token, "format": "msg"}).encode(),
                       "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        lambda token: {"path": f"{PAGE}/{token}"},
        lambda token: {"query": f"format=msg&Subscription={token}&token={token}&auth_token={token}"},
    ],
    ids=["cookie", "bearer", "own scheme", "other headers", "referer", "JSON body", "form body", "path", "other variables"],
)  # fmt: skip
def test_a_token_in_another_place_is_none(server, token, smuggle):
    assert server.send(**smuggle(token)).status == 401


def test_a_form_cannot_make_a_request_a_lookup(server, pending, token):
    """The format is that of the URL: a page that takes forms is not turned into the mailer."""
    before = server.state()

    form = urllib.parse.urlencode({"format": "msg", "subscription": token}).encode()
    answer = server.send(query="", body=form, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status in (303, 401, 405)
    assert [state for state in server.state()[:2]] == list(before[:2])


# -- replayed, expired, swapped ----------------------------------------------------------------------------------------
def test_a_replayed_token_is_refused(server, pending, token):
    assert server.send(token=token).status == 200
    after = server.state()

    assert [server.send(token=token).status for _ in range(3)] == [401, 401, 401]
    assert server.state() == after


@pytest.mark.parametrize("attempt", [{"path": "/org/organisation"}, {"method": "GET"}], ids=["wrong page", "wrong verb"])
def test_a_token_that_was_tried_in_vain_is_spent(server, pending, token, attempt):
    assert server.send(token=token, **attempt).status in (401, 405)

    assert server.send(token=token).status == 401
    assert server.recipients() == []


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("column", ["token_expires", "lease_until"])
def test_an_expired_token_is_refused(server, pending, token, column):
    past = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None) - dt.timedelta(seconds=2)
    server.change("pr_subscription_resource", pending, **{column: past})

    assert server.send(token=token).status == 401


def test_swapped_tokens_are_refused(server, pending, token):
    """Both are valid, each for the other's page."""
    other = server.subscribe(resource="org_organisation", url="org/organisation")
    other_token = server.token(other)
    before = server.state()

    assert server.send("/org/organisation", token).status == 401
    assert server.send(PAGE, other_token).status == 401
    assert server.state() == before


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path", ["/cms/series", "/org/office", "/pr/person", "/pr/subscription", "/msg/outbox", "/event/event", "/default/index",
             "/default/user/login", "/cms/post/1", "/cms/post/read", "/cms/post/1/comment", "/cms/nothing"])  # fmt: skip
def test_other_tables_and_pages_are_closed_to_a_token(server, token, path):
    assert server.send(path, token).status in (401, 404)


def test_two_tokens_of_one_page_are_not_mixed_up(server, pending, token):
    """Ben may not read posts: with his own token he gets nothing, and anna's is no help to him."""
    bens = server.subscribe("ben")

    assert server.send(token=server.token(bens)).status == 403
    assert server.recipients() == []
    assert server.send(token=token).status == 200
    assert server.recipients() == [server.app.people["anna"].pe_id]


def test_one_of_many_at_the_same_time_uses_a_token(server, pending, token):
    assert use_at_the_same_time(server, token) == {200: 1, 401: 7}
    assert server.recipients() == [server.app.people["anna"].pe_id]


def test_one_of_many_uses_a_token_on_postgresql_too(web2py_folder, tmp_path):
    with serving("postgresql", web2py_folder, tmp_path) as server:
        token = server.token(server.subscribe())

        assert use_at_the_same_time(server, token) == {200: 1, 401: 7}
        assert server.recipients() == [server.app.people["anna"].pe_id]
        assert [server.send(token=forge(token)).status for forge in FORGED.values() if len(forge(token) or "") < 8000] == [401] * 13


def use_at_the_same_time(server: Server, token: str) -> Counter[int]:
    """The statuses of eight requests with one token."""
    barrier, statuses = threading.Barrier(8), Counter()

    def use() -> None:
        barrier.wait()
        statuses[server.send(token=token).status] += 1

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("end", [{"deleted": True}, {"suspended": True}, {"frequency": "never"}], ids=["deleted", "suspended", "never"])
def test_a_token_of_an_ended_subscription_is_refused(server, pending, token, end):
    server.change("pr_subscription", server.subscription_of(pending), **end)

    assert server.send(token=token).status == 401


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("state", ["disabled", "blocked", "pending", "verify:0123456789abcdef"])
def test_a_token_of_an_inactive_account_is_refused(server, token, state):
    server.change("auth_user", server.app.people["anna"].user_id, registration_key=state)

    assert server.send(token=token).status == 403


# -- verbs -------------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "post", "LOOKUP"])
@pytest.mark.parametrize("path", [PAGE, "/cms/post/1"])
def test_other_verbs_do_nothing(server, token, method, path):
    answer = server.send(path, token, method)

    assert answer.status in (0, 400, 401, 405, 501), answer
    assert "News" not in answer.text


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_verb_in_a_header_does_not_count(server, token, name):
    assert server.send(token=token, method="GET", headers={name: "POST"}).status == 405


# -- addresses ---------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "path",
    ["/org/organisation/../../cms/post", "/cms/post/..", "/cms/post/../series", "/cms/post/%2e%2e", "/cms/post/%2e%2e%2fseries",
     "/cms/%2e%2e/cms/post", "/cms/post%2f..%2fseries", "/cms/post/..%252fseries", "/cms/post%00", "/cms/post/%00", "/cms/post/\\..",
     "/cms/post%5c..", "/cms/post;x=1", "/cms/post/;", "/CMS/POST", "/cms/post%20", "/cms/post@evil", "/cms/post/.", "/static/../cms/post",
     "/default/index/../../cms/post", "/cms/post/%c0%ae%c0%ae", "/cms/post/1.msg", "/cms/post/%2e%2e/%2e%2e/%2e%2e/etc/passwd"],
)  # fmt: skip
def test_addresses_with_tricks_are_refused(server, token, path):
    answer = server.send(path, token)

    assert answer.status in (400, 401, 404), answer
    assert "root:" not in answer.text


@pytest.mark.parametrize("url", ["cms/../org/organisation", "../cms/post", "http://evil.example/cms/post", "//evil.example/cms/post",
                                 "cms/post@evil.example", "cms/post/%2e%2e", "cms/post?subscription=x", "cms/post?format=csv"])  # fmt: skip
def test_a_stored_address_with_tricks_is_not_called(server, pending, url):
    """X51: written past all validation, as by an import of the original."""
    from s3 import S3Notifications

    server.change("pr_subscription_resource", pending, url=url)
    with server.app.env() as current:
        current.deployment_settings.msg.notify_lookup_url = f"http://127.0.0.1:{server.port}"
        answer = S3Notifications.notify(pending)
        row = current.s3db.pr_subscription_resource[pending]

    assert "Cannot subscribe to the URL" in str(answer) and row.last_error == answer and row.auth_token is None
    assert server.recipients() == []


# -- bodies and headers ------------------------------------------------------------------------------------------------
BODIES = {
    "recipient": lambda pe_id: json.dumps({"pe_id": pe_id, "method": ["SMS", "EMAIL"], "notify_on": ["upd"]}).encode(),
    "recipients": lambda pe_id: json.dumps({"pe_id": [pe_id] * 1000, "resource": "auth_user", "url": "pr/person"}).encode(),
    "phishing": lambda pe_id: json.dumps({"page_url": "https://evil.example", "filter_query": "https://evil.example"}).encode(),
    "template": lambda pe_id: json.dumps({"method": ["../../../etc/passwd"], "email_format": "../x"}).encode(),
    "no JSON": lambda pe_id: b"{" * 1000,
    "deep": lambda pe_id: b"[" * 100_000,
    "no UTF-8": lambda pe_id: b"\xff\xfe\x00",
    "a list": lambda pe_id: b"[1, 2]",
    "big": lambda pe_id: b'{"x": "' + b"x" * 3_000_000 + b'"}',
}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_a_foreign_body_opens_nothing(server, body, content_type):
    """X3, spec 02, 2.3: nor does the login of whoever is made to send it."""
    data = body(server.app.people["ben"].pe_id)
    headers = {"Content-Type": content_type, "Origin": "https://evil.example"}

    assert server.send(body=data, headers=headers).status in (400, 401)
    assert server.send(body=data, headers={**headers, "Authorization": basic("admin")}).status in (400, 401)


@pytest.mark.parametrize("body", [BODIES[name] for name in ("recipient", "recipients", "phishing", "template", "no JSON", "a list")],
                         ids=["recipient", "recipients", "phishing", "template", "no JSON", "a list"])  # fmt: skip
def test_a_foreign_body_beside_a_token_decides_nothing(server, pending, token, body):
    answer = server.send(token=token, body=body(server.app.people["ben"].pe_id))

    assert answer.status == 200
    assert server.recipients() == [server.app.people["anna"].pe_id]
    with server.app.env() as current:
        [mail] = current.db(current.s3db.msg_email.id > 0).select()
    assert "evil.example" not in f"{mail.subject}{mail.body}"
    assert server.files() == []


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "headers",
    [{"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}, {"Forwarded": "for=127.0.0.1;host=localhost"},
     {"X-Real-IP": "127.0.0.1"}, {"X-Client-IP": "127.0.0.1", "X-Forwarded-Host": "localhost"}, {"Host": "evil.example"},
     {"X-Original-URL": "/cms/series", "X-Rewrite-URL": "/cms/series"}, {"Via": "1.1 proxy", "X-Forwarded-Proto": "https"}],
    ids=lambda headers: next(iter(headers)),
)  # fmt: skip
def test_forwarded_headers_stand_for_no_token(server, headers):
    assert server.send(headers=headers).status in (400, 401)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("name", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Script-Name"])
def test_an_address_in_a_header_does_not_count(server, token, name):
    assert server.send("/org/organisation", token, headers={name: f"/{server.app.name}{PAGE}"}).status == 401


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("query", ["format=MSG", "format=msg&format=msg", "format=json&format=msg", "format=msg%00", "FORMAT=x&format=Msg"])
@pytest.mark.parametrize("who", [None, "admin"])
def test_no_spelling_of_the_format_gets_around_the_token(server, query, who):
    headers = {"Authorization": basic(who)} if who else {}

    # an administrator's JSON is refused for what is missing in it; nobody's for the login
    assert server.send(query=query, headers=headers).status in (400, 401, 405, 415)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Length: 200\r\n",
        b"Transfer-Encoding: xchunked\r\nContent-Length: 2\r\n",
        b"X-A: b\r\n X-S3-Subscription: %s\r\nContent-Length: 2\r\n",
        b"X-A: b\nX-B: %s\r\nContent-Length: 2\r\n",
        b"X-S3-Subscription : guessed\r\nContent-Length: 2\r\n",
    ],
    ids=["length and chunks", "chunks and length", "two lengths", "unknown encoding", "folded", "bare line feed", "blank before the colon"],
)
def test_smuggled_requests_compose_nothing(server, token, headers):
    """A second request in the body of the first; neither has a token that counts."""
    page = f"/{server.app.name}{PAGE}?format=msg".encode()
    inner = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" % page
    filled = headers.replace(b"%s", token.encode()) if b"%s" in headers else headers

    answer = server.send_raw(b"POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n{}0\r\n\r\n%s" % (page, filled, inner))

    assert b" 200 " not in answer


# -- what is left behind -----------------------------------------------------------------------------------------------
def test_a_token_is_written_nowhere(server, pending, token):
    """S1: not in a log, a ticket, a session or the database, whether it came in the header or in the URL."""
    server.send(token=token)
    again = server.subscribe()
    in_url = server.token(again)
    assert server.send(query=f"format=msg&subscription={in_url}").status == 200
    server.send("/default/index", server.token(server.subscribe()))

    everything = "\n".join(server.lines)
    for path in [*server.app.folder.rglob("*"), *server.app.folder.parents[1].glob("*.log")]:
        if path.is_file() and not path.is_symlink():
            everything += path.read_bytes().decode("latin-1")

    assert token not in everything and in_url not in everything


@pytest.mark.usefixtures("untouched")
def test_a_session_is_neither_used_nor_made(server, token):
    """The reader's own session stays what it is: no logout, no login by a look-up that fails."""
    answer = server.send("/org/organisation", token, headers={"Cookie": f"session_id_{server.app.name}=127.0.0.1-{secrets.token_hex(16)}"})

    assert answer.status == 401 and "set-cookie" not in answer.headers


def basic(who: str) -> str:
    return "Basic " + base64.b64encode(f"{cast.PEOPLE[who][2]}:{cast.PASSWORD}".encode()).decode()
