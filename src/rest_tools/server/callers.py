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
    address = handler.request.remote_ip or ""
    try:
        is_ipv6 = ipaddress.ip_address(address).version == 6
    except ValueError:  # a Unix socket
        is_ipv6 = False
    return f"address {ipaddress.ip_network((address, 64), strict=False) if is_ipv6 else address}"


def user_or_credentials(handler: RestHandler) -> str:
    """The current user, or what an unknown client sent as `Authorization`; without that all are one."""
    if handler.current_user:
        return f"user {handler.current_user}"
    return f"credentials {handler.request.headers.get('Authorization', '')}"


def digest(*parts: str | bytes) -> str:
    """A name for these parts together, from which they cannot be read."""
    hasher = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(b"%d:" % len(data))
        hasher.update(data)
    return hasher.hexdigest()
