"""Requests to any URL, as callers make them who need more than the endpoints offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlencode

from restwright.json_codec import encode
from restwright.message import EMPTY, Request
from restwright.operation import Operations, operation
from restwright.plan import Operation
from sequoia.response import HttpResponse
from sequoia.util import wrapped

if TYPE_CHECKING:
    from sequoia.http import Executor

__all__ = ["RequestOperations", "params_of"]


class RequestOperations(Operations):
    """Requests to any URL."""

    def __init__(self, http: Executor) -> None:
        self._core = http

    @operation
    def request(
        self,
        method: str,
        url: str,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        retry_count: int = 0,  # noqa: ARG002  # the contract's
        resource_name: str | None = None,
        retry_when_empty_result: Any = None,
        backoff_strategy: Mapping[str, Any] | None = None,
    ) -> Operation[HttpResponse]:
        """Send a request; credentials go along only if the registry names the origin of `url`.

        Args:
            method: Of HTTP.
            url: The whole of it.
            data: The content: text, bytes or a file; a dict, or pairs, for a form.
            params: Query parameters; those that are None are left out, and a list is sent item by item.
            headers: Header fields, in place of the client's own of the same name; those that are None are left out.
            retry_count: Has no effect.
            resource_name: The resource that the answer is about, None if it is about none.
            retry_when_empty_result: See `ResourceEndpointProxy.browse`.
            backoff_strategy: In place of the client's.

        Raises:
            RequestError: It failed.
        """
        http = self._core
        if not isinstance(url, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"url is a whole URL, such as https://host/path, got {url!r}")
        yield from http.ready()
        query, url = _asked(url, params)
        content = _content(data)
        fields = {name: value for name, value in (headers or EMPTY).items() if value is not None}
        asked = query.get("include") or ",".join(parse_qs(url.partition("?")[2]).get("include", ()))
        included = tuple(name for name in asked.split(",") if name)
        reads = method.upper() in ("GET", "HEAD")
        call = http.call(resource_name, backoff_strategy, retry_when_empty_result, included, url=url, reads=reads)
        return (yield from http.ask(Request(method.upper(), url, query, fields, content=content), call))

    @operation
    def get(
        self,
        url: str,
        params: Mapping[str, Any] | None = None,
        resource_name: str | None = None,
        retry_when_empty_result: Any = None,
        backoff_strategy: Mapping[str, Any] | None = None,
    ) -> Operation[HttpResponse]:
        """Fetch what is at a URL."""
        return self.request(
            "GET",
            url,
            params=params,
            resource_name=resource_name,
            retry_when_empty_result=retry_when_empty_result,
            backoff_strategy=backoff_strategy,
        )

    @operation
    def post(
        self,
        url: str,
        data: Any,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        resource_name: str | None = None,
    ) -> Operation[HttpResponse]:
        """Post a document, under the key of its resource."""
        return self.request(
            "POST", url, encode(wrapped(data, resource_name)), params, headers, resource_name=resource_name
        )

    @operation
    def put(
        self,
        url: str,
        data: Any,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        resource_name: str | None = None,
    ) -> Operation[HttpResponse]:
        """Put a document, under the key of its resource."""
        return self.request(
            "PUT", url, encode(wrapped(data, resource_name)), params, headers, resource_name=resource_name
        )

    @operation
    def delete(
        self, url: str, params: Mapping[str, Any] | None = None, resource_name: str | None = None
    ) -> Operation[HttpResponse]:
        """Delete what is at a URL."""
        return self.request("DELETE", url, params=params, resource_name=resource_name)


def params_of(params: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Query parameters as they are sent: sorted by name, without those that are None."""
    if not params:
        return EMPTY
    return {name: str(params[name]) for name in sorted(params) if params[name] is not None}


def _asked(url: str, params: Mapping[str, Any] | None) -> tuple[Mapping[str, str], str]:
    """A query and the URL that it is for; of parameters with several values the URL gets all of them."""
    if params is not None and not isinstance(params, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"params is a dict of query parameters, got {params!r}")
    given = params or EMPTY
    if not any(isinstance(value, (list, tuple)) for value in given.values()):
        return params_of(given), url
    pairs = {name: given[name] for name in sorted(given) if given[name] is not None}
    return EMPTY, f"{url}{'&' if '?' in url else '?'}{urlencode(pairs, doseq=True)}"


def _content(data: Any) -> bytes | None:
    """The content of a request.

    Raises:
        TypeError: It is none.
    """
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode()
    if isinstance(data, (Mapping, list, tuple)):
        return urlencode(cast("Mapping[str, Any]", data), doseq=True).encode()
    if hasattr(data, "read"):
        return _content(data.read())
    raise TypeError(f"data is text, bytes, a file, or a dict or pairs for a form, got a {type(data).__name__}")
