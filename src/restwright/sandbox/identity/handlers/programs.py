"""The endpoints for programs."""

from __future__ import annotations

from typing import Any, ClassVar

from tornado.web import HTTPError

from rest_tools.server.bearer import bearer_token
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.device import begin_device
from restwright.sandbox.identity.discovery import metadata
from restwright.sandbox.identity.errors import OAuthError
from restwright.sandbox.identity.grants import answer_grant
from restwright.sandbox.identity.handlers.answer import AnswerEndpoint
from restwright.sandbox.identity.registration import change, find_registered, register, registration, remove
from restwright.sandbox.identity.store import AccessToken
from restwright.sandbox.identity.tokens import live_access_token, live_refresh_token, token_claims

__all__ = [
    "DeviceAuthorizationHandler",
    "DiscoveryHandler",
    "IntrospectionHandler",
    "JwksHandler",
    "RegisteredClientHandler",
    "RegistrationHandler",
    "RevocationHandler",
    "TokenHandler",
    "UserinfoHandler",
]


class DiscoveryHandler(AnswerEndpoint):
    """`/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`."""

    endpoint: ClassVar[str] = "discovery"

    def get(self) -> None:
        """Tell about the provider."""
        self.finish(metadata(self.provider))


class JwksHandler(AnswerEndpoint):
    """The public keys."""

    endpoint: ClassVar[str] = "jwks"

    def get(self) -> None:
        """Tell them."""
        self.finish(self.provider.keys.jwks())
        self.set_header("Content-Type", "application/jwk-set+json")


class TokenHandler(AnswerEndpoint):
    """The token endpoint (RFC 6749, 3.2)."""

    endpoint: ClassVar[str] = "token"

    def post(self) -> None:
        """Give tokens."""
        form = self.form()
        self.finish(answer_grant(self.provider, self.client(form), form))


class DeviceAuthorizationHandler(AnswerEndpoint):
    """The device authorization endpoint (RFC 8628, 3.1)."""

    endpoint: ClassVar[str] = "device_authorization"

    def post(self) -> None:
        """Give a device code and a user code."""
        form = self.form()
        self.finish(begin_device(self.provider, self.client(form), form))


class RevocationHandler(AnswerEndpoint):
    """Revocation (RFC 7009)."""

    endpoint: ClassVar[str] = "revoke"

    def post(self) -> None:
        """Revoke a token: a refresh token with all of its family, an access token alone."""
        form = self.form()
        client, text = self.client(form), form.need("token")
        store = self.provider.store
        token = store.refresh_tokens.get(text) or store.access_tokens.get(text)
        if token is not None:  # one that is unknown is as good as revoked (2.2)
            if token.grant.client.id != client.id:
                raise OAuthError("invalid_grant", "this token was issued to another client")
            if isinstance(token, AccessToken):
                token.revoked = True
            else:
                token.grant.revoked = True
        self.finish({})


class IntrospectionHandler(AnswerEndpoint):
    """Introspection (RFC 7662), for any client with a secret."""

    endpoint: ClassVar[str] = "introspect"

    def post(self) -> None:
        """Tell about a token; of one that is not good, only that."""
        form = self.form()
        if self.client(form).secret is None:
            raise OAuthError("invalid_client", "introspection is for clients with a secret")
        self.finish(self._about(form.need("token")))

    def _about(self, text: str) -> dict[str, Any]:
        access = live_access_token(self.provider, text)
        if access is not None:
            user = access.grant.user
            name = {} if user is None else {"username": user.name}
            return {"active": True, "token_type": "Bearer", **name, **token_claims(self.provider, access)}
        refresh = live_refresh_token(self.provider, text)
        if refresh is None:
            return {"active": False}
        grant = refresh.grant
        return {
            "active": True,
            "token_type": "refresh_token",
            "client_id": grant.client.id,
            "scope": " ".join(sorted(grant.scopes)),
            "sub": grant.subject,
            "iss": self.provider.issuer,
            "iat": int(refresh.issued),
            "exp": int(refresh.expires),
        }


class UserinfoHandler(AnswerEndpoint):
    """Userinfo (OpenID Connect Core, 5.3)."""

    endpoint: ClassVar[str] = "userinfo"

    def get(self) -> None:
        """Tell about the user of the access token."""
        text = bearer_token(self.request)
        if text is None:  # RFC 6750, 3.1: no code where nothing was shown
            self.set_status(401)
            self.set_header("WWW-Authenticate", 'Bearer realm="sandbox"')
            self.finish({})
            return
        token = live_access_token(self.provider, text)
        if token is None:
            raise _bearer_error("invalid_token", "the access token is unknown, revoked or expired", 401)
        user = token.grant.user
        if user is None or "openid" not in token.scopes:
            raise _bearer_error("insufficient_scope", "the access token was not given for the scope openid", 403)
        self.finish({**user.claims_for(token.scopes), "sub": user.sub})

    post = get


class RegistrationHandler(AnswerEndpoint):
    """Dynamic registration (RFC 7591)."""

    endpoint: ClassVar[str] = "registration"

    def post(self) -> None:
        """Take a client in."""
        if not self.provider.settings.registration:
            raise HTTPError(404)
        client = register(self.provider, self.document())
        self.set_status(201)
        self.finish(registration(self.provider, client))


class RegisteredClientHandler(AnswerEndpoint):
    """A registration, for the client that made it (RFC 7592)."""

    endpoint: ClassVar[str] = "registration"

    def get(self, client_id: str) -> None:
        """Tell the client about itself."""
        self.finish(registration(self.provider, self._client(client_id)))

    def put(self, client_id: str) -> None:
        """Take the client's new description of itself."""
        changed = change(self.provider, self._client(client_id), self.document())
        self.finish(registration(self.provider, changed))

    def delete(self, client_id: str) -> None:
        """Forget the client."""
        remove(self.provider, self._client(client_id))
        self.set_status(204)
        self.finish()

    def _client(self, client_id: str) -> Client:
        return find_registered(self.provider, client_id, bearer_token(self.request))


def _bearer_error(error: str, description: str, status: int) -> OAuthError:
    challenge = f'Bearer realm="sandbox", error="{error}", error_description="{description}"'
    if status == 403:
        challenge += ', scope="openid"'
    return OAuthError(error, description, status=status, headers={"WWW-Authenticate": challenge})
