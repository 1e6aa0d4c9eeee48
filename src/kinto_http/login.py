"""Login in the user's browser.

The server redirects the browser to an OpenID provider and then, with the token in the path, to a
listener on this machine.  The listener lives for one login and is reached over loopback only.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import queue
import threading
import webbrowser
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NoReturn, TypeGuard, cast
from urllib.parse import quote, unquote

import requests
from requests import PreparedRequest
from requests.auth import AuthBase

from kinto_http.exceptions import KintoException
from kinto_http.session import Session
from kinto_http.utils import urljoin
from restwright.drivers import run
from restwright.loopback import LoopbackHandler, LoopbackListener
from restwright.message import Origin, Request, is_absolute
from restwright.plan import Operation, Policy, exchange
from restwright.single_flight import SingleFlight

logger = logging.getLogger(__name__)

_CALLBACK_PATH: Final = "/auth/"
_INFO_WITHIN: Final = 30.0
"""Seconds that the server has to name its providers."""


class BrowserOAuth(AuthBase):
    """Logs in at the first request, in a browser on this machine, and signs this and all later requests.

    A request without a token waits for the user.  However many threads and tasks ask at once, there is one
    login, and they share its result, a failure too.  When the server refuses the token (401) there is another
    login, and the request is sent once more.  The token goes to the origin of `server_url` only.

    Args:
        provider: Name of one of the server's OpenID providers; its first one when not given.
        timeout: Seconds the user has for the login.
    """

    def __init__(self, provider: str | None = None, *, timeout: float = 300.0) -> None:
        self.provider = provider
        self.timeout = timeout
        self._server_url: str | None = None
        self.header_type: str | None = None
        self.token: str | None = None
        self._lock = threading.Lock()
        self._one_login = SingleFlight[str]("the login in the browser", is_awaited_at_exit=False)

    @property
    def server_url(self) -> str | None:
        """Root of the service to log in at; the client says.  At another one's origin the token is forgotten."""
        return self._server_url

    @server_url.setter
    def server_url(self, url: str | None) -> None:
        if self._server_url is not None and _origin(url) != _origin(self._server_url):
            self.token = None
        self._server_url = url

    @property
    def instant(self) -> bool:
        """Is there a token, so that signing does not wait for the user?"""
        return self.token is not None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(provider={self.provider!r}, token={'***' if self.token else None!r})"

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign the request, after a login if there is no token.

        Raises:
            KintoException: The login failed or took too long, or the request is not for the server of the token.
        """
        if isinstance(r.url, str) and self._is_elsewhere(r.url):
            raise KintoException(f"This login is for {self.server_url}: make another BrowserOAuth for {_origin(r.url)}")
        token = self.token or run(_send_nothing, self._logged_in())
        r.headers["Authorization"] = f"{self.header_type} {token}"
        return r

    def set_jwt_token(self, jwt_data: Mapping[str, Any]) -> None:
        """Keep the token of a provider's answer.

        Raises:
            KintoException: There is none in it.
        """
        token = _access_token(jwt_data)
        header_type = jwt_data.get("token_type") or self.header_type or "Bearer"
        if not _fits_a_field(header_type):
            raise KintoException("The login brought a token of an unusable type")
        with self._lock:
            self.header_type = header_type
            self.token = token  # last: whoever sees it without the lock sees its type too

    def forget(self, refused: str | None = None) -> None:
        """Drop the token, so that the next request logs in again.

        Args:
            refused: The `Authorization` field that was answered with a 401.  A newer token than that is
                kept: of many requests that were refused together only the first leads to a login.
        """
        with self._lock:
            if refused in (None, f"{self.header_type} {self.token}"):
                self.token = None

    def layer(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """Log in before the exchange where that is needed, and once more if the token that there was is refused."""
        if is_absolute(request.url) and self._is_elsewhere(request.url):
            return (yield from inner(request))
        is_new = self.token is None
        yield from self._logged_in()
        response = yield from inner(request)
        refused = response.request.headers.get("Authorization") if response.status_code == 401 else None
        if refused is not None:
            self.forget(str(refused))
            if not is_new:  # to replace what a login has just brought would not help
                yield from self._logged_in()
                response = yield from inner(request)
        return response

    def _logged_in(self) -> Operation[str]:
        """The token, after a login if there is none: one for all who lack it, in a thread of its own."""
        while True:
            token = self.token
            if token is not None:
                return token
            login = self._one_login.begin(self._login, lambda: self.token is None)
            if login is not None:
                return (yield from self._one_login.outcome(login, within=self.timeout + 2 * _INFO_WITHIN))

    def _is_elsewhere(self, url: str) -> bool:
        return self.server_url is not None and _origin(url) != _origin(self.server_url)

    def _login(self) -> str:
        if self.server_url is None:
            raise KintoException("Cannot log in: no server_url")
        provider = _choose(self._server_info(self.server_url), self.provider)
        self.header_type = provider.get("header_type")
        arrived: queue.SimpleQueue[dict[str, Any] | KintoException] = queue.SimpleQueue()
        handler = partial(RequestHandler, set_jwt_token_callback=arrived.put, failure_callback=arrived.put)
        with LoopbackListener(handler, "localhost") as listener:
            callback = quote(f"http://localhost:{listener.port}{_CALLBACK_PATH}", safe="")
            login_url = urljoin(self.server_url, provider["auth_path"])
            login_url = f"{login_url}?callback={callback}&scope={quote('openid email')}"
            # False when there is no browser; None from stand-ins in tests.
            if webbrowser.open(login_url) is False:
                logger.warning("No browser could be started: open %s in one on this machine", login_url)
            try:
                outcome = arrived.get(timeout=self.timeout)
            except queue.Empty:
                raise KintoException(f"The login was not completed within {self.timeout:g} seconds") from None
        if isinstance(outcome, KintoException):
            raise outcome
        self.set_jwt_token(outcome)
        return _access_token(outcome)

    def _server_info(self, server_url: str) -> Any:
        """The server's root document."""
        try:
            with Session(server_url, total_timeout=_INFO_WITHIN) as session:
                return session.request("GET", "/")[0]
        except KintoException as error:
            raise KintoException("Cannot log in: the server did not say how", error) from error


class RequestHandler(LoopbackHandler):
    """Takes the token from the redirect that ends a login, and tells the user."""

    def __init__(
        self,
        *args: Any,
        set_jwt_token_callback: Callable[[dict[str, Any]], object] | None = None,
        failure_callback: Callable[[KintoException], object] | None = None,
        **kwargs: Any,
    ) -> None:
        # Before the base class: its constructor handles the request.
        self._on_token = set_jwt_token_callback
        self._on_failure = failure_callback
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:  # noqa: N802  # as the base names it
        """Answer the redirect: 200 for a token, 400 for anything else, 404 off the callback path."""
        if not self.path.startswith(_CALLBACK_PATH):
            self.send_error(404)
            return
        # The callbacks come last, and come even if the browser has gone: they end the listener.
        try:
            jwt_data = _decode(self.path.removeprefix(_CALLBACK_PATH))
        except KintoException as error:
            try:
                self.send_page(400, "Login failed", str(error))
            finally:
                if self._on_failure:
                    self._on_failure(error)
        else:
            try:
                self.send_page(200, "Login successful", "You may close this page.")
            finally:
                if self._on_token:
                    self._on_token(jwt_data)


def _origin(url: str | None) -> Origin | None:
    try:
        return None if url is None else Origin.of(url)
    except requests.RequestException:  # not a URL; whoever sends a request to it will tell
        return None


def _choose(server_info: Mapping[str, Any], name: str | None) -> dict[str, Any]:
    try:
        listed = server_info["capabilities"].get("openid", {}).get("providers", ())
        providers: dict[str, dict[str, Any]] = {
            each["name"]: {**each, "auth_path": str(each["auth_path"])} for each in listed
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise KintoException("Cannot log in: this does not look like a Kinto server") from error
    if not providers:
        raise KintoException("Cannot log in: the server has no OpenID providers")
    if name is None:
        return next(iter(providers.values()))
    if name not in providers:
        raise KintoException(f"Cannot log in: the server has no OpenID provider {name!r}, but {', '.join(providers)}")
    return providers[name]


def _decode(text: str) -> dict[str, Any]:
    """The provider's answer as the server put it in the path: JSON in base64, of either alphabet."""
    text = unquote(text).rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        answer: Any = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII, UTF-8 or JSON
        raise KintoException("The login ended with an answer that cannot be read") from error
    if not isinstance(answer, dict):
        raise KintoException("The login ended with an answer that is not an object")
    jwt_data = cast("dict[str, Any]", answer)
    _access_token(jwt_data)
    return jwt_data


def _access_token(jwt_data: Mapping[str, Any]) -> str:
    token = jwt_data.get("access_token")
    if token and _fits_a_field(token):
        return token
    # RFC 6749, 5.2: what an error answer has.  The rest of it may be secret.
    reasons = [str(jwt_data[name]) for name in ("error", "error_description") if jwt_data.get(name)]
    raise KintoException(f"The login brought no access token: {': '.join(reasons) or 'no reason given'}")


def _fits_a_field(value: object) -> TypeGuard[str]:
    # A line break in it would start another header field (RFC 9110, 5.5).
    return isinstance(value, str) and value.isascii() and value.isprintable()


def _send_nothing(request: Request) -> NoReturn:
    raise AssertionError(request)  # a login has a session of its own
