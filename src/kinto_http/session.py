"""One conversation with a server: how a request is sent, repeated, refused, and its errors told."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final, cast

import requests
from requests import RequestException
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from requests.utils import guess_filename

from kinto_http import utils
from kinto_http.answers import HandedOver, body_of, status_error
from kinto_http.callers import stacklevel
from kinto_http.constants import USER_AGENT
from kinto_http.exceptions import AddressException, BackoffException, KintoException, kinto_error
from kinto_http.params import encode_params
from kinto_http.tokens import BearerTokenAuth, TokenAuth
from restwright.closing import Closing
from restwright.drivers import run
from restwright.headers.retry_after import parse_retry_after
from restwright.message import EMPTY, UNSET, Origin, Request, is_absolute, without_credentials
from restwright.plan import Operation, Policy, exchange, under
from restwright.policies import deadline, redirect, retry, stack
from restwright.transport import CONNECT_TIMEOUT, MAX_BYTES, READ_TIMEOUT, Transport, as_timeouts

logger = logging.getLogger(__name__)

DEADLINE: Final = 600.0
"""Seconds that one request may take in all, with its repetitions."""
_SESSION: Final = requests.Session
_FUNCTIONS: Final = (MethodType, FunctionType, partial)  # whoever puts one of these in a session goes on to send
_WORTH_REPEATING: Final = frozenset({409, 429, *range(500, 600)})


class Session(Closing):
    """Sends requests to a server.

    Args:
        server_url: Root of the service, with its version prefix.
        auth: A (user, password) pair, a `requests` auth policy, or text: "user:password", "Bearer token".
            It goes to the origin of `server_url` only; ~/.netrc is not read.
        timeout: Seconds to connect and between bytes of the answer, or a (connect, read) pair; None waits
            for ever, False is the default of 10 and 60 seconds.
        headers: Sent with each request, to that origin only.
        retry: How often a request is repeated when the server answers 409, 429 or 5xx.
        retry_after: Seconds between repetitions, instead of what the server asks for.
        dry_mode: Log requests and send nothing.
        total_timeout: Seconds that a request may take in all, with its repetitions.
        max_bytes: The largest answer that is taken, after decompression.
    """

    def __init__(
        self,
        server_url: str | None,
        auth: Any = None,
        timeout: float | tuple[float | None, float | None] | bool | None = False,
        headers: Mapping[str, str] | None = None,
        retry: int = 0,
        retry_after: float | None = None,
        dry_mode: bool = False,
        *,
        total_timeout: float | None = DEADLINE,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.backoff: float | None = None
        """Until when requests are refused, in seconds since the epoch."""
        self.server_url = server_url
        self.auth = parse_auth(auth)
        # A login in the browser has to know where; no other auth object is changed.
        if hasattr(self.auth, "server_url"):
            self.auth.server_url = server_url
        if not isinstance(retry, int) or retry < 0:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"retry must be a whole number of 0 or more, got {retry!r}")
        self.nb_retry = retry
        self.retry_after = retry_after
        self.timeout = timeout
        self.headers = dict(headers or {})
        self.dry_mode = dry_mode
        self.total_timeout = total_timeout
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._http: Any = None
        self._settings: tuple[Any, ...] | None = None
        self._transport: Transport | None = None
        self._policies: dict[int, Policy] = {}
        self._sent_headers: dict[str, str] | None = None

    @property
    def _session(self) -> requests.Session:
        """The `requests.Session` beneath, shared by all threads."""
        if self._http is None:
            with self._lock:
                self._http = self._http or requests.Session()
        return cast("requests.Session", self._http)

    def request(
        self,
        method: str,
        endpoint: str,
        data: Any = None,
        permissions: Any = None,
        payload: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[Any, Mapping[str, str]]:
        """Send one request: the decoded answer (None if it has no content) and its header fields.

        Args:
            endpoint: Path below `server_url`, or a URL.
            data: Sent as the `data` of the JSON body.
            permissions: Sent as its `permissions`; what has an `as_dict()` is converted.
            payload: The rest of the JSON body.
            kwargs: `params`, `headers`, `files` and whatever else `requests.request` takes.

        Raises:
            KintoException: Of the `requests` kind too, where no answer came.
        """
        request = self.build(method, endpoint, data, permissions, payload, kwargs)
        send = self.transport.send
        if self.has_stand_in:
            send = partial(self._ask_stand_in, method, kwargs)
        response = run(send, under(self.policy(1), exchange(request)))
        return None if request.method == "HEAD" else body_of(response), response.headers

    @property
    def has_stand_in(self) -> bool:
        """Has a test put something in the place of the `requests.Session`, or of its `request`?"""
        http: Any = self._session
        return not (issubclass(type(http), _SESSION) and isinstance(http.request, _FUNCTIONS))

    def _ask_stand_in(self, method: str, given: Mapping[str, Any], request: Request) -> requests.Response:
        """Call it as tests of `kinto-http` expect: with what was given to `request`, and not with what we add to it."""
        url = request.url if is_absolute(request.url) else utils.urljoin(self.server_url or "", request.url)
        options: dict[str, Any] = {**given, **request.options}
        own: dict[str, str] = {}
        if Origin.of(url) == Origin.of(self.server_url or ""):
            own = self.headers
            if self.auth is not None:
                options.setdefault("auth", self.auth)
        if self.timeout is not False:
            options.setdefault("timeout", self.timeout)
        if "params" in given:
            options["params"] = dict(request.params)
        options["headers"] = {"User-Agent": USER_AGENT, **own, **request.headers}
        if request.json is not UNSET:
            options["data"] = utils.json_dumps(request.json)
            options["headers"].setdefault("Content-Type", "application/json")
        return self._session.request(method, url, **options)

    @staticmethod
    def build(
        method: str,
        endpoint: str,
        data: Any = None,
        permissions: Any = None,
        payload: Any = None,
        kwargs: Mapping[str, Any] = EMPTY,
    ) -> Request:
        """The request for the arguments of `request`."""
        options = dict(kwargs)
        params = encode_params(options.pop("params", None) or {})
        headers = options.pop("headers", None) or EMPTY
        method = method.upper()
        body: Any = payload
        if data is not None or permissions is not None or not isinstance(payload, list):
            body = dict(payload or {})
            if data is not None:
                body["data"] = data
            if permissions is not None:
                body["permissions"] = permissions.as_dict() if hasattr(permissions, "as_dict") else permissions
        if method in ("GET", "HEAD"):
            if body:
                raise KintoException(f"A {method} request has no body, but got {', '.join(body)}")
            body = UNSET
        elif method == "DELETE" and not body:
            body = UNSET
        elif "files" in options:
            options["data"] = {name: v if isinstance(v, str) else utils.json_dumps(v) for name, v in body.items()}
            options["files"] = _in_memory(options["files"])
            body = UNSET
        return Request(method, endpoint, params, headers, json=body, options=options or EMPTY)

    @property
    def transport(self) -> Transport:
        """What sends; made anew when a setting has changed."""
        http = self._session
        settings = (
            http,
            self.server_url,
            self.auth,
            self.timeout,
            self.nb_retry,
            self.retry_after,
            self.total_timeout,
            self.max_bytes,
        )
        transport = self._transport
        if transport is None or settings != self._settings:
            if not self.server_url:
                raise AddressException("No server_url was given to the client, so there is nowhere to send requests to")
            chosen = (CONNECT_TIMEOUT, READ_TIMEOUT) if isinstance(self.timeout, bool) else as_timeouts(self.timeout)
            try:
                transport = Transport(http, self.server_url, auth=self.auth, timeout=chosen, max_bytes=self.max_bytes)
            except RequestException as error:
                raise kinto_error(error) from error
            self._transport, self._settings, self._policies = transport, settings, {}
            self._sent_headers = None
        if self._sent_headers != self.headers:
            self._sent_headers = dict(self.headers)
            if transport.is_plain:
                http.headers = CaseInsensitiveDict({**_DEFAULT_HEADERS, **self.headers})
                if self.auth:  # what it says counts
                    http.headers.pop("Authorization", None)
        return transport

    def policy(self, network_attempts: int) -> Policy:
        """What surrounds each exchange; an error status, or no answer, ends in a KintoException."""
        policy = self._policies.get(network_attempts)
        if policy is None:
            layers: list[Any] = []
            if self.total_timeout is not None and self.timeout is not None:
                layers.append(deadline(self.total_timeout))
            repeat = retry(
                self.nb_retry + 1,
                network_attempts=network_attempts,
                statuses=_WORTH_REPEATING,
                any_method=True,
                wait=None if self.retry_after is None else float(self.retry_after),
            )
            layer = getattr(self.auth, "layer", None) if isinstance(self.auth, AuthBase) else None  # as of BrowserOAuth
            inner = stack(*layers, repeat, redirect(), *([] if layer is None else [layer]), self._observe)
            policy = self._policies[network_attempts] = lambda request: self._exchange(request, inner)
        return policy

    def _exchange(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        if self.backoff is not None:
            self._refuse_while_backing_off()
        if self.dry_mode:
            return self._pretend(request)
        return self._answered(request, inner)

    def _answered(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        try:
            response = yield from inner(request)
        except KintoException:
            raise
        except RequestException as error:
            raise kinto_error(error) from error
        if not 200 <= response.status_code < 400:
            raise status_error(response, is_download=request.sink is not None)
        return response

    def _pretend(self, request: Request) -> Operation[requests.Response]:
        url = request.url if is_absolute(request.url) else utils.urljoin(self.server_url or "", request.url)
        query = "&".join(f"{name}={value}" for name, value in request.params.items())
        logger.debug("(dry mode) %s %s%s", request.method, without_credentials(url), f"?{query}" if query else "")
        return HandedOver({}, EMPTY)
        yield  # a plan, though it asks for nothing

    def _refuse_while_backing_off(self) -> None:
        until = self.backoff
        left = 0.0 if until is None else until - time.time()
        if left > 0:
            seconds = int(left)
            raise BackoffException(f"Retry after {seconds} seconds", seconds)
        with self._lock:
            if self.backoff == until:  # else another thread has just been told to wait
                self.backoff = None

    def _observe(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """Take note of `Alert` (deprecation) and `Backoff` (heavy load) in each answer."""
        response = yield from inner(request)
        alert: Any = response.headers.get("Alert")
        if isinstance(alert, str):  # and not a test's stand-in for one
            warnings.warn(alert, DeprecationWarning, stacklevel=stacklevel())
        seconds: Any = response.headers.get("Backoff")
        if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit():
            with self._lock:
                self.backoff = max(self.backoff or 0.0, time.time() + (parse_retry_after(seconds) or 0.0))
        return response

    def close(self) -> None:
        """Close the connections; a later request opens new ones."""
        if self._transport is not None:
            self._transport.close()

    async def aclose(self) -> None:
        """Close the connections, those of the running event loop included."""
        if self._transport is not None:
            await self._transport.aclose()

    def __repr__(self) -> str:
        return f"<KintoSession {without_credentials(str(self.server_url))}>"


_DEFAULT_HEADERS: Final[dict[str, str]] = {
    "User-Agent": USER_AGENT,
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
}


def create_session(
    server_url: str | None = None, auth: Any = None, session: Session | None = None, **kwargs: Any
) -> Session:
    """The session as it is, or a new one for `server_url` and `auth`.

    Raises:
        AttributeError: Both a session and settings for a new one were given, or neither.
    """
    if session is not None and (server_url is not None or auth is not None):
        raise AttributeError("You cannot specify session and server_url or auth: the session has its own")
    if session is not None:
        return session
    if server_url is None and auth is None:
        raise AttributeError("You need to either set session, or auth and server_url")
    return Session(server_url=server_url, auth=auth, **kwargs)


def parse_auth(auth: Any) -> Any:
    """The auth policy meant by text; anything else as it is.

    Raises:
        ValueError: It is text of no known form.
    """
    if not isinstance(auth, str) or not auth:
        return auth
    scheme, blank, token = auth.strip().partition(" ")
    if blank and ":" not in scheme:
        # The scheme first: a token may well contain a colon.
        if "bearer" in scheme.lower():
            return BearerTokenAuth(token.strip(), type=scheme)
        if "basic" in scheme.lower():
            return TokenAuth(token.strip(), type=scheme)
    if ":" in auth:
        user, _, password = auth.partition(":")
        return user, password
    raise ValueError("Unsupported `auth` text: expected 'user:password', 'Bearer <token>' or 'Basic <token>'")


def _in_memory(files: Any) -> list[tuple[str, Any]]:
    """Files as `requests` takes them, already read: a repetition would send what is left of them, nothing."""
    pairs: Any = cast("Mapping[str, Any]", files).items() if isinstance(files, Mapping) else files
    return [(name, _read(name, value)) for name, value in pairs]


def _read(name: str, value: Any) -> tuple[Any, ...]:
    whole = isinstance(value, (tuple, list))
    filename, content, *rest = cast("Any", value if whole else (guess_filename(value) or name, value))
    return (filename, content.read() if hasattr(content, "read") else content, *rest)
