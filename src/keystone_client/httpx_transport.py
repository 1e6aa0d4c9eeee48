"""Transports of `httpx`, such as `httpx.MockTransport`, as the adapters that a session of `requests` sends through.

Whoever has one has imported `httpx`, so nothing here depends on it.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Generator, Iterator, Mapping
from email.message import Message
from types import SimpleNamespace
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from restwright.transport import as_timeouts


def adapter_of(transport: Any) -> BaseAdapter:
    """The adapter that sends through a transport, which may be an adapter itself.

    Raises:
        TypeError: It is none.
    """
    if isinstance(transport, BaseAdapter):
        return transport
    if hasattr(transport, "handle_request") and "httpx" in sys.modules:
        return HttpxAdapter(transport)
    kind = type(transport).__name__
    raise TypeError(f"transport must be a requests adapter or a blocking transport of httpx, got {kind}")


class HttpxAdapter(HTTPAdapter):
    """Sends through a transport of `httpx`, which has settings of TLS and proxies of its own."""

    def __init__(self, transport: Any) -> None:
        super().__init__()
        self._transport = transport

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer of the transport.

        Raises:
            requests.Timeout: It says that there was none in time.
            requests.ConnectionError: It says that there was none.
        """
        del stream, verify, cert, proxies
        httpx: Any = sys.modules["httpx"]
        connect, read = as_timeouts(timeout)
        seconds = {"connect": connect, "read": read, "write": read, "pool": connect}
        fields = list(request.headers.items())
        asked = httpx.Request(
            request.method, request.url, headers=fields, content=request.body, extensions={"timeout": seconds}
        )
        with _translated(request):
            answer = self._transport.handle_request(asked)
        return self._answer(request, answer)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()

    def _answer(self, request: requests.PreparedRequest, answer: Any) -> requests.Response:
        headers, message = HTTPHeaderDict(), Message()
        for name, value in answer.headers.multi_items():
            headers.add(name, value)
            message[name] = value
        # `requests` reads cookies there.
        original: Any = SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None)
        raw = HTTPResponse(
            _Content(request, answer),
            headers,
            answer.status_code,
            reason=answer.reason_phrase,
            preload_content=False,
            original_response=original,
            request_method=request.method,
        )
        return self.build_response(request, raw)


class _Content(io.RawIOBase):
    """The content of an answer, read as it is wanted: whoever reads has a bound."""

    def __init__(self, request: requests.PreparedRequest, answer: Any) -> None:
        super().__init__()
        self._request = request
        self._answer = answer
        self._chunks: Iterator[bytes] = iter(answer.stream)
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with _translated(self._request):
            while not self._left:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return 0
                self._left = chunk
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._answer.close()
        super().close()


@contextlib.contextmanager
def _translated(request: requests.PreparedRequest) -> Generator[None]:
    """The errors of `httpx` as those of `requests`."""
    httpx: Any = sys.modules["httpx"]
    try:
        yield
    except httpx.TimeoutException as error:
        raise requests.Timeout(str(error), request=request) from error
    except httpx.TransportError as error:
        raise requests.ConnectionError(str(error), request=request) from error
