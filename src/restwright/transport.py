"""From a `Request` to the answer, by the settings of a `requests.Session`, blocking or awaited.

What does not change from call to call is worked out once: the root's origin, the session's header fields,
proxies and certificates from the environment.  Credentials (the auth policy, the session's own header fields,
cookies, its client certificate) go to the origin of the root only; a request for another origin gets none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, cast

import requests
from requests.adapters import BaseAdapter
from requests.auth import AuthBase
from requests.cookies import extract_cookies_to_jar, get_cookie_header
from requests.hooks import dispatch_hook
from requests.utils import default_headers, get_auth_from_url

from restwright.adapter import Adapter, mounted_on, send_prepared, stock, take_in, times_left, within
from restwright.auth.basic import Auth, as_auth
from restwright.message import (
    Headers,
    Origin,
    Request,
    Response,
    is_absolute,
    join,
    no_cookies,
    without_credentials,
)
from restwright.wire.call import Buffer, Call

MAX_BYTES: Final = 128 << 20
"""The largest answer taken unless a client says otherwise, in bytes."""
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
_ENCODINGS: Final = "gzip, deflate"
_REQUESTS_ENCODINGS: Final = default_headers()["Accept-Encoding"]
_NEUTRAL: Final = ("User-Agent", "Accept", "Accept-Encoding", "Connection")
_ONLY_TIMEOUT: Final = {"timeout"}  # which the transport sees to itself
_SESSION: Final = requests.Session
_SESSION_REQUEST: Final = stock(_SESSION.request, "requests.sessions")
_SESSION_SEND: Final = stock(_SESSION.send, "requests.sessions")
_GET_ADAPTER: Final = stock(_SESSION.get_adapter, "requests.sessions")


class Transport:
    """Sends requests below `root` through `session`.

    Args:
        session: Its adapters, header fields, auth, cookies, proxies, TLS settings and hooks all count.  Where it has
            its stock adapters, ours takes their place; any other one stays and is used.
        auth: What `requests` takes: a pair for Basic, a policy; sent to the origin of `root` only.
        timeout: (connect, read) in seconds; None waits for ever.
        max_bytes: The largest answer that is taken, after decompression.
        shows_certificate: Is the session's client certificate for the origin of `root`?
    """

    def __init__(
        self,
        session: requests.Session,
        root: str,
        *,
        auth: Any = None,
        timeout: tuple[float | None, float | None] = (CONNECT_TIMEOUT, READ_TIMEOUT),
        max_bytes: int = MAX_BYTES,
        shows_certificate: bool = True,
    ) -> None:
        self.session = session
        self.timeout = timeout
        self.max_bytes = max_bytes
        self._shows_certificate = shows_certificate
        self.auth = as_auth(auth)
        self.root = without_credentials(root).rstrip("/")
        self.origin = Origin.of(self.root)
        own = get_auth_from_url(root)
        if self.auth is None and any(own):
            self.auth = as_auth(own)
        self._fields: tuple[dict[str, Any], Headers] | None = None
        self._environment: dict[Any, Any] = {}
        kind: type[Any] = type(session)
        self.is_plain = issubclass(kind, _SESSION)  # which a mock of one only claims to be
        self._adapter = mounted_on(session) if self.is_plain else Adapter()

    def send(self, request: Request) -> requests.Response:
        """The answer to `request`; no policy is applied.

        Raises:
            TransportError: No answer came.
            UnusableAnswer: An answer came that goes beyond the limits.
        """
        call = self._call(request)
        if self._is_for_session(request):
            return self._by_session(call, request)
        auth = self._auth_for(call, request)
        if auth is not None:
            self._sign(call, auth)
        return self._exchange(call)

    async def send_async(self, request: Request) -> requests.Response:
        """The same, awaited; what would block the event loop, an adapter or auth policy of others, in a thread."""
        call = self._call(request)
        if self._is_for_session(request):
            return await asyncio.to_thread(self._by_session, call, request)
        auth = self._auth_for(call, request)
        if auth is not None:
            if getattr(auth, "instant", False):
                self._sign(call, auth)
            elif answered := await asyncio.to_thread(self._sign_or_exchange, call, auth):
                return answered[0]
        adapter = self._adapter_for(call)
        if not isinstance(adapter, Adapter):
            return await asyncio.to_thread(self._exchange, call)
        started = time.perf_counter()
        response = self._finish(call, await adapter.perform_async(call), started)
        if call.has_hooks:
            response = await asyncio.to_thread(_hooked, call, response)
        return response

    def _exchange(self, call: Call) -> requests.Response:
        adapter = self._adapter_for(call)
        started = time.perf_counter()
        response = adapter.perform(call) if isinstance(adapter, Adapter) else send_prepared(adapter, call)
        response = self._finish(call, response, started)
        if call.has_hooks:
            response = _hooked(call, response)
        return response

    def _sign_or_exchange(self, call: Call, auth: Auth) -> tuple[requests.Response] | None:
        """Sign; a policy that wants to see the answer too, such as digest, may expect it in the same thread."""
        self._sign(call, auth)
        return (self._exchange(call),) if call.has_hooks else None

    def close(self) -> None:
        """Close the blocking connections; adapters of others stay open, like the session that they are mounted in."""
        self._adapter.close()

    async def aclose(self) -> None:
        """Close all connections, those of the running event loop included."""
        await self._adapter.aclose()

    def _call(self, request: Request) -> Call:
        session = self.session
        url = join(self.root, request.url, request.params)
        home = True
        if is_absolute(request.url):
            # What a server or a user put before the @ are not the credentials that this client was given.
            url = _normal(without_credentials(url))
            home = Origin.of(url) == self.origin
        headers = Headers.over(self._headers_for(home=home), request.headers)
        body = request.body()
        if body is not None:
            length = len(body) if isinstance(body, bytes) else body.length
            if length is not None:
                headers.put("Content-Length", str(length))
            if request.content is None:
                headers.setdefault("Content-Type", "application/json")
        if self.is_plain and session.params and home and not self._is_for_session(request):
            url = _normal(url, session.params)
        verify, cert, proxies = self._environment_of(url, home=home)
        connect, read = as_timeouts(request.options["timeout"]) if "timeout" in request.options else self.timeout
        call = Call(
            method=request.method,
            url=url,
            home=home,
            headers=headers,
            body=body,
            connect_timeout=connect,
            read_timeout=read,
            deadline=request.deadline,
            max_bytes=self.max_bytes if request.max_bytes is None else request.max_bytes,
            sink=Buffer() if request.streamed else request.sink,
            verify=verify,
            cert=cert,
            proxies=proxies,
        )
        if self.is_plain:
            if session.hooks.get("response"):
                call.prepared.prepare_hooks(session.hooks)
            if home and not no_cookies(session.cookies) and "cookie" not in headers:
                cookie = get_cookie_header(session.cookies, call.prepared)
                if cookie is not None:
                    headers.put("Cookie", cookie)
        return call

    def _headers_for(self, *, home: bool) -> Headers:
        fields: Any = self.session.headers if self.is_plain else {}
        store: dict[str, Any] = getattr(fields, "_store", fields)
        known = self._fields
        if known is None or not _same(store, known[0]):
            base = Headers({name: value for name, value in fields.items() if value is not None})
            if base.get("Accept-Encoding") == _REQUESTS_ENCODINGS:
                base.put("Accept-Encoding", _ENCODINGS)  # `requests` also offers what only it can decode
            known = self._fields = dict(store), base  # at once: other threads read it
        base = known[1]
        return base if home else Headers({name: base[name] for name in _NEUTRAL if name in base})

    def _environment_of(self, url: str, *, home: bool) -> tuple[Any, Any, dict[str, str]]:
        """TLS settings and proxies, from the session and, once for each origin, the environment."""
        if not self.is_plain:
            return True, None, {}
        session = self.session
        origin = self.origin if home else Origin.of(url)
        key = (origin, session.verify, session.cert, session.trust_env, *session.proxies.items())
        found = self._environment.get(key)
        if found is None:
            # Not netrc: credentials are those that were given, and no others.  What the session says about
            # certificates goes before what the environment says.
            merged = session.merge_environment_settings(url, {}, None, session.verify, None)
            # The client's own certificate is a credential, and with plain http a proxy would be shown it.
            is_shown = home and self._shows_certificate and origin[0] == "https"
            found = (merged["verify"], merged["cert"] if is_shown else None, dict(merged["proxies"]))
            self._environment[key] = found
        return cast("tuple[Any, Any, dict[str, str]]", found)

    def _auth_for(self, call: Call, request: Request) -> Auth | None:
        if not call.home:
            return None
        if request.auth is not None:
            return request.auth if request.header("Authorization") is None else None
        if "authorization" in call.headers:
            return None
        if self.auth is not None or not self.is_plain:
            return self.auth
        return as_auth(self.session.auth)

    @staticmethod
    def _sign(call: Call, auth: Auth) -> None:
        if getattr(auth, "instant", False):  # it looks at the header fields only
            auth(cast("Any", call))
            return
        signed = auth(call.prepared)
        call.known_as = signed
        headers: Any = signed.headers
        call.headers = headers if isinstance(headers, Headers) else Headers(headers)
        call.url = signed.url or call.url
        if isinstance(signed.body, bytes) and signed.body is not call.body:  # some policies sign by a form field
            call.body = signed.body
            call.headers.put("Content-Length", str(len(signed.body)))

    def _finish(self, call: Call, response: requests.Response, started: float) -> requests.Response:
        if isinstance(response, Response):
            response.came(call, time.perf_counter() - started)
            response.connection = self._adapter
            if response.sets_cookies and call.home:
                response.keep_cookies(self.session.cookies)
        elif call.home and "Set-Cookie" in response.headers:
            extract_cookies_to_jar(self.session.cookies, call.prepared, response.raw)
        return response

    def _adapter_for(self, call: Call) -> BaseAdapter:
        session = self.session
        if type(session).get_adapter is _GET_ADAPTER and "get_adapter" not in vars(session):
            own = self._adapter
            for adapter in session.adapters.values():
                if adapter is not own:
                    break
            else:
                return own  # whatever the URL
        return session.get_adapter(call.url)

    def _is_for_session(self, request: Request) -> bool:
        """Does the session have a `send` or `request` of somebody's own, or must it read settings of the request?"""
        session = self.session
        kind, own = type(session), vars(session)
        return (
            not self.is_plain
            or bool(request.options and request.options.keys() - _ONLY_TIMEOUT)
            or kind.send is not _SESSION_SEND
            or kind.request is not _SESSION_REQUEST
            or "send" in own
            or "request" in own
        )

    def _by_session(self, call: Call, request: Request) -> requests.Response:
        body, auth = call.body, self._auth_for(call, request)
        connect, read = times_left(call)
        options: dict[str, Any] = {"headers": call.headers.plain(), "timeout": read, "allow_redirects": False}
        if connect != read:
            options["timeout"] = (connect, read)
        if call.buffer is not None:
            options["stream"] = True
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else b"".join(body.chunks())
        if self.is_plain:
            options["verify"] = call.verify
            options["cert"] = call.cert or ""  # None would be the session's own
        if auth is not None:
            options["auth"] = auth
        elif self.is_plain:
            options["auth"] = _AsItIs(call)
            if not call.home and self.session.params:
                options["params"] = dict.fromkeys(dict(cast("Any", self.session.params)))
        options.update((name, value) for name, value in request.options.items() if name != "timeout")
        token = within.set(call)
        try:
            response = self.session.request(call.method, call.url, **options)
        finally:
            within.reset(token)
        if call.buffer is not None:
            take_in(response, call)
        elif call.sink is not None and response.status_code < 300:
            call.sink.start()
            call.sink.write(response.content)
        return response


# An OrderedDict, as `requests` keeps its header fields in, would be compared item by item for its order too.
_same: Final[Callable[[Any, Any], bool]] = cast("Any", dict).__eq__


def _normal(url: str, params: Any = None) -> str:
    """The URL as `requests` would send it."""
    prepared = requests.PreparedRequest()
    prepared.prepare_url(url, params)
    return prepared.url or url


def as_timeouts(timeout: Any) -> tuple[float | None, float | None]:
    """(connect, read) in seconds, from what `requests` takes: a number for both, a pair, None, an `urllib3.Timeout`.

    Raises:
        ValueError: It is none of these, or not more than 0 seconds.
    """
    if hasattr(timeout, "connect_timeout"):
        return timeout.connect_timeout, timeout.read_timeout
    pair: Any = cast("Any", timeout) if isinstance(timeout, (tuple, list)) else (timeout, timeout)
    if len(pair) != 2 or not all(each is None or (isinstance(each, (int, float)) and each > 0) for each in pair):
        raise ValueError(f"timeout must be seconds, a (connect, read) pair of seconds, or None, got {timeout!r}")
    return pair[0], pair[1]


class _AsItIs(AuthBase):
    """Keeps a session from signing by netrc, and from sending what belongs to the root to another origin."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        if not self._call.home:
            given = {*map(str.lower, self._call.headers.plain()), "content-length", "content-type", "transfer-encoding"}
            for name in [name for name in r.headers if name.lower() not in given]:
                del r.headers[name]
        return r


def _hooked(call: Call, response: requests.Response) -> requests.Response:
    """Response hooks, as digest authentication registers one; they may send the request again, blocking."""
    settings: dict[str, Any] = {
        "stream": False,
        "timeout": times_left(call),
        "verify": call.verify,
        "cert": call.cert,
        "proxies": call.proxies,
    }
    token = within.set(call)
    try:
        hooked: requests.Response = dispatch_hook("response", call.prepared.hooks, response, **settings)
    finally:
        within.reset(token)
    return hooked
