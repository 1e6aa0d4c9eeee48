"""One test, both eras, both modes: `client` is logged in to a service of either era, and blocking or awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from keystone_client import AsyncKeystoneClient, KeystoneClient
from restwright.sandbox.keystone import KeystoneService, keystone_service

STAFF = ("admin", "admin-secret")
ERAS = ("session", "jwt")
MODES = ("sync", "async")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "eras(*names): what is tested is of these eras only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mode" in metafunc.fixturenames:
        metafunc.parametrize("mode", MODES)
    if "era" in metafunc.fixturenames:
        named = metafunc.definition.get_closest_marker("eras")
        metafunc.parametrize("era", named.args if named else ERAS)


class Caller:
    """A client whose operations give their results, in whichever mode it is."""

    def __init__(self, mode: str, loop: asyncio.Runner, url: str, **settings: Any) -> None:
        self.mode = mode
        self.client: Any = (AsyncKeystoneClient if mode == "async" else KeystoneClient)(url, **settings)
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        member = getattr(self.client, name)
        if self.mode == "async" and inspect.ismethod(member):
            return lambda *args, **kwargs: self._result(member(*args, **kwargs))
        return member

    def is_logged_in(self) -> bool:
        return self._result(self.client.is_authenticated())

    def batched(self, fill: Callable[[Any], Any], **options: Any) -> Any:
        """What `fill` returns, once what it put in a batch was sent."""

        async def awaited() -> Any:
            async with self.client.batch(**options) as batch:
                return fill(batch)

        if self.mode == "async":
            return self._loop.run(awaited())
        with self.client.batch(**options) as batch:
            return fill(batch)

    def together(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        """The results of calls that are made at the same time."""
        from concurrent.futures import ThreadPoolExecutor

        async def gathered() -> list[Any]:
            return await asyncio.gather(*(getattr(self.client, name)(**given) for name, given in calls))

        if self.mode == "async":
            return self._loop.run(gathered())
        with ThreadPoolExecutor(20) as pool:
            return list(pool.map(lambda call: getattr(self.client, call[0])(**call[1]), calls))

    def close(self) -> None:
        self._result(self.client.close())

    def _result(self, found: Any) -> Any:
        if inspect.iscoroutine(found):
            return self._loop.run(found)
        if hasattr(found, "__aiter__"):
            return self._loop.run(_collected(found))
        return found


async def _collected(items: Any) -> list[Any]:
    return [item async for item in items]


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def services() -> Iterator[dict[str, KeystoneService]]:
    with keystone_service(era="session", sample=False) as new, keystone_service(era="jwt", sample=False) as old:
        yield {"session": new, "jwt": old}


@pytest.fixture
def service(era: str, services: dict[str, KeystoneService]) -> KeystoneService:
    """A service of either era, with two accounts and nothing else."""
    services[era].reset()
    return services[era]


@pytest.fixture
def connect(mode: str, loop: asyncio.Runner) -> Iterator[Callable[..., Caller]]:
    """Opens clients of any service."""
    callers: list[Caller] = []

    def connect(url: str, **settings: Any) -> Caller:
        callers.append(Caller(mode, loop, url, **settings))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.close()


@pytest.fixture
def client(service: KeystoneService, connect: Callable[..., Caller]) -> Caller:
    caller = connect(service.url)
    caller.login(*STAFF)
    return caller
