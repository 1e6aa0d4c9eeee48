"""The exception tree.  Answered, unanswered and unusable are different families:

    RestwrightError
    ├── ApiError                the server answered with an error status (also requests.HTTPError)
    │   ├── BadRequest 400, Unauthorized 401, Forbidden 403, NotFound 404, Conflict 409, Gone 410,
    │   │   PreconditionFailed 412, Throttled 429
    │   └── ServerError         5xx
    ├── TransportError          no answer (also requests.ConnectionError)
    │   ├── NotConnected        the connection never opened: surely nothing was sent
    │   │   ├── ConnectTimeout  (also requests.ConnectTimeout)
    │   │   ├── TlsError        (also requests.exceptions.SSLError)
    │   │   │   └── CertificateError    the server's does not hold, or ours does not for the server
    │   │   └── ProxyError      (also requests.exceptions.ProxyError)
    │   ├── ReadTimeout         the answer did not come in time (also requests.ReadTimeout)
    │   ├── DeadlineExceeded    the total deadline of the call has passed (also requests.Timeout)
    │   └── BrokenAnswer        the answer broke off or is not HTTP (also requests ChunkedEncodingError)
    ├── UnusableAnswer          an answer that we refuse
    │   ├── DecodeError         not the JSON that was expected (also requests JSONDecodeError)
    │   ├── BadEncoding         its Content-Encoding does not hold (also requests ContentDecodingError)
    │   ├── TooLarge            beyond the size limit (also requests ContentDecodingError)
    │   └── TooManyRedirects    (also requests.TooManyRedirects)
    └── LoginError              no token: a provider refused, or answered what cannot be used
        ├── LoginRequired       there is none, and only a person can get one
        ├── LoginExpired        what it was to be had with counts no more: log in again
        ├── LoginDenied         the person, or the provider for the person, said no
        └── TokenStoreError     where tokens are kept cannot be read, written or locked

Each one knows `request` (a `requests.PreparedRequest`), `response` (a `requests.Response` or None),
`attempts` (how often it was sent) and `correlation_id`, and can be pickled.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import requests
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from restwright.json_codec import decode
from restwright.message import Request, without_credentials

SECRET_FIELDS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_SHOWN: Final = 300


class RestwrightError(Exception):
    """Base of all errors that a call can end with."""

    # Declared as in `requests`, whose exceptions most of ours are too; it is always a PreparedRequest.
    request: requests.Request | requests.PreparedRequest | None = None
    response: requests.Response | None = None
    attempts: int = 1
    correlation_id: str | None = None

    def __init__(
        self,
        message: str = "",
        *,
        request: requests.PreparedRequest | None = None,
        response: requests.Response | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.response = response

    def __str__(self) -> str:
        asked = describe(self.request)
        text = f"{asked}: {self.message}" if asked else self.message
        facts = [f"id {self.correlation_id}"] if self.correlation_id else []
        if self.attempts > 1:
            facts.append(f"{self.attempts} attempts")
        return f"{text} ({', '.join(facts)})" if facts else text

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self), self.args, state_to_pickle(self))


class ApiError(RestwrightError, requests.HTTPError):
    """The server answered with an error status."""

    response: requests.Response  # pyright: ignore[reportIncompatibleVariableOverride]  # never None here

    @property
    def status(self) -> int:
        """The status code."""
        return self.response.status_code

    @property
    def problem(self) -> Problem | None:
        """The problem details of the answer (RFC 9457), if it has any."""
        return Problem.of(self.response)


class BadRequest(ApiError):
    """400: the server does not understand the request."""


class Unauthorized(ApiError):
    """401: no credentials, or none that count."""


class Forbidden(ApiError):
    """403: the credentials are not enough."""


class NotFound(ApiError):
    """404: there is no such thing, or none that you may see."""


class Conflict(ApiError):
    """409: it does not go with the current state."""


class Gone(ApiError):
    """410: it was there once."""


class PreconditionFailed(ApiError):
    """412: it changed since it was read (RFC 9110, 13.1)."""


class Throttled(ApiError):
    """429: too many requests (RFC 6585, 4)."""


class ServerError(ApiError):
    """5xx: the server failed."""


class TransportError(RestwrightError, requests.ConnectionError):
    """No answer: connecting, sending or reading failed."""


class NotConnected(TransportError):
    """The connection never opened, so that surely nothing was sent."""


class ConnectTimeout(NotConnected, requests.ConnectTimeout):
    """The connection did not open in time."""


class TlsError(NotConnected, requests.exceptions.SSLError):
    """TLS could not be agreed on, or broke."""


class CertificateError(TlsError):
    """A certificate does not hold, the server's for us or ours for the server, or we have none; do not ask again."""


class ProxyError(NotConnected, requests.exceptions.ProxyError):
    """The proxy refused or could not be reached."""


class ReadTimeout(TransportError, requests.ReadTimeout):
    """The answer did not come in time, or came too slowly."""


class DeadlineExceeded(TransportError, requests.Timeout):
    """The total deadline of the call has passed, or would before the next attempt."""


class BrokenAnswer(TransportError, requests.exceptions.ChunkedEncodingError):
    """The answer broke off, or is not HTTP."""


class UnusableAnswer(RestwrightError, requests.RequestException):
    """An answer came and was refused."""


class DecodeError(UnusableAnswer, requests.exceptions.JSONDecodeError):  # pyright: ignore[reportIncompatibleVariableOverride]
    """The answer is not the JSON that was expected."""

    def __init__(
        self,
        message: str = "",
        *,
        request: requests.PreparedRequest | None = None,
        response: requests.Response | None = None,
    ) -> None:
        # JSONDecodeError's own arguments; what it is about is told by `message`.
        ValueError.__init__(self, message)
        self.message, self.request, self.response = message, request, response
        self.msg, self.doc, self.pos, self.lineno, self.colno = message, "", 0, 1, 1


class BadEncoding(UnusableAnswer, requests.exceptions.ContentDecodingError):
    """The content is not what its Content-Encoding says."""


class TooLarge(UnusableAnswer, requests.exceptions.ContentDecodingError):
    """The answer is larger than the limit."""


class TooManyRedirects(UnusableAnswer, requests.TooManyRedirects):
    """One redirect after the other."""


class LoginError(RestwrightError, requests.RequestException):
    """An OAuth2 provider gives no token: it refused, or answered what cannot be used.

    Neither its text nor its pickle has a token, code or password in it.

    Attributes:
        error: The provider's code for it (RFC 6749, 5.2), such as `invalid_client`; empty if it gave none.
        description: What the provider says about it, in one line.
        uri: Where to read about it.
    """

    def __init__(
        self,
        message: str = "",
        *,
        error: str = "",
        description: str = "",
        uri: str = "",
        request: requests.PreparedRequest | None = None,
        response: requests.Response | None = None,
    ) -> None:
        super().__init__(message, request=request, response=response)
        self.error = error
        self.description = description
        self.uri = uri


class LoginRequired(LoginError):
    """There is no token, and only a person can get one: log in."""


class LoginExpired(LoginError):
    """What a token was to be had with (a refresh token, a device code, a code) counts no more: log in again."""


class LoginDenied(LoginError):
    """The person, or the provider for the person, said no."""


class TokenStoreError(LoginError):
    """The place where tokens are kept cannot be read, written or locked."""


BY_STATUS: Final[Mapping[int, type[ApiError]]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    412: PreconditionFailed,
    429: Throttled,
}


def surely_not_sent(error: BaseException | None) -> bool:
    """Is this a failure before anything was sent, so that a request may be repeated whatever it does?"""
    return isinstance(error, NotConnected) and not isinstance(error, TlsError)  # TLS can also fail afterwards


def api_error(response: requests.Response) -> ApiError:
    """The error for an answer, of the class for its status."""
    status = response.status_code
    kind = BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    message = f"{status} {response.reason or ''}".rstrip()
    said = service_message(response)
    if said and said != response.reason:  # some servers say it in the status line, too
        message = f"{message}: {said}"
    error = kind(message, request=response.request, response=response)
    about(error, response)
    return error


def about(error: RestwrightError, response: requests.Response) -> None:
    """Give `error` what the policies noted on the answer: attempts, correlation id, why they gave up."""
    noted = vars(response)
    error.attempts = noted.get("attempts", 1)
    error.correlation_id = noted.get("correlation_id")
    if "gave_up" in noted:
        error.add_note(noted["gave_up"])


@dataclass(frozen=True, slots=True)
class Problem:
    """Problem details of an HTTP answer (RFC 9457, 3.1)."""

    type: str = "about:blank"
    title: str = ""
    status: int | None = None
    detail: str = ""
    instance: str = ""

    @classmethod
    def of(cls, response: requests.Response) -> Problem | None:
        """Read from an answer of type application/problem+json; members of a wrong type are ignored (3.1)."""
        if not response.headers.get("Content-Type", "").lower().startswith("application/problem+json"):
            return None
        value = _json_object(response)
        if value is None:
            return None
        texts = {name: value[name] for name in ("type", "title", "detail", "instance") if _is_text(value.get(name))}
        status = value.get("status")
        return cls(status=status if type(status) is int else None, **texts)


def service_message(response: requests.Response) -> str:
    """What the service says of its error, in one line; empty if it says nothing."""
    value = _json_object(response)
    if value is None:
        is_text = response.headers.get("Content-Type", "").lower().startswith("text/plain")
        text = response.content[:_SHOWN].decode("utf-8", "replace") if is_text else ""
    else:
        names = ("detail", "message", "error_description", "title", "error")
        text = next((value[name] for name in names if value.get(name) and _is_text(value[name])), "")
    return one_line(text)


def one_line(text: str) -> str:
    """Text from elsewhere as it may stand in a message: one line, printable, not too long."""
    line = " ".join(text.split())[:_SHOWN]
    return line if line.isprintable() else "".join(char if char.isprintable() else "?" for char in line)


def _json_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        value = decode(response.content)
    except ValueError:
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def outline(request: Request) -> requests.PreparedRequest:
    """What an error tells of a request that was never prepared to be sent."""
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.headers = request.method, request.url, CaseInsensitiveDict()
    return prepared


def describe(request: requests.Request | requests.PreparedRequest | None) -> str:
    """`GET http://host/path`, without credentials."""
    return f"{request.method} {without_credentials(str(request.url or ''))}" if request is not None else ""


def state_to_pickle(error: BaseException) -> dict[str, Any]:
    """The attributes of an error that survive a pickle, without credentials."""
    state: dict[str, Any] = {}
    for name, value in vars(error).items():
        if isinstance(value, requests.PreparedRequest):
            state[name] = _without_secrets(value)
        elif isinstance(value, requests.Response):
            state[name] = _answer_without_secrets(value)
        elif _can_be_pickled(value):
            state[name] = value
    return state


def rebuild(kind: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """The error again, from its pickle."""
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(state)
    return error


def _without_secrets(request: requests.PreparedRequest | None) -> Any:
    if request is None:
        return None
    shown = requests.PreparedRequest()
    shown.method, shown.url = request.method, without_credentials(request.url or "")
    shown.body = request.body if isinstance(request.body, (bytes, str)) else None
    fields = {name: value for name, value in request.headers.items() if name.lower() not in SECRET_FIELDS}
    shown.headers = CaseInsensitiveDict(fields)
    return shown


def _answer_without_secrets(response: requests.Response) -> requests.Response:
    shown = copy.copy(response)
    shown.url = without_credentials(response.url or "")
    shown.headers = CaseInsensitiveDict(
        {name: value for name, value in response.headers.items() if name.lower() not in SECRET_FIELDS}
    )
    shown.cookies = RequestsCookieJar()
    shown.history = []
    shown.request = _without_secrets(response.request)
    return shown


def _can_be_pickled(value: object) -> bool:
    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001  # whatever its __reduce__ raises
        return False
    return True
