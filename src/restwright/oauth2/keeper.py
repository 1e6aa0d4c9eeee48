"""Keeps one login: hands out a token that counts, renewed once for all who ask at the same time.

A token is renewed in a thread of its own, under the lock of its store.  There the store is read first: another
process may have renewed it.  The renewal belongs to no caller: it goes on when one is cancelled, which could
otherwise lose a refresh token that the provider has just replaced, and it holds up no event loop.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final

import requests

from restwright.drivers import run
from restwright.errors import LoginExpired, LoginRequired, TokenStoreError
from restwright.message import Request
from restwright.oauth2.store import MemoryStore, TokenStore
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation, Work
from restwright.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_LOCKED: Final = 30.0
"""Seconds for which somebody else may be renewing."""


class TokenKeeper:
    """Hands out the access token of one login.

    Args:
        send: Sends the requests of `renew` and `obtain`, blocking.
        renew: How to renew tokens that have a refresh token: the plan that ends with what follows them.
        obtain: How to get tokens where there are none, without a person; None if a person has to log in.
            Both plans end by themselves in finite time.
        store: Where the tokens are kept; in memory if None.
        leeway: Seconds before its end at which a token is renewed; a tenth of its life at most.
        within: Seconds to wait for a renewal at most.
        clock: Tells the time, in seconds since the epoch.
    """

    def __init__(
        self,
        send: Callable[[Request], requests.Response],
        *,
        renew: Callable[[TokenSet], Operation[TokenSet]] | None = None,
        obtain: Callable[[], Operation[TokenSet]] | None = None,
        store: TokenStore | None = None,
        leeway: float = 30.0,
        within: float = 90.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store: TokenStore = MemoryStore() if store is None else store
        self._send = send
        self._renew = renew
        self._obtain = obtain
        self._leeway = leeway
        self._within = within
        self._clock = clock
        self._known: TokenSet | None = None  # as the store had it when it was last looked at
        self._unsaved: TokenSet | None = None  # what the store could not take
        self._dead: str | None = None  # a refresh token that counts no more
        self._flight = SingleFlight[TokenSet]("the renewal of a token")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.store!r}>"

    def tokens(self, *, refused: TokenSet | None = None, until: float | None = None) -> Operation[TokenSet]:
        """Tokens whose access token counts, as far as one can tell; without any waiting as a rule.

        Args:
            refused: What a server answered 401 to: others are wanted, be they renewed now or by somebody else since.
            until: Reading of the monotonic clock, in seconds, at which waiting ends.

        Raises:
            LoginRequired: There are none, and a person has to log in.
            LoginExpired: They cannot be renewed any more, and a person has to log in.
            LoginError: The provider refused, or the store failed.
            TransportError: The provider gave no answer in time.
        """
        known = self._known
        if known is not None and self._counts(known, refused, leeway=self._leeway):
            return known
        tokens = yield from self._renewed(refused, until)
        if tokens == refused:  # all of it: a provider may issue the same access token anew
            # Somebody had begun before it was refused, and found it in the store.
            tokens = yield from self._renewed(refused, until)
        return tokens

    def keep(self, tokens: TokenSet) -> Operation[None]:
        """Take over the tokens of a login.

        Raises:
            TokenStoreError: The store does not take them: they are good as long as this process lives.
        """
        yield Work(partial(self._keep, tokens))

    def forget(self) -> Operation[TokenSet | None]:
        """Remove the tokens, here and from the store, and return them; None if there were none.

        Raises:
            TokenStoreError: They cannot be removed from the store.
        """
        self._known = None
        clearing = Work(self._clear)
        yield clearing
        tokens: TokenSet | None = clearing.result
        return tokens

    def kept(self) -> Operation[TokenSet | None]:
        """The tokens as they are in the store, expired or not; None if there are none.

        Raises:
            TokenStoreError: The store cannot be read.
        """
        loading = Work(self.store.load)
        yield loading
        tokens: TokenSet | None = loading.result
        return tokens

    def _renewed(self, refused: TokenSet | None, until: float | None) -> Operation[TokenSet]:
        left = self._within if until is None else min(self._within, until - time.monotonic())
        return self._flight.join(partial(self._find, refused), within=left)

    def _counts(self, tokens: TokenSet, refused: TokenSet | None, *, leeway: float) -> bool:
        is_refused = refused is not None and tokens.access_token == refused.access_token
        return not is_refused and tokens.is_valid(self._clock(), leeway=leeway)

    # What follows runs in threads.

    def _find(self, refused: TokenSet | None) -> TokenSet:
        with self.store.lock(_LOCKED):
            stored = self._unsaved or self._load()
            if stored is not None and self._counts(stored, refused, leeway=self._leeway):
                self._known = stored
                return stored
            try:
                tokens = self._next(stored)
            except requests.RequestException as error:
                if stored is None or not self._counts(stored, refused, leeway=0.0):
                    raise
                logger.warning("a token that is about to expire could not be renewed: %s", error)
                return stored
            self._known = self._unsaved = tokens
            self._save()
        return tokens

    def _next(self, stored: TokenSet | None) -> TokenSet:
        """What follows the tokens in the store."""
        expired: LoginExpired | None = None
        if stored is not None and stored.refresh_token is not None and self._renew is not None:
            if stored.refresh_token == self._dead:  # do not bother the provider with it again
                expired = LoginExpired("the refresh token counts no more: log in again", error="invalid_grant")
            else:
                try:
                    return run(self._send, self._renew(stored))
                except LoginExpired as error:
                    self._dead = stored.refresh_token
                    expired = error
        if self._obtain is not None:
            return run(self._send, self._obtain())
        if expired is not None:
            raise expired
        if stored is not None:
            raise LoginRequired("the access token counts no more, and there is no refresh token: log in again")
        raise LoginRequired("there is no token: log in first")

    def _load(self) -> TokenSet | None:
        try:
            return self.store.load()
        except TokenStoreError as error:
            if self._obtain is None:
                raise
            logger.warning("%s; new ones take their place", error)
            return None

    def _save(self) -> None:
        """Save what is not; what the store does not take now is good here all the same, and is tried again."""
        if self._unsaved is None:
            return
        try:
            self.store.save(self._unsaved)
        except TokenStoreError as error:
            logger.warning("renewed tokens are kept in memory only: %s", error)
        else:
            self._unsaved = None

    def _keep(self, tokens: TokenSet) -> None:
        self._known = self._unsaved = tokens  # they are good here even if the store does not take them
        with self.store.lock(_LOCKED):
            self.store.save(tokens)
            self._unsaved = None

    def _clear(self) -> TokenSet | None:
        with self.store.lock(_LOCKED):
            tokens = self._unsaved
            with contextlib.suppress(TokenStoreError):  # it is cleared, whatever it holds
                tokens = tokens or self.store.load()
            self.store.clear()
            self._known = self._unsaved = None
        return tokens
