"""What the server answered: decoded, of the shape that was expected, or an error that tells what came instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, TypeVar, cast

import requests

from kinto_http.exceptions import DownloadException, KintoException, UnusableAnswerException, kinto_error, truthy
from restwright.message import EMPTY, Response

Json: TypeAlias = dict[str, Any]
ErrorT = TypeVar("ErrorT", bound=KintoException)

_NO_BODY: Final = frozenset({204, 304})
_SHOWN: Final = 10_000
"""Characters of an error's answer in its message."""


def body_of(response: requests.Response) -> Any:
    """The decoded body of an answer; None where it has none.

    Raises:
        KintoException: It is not JSON.
    """
    if isinstance(response, HandedOver):
        return response.body
    if response.status_code in _NO_BODY or (not response.content and response.request.method == "HEAD"):
        return None
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError as error:
        raise _about(kinto_error(error), response) from error


def status_error(response: requests.Response, *, is_download: bool = False) -> KintoException:
    """The error for an answer with an error status."""
    kind = DownloadException if is_download else KintoException
    return _about(kind(f"{response.status_code} - {_said(response)}"), response)


def refused(response: requests.Response, why: str) -> KintoException:
    """The error for an answer that is not what was asked for."""
    return _about(UnusableAnswerException(why), response)


def _about(error: ErrorT, response: requests.Response) -> ErrorT:
    error.request, error.response = response.request, truthy(response)
    noted = vars(response)
    error.attempts = noted.get("attempts", 1)
    if "gave_up" in noted:
        error.add_note(noted["gave_up"])
    return error


def _said(response: requests.Response) -> str:
    """What the server says of its error, not more than a message can hold."""
    try:
        return str(response.json())[:_SHOWN]
    except ValueError:
        content: Any = response.content
        if isinstance(content, bytes) and len(content) > _SHOWN:
            # Not `text`, which guesses the encoding of all of it.
            return content[:_SHOWN].decode("utf-8", "replace")
        return str(response.text)


class HandedOver(Response):
    """What a session of somebody else's answered: a decoded body and header fields."""

    def __init__(self, body: Any, headers: Any, status: int = 200) -> None:
        fields = cast("Mapping[str, str]", headers) if isinstance(headers, Mapping) else EMPTY
        super().__init__(status, headers=fields)
        self.body = body

    def json(self, **kwargs: Any) -> Any:
        """The body, which was decoded already."""
        del kwargs
        return self.body


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    if type(value) is dict:  # nearly always; the general question takes ten times as long
        return cast("Mapping[str, Any]", value)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def envelope_of(response: requests.Response) -> Json:
    """An object as the service sends it, `{"data": {...}, "permissions": {...}}`.

    Raises:
        KintoException: The answer is something else.
    """
    body = body_of(response)
    if type(response) is HandedOver or (isinstance(body, dict) and isinstance(data_of(body, body), dict)):
        return cast("Json", body)
    raise refused(response, f"an object was expected, not {_glimpse(body)}")


def objects_of(response: requests.Response) -> list[Json]:
    """The objects of a list as the service sends it, `{"data": [{...}, ...]}`.

    Raises:
        KintoException: The answer is something else.
    """
    body = body_of(response)
    found = data_of(body, [] if type(response) is HandedOver else None)
    if type(response) is HandedOver or (is_list(found) and all(map(_is_object, found))):
        return cast("list[Json]", found)
    raise refused(response, f"a list of objects was expected, not {_glimpse(body)}")


def is_list(value: Any) -> bool:
    """Not narrowing: what is in it is not known."""
    return isinstance(value, list)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _glimpse(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def data_of(body: Any, default: Any) -> Any:
    """The `data` of an answer; `default` where there is none, as in dry mode."""
    return mapping_of(body).get("data", default)


def is_status(error: BaseException, status: int) -> bool:
    """Did the server answer with that status?"""
    response = getattr(error, "response", None)
    return getattr(response, "status_code", None) == status
