"""The real Kinto, one server for the whole run; tests stay apart by having an account each. Certificates."""

from __future__ import annotations

import signal
import ssl
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import SimpleNamespace

import hypothesis
import pytest
import requests

from restwright.sandbox.certificates import Certificates
from restwright.testing.kinto import KintoServer, kinto_server
from restwright.testing.serve import Connection, Fault, Reply, SeenRequest, Server, serve

# The same examples each time, in whichever time the machine has for them; no files of them in the project.
hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Programs in tests are stopped by SIGINT, which is ignored where tests begin in the background of a shell."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kinto() -> Iterator[KintoServer]:
    """A server with room for 100 objects on a page."""
    with kinto_server() as server:
        yield server


@pytest.fixture(scope="session")
def paginated_kinto() -> Iterator[KintoServer]:
    """A server with room for 5 objects on a page."""
    with kinto_server(paginate_by=5) as server:
        yield server


def new_account(server: KintoServer) -> tuple[str, str]:
    user, password = f"user-{uuid.uuid4().hex}", uuid.uuid4().hex
    server.create_account(user, password)
    return user, password


@pytest.fixture
def account(kinto: KintoServer) -> tuple[str, str]:
    """A fresh user and password on `kinto`."""
    return new_account(kinto)


@pytest.fixture
def paginated_account(paginated_kinto: KintoServer) -> tuple[str, str]:
    """A fresh user and password on `paginated_kinto`."""
    return new_account(paginated_kinto)


@pytest.fixture
def bucket(kinto: KintoServer, account: tuple[str, str]) -> str:
    """Id of an empty bucket on `kinto` that belongs to `account`."""
    name = f"bucket-{uuid.uuid4().hex}"
    requests.put(f"{kinto.url}/buckets/{name}", auth=account, timeout=10).raise_for_status()
    return name


@pytest.fixture(scope="session")
def certificates() -> Iterator[Certificates]:
    """An authority, a client that it has signed, and a stranger."""
    with Certificates() as made:
        yield made


@pytest.fixture
def serve_asking(certificates: Certificates) -> Callable[..., AbstractContextManager[Server]]:
    """Serves an app by TLS and asks clients for a certificate; `shown` tells of each request whether it had one."""
    context = certificates.mutual_context()
    context.verify_mode = ssl.CERT_OPTIONAL

    @contextmanager
    def asking(app: Callable[[SeenRequest], Reply]) -> Iterator[Server]:
        shown: list[bool] = []

        def look(request: SeenRequest) -> Fault:
            def play(connection: Connection) -> Reply:
                shown.append(bool(connection._sock.getpeercert()))
                return app(request)

            return Fault(play)

        with serve(look, tls=context) as server:
            server.shown = shown
            yield server

    return asking


@pytest.fixture(scope="session")
def certificate(certificates: Certificates) -> SimpleNamespace:
    """A certificate for the loopback names: `server` is a context that has it, `path` the file of its authority."""
    return SimpleNamespace(server=certificates.server_context(), path=certificates.authority)
