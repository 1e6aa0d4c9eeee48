"""Whom a request comes from, and short names for what belongs to one caller in a store that all share."""

from __future__ import annotations

import hashlib
import ipaddress

from rest_tools.server.handler import RestHandler

__all__ = ["digest", "user_or_address", "user_or_credentials"]


def user_or_address(handler: RestHandler) -> str:
    """The current user, or the address of an unknown client; of IPv6 the network, for one host has the whole of it."""
    if handler.current_user:
        return f"user {handler.current_user}"
    return f"address {_network(handler.request.remote_ip or '')}"


def user_or_credentials(handler: RestHandler) -> str:
    """The current user, or what an unknown client sent as `Authorization`; without that all are one."""
    if handler.current_user:
        return f"user {handler.current_user}"
    return f"credentials {handler.request.headers.get('Authorization', '')}"


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # a Unix socket
        return text
    if isinstance(address, ipaddress.IPv4Address):
        return text
    if address.ipv4_mapped is not None:  # as a socket for both kinds has it
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def digest(*parts: str | bytes) -> str:
    """A name for these parts together, from which they cannot be read."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(b"%d:" % len(data))
        hasher.update(data)
    return hasher.hexdigest()
