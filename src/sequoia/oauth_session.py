"""A `requests` session that signs with an access token; for callers that want one of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from oauthlib.oauth2 import TokenExpiredError as OAuthlibTokenExpired
from oauthlib.oauth2 import WebApplicationClient

from sequoia.error import TokenExpiredError


class OAuth2SessionTokenManagementWrapper(requests.Session):
    """Signs what it sends, and tells of an expired token by `sequoia.error.TokenExpiredError`.

    Args:
        client_id: Who the token was given to.
        client: An oauthlib client, in place of one for `client_id`.
        token: The token, as oauthlib knows it.
    """

    def __init__(
        self, client_id: str | None = None, client: Any = None, *, token: Mapping[str, Any] | None = None, **_: Any
    ) -> None:
        super().__init__()
        self._client: Any = WebApplicationClient(client_id or "") if client is None else client
        if token is not None:
            self.token = dict(token)

    @property
    def token(self) -> dict[str, Any]:
        """The token; empty if there is none."""
        return dict(getattr(self._client, "token", None) or {})

    @token.setter
    def token(self, token: Mapping[str, Any]) -> None:
        self._client.token = dict(token)
        self._client.populate_token_attributes(dict(token))

    def request(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]  # the contract's own
        self,
        method: str,
        url: str,
        data: Any = None,
        headers: Any = None,
        withhold_token: bool = False,
        client_id: str | None = None,  # noqa: ARG002  # as the next one, for a renewal, which is not done here
        client_secret: str | None = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> requests.Response:
        """Send a request, signed unless the token is to be withheld.

        Raises:
            TokenExpiredError: The token has expired.
        """
        if self.token and not withhold_token:
            try:
                url, headers, data = self._client.add_token(url, http_method=method, body=data, headers=headers)
            except OAuthlibTokenExpired as error:
                raise TokenExpiredError(str(error), error) from error
        return super().request(method, url, data=data, headers=headers, **kwargs)
