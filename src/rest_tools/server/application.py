"""The Tornado application of a `RestServer`: what is answered when no route does."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.routing import Rule
from tornado.web import Application, stream_request_body

from rest_tools.server.handler import RestHandler
from rest_tools.server.refusal import Refusal, standard_phrase

__all__ = ["RestApplication", "origin_form"]

_MAX_BODY_SIZE = 100 * 2**20  # bytes, as Tornado has it
_ABOUT_BODY = frozenset({"Content-Length", "Transfer-Encoding"})
_FORWARDED = frozenset({"X-Forwarded-For", "X-Real-Ip", "X-Scheme", "X-Forwarded-Proto"})
_READ_AWAY = 8 * 2**20  # bytes of a refused body that are read, for a client that writes first and reads then
_ABSOLUTE_FORM = re.compile(r"https?://(?P<host>[^/?]*)(?P<rest>.*)", re.IGNORECASE)


class _NotFound(RestHandler):
    """Answers where no route leads to."""

    def prepare(self) -> None:
        super().prepare()
        raise Refusal(404, standard_phrase(404))

    def check_xsrf_cookie(self) -> None:
        """There is nothing to protect."""


@stream_request_body
class _TooLarge(RestHandler):
    """Answers 413 to a body beyond the limit: after reading it away, or at once if that takes too long.

    Tornado itself would answer 400 without a word, and most clients would not even see that: they are still
    writing when the connection is closed.
    """

    def prepare(self) -> None:
        super().prepare()
        self._came = 0
        if _content_length(self.request) > _READ_AWAY or "Expect" in self.request.headers:
            self._refuse()
        _lift_limit(self.request)

    def data_received(self, chunk: bytes) -> None:
        """Away with it; of one in chunks nobody knows how much is to come."""
        self._came += len(chunk)
        if self._came > _READ_AWAY and not self._finished:
            self.send_error(413)

    def check_xsrf_cookie(self) -> None:
        """There is nothing to protect."""

    def _refuse(self, *_: str, **__: str) -> None:
        raise Refusal(413, standard_phrase(413))

    head = get = post = delete = patch = put = options = _refuse


class _Measured(HTTPMessageDelegate):
    """Takes a body in chunks, and once it is beyond the limit, lets another one answer."""

    def __init__(self, delegate: HTTPMessageDelegate, limit: int, refusing: Callable[[], HTTPMessageDelegate]) -> None:
        self._delegate = delegate
        self._left = limit
        self._refusing = refusing

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        self._header = start_line, headers
        return self._delegate.headers_received(start_line, headers)

    async def data_received(self, chunk: bytes) -> None:
        is_beyond = 0 <= self._left < len(chunk)
        self._left -= len(chunk)
        if is_beyond:
            self._delegate.on_connection_close()  # which makes it forget what came
            self._delegate = self._refusing()
            await _done(self._delegate.headers_received(*self._header))
        await _done(self._delegate.data_received(chunk))

    def finish(self) -> None:
        self._delegate.finish()

    def on_connection_close(self) -> None:
        self._delegate.on_connection_close()


class RestApplication(Application):
    """An application that answers in JSON also for unknown routes and for bodies that are too large.

    Args:
        rules: The routes.
        server_header: `Server` header of answers that no route gives.
        max_body_size: In bytes; None is 100 MiB.
        xheaders: Believe what proxies say about the client.
        **settings: Of Tornado.

    Attributes:
        max_body_size: In bytes.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        server_header: str,
        max_body_size: int | None,
        xheaders: bool,
        **settings: Any,
    ) -> None:
        if "default_handler_class" not in settings:
            settings["default_handler_class"] = _NotFound
            settings["default_handler_args"] = {"server_header": server_header}
        super().__init__(list(rules), **settings)
        self._server_header = server_header
        self._xheaders = xheaders
        self.max_body_size = _MAX_BODY_SIZE if max_body_size is None else max_body_size

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """What is to handle the request, whose body is still to come."""
        if self._xheaders and not _FORWARDED.isdisjoint(request.headers):
            _believe(request)
        delegate = super().find_handler(request, **kwargs)  # in any case: it leaves the route with the request
        if _ABOUT_BODY.isdisjoint(request.headers):
            return delegate

        def too_large() -> HTTPMessageDelegate:
            return self.get_handler_delegate(request, _TooLarge, {"server_header": self._server_header})

        if _content_length(request) > self.max_body_size:
            return too_large()
        # A handler that takes its body in pieces may have begun to answer, so there Tornado cuts off.
        if "Transfer-Encoding" in request.headers and getattr(delegate, "stream_request_body", True) is False:
            _lift_limit(request)
            return _Measured(delegate, self.max_body_size, too_large)
        return delegate


def origin_form(start_line: Any, headers: HTTPHeaders) -> Any:
    """The line of a request with the path alone, where a client wrote the whole URL (RFC 9112, 3.2.2)."""
    found = None if start_line.path.startswith("/") else _ABSOLUTE_FORM.fullmatch(start_line.path)
    if found is None:
        return start_line
    headers["Host"] = found["host"]
    rest = found["rest"]
    return start_line._replace(path=rest if rest.startswith("/") else f"/{rest}")


def _believe(request: HTTPServerRequest) -> None:
    """What Tornado's server does with `xheaders`, for the requests alone that have such a header.

    For each of the others it would look up the address of the connection once more, a twentieth of a request's time.
    """
    context: Any = cast("HTTP1Connection", request.connection).context
    context._apply_xheaders(request.headers)  # noqa: SLF001  # a copy would not get Tornado's fixes
    request.remote_ip, request.protocol = context.remote_ip, context.protocol
    context._unapply_xheaders()  # noqa: SLF001


def _content_length(request: HTTPServerRequest) -> int:
    """As announced; 0 where it is not, or not well: Tornado refuses that later."""
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


def _lift_limit(request: HTTPServerRequest) -> None:
    """Let Tornado read on: the size is our business."""
    if isinstance(request.connection, HTTP1Connection):
        request.connection.set_max_body_size(sys.maxsize)


async def _done(result: Awaitable[None] | None) -> None:
    if result is not None:
        await result
