"""Sends requests, with credentials, a correlation id, and repetitions.

All that happens around one request is a plan (`ask`), the same for the blocking executor and the awaited one.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Final, Protocol, TypeVar

import requests

from restwright.drivers import AsyncPages, Pages, run, run_async
from restwright.errors import api_error
from restwright.message import UNSET, Request
from restwright.operation import AsyncMode, SyncMode
from restwright.plan import Listing, Operation, Policy, exchange
from restwright.policies import redirect, stack
from sequoia.auth import MAX_TOKEN_RETRIES, Auth
from sequoia.common_headers import CORRELATION_ID, CommonHeaders
from sequoia.env import DEFAULT_REQUEST_TIMEOUT_SECONDS
from sequoia.error import HttpError, http_error, request_error
from sequoia.expectation import Expectation
from sequoia.raw_requests import RequestOperations
from sequoia.response import HttpResponse, ModelBuilder
from sequoia.retrying import Repeat, now
from sequoia.routing import Routes, has_origin, origin_of
from sequoia.strategy import (
    DEFAULT_STRATEGY,
    MAX_TIME_SECONDS,
    RETRY_HTTP_STATUS_CODES,
    RETRY_WHEN_EMPTY_RESULT,
    Strategy,
)
from sequoia.user_agent import linux_distribution, mac_ver, os_info, os_versions, our_user_agent, win32_ver

__all__ = [
    "MAX_TOKEN_RETRIES",
    "RETRY_HTTP_STATUS_CODES",
    "RETRY_WHEN_EMPTY_RESULT",
    "AsyncHttpExecutor",
    "Call",
    "HttpExecutor",
    "HttpResponse",
    "linux_distribution",
    "mac_ver",
    "win32_ver",
]

T = TypeVar("T")
ItemT = TypeVar("ItemT")
CONTENT_TYPE: Final = "application/vnd.piksel+json"
ATTEMPT_SECONDS: Final = 600.0
"""Seconds that one attempt may take in all, unless the time-out asks for more."""


@dataclass(frozen=True, slots=True)
class Call:
    """What all requests of one operation have in common.

    Attributes:
        repeat: How each is repeated.
        correlation_id: The id that they share; None for one of its own each time something is sent, "" for none.
        resource_name: The resource that they are about, None if they are about none.
        is_signed: Do they get the client's credentials?
        model_builder: Makes the `model` of an answer.
    """

    repeat: Repeat
    correlation_id: str | None = None
    resource_name: str | None = None
    is_signed: bool = True
    model_builder: ModelBuilder | None = field(default=None, compare=False)


class Naming(Protocol):
    """A registry, which names whom to trust."""

    @property
    def registry_url(self) -> str:
        """Where it is."""
        ...

    def loaded(self) -> Operation[None]:
        """It is read, if that has not been done."""
        ...


class Executor:
    """What both executors are: settings, and the plan around a request.

    Args:
        auth: How requests are signed.
        session: The `requests.Session` to send through; that of `auth`, or a new one, if None.
        proxies: As `requests` takes them.
        user_agent: Put before our own.
        get_delay: Kept as an attribute, and not used.
        request_timeout: Seconds to connect and between bytes of an answer, for each attempt; 0 or None for 240.
        backoff_strategy: How requests are repeated; None for at most 10 tries within 120 seconds, with no delay.
        correlation_id: Sent with each request.
        user_id: With `application_id`, the beginning of generated ids.
        application_id: See `user_id`.
        content_type: Of what is sent and accepted.
        retry_writes: Repeat also requests that are not idempotent, whether or not they have been carried out.
    """

    MAX_TIME_SECONDS: ClassVar[int] = MAX_TIME_SECONDS
    DEFAULT_BACKOFF_CONF: ClassVar[Mapping[str, Any]] = DEFAULT_STRATEGY
    os_info: ClassVar[str] = os_info()
    os_versions: ClassVar[str] = os_versions()
    user_agent: str = our_user_agent()
    logger = HttpResponse.logger

    def __init__(
        self,
        auth: Auth,
        session: requests.Session | None = None,
        proxies: Mapping[str, str] | None = None,
        user_agent: str | None = None,
        get_delay: Any = None,
        request_timeout: float | None = None,
        backoff_strategy: Mapping[str, Any] | None = None,
        correlation_id: str | None = None,
        user_id: str | None = None,
        application_id: str | None = None,
        content_type: str | None = None,
        *,
        retry_writes: bool = True,
    ) -> None:
        if not isinstance(auth, Auth):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"auth is made by AuthFactory.create() or a subclass of Auth, got a {type(auth).__name__}")
        self._retry_writes = retry_writes
        self.backoff_strategy = backoff_strategy
        self.get_delay = get_delay
        self.user_id = _stripped("user_id", user_id)
        self.application_id = _stripped("application_id", application_id)
        self.correlation_id = _stripped("correlation_id", correlation_id)
        self.auth = auth
        self.session = auth.ready_session() if session is None else session
        if proxies is not None and not isinstance(proxies, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"proxies is a dict of scheme to URL, got a {type(proxies).__name__}")
        self.session.proxies.update(proxies or {})
        if user_agent := _text("user_agent", user_agent):
            self.user_agent = f"{user_agent.rstrip()} {self.user_agent}"
        content_type = _text("content_type", content_type) or CONTENT_TYPE
        self.common_headers = CommonHeaders(
            self.session,
            {
                "User-Agent": self.user_agent,
                "Content-Type": content_type,
                "Accept": content_type,
                CORRELATION_ID: self.correlation_id,
            },
        )
        self._own_origins: frozenset[str] | None = None
        self._registry: Naming | None = None
        timeout = timeout_of(request_timeout)
        self.routes = Routes(self.session, timeout=timeout, is_known=self._is_known)
        self.request_timeout = timeout
        self._policy: Policy = stack(self._signed, redirect(writes=True))
        self._unsigned: Policy = stack(redirect(writes=True))
        self.operations = RequestOperations(self)

    @property
    def backoff_strategy(self) -> Mapping[str, Any]:
        """How requests are repeated, unless an operation says otherwise."""
        return self._given_strategy

    @backoff_strategy.setter
    def backoff_strategy(self, given: Mapping[str, Any] | None) -> None:
        chosen = self.DEFAULT_BACKOFF_CONF if given is None or given == {} else given
        self.strategy = Strategy.of(chosen, max_time=self.MAX_TIME_SECONDS)
        self.backoff_max_time = self.strategy.max_time
        self._given_strategy = chosen
        self._plain = Repeat(self.strategy, writes=self._retry_writes)

    @property
    def request_timeout(self) -> float:
        """Seconds to connect and between bytes of an answer."""
        return self._request_timeout

    @request_timeout.setter
    def request_timeout(self, seconds: float | None) -> None:
        self._request_timeout = timeout_of(seconds)
        self._attempt_seconds = max(ATTEMPT_SECONDS, 2 * self._request_timeout)
        self.routes.set_timeout(self._request_timeout)

    @property
    def longest_request(self) -> float:
        """Seconds that a request may take in all, with its repetitions."""
        return float(now(self.strategy.max_time)) + self._attempt_seconds

    def depend_on(self, registry: Naming) -> None:
        """Have the registry read before anything else; until then nobody gets credentials."""
        self._registry = registry
        self.trust(())

    def ready(self) -> Operation[None]:
        """The registry is read, if there is one."""
        if self._registry is not None:
            yield from self._registry.loaded()

    def trust(self, locations: Iterable[str]) -> None:
        """Send credentials to the origins of these URLs, and from now on to no others."""
        self._own_origins = frozenset(origin_of(url).lower() for url in locations if has_origin(url))

    def is_trusted(self, url: str) -> bool:
        """Do the client's credentials go there?  As long as no registry was read, to each URL that a caller names."""
        return self._own_origins is None or (has_origin(url) and origin_of(url).lower() in self._own_origins)

    def _is_known(self, origin: str) -> bool:
        """Is the client's certificate shown there?  The registry is not told the token, but who asks."""
        registry = self._registry
        return self.is_trusted(origin) or (registry is not None and origin == origin_of(registry.registry_url))

    def call(
        self,
        resource_name: str | None = None,
        backoff_strategy: Mapping[str, Any] | None = None,
        retry_when_empty_result: Any = None,
        included: tuple[str, ...] = (),
        *,
        url: str | None = None,
        model_builder: ModelBuilder | None = None,
        reads: bool = True,
    ) -> Call:
        """A new operation.

        Args:
            resource_name: What it is about.
            backoff_strategy: How it is repeated, in place of the client's.
            retry_when_empty_result: What answers must have in them, unless the strategy says it.
            included: The linked resources that are asked for.
            url: Where it goes, if that is not a service that the registry names.
            model_builder: Makes the models of its answers.
            reads: False if it changes something: what the client's strategy expects of answers is then not for it.
        """
        repeat = self._plain
        if backoff_strategy:
            strategy = Strategy.of(backoff_strategy, max_time=self.strategy.max_time)
            repeat = Repeat(strategy, writes=self._retry_writes)
        if retry_when_empty_result:
            self.logger.warning("retry_when_empty_result is better given as a key of backoff_strategy")
        said = repeat.strategy.expected if reads or backoff_strategy else UNSET
        wanted = retry_when_empty_result if said is UNSET else said
        if wanted:
            expectation = Expectation.of(wanted, resource_name, included)
            repeat = Repeat(repeat.strategy, expectation, repeat.writes)
        is_signed = url is None or self.is_trusted(url)
        return Call(repeat, self._new_correlation_id(), resource_name, is_signed, model_builder)

    def ask(self, request: Request, call: Call) -> Operation[HttpResponse]:
        """The answer to a request of an operation.

        Raises:
            RequestError: It failed, also when repeated.
            AuthorisationError: No token could be had.
        """
        return call.repeat(request, partial(self._attempt, call))

    def _attempt(self, call: Call, request: Request) -> Operation[HttpResponse]:
        correlation_id = str(uuid.uuid4()) if call.correlation_id is None else call.correlation_id
        headers = {CORRELATION_ID: correlation_id, **request.headers} if correlation_id else request.headers
        request = request.but(headers=headers, deadline=time.monotonic() + self._attempt_seconds)
        try:
            response = yield from (self._policy if call.is_signed else self._unsigned)(request)
        except requests.RequestException as error:
            vars(error)["correlation_id"] = correlation_id
            raise request_error(error) from error
        vars(response)["correlation_id"] = correlation_id
        if response.status_code >= 400:
            raise self.create_http_error(response)
        return HttpResponse(response, call.resource_name, call.model_builder)

    def _signed(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        return self.auth.signed(request, inner)

    def _new_correlation_id(self) -> str | None:
        if self.correlation_id:
            return self.correlation_id
        if self.user_id and self.application_id:
            return f"{self.user_id}/{self.application_id}/{uuid.uuid4()}"
        return None

    @staticmethod
    def create_http_error(response: requests.Response) -> HttpError:
        """The error for an answer."""
        cause = api_error(response)
        error = http_error(response, cause)
        error.__cause__ = cause
        return error

    @staticmethod
    def return_response(response: requests.Response, resource_name: str | None) -> HttpResponse:
        """What an operation returns for an answer."""
        return HttpResponse(response, resource_name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class HttpExecutor(Executor, SyncMode, RequestOperations):
    """Sends requests, blocking."""

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan to its end; credentials go to the origin of its first request only."""
        return run(self.routes.new().send, plan)

    def pages(self, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
        """The items of a listing."""
        return Pages(self.routes.new().send, start)

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        self.routes.close()


class AsyncHttpExecutor(Executor, AsyncMode, RequestOperations):
    """Sends requests, awaited."""

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan to its end; credentials go to the origin of its first request only."""
        return run_async(self.routes.new().send_async, plan)

    def pages(self, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
        """The items of a listing."""
        return AsyncPages(self.routes.new().send_async, start)

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop included."""
        await self.routes.aclose()


def timeout_of(given: float | None) -> float:
    """Seconds.

    Raises:
        ValueError: It is no number of seconds.
    """
    if not given:
        return float(DEFAULT_REQUEST_TIMEOUT_SECONDS)
    if not isinstance(given, (int, float)) or not given > 0:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(f"request_timeout is a number of seconds, got {given!r}")
    return float(given)


def _text(name: str, given: str | None) -> str | None:
    if given is not None and not isinstance(given, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} is a text, got {given!r}")
    return given


def _stripped(name: str, given: str | None) -> str | None:
    text = _text(name, given)
    return text.strip() if text else None
