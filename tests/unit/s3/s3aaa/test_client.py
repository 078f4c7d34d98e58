"""Where a request comes from, however many proxies say something else."""
from __future__ import annotations

import pytest
from gluon import current

from s3.s3aaa.client import client_address, client_network


def request(world, remote_addr, forwarded=None, proxies=("127.0.0.1", "::1", "10.0.0.1")):
    world.auth(security__trusted_proxies=list(proxies))
    current.request.env.update(remote_addr=remote_addr, http_x_forwarded_for=forwarded)


@pytest.mark.parametrize(
    ("remote_addr", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.5", "192.0.2.1"),  # no proxy: says what it likes
        ("127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.5", "203.0.113.5"),  # the visitor has begun the header
        ("127.0.0.1", "203.0.113.5, 10.0.0.1", "203.0.113.5"),  # two proxies
        ("127.0.0.1", "10.0.0.1, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5, unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.5:4711", "203.0.113.5"),
        ("::1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("::ffff:127.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("fe80::1%eth0", None, "fe80::1"),
        ("2001:0DB8::0005", None, "2001:db8::5"),
        ("", "203.0.113.5", ""),
    ],
)
def test_address_is_what_the_last_trusted_proxy_saw(world, remote_addr, forwarded, address):
    request(world, remote_addr, forwarded)
    current.request.client = None

    assert client_address() == address


def test_without_trusted_proxies_the_header_says_nothing(world):
    request(world, "127.0.0.1", "203.0.113.5", proxies=())

    assert client_address() == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"), ("2001:db8:1:2::1", "2001:db8:1:2::"),
     ("2001:db8:1:3::1", "2001:db8:1:3::")],
)  # fmt: skip
def test_attempts_of_one_ipv6_network_are_counted_together(world, address, network):
    request(world, address)

    assert client_network() == network
