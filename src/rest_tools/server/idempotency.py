"""Idempotency keys: a request that is sent again is not done again (draft-ietf-httpapi-idempotency-key-header-07).

    payments = MemoryIdempotencyStore()

    class Payments(RestHandler):
        @authenticated
        @idempotent(payments)
        def post(self):
            self.write(pay(self.json_body_arguments))

The client chooses a key for each thing that it wants done, and sends it along.  The first request with it is done, and
its answer is kept before it is sent; what comes with the same key later gets that answer.  A key is its caller's, and
one route's: nobody gets the answers of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import re
import uuid
from asyncio import Future
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from tornado.httputil import HTTPServerRequest
from tornado.web import Finish

from rest_tools.server.callers import digest, user_or_credentials
from rest_tools.server.decorators import AsyncMethod, HandlerT, Method, P, asks_who, result_of
from rest_tools.server.handler import RestHandler
from rest_tools.server.idempotency_store import IdempotencyStore, Known, MemoryIdempotencyStore, RedisIdempotencyStore
from rest_tools.server.redaction import request_line, traceback_of
from rest_tools.server.refusal import Refusal
from rest_tools.server.routes import route_of
from rest_tools.server.told import Refused, Told, tell

__all__ = [
    "KEPT_HEADERS",
    "IdempotencyStore",
    "Known",
    "MemoryIdempotencyStore",
    "RedisIdempotencyStore",
    "idempotent",
]

KEPT_HEADERS: Final = (
    "Content-Language",
    "Content-Location",
    "Content-Type",
    "ETag",
    "Last-Modified",
    "Link",
    "Location",
)

# A structured field string (RFC 9651, 3.3.3), or what most clients send: a word without quotes.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,255})"')
_BARE = re.compile(r"[A-Za-z0-9._~:+/=@-]{1,255}")

_REFUSED: Final = (
    Refused(400, "The key is missing, or nobody can read it."),
    Refused(409, "The first request with this key is still at work, or its answer was too large to be kept."),
    Refused(422, "The key was used for another request."),
)

_log = logging.getLogger(__name__)


def idempotent(
    store: IdempotencyStore,
    *,
    required: bool = True,
    lifetime: float = 86400.0,
    lease: float = 30.0,
    max_size: int = 2**20,
    headers: Collection[str] = KEPT_HEADERS,
    caller: Callable[[RestHandler], str] = user_or_credentials,
) -> Callable[[Method[HandlerT, P]], AsyncMethod[HandlerT, P]]:
    """A decorator for methods that do something which must not be done twice.  It goes below those that ask who calls.

    What the method answers is kept, with any status below 500.  An exception, also one that is answered with 4xx,
    says that nothing was done: the key is free again.  So it is after 5xx.  The answer cannot be sent piece by piece:
    a method that tries to `flush` fails.

    | answer | when |
    | --- | --- |
    | 400 | the key is missing, or nobody can read it |
    | 409 | the first request with the key is still at work, see `Retry-After` |
    | 409 | its answer was larger than `max_size`, so it was not kept; it will not be done again |
    | 422 | the key was used for something else: method, path, query or body differ |
    | 503 | the store cannot be asked |
    | that of the first | otherwise, with `Idempotency-Replayed: true` |

    Args:
        store: Where keys and answers are kept.
        required: Whether a request without a key is refused; if not, it is simply done.
        lifetime: Seconds for which an answer is kept.
        lease: Seconds after which the key of a process that died is free.  While a method runs it is extended, but
            not while it blocks the event loop.
        max_size: Bytes of the largest answer that is kept.
        headers: Names of the header fields that are kept; cookies never are.
        caller: Tells callers apart; by default by `current_user`, the unknown by their `Authorization`.

    Raises:
        TypeError: The method asks who calls only after this decorator would have answered.
        ValueError: `lease` or `lifetime` is not more than 0.
    """
    if not (lease > 0 and lifetime > 0):
        raise ValueError(f"lease and lifetime must be more than 0 seconds, got {lease!r} and {lifetime!r}")

    def decorate(method: Method[HandlerT, P]) -> AsyncMethod[HandlerT, P]:
        if asks_who(method):
            raise TypeError("idempotent goes below the decorators that ask who calls, or it would answer before them")

        @functools.wraps(method)
        async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            name = _key_of(self.request)
            if name is None:
                if required:
                    raise Refusal(400, "Idempotency-Key is required: a new one for each thing that is to be done")
                return await result_of(method(self, *args, **kwargs))
            route = route_of(self.request) or self.request.path
            claim = _Claim(store, digest(caller(self), route, name), _fingerprint(self), lease)
            known = await claim.begin()
            if known is not None:
                _replay(known, self)
                return None
            async with claim.held():
                await _hold_back(self, functools.partial(method, self, *args, **kwargs))
                if self.get_status() < 500:
                    await claim.complete(_Answer.of(self, headers, max_size), lifetime)
            return None

        tell(wrapper, Told(_REFUSED, "Idempotency-Key", "A new one for each thing that is to be done.", required))
        return wrapper

    return decorate


def _key_of(request: HTTPServerRequest) -> str | None:
    value = request.headers.get("Idempotency-Key")
    if value is None:
        return None
    if quoted := _QUOTED.fullmatch(value):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if not _BARE.fullmatch(value):
        raise Refusal(400, 'Idempotency-Key must be one string of up to 255 characters, such as "8e03978e-40d5-43dd"')
    return value


def _fingerprint(handler: RestHandler) -> str:
    if handler._stream_request_body:  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        raise RuntimeError("idempotent needs the whole body, but the handler takes it piece by piece")
    request = handler.request
    return digest(request.method or "", request.path, request.query, request.body)


class _Claim:
    """A key, and the request that holds it while it is at work."""

    def __init__(self, store: IdempotencyStore, key: str, fingerprint: str, lease: float) -> None:
        self._store = store
        self._key = key
        self._fingerprint = fingerprint
        self._lease = lease
        self._owner = uuid.uuid4().hex
        self._is_done = False

    async def begin(self) -> Known | None:
        """None if the key is ours now.

        Raises:
            Refusal: 422, the key stands for another request; 503, the store cannot be asked.
        """
        try:
            known = await self._store.begin(self._key, self._owner, self._fingerprint, self._lease)
        except Exception as error:
            _log.error("idempotency keys cannot be checked\n%s", traceback_of(error))
            raise Refusal(503, "idempotency keys cannot be checked", headers={"Retry-After": "1"}) from error
        if known is not None and known.fingerprint != self._fingerprint:
            raise Refusal(422, "the Idempotency-Key was used for another request")
        return known

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Hold the key within the block; in the end it is free, if nothing was done."""
        extending = asyncio.create_task(self._extend())
        try:
            yield
        finally:
            extending.cancel()
            await asyncio.wait({extending})
            if not self._is_done:
                await self._try("free the key", self._store.release(self._key, self._owner))

    async def complete(self, answer: _Answer, lifetime: float) -> None:
        """Keep the answer; if that fails, the client gets it all the same."""
        self._is_done = True
        done = self._store.complete(self._key, self._owner, answer.encode(), lifetime)
        if await self._try("keep the answer", done) is False:
            _log.warning("the lease of an idempotency key ended before the request did")

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            await self._try("extend the lease", self._store.extend(self._key, self._owner, self._lease))

    async def _try(self, what: str, step: Awaitable[bool | None]) -> bool | None:
        try:
            return await step
        except Exception as error:  # noqa: BLE001  # the request itself is well
            _log.error("an idempotency store failed to %s\n%s", what, traceback_of(error))
            return None


async def _hold_back(handler: RestHandler, method: Callable[[], Any]) -> None:
    """Run the method, which can finish its answer; but do not send that."""

    def finish(chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]:
        if chunk is not None:
            handler.write(chunk)
        state["_finished"] = True
        sent: Future[None] = Future()
        sent.set_result(None)
        return sent

    def flush(include_footers: bool = False) -> Future[None]:  # noqa: ARG001  # Tornado's
        raise RuntimeError("the answer of an idempotent method cannot be sent piece by piece")

    state = vars(handler)
    state.update(finish=finish, flush=flush)
    try:
        await result_of(method())
    except Finish as end:
        for chunk in end.args:
            handler.write(chunk)
    finally:
        del state["finish"], state["flush"]  # back to those of the class
        state["_finished"] = False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes | None
    """None if it was too large to be kept."""

    @classmethod
    def of(cls, handler: RestHandler, names: Collection[str], max_size: int) -> _Answer:
        """What the handler is about to send."""
        headers, chunks = handler._headers, handler._write_buffer  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        body = b"".join(chunks)
        if len(body) > max_size:
            _log.warning("an answer of %d bytes is not kept: %s", len(body), request_line(handler.request))
        kept = [(name, value) for name in names for value in headers.get_list(name)]
        return cls(handler.get_status(), kept, body if len(body) <= max_size else None)

    def encode(self) -> bytes:
        """For a store."""
        head = json.dumps([self.status, self.headers, self.body is not None])
        return head.encode() + b"\n" + (self.body or b"")

    @classmethod
    def decode(cls, text: bytes) -> _Answer:
        """From a store."""
        head, _, body = text.partition(b"\n")
        status, headers, is_kept = json.loads(head)
        return cls(status, headers, body if is_kept else None)


def _replay(known: Known, handler: RestHandler) -> None:
    if known.answer is None:
        raise Refusal(409, "the first request with this Idempotency-Key is at work", headers={"Retry-After": "1"})
    answer = _Answer.decode(known.answer)
    if answer.body is None:
        raise Refusal(409, "the request was done before; its answer was too large to be kept")
    handler.set_status(answer.status)
    for name in {"Content-Type", *(name for name, _ in answer.headers)}:
        handler.clear_header(name)  # a default that the first answer changed
    for name, value in answer.headers:
        handler.add_header(name, value)
    handler.set_header("Idempotency-Replayed", "true")
    if answer.body:
        handler.write(answer.body)
