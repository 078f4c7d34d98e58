"""A real web server that plays the provider of text messages."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

__all__ = ("SMSProvider", "sms_provider")


class SMSProvider(HTTPServer):
    """Keeps the forms that were posted to it, and answers as it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forms: list[dict[str, str]] = []
        self.status = 200
        #: for the next messages, one each
        self.statuses: list[int] = []
        self.answer = b"ID: abc-1"
        self.hang_up = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: SMSProvider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode("ascii")
        self.server.forms.append({name: values[0] for name, values in parse_qs(body).items()})
        if self.server.hang_up:
            return
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *args: object) -> None:
        """The tests' output is no access log."""


@contextlib.contextmanager
def sms_provider() -> Iterator[SMSProvider]:
    """Serve until the end of the block."""
    server = SMSProvider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
