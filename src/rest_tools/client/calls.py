"""The plans of calls: from their arguments to a request, and from its answer to a value or a failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import requests

from rest_tools import telemetry
from rest_tools.client.encoding import WITHOUT_BODY, as_body, as_header_fields, join_url, with_query
from rest_tools.client.failures import final_answer, raise_without_answer
from rest_tools.client.tokens import TokenHolder
from rest_tools.utils.json_util import json_decode
from restwright.auth import BasicAuth
from restwright.errors import DecodeError, ReadTimeout, api_error
from restwright.lines import read_lines
from restwright.message import EMPTY, Request
from restwright.plan import Listing, Operation, Work

_LINES: Final = "application/x-ndjson, application/json"
_SHOWN: Final = 80


class Calls(TokenHolder):
    """The part of a client that knows what its calls are, but not how they are sent."""

    address: str
    timeout: float
    retry_unsafe: bool
    max_bytes: int
    _basic: BasicAuth | None = None
    _is_signed_by_a_layer = False
    """Is the token that of a login, which a policy of the connection adds?"""
    _our_ways: ClassVar[tuple[Any, Any]]

    def _call(
        self, method: str, path: str, args: Any, headers: Mapping[str, str] | None, *, awaited: bool
    ) -> Operation[Any]:
        """The plan of a call, whose result is the decoded answer."""
        response = yield from self._respond(method, path, args, headers, awaited=awaited)
        if response.status_code >= 400:
            raise api_error(response)
        return self._decoded(response, response.content)

    def _lines(
        self, method: str, path: str, args: Any, headers: Mapping[str, str] | None, *, awaited: bool
    ) -> Listing[Any]:
        """The plan of a stream, whose pages are decoded lines."""
        response = yield from self._respond(method, path, args, headers, awaited=awaited, streamed=True)
        if response.status_code >= 400:
            raise api_error(response)
        yield from read_lines(response, lambda line: self._decoded(response, line), longest=self.max_bytes)

    def _respond(
        self,
        method: str,
        path: str,
        args: Any,
        headers: Mapping[str, str] | None,
        *,
        awaited: bool,
        streamed: bool = False,
    ) -> Operation[requests.Response]:
        """The plan of a request up to its answer; after a status that is repeated it fails."""
        if self._has_own_ways():
            work = Work(lambda: self._prepare(method, path, args, headers))  # which may block
            yield work
            request = self._request_of(method, *work.result)
        elif self._is_signed_by_a_layer:
            request = self._request(method, path, args, self._fields(headers, None))
        else:
            if self._needs_token():
                yield from self._renewed(asyncio.get_running_loop() if awaited else None)
            request = self._request(method, path, args, self._fields(headers, self._bearer()))
        if streamed:
            request = request.but(streamed=True)
            if request.header("Accept") is None:
                request = request.with_header("Accept", _LINES)
        try:
            response = yield request
        except ReadTimeout as error:
            raise_without_answer(error)
        return final_answer(response)

    def _prepare(
        self, method: str, path: str, args: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """The URL of a call, and its other arguments in the words of `requests.request`; may block for a token."""
        self._get_token()
        content = "params" if method in WITHOUT_BODY else "json"
        options = {"headers": self._fields(headers, self._bearer()), "timeout": self.timeout, content: args or {}}
        return join_url(self.address, path), options

    @classmethod
    def take_own_ways(cls) -> None:
        """What prepares calls and gets tokens now is ours; what a subclass or a test puts in its place is not."""
        cls._our_ways = cls._prepare, cls._get_token

    @classmethod
    def _has_own_ways(cls) -> bool:
        """Is it of a subclass, or patched by a test, that prepares calls or gets tokens itself?"""
        return (cls._prepare, cls._get_token) != cls._our_ways

    def _fields(self, headers: Mapping[str, str] | None, bearer: str | None) -> dict[str, str]:
        """The header fields of a call, besides those of the session."""
        fields: dict[str, str] = {}
        if headers:
            has_own = bearer is not None or self._basic is not None or self._is_signed_by_a_layer
            fields = as_header_fields(headers, without="authorization" if has_own else None)
        if bearer is not None:
            fields["Authorization"] = bearer
        telemetry.inject_span_carrier_if_recording(fields)
        return fields

    def _request(self, method: str, path: str, args: Any, fields: Mapping[str, str]) -> Request:
        """The request of a call."""
        url = f"/{path.lstrip('/')}" if self.address else join_url("", path)
        content = None
        if method not in WITHOUT_BODY:
            content = as_body(args or {})
        elif args:
            url = with_query(url, args)
        return Request(method.upper(), url, headers=fields, content=content, repeatable=self.retry_unsafe or None)

    def _request_of(self, method: str, url: str, options: Mapping[str, Any]) -> Request:
        """The request of what a subclass has prepared."""
        left = dict(options)
        fields = left.pop("headers", None) or EMPTY
        args = left.pop("json" if method not in WITHOUT_BODY else "params", None)
        if left.get("timeout") == self.timeout:
            del left["timeout"]
        root = join_url(self.address, "")
        path = url[len(root) :] if self.address and url.startswith(root) else url
        request = self._request(method, path, args, fields)
        return request.but(options=left) if left else request

    def _decode(self, content: bytes) -> Any:
        """The value of an answer; None if it is empty."""
        return json_decode(content) if content else None

    def _decoded(self, response: requests.Response, content: bytes) -> Any:
        try:
            return self._decode(content)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            shown = f"not JSON ({error}): {content[:_SHOWN]!r}"
            raise DecodeError(shown, request=response.request, response=response) from error


Calls.take_own_ways()
