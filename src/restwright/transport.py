"""From a `Request` to the answer, by the settings of a `requests.Session`, blocking or awaited.

What does not change from call to call is worked out once: the root's origin, the session's header fields,
proxies and certificates from the environment.  Credentials (the auth policy, the session's own header fields,
cookies) go to the origin of the root only; a request for another origin gets none.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final, cast

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import extract_cookies_to_jar, get_cookie_header
from requests.hooks import dispatch_hook
from requests.utils import default_headers, get_auth_from_url

from restwright.adapter import Adapter, send_prepared
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
from restwright.wire.call import Call

MAX_BYTES: Final = 128 << 20
"""The largest answer taken unless a client says otherwise, in bytes."""
CONNECT_TIMEOUT: Final = 10.0
READ_TIMEOUT: Final = 60.0
_ENCODINGS: Final = "gzip, deflate"
_REQUESTS_ENCODINGS: Final = default_headers()["Accept-Encoding"]
_NEUTRAL: Final = ("user-agent", "accept", "accept-encoding", "connection")
_SESSION_REQUEST: Final = requests.Session.request
_SESSION_SEND: Final = requests.Session.send


class Transport:
    """Sends requests below `root` through `session`.

    Args:
        session: Its adapters, header fields, auth, cookies, proxies, TLS settings and hooks all count.  Where it has
            its stock adapters, ours takes their place; any other one stays and is used.
        auth: What `requests` takes: a pair for Basic, a policy; sent to the origin of `root` only.
        timeout: (connect, read) in seconds; None waits for ever.
        max_bytes: The largest answer that is taken, after decompression.
    """

    def __init__(
        self,
        session: requests.Session,
        root: str,
        *,
        auth: Any = None,
        timeout: tuple[float | None, float | None] = (CONNECT_TIMEOUT, READ_TIMEOUT),
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.session = session
        self.timeout = timeout
        self.max_bytes = max_bytes
        self.auth = as_auth(auth)
        if "@" in root:
            if self.auth is None:
                self.auth = as_auth(get_auth_from_url(root))
            root = without_credentials(root)
        self.root = root.rstrip("/")
        self.origin = Origin.of(self.root)
        self._seen_headers: dict[str, Any] | None = None
        self._base_headers = Headers()
        self._environment: dict[Any, Any] = {}
        self._adapter = Adapter()
        self._is_plain = isinstance(session, requests.Session)
        if self._is_plain:
            for prefix, adapter in list(session.adapters.items()):
                if type(adapter) is HTTPAdapter and adapter.max_retries.total == 0:
                    session.mount(prefix, self._adapter)

    def send(self, request: Request) -> requests.Response:
        """The answer to `request`; no policy is applied.

        Raises:
            TransportError: No answer came.
            UnusableAnswer: An answer came that goes beyond the limits.
        """
        call = self._call(request)
        if not self._is_plain or request.options or self._overridden():
            return self._by_session(call, request)
        auth = self._auth_for(call, request)
        if auth is not None:
            self._sign(call, auth)
        adapter = self.session.get_adapter(call.url)
        if isinstance(adapter, Adapter):
            started = time.perf_counter()
            response = adapter.perform(call)
            if isinstance(response, Response):
                response.set_seconds(time.perf_counter() - started)
        else:
            response = send_prepared(adapter, call)
        response = self._finish(call, response)
        if call.prepared.hooks["response"]:
            response = _hooked(call, response)
        return response

    async def send_async(self, request: Request) -> requests.Response:
        """The same, awaited.  What would block the event loop, such as an adapter or auth policy of others,
        is done in a thread."""
        call = self._call(request)
        if not self._is_plain or request.options or self._overridden():
            return await asyncio.to_thread(self._by_session, call, request)
        auth = self._auth_for(call, request)
        if auth is not None:
            if getattr(auth, "instant", False):
                self._sign(call, auth)
            else:
                await asyncio.to_thread(self._sign, call, auth)
        adapter = self.session.get_adapter(call.url)
        if isinstance(adapter, Adapter):
            started = time.perf_counter()
            response = await adapter.perform_async(call)
            if isinstance(response, Response):
                response.set_seconds(time.perf_counter() - started)
        else:
            response = await asyncio.to_thread(send_prepared, adapter, call)
        response = self._finish(call, response)
        if call.prepared.hooks["response"]:
            response = await asyncio.to_thread(_hooked, call, response)
        return response

    def close(self) -> None:
        """Close the blocking connections."""
        self._adapter.close()
        self.session.close()

    async def aclose(self) -> None:
        """Close all connections, those of the running event loop included."""
        await self._adapter.aclose()
        self.session.close()

    def is_home(self, url: str) -> bool:
        """Does it lie at the origin of the root, where credentials may go?"""
        return not is_absolute(url) or Origin.of(url) == self.origin

    def _call(self, request: Request) -> Call:
        session = self.session
        home = self.is_home(request.url)
        url = join(self.root, request.url, request.params)
        headers = Headers.over(self._headers_for(home), request.headers)
        body = request.body()
        prepared = requests.PreparedRequest()
        prepared.method = request.method
        prepared.url = url
        prepared.headers = headers
        prepared.body = body if isinstance(body, bytes) else cast("Any", body)
        if is_absolute(request.url):
            prepared.prepare_url(url, None)
            url = prepared.url or url
        if body is not None:
            if isinstance(body, bytes):
                headers.put("Content-Length", str(len(body)))
                if "json" in headers or request.content is None:
                    headers.setdefault("Content-Type", "application/json")
            elif body.length is not None:
                headers.put("Content-Length", str(body.length))
        verify, cert, proxies = self._environment_of(url, home=home)
        if self._is_plain:
            if session.params and home:
                prepared.prepare_url(url, cast("Any", session.params))
                url = prepared.url or url
            if session.hooks.get("response"):
                prepared.prepare_hooks(session.hooks)
            if home and not no_cookies(session.cookies) and "cookie" not in headers:
                cookie = get_cookie_header(session.cookies, prepared)
                if cookie is not None:
                    headers.put("Cookie", cookie)
        connect, read = self.timeout
        return Call(
            prepared=prepared,
            method=request.method,
            url=url,
            headers=headers.plain(),
            body=body,
            connect_timeout=connect,
            read_timeout=read,
            deadline=request.deadline,
            max_bytes=self.max_bytes if request.max_bytes is None else request.max_bytes,
            sink=request.sink,
            verify=verify,
            cert=cert,
            proxies=proxies,
        )

    def _headers_for(self, home: bool) -> Headers:
        fields: Any = self.session.headers if self._is_plain else {}
        store: dict[str, Any] = getattr(fields, "_store", fields)
        if self._seen_headers is None or not dict.__eq__(store, self._seen_headers):
            self._seen_headers = dict(store)
            base = Headers({name: value for name, value in fields.items() if value is not None})
            if base.get("Accept-Encoding") == _REQUESTS_ENCODINGS:
                base.put("Accept-Encoding", _ENCODINGS)  # `requests` also offers what only it can decode
            self._base_headers = base
        if home:
            return self._base_headers
        return Headers({name: value for name, value in self._base_headers.items() if name.lower() in _NEUTRAL})

    def _environment_of(self, url: str, *, home: bool) -> tuple[Any, Any, dict[str, str]]:
        """TLS settings and proxies, from the session and, once for each origin, the environment."""
        if not self._is_plain:
            return True, None, {}
        session = self.session
        origin = self.origin if home else Origin.of(url)
        key = (origin, session.verify, session.cert, session.trust_env, *session.proxies.items())
        found = self._environment.get(key)
        if found is None:
            # Not netrc: credentials are those that were given, and no others.
            merged = session.merge_environment_settings(url, {}, None, None, None)
            found = (merged["verify"], merged["cert"], dict(merged["proxies"]))
            self._environment[key] = found
        return cast("tuple[Any, Any, dict[str, str]]", found)

    def _auth_for(self, call: Call, request: Request) -> Auth | None:
        auth = self.auth if self.auth is not None else as_auth(self.session.auth)
        if auth is None or not self.is_home(request.url) or "authorization" in call.prepared.headers:
            return None
        return auth

    @staticmethod
    def _sign(call: Call, auth: Auth) -> None:
        signed = auth(call.prepared)
        call.prepared = signed
        headers = signed.headers
        call.headers = headers.plain() if isinstance(headers, Headers) else dict(headers)
        call.url = signed.url or call.url

    def _finish(self, call: Call, response: requests.Response) -> requests.Response:
        if isinstance(response, Response):
            response.request = call.prepared
            response.url = call.url
            if "set-cookie" in response.headers and Origin.of(call.url) == self.origin:
                response.keep_cookies(self.session.cookies)
        elif "Set-Cookie" in response.headers:
            extract_cookies_to_jar(self.session.cookies, call.prepared, response.raw)
        return response

    def _overridden(self) -> bool:
        """Has somebody put a `send` or `request` of their own in the session?  Then theirs is used."""
        session = self.session
        kind = type(session)
        return (
            kind.send is not _SESSION_SEND
            or kind.request is not _SESSION_REQUEST
            or "send" in vars(session)
            or "request" in vars(session)
        )

    def _by_session(self, call: Call, request: Request) -> requests.Response:
        body = call.body
        options: dict[str, Any] = {"headers": call.headers, "timeout": call.read_timeout, "allow_redirects": False}
        if call.connect_timeout != call.read_timeout:
            options["timeout"] = (call.connect_timeout, call.read_timeout)
        if body is not None:
            options["data"] = body if isinstance(body, bytes) else b"".join(body.chunks())
        if self.auth is not None and self.is_home(call.url):
            options["auth"] = self.auth
        response = self.session.request(call.method, call.url, **{**options, **request.options})
        if call.sink is not None and response.status_code < 300:
            call.sink.start()
            call.sink.write(response.content)
        return response


def _hooked(call: Call, response: requests.Response) -> requests.Response:
    """Response hooks, as digest authentication registers one; they may send the request again, blocking."""
    settings: dict[str, Any] = {
        "timeout": (call.connect_timeout, call.read_timeout),
        "verify": call.verify,
        "cert": call.cert,
        "proxies": call.proxies,
    }
    hooked: requests.Response = dispatch_hook("response", call.prepared.hooks, response, **settings)
    return hooked
