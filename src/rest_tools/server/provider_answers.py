"""What an OpenID provider answers to a login, and what is told when that is not good."""

from __future__ import annotations

import hmac
import json
import logging
from typing import Any, Final, cast

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.web import HTTPError

from rest_tools.utils.claims import as_list

__all__ = ["ask", "bad_gateway", "check_id_token"]

_log = logging.getLogger(__name__)

_TIMEOUT: Final = 20.0  # seconds for one answer


async def ask(
    client: AsyncHTTPClient,
    what: str,
    url: str,
    *,
    body: str | None = None,
    bearer: str | None = None,
    **credentials: str,
) -> dict[str, Any]:
    """The JSON object that the provider answers.

    Args:
        client: To ask with.
        what: Is asked for, for the log.
        url: Where.
        body: Of a POST, as a form; without one it is a GET.
        bearer: An access token to show.
        **credentials: `auth_username` and `auth_password`.

    Raises:
        tornado.web.HTTPError: 502, there is none.
    """
    request = HTTPRequest(
        url,
        method="GET" if body is None else "POST",
        headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {}),
        body=body,
        follow_redirects=False,  # neither secret nor token is for somewhere else
        connect_timeout=_TIMEOUT,
        request_timeout=_TIMEOUT,
        **cast("dict[str, Any]", credentials),
    )
    try:
        response: HTTPResponse = await client.fetch(request)
        value: object = json.loads(response.body)
    except HTTPClientError as error:
        raise bad_gateway(what, f"status {error.code}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise bad_gateway(what, type(error).__name__) from None
    if not isinstance(value, dict):
        raise bad_gateway(what, "no JSON object")
    return cast("dict[str, Any]", value)


def check_id_token(claims: dict[str, Any], client_id: str, nonce: str) -> None:
    """OpenID Connect Core, 3.1.3.7: it has to be for this client, and for this attempt.

    Raises:
        tornado.web.HTTPError: 502, it is not.
    """
    audience: Any = claims.get("aud")
    if client_id not in as_list(cast("str | list[str] | None", audience)):
        raise bad_gateway("id token", "it is not for this client")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise bad_gateway("id token", "it is not for this login")


def bad_gateway(what: str, problem: str) -> HTTPError:
    """502, and a line in the log that has no secrets: nothing that the provider or the browser sent is in it."""
    _log.warning("login: %s failed: %s", what, problem)
    return HTTPError(502, reason="the OpenID provider did not answer as expected")
