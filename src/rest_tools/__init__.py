"""A toolkit for REST services: a client, and a server with typed arguments, tokens, roles and sessions on Tornado."""

from typing import TYPE_CHECKING

from rest_tools._lazy import names_from

if TYPE_CHECKING:
    from rest_tools import client, server, utils

__all__ = ["client", "server", "utils"]

__getattr__, __dir__ = names_from(
    __name__, {name: f"{__name__}.{name}" for name in ("client", "openapi_tools", "server", "telemetry", "utils")}
)
