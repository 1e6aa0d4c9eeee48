"""What goes out and what comes back: `Request`, `Response`, header fields, origins and URLs.

A `Request` is a small frozen value that says what is wanted, not how it is sent.  A `Response` is a real
`requests.Response` that is cheap to make: what few callers read (`cookies`, `history`, `elapsed`) is
made when it is first asked for.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any, Final, Protocol, cast
from urllib.parse import urlencode, urlsplit

import requests
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, requote_uri

from restwright.json_codec import decode, encode


def _refuse(*_: Any, **__: Any) -> Any:
    raise TypeError("the fields of a Request cannot be changed: use with_header() or but()")


_REFUSED: Any = _refuse


class _Empty(dict[str, str]):
    """No fields: a default that all may share, since nothing can be put in."""

    __setitem__ = setdefault = update = __ior__ = _REFUSED

    # It never changes.
    def __hash__(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return 0


EMPTY: Final[Mapping[str, str]] = _Empty()
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# RFC 9110, 9.2.2: the effect of several identical requests is that of one.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
# RFC 9110, 9.2.1: nothing is asked to change.
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Unset:
    """The type of `UNSET`: an argument that was not given, where None means something."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


class Body(Protocol):
    """Content that is streamed: asked anew for its chunks on every attempt, so a repeat sends all of it."""

    length: int | None
    """Size in bytes, if known beforehand."""

    def chunks(self) -> Iterator[bytes]:
        """The content from its beginning, in pieces of any size."""
        ...


class Sink(Protocol):
    """Takes the content of a successful answer as it arrives, instead of memory."""

    def start(self) -> object:
        """Content begins, on each attempt anew: drop what an earlier one has written."""

    def write(self, chunk: bytes, /) -> object:
        """Take the next bytes."""
        ...


@dataclass(frozen=True, init=False)  # no slots: a copy is then one `dict.update`
class Request:
    """One HTTP request: a method and a URL, which may be a path below the client's root."""

    method: str
    url: str
    params: Mapping[str, str] = EMPTY
    headers: Mapping[str, str] = EMPTY
    json: Any = UNSET
    content: bytes | Body | None = None
    sink: Sink | None = None
    streamed: bool = False
    """Have a successful answer before its content has come; see `restwright.lines`."""
    repeatable: bool | None = None
    """May it be sent twice? None: by its method (RFC 9110, 9.2.2)."""
    deadline: float | None = None
    """Reading of the monotonic clock, in seconds, at which the whole exchange must be over."""
    options: Mapping[str, Any] = EMPTY
    """Settings for this request alone, in the words of `requests`: timeout, auth, files, verify, ..."""
    max_bytes: int | None = None
    """The largest answer that is taken, in bytes after decompression; None: the client's limit."""
    auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None
    """Credentials in place of the client's own; like those, they go to the client's origin only."""

    def __init__(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] = EMPTY,
        headers: Mapping[str, str] = EMPTY,
        *,
        json: Any = UNSET,
        content: bytes | Body | None = None,
        sink: Sink | None = None,
        streamed: bool = False,
        repeatable: bool | None = None,
        deadline: float | None = None,
        options: Mapping[str, Any] = EMPTY,
        max_bytes: int | None = None,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
    ) -> None:
        # Quicker than the one that `dataclass` makes, which sets the fields of a frozen class one by one.
        vars(self).update(
            method=method,
            url=url,
            params=params,
            headers=headers,
            json=json,
            content=content,
            sink=sink,
            streamed=streamed,
            repeatable=repeatable,
            deadline=deadline,
            options=options,
            max_bytes=max_bytes,
            auth=auth,
        )

    def but(self, **changes: Any) -> Request:
        """A copy with some fields changed; quicker than `dataclasses.replace`, as it runs for each call."""
        copy = object.__new__(Request)
        fields, own = vars(copy), vars(self)
        fields.update(own, **changes)
        if len(fields) != len(own):
            raise TypeError(f"a Request has no field {', '.join(changes.keys() - own.keys())}")
        return copy

    def header(self, name: str) -> str | None:
        """The value of a header field, whatever the case of its name; None if it is not set here."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

    def with_header(self, name: str, value: str) -> Request:
        """A copy with one header field set."""
        replaced = name.lower()
        others = {key: given for key, given in self.headers.items() if key.lower() != replaced}
        return self.but(headers={**others, name: value})

    def __repr__(self) -> str:
        # Header fields and content may hold secrets.
        return f"<Request {self.method} {without_credentials(self.url)}>"

    @property
    def may_repeat(self) -> bool:
        """Sending it again does no harm if the first one was carried out without our knowing."""
        if self.repeatable is None:
            return self.method in IDEMPOTENT or self.header("Idempotency-Key") is not None
        return self.repeatable

    def body(self) -> bytes | Body | None:
        """The content that goes out; a JSON value is encoded."""
        return self.content if self.json is UNSET else encode(self.json)


class Headers(CaseInsensitiveDict[str]):
    """Header fields; repeated ones are joined with a comma (RFC 9110, 5.3).

    The same type that `requests` uses, filled without its detour over `__setitem__`.
    """

    # Plain dicts keep their order too.
    _store: dict[str, tuple[str, str]]  # type: ignore[assignment]

    def __init__(self, items: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> None:
        pairs: list[tuple[str, str]] = list(cast("Any", items.items()) if isinstance(items, Mapping) else items)
        store: dict[str, tuple[str, str]] = {name.lower(): (name, value) for name, value in pairs}
        if len(store) != len(pairs):
            store = {}
            for name, value in pairs:
                key = name.lower()
                first = store.get(key)
                store[key] = (name, value) if first is None else (first[0], f"{first[1]}, {value}")
        self._store = store  # pyright: ignore[reportIncompatibleVariableOverride]
        if "set-cookie" in store:  # the one field that does not survive joining (RFC 6265, 3)
            self.set_cookie = [value for name, value in pairs if name.lower() == "set-cookie"]

    @classmethod
    def over(cls, base: Headers, changes: Mapping[str, str]) -> Headers:
        """`base` with `changes` put over it, whatever their case."""
        merged = cls.__new__(cls)
        merged._store = store = base._store.copy()  # noqa: SLF001  # of its own kind
        for name, value in changes.items():
            store[name.lower()] = (name, value)
        return merged

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._store

    def put(self, name: str, value: str) -> None:
        """Set a field."""
        self._store[name.lower()] = (name, value)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a field, whatever its case."""
        pair = self._store.get(key.lower())
        return default if pair is None else pair[1]

    def plain(self) -> dict[str, str]:
        """As a plain dict, in the order and case they were given."""
        return dict(self._store.values())

    def copy(self) -> Headers:
        """The same fields, to be changed apart; those that set cookies stay apart from each other."""
        copied = Headers.over(self, EMPTY)
        if "set_cookie" in vars(self):
            copied.set_cookie = [*self.set_cookie]
        return copied


class Sent(Protocol):
    """What was sent, for an answer that is asked for its `request`."""

    url: str

    @property
    def prepared(self) -> requests.PreparedRequest:
        """As `requests` knows it."""
        ...


class Response(requests.Response):
    """An answer.

    >>> Response(200, json={"id": 7}).json()
    {'id': 7}
    """

    sets_cookies: bool
    """Has it a `Set-Cookie` field?"""
    stream: Any
    """Where the content is still coming in, what `restwright.lines.stream_of` gives."""
    attempts: int
    """How often the request was sent until this came."""
    correlation_id: str | None

    def __init__(
        self,
        status: int = 200,
        *,
        json: Any = UNSET,
        content: bytes = b"",
        headers: Iterable[tuple[str, str]] | Mapping[str, str] | Callable[[], Iterable[tuple[str, str]]] = (),
        reason: str | None = None,
        url: str = "",
        seconds: float = 0.0,
    ) -> None:
        # Not super().__init__(): it fills ten attributes that are hardly ever read.
        self.status_code = status
        if callable(headers):
            self._fields = headers  # decoded when they are first looked at, which for most answers is never
        else:
            self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.url = url
        self._content = content if json is UNSET else encode(json)
        self._content_consumed = True
        self._next = None
        self._reason = reason
        self._seconds = seconds
        if json is not UNSET:
            self.headers.setdefault("Content-Type", "application/json")

    def __getattr__(self, name: str) -> Any:
        make = _LAZY.get(name)
        if make is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = make(self)
        setattr(self, name, value)
        return value

    def came(self, call: Sent, seconds: float) -> None:
        """It answers `call`, after so many seconds: what `request`, `url` and `elapsed` tell."""
        self._call = call
        self.url = call.url
        self._seconds = seconds

    def keep_cookies(self, jar: RequestsCookieJar) -> None:
        """Put the cookies that the answer sets into `jar`, and into its own `cookies`."""
        message = Message()
        for value in getattr(self.headers, "set_cookie", ()):
            message["Set-Cookie"] = value
        shim: Any = SimpleNamespace(_original_response=SimpleNamespace(msg=message))
        extract_cookies_to_jar(jar, self.request, shim)
        self.cookies = RequestsCookieJar()
        extract_cookies_to_jar(self.cookies, self.request, shim)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name, None) for name in (*self.__attrs__, *_NOTED)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _content_consumed=True, _next=None)

    def json(self, **kwargs: Any) -> Any:
        """The content, decoded from JSON.

        Raises:
            requests.exceptions.JSONDecodeError: It is not JSON.
        """
        return super().json(**kwargs) if kwargs else decode_json(self)


_NOTED: Final = ("attempts", "correlation_id")


def _reason(response: Response) -> str:
    given: str | None = vars(response).get("_reason")
    if given is not None:
        return given
    try:
        return HTTPStatus(response.status_code).phrase
    except ValueError:
        return ""


_LAZY: Final[Mapping[str, Callable[[Response], Any]]] = {
    "headers": lambda response: Headers(vars(response)["_fields"]()),
    "sets_cookies": lambda response: "set-cookie" in response.headers,
    "reason": _reason,
    "encoding": lambda response: get_encoding_from_headers(response.headers),
    "elapsed": lambda response: datetime.timedelta(seconds=vars(response).get("_seconds", 0.0)),
    "history": lambda response: list[requests.Response](),
    "cookies": lambda response: RequestsCookieJar(),
    "raw": lambda response: io.BytesIO(response.content),
    "request": lambda response: call.prepared if (call := vars(response).get("_call")) is not None else None,
    "connection": lambda response: None,
    "attempts": lambda response: 1,
    "correlation_id": lambda response: None,
}


def decode_json(response: requests.Response) -> Any:
    """The JSON value of an answer, from any adapter.

    Raises:
        requests.exceptions.JSONDecodeError: The content is not JSON; says so with its beginning.
    """
    content = response.content
    if not isinstance(content, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]  # a test's stand-in
        return response.json()
    try:
        return decode(content)
    except ValueError as error:
        raise requests.exceptions.JSONDecodeError(
            f"{without_credentials(response.url)}: not JSON ({error}): {content[:80]!r}",
            content[:200].decode("utf-8", "replace"),
            0,
            response=response,
        ) from error


class Origin(tuple[str, str, int]):
    """Scheme, host and port: what credentials are bound to (RFC 6454, 4)."""

    __slots__ = ()

    @classmethod
    def of(cls, url: str) -> Origin:
        """The origin of an absolute URL.

        Raises:
            requests.exceptions.InvalidURL: It has no scheme, no host or a port that is none.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise requests.exceptions.InvalidURL(f"{without_credentials(url)!r}: {error}") from error
        if _AMBIGUOUS.match(url):  # parsers differ on where the host of such a URL ends
            raise requests.exceptions.InvalidURL(f"{without_credentials(url)!r} has no clear host")
        scheme = parts.scheme.lower()
        if scheme not in DEFAULT_PORTS:
            raise requests.exceptions.MissingSchema(f"{without_credentials(url)!r} is not an http:// or https:// URL")
        if not parts.hostname:
            raise requests.exceptions.InvalidURL(f"{without_credentials(url)!r} names no host")
        return cls((scheme, parts.hostname, port or DEFAULT_PORTS[scheme]))

    def __str__(self) -> str:
        scheme, host, port = self
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}" if port == DEFAULT_PORTS[scheme] else f"{scheme}://{shown}:{port}"


_AMBIGUOUS: Final = re.compile(r"[^/?#]*://[^/?#]*[\\\x00-\x20\x7f]")
# RFC 3986, 3.3 and 3.4: characters that may stand in a path and query as they are.
_CLEAN: Final = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*\Z")


_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")  # RFC 3986, 3.1


def is_absolute(url: str) -> bool:
    """Does it name its own scheme and host?"""
    return _SCHEME.match(url) is not None


def join(root: str, path: str, params: Mapping[str, str] = EMPTY) -> str:
    """`path` below `root` with exactly one slash between, or an absolute URL as it is; with the query added."""
    url = path if is_absolute(path) else root + path if path.startswith("/") else f"{root}/{path}"
    if params:
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(params)}"
    return url if _CLEAN.match(url) else requote_uri(url)


_USERINFO: Final = re.compile(r"\A([^/?#]*://)[^/?#]*@")  # RFC 3986, 3.2.1


def without_credentials(url: str) -> str:
    """The URL as it may be shown: without user and password."""
    return _USERINFO.sub(r"\1", url, count=1) if "@" in url else url


def no_cookies(jar: CookieJar) -> bool:
    """Is the jar empty?  (Its length walks through all of it.)"""
    return not vars(jar).get("_cookies", True) or next(iter(jar), None) is None
