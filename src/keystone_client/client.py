"""The clients: all operations of the service, blocking and awaited."""

from __future__ import annotations

from abc import ABCMeta
from functools import cached_property
from typing import ClassVar, cast
from urllib.parse import urljoin

import requests

from keystone_client.authentication import AuthenticationManager
from keystone_client.batch import BatchFailed, KeystoneBatch
from keystone_client.http import DEFAULT_TIMEOUT, AsyncHTTPClient, HTTPBase, HTTPClient
from keystone_client.resources import KeystoneOperations
from keystone_client.schema import Endpoint, Schema
from keystone_client.types import HttpMethod as HTTPMethod

__all__ = [
    "DEFAULT_TIMEOUT",
    "AsyncHTTPClient",
    "AsyncKeystoneClient",
    "AuthenticationManager",
    "BatchFailed",
    "ClientBase",
    "Endpoint",
    "HTTPClient",
    "HTTPMethod",
    "KeystoneBatch",
    "KeystoneClient",
    "Schema",
    "cached_property",
    "requests",
    "urljoin",
]


class ClientBase(HTTPBase, KeystoneOperations, metaclass=ABCMeta):
    """What the clients of both kinds share."""

    LOGIN_ENDPOINT: ClassVar[Endpoint] = Endpoint("authentication/login")
    LOGOUT_ENDPOINT: ClassVar[Endpoint] = Endpoint("authentication/logout")
    IDENTITY_ENDPOINT: ClassVar[Endpoint] = Endpoint("authentication/whoami")

    _operations_class = KeystoneOperations


class KeystoneClient(ClientBase, HTTPClient):
    """A client of a Keystone whose calls return results.

    >>> with KeystoneClient(url="http://localhost:8000") as client:
    ...     client
    <KeystoneClient http://localhost:8000>
    """

    @cached_property
    def api_version(self) -> str:
        """The version of the service."""
        response = self.http_get("version")
        response.raise_for_status()
        return response.text

    @cached_property
    def _auth(self) -> AuthenticationManager:  # as the releases before 0.4 call it
        return AuthenticationManager(self.url, self.schema, client=self)

    def batch(self, *, dry_run: bool = False) -> KeystoneBatch:
        """Operations that are sent together, and done together or not at all, for `with`.

        Args:
            dry_run: Have the service do all of it, answer, and undo it.

        Raises:
            BatchFailed: From the end of the block: a step was refused, and nothing was done.
        """
        return KeystoneBatch(self, cast("KeystoneOperations", self.operations), dry_run=dry_run)


class AsyncKeystoneClient(ClientBase, AsyncHTTPClient):
    """A client of a Keystone whose calls are awaited."""

    def batch(self, *, dry_run: bool = False) -> KeystoneBatch:
        """Operations that are sent together, and done together or not at all, for `async with`.

        Args:
            dry_run: Have the service do all of it, answer, and undo it.

        Raises:
            BatchFailed: From the end of the block: a step was refused, and nothing was done.
        """
        return KeystoneBatch(self, cast("KeystoneOperations", self.operations), dry_run=dry_run)
