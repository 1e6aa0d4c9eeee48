"""One test, three runners: `client` has the same operations blocking, awaited and in a batch."""

from __future__ import annotations

import asyncio
import inspect
import uuid
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from tests.timing import PATIENCE

from kinto_http import AsyncClient, Client, KintoException
from restwright.operation import operation
from restwright.testing.kinto import KintoServer
from restwright.testing.serve import Answer, Reply, SeenRequest, serve

KINDS = ("bucket", "group", "collection", "record")
MODES = ("sync", "async", "batch")
HOP_BY_HOP = {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "unbatched: what is tested does not apply to a batch")
    config.addinivalue_line("markers", "modes(*names): what is tested applies to these modes only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mode" in metafunc.fixturenames:
        named = metafunc.definition.get_closest_marker("modes")
        unbatched = metafunc.definition.get_closest_marker("unbatched")
        metafunc.parametrize("mode", named.args if named else MODES[:2] if unbatched else MODES)
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", KINDS)


class Caller:
    """A client whose operations give their results, in whichever of the modes it is called."""

    def __init__(self, mode: str, loop: asyncio.Runner, **settings: Any) -> None:
        self.mode = mode
        self.client: Any = (AsyncClient if mode == "async" else Client)(**settings)
        self._loop = loop
        self._clones: list[Caller] = []

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.client, name)
        if self.mode == "async" and callable(member):
            return lambda *args, **kwargs: self._awaited(member(*args, **kwargs))
        is_operation = isinstance(inspect.getattr_static(type(self.client), name, None), operation)
        if self.mode == "batch" and is_operation:
            return lambda *args, **kwargs: self._batched(name, args, kwargs)
        return member

    def __repr__(self) -> str:
        return f"<{self.mode} of {self.client!r}>"

    def clone(self, **changes: Any) -> Caller:
        copy = Caller.__new__(Caller)
        copy.mode, copy.client, copy._loop, copy._clones = self.mode, self.client.clone(**changes), self._loop, []
        self._clones.append(copy)
        return copy

    def pages(self, name: str, **kwargs: Any) -> list[Any]:
        """The pages of a listing."""
        pages = getattr(self.client, name)(**kwargs).pages()
        return self._awaited(pages) if self.mode == "async" else list(pages)

    def close(self) -> None:
        for each in (*self._clones, self):
            if each.mode == "async":
                self._loop.run(each.client.aclose())
            else:
                each.client.close()

    def _awaited(self, found: Any) -> Any:
        if inspect.iscoroutine(found):
            return self._loop.run(found)
        if hasattr(found, "__aiter__"):
            return self._loop.run(_collected(found))
        return found

    def _batched(self, name: str, args: Any, kwargs: Any) -> Any:
        queued: Any = None
        try:
            with self.client.batch() as batch:
                queued = getattr(batch, name)(*args, **kwargs)
        except KintoException:
            if queued is None:  # refused before it was queued
                raise
        return queued.result()


async def _collected(items: Any) -> list[Any]:
    return [item async for item in items]


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def client(
    mode: str, loop: asyncio.Runner, kinto: KintoServer, account: tuple[str, str], bucket: str
) -> Iterator[Caller]:
    """A client with a bucket of its own, and in it the empty collection `tasks`."""
    caller = Caller(mode, loop, server_url=kinto.url, auth=account, bucket=bucket, collection="tasks")
    requests.put(f"{kinto.url}/buckets/{bucket}/collections/tasks", auth=account, timeout=10).raise_for_status()
    yield caller
    caller.close()


@pytest.fixture
def small_pages(
    mode: str, loop: asyncio.Runner, paginated_kinto: KintoServer, paginated_account: tuple[str, str]
) -> Iterator[Caller]:
    """The same, of a server with room for 5 objects on a page."""
    server, account, bucket = paginated_kinto, paginated_account, f"bucket-{uuid.uuid4().hex}"
    caller = Caller(mode, loop, server_url=server.url, auth=account, bucket=bucket, collection="tasks")
    for path in (bucket, f"{bucket}/collections/tasks"):
        requests.put(f"{server.url}/buckets/{path}", auth=account, timeout=10).raise_for_status()
    yield caller
    caller.close()


@pytest.fixture
def other(kinto: KintoServer, account: tuple[str, str], bucket: str) -> Iterator[Client]:
    """Another client of the same account, in the same places."""
    with Client(server_url=kinto.url, auth=account, bucket=bucket, collection="tasks") as client:
        yield client


@pytest.fixture
def stranger(mode: str, loop: asyncio.Runner, kinto: KintoServer, bucket: str) -> Iterator[Caller]:
    """A client of another account, which may read and write nothing in that bucket."""
    user, password = f"user-{uuid.uuid4().hex}", uuid.uuid4().hex
    kinto.create_account(user, password)
    caller = Caller(mode, loop, server_url=kinto.url, auth=(user, password), bucket=bucket, collection="tasks")
    yield caller
    caller.close()


@pytest.fixture
def new_id() -> str:
    """An id that nothing has yet."""
    return f"id-{uuid.uuid4().hex}"


@pytest.fixture
def do(client: Caller, kind: str) -> Callable[..., Any]:
    """`do("create", ...)` is `client.create_bucket(...)`, and so on for each kind of object."""
    return lambda verb, *args, **kwargs: getattr(client, f"{verb}_{kind}")(*args, **kwargs)


Forward = Callable[[], Reply]


class Relay:
    """A server that passes requests on to Kinto; what it saw, and what it did with the answers, is up to the test.

    Attributes:
        meddle: Called with each request and a function that asks Kinto; what it returns is answered.
    """

    def __init__(self, target: str) -> None:
        self._target = f"{urlsplit(target).scheme}://{urlsplit(target).netloc}"
        self._session = requests.Session()
        self._session.trust_env = False
        self.meddle: Callable[[SeenRequest, Forward], Answer] = lambda request, forward: forward()
        self._server = serve(lambda request: self.meddle(request, lambda: self._forward(request)))
        self.url = f"{self._server.url}/v1"

    def seen(self, method: str = "", path: str = "") -> list[SeenRequest]:
        """The requests so far, of that method and with that in their path."""
        return [each for each in self._server.requests if method in ("", each.method) and path in each.path]

    def close(self) -> None:
        self._session.close()
        self._server.close()

    def _forward(self, request: SeenRequest) -> Reply:
        # With the relay's own Host: the links in the answer lead through it again.
        answer = self._session.request(
            request.method,
            self._target + request.target,
            headers=dict(request.headers),
            data=request.body,
            allow_redirects=False,
            timeout=10,
        )
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        return Reply(answer.status_code, content=answer.content, headers=headers)


@pytest.fixture
def relay(kinto: KintoServer) -> Iterator[Relay]:
    """In front of `kinto`."""
    relay = Relay(kinto.url)
    yield relay
    relay.close()


@pytest.fixture
def paginated_relay(paginated_kinto: KintoServer) -> Iterator[Relay]:
    """In front of `paginated_kinto`."""
    relay = Relay(paginated_kinto.url)
    yield relay
    relay.close()


@pytest.fixture
def connect(mode: str, loop: asyncio.Runner) -> Iterator[Callable[..., Caller]]:
    """Opens clients of any server, which are patient unless told otherwise."""
    callers: list[Caller] = []

    def connect(url: str, **settings: Any) -> Caller:
        settings = {"auth": ("alice", "s3cret"), "collection": "tasks", "timeout": PATIENCE, **settings}
        callers.append(Caller(mode, loop, server_url=url, **settings))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.close()
