"""The sandbox as fixtures: write `pytest_plugins = ["restwright.sandbox.pytest_plugin"]` into your `conftest.py`.

It is not loaded by itself, so that it costs nothing where it is not wanted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from restwright.sandbox.identity import IdentityProvider, identity_provider

if TYPE_CHECKING:  # it needs an extra, which not everybody has
    from restwright.sandbox.keystone.running import KeystoneService, Options

__all__ = ["identity", "identity_server", "keystone", "keystone_options", "keystone_server"]


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


@pytest.fixture(scope="session")
def keystone_options() -> Options:
    """How the Keystone of this run works: those of `keystone_service`. Override it in your `conftest.py`."""
    return {"sample": False}


@pytest.fixture(scope="session")
def keystone_server(keystone_options: Options) -> Iterator[KeystoneService]:
    """A Keystone for the whole run; tests take `keystone`."""
    from restwright.sandbox.keystone import keystone_service

    with keystone_service(control=True, **keystone_options) as service:
        yield service


@pytest.fixture
def keystone(keystone_server: KeystoneService) -> KeystoneService:
    """The Keystone, behaving well, with what it has at first and no memory of other tests."""
    keystone_server.reset()
    return keystone_server
