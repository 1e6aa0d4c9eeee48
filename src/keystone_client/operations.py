"""Operations of the service as a whole: logging in and out, plain requests, what resources there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

import requests

from keystone_client import paths
from keystone_client.accepted import Params, early_timeout, headers_of, params_of, timed
from keystone_client.answers import Record, is_missing_route, raise_if_refused, record_of, unusable
from keystone_client.context import Context
from keystone_client.discovery import Resource, resources_of
from keystone_client.forms import Files, with_body
from keystone_client.httpx_errors import as_answer
from restwright.file_sink import sink_to
from restwright.message import UNSET, Request, Unset
from restwright.operation import Operations, operation
from restwright.plan import Operation, Work

_DOCUMENTS = ("/openapi/json/", "/openapi/json")
"""Where a service since 0.4 has its OpenAPI document, and one before."""


class HTTPOperations(Operations):
    """What does not depend on the kind of record."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @operation
    def login(
        self, username: str, password: str, timeout: float | Unset | None = UNSET, *, remember: bool = False
    ) -> Operation[None]:
        """Log in.  If it fails, whoever was logged in before still is.

        Args:
            username: Of the user.
            password: Of the user.
            timeout: Seconds to connect and between bytes of the answer.
            remember: Keep the password in memory, and log in again when the session has ended.

        Raises:
            ApiError: The service refuses (400 or 401).
        """
        for name, value in (("username", username), ("password", password)):
            if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(f"{name} must be a text, got {type(value).__name__}")
        yield from self.context.login.log_in(username, password, options=timed(timeout), remember=remember)

    @operation
    def logout(self, raise_blacklist: bool = False, timeout: float | Unset | None = UNSET) -> Operation[None]:
        """Forget the credentials here in any case, and have the service forget them.

        Args:
            raise_blacklist: Tell if the service could not be reached, or refused.
            timeout: Seconds to connect and between bytes of the answer.
        """
        raise_blacklist, timeout = early_timeout(raise_blacklist, timeout)
        yield from self.context.login.log_out(options=timed(timeout), must_reach=bool(raise_blacklist))

    @operation
    def whoami(self, timeout: float | Unset | None = UNSET) -> Operation[Record]:
        """The record of the user who is logged in; empty if nobody is."""
        return (yield from self.context.login.identity(options=timed(timeout)))

    @operation
    def send_request(
        self,
        method: str,
        endpoint: str,
        *,
        headers: Mapping[str, str | None] | None = None,
        json: Any = UNSET,
        files: Files | None = None,
        params: Params | None = None,
        timeout: float | Unset | None = UNSET,
        slash: bool | None = None,
    ) -> Operation[requests.Response]:
        """The answer to a request, whatever its status (see `raise_for_status` of the client).

        Args:
            method: get, post, put, patch or delete, in any case.
            endpoint: Path below the root of the service, with or without a slash at its ends.
            headers: Header fields; None leaves one out.
            json: Value to be sent as JSON, or the fields of a form if there are files.
            files: Files to be uploaded, by the name of their field.
            params: Query parameters, in a dict, pairs or a text.
            timeout: Seconds to connect and between bytes of the answer.
            slash: Shall the path end in a slash?  None: yes, unless it is one of a file.
        """
        if not isinstance(method, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"method must be a text such as 'get', got {method!r}")
        request = Request(
            method.upper(),
            paths.endpoint_path(endpoint, slash=slash),
            params=params_of(params),
            headers=headers_of(headers),
            options=timed(timeout),
        )
        response = yield with_body(request, UNSET if json is None else json, files)
        if self.context.raises:
            raise_if_refused(response)
        return as_answer(response)

    @operation
    def http_get(
        self, endpoint: str, params: Params | None = None, timeout: float | Unset | None = UNSET
    ) -> Operation[requests.Response]:
        """The answer to a GET request."""
        return (yield from self.send_request("GET", endpoint, params=params, timeout=timeout))

    @operation
    def http_post(
        self,
        endpoint: str,
        data: Any = UNSET,
        files: Files | None = None,
        timeout: float | Unset | None = UNSET,
        *,
        json: Any = UNSET,
    ) -> Operation[requests.Response]:
        """The answer to a POST request; `data` (or `json`, which is the same) goes out as JSON."""
        return (yield from self._write("POST", endpoint, data, json, files, timeout))

    @operation
    def http_patch(
        self,
        endpoint: str,
        data: Any = UNSET,
        files: Files | None = None,
        timeout: float | Unset | None = UNSET,
        *,
        json: Any = UNSET,
    ) -> Operation[requests.Response]:
        """The answer to a PATCH request, as `http_post`."""
        return (yield from self._write("PATCH", endpoint, data, json, files, timeout))

    @operation
    def http_put(
        self,
        endpoint: str,
        data: Any = UNSET,
        files: Files | None = None,
        timeout: float | Unset | None = UNSET,
        *,
        json: Any = UNSET,
    ) -> Operation[requests.Response]:
        """The answer to a PUT request, as `http_post`."""
        return (yield from self._write("PUT", endpoint, data, json, files, timeout))

    @operation
    def http_delete(self, endpoint: str, timeout: float | Unset | None = UNSET) -> Operation[requests.Response]:
        """The answer to a DELETE request."""
        return (yield from self.send_request("DELETE", endpoint, timeout=timeout))

    @operation
    def download(
        self, endpoint: str, file: str | os.PathLike[str] | IO[bytes], timeout: float | Unset | None = UNSET
    ) -> Operation[int]:
        """Write the answer to a GET request to a file, as it comes in; how many bytes that is.

        Args:
            endpoint: Path below the root of the service, such as `media/` and the `file` of an attachment; or a URL,
                which gets no credentials if it is at another origin.
            file: Path, where the file appears or is replaced when all of it has come; or an open binary file.
            timeout: Seconds to connect and between bytes of the answer.

        Raises:
            ApiError: The service refuses.
            OSError: The file cannot be written.
        """
        sink = sink_to(file)
        path = paths.endpoint_path(endpoint, slash=False)
        try:
            # As it is: what is compressed on the way would be unpacked without a bound.
            response = yield Request(
                "GET", path, headers={"Accept-Encoding": "identity"}, sink=sink, options=timed(timeout)
            )
            raise_if_refused(response)
            if not sink.begun:
                raise unusable(response, "this answer is no file")
            yield Work(sink.finish)
        finally:
            sink.discard()
        return sink.size

    @operation
    def resources(self, *, refresh: bool = False) -> Operation[Mapping[str, Resource]]:
        """The resources of this service with their fields, by name, as its own OpenAPI document lists them.

        Asked for once; `refresh=True` asks again.

        Raises:
            ApiError: The service does not show its document (those before 0.4 do so to users who are logged in).
            UnusableAnswer: What it shows is none.
        """
        context = self.context
        known = context.resources
        if known is None or refresh:
            first, second = _DOCUMENTS if context.login.era != "jwt" else _DOCUMENTS[::-1]
            response = yield Request("GET", first)
            if is_missing_route(response):
                response = yield Request("GET", second)
            raise_if_refused(response)
            document = record_of(response)
            if not isinstance(document.get("paths"), dict):
                raise unusable(response, "this is no OpenAPI document: it has no paths")
            known = context.resources = resources_of(document)
        return known

    def _write(
        self, method: str, endpoint: str, data: Any, json: Any, files: Files | None, timeout: Any
    ) -> Operation[requests.Response]:
        if data is not UNSET and json is not UNSET:
            raise TypeError("data and json are the same thing: give one of them")
        body = data if json is UNSET else json
        files, timeout = early_timeout(files, timeout)
        return self.send_request(method, endpoint, json=body, files=files, timeout=timeout)
