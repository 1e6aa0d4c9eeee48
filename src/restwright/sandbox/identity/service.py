"""The provider on a port: its routes, and the server that can play dead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack
from urllib.parse import urlsplit

from tornado.web import RequestHandler

from rest_tools.server import RestServer
from restwright.sandbox.control import Control
from restwright.sandbox.identity.behaviour import Behaviour, Misbehaviour
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.control import CONTROL_ROUTES
from restwright.sandbox.identity.discovery import PATHS
from restwright.sandbox.identity.handlers import programs
from restwright.sandbox.identity.handlers.authorize import AuthorizeHandler
from restwright.sandbox.identity.handlers.device import DeviceHandler
from restwright.sandbox.identity.handlers.logout import LogoutHandler
from restwright.sandbox.identity.handlers.page import StyleHandler
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.settings import Settings
from restwright.sandbox.identity.users import User
from restwright.sandbox.journal import Journal
from restwright.sandbox.listener import Listener, server_of
from restwright.sandbox.tls import Tls

__all__ = ["IdentityService"]

_HANDLERS = {
    "authorization_endpoint": AuthorizeHandler,
    "token_endpoint": programs.TokenHandler,
    "userinfo_endpoint": programs.UserinfoHandler,
    "jwks_uri": programs.JwksHandler,
    "device_authorization_endpoint": programs.DeviceAuthorizationHandler,
    "revocation_endpoint": programs.RevocationHandler,
    "introspection_endpoint": programs.IntrospectionHandler,
    "end_session_endpoint": LogoutHandler,
    "registration_endpoint": programs.RegistrationHandler,
}


class IdentityService:
    """A provider and its server; belongs to an event loop.

    Args:
        address: To listen on.
        port: To listen on; 0 for a free one.
        issuer: By what name others know it; where it listens if empty.
        control: Whether to listen for orders of other processes, on a port of its own.
        tls: How it speaks; orders come without it.
        settings: Of the provider.
        users: Who can log in.
        clients: Who can ask.

    Attributes:
        provider: What is served.
        url: Where, without a slash at the end.
        tls: How it speaks.
    """

    def __init__(
        self,
        *,
        address: str,
        port: int,
        issuer: str,
        control: bool,
        tls: Tls,
        settings: Settings,
        users: Iterable[User],
        clients: Iterable[Client],
    ) -> None:
        self.provider = Provider(_checked(issuer), settings, users, clients)
        self.tls = tls
        self.url = ""
        self._listener = Listener(_server(self.provider), address, port, tls=tls.context())
        self._control = Control("identity", self, address, is_wanted=control, routes=CONTROL_ROUTES)

    @property
    def control_url(self) -> str | None:
        """Where orders are taken; None if they are not."""
        return self._control.url

    @property
    def journal(self) -> Journal:
        """What it was asked."""
        return self.provider.journal

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The address is not ours, or the port is in use.
        """
        self._listener.start()
        self.url = self._listener.url
        self.provider.issuer = self.provider.issuer or self.url
        self._control.start()

    async def stop(self) -> None:
        """Listen no longer, and close all connections."""
        await self._listener.stop()
        await self._control.stop()

    async def behave(self, endpoint: str | None, times: int | None, **how: Unpack[Misbehaviour]) -> None:
        """See `restwright.sandbox.identity.IdentityProvider.behave`."""
        self.provider.behaviour.behave(endpoint, times, **how)
        await self._live_or_die()

    async def behave_well(self) -> None:
        """Misbehave no more."""
        self.provider.behaviour = Behaviour()
        await self._live_or_die()

    async def reset(self) -> None:
        """Be as at first, but for the keys."""
        self.provider.reset()
        await self._live_or_die()

    async def _live_or_die(self) -> None:
        await self._listener.play_dead(is_dead=self.provider.behaviour.lies.get("dead", False))


def _routes(provider: Provider) -> Iterable[tuple[str, type[RequestHandler], dict[str, Any]]]:
    setup = {"provider": provider, "server_header": "restwright-sandbox"}
    for member, path in PATHS.items():
        yield path, _HANDLERS[member], setup
    yield r"/\.well-known/(?:openid-configuration|oauth-authorization-server)", programs.DiscoveryHandler, setup
    yield r"/client/([\w-]+)", programs.RegisteredClientHandler, setup
    yield "/device", DeviceHandler, setup
    yield r"/style\.css", StyleHandler, setup


def _server(provider: Provider) -> RestServer:
    return server_of(
        "identity",
        _routes(provider),
        max_body_size=2**20,
        xheaders=False,
        xsrf_cookies=True,
        xsrf_cookie_name="sandbox_xsrf",  # cookies do not know ports, and many applications have an _xsrf
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
    )


def _checked(issuer: str) -> str:
    parts = urlsplit(issuer)
    if issuer and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f"issuer must be a URL of http or https, without query and fragment, got {issuer!r}")
    return issuer.rstrip("/")
