"""The exceptions.

    ClientError
    ├── AuthorisationError          no token could be had
    ├── TokenExpiredError           a token that counts no more and cannot be renewed
    ├── ReferencesMismatchException an update: reference and document are of different resources
    ├── NotMatchingVersion          an update: the resource has changed since
    ├── UnknownService              the registry knows no such service (also AttributeError and KeyError)
    └── RequestError                a request failed, or its answer cannot be used
        ├── ConnectionError         no connection, or one that broke
        ├── Timeout                 no answer in time
        ├── TooManyRedirects
        └── HttpError               the service answered with 4xx or 5xx

Each has the original failure as its `cause`, and can be pickled.  No text of theirs has a credential in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from restwright.errors import ApiError, LoginError, rebuild, state_to_pickle
from restwright.message import EMPTY


class ClientError(Exception):
    """Base of all errors.

    Attributes:
        message: What happened; of an `HttpError`, what the service says about it.
        cause: The failure beneath, if there is one.
    """

    def __init__(self, message: Any, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause

    def __str__(self) -> str:
        return str(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (type(self), self.args, state_to_pickle(self))


class AuthorisationError(ClientError):
    """No access token could be had."""


class TokenExpiredError(ClientError):
    """The access token counts no more, and cannot be renewed."""


class ReferencesMismatchException(ClientError):
    """The reference given to an update is not that of its document."""


class NotMatchingVersion(ClientError):
    """The resource has changed since the version that an update is about; `cause` is the `HttpError`."""


class UnknownService(ClientError, AttributeError, KeyError):
    """The registry names no such service."""


class RequestError(ClientError):
    """A request failed, or its answer cannot be used."""


class ConnectionError(RequestError):  # noqa: A001  # the contract's name
    """The connection could not be opened, or broke."""


class Timeout(RequestError):
    """The answer did not come in time."""


class TooManyRedirects(RequestError):
    """One redirect after the other."""


class HttpError(RequestError):
    """The service answered with an error status.

    Attributes:
        message: The decoded JSON of the answer, or a text if it has none.
        status_code: Its status.
        response: The answer, a `requests.Response`; None if the error was made by hand.
    """

    def __init__(
        self,
        message: Any,
        status_code: int,
        response: requests.Response | None = None,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message, cause)
        self.status_code = status_code
        self.response = response
        self.args = (message, status_code)

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of the answer."""
        return EMPTY if self.response is None else self.response.headers

    def __str__(self) -> str:
        return f"{self.status_code}: {self.message}" if self.cause is None else str(self.cause)


def http_error(response: requests.Response, cause: ApiError) -> HttpError:
    """The error for an answer."""
    try:
        message: Any = response.json()
    except ValueError as error:
        message = (
            f"An unexpected error occurred. HTTP Status code: {response.status_code}. Error message: {error}. "
            f"The answer is {response.text[:200].strip()!r}"
        )
    return HttpError(message, response.status_code, response, cause)


def request_error(error: requests.RequestException) -> ClientError:
    """The error for a failure of the transport or of a login; what it is about is told by its cause."""
    if isinstance(error, LoginError):
        code = f"({error.error}) " if error.error else ""
        return AuthorisationError(f"{code}{error.description or error.message}", error)
    kind: type[ClientError] = RequestError
    if isinstance(error, requests.Timeout) and not isinstance(error, requests.ConnectTimeout):
        kind = Timeout
    elif isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        kind = ConnectionError
    elif isinstance(error, requests.TooManyRedirects):
        kind = TooManyRedirects
    return kind(str(error), error)
