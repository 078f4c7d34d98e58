"""Text messages through a provider's web interface: one HTTP POST per part."""
from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.parse
import urllib.request
from urllib.parse import parse_qsl, quote_from_bytes

from s3.s3msg.failure import DeliveryFailure, channel_down, permanent, temporary
from s3dal import Row

__all__ = ("ENCODINGS", "WebAPIGateway", "failure_in_answer")

#: what a gateway may expect; what an encoding cannot hold is replaced by a question mark
ENCODINGS = ("utf-8", "iso-8859-1", "utf-16-be")

TIMEOUT = 20
MAX_ANSWER = 10_000
#: HTTP states that say the account is not accepted, has no credit, or that the address is wrong
ACCOUNT_STATES = (401, 402, 403, 404, 407)

# Clickatell: the account; the credit; the number
CLICKATELL_ACCOUNT = ("001", "002", "003", "005", "007", "108", "301", "302")
CLICKATELL_NUMBER = ("105", "106", "114", "128")


class WebAPIGateway:
    """One row of msg_sms_webapi_channel."""

    def __init__(self, channel: Row) -> None:
        self.channel = channel

    def send(self, number: str, text: str, row: Row) -> str | None:
        """Post one part. Gives the id of the provider, if its answer names one."""
        answer = self._post(self._form(number, text))
        failure = failure_in_answer(self.channel.url, answer)
        if failure is not None:
            raise failure
        return id_in_answer(answer)

    def close(self) -> None:
        """Every part has a connection of its own."""

    def _form(self, number: str, text: str) -> bytes:
        channel = self.channel
        encoded = text.encode(channel.encoding or "utf-8", "replace")
        fixed = [f"{_quote(name)}={_quote(value)}" for name, value in parse_qsl(channel.parameters or "", keep_blank_values=True)]
        own = [f"{_quote(channel.message_variable)}={quote_from_bytes(encoded)}", f"{_quote(channel.to_variable)}={number}"]
        return "&".join([*fixed, *own]).encode("ascii")

    def _post(self, body: bytes) -> str:
        url = self.channel.url or ""
        if not url.startswith(("http://", "https://")):
            # urlopen would open files, too
            raise channel_down(f"the SMS gateway has no web address: {url!r}", back_off=False)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.channel.username:
            credentials = f"{self.channel.username}:{self.channel.password or ''}".encode()
            headers["Authorization"] = "Basic " + base64.b64encode(credentials).decode("ascii")
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return str(response.read(MAX_ANSWER).decode("utf-8", "replace"))
        except urllib.error.HTTPError as exc:
            with exc:
                raise _failure_of_status(exc.code, f"SMS gateway: {exc.code} {exc.reason}") from exc
        except urllib.error.URLError as exc:
            # before the request was complete: it cannot have been accepted
            raise channel_down(f"SMS gateway {urllib.parse.urlsplit(url).hostname}: {exc.reason}") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise temporary(f"no answer from the SMS gateway: {exc or type(exc).__name__}", ambiguous=True) from exc


def _quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _failure_of_status(status: int, reason: str) -> DeliveryFailure:
    return channel_down(reason) if status in ACCOUNT_STATES else temporary(reason)


def failure_in_answer(url: str, answer: str) -> DeliveryFailure | None:
    """What an answer with a good HTTP status says all the same, for the providers that we know."""
    host = (urllib.parse.urlsplit(url).hostname or "").lower()
    text = answer.strip()
    if "clickatell" in host and text.upper().startswith("ERR"):
        code = text.partition(":")[2].strip()[:3]
        if code in CLICKATELL_ACCOUNT:
            return channel_down(f"SMS gateway: {text}")
        return permanent(f"SMS gateway: {text}") if code in CLICKATELL_NUMBER else temporary(f"SMS gateway: {text}")
    if "mcommons" in host and "error" in text.lower():
        return temporary(f"SMS gateway: {text}")
    return None


def id_in_answer(answer: str) -> str | None:
    """The provider's id of the message, from an answer such as ``ID: 0123``."""
    text = answer.strip()
    if not text.upper().startswith("ID"):
        return None
    return text.partition(":")[2].strip().split("\n")[0][:128] or None
