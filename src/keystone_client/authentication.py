"""The tokens of services before 0.4, for programs that handle them by themselves."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass, field
from typing import Any

from keystone_client.accepted import seconds_of
from keystone_client.http import HTTPClient
from keystone_client.schema import Schema
from keystone_client.tokens import expiry_of
from restwright.errors import LoginError
from restwright.message import UNSET
from restwright.oauth2 import TokenSet
from restwright.plan import Operation
from restwright.transport import as_timeouts

__all__ = ["JWT", "AuthenticationManager"]


@dataclass
class JWT:
    """A pair of tokens.

    Attributes:
        access: What requests are signed with.
        refresh: What the next access token is had with.
        algorithm: How they are signed; nothing here verifies that.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    algorithm: str = "HS256"

    @property
    def access_expiration(self) -> datetime.datetime:
        """When the access token expires, in local time."""
        return datetime.datetime.fromtimestamp(expiry_of(self.access))  # noqa: DTZ006  # naive, by the contract

    @property
    def refresh_expiration(self) -> datetime.datetime:
        """When the refresh token expires, in local time."""
        return datetime.datetime.fromtimestamp(expiry_of(self.refresh))  # noqa: DTZ006


class AuthenticationManager:
    """Gets tokens from a service, keeps and renews them.

    Args:
        url: Root of the service.
        schema: Where it gives them.
        client: Whose tokens they are; None: its own.
    """

    def __init__(self, url: str, schema: Schema | None = None, *, client: HTTPClient | None = None) -> None:
        auth = (Schema() if schema is None else schema).auth
        self._client = HTTPClient(url, era="jwt") if client is None else client
        self._login = self._client.context.login
        self._login.ask_at(auth)
        self.auth_url = auth.new.join_url(self._client.url)
        self.refresh_url = auth.refresh.join_url(self._client.url)
        self.blacklist_url = auth.blacklist.join_url(self._client.url)

    @property
    def jwt(self) -> JWT | None:
        """The tokens; None if nobody is logged in."""
        tokens = self._tokens()
        return None if tokens is None else JWT(tokens.access_token, tokens.refresh_token or "")

    @jwt.setter
    def jwt(self, pair: JWT | None) -> None:
        if pair is None:
            self._client.run(self._login.keeper.forget())
            return
        if not isinstance(pair, JWT):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"jwt must be a JWT or None, got {type(pair).__name__}")
        tokens = TokenSet(pair.access, expires_at=expiry_of(pair.access), refresh_token=pair.refresh)
        self._client.run(self._login.take(_given(tokens)))

    def is_authenticated(self) -> bool:
        """Is one of the two unexpired?"""
        return self._login.seems_authenticated

    def get_auth_headers(self, auto_refresh: bool = True, timeout: float | None = None) -> dict[str, str]:
        """The header field that signs a request; none if nobody is logged in.

        Args:
            auto_refresh: Renew the access token first if it has expired.
            timeout: Seconds that a renewal may take; a minute and a half at most.

        Raises:
            RuntimeError: The access token has expired, and so has the refresh token.
        """
        if auto_refresh:
            self.refresh(timeout=timeout)
        tokens = self._tokens()
        return {} if tokens is None else {"Authorization": f"Bearer {tokens.access_token}"}

    def login(self, username: str, password: str, timeout: float | None = None) -> None:
        """Get tokens.

        Raises:
            ApiError: The service refuses.
        """
        self._client.login(username, password, timeout=UNSET if timeout is None else timeout)

    def logout(self, timeout: float | None = None) -> None:
        """Forget the tokens, here in any case.

        Raises:
            ApiError: The service refuses to forget them.
        """
        self._client.logout(raise_blacklist=True, timeout=UNSET if timeout is None else timeout)

    def refresh(self, force: bool = False, timeout: float | None = None) -> None:
        """Renew the access token if it has expired.

        Args:
            force: Renew it in any case.
            timeout: Seconds that it may take; a minute and a half at most.

        Raises:
            RuntimeError: The refresh token has expired.
            requests.Timeout: It takes longer; it goes on nonetheless.
        """
        _, seconds = as_timeouts(seconds_of(timeout))
        before = self._tokens()
        if before is None:
            return
        until = None if seconds is None else time.monotonic() + seconds
        try:
            self._client.run(self._login.keeper.tokens(refused=before if force else None, until=until))
        except LoginError as error:
            raise RuntimeError("the refresh token has expired: log in again") from error

    def _tokens(self) -> TokenSet | None:
        return self._login.keeper.store.load()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._client.url}>"


def _given(tokens: TokenSet) -> Operation[Any]:
    return tokens
    yield
