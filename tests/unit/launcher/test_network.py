"""Loopback ports."""
import errno
import http.server
import socket

import pytest

from launcher.network import check_port, free_port, is_listening


def test_a_free_port_is_one_that_a_server_can_have():
    port = free_port()

    assert not is_listening(port)
    check_port(port, "--port")
    with http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler):
        assert is_listening(port)


def test_a_free_port_is_given_to_nobody_else():
    port = free_port()

    with socket.socket() as other, pytest.raises(OSError) as refused:
        # what asks for any port is not given one for which this fails
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE


def test_free_ports_are_different():
    ports = [free_port() for _ in range(200)]

    assert len(set(ports)) == len(ports)
