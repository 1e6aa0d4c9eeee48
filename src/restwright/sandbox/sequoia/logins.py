"""The identity service: the OpenID provider of the sandbox, as far as Sequoia has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from restwright.sandbox.identity.client_authentication import authenticate
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.grants import answer_grant
from restwright.sandbox.identity.handlers import programs
from restwright.sandbox.identity.handlers.answer import AnswerEndpoint
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.settings import Settings
from restwright.sandbox.sequoia.refusals import RefusingHandler
from restwright.sandbox.watched import Watcher

__all__ = ["LOGIN_HANDLERS", "IntrospectionHandler", "TokenHandler", "provider_of"]


def provider_of(clients: Mapping[str, str], lifetime: float) -> Provider:
    """A provider for programs alone, whose tokens say nothing.

    Args:
        clients: Secrets by id.
        lifetime: Of a token, in seconds.
    """
    settings = Settings(lifetime_access=lifetime, access_tokens="opaque", algorithm="ES256", registration=False)
    programs = [Client(name, secret, grant_types=("client_credentials",)) for name, secret in clients.items()]
    return Provider("", settings, [], programs)


class _Endpoint(AnswerEndpoint, RefusingHandler):
    """Is watched by the service that it is part of, and does not tell what is wrong with a login."""

    def initialize(self, *args: Any, watcher: Watcher, endpoint: str, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self.watcher = watcher
        self._name = endpoint

    @property
    def endpoint_name(self) -> str:
        """As in `endpoints` of the service."""
        return self._name

    def client(self, form: Parameters) -> Client:
        """The client that asks.

        Raises:
            OAuthError: It does not show that it is one.
        """
        try:
            return authenticate(self.provider, self.request.headers.get("Authorization"), form)
        except OAuthError as error:
            if error.error != "invalid_client":
                raise
            raise OAuthError("invalid_client", "unknown client") from None


class TokenHandler(_Endpoint):
    """`POST /oauth/token`: client credentials (RFC 6749, 4.4)."""

    def post(self) -> None:
        """Give a token."""
        form = self.form()
        self.finish({**answer_grant(self.provider, self.client(form), form), "token_type": "bearer"})


class IntrospectionHandler(_Endpoint, programs.IntrospectionHandler):
    """`POST /oauth/introspect` (RFC 7662)."""


LOGIN_HANDLERS: Final[Mapping[str, type[_Endpoint]]] = {
    "oauth/token": TokenHandler,
    "oauth/introspect": IntrospectionHandler,
}
"""By path."""
