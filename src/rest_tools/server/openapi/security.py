"""How callers prove who they are, as security schemes: by the `auth` that a route was given.

A provider of OpenID is told of beside the plain bearer scheme: the one says where tokens are had from, the other
takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tornado.web import RequestHandler

from rest_tools.server.token_cookies import OpenIDCookieHandlerMixin
from rest_tools.utils.auth import Auth, OpenIDAuth
from rest_tools.utils.provider import DISCOVERY
from restwright.message import without_credentials

__all__ = ["SecuritySchemes"]


class SecuritySchemes(dict[str, dict[str, str]]):
    """Those of one document, by name; each is there once."""

    def requirements(self, handler: type[RequestHandler], setup: Mapping[str, Any]) -> list[dict[str, list[str]]]:
        """What the callers of a route may choose from; nothing where nobody can be known.

        Args:
            handler: Of the route.
            setup: Keyword arguments of its `initialize`.
        """
        auth: object = setup.get("auth")
        if auth is None:
            return []
        if issubclass(handler, OpenIDCookieHandlerMixin):
            cookie = {"type": "apiKey", "in": "cookie", "name": "access_token", "description": "Set by a log-in."}
            return [self._named("cookie", cookie)]
        bearer = {"type": "http", "scheme": "bearer"}
        if isinstance(auth, Auth | OpenIDAuth):
            bearer["bearerFormat"] = "JWT"
        found = [self._named("bearer", bearer)]
        if isinstance(auth, OpenIDAuth):
            url = without_credentials(auth.url) + DISCOVERY
            found.append(self._named("openid", {"type": "openIdConnect", "openIdConnectUrl": url}))
        return found

    def _named(self, kind: str, scheme: dict[str, str]) -> dict[str, list[str]]:
        name, number = kind, 1
        while self.setdefault(name, scheme) != scheme:
            number += 1
            name = f"{kind}{number}"
        return {name: []}
