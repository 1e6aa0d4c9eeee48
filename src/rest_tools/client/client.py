"""A client for JSON over HTTP: awaited, blocking, or by the line, all by the same plan."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Generator, Mapping
from typing import Any, Final, TypeVar

import requests

from rest_tools import telemetry
from rest_tools.client.calls import Calls
from rest_tools.client.connection import Connection, Settings
from rest_tools.client.encoding import join_url
from rest_tools.client.retries import (
    MAX_RETRIES,
    METHODS,
    STATUSES,
    CalcRetryFromBackoffMax,
    CalcRetryFromWaittimeMax,
    resolve_retries,
)
from rest_tools.client.session import AsyncSession, Session, default_headers
from rest_tools.client.tokens import Token, TokenFunction
from rest_tools.utils.redaction import redact, redact_values, traceback_of
from restwright.auth import BasicAuth
from restwright.closing import AsyncClosing, Closing
from restwright.drivers import AsyncPages, Pages, run, run_async
from restwright.errors import ApiError
from restwright.message import IDEMPOTENT, UNSET, Origin, Unset, without_credentials
from restwright.plan import Operation, under
from restwright.policies import Layer
from restwright.transport import MAX_BYTES

__all__ = ["MAX_RETRIES", "CalcRetryFromBackoffMax", "CalcRetryFromWaittimeMax", "RestClient"]

T = TypeVar("T")

_spanned: Final = telemetry.spanned(
    span_namer=telemetry.SpanNamer(use_this_arg="method"), these=["method", "path"], kind=telemetry.SpanKind.CLIENT
)


class RestClient(Calls, Closing, AsyncClosing):
    """A client for a REST service that speaks JSON.

    `request` is awaited, `request_seq` blocks, `request_stream` and `request_stream_async` read JSON by the line. All
    of them may be used at the same time, from threads, tasks and several event loops.

    A request is repeated when the network fails, when the answer has one of the statuses 408, 429, 500, 502, 503 and
    504, and after 413 with `Retry-After`; but a POST or PATCH only if it was surely not carried out: its connection
    never opened, or the server refused it (408, 413, 429, or 503 with `Retry-After`). Between attempts it waits as the
    server says in `Retry-After`, else not at all before the first retry, and `backoff_factor` times 2, 4, 8, ...
    seconds before the others, 120 at most.

    Args:
        address: Root of the service; credentials go to its origin only.
        token: Sent as a bearer token; or a function, which may be a coroutine function, that returns one. It is called
            again when the token expires soon, or before each request if that cannot be told.
        timeout: Seconds to connect, and between bytes of an answer.
        retries: How often a request is repeated at most, up to `MAX_RETRIES`.
        backoff_factor: Of the waits, in seconds.
        logger: Where failed requests are logged; that of the class's name unless given.
        retry_unsafe: Repeat POST and PATCH like all others: a request may then be carried out twice.
        total_timeout: Seconds that a call may take in all, with its repetitions; unless given as long as all attempts
            and waits can take, and ten minutes at least. None: without end. A wait beyond it is not begun.
        max_bytes: The largest answer that is taken, after decompression; of a stream, the longest line.
        **kwargs: `username` and `password` for basic authentication; `sslcert` and `sslkey`, paths of a client
            certificate and its key; `cacert`, path of the authorities to trust. Others are kept in `kwargs`.

    Raises:
        ValueError: An argument is out of its range, or both a token and a password are given.
    """

    _logger_name = "RestClient"

    def __init__(
        self,
        address: str,
        token: Token | TokenFunction | None = None,
        timeout: float = 60.0,
        retries: int | CalcRetryFromBackoffMax | CalcRetryFromWaittimeMax = 10,
        backoff_factor: float = 0.3,
        logger: logging.Logger | None = None,
        *,
        retry_unsafe: bool = False,
        total_timeout: float | Unset | None = UNSET,
        max_bytes: int = MAX_BYTES,
        **kwargs: Any,
    ) -> None:
        for name, seconds in (("timeout", timeout), ("backoff_factor", backoff_factor)):
            if not isinstance(seconds, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"{name} must be a number of seconds, got {seconds!r}")
            if not seconds >= 0:  # nor is it NaN
                raise ValueError(f"{name} must be 0 or more seconds, got {seconds!r}")
        self.address = address
        self.timeout = timeout
        self.backoff_factor = backoff_factor
        self.retries = resolve_retries(retries, timeout, backoff_factor)
        self.retry_unsafe = retry_unsafe
        self.total_timeout = total_timeout
        self.max_bytes = max_bytes
        self.logger = logging.getLogger(self._logger_name) if logger is None else logger
        self.kwargs = kwargs
        self._init_token(token)
        self._basic: BasicAuth | None = None
        if "username" in kwargs and "password" in kwargs:
            if token:
                raise ValueError("give either a token, or a username and a password: both are the Authorization header")
            self._basic = BasicAuth(kwargs["username"], kwargs["password"])
        self._connection: Connection | None = None
        self._is_closed = False
        self.session: requests.Session = self.open()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_credentials(self.address)}>"

    def open(self, sync: bool = False) -> requests.Session:
        """Put a new `session` in the place of the old one, for instance after `close`.

        All kinds of calls go through it, by its settings and adapters. Its own methods, such as `get`, return futures;
        with `sync` they block.
        """
        methods = METHODS if self.retry_unsafe else IDEMPOTENT
        make: Callable[..., Any] = Session if sync else AsyncSession
        session: requests.Session = make(self.retries, self.backoff_factor, methods, STATUSES)
        session.headers.clear()
        session.headers.update(default_headers())
        session.auth = self._basic
        if "sslcert" in self.kwargs:
            cert = self.kwargs["sslcert"]
            session.cert = (cert, self.kwargs["sslkey"]) if "sslkey" in self.kwargs else cert
        if "cacert" in self.kwargs:
            session.verify = self.kwargs["cacert"]
        self.session = session
        self._is_closed = False
        return session

    def close(self) -> None:
        """Close the connections. A later `request` is refused until `open`; a blocking call opens new ones."""
        self._is_closed = True
        self.session.close()
        if self._connection is not None:
            self._connection.close()

    async def aclose(self) -> None:
        """Close the connections, and wait until those of the running event loop are closed."""
        self._is_closed = True
        self.session.close()
        if self._connection is not None:
            await self._connection.aclose()

    @_spanned
    async def request(self, method: str, path: str, args: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The decoded JSON of the answer, None if it is empty; awaited.

        Args:
            method: GET and HEAD have no body: `args` go into the query. With all others they are the JSON body.
            path: Below the address.
            args: A list in a query repeats its key, None is left out.
            headers: More header fields; `Authorization` is set by the client if it has a token.

        Raises:
            requests.HTTPError: An error status that is not repeated; the text has what the server said.
            requests.exceptions.RetryError: One that is, in the last answer, which is the error's `response`.
            requests.ConnectionError: No answer, or not in time.
            requests.exceptions.JSONDecodeError: The answer is not JSON; also a `json.JSONDecodeError`.
            TypeError: JSON has no form for one of `args`; nothing is sent.
            RuntimeError: The client is closed.
        """
        try:
            return await self._run_async(path, self._call(method, path, args, headers, awaited=True))
        except ApiError as error:
            is_gone = method.upper() == "DELETE" and error.response.status_code == 404
            if not is_gone and self.logger.isEnabledFor(logging.INFO):
                shown = redact_values(args)
                self.logger.info("%s %s with %r failed\n%s", method, redact(path), shown, traceback_of(error))
            raise

    @_spanned
    def request_seq(self, method: str, path: str, args: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The same as `request`, blocking."""
        connection = self._connected(path)
        plan = self._call(method, path, args, headers, awaited=False)
        return run(connection.transport.send, under(connection.policy, plan))

    @_spanned
    def request_stream(
        self,
        method: str,
        path: str,
        args: Any = None,
        headers: Mapping[str, str] | None = None,
        chunk_size: int | None = 8096,  # noqa: ARG002  # the contract's
    ) -> Generator[Any]:
        """The JSON values of the lines of an answer, each as soon as it has come in; blank lines are left out.

        Nothing is sent before the first value is asked for. Only then and only so far are requests repeated. A stream
        that is not read to its end keeps its connection until it is closed or collected.

        Args:
            method: As with `request`, as are the following.
            path: See there.
            args: See there.
            headers: See there.
            chunk_size: Of no effect: what has come in is handed out, never held back to make a chunk full.
        """
        connection = self._connected(path)
        lines = under(connection.policy, self._lines(method, path, args, headers, awaited=False))
        with contextlib.closing(Pages(connection.transport.send, lambda: lines).pages()) as pages:
            for page in pages:
                yield from page.items

    def request_stream_async(
        self, method: str, path: str, args: Any = None, headers: Mapping[str, str] | None = None
    ) -> AsyncPages[Any]:
        """The same as `request_stream`, for `async for`; each loop sends the request anew."""
        connection = self._connected(path, awaited=True)
        return AsyncPages(
            connection.transport.send_async,
            lambda: under(connection.policy, self._lines(method, path, args, headers, awaited=True)),
        )

    async def _answer(self, method: str, path: str, args: Any = None) -> requests.Response:
        """The answer itself, also one of an error status that is not repeated."""
        return await self._run_async(path, self._respond(method, path, args, None, awaited=True))

    async def _run_async(self, path: str, plan: Operation[T]) -> T:
        connection = self._connected(path, awaited=True)
        return await run_async(connection.transport.send_async, under(connection.policy, plan))

    def _connected(self, path: str, *, awaited: bool = False) -> Connection:
        """The way to the service by the settings of now; without an address, to where the path leads."""
        if awaited and self._is_closed:
            raise RuntimeError("the client is closed: open() it again")
        settings = Settings(
            self.session,
            self.address or str(Origin.of(join_url("", path))),
            self.timeout,
            self.retries,
            self.backoff_factor,
            self.total_timeout,
            self.max_bytes,
        )
        connection = self._connection
        if connection is None or connection.settings != settings:
            connection = self._connection = Connection(settings, *self._layers())
        return connection

    def _layers(self) -> tuple[Layer, ...]:
        """Policies of a subclass, around the attempts of each call."""
        return ()
