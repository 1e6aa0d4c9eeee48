"""A real HTTP/1.1 server on a loopback port, for tests.

One thread accepts; one thread per connection reads requests, asks the app and writes its answers, and keeps
the connection alive as HTTP/1.1 wants it. A `Fault` in the place of a reply is given the connection itself
and may do with it what no server should. A connection's thread waits on its own socket and nowhere else, so
that shutting the sockets down ends them all: the server closes at once, whatever its connections are doing.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeAlias

from restwright.testing.connection import Answer, Connection, Fault
from restwright.testing.exchange import Reply, SeenRequest

__all__ = ["Answer", "App", "Connection", "Fault", "Reply", "SeenRequest", "Server", "serve"]

_CLOSE_WITHIN = 0.1  # seconds that close() gives to apps that are busy with something else


App: TypeAlias = Callable[[SeenRequest], Answer] | Sequence[Answer]


class Server:
    """A running server; made by `serve`, closed by `close` or at the end of its `with` block.

    Attributes:
        url: `http://127.0.0.1:port`, without a slash at the end.
        requests: What was received, in order, each request before its answer is made.
        connections: How many connections were accepted so far.
        errors: What the app raised; the client was answered 500 with the traceback, and the `with` block
            raises the first of them at its end, unless it fails anyway.
    """

    def __init__(self, app: App, *, host: str, tls: ssl.SSLContext | None) -> None:
        self.requests: list[SeenRequest] = []
        self.connections = 0
        self.errors: list[Exception] = []
        self._app = app if callable(app) else _one_after_the_other(app)
        self._tls = tls
        self._open: dict[Connection, threading.Thread] = {}
        self._open_changed = threading.Condition()
        self._ended: deque[threading.Thread] = deque()
        self._listener = socket.create_server((host, 0), backlog=1024)
        self._listener.settimeout(0)  # a client may give up between select and accept
        self.url = f"{'https' if tls else 'http'}://{host}:{self._listener.getsockname()[1]}"
        self._stop_signal, self._stop = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, name=f"accept for {self.url}", daemon=True)
        self._accepting.start()

    def __repr__(self) -> str:
        return f"<Server {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.errors:
            raise self.errors[0]

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    def wait_for_open_connections(self, count: int, *, timeout: float = 30.0) -> bool:
        """Whether exactly `count` connections are open now or get so within `timeout` seconds."""
        with self._open_changed:
            return self._open_changed.wait_for(lambda: len(self._open) == count, timeout)

    def close(self) -> None:
        """Stop listening and end all connections, also within an answer; takes less than 0.2 seconds.

        An app that sleeps or computes cannot be stopped: its thread ends when the app returns. To hang or to
        be late, answer with a `Fault`.
        """
        self._stop.close()
        self._accepting.join()
        deadline = time.monotonic() + _CLOSE_WITHIN
        with self._open_changed:
            left = dict(self._open)
            for connection in left:
                connection.shut_down()
        while self._ended:
            self._ended.popleft().join()
        for connection, thread in left.items():
            thread.join(max(0.0, deadline - time.monotonic()))
            connection.close()

    def _accept(self) -> None:
        with self._listener, self._stop_signal, selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._stop_signal, selectors.EVENT_READ)
            while self._stop_signal not in [key.fileobj for key, _ in selector.select()]:
                with contextlib.suppress(OSError):
                    self._start(self._listener.accept()[0])

    def _start(self, sock: socket.socket) -> None:
        sock.settimeout(None)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:  # the handshake is left to the connection's thread
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        self.connections += 1
        connection = Connection(sock, self.connections, self.requests)
        name = f"{self.url} connection {connection.number}"
        thread = threading.Thread(target=self._run, args=(connection,), name=name, daemon=True)
        with self._open_changed:
            self._open[connection] = thread
            self._open_changed.notify_all()
        while self._ended:
            self._ended.popleft().join()
        thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            while self._exchange(connection):
                pass
        except OSError:
            pass  # gone, by either side's doing
        except Exception as error:  # noqa: BLE001  # a fault that is at fault itself
            self.errors.append(error)
        finally:
            self._ended.append(threading.current_thread())
            with self._open_changed:  # never close a socket that close() is about to shut down
                connection.close()
                self._open.pop(connection)
                self._open_changed.notify_all()

    def _exchange(self, connection: Connection) -> bool:
        try:
            request = connection.read_request()
        except ValueError as error:
            refusal = Reply(400, text=str(error), headers={"Connection": "close"})
            connection.send(refusal.head() + refusal.content)
            return False
        try:
            answer: Answer | None = self._app(request)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shall see it
            self.errors.append(error)
            answer = Reply(500, text=traceback.format_exc())
        while isinstance(answer, Fault):
            answer = answer.play(connection)
        return answer is not None and connection.reply(answer)


def _one_after_the_other(answers: Sequence[Answer]) -> Callable[[SeenRequest], Answer]:
    if not answers:
        raise ValueError("at least one answer is needed")
    waiting = deque(answers)
    lock = threading.Lock()

    def app(_: SeenRequest) -> Answer:
        with lock:
            return waiting.popleft() if len(waiting) > 1 else waiting[0]

    return app


def serve(app: App, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Server:
    """Serve `app` on a free port, from now until the end of the `with` block.

    Args:
        app: Called with each `SeenRequest`, in the thread of its connection; or the answers to give one after
            the other, the last of them again and again.
        host: The address to listen on.
        tls: Speak TLS with this context's certificate.

    >>> import requests
    >>> with serve(lambda request: Reply(json={"path": request.path})) as server:
    ...     requests.get(server.url + "/items/7", timeout=1).json()
    {'path': '/items/7'}
    """
    return Server(app, host=host, tls=tls)
