"""The token endpoint (RFC 6749, 3.2): what all grants have in common is one exchange with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from restwright.errors import LoginError, outline
from restwright.message import EMPTY, Request
from restwright.oauth2.answers import ask, json_object, oauth_error, refusal
from restwright.oauth2.client_auth import ClientAuth
from restwright.oauth2.metadata import ProviderMetadata
from restwright.oauth2.tokens import TokenSet, tokens_of
from restwright.plan import Operation
from restwright.policies import deadline, retry, stack

_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Registration:
    """A client as a provider knows it; what each grant needs.

    Attributes:
        provider: The provider's endpoints.
        client: Who asks.
        scope: What is asked for, separated by blanks (RFC 6749, 3.3).
        parameters: More members of each token and authorization request, such as `resource` (RFC 8707) or the
            `audience` that some providers want.
        within: Seconds for one exchange, attempts and waits included.
        clock: Tells the time, in seconds since the epoch.
    """

    provider: ProviderMetadata
    client: ClientAuth
    scope: str = ""
    parameters: Mapping[str, str] = EMPTY
    within: float = 30.0
    clock: Callable[[], float] = time.time

    @property
    def form(self) -> dict[str, Any]:
        """What the form of each token request has, as arguments for oauthlib, which knows the client's id."""
        members = self.client.members
        return {**self.parameters, "include_client_id": bool(members), "client_secret": members.get("client_secret")}


def post(
    registration: Registration, endpoint: str, form: str, *, repeatable: bool = False, attempts: int = 3
) -> Operation[tuple[Request, requests.Response]]:
    """Send a form to an endpoint of the provider: the request, and its answer, which may be a refusal.

    It is sent again if the connection did not open, and where it is `repeatable` also after other failures.  It is
    never redirected: it holds secrets.
    """
    request = Request(
        "POST",
        registration.provider.endpoint(endpoint),
        headers={"Accept": "application/json", "Content-Type": _FORM, **registration.client.fields},
        content=form.encode(),
        repeatable=repeatable,
    )
    response = yield from ask(request, stack(deadline(registration.within), retry(attempts)))
    return request, response


def request_tokens(
    registration: Registration,
    form: str,
    *,
    secrets: tuple[str, ...] = (),
    repeatable: bool = False,
    attempts: int = 3,
) -> Operation[TokenSet]:
    """What the token endpoint grants.

    Args:
        registration: Who asks whom.
        form: The content of the request, as oauthlib makes it.
        secrets: What of it must not show, besides the client's own secrets.
        repeatable: Does it do no harm to ask twice?
        attempts: How often to ask at most, where the connection does not open or it is repeatable.

    Raises:
        LoginError: The provider refused (RFC 6749, 5.2), or its answer cannot be used.
        TransportError: It gave no answer in time.
    """
    asked_at = registration.clock()
    request, response = yield from post(registration, "token_endpoint", form, repeatable=repeatable, attempts=attempts)
    secrets = (*secrets, *registration.client.secrets)
    answer = json_object(response)
    if answer is None or response.status_code != 200:
        raise refusal(response, request, "no token", secrets)
    try:
        _check(response.content.decode(), secrets)
        return tokens_of(answer, asked_at=asked_at, now=registration.clock())
    except LoginError as error:
        error.request = outline(request)
        raise


def _check(answer: str, secrets: tuple[str, ...]) -> None:
    """Is it a grant?  Some providers answer 200 to what they refuse."""
    from oauthlib.oauth2 import OAuth2Error
    from oauthlib.oauth2.rfc6749.parameters import parse_token_response

    try:
        parse_token_response(answer)
    except OAuth2Error as error:
        told = {"error": error.error, "error_description": error.description, "error_uri": error.uri}
        raise oauth_error(told, None, "no token", secrets) from None
    except (AttributeError, OverflowError, TypeError, ValueError):
        return  # a member of a wrong type; `tokens_of` tells which
