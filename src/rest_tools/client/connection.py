"""What the calls of a client go through: one transport and one stack of policies, made anew when a setting changes."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Final, NamedTuple

import requests

from rest_tools.client.retries import retry_layer, total_timeout_of
from rest_tools.client.session import blocking_view
from restwright.message import Unset
from restwright.plan import Policy
from restwright.policies import Layer, deadline, redirect, stack
from restwright.transport import Transport, as_timeouts

_REDIRECTS: Final = 30
_closing: Final[set[asyncio.Task[None]]] = set()  # the event loop itself holds its tasks weakly


class Settings(NamedTuple):
    """What a connection is made of; made for each call, to be told whether one of them has changed."""

    session: requests.Session
    root: str
    timeout: float
    retries: int
    backoff_factor: float
    total_timeout: float | Unset | None
    max_bytes: int


class Connection:
    """The way to a service.

    Args:
        settings: Of the client.
        layers: Policies of the client's own, such as a login, inside the total deadline and around the attempts.
    """

    def __init__(self, settings: Settings, *layers: Layer) -> None:
        self.settings = settings
        self.transport = Transport(
            blocking_view(settings.session),
            settings.root,
            timeout=as_timeouts(settings.timeout),
            max_bytes=settings.max_bytes,
        )
        self._layers = layers

    @cached_property
    def policy(self) -> Policy:
        """What surrounds each exchange."""
        settings = self.settings
        total = settings.total_timeout
        if isinstance(total, Unset):
            total = total_timeout_of(settings.retries, settings.timeout, settings.backoff_factor)
        return stack(
            *([] if total is None else [deadline(total)]),
            *self._layers,
            retry_layer(settings.retries, settings.backoff_factor),
            redirect(most=_REDIRECTS, writes=True),
        )

    def close(self) -> None:
        """Close the connections; those of a running event loop as soon as it goes on."""
        self.transport.close()
        try:
            task = asyncio.get_running_loop().create_task(self.transport.aclose())
        except RuntimeError:
            return
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop included."""
        await self.transport.aclose()
