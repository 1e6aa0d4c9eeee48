"""A provider's answers, and how little of them may show.

What is sent to a provider, and what it answers, is secret as a whole.  So no error has the content of either:
`sealed` leaves method and URL of a request, `refusal` takes what we sent out of what a provider says about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import requests

from restwright.errors import LoginDenied, LoginError, LoginExpired, one_line, outline
from restwright.json_codec import decode
from restwright.message import Origin, Request
from restwright.plan import Operation, Policy

MAX_BYTES: Final = 1 << 20
"""The largest answer of a provider that is taken, in bytes."""
_CODE: Final = 60  # characters of an error code that are shown
_SECRET: Final = 4  # characters; what is shorter stands in ordinary words
# RFC 6749, 4.1.2.1 and 5.2; RFC 8628, 3.5.  All others are plain LoginErrors.
_KINDS: Final[Mapping[str, type[LoginError]]] = {
    "access_denied": LoginDenied,
    "invalid_grant": LoginExpired,
    "expired_token": LoginExpired,
}


def ask(request: Request, policy: Policy) -> Operation[requests.Response]:
    """One exchange with a provider; an error of it has nothing of what was sent.

    Raises:
        TransportError: No answer came.
        UnusableAnswer: An answer came that is too large, or is broken.
    """
    try:
        # It will be long until the next one: no connection is kept.
        return (yield from policy(request.but(max_bytes=MAX_BYTES).with_header("Connection", "close")))
    except requests.RequestException as error:
        error.request, error.response = outline(request), None
        raise


def json_object(response: requests.Response) -> dict[str, Any] | None:
    """The JSON object that an answer is; None if it is anything else, whatever its type says."""
    try:
        value = decode(response.content)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def refusal(response: requests.Response, asked: Request, what: str, secrets: Iterable[str] = ()) -> LoginError:
    """The error for an answer that is not the wanted one.

    Args:
        response: The answer.
        asked: What it answers.
        what: What did not come about, as `no token`.
        secrets: What must not show, should the provider say it.
    """
    document = json_object(response) or {}
    if isinstance(document.get("error"), str):
        return oauth_error(document, asked, what, secrets)
    status = response.status_code
    said = f"{status} {concealed(response.reason or '', secrets)}".rstrip()
    location = response.headers.get("Location")
    if location is not None:
        said += f", a redirect{_to(location)}, and such a request is not redirected"
    elif status < 300:
        said = "the answer is no JSON object"
    # What RFC 6749, 4.1.2.1, calls it where there is no status to say it.
    code = "temporarily_unavailable" if status in (429, 503) else "server_error" if status >= 500 else ""
    return LoginError(f"{what}: {said}", error=code, request=outline(asked))


def oauth_error(answer: Mapping[str, Any], asked: Request | None, what: str, secrets: Iterable[str] = ()) -> LoginError:
    """The error that a provider names (RFC 6749, 4.1.2.1 and 5.2), of the class for its code."""
    code, description, uri = (
        concealed(str(answer.get(name) or ""), secrets) for name in ("error", "error_description", "error_uri")
    )
    code = code[:_CODE]
    text = ": ".join(filter(None, (what, code, description)))
    return _KINDS.get(code, LoginError)(
        f"{text} (see {uri})" if uri else text,
        error=code,
        description=description,
        uri=uri,
        request=None if asked is None else outline(asked),
    )


def concealed(text: str, secrets: Iterable[str]) -> str:
    """What a provider says, in one line, without the secrets that it may repeat."""
    for secret in secrets:
        if len(secret) >= _SECRET:
            text = text.replace(secret, "***")
    return one_line(text)


def _to(location: str) -> str:
    try:
        return f" to {Origin.of(location)}"
    except (requests.RequestException, ValueError):
        return ""
