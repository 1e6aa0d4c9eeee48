"""The redirect that ends a login in a browser, and the page that tells the person how it ended (RFC 8252, 7.3)."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from restwright.errors import LoginError
from restwright.loopback import LoopbackHandler, LoopbackListener

_SHOWN_WITHIN: Final = 90.0
"""Seconds for which a browser waits to be told how the login ended."""


class RedirectReceiver:
    """Waits for the redirect that ends a login in a browser, and tells the person in front of it how that went.

    Args:
        redirect_uri: An http URL of this machine, as it is registered with the provider; where it has no port, a free
            one is taken, which providers must allow for (RFC 8252, 7.3).

    Raises:
        LoginError: It is another kind of URL.
    """

    def __init__(self, redirect_uri: str = "http://127.0.0.1/callback") -> None:
        self._host, self._port, self._path = _parts(redirect_uri)
        self.redirect_uri = redirect_uri
        self.query: Future[str] = Future()
        """The query of the redirect, once it has come; the first one counts."""
        self._ending: Future[str | None] = Future()
        self._claimed = threading.Lock()
        self._lock = threading.Lock()
        self._listener: LoopbackListener | None = None

    def listen(self) -> None:
        """Begin; from now on `redirect_uri` has its port.

        Raises:
            LoginError: The port is taken.
        """
        try:
            listener = LoopbackListener(partial(_RedirectHandler, self), self._host, self._port)
        except OSError as error:
            raise LoginError(f"cannot listen at {self.redirect_uri} for the browser: {error.strerror}") from error
        self.redirect_uri = f"http://{self._host}:{listener.port}{self._path}"
        with self._lock:
            self._listener = listener
            is_over = self._ending.done()
        if is_over:  # the login was given up meanwhile
            listener.close()

    def conclude(self, failure: str | None) -> None:
        """Tell the browser how the login ended, None for well; and listen no more.  Does not block."""
        with self._lock:
            if self._ending.done():
                return
            self._ending.set_result(failure)
            listener = self._listener
        if listener is not None:
            threading.Thread(target=listener.close, daemon=True).start()

    def take(self, target: str, handler: LoopbackHandler) -> None:
        """A browser asks for `target`."""
        parts = urlsplit(target)
        if parts.path != self._path:
            handler.send_error(404)
            return
        if self._claimed.acquire(blocking=False):
            self.query.set_result(parts.query)
        try:
            failure = self._ending.result(_SHOWN_WITHIN)
        except TimeoutError:
            failure = "It is not known how it ended: look at the program that began it."
        if failure is None:
            handler.send_page(200, "Login successful", "You may close this page.")
        else:
            handler.send_page(400, "Login failed", failure)


class _RedirectHandler(LoopbackHandler):
    def __init__(self, receiver: RedirectReceiver, *args: Any, **kwargs: Any) -> None:
        self._receiver = receiver  # before the base class: its constructor handles the request
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:  # noqa: N802  # as the base names it
        """The redirect, or something else that a browser looks for, such as an icon."""
        self._receiver.take(self.path, self)


def _parts(redirect_uri: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(redirect_uri)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError as error:
        raise LoginError(f"redirect_uri {redirect_uri!r}: {error}") from None
    if parts.scheme != "http" or host not in ("127.0.0.1", "::1", "localhost") or parts.query or parts.fragment:
        raise LoginError(
            f"redirect_uri must be like http://127.0.0.1/callback, a plain URL of this machine, got {redirect_uri!r}"
        )
    return f"[{host}]" if ":" in host else host, port, parts.path or "/"
