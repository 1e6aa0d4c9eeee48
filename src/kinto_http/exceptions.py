"""The exception tree.

KintoException                  any failure; what the server said is in `request` and `response`
├── BucketNotFound              the bucket is not there, or may not be read
├── CollectionNotFound          the collection is not there
├── BackoffException            not sent: the server has asked for a pause
├── KintoBatchException         some requests of a batch failed
├── MissingIdException          no id was given (also a KeyError)
├── DownloadException           a file cannot be fetched (also requests.HTTPError)
├── NetworkException            no answer (also requests.ConnectionError)
│   ├── ConnectTimeoutException (also requests.ConnectTimeout)
│   ├── ReadTimeoutException    (also requests.ReadTimeout)
│   ├── TlsException            (also requests.exceptions.SSLError)
│   ├── ProxyException          (also requests.exceptions.ProxyError)
│   └── BrokenAnswerException   (also requests.exceptions.ChunkedEncodingError)
└── UnusableAnswerException     an answer that is refused (also requests.RequestException)
    ├── DeadlineException       the total deadline has passed (also requests.Timeout)
    ├── DecodeException         not JSON (also requests.exceptions.JSONDecodeError)
    ├── TooLargeException       too large (also requests.exceptions.ContentDecodingError)
    ├── RedirectsException      one redirect after the other (also requests.TooManyRedirects)
    └── AddressException        no usable URL (also requests.exceptions.InvalidURL and MissingSchema)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests

from restwright import errors


class KintoException(Exception):
    """Something went wrong between client and server.

    Args:
        message: What.
        exception: An error whose `request` and `response` are taken over.
    """

    request: Any = None
    """The `requests.PreparedRequest`, or a `RequestDict` in a batch; None if nothing was sent."""
    response: Any = None
    """The `requests.Response`, or a `ResponseDict` in a batch; true whatever its status, None without an answer."""
    attempts: int = 1
    """How often it was sent."""
    exceptions: Sequence[Exception] = ()
    """In a batch: why single requests of it failed."""
    results: Sequence[tuple[Any, Any]] = ()
    """In a batch: `(body, headers)` of what was answered."""

    def __init__(self, message: str | None = None, exception: BaseException | None = None) -> None:
        Exception.__init__(self, message)  # not super(): those of `requests` have other arguments
        self.message = message
        if exception is not None:
            self.request = getattr(exception, "request", None)
            self.response = truthy(getattr(exception, "response", None))
            self.attempts = getattr(exception, "attempts", 1)
            for note in getattr(exception, "__notes__", ()):
                self.add_note(note)
        else:
            self.request = self.response = None

    def __str__(self) -> str:
        if self.request is not None and self.response is not None:
            said = f"{self.request.method} {self.request.path_url} - {self.response.status_code}"
            return f"{said} {self.message}"
        return self.message or ""

    def __reduce__(self) -> tuple[Any, ...]:
        return errors.rebuild, (type(self), self.args, errors.state_to_pickle(self))


class BucketNotFound(KintoException):
    """The bucket is not there, or may not be read; the message is its id."""


class CollectionNotFound(KintoException):
    """The collection is not there; the message is its id."""


class BackoffException(KintoException):
    """Not sent: the server has asked for a pause of so many seconds yet."""

    def __init__(self, message: str | None, backoff: int, exception: BaseException | None = None) -> None:
        super().__init__(message, exception)
        self.backoff = backoff


class KintoBatchException(KintoException):
    """Some requests of a batch failed.

    Attributes:
        exceptions: One for each that failed.
        results: `(body, headers)` of each chunk that was sent.
    """

    def __init__(self, exceptions: list[Exception], results: list[tuple[Any, Any]]) -> None:
        super().__init__("\n".join(str(error) for error in exceptions))
        self.exceptions = exceptions
        self.results = results


class MissingIdException(KintoException, KeyError):
    """No id was given, neither by name nor in the data."""


class _RequestsKind(KintoException):
    """Also one of the exceptions of `requests`: their constructor would reset what ours has set."""

    def __init__(self, message: str | None = None, exception: BaseException | None = None) -> None:
        Exception.__init__(self, message)
        KintoException.__init__(self, message, exception)


class DownloadException(_RequestsKind, requests.HTTPError):
    """A file cannot be fetched: its server answered with an error status."""


class NetworkException(_RequestsKind, requests.ConnectionError):
    """No answer."""


class ConnectTimeoutException(NetworkException, requests.ConnectTimeout):
    """The connection did not open in time."""


class ReadTimeoutException(NetworkException, requests.ReadTimeout):
    """The answer did not come in time."""


class TlsException(NetworkException, requests.exceptions.SSLError):
    """TLS could not be agreed on."""


class ProxyException(NetworkException, requests.exceptions.ProxyError):
    """The proxy refused, or could not be reached."""


class BrokenAnswerException(NetworkException, requests.exceptions.ChunkedEncodingError):
    """The answer broke off, or is not HTTP."""


class UnusableAnswerException(_RequestsKind, requests.RequestException):
    """An answer came and was refused."""


class DeadlineException(UnusableAnswerException, requests.Timeout):
    """The total deadline has passed."""


class DecodeException(UnusableAnswerException, requests.exceptions.JSONDecodeError):
    """The answer is not JSON."""

    def __init__(self, message: str | None = None, exception: BaseException | None = None) -> None:
        # The facts of a JSONDecodeError, whose own constructor has other arguments.
        self.msg, self.doc, self.pos, self.lineno, self.colno = message or "", "", 0, 1, 1
        KintoException.__init__(self, message, exception)


class TooLargeException(UnusableAnswerException, requests.exceptions.ContentDecodingError):
    """The answer is too large, or its compression does not hold."""


class RedirectsException(UnusableAnswerException, requests.TooManyRedirects):
    """One redirect after the other."""


class AddressException(UnusableAnswerException, requests.exceptions.InvalidURL, requests.exceptions.MissingSchema):
    """The server's URL is missing or none."""


_KINDS: tuple[tuple[type[Exception], type[KintoException]], ...] = (
    (requests.ConnectTimeout, ConnectTimeoutException),
    (requests.ReadTimeout, ReadTimeoutException),
    (requests.Timeout, DeadlineException),
    (requests.exceptions.SSLError, TlsException),
    (requests.exceptions.ProxyError, ProxyException),
    (requests.exceptions.ChunkedEncodingError, BrokenAnswerException),
    (requests.ConnectionError, NetworkException),
    (requests.exceptions.JSONDecodeError, DecodeException),
    (requests.exceptions.ContentDecodingError, TooLargeException),
    (requests.TooManyRedirects, RedirectsException),
    (requests.exceptions.InvalidURL, AddressException),
    (requests.exceptions.MissingSchema, AddressException),
)


def kinto_error(error: requests.RequestException) -> KintoException:
    """A failure without a usable answer, as a KintoException that is of the same `requests` kind too."""
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), UnusableAnswerException)
    return kind(_in_one_message(error), error)


def _in_one_message(error: requests.RequestException) -> str:
    message: str = error.message if isinstance(error, errors.RestwrightError) else str(error)
    asked = errors.describe(getattr(error, "request", None)) if getattr(error, "response", None) is None else ""
    attempts: int = getattr(error, "attempts", 1)
    text = f"{asked}: {message}" if asked else message
    return f"{text} ({attempts} attempts)" if attempts > 1 else text


class _TruthyResponse(requests.Response):
    """A `requests.Response` that is true for every status, so that `if error.response and ...` sees it."""

    def __bool__(self) -> bool:
        return True


def truthy(response: Any) -> Any:
    """The response, true whatever its status."""
    if not isinstance(response, requests.Response) or response:
        return response
    seen = _TruthyResponse.__new__(_TruthyResponse)
    for name in (*response.__attrs__, "connection", "raw"):
        vars(seen)[name] = getattr(response, name, None)
    vars(seen).update(_content_consumed=True, _next=None)
    return seen
