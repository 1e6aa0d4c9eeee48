"""Decorators for the methods of handlers: who may call them, and what becomes of their exceptions.

They take sync and async methods and make async ones.  Those that ask for a role want a known user first, answer for
exceptions as `catch_error` does, and run the method only then.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, cast

import requests
import tornado.httpclient
from tornado.web import Finish, HTTPError

from rest_tools.server.bearer import challenge
from rest_tools.server.handler import RestHandler
from rest_tools.server.redaction import traceback_of
from rest_tools.server.refusal import Refusal
from rest_tools.server.role_mapping import NameMapping, claim_at

__all__ = [
    "TokenAttributeRoleMappingProtocol",
    "authenticated",
    "catch_error",
    "keycloak_role_auth",
    "role_authorization",
    "scope_role_auth",
    "token_attribute_role_mapping_auth",
]

P = ParamSpec("P")
HandlerT = TypeVar("HandlerT", bound=RestHandler)

Method: TypeAlias = Callable[Concatenate[HandlerT, P], Any]
AsyncMethod: TypeAlias = Callable[Concatenate[HandlerT, P], Coroutine[Any, Any, Any]]

_log = logging.getLogger(__name__)

_ASKS_WHO = "rest_tools_asks_who"


async def result_of(value: Any) -> Any:
    """What a method has returned, be it sync or async."""
    return await value if inspect.isawaitable(value) else value


def asks_who(method: object) -> Literal["user", "role"] | None:
    """What a method wants of its callers: to be known, or to have a role; None if it takes anybody.

    That is told by its decorators, seen also through others that use `functools.wraps`.
    """
    return cast('Literal["user", "role"] | None', getattr(method, _ASKS_WHO, None))


def authenticated(method: Method[HandlerT, P]) -> AsyncMethod[HandlerT, P]:
    """Only for known users; others get 403 (or the handler's `unauthenticated_status`) with `WWW-Authenticate`."""

    @functools.wraps(method)
    async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        if not self.current_user:
            headers = {"WWW-Authenticate": challenge(self.request)}
            raise Refusal(self.unauthenticated_status, "authentication failed", headers=headers)
        return await result_of(method(self, *args, **kwargs))

    vars(wrapper).setdefault(_ASKS_WHO, "user")
    return wrapper


def catch_error(method: Method[HandlerT, P]) -> AsyncMethod[HandlerT, P]:
    """Answers for exceptions of the method, and logs them; HTTP errors of Tornado pass.

    A backend that fails (any `requests.RequestException`) makes it 500 `Error contacting backend in <Class>`, but 403
    `Error authenticating user` where the backend answered 403; everything else 500 `Error in <Class>`.
    """

    @functools.wraps(method)
    async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await result_of(method(self, *args, **kwargs))
        except (HTTPError, Finish, tornado.httpclient.HTTPError):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the client gets an answer
            _answer_for(error, self)
            return None

    return wrapper


def _answer_for(error: Exception, handler: RestHandler) -> None:
    name = type(handler).__name__
    status, reason = 500, f"Error in {name}"
    if isinstance(error, requests.RequestException):
        reason = f"Error contacting backend in {name}"
        if error.response is not None and error.response.status_code == 403:
            status, reason = 403, "Error authenticating user"
    _log.warning("%s\n%s", reason, traceback_of(error))
    if (statsd := getattr(handler, "statsd", None)) is not None:
        statsd.incr(f"{name}.error")
    handler.send_error(status, reason=reason)


def _allowed_if(
    may_call: Callable[[RestHandler], bool],
) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    def decorate(method: Method[HandlerT, P]) -> AsyncMethod[HandlerT, P]:
        @authenticated
        @catch_error
        @functools.wraps(method)
        async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            if not may_call(self):
                raise HTTPError(403, reason="authorization failed")
            return await result_of(method(self, *args, **kwargs))

        vars(wrapper)[_ASKS_WHO] = "role"
        return wrapper

    return decorate


def _role_set(roles: Collection[str]) -> frozenset[str]:
    if isinstance(roles, str):
        raise TypeError(f"roles must be a list of strings, not the string {roles!r}")
    return frozenset(roles)


def role_authorization(*, roles: Collection[str] = ()) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    """Only for those whose claim `role` is one of these; others get 403 `authorization failed`."""
    wanted = _role_set(roles)

    def may_call(handler: RestHandler) -> bool:
        role: object = handler.auth_data.get("role")
        return isinstance(role, str) and role in wanted

    return _allowed_if(may_call)


def scope_role_auth(
    *, roles: Collection[str] = (), prefix: str | None = None
) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    """Only for those whose claim `scope` has a word `prefix:role` of one of these roles; without prefix, nobody."""
    names = _role_set(roles)
    wanted = {f"{prefix}:{role}" for role in names} if prefix else set[str]()

    def may_call(handler: RestHandler) -> bool:
        scope: object = handler.auth_data.get("scope")
        return isinstance(scope, str) and not wanted.isdisjoint(scope.split())

    return _allowed_if(may_call)


def keycloak_role_auth(
    *, roles: Collection[str] = (), prefix: str = "realm_access.roles"
) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    """Only for those with one of these roles in the list at `prefix`, a dotted path through the claims."""
    wanted = _role_set(roles)

    def may_call(handler: RestHandler) -> bool:
        found = claim_at(handler.auth_data, prefix)
        elements = cast("list[object]", found) if isinstance(found, list) else []
        return any(isinstance(role, str) and role in wanted for role in elements)

    return _allowed_if(may_call)


class TokenAttributeRoleMappingProtocol(Protocol):
    """What `token_attribute_role_mapping_auth` leaves with the handler."""

    auth_roles: list[str]
    """Those of the roles asked for that the caller has, sorted."""
    auth_groups: list[str]
    """All groups of the caller, sorted."""


def token_attribute_role_mapping_auth(
    role_attrs: Mapping[str, Sequence[str]], group_attrs: Mapping[str, Sequence[str]] | None = None
) -> Callable[..., Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]]:
    r"""A decorator factory, to be used as `@x(roles=["admin"])`: only for those with one of the roles.

    Args:
        role_attrs: The expressions that make a role, each `claim.path=REGEX`, by role; a role may be a template
            such as `\1-reader`, see `rest_tools.server.role_mapping`.
        group_attrs: The same for groups.

    Raises:
        ValueError: An expression, or a template for it, is wrong.
    """
    role_mapping, group_mapping = NameMapping(role_attrs), NameMapping(group_attrs or {})

    def factory(*, roles: Collection[str] = ()) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
        wanted = _role_set(roles)

        def may_call(handler: RestHandler) -> bool:
            granted = wanted & role_mapping.names(handler.auth_data)
            if granted:
                told = cast("TokenAttributeRoleMappingProtocol", handler)
                told.auth_roles = sorted(granted)
                told.auth_groups = sorted(group_mapping.names(handler.auth_data))
            return bool(granted)

        return _allowed_if(may_call)

    return factory
