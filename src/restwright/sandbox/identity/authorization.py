"""The authorization endpoint: what is asked for, and what the browser carries back (RFC 6749, 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tornado.httputil import url_concat

from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.errors import OAuthError, PageError, RedirectedError
from restwright.sandbox.identity.grants import asked_scopes, check_challenge
from restwright.sandbox.identity.parameters import Parameters
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import Code, Grant, Session, new_secret

__all__ = ["AuthorizationRequest", "Return", "allow", "find_return", "read_request", "refuse"]

_PROMPTS: Final = {"none", "login", "consent", "select_account"}


@dataclass(frozen=True, slots=True)
class Return:
    """Where the browser is sent back to, with what: known before anything else is looked at."""

    client: Client
    redirect_uri: str
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks a person for; `max_age` is in seconds."""

    back: Return
    scopes: frozenset[str]
    challenge: str | None
    nonce: str | None
    prompts: frozenset[str]
    max_age: float | None
    login_hint: str

    def needs_login(self, session: Session | None, now: float) -> bool:
        """Whether the person has to show again who it is (OpenID Connect Core, 3.1.2.1)."""
        if session is None or self.prompts & {"login", "select_account"}:
            return True
        return self.max_age is not None and now - session.auth_time > self.max_age


def find_return(provider: Provider, query: Parameters) -> Return:
    """Where to send the browser.

    Raises:
        PageError: That is not known, or not one of the places that the client registered.
    """
    client = provider.clients.get(query.get("client_id") or "")
    if client is None:
        raise PageError(400, "The program that sent you here is unknown: its client_id is missing or wrong.")
    redirect_uri = query.get("redirect_uri")
    if redirect_uri is None:
        raise PageError(400, "The program that sent you here did not say where to return to: redirect_uri is missing.")
    if not client.allows_redirect(redirect_uri):
        raise PageError(400, "The program that sent you here wants you back at an address that it did not register.")
    return Return(client, redirect_uri, query.get("state"))


def read_request(back: Return, query: Parameters) -> AuthorizationRequest:
    """The rest of the request.

    Raises:
        RedirectedError: It is not in order.
    """
    response_type = query.get("response_type")
    if response_type is None:
        raise RedirectedError("invalid_request", "response_type is missing")
    if response_type != "code":
        raise RedirectedError("unsupported_response_type", "response_type must be code")
    if "authorization_code" not in back.client.grant_types:
        raise RedirectedError("unauthorized_client", "this client may not use authorization_code")
    for name in ("request", "request_uri", "registration"):  # OpenID Connect Core, 3.1.2.6
        if name in query:
            raise RedirectedError(f"{name}_not_supported", f"{name} is not supported")
    if query.get("response_mode") not in (None, "query"):
        raise RedirectedError("invalid_request", "response_mode must be query")
    prompts = frozenset((query.get("prompt") or "").split())
    if not prompts <= _PROMPTS or ("none" in prompts and len(prompts) > 1):
        raise RedirectedError("invalid_request", "prompt must be none, or some of login, consent and select_account")
    try:
        challenge = check_challenge(query, required=back.client.secret is None)
        scopes = asked_scopes(back.client, query)
    except OAuthError as error:
        raise RedirectedError(error.error, error.description) from None
    return AuthorizationRequest(
        back, scopes, challenge, query.get("nonce"), prompts, _max_age(query), query.get("login_hint") or ""
    )


def allow(provider: Provider, request: AuthorizationRequest, session: Session) -> str:
    """The URL that carries a code back."""
    grant = Grant(request.back.client, session.user, request.scopes, session.auth_time, request.nonce)
    code, expires = new_secret(), provider.now() + provider.settings.lifetime_code
    provider.store.codes.put(code, Code(grant, request.back.redirect_uri, request.challenge, expires))
    return _url(provider, request.back, {"code": code})


def refuse(provider: Provider, back: Return, error: RedirectedError) -> str:
    """The URL that carries a refusal back (RFC 6749, 4.1.2.1)."""
    return _url(provider, back, {"error": error.error, "error_description": error.description})


def _url(provider: Provider, back: Return, parameters: dict[str, str]) -> str:
    lies = provider.behaviour.lies
    added = {"state": lies.get("state", back.state), "iss": lies.get("response_issuer", provider.issuer)}
    return url_concat(back.redirect_uri, {**parameters, **{name: value for name, value in added.items() if value}})


def _max_age(query: Parameters) -> float | None:
    text = query.get("max_age")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RedirectedError("invalid_request", "max_age must be a number of seconds")
    return float(text)
