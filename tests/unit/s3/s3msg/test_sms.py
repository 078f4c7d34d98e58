from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from launcher.network import free_port
from s3.s3msg.contacts import is_phone_number, sanitise_phone
from s3.s3msg.failure import CHANNEL_DOWN, PERMANENT, TEMPORARY, DeliveryFailure
from s3.s3msg.sms import Gateway, choose_gateway, split_text
from s3.s3msg.sms_webapi import WebAPIGateway, failure_in_answer, id_in_answer


# -- numbers -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("phone", "country_code", "digits"),
    [
        ("+44 (123) 456-789", 1, "44123456789"),
        ("0123 456789", 49, "49123456789"),
        # Italy keeps the zero
        ("06 123456", 39, "3906123456"),
        ("0049 123 456789", 1, "49123456789"),
        ("nobody", 1, ""),
        ("000", 1, "0"),
    ],
)
def test_number_is_written_in_international_form(phone: str, country_code: int, digits: str) -> None:
    assert sanitise_phone(phone, country_code) == digits


@pytest.mark.parametrize(("digits", "is_number"), [("44123456789", True), ("", False), ("0", False), ("1" * 16, False)])
def test_number_has_5_to_15_digits(digits: str, is_number: bool) -> None:
    assert is_phone_number(digits) is is_number


# -- parts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "max_length", "split", "parts"),
    [
        ("short", 160, True, ["short"]),
        ("one two three", 8, True, ["one two", "three"]),
        ("exactly8 more", 8, True, ["exactly8", "more"]),
        ("unbreakable", 4, True, ["unbr", "eaka", "ble"]),
        ("one two three", 8, False, ["one t..."]),
        ("any length", None, True, ["any length"]),
    ],
)
def test_text_is_split_or_cut_to_what_the_gateway_takes(text: str, max_length: int | None, split: bool, parts: list[str]) -> None:
    assert split_text(text, max_length, split) == parts


# -- gateways ----------------------------------------------------------------------------------------------------------
def gateway(organisation_id: int | None) -> Gateway:
    return Gateway(organisation_id, 1, SimpleNamespace(channel_id=organisation_id), "msg_sms_webapi_channel")


@pytest.mark.parametrize(
    ("gateways", "organisations", "chosen"),
    [
        # the only one is for all
        ([3], [5], 3),
        ([3, 5], [5], 5),
        # the branch has none, its parent has
        ([3, 5], [7, 5], 5),
        # the one without organisation is for everybody else
        ([3, None], [7], None),
        ([3, None], [], None),
    ],
)
def test_gateway_is_the_one_of_the_nearest_organisation(gateways: list[int | None], organisations: list[int], chosen: int | None) -> None:
    found = choose_gateway([gateway(organisation_id) for organisation_id in gateways], organisations)

    assert found is not None
    assert found.organisation_id == chosen


def test_there_may_be_no_gateway_for_an_organisation() -> None:
    assert choose_gateway([gateway(3), gateway(5)], [7]) is None


# -- web interface -----------------------------------------------------------------------------------------------------
class Provider(HTTPServer):
    """A real web server that plays the provider."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forms: list[dict[str, list[str]]] = []
        self.bodies: list[bytes] = []
        self.authorization: str | None = None
        self.status = 200
        self.answer = b"OK"
        self.hang_up = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/send"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        self.server.forms.append(parse_qs(body.decode("ascii"), keep_blank_values=True))
        self.server.authorization = self.headers["Authorization"]
        if self.server.hang_up:
            return
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *args: object) -> None:
        """The tests' output is no access log."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def webapi(url: str, **values: Any) -> WebAPIGateway:
    channel = {
        "url": url, "parameters": "user=me&key=a=b&empty=", "message_variable": "text", "to_variable": "to", "encoding": "utf-8",
        "username": None, "password": None, **values,
    }  # fmt: skip
    return WebAPIGateway(SimpleNamespace(**channel))


def send(gateway: WebAPIGateway, text: str = "Hello") -> str | None:
    return gateway.send("44123456789", text, SimpleNamespace(id=1))


def refusal(gateway: WebAPIGateway) -> DeliveryFailure:
    with pytest.raises(DeliveryFailure) as caught:
        send(gateway)
    return caught.value


def test_form_holds_number_text_and_the_fixed_parameters(provider: Provider) -> None:
    send(webapi(provider.url), "Grüße 🚑 مرحبا & more=1")

    assert provider.forms == [
        {"user": ["me"], "key": ["a=b"], "empty": [""], "text": ["Grüße 🚑 مرحبا & more=1"], "to": ["44123456789"]}
    ]


def test_gateway_without_unicode_gets_question_marks_instead_of_nothing(provider: Provider) -> None:
    send(webapi(provider.url, encoding="iso-8859-1", parameters=None), "Grüße 🚑")

    assert provider.bodies == [b"text=Gr%FC%DFe%20%3F&to=44123456789"]


def test_user_and_password_go_into_the_header(provider: Provider) -> None:
    send(webapi(provider.url, username="me", password="secret"))

    assert provider.authorization == "Basic " + base64.b64encode(b"me:secret").decode()


def test_id_of_the_provider_is_returned(provider: Provider) -> None:
    provider.answer = b"ID: 0123abc"

    assert send(webapi(provider.url)) == "0123abc"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, CHANNEL_DOWN), (402, CHANNEL_DOWN), (404, CHANNEL_DOWN), (400, TEMPORARY), (429, TEMPORARY), (503, TEMPORARY)],
)
def test_refusal_by_status_is_sorted(provider: Provider, status: int, kind: str) -> None:
    provider.status = status

    caught = refusal(webapi(provider.url))

    assert (caught.kind, caught.ambiguous) == (kind, False)


def test_provider_that_hangs_up_after_the_request_may_have_taken_it(provider: Provider) -> None:
    provider.hang_up = True

    caught = refusal(webapi(provider.url))

    assert (caught.kind, caught.ambiguous) == (TEMPORARY, True)


def test_nobody_listening_is_the_channel() -> None:
    caught = refusal(webapi(f"http://127.0.0.1:{free_port()}/"))

    assert (caught.kind, caught.back_off) == (CHANNEL_DOWN, True)


def test_url_that_is_not_of_the_web_is_not_opened() -> None:
    assert refusal(webapi("file:///etc/passwd")).kind == CHANNEL_DOWN


@pytest.mark.parametrize(
    ("url", "answer", "kind"),
    [
        ("https://api.clickatell.com/http/sendmsg", "ERR: 001, Authentication failed", CHANNEL_DOWN),
        ("https://api.clickatell.com/http/sendmsg", "ERR: 301, No credit left", CHANNEL_DOWN),
        ("https://api.clickatell.com/http/sendmsg", "ERR: 105, Invalid destination address", PERMANENT),
        ("https://api.clickatell.com/http/sendmsg", "ERR: 999, Something else", TEMPORARY),
        ("https://secure.mcommons.com/api/send_message", '<response success="false"><error id="5"/></response>', TEMPORARY),
    ],
)
def test_answers_of_known_providers_are_understood(url: str, answer: str, kind: str) -> None:
    failure = failure_in_answer(url, answer)

    assert failure is not None
    assert failure.kind == kind


@pytest.mark.parametrize("answer", ["ID: 77", "OK", "", "no error at all"])
def test_any_other_answer_is_success(answer: str) -> None:
    assert failure_in_answer("https://api.clickatell.com/http/sendmsg", answer) is None


def test_answer_without_an_id_has_none() -> None:
    assert id_in_answer("OK") is None
