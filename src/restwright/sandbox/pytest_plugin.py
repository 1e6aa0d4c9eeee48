"""The sandbox as fixtures: write `pytest_plugins = ["restwright.sandbox.pytest_plugin"]` into your `conftest.py`.

It is not loaded by itself, so that it costs nothing where it is not wanted.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from restwright.sandbox.identity import IdentityProvider, identity_provider

__all__ = ["identity", "identity_server"]


@pytest.fixture(scope="session")
def identity_server() -> Iterator[IdentityProvider]:
    """An OpenID provider for the whole run; tests take `identity`."""
    with identity_provider(control=True) as provider:
        yield provider


@pytest.fixture
def identity(identity_server: IdentityProvider) -> IdentityProvider:
    """The OpenID provider, behaving well, with its sample users and clients and no memory of other tests."""
    identity_server.reset()
    return identity_server
