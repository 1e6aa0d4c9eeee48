"""The one transport adapter: lean, mounted in a `requests.Session`, and it can also be awaited."""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
import weakref
from collections.abc import Awaitable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Final

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import InvalidSchema
from requests.utils import select_proxy
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.util import Retry

from restwright.errors import TooLarge
from restwright.message import without_credentials
from restwright.wire.blocking import paced, perform
from restwright.wire.call import Call, check_deadline
from restwright.wire.paced import POOLS, paced_pools

if TYPE_CHECKING:
    from restwright.wire.awaited import LoopPool

POOL_SIZE: Final = 64
_CHUNK: Final = 1 << 16
_NEVER: Final = Retry(0, read=False)  # as `requests` has it

# The call that a session or a hook of somebody's makes for us by its own ways.
within: ContextVar[Call | None] = ContextVar("within", default=None)

_adapters: weakref.WeakSet[Adapter] = weakref.WeakSet()
# A child of a fork must not close its parent's connections, which it would do by collecting them.
_left_to_parent: list[Any] = []


def stock(function: Any, module: str) -> Any:
    """A function of `requests`; nothing that equals any, if a test has put its own there before we were imported."""
    return function if getattr(function, "__module__", None) == module else object()


_SEND: Final = stock(HTTPAdapter.send, "requests.adapters")


class Adapter(HTTPAdapter):
    """Takes `Call`s in two ways, blocking (`perform`) and awaited (`perform_async`).

    One adapter may be shared by threads, tasks and successive event loops; after a fork the child opens
    connections of its own.  For plain `requests` calls it is an ordinary adapter (`send`).
    """

    mounting: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        super().__init__(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE)
        self._pools: dict[Any, HTTPConnectionPool] = {}
        self._loops: dict[asyncio.AbstractEventLoop, LoopPool] = {}
        self._tls: dict[Any, ssl.SSLContext | bool] = {}
        self._lock = threading.Lock()
        _adapters.add(self)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Have our own pools of connections made."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """The same for connections by way of a proxy.

        Raises:
            requests.exceptions.InvalidSchema: PySocks is not installed, or there is no such kind of SOCKS.
        """
        is_socks = proxy.lower().startswith("socks")
        is_known = proxy in self.proxy_manager
        try:
            manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        except (InvalidSchema, ValueError) as error:
            if not is_socks:
                raise
            raise InvalidSchema(
                f"proxies: {without_credentials(proxy)} needs PySocks (pip install 'requests[socks]'), "
                "and to be one of socks4, socks4a, socks5, socks5h"
            ) from error
        if not is_known:
            manager.pool_classes_by_scheme = paced_pools(manager.pool_classes_by_scheme) if is_socks else POOLS
        return manager

    def perform(self, call: Call) -> requests.Response:
        """The answer to `call`, all of it taken in."""
        if HTTPAdapter.send is not _SEND:  # a test has put something else in its place (`responses`)
            return send_prepared(self, call)
        scheme, _, rest = call.url.partition("://")
        authority, _, target = rest.partition("/")
        key = (
            scheme,
            authority,
            call.verify,
            call.cert,
            select_proxy(call.url, call.proxies) if call.proxies else None,
        )
        pool = self._pools.get(key)
        if pool is None:
            pool = self._new_pool(key, call)
        target = self.request_url(call.prepared, call.proxies) if call.proxies else "/" + target.partition("#")[0]
        return perform(call, pool, target)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """An ordinary call of `requests`; one that was made for a `Call` keeps to its bounds."""
        call = within.get()
        if call is None:
            return super().send(request, *args, **kwargs)
        once = self._without_retries()
        if args or kwargs.get("stream"):
            return HTTPAdapter.send(once, request, *args, **kwargs)
        with paced(call):
            kwargs["stream"] = True
            response = HTTPAdapter.send(once, request, **kwargs)
            take_in(response, call)
        return response

    def _without_retries(self) -> Adapter:
        """For a call whose plan repeats it: the adapter itself, or one with all that it has but its retries."""
        if not self.max_retries.total:
            return self
        once = Adapter.__new__(Adapter)
        vars(once).update(vars(self), max_retries=_NEVER)
        return once

    def perform_async(self, call: Call) -> Awaitable[requests.Response]:
        """The answer to `call`, awaited on the running event loop."""
        proxy = select_proxy(call.url, call.proxies) if call.proxies else None
        if HTTPAdapter.send is not _SEND or (proxy is not None and not proxy.startswith("http://")):
            return asyncio.to_thread(self.perform, call)
        loop = asyncio.get_running_loop()
        pool = self._loops.get(loop)
        if pool is None or pool.is_closed:
            pool = self._new_loop_pool(loop)
        return pool.perform(call, self._tls_of(call) if call.url.startswith("https") else True, proxy)

    def close(self) -> None:
        """Close the blocking connections; the awaited ones close with their loop, or by `aclose`."""
        super().close()
        with self._lock:
            pools, self._pools = list(self._pools.values()), {}
        for pool in pools:
            pool.close()

    async def aclose(self) -> None:
        """Close all connections, those of the running event loop included."""
        with self._lock:
            pool = self._loops.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool.close()
        self.close()

    def _new_pool(self, key: Any, call: Call) -> HTTPConnectionPool:
        with self._lock:
            pool = self._pools.get(key)
            if pool is None:
                pool = self.get_connection_with_tls_context(
                    call.prepared, call.verify, proxies=call.proxies, cert=call.cert
                )
                self._pools[key] = pool
        return pool

    def _new_loop_pool(self, loop: asyncio.AbstractEventLoop) -> LoopPool:
        from restwright.wire.awaited import LoopPool

        with self._lock:
            for past in [past for past in self._loops if past.is_closed()]:
                self._loops.pop(past).abandon()
            pool = self._loops[loop] = LoopPool()
        return pool

    def _tls_of(self, call: Call) -> ssl.SSLContext | bool:
        key = (call.verify, call.cert)
        tls = self._tls.get(key)
        if tls is None:
            from restwright.wire.awaited import tls_of

            tls = self._tls[key] = tls_of(call.verify, call.cert)
        return tls

    def forget_connections(self) -> None:
        """Leave all connections to the parent process, after a fork, and begin anew."""
        for pool in self._loops.values():
            pool.leave_to_parent()
        _left_to_parent.append((self._pools, self.poolmanager, self.proxy_manager, self._loops))
        self._lock = threading.Lock()
        self._pools, self.proxy_manager = {}, {}
        self._loops = {}
        self.init_poolmanager(POOL_SIZE, POOL_SIZE)


def _after_fork() -> None:
    Adapter.mounting = threading.Lock()  # another thread of the parent may have held it
    for adapter in list(_adapters):
        adapter.forget_connections()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_after_fork)


def mounted_on(session: requests.Session) -> Adapter:
    """The adapter of a session: the one that it has, or a new one in the place of those that `requests` has put there.

    One for all threads, lest connections are opened that nobody closes.
    """
    with Adapter.mounting:
        adapters = dict(session.adapters)
        own = next((adapter for adapter in adapters.values() if isinstance(adapter, Adapter)), None) or Adapter()
        for prefix, adapter in adapters.items():
            if type(adapter) is HTTPAdapter and adapter.max_retries.total == 0:
                session.mount(prefix, own)
    return own


def send_prepared(adapter: BaseAdapter, call: Call) -> requests.Response:
    """The answer to `call` by any adapter that a user or a test has mounted."""
    prepared = call.prepared
    body = call.body
    prepared.body = body if body is None or isinstance(body, bytes) else b"".join(body.chunks())
    response = adapter.send(
        prepared,
        stream=True,
        timeout=times_left(call),
        verify=call.verify,
        cert=call.cert,
        proxies=call.proxies,
    )
    take_in(response, call)
    return response


class _ForeignStream:
    """The content of an answer that came by way of `requests`, while it comes in."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        self._chunks = response.iter_content(_CHUNK)

    def read(self) -> bytes:
        try:
            return next(self._chunks, b"")
        except requests.RequestException as error:
            error.request = error.request or self._response.request
            raise

    def close(self) -> None:
        self._response.close()


def take_in(response: requests.Response, call: Call) -> None:
    """Read the content of an answer that came by way of `requests`, within the bounds of the call.

    Of one that is to be streamed, the content is left where it is.
    """
    if call.buffer is not None and response.status_code < 300:
        vars(response)["stream"] = _ForeignStream(response)
        return
    sink = call.sink if response.status_code < 300 else None
    if sink is not None:
        sink.start()
    taken = vars(response)
    if taken.get("_content") is not False or response.raw is None:
        if sink is not None:
            sink.write(response.content)
        return
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(_CHUNK):
        if sink is not None:
            sink.write(chunk)
            continue
        size += len(chunk)
        if size > call.max_bytes:
            response.close()
            raise TooLarge(f"the answer is larger than {call.max_bytes} bytes", request=call.prepared)
        chunks.append(chunk)
    taken["_content"] = b"".join(chunks)


def times_left(call: Call) -> tuple[float | None, float | None]:
    """The time-outs of a call for an engine that knows no deadline."""
    check_deadline(call)
    left = None if call.deadline is None else call.deadline - time.monotonic()
    connect, read = (
        left if seconds is None else seconds if left is None else min(seconds, left)
        for seconds in (call.connect_timeout, call.read_timeout)
    )
    return connect, read
