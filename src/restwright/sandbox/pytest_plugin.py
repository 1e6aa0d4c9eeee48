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
    from restwright.sandbox.sequoia.running import Options as SequoiaOptions
    from restwright.sandbox.sequoia.running import SequoiaService

__all__ = [
    "identity",
    "identity_server",
    "keystone",
    "keystone_options",
    "keystone_server",
    "sequoia",
    "sequoia_options",
    "sequoia_server",
]


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


@pytest.fixture(scope="session")
def sequoia_options() -> SequoiaOptions:
    """How the Sequoia services of this run work: those of `sequoia_service`. Override it in your `conftest.py`."""
    return {"sample": False}


@pytest.fixture(scope="session")
def sequoia_server(sequoia_options: SequoiaOptions) -> Iterator[SequoiaService]:
    """Sequoia services for the whole run; tests take `sequoia`."""
    from restwright.sandbox.sequoia import sequoia_service

    with sequoia_service(control=True, **sequoia_options) as service:
        yield service


@pytest.fixture
def sequoia(sequoia_server: SequoiaService) -> SequoiaService:
    """The Sequoia services, behaving well, with what they have at first and no memory of other tests."""
    sequoia_server.reset()
    return sequoia_server
