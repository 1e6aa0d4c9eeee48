"""From configuration to the keyword arguments of a route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_tools.server.bearer import TokenValidator
from rest_tools.server.stats import RouteStatsMap
from rest_tools.utils.auth import Auth, OpenIDAuth

__all__ = ["RestHandlerSetup"]


def RestHandlerSetup(config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Keyword arguments for routes to `RestHandler`s.

    Args:
        config: All members may be left out:
            `debug`: a bool;
            `auth`: with `secret`, tokens are signed by this service (and `issuer`, `algorithm`, `expiration`,
            `audience`, `issuers`, `leeway` are those of `Auth`); with `openid_url`, by that provider (and
            `audience`, `issuers`, `leeway`, `algorithms` are those of `OpenIDAuth`); `url` tells clients where
            tokens are had from, if it is not where the provider says;
            `rest_api`: its `auth_key` becomes `module_auth_key`;
            `route_stats`: keyword arguments of `RouteStatsMap`;
            `server_header`: `REST` unless given;
            `unauthenticated_status`: 403 or 401, see `RestHandler`.

    Returns:
        `debug`, `auth`, `auth_url`, `module_auth_key`, `server_header` and `route_stats`; also
        `unauthenticated_status` if it was given.
    """
    config = config or {}
    rest_api: Mapping[str, Any] = config.get("rest_api") or {}
    stats: Mapping[str, Any] = config.get("route_stats") or {}
    auth, auth_url = _auth(config.get("auth") or {})
    setup: dict[str, Any] = {
        "debug": config.get("debug", False),
        "auth": auth,
        "auth_url": auth_url,
        "module_auth_key": rest_api.get("auth_key", ""),
        "server_header": config.get("server_header", "REST"),
        "route_stats": RouteStatsMap(**stats),
    }
    if "unauthenticated_status" in config:
        setup["unauthenticated_status"] = config["unauthenticated_status"]
    return setup


def _auth(config: Mapping[str, Any]) -> tuple[TokenValidator | None, str | None]:
    def options(*names: str) -> dict[str, Any]:
        return {name: config[name] for name in names if name in config}

    if config.get("secret"):
        settings = options("issuer", "algorithm", "expiration", "audience", "issuers", "leeway")
        return Auth(config["secret"], **settings), config.get("url")
    if config.get("openid_url"):
        provider = OpenIDAuth(config["openid_url"], **options("audience", "issuers", "leeway", "algorithms"))
        return provider, config.get("url", provider.token_url)
    return None, config.get("url")
