"""The mail catcher: an SMTP server which delivers nothing, and a page which shows what it was given.

Mails stand as .eml files in a folder and survive a restart.
"""
from __future__ import annotations

import argparse
import email
import email.policy
import html
import json
import os
import signal
import threading
import time
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from launcher.processes import end_with_parent

__all__ = ("MailCatcher", "Mailbox")

#: Written above the mail as it came: who it was really handed over for
SENDER_HEADER = "X-Envelope-From"
RECIPIENTS_HEADER = "X-Envelope-To"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ccc}}
pre{{white-space:pre-wrap;background:#f6f6f6;padding:1rem}}
iframe{{width:100%;height:30rem;border:1px solid #ccc}}
</style></head><body><h1>{title}</h1>{body}</body></html>"""


class Mailbox:
    """The folder of caught mails, numbered in the order of their arrival."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, content: bytes, sender: str, recipients: list[str]) -> None:
        head = f"{SENDER_HEADER}: {sender}\r\n{RECIPIENTS_HEADER}: {', '.join(recipients)}\r\n".encode()
        with self._lock:
            path = self._folder / f"{max(self._numbers(), default=0) + 1:06}.eml"
            temporary = path.with_suffix(".part")
            temporary.write_bytes(head + content)
            os.replace(temporary, path)

    def mails(self) -> list[dict[str, Any]]:
        """Give all mails, oldest first, each as a dict: number, received (seconds since 1970), from, to, subject, text, html, ..."""
        return [mail for number in sorted(self._numbers()) if (mail := self.read(number))]

    def read(self, number: int) -> dict[str, Any] | None:
        path = self._folder / f"{number:06}.eml"
        try:
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            received = path.stat().st_mtime
        except FileNotFoundError:
            return None
        assert isinstance(message, EmailMessage)
        return {
            "number": number,
            "received": received,
            "from": str(message[SENDER_HEADER]),
            "to": [address.strip() for address in str(message[RECIPIENTS_HEADER]).split(",")],
            "subject": str(message["Subject"] or ""),
            "message_id": str(message["Message-ID"] or ""),
            "headers": [[name, str(value)] for name, value in message.items()],
            "text": _part(message, "plain"),
            "html": _part(message, "html"),
        }

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self._folder.glob("*.eml") if path.stem.isdigit()]


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None:
        return ""
    try:
        return part.get_content()
    except (LookupError, ValueError):
        # a character set that there is not: show what can be shown
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


class MailCatcher:
    """The two servers over one mailbox."""

    def __init__(self, folder: Path, smtp_port: int, http_port: int, host: str = "127.0.0.1") -> None:
        self.mailbox = Mailbox(folder)
        self.smtp_port = smtp_port
        self.http_port = http_port
        self.host = host

    def start(self) -> None:
        from aiosmtpd.controller import Controller

        self._smtp = Controller(_Handler(self.mailbox), hostname=self.host, port=self.smtp_port, enable_SMTPUTF8=True)
        self._smtp.start()
        self._http = ThreadingHTTPServer((self.host, self.http_port), _page_handler(self.mailbox))
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()
        self._smtp.stop()


class _Handler:
    """What aiosmtpd asks at the end of each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802, aiosmtpd's name
        self._mailbox.add(envelope.content, envelope.mail_from or "", list(envelope.rcpt_tos))
        print(f"caught a mail for {', '.join(envelope.rcpt_tos)}", flush=True)
        return "250 OK"


def _page_handler(mailbox: Mailbox) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # noqa: N802, the library's name
            path = self.path.partition("?")[0]
            if path == "/messages.json":
                self._answer(200, "application/json", json.dumps(mailbox.mails()))
            elif path == "/":
                self._answer(200, "text/html", render_list(mailbox.mails()))
            elif path.startswith("/mail/") and path[6:].isdigit() and (mail := mailbox.read(int(path[6:]))):
                self._answer(200, "text/html", render_mail(mail))
            else:
                self._answer(404, "text/html", PAGE.format(title="There is no such mail", body='<p><a href="/">All mails</a></p>'))

        def _answer(self, status: int, kind: str, body: str) -> None:
            content = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            # a mail may bring scripts and remote pictures: neither runs, neither is fetched
            self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet: reading the mailbox is no event."""

    return Pages


def render_list(mails: list[dict[str, Any]]) -> str:
    """Give the page of all mails, newest first."""
    if not mails:
        return PAGE.format(title="Mailbox", body="<p>No mail has arrived yet.</p>")
    rows = "".join(
        f'<tr><td>{time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(mail["received"]))}</td><td>{html.escape(", ".join(mail["to"]))}</td>'
        f'<td><a href="/mail/{mail["number"]}">{html.escape(mail["subject"]) or "(no subject)"}</a></td></tr>'
        for mail in reversed(mails)
    )
    return PAGE.format(title="Mailbox", body=f"<table><tr><th>Received</th><th>For</th><th>Subject</th></tr>{rows}</table>")


def render_mail(mail: dict[str, Any]) -> str:
    """Give the page of one mail: its headers, its text, and its HTML in a frame which can do nothing."""
    headers = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in mail["headers"])
    body = f'<p><a href="/">All mails</a></p><table>{headers}</table>'
    if mail["text"]:
        body += f"<h2>Text</h2><pre>{html.escape(mail['text'])}</pre>"
    if mail["html"]:
        body += f'<h2>HTML</h2><iframe sandbox title="The mail as HTML" srcdoc="{html.escape(mail["html"])}"></iframe>'
    return PAGE.format(title=html.escape(mail["subject"]) or "(no subject)", body=body)


def serve(folder: Path, smtp_port: int, http_port: int) -> None:
    """Catch mails until SIGTERM or SIGINT."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    catcher = MailCatcher(folder, smtp_port, http_port)
    catcher.start()
    print(f"catching mails on 127.0.0.1:{smtp_port}, to be read at http://127.0.0.1:{http_port}/", flush=True)
    ended.wait()
    catcher.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="launcher.mailcatcher")
    parser.add_argument("folder", type=Path)
    parser.add_argument("smtp_port", type=int)
    parser.add_argument("http_port", type=int)
    arguments = parser.parse_args()
    end_with_parent()
    serve(arguments.folder, arguments.smtp_port, arguments.http_port)


if __name__ == "__main__":
    main()
