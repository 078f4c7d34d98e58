"""Loopback ports."""
from __future__ import annotations

import errno
import socket
import time
from collections.abc import Mapping

from launcher.errors import LauncherError

__all__ = ("check_different", "check_port", "free_port", "is_listening", "wait_for_port")


def free_port() -> int:
    """Give a port of 127.0.0.1 that nothing listens on, and that nobody else is given by chance for a while.

    A server may listen on it at once; but where a connection has just been closed, the system lets no other program have the port that
    asks for any, and no connection begin there.
    """
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        # or else no server could have it for a minute. Not before bind, which might then choose such a port
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.listen(1)
        with socket.create_connection(server.getsockname()):
            # closed on this side first: it is the one that waits
            server.accept()[0].close()
        return server.getsockname()[1]


def check_port(port: int, option: str, host: str = "127.0.0.1") -> None:
    """Make sure that one of our servers can have this port.

    Args:
        option: the command line option which chooses another

    Raises:
        LauncherError: it is taken, or not ours to take
    """
    with socket.socket() as probe:
        # a port whose last connection has just been closed is free for a server
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError as error:
            raise LauncherError(f"{port} is not a port: choose one from 1 to 65535 with {option}.") from error
        except OSError as error:
            taken = "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise LauncherError(f"Port {port} {taken}: choose another with {option}.") from error


def check_different(ports: Mapping[str, int]) -> None:
    """Make sure that servers which are started together have ports of their own.

    Args:
        ports: {command line option: port}

    Raises:
        LauncherError: two have the same
    """
    options: dict[int, str] = {}
    for option, port in ports.items():
        if port in options:
            raise LauncherError(f"{options[port]} and {option} are both {port}: choose different ports.")
        options[port] = option


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def wait_for_port(port: int, seconds: float) -> bool:
    """Wait until something accepts connections on 127.0.0.1:port; False when nothing did in time."""
    end = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
