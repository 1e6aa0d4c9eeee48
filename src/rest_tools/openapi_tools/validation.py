"""Requests that do not fit the OpenAPI document are answered before the handler's method runs."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping
from http.cookies import Morsel
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar, cast
from urllib.parse import parse_qsl, unquote

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from rest_tools.openapi_tools.reasons import SchemaError, reasons
from rest_tools.openapi_tools.spec import require_openapi_core

if TYPE_CHECKING:
    from openapi_core import OpenAPI
    from openapi_core.datatypes import RequestParameters

__all__ = ["SchemaViolation", "validate_request"]

P = ParamSpec("P")
HandlerT = TypeVar("HandlerT", bound=RequestHandler)

_log = logging.getLogger(__name__)


class SchemaViolation(HTTPError):
    """400: a value does not fit its schema.

    Attributes:
        error: What is wrong.  It may repeat names that the client sent, so it is not the reason phrase.
    """

    def __init__(self, error: str) -> None:
        super().__init__(400)
        self.error = error


def validate_request(
    openapi_spec: OpenAPI,
) -> Callable[[Callable[Concatenate[HandlerT, P], Any]], Callable[Concatenate[HandlerT, P], Coroutine[Any, Any, Any]]]:
    """A decorator for methods of handlers, sync or async: only requests that fit the document come through.

    Method, URL, header, cookies, query and body are looked at, and left as they are.  Others get 400 and what is
    wrong, without the wrong value (a `SchemaViolation` where it is about a schema); 404 where the document does not
    know the path, 405 where it does not know the method there.  Query parameters that the document does not know pass.
    A query parameter that is repeated is looked at in all its values if it is declared as an array, else in the last
    one.

    Args:
        openapi_spec: The document, see `load_openapi_spec`.

    Raises:
        RuntimeError: openapi-core is not installed.
    """
    require_openapi_core()

    def decorate(
        method: Callable[Concatenate[HandlerT, P], Any],
    ) -> Callable[Concatenate[HandlerT, P], Coroutine[Any, Any, Any]]:
        @functools.wraps(method)
        async def wrapper(self: HandlerT, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            _check(self.request, openapi_spec)
            result = method(self, *args, **kwargs)
            return await result if inspect.isawaitable(result) else result

        return wrapper

    return decorate


def _check(request: HTTPServerRequest, spec: OpenAPI) -> None:
    from openapi_core.templating.paths.exceptions import OperationNotFound, PathError
    from openapi_core.validation.exceptions import ValidationError

    try:
        spec.validate_request(_Request(request))
    except OperationNotFound:
        raise HTTPError(405) from None
    except PathError:  # also a server that the document does not know
        raise HTTPError(404) from None
    except ValidationError as error:
        # Not as its cause: that one's text has the body in it, and would be in a traceback.
        raise _refusal(error) from None
    except UnicodeDecodeError:
        raise HTTPError(400) from None
    except Exception as error:  # noqa: BLE001  # the contract's: nothing gets past that could not be looked at
        frames = "".join(traceback.format_tb(error.__traceback__))
        _log.warning("a request could not be validated: %s\n%s", type(error).__name__, frames)
        raise HTTPError(400) from None


def _refusal(error: Exception) -> HTTPError:
    """What to tell the client: the words of openapi-core, unless they repeat what the client sent."""
    from openapi_core.templating.media_types.exceptions import MediaTypeNotFound
    from openapi_core.validation.request.exceptions import MissingRequestBodyError, RequestBodyValidationError
    from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

    cause = error.__cause__
    if isinstance(cause, InvalidSchemaValue):
        return SchemaViolation(reasons(cast("Iterable[SchemaError]", cause.schema_errors)))
    if not isinstance(error, RequestBodyValidationError) or isinstance(error, MissingRequestBodyError):
        return HTTPError(400, reason=str(error))
    text = "Request body validation error"
    if isinstance(cause, MediaTypeNotFound):
        text += f": Content-Type must be one of: {', '.join(repr(known) for known in cause.availableMimetypes)}"
    return HTTPError(400, reason=text)


class _Values(dict[str, str]):
    """The last value by name; all of them for openapi-core, where it expects an array."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs: Final = list(pairs)
        super().__init__(self._pairs)

    def getlist(self, name: str) -> list[str]:
        if name not in self:
            raise KeyError(name)  # a missing one is not an empty one
        return [value for key, value in self._pairs if key == name]


class _Parameters:
    """What openapi-core looks parameters up in; it sets `path` to what it found in the URL, as it is there."""

    def __init__(self, request: HTTPServerRequest) -> None:
        # Tornado says `Morsel` alone.
        cookies = cast("dict[str, Morsel[str]]", request.cookies)  # pyright: ignore[reportUnknownMemberType]
        self.query = _Values(parse_qsl(request.query, keep_blank_values=True, errors="strict"))
        self.header = request.headers
        self.cookie = _Values((name, morsel.value) for name, morsel in cookies.items())
        self._path: dict[str, str] = {}

    @property
    def path(self) -> Mapping[str, str]:
        return self._path

    @path.setter
    def path(self, found: Mapping[str, str]) -> None:
        self._path = {name: unquote(value, errors="strict") for name, value in found.items()}

    def __getitem__(self, location: str) -> Mapping[str, str]:
        values: Mapping[str, str] = getattr(self, location)
        return values


class _Request:
    """A request of Tornado as openapi-core wants one."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self.parameters = cast("RequestParameters", _Parameters(request))
        self.host_url = f"{request.protocol}://{request.host}"
        self.path = request.path
        self.method = (request.method or "").lower()
        self.content_type = request.headers.get("Content-Type") or "application/octet-stream"  # RFC 9110, 8.3
        self.body = request.body or None
