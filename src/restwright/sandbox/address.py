"""Who can reach an address."""

from __future__ import annotations

import ipaddress

__all__ = ["is_local", "is_unspecified"]


def is_local(address: str) -> bool:
    """Whether only this machine reaches it."""
    return address == "localhost" if (ip := _ip(address)) is None else ip.is_loopback


def is_unspecified(address: str) -> bool:
    """Whether it stands for all addresses of this machine, so that nobody can reach it by this name."""
    return (ip := _ip(address)) is not None and ip.is_unspecified


def _ip(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
