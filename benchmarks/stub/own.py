"""The stub where there is no nginx: an asyncio protocol that looks at the request line only.

Run as `python -m benchmarks.stub.own PORT PAGES`, in a process of its own.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import cast
from urllib.parse import parse_qs

from benchmarks.stub import answers


class Answers(asyncio.Protocol):
    """One connection; requests may come in pieces or several at once.  The one body, of a log-in, has no blanks."""

    def __init__(self, base_url: str, pages: int) -> None:
        self._base_url = base_url
        self._pages = pages
        self._sequoia = answers.sequoia(base_url)
        self._unread = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        self._transport.writelines(self._answer(head.split(b" ", 2)[1].decode()) for head in heads)

    def _answer(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        if path.startswith(answers.RECORDS_PATH + "/"):
            return _message(answers.envelope(path.rpartition("/")[2]))
        if path == answers.RECORDS_PATH:
            number = int(parse_qs(query).get("_token", ["0"])[0])
            if number < self._pages:
                return _message(answers.page(number), answers.next_page(self._base_url, number, self._pages))
        if path in self._sequoia:
            return _message(self._sequoia[path])
        if path == answers.ROOT_PATH:
            return _message(answers.ROOT)
        if path in (answers.CLUSTER_PATH, answers.LOGIN_PATH):
            return _message(answers.CLUSTER, cookies=answers.COOKIES if path == answers.LOGIN_PATH else ())
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


_HEAD = "".join(f"{name}: {value}\r\n" for name, value in answers.HEADERS.items())


def _message(text: str, next_page: str = "", cookies: Sequence[str] = ()) -> bytes:
    more = f"Next-Page: {next_page}\r\n" if next_page else ""
    more += "".join(f"Set-Cookie: {each}\r\n" for each in cookies)
    fields = f"Content-Type: {answers.CONTENT_TYPE}\r\nContent-Length: {len(text)}\r\n{_HEAD}{more}"
    return f"HTTP/1.1 200 OK\r\nServer: stub\r\n{fields}\r\n{text}".encode()


async def main(port: int, pages: int) -> None:
    """Serve on the loopback address until killed."""
    address = "127.0.0.1"
    base_url = f"http://{address}:{port}"
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answers(base_url, pages), address, port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
