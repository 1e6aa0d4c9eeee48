"""Sign requests with the access token of a login (RFC 6750, 2.1), and renew it when a server refuses it.

The place of this layer is inside the deadline, which then holds for renewals too, and around the retries, which
must not repeat what a provider has refused: `default_policy(bearer_token(keeper))`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import requests

from restwright.auth import BearerAuth
from restwright.errors import LoginRequired
from restwright.message import Origin, Request, is_absolute
from restwright.oauth2.keeper import TokenKeeper
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation, Policy, exchange
from restwright.policies import Layer


def bearer_token(keeper: TokenKeeper, *, origins: Iterable[str] = ()) -> Layer:
    """Send each request with a token that counts; a 401 leads to one renewal and one replay.

    The token goes to the client's own origin, like all its credentials, and not along redirects to another one.  A
    request that has an `Authorization` field of its own is left alone.

    Args:
        keeper: Hands out the token.
        origins: Further origins that it may go to, such as `https://files.example.org`; your explicit choice.
    """
    return _BearerToken(keeper, frozenset(Origin.of(origin) for origin in origins))


class _BearerToken:
    def __init__(self, keeper: TokenKeeper, listed: frozenset[Origin]) -> None:
        self._keeper = keeper
        self._listed = listed
        self._last: tuple[TokenSet, BearerAuth] | None = None  # a token is checked once, not for each request

    def __call__(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        if request.header("Authorization") is not None:
            return (yield from inner(request))
        tokens = yield from self._keeper.tokens(until=request.deadline)
        response = yield from inner(self._signed(request, tokens))
        if not _was_refused(response, tokens) or not _can_be_sent_again(request):
            return response
        try:
            renewed = yield from self._keeper.tokens(refused=tokens, until=request.deadline)
        except LoginRequired:
            return response  # it is the server's refusal that tells why
        if renewed.access_token == tokens.access_token:
            return response
        return (yield from inner(self._signed(request, renewed)))

    def _signed(self, request: Request, tokens: TokenSet) -> Request:
        if is_absolute(request.url) and Origin.of(request.url) in self._listed:
            return request.with_header("Authorization", f"Bearer {tokens.access_token}")
        last = self._last
        if last is None or last[0] is not tokens:
            last = self._last = tokens, BearerAuth(tokens.access_token)
        return request.but(auth=last[1])  # the transport knows the client's own origin


def _was_refused(response: requests.Response, tokens: TokenSet) -> bool:
    if response.status_code != 401:
        return False
    asked: Any = response.request
    # Another origin's refusal, after a redirect say, is not about the token: it never got it.
    return asked is None or asked.headers.get("Authorization") == f"Bearer {tokens.access_token}"


def _can_be_sent_again(request: Request) -> bool:
    """Content is bytes, or asked anew for each attempt; only files in the words of `requests` are read but once."""
    return not request.options.keys() & {"files", "data"}
