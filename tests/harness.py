"""The application in this process: requests through ``gluon.main.wsgibase``, model environments, a clock, a clean database.

One web2py folder holds one application for each kind of database. Nothing of the application is replaced: the scheduler's
worker is played by calling the tasks, and SMTP by a real server that keeps what it gets.
"""
from __future__ import annotations

import base64
import contextlib
import datetime as dt
import io
import json as jsonlib
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.cookies import SimpleCookie
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import cast
from snapshot import Snapshot

MORNING = dt.datetime(2026, 3, 2, 6, 0, 0)


class Clock:
    """A clock that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> dt.datetime:
        return self.now

    def set(self, now: dt.datetime) -> None:
        self.now = now

    def advance(self, **delta: float) -> dt.datetime:
        self.now += dt.timedelta(**delta)
        return self.now


@dataclass
class Response:
    """The answer to one request."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return jsonlib.loads(self.body)


class App:
    """One application of the test instance."""

    def __init__(self, folder: Path, name: str, kind: str) -> None:
        self.folder = folder
        self.name = name
        #: "sqlite" or "postgresql"
        self.kind = kind
        self.clock = Clock()
        self.people: dict[str, cast.Actor] = {}
        self.smtp: Mailbox | None = None
        self._snapshot: Snapshot | None = None

    # -- requests ------------------------------------------------------------------------------------------------------
    def request(self, path: str, method: str = "GET", *, vars: dict[str, Any] | None = None, data: dict[str, Any] | bytes | None = None,
                json: Any = None, headers: dict[str, str] | None = None, auth: str | None = None, cookies: SimpleCookie | None = None,
                remote_addr: str = "127.0.0.1") -> Response:
        """Run one whole request in a thread of its own, as a web server would.

        Args:
            path: below the application, such as "/cms/post.json"
            data: form fields or raw bytes
            auth: name of an actor, for HTTP Basic
        """
        environ = self._environ(path, method, vars, data, json, headers or {}, auth, cookies, remote_addr)
        return _in_thread(lambda: self._run(environ))

    def _environ(self, path: str, method: str, vars: Any, data: Any, json: Any, headers: dict[str, str], auth: str | None,
                 cookies: SimpleCookie | None, remote_addr: str) -> dict[str, Any]:
        path, _, query = path.partition("?")
        if vars:
            query = "&".join(part for part in (query, urllib.parse.urlencode(vars, doseq=True)) if part)
        body = data if isinstance(data, bytes) else urllib.parse.urlencode(data or {}, doseq=True).encode()
        content_type = "application/x-www-form-urlencoded"
        if json is not None:
            body, content_type = jsonlib.dumps(json).encode(), "application/json"
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": f"/{self.name}{path}", "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8000", "HTTP_HOST": "127.0.0.1:8000", "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": remote_addr, "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.version": (1, 0),
            "CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)),
        }  # fmt: skip
        if auth:
            credentials = f"{cast.PEOPLE[auth][2]}:{cast.PASSWORD}".encode()
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(credentials).decode()
        if cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{key}={morsel.value}" for key, morsel in cookies.items())
        for key, value in headers.items():
            name = key.upper().replace("-", "_")
            environ[name if name in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{name}"] = value
        return environ

    def _run(self, environ: dict[str, Any]) -> Response:
        from gluon.main import wsgibase

        captured: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            captured.update(status=int(status.split()[0]), headers=headers)

        chunks = wsgibase(environ, start_response)
        body = b"".join(chunk if isinstance(chunk, bytes) else chunk.encode() for chunk in chunks)
        cookies = SimpleCookie()
        for key, value in captured["headers"]:
            if key.lower() == "set-cookie":
                cookies.load(value)
        headers = {key.lower(): value for key, value in captured["headers"]}
        if captured["status"] == 500:
            raise AssertionError(f"ticket: {self._last_ticket()}")
        return Response(captured["status"], headers, body, cookies)

    def _last_ticket(self) -> str:
        import pickle

        tickets = sorted((self.folder / "errors").glob("*"), key=lambda path: path.stat().st_mtime)
        if not tickets:
            return "none written"
        with open(tickets[-1], "rb") as stream:
            return str(pickle.load(stream)["traceback"])

    # -- environments --------------------------------------------------------------------------------------------------
    @contextlib.contextmanager
    def env(self, user: str | None = None, c: str = "default", f: str = "index", vars: dict[str, Any] | None = None) -> Iterator[Any]:
        """Execute the models in this thread, as somebody, and give ``current``; rolls back what is not committed."""
        from gluon import current
        from gluon.shell import env

        current.__dict__.clear()
        env(self.name, import_models=True, c=c, f=f, dir=str(self.folder),
            extra_request={"is_shell": True, "_get_vars": _storage(vars), "_vars": _storage(vars)})
        if user:
            current.auth.s3_impersonate(self.people[user].user_id)
        try:
            yield current
        finally:
            current.db.rollback()
            current.db.close()
            current.__dict__.clear()

    @contextlib.contextmanager
    def configured(self, source: str) -> Iterator[None]:
        """Append Python to the deployment's 000_config.py for a while, as a deployer would edit it."""
        path = self.folder / "models" / "000_config.py"
        original = path.read_text()
        path.write_text(original + "\n" + source)
        try:
            yield
        finally:
            path.write_text(original)

    # -- data ----------------------------------------------------------------------------------------------------------
    def clean(self) -> None:
        """Put the database back to how the cast moved in."""
        if self._snapshot is None:
            self._snapshot = self._prepare()
        self._snapshot.restore()

    def _prepare(self) -> Snapshot:
        """Let the cast move in, for all tests of the session."""
        with self.env() as current:
            db, auth = current.db, current.auth
            auth.override = True
            cast.create_roles(auth)
            self.people = cast.create_people(auth, db, _hash_password(auth.hmac_key))
            db.commit()
            return Snapshot(self.kind, db._uri, getattr(db._adapter, "dbpath", None))

    # -- the web server that look-ups reach ----------------------------------------------------------------------------
    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """Serve this process's application on a real socket; gives the address without the application."""
        from gluon.main import wsgibase

        server = make_server("127.0.0.1", 0, wsgibase, server_class=_ThreadingServer, handler_class=_QuietHandler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Mailbox:
    """A real SMTP server that keeps what it accepts."""

    def __init__(self) -> None:
        from aiosmtpd.controller import Controller

        from launcher.network import free_port

        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        # the controller connects to the port it was given, so that 0 does not do
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 Message accepted for delivery"

    def clear(self) -> None:
        self.messages.clear()
        self.recipients.clear()

    def stop(self) -> None:
        self._controller.stop()


class _ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """The tests' output is no access log."""


def _storage(vars: dict[str, Any] | None) -> Any:
    from gluon.storage import Storage

    return Storage(vars or {})


def _hash_password(key: str) -> str:
    """A cheap hash: the cast logs in often, and the verification takes as long as the hash did."""
    from s3.s3aaa import hash_password

    return hash_password(cast.PASSWORD, key, iterations=1)


def _in_thread(function: Any) -> Any:
    """Run in a fresh thread: web2py keeps request and connection per thread, and a test has its own environment open."""
    result: dict[str, Any] = {}

    def run() -> None:
        try:
            result["value"] = function()
        except BaseException as error:  # handed over to the waiting thread
            result["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(120)
    if thread.is_alive():
        raise TimeoutError("the request did not end within two minutes")
    if "error" in result:
        raise result["error"]
    return result["value"]
