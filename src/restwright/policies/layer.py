"""What a policy is: a layer around the exchange inside it; and how layers are stacked."""

from __future__ import annotations

from typing import Protocol

import requests

from restwright.message import Request
from restwright.plan import Operation, Policy, exchange


class Layer(Protocol):
    """Called for each request, with the policy inside it; alone it wraps the bare exchange."""

    def __call__(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """The plan of one exchange."""
        ...


def stack(*layers: Layer) -> Policy:
    """One policy of several layers, outermost first.

    >>> from restwright.policies import deadline, retry
    >>> policy = stack(deadline(30.0), retry(attempts=3))  # one deadline over all attempts
    """
    policy: Policy = exchange
    for layer in reversed(layers):
        policy = _over(layer, policy)
    return policy


def _over(layer: Layer, inner: Policy) -> Policy:
    return lambda request: layer(request, inner)
