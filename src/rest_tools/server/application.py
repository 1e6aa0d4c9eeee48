"""The Tornado application of a `RestServer`: what is answered when no route does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPServerRequest
from tornado.routing import Rule
from tornado.web import Application, stream_request_body

from rest_tools.server.handler import RestHandler
from rest_tools.server.refusal import Refusal, standard_phrase

__all__ = ["RestApplication"]

_READ_AWAY = 8 * 2**20  # bytes of a refused body that are read, for a client that writes first and reads then


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
        length = _content_length(self.request)
        connection = self.request.connection
        if isinstance(connection, HTTP1Connection):
            connection.set_max_body_size(length)
        if length > _READ_AWAY or "Expect" in self.request.headers:
            self._refuse()

    def data_received(self, chunk: bytes) -> None:
        """Away with it."""

    def check_xsrf_cookie(self) -> None:
        """There is nothing to protect."""

    def _refuse(self, *_: str, **__: str) -> None:
        raise Refusal(413, standard_phrase(413))

    head = get = post = delete = patch = put = options = _refuse


class RestApplication(Application):
    """An application that answers in JSON also for unknown routes and for bodies that are too large.

    Args:
        rules: The routes.
        server_header: `Server` header of answers that no route gives.
        max_body_size: In bytes; None leaves it to Tornado.
        **settings: Of Tornado.

    Attributes:
        request_came: If set, told the connection of each request when its header was read.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        server_header: str,
        max_body_size: int | None,
        **settings: Any,
    ) -> None:
        if "default_handler_class" not in settings:
            settings["default_handler_class"] = _NotFound
            settings["default_handler_args"] = {"server_header": server_header}
        super().__init__(list(rules), **settings)
        self._server_header = server_header
        self._max_body_size = max_body_size
        self.request_came: Callable[[object], None] | None = None

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """What is to handle the request, whose body is still to come."""
        if self.request_came is not None:
            self.request_came(request.server_connection)
        if self._max_body_size is not None and _content_length(request) > self._max_body_size:
            return self.get_handler_delegate(request, _TooLarge, {"server_header": self._server_header})
        return super().find_handler(request, **kwargs)


def _content_length(request: HTTPServerRequest) -> int:
    """As announced; 0 where it is not, or not well: Tornado refuses that later."""
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0
