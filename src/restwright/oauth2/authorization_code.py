"""A person logs in with a browser on this machine (RFC 6749, 4.1; RFC 7636; RFC 8252).

The browser comes back to a loopback address with a code that is of use to this login alone: the provider gives
tokens for it only with the PKCE verifier, which goes nowhere but to the token endpoint.  `state` binds the redirect
to this login, `iss` to this provider (RFC 9207).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

from restwright.errors import LoginError, LoginExpired, one_line
from restwright.oauth2.answers import oauth_error
from restwright.oauth2.redirect import RedirectReceiver
from restwright.oauth2.token_endpoint import Registration, request_tokens
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Join, Operation, Work

_VERIFIER: Final = 86  # characters, 43 to 128 (RFC 7636, 4.1)


def authorization_code(
    registration: Registration,
    *,
    open: Callable[[str], object],  # noqa: A002  # what it does
    redirect_uri: str = "http://127.0.0.1/callback",
    timeout: float = 300.0,
) -> Operation[TokenSet]:
    """Tokens for the person who logs in with a browser.

    Args:
        registration: Who asks whom.
        open: Called with the URL to show in a browser, in a thread.
        redirect_uri: Where the browser comes back to, as it is registered with the provider; without a port, a free
            one is taken (RFC 8252, 7.3).
        timeout: Seconds that the person has.

    Raises:
        LoginDenied: The person, or the provider for the person, said no.
        LoginExpired: The person took too long, or the code counts no more.
        LoginError: The answer is not of this login, or the provider refused.
        TransportError: The token endpoint gave no answer in time.
    """
    receiver = RedirectReceiver(redirect_uri)
    failure: str | None = "The program gave it up."
    try:
        yield Work(receiver.listen)
        tokens = yield from _through_browser(registration, receiver, open, timeout)
        failure = None
    except Exception as error:
        failure = str(error)
        raise
    finally:
        receiver.conclude(failure)
    return tokens


def _through_browser(
    registration: Registration, receiver: RedirectReceiver, show: Callable[[str], object], timeout: float
) -> Operation[TokenSet]:
    from oauthlib.oauth2 import WebApplicationClient

    asking: Any = WebApplicationClient(registration.client.client_id)
    state = secrets.token_urlsafe(32)
    verifier = asking.create_code_verifier(_VERIFIER)
    scheme, colon, rest = registration.provider.endpoint("authorization_endpoint").partition(":")
    # oauthlib takes no http unless an environment variable says so; ProviderMetadata has refused it where it must.
    url = asking.prepare_request_uri(
        f"https:{rest}",
        redirect_uri=receiver.redirect_uri,
        scope=registration.scope or None,
        state=state,
        code_challenge=asking.create_code_challenge(verifier, "S256"),
        code_challenge_method="S256",
        **registration.parameters,
    )
    yield Work(partial(show, f"{scheme}{colon}{url.removeprefix('https:')}"))
    yield Join(receiver.query, timeout)
    if not receiver.query.done():
        raise LoginExpired(f"the login in the browser was not completed within {timeout:g} seconds")
    code = _code_of(receiver.query.result(), state, registration)
    form = asking.prepare_request_body(
        code=code, redirect_uri=receiver.redirect_uri, code_verifier=verifier, **registration.form
    )
    return (yield from request_tokens(registration, form, secrets=(code, verifier)))


def _code_of(query: str, state: str, registration: Registration) -> str:
    """The code of the redirect, after all that tells whether it is ours (RFC 6749, 4.1.2; RFC 9207, 2.4)."""
    pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
    answer = dict(pairs)
    if len(answer) != len(pairs):  # RFC 6749, 3.1
        raise LoginError("the browser came back with a parameter twice")
    if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
        raise LoginError("the browser came back with another state than it was sent with: this is not our login")
    _check_issuer(answer, registration)
    if "error" in answer:
        raise oauth_error(answer, None, "no login", (state, *registration.client.secrets))
    if not answer.get("code"):
        raise LoginError("the browser came back without a code")
    return answer["code"]


def _check_issuer(answer: Mapping[str, str], registration: Registration) -> None:
    provider = registration.provider
    issuer = answer.get("iss")
    if issuer is None:
        if provider.authorization_response_iss_parameter_supported:
            raise LoginError(f"the browser came back without iss, which {provider.issuer} always sends (RFC 9207)")
    elif issuer != provider.issuer:
        expected = provider.issuer or "none: say which in ProviderMetadata(issuer=...)"
        raise LoginError(f"the browser came back from the issuer {one_line(issuer)!r}, expected {expected} (RFC 9207)")
