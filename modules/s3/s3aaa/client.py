"""Where a request comes from: the network address that attempts are counted by, and that the log of events notes down."""
from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from gluon import current

__all__ = ("client_address", "client_network")

# What one subscriber of IPv6 gets, to choose any address of
_IPV6_PREFIX = 64


def client_address() -> str:
    """The address of whoever sent this request; empty when nobody did (a task, a shell).

    What X-Forwarded-For says is believed of trusted proxies alone, from the last one backwards: whoever sends a request
    can begin the header with anything.
    """
    request = current.request
    address = _clean(request.env.remote_addr or request.client)
    if not request.env.http_x_forwarded_for:
        return address
    trusted = {_clean(proxy) for proxy in current.deployment_settings.get_security_trusted_proxies()}
    for forwarded in reversed(str(request.env.http_x_forwarded_for).split(",")):
        said = _clean(forwarded)
        if address not in trusted or not said:
            break
        address = said
    return address


def client_network() -> str:
    """What attempts are counted by: the address, and of IPv6 the network of which one visitor has all addresses."""
    address = client_address()
    if ":" not in address:
        return address
    return str(ip_network(f"{address}/{_IPV6_PREFIX}", strict=False).network_address)


def _clean(address: object) -> str:
    """An address as it is compared and stored; empty if it is none."""
    text = str(address or "").strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)
