"""What all endpoints have in common: a provider."""

from __future__ import annotations

from typing import Any, ClassVar

from restwright.sandbox.identity.provider import Provider
from restwright.sandbox.watched import WatchedHandler

__all__ = ["Endpoint"]


class Endpoint(WatchedHandler):
    """An endpoint of the provider.

    Attributes:
        endpoint: Its name, one of `ENDPOINTS`.
        provider: Whose endpoint it is.
    """

    endpoint: ClassVar[str]
    provider: Provider

    def initialize(self, *args: Any, provider: Provider, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, watcher=provider, **kwargs)
        self.provider = provider

    @property
    def endpoint_name(self) -> str:
        """One of `ENDPOINTS`."""
        return self.endpoint
