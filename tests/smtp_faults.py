"""A real SMTP server that refuses, delays and hangs up as a test tells it to."""
from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from launcher.network import free_port

#: Ends the connection in the middle of the command
HANG_UP = "hang up"
#: Takes the message, and ends the connection before saying so
TAKE_AND_HANG_UP = "take and hang up"


class FaultySMTP:
    """Accepts everything until told otherwise.

    Attributes:
        rcpt: {address: answer to RCPT TO}, such as "550 5.1.1 no such user"
        mail: answer to MAIL FROM, if it is not to be accepted
        data: answers to the next messages, one each; "" accepts
        delay: seconds before the answer to each message
        connections: how many there have been
    """

    def __init__(self) -> None:
        from aiosmtpd.controller import Controller

        self.port = free_port()
        self._controller: Any = None
        self._make = lambda: Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=False)
        self.reset()

    def reset(self) -> None:
        """Forget everything, and listen."""
        self.messages: list[EmailMessage] = []
        self.contents: list[bytes] = []
        self.recipients: list[str] = []
        self.rcpt: dict[str, str] = {}
        self.mail = ""
        self.data: list[str] = []
        self.delay = 0.0
        self.hello = ""
        self.connections = 0
        self.start()

    def start(self) -> None:
        if self._controller is not None:
            return
        self._controller = self._make()
        self._controller.start()
        # the controller tries the port once when it starts
        self.connections = 0

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> list[str]:
        self.connections += 1
        self.hello = hostname
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.mail:
            return self.mail
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.delay:
            await asyncio.sleep(self.delay)
        answer = self.data.pop(0) if self.data else ""
        if answer == HANG_UP:
            server.transport.abort()
            return "421 gone"
        if answer and answer != TAKE_AND_HANG_UP:
            return answer
        self.contents.append(envelope.content)
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        if answer == TAKE_AND_HANG_UP:
            server.transport.abort()
        return "250 OK"
