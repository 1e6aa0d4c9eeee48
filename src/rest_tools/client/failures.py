"""Failures of a call, as exceptions of `requests`.

    RestwrightError
    ├── RetriesExhausted        the last answer had a status that is repeated (also requests.exceptions.RetryError)
    ├── ApiError                any other error status, at once (also requests.HTTPError)
    ├── TransportError          no answer, in the last attempt either (also requests.ConnectionError)
    └── UnusableAnswer          not JSON, too large, too many redirects

All have `request`, `response` and `attempts`; the text of those that were answered has what the server said.
"""

from __future__ import annotations

from typing import NoReturn

import requests

from rest_tools.client.retries import STATUSES
from restwright.errors import ReadTimeout, RestwrightError, TransportError, about, api_error

__all__ = ["RetriesExhausted", "final_answer", "raise_without_answer"]


class RetriesExhausted(RestwrightError, requests.exceptions.RetryError):
    """The server failed in the last attempt, too, or the request may not be repeated; `response` is its answer."""

    response: requests.Response  # pyright: ignore[reportIncompatibleVariableOverride]  # never None here


def final_answer(response: requests.Response) -> requests.Response:
    """The answer, if it is not one after which a request is repeated.

    Raises:
        RetriesExhausted: It is.
    """
    if response.status_code not in STATUSES:
        return response
    said = api_error(response)
    error = RetriesExhausted(said.message, request=response.request, response=response)
    about(error, response)
    raise error


def raise_without_answer(error: ReadTimeout) -> NoReturn:
    """Raise what the contract has for an answer that does not come in time: a ConnectionError, and no ReadTimeout."""
    told = TransportError(error.message)
    told.request = error.request
    told.attempts = error.attempts
    for note in getattr(error, "__notes__", ()):
        told.add_note(note)
    raise told from error
