"""What a connection's stream does by itself; its time limits are in test_attacks and test_running."""

from __future__ import annotations

import asyncio
import socket

from rest_tools.server.connections import ClientStream, Phase


def test_nothing_is_held_back_whatever_tornado_asks_for():
    async def main():
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
            stream = ClientStream(listener.accept()[0])
            seen = []
            for value in (True, False):
                stream.set_nodelay(value)
                seen.append(stream.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            stream.close()
        return seen

    assert all(asyncio.run(main()))


def test_a_body_is_read_in_larger_pieces_than_a_header():
    async def main():
        ours, theirs = socket.socketpair()
        with theirs:
            stream = ClientStream(ours)
            theirs.sendall(b"x" * 30_000)
            sizes = [len(await stream.read_bytes(30_000, partial=True))]
            stream.enter(Phase.BODY)
            sizes.append(len(await stream.read_bytes(30_000, partial=True)))
            stream.close()
        return sizes

    header, body = asyncio.run(main())
    assert header < body
    assert header + body == 30_000
