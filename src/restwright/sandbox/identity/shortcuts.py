"""What people and clients do, done at once: for tests that are about something else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from restwright.sandbox.identity.authorization import allow, find_return, read_request, refuse
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.device import answer_device, find_user_code
from restwright.sandbox.identity.errors import OAuthError, PageError, RedirectedError
from restwright.sandbox.identity.parameters import Parameters, scopes_of
from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.identity.store import Grant, Session
from restwright.sandbox.identity.tokens import token_answer
from restwright.sandbox.identity.users import User

__all__ = ["answer_user_code", "authorize", "issue"]


def issue(provider: Provider, user: str | None, client: str, scope: str) -> dict[str, Any]:
    """What the token endpoint would answer for this user, or for the client itself.

    Raises:
        ValueError: There is no such user or client, or it may not have the scope.
    """
    its, scopes = _client(provider, client), scopes_of(scope)
    if not its.may_have(scopes):
        raise ValueError(f"the client {client!r} may not have the scope {scope!r}")
    grant = Grant(its, None if user is None else _user(provider, user), scopes, provider.now())
    return token_answer(provider, grant, scopes)


def authorize(provider: Provider, url: str, user: str | None) -> str:
    """Where the browser is sent to when this user logs in at an authorization URL; None says no.

    Raises:
        ValueError: There is no such user, or the browser would not be sent anywhere.
    """
    query = parse_qs(urlsplit(url).query)
    try:
        parameters = Parameters({name: [value.encode() for value in values] for name, values in query.items()})
        back = find_return(provider, parameters)
    except OAuthError as error:
        raise ValueError(error.description) from None
    except PageError as error:
        raise ValueError(error.text) from None
    if user is None:
        return refuse(provider, back, RedirectedError("access_denied", "the user said no"))
    try:
        return allow(provider, read_request(back, parameters), _session(provider, user))
    except RedirectedError as error:
        return refuse(provider, back, error)


def answer_user_code(provider: Provider, user_code: str, user: str, *, allowed: bool) -> None:
    """Answer a device's user code as this user.

    Raises:
        ValueError: There is no such code or user.
    """
    session = _session(provider, user)
    try:
        code = find_user_code(provider, user_code)
    except PageError as error:
        raise ValueError(error.text) from None
    answer_device(provider, code, session, allowed=allowed)


def _session(provider: Provider, name: str) -> Session:
    now = provider.now()
    return Session(_user(provider, name), now, now)


def _user(provider: Provider, name: str) -> User:
    if name not in provider.users:
        raise ValueError(f"there is no user {name!r}, but {', '.join(provider.users)}")
    return provider.users[name]


def _client(provider: Provider, client_id: str) -> Client:
    if client_id not in provider.clients:
        raise ValueError(f"there is no client {client_id!r}, but {', '.join(provider.clients)}")
    return provider.clients[client_id]
