"""The base class of handlers: JSON errors, bearer tokens, the request log and the overload guard."""

from __future__ import annotations

import contextlib
import enum
import logging
import re
import time
from asyncio import Future
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from tornado.escape import to_unicode
from tornado.httputil import HTTPServerRequest
from tornado.web import Application, HTTPError, MissingArgumentError, RequestHandler

from rest_tools._lazy import names_from
from rest_tools.openapi_tools.validation import SchemaViolation
from rest_tools.server.arguments.problems import ArgumentsError
from rest_tools.server.bearer import TokenValidator, bearer_token
from rest_tools.server.handler_setup import RestHandlerSetup
from rest_tools.server.redaction import request_line, traceback_of
from rest_tools.server.refusal import PROBLEM_JSON, Refusal, error_body, problem_body, standard_phrase
from rest_tools.server.routes import route_of
from rest_tools.server.stats import RouteStats
from rest_tools.telemetry import SpanKind, SpanNamer, evented, spanned
from rest_tools.utils.auth import Auth
from rest_tools.utils.json_util import is_deeper, json_decode

if TYPE_CHECKING:
    from rest_tools.server.login import OpenIDLoginHandler
    from rest_tools.server.token_cookies import OpenIDCookieHandlerMixin

__all__ = [
    "KeycloakUsernameMixin",
    "OpenIDCookieHandlerMixin",
    "OpenIDLoginHandler",
    "RestHandler",
    "RestHandlerSetup",
]

# Programs know these two by this module, too; theirs import it.
__getattr__, __dir__ = names_from(
    __name__,
    {
        "OpenIDCookieHandlerMixin": "rest_tools.server.token_cookies",
        "OpenIDLoginHandler": "rest_tools.server.login",
    },
)

_log = logging.getLogger()  # the contract's: the request log goes to the root logger
_PHRASE = re.compile(r"[ !-;=-~]{1,200}")  # what a reason phrase may be, with `<` left out as Tornado does
_DEEPEST = 500  # levels of a JSON body; what is nearer to Python's limit can be read, but neither printed nor written
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class _Required(enum.Enum):
    REQUIRED = enum.auto()


class RestHandler(RequestHandler):
    """Answers in JSON, errors too; knows its caller by a bearer token.

    Attributes:
        auth: Validates tokens; None lets nobody be known.
        auth_url: Where tokens are had from, for whoever wants to tell.
        auth_data: Claims of the caller's token, empty for the unknown.
        auth_key: The token itself.
        route_stats: Durations by route; a route that is overloaded answers 503 with `Retry-After`.
        start_time: When `prepare` ran, in seconds since the epoch; 0 before.
        unauthenticated_status: What `authenticated` answers to the unknown: 403, as clients of old expect it, or
            401, as RFC 9110 has it.
    """

    debug: bool = False
    auth: TokenValidator | None = None
    auth_url: str | None = None
    auth_key: str = ""
    module_auth_key: str = ""
    server_header: str = ""
    route_stats: MutableMapping[str, RouteStats] | None = None
    start_time: float = 0.0
    unauthenticated_status: int = 403
    _stats_of_route: RouteStats | None = None

    if TYPE_CHECKING:  # Tornado says `dict` alone, and strict type checkers do not take that

        def write(self, chunk: str | bytes | dict[str, Any]) -> None: ...  # noqa: D102
        def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Future[None]: ...  # noqa: D102

    def __init__(self, application: Application, request: HTTPServerRequest, **kwargs: Any) -> None:
        self.auth_data: dict[str, Any] = {}
        self._kept_headers: dict[str, str] = {}
        self._validated: dict[str, Any] | Exception | None = None
        self.server_header = kwargs.get("server_header", "")  # for `set_default_headers`, which Tornado calls first
        try:
            super().__init__(application, request, **kwargs)
        except Exception as error:  # noqa: BLE001  # Tornado would drop the connection
            failure = error

            def prepare() -> None:
                raise failure

            self.prepare = prepare  # type: ignore[method-assign]  # whatever a subclass has there

    def initialize(
        self,
        debug: bool = False,
        auth: TokenValidator | None = None,
        auth_url: str | None = None,
        module_auth_key: str = "",
        server_header: str = "",
        route_stats: MutableMapping[str, RouteStats] | None = None,
        unauthenticated_status: int = 403,
        **kwargs: Any,
    ) -> None:
        """Take the arguments of the route, most of them made by `RestHandlerSetup`.

        Args:
            debug: For handlers to look at.
            auth: Validates tokens.
            auth_url: Where tokens are had from.
            module_auth_key: Name of a claim, for handlers to look at.
            server_header: The `Server` header of all answers.
            route_stats: A mapping that makes a `RouteStats` for each new route.
            unauthenticated_status: What `authenticated` answers to the unknown.
            **kwargs: For the next class; Tornado's takes none.
        """
        super().initialize(**kwargs)
        self.debug = debug
        self.auth = auth
        self.auth_url = auth_url
        self.module_auth_key = module_auth_key
        self.route_stats = route_stats
        self.unauthenticated_status = unauthenticated_status
        if server_header != self.server_header:  # of a subclass, not of the route
            self.server_header = server_header
            self.set_default_headers()

    def set_default_headers(self) -> None:
        """Put our `Server` header in the place of Tornado's, which tells its version."""
        if self.server_header:
            self.set_header("Server", self.server_header)
        else:
            self.clear_header("Server")

    def keep_header(self, name: str, value: str) -> None:
        """Set a header field that stays when the answer turns to an error, where Tornado forgets the others.

        One that is set so again becomes a list.
        """
        known = self._kept_headers.get(name)
        self._kept_headers[name] = value if known is None else f"{known}, {value}"
        self.set_header(name, self._kept_headers[name])

    def clear(self) -> None:
        """Start the answer anew, but for the header fields that are to be kept."""
        super().clear()
        for name, value in self._kept_headers.items():
            self.set_header(name, value)

    @spanned(
        span_namer=SpanNamer(use_this_arg="self.request.method"),
        these=["self.request.method", "self.request.path"],
        kind=SpanKind.SERVER,
        carrier="self.request.headers",
    )
    async def _execute(self, transforms: Any, *args: bytes, **kwargs: bytes) -> None:
        # Here and not in `prepare`: subclasses override that, and not all of them await the inherited one.
        if self.auth is not None and not isinstance(self.auth, Auth):  # that one is instant
            await self._validate(self.auth)
        await super()._execute(transforms, *args, **kwargs)

    async def _validate(self, auth: TokenValidator) -> None:
        """Have the token validated for `get_current_user`, which cannot wait for the keys of a provider."""
        validate: Callable[[str], Awaitable[dict[str, Any]]] | None = getattr(auth, "validate_async", None)
        token = bearer_token(self.request)
        if validate is not None and token is not None:
            try:
                self._validated = await validate(token)
            except Exception as error:  # noqa: BLE001  # told when somebody asks for the user
                self._validated = error

    @evented()
    def prepare(self) -> Awaitable[None] | None:
        """Log the request, and refuse it if its route is overloaded."""
        self.start_time = time.time()
        if _log.isEnabledFor(logging.INFO):
            _log.info(">>> %s", self._request_summary())
        if self.route_stats is not None:
            # Never by the path: clients could make as many entries as they like.
            route = route_of(self.request) or f"{type(self).__module__}.{type(self).__qualname__}"
            self._stats_of_route = stats = self.route_stats[route]
            if stats.is_overloaded():
                raise Refusal(503, "server overloaded", headers={"Retry-After": str(max(1, stats.get_backoff_time()))})
        return None

    @evented()
    def on_finish(self) -> None:
        """Note how long the request took."""
        # Without statistics it was refused before `prepare`.
        if self._stats_of_route is not None and self.get_status() < 500:
            self._stats_of_route.append(max(0.0, time.time() - self.start_time))

    def get_current_user(self) -> str | None:
        """The claim `sub` of a valid token, or None; sets `auth_data` and `auth_key`."""
        if self.auth is None:
            return None
        token = bearer_token(self.request)
        if token is None:
            _log.info("no bearer token: %s", self._request_summary())
            return None
        try:
            claims = self._claims(token, self.auth)
            user: str = claims["sub"]
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the token, nobody is known by it
            _log.info("invalid bearer token (%s): %s", type(error).__name__, self._request_summary())
            _log.debug("%s", _Late(error))
            return None
        self.auth_data, self.auth_key = claims, token
        return user

    def _claims(self, token: str, auth: TokenValidator) -> dict[str, Any]:
        if isinstance(self._validated, Exception):
            raise self._validated
        return auth.validate(token) if self._validated is None else self._validated

    def check_xsrf_cookie(self) -> None:
        """Ask for the XSRF token, but not of those who come with a bearer token: no other site can add that."""
        if bearer_token(self.request) is None:
            super().check_xsrf_cookie()

    @cached_property
    def json_body_arguments(self) -> dict[str, Any]:
        """The JSON object of the body, with dates and the like as `json_util` has them; empty without a body.

        Raises:
            tornado.web.HTTPError: 400, the body is not a JSON object.
        """
        if not self.request.body:
            return {}
        try:
            value: object = json_decode(self.request.body)
        except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested beyond all measure
            raise HTTPError(400, reason="requests body is not JSON-encoded") from error
        brackets = self.request.body.count(b"[") + self.request.body.count(b"{")
        if brackets > _DEEPEST and is_deeper(value, _DEEPEST):
            raise HTTPError(400, reason="requests body is nested too deeply")
        # Among the types that JSON has here are mappings with other keys than text.
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in cast("dict[object, Any]", value)):
            raise HTTPError(400, reason="JSON-encoded requests body must be a 'dict'")
        return cast("dict[str, Any]", value)

    def get_argument(
        self,
        name: str,
        default: Any = _Required.REQUIRED,
        strip: bool = True,
        type: Any = None,
        choices: Any = None,
        forbiddens: Any = None,
        strict_type: Any = None,
    ) -> Any:
        """The last value of the query and the form, else the member of the JSON body, else the default.

        Args:
            name: Of the argument.
            default: What to return without one; if not given, the argument is required.
            strip: Leave out blanks around a value of query or form.
            type: Belongs to `ArgumentHandler`, as do the following; giving one is an error.
            choices: See there.
            forbiddens: See there.
            strict_type: See there.

        Raises:
            tornado.web.MissingArgumentError: 400, required and not there.
            tornado.web.HTTPError: 400, it is not in the query, and the body is not a JSON object.
            RuntimeError: An argument of `ArgumentHandler` was given.
        """
        if any(option is not None for option in (type, choices, forbiddens, strict_type)):
            raise RuntimeError("type, choices, forbiddens and strict_type are options of ArgumentHandler")
        values = self.get_arguments(name, strip)
        if values:
            return values[-1]
        # Tornado asks each request for this one; what the body is otherwise, is not its business.
        with contextlib.suppress(HTTPError) if name == "_xsrf" else contextlib.nullcontext():
            if name in self.json_body_arguments:
                return self.json_body_arguments[name]
        if default is _Required.REQUIRED:
            raise MissingArgumentError(name)
        return default

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """The value as text; what is not UTF-8 is answered with 400, and not quoted in the log."""
        try:
            return to_unicode(value)  # None too: a group of the route's pattern that matched nothing
        except UnicodeDecodeError:
            raise HTTPError(400, f"{name or 'url'} is not UTF-8") from None

    @evented(these=["status_code"])
    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer `{"code": 404, "error": "Not Found"}`, or problem details (RFC 9457) to those who ask for them."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        phrase: str = kwargs.get("reason") or standard_phrase(status_code)
        if isinstance(error, HTTPError) and error.reason:
            phrase = error.reason
        text, members = phrase, dict[str, Any]()
        if isinstance(error, ArgumentsError):
            text, members = error.error, {"errors": error.errors}
        elif isinstance(error, SchemaViolation):
            text = error.error
        elif isinstance(error, Refusal):
            members = error.members
            for name, value in error.headers.items():
                self.set_header(name, value)
        self.set_status(status_code, phrase if _PHRASE.fullmatch(phrase) else standard_phrase(status_code))
        if status_code == 405:  # RFC 9110, 15.5.6: with the methods that there are
            self.set_header("Allow", ", ".join(self._methods()))
        if PROBLEM_JSON in self.request.headers.get("Accept", "").lower():
            self.write(problem_body(status_code, text, members))
            self.set_header("Content-Type", PROBLEM_JSON)
        else:
            self.write(error_body(status_code, text, members))
        self.finish()

    def _methods(self) -> list[str]:
        return [name for name in _METHODS if getattr(type(self), name.lower()) is not RequestHandler.get]

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log what Tornado logs, where it does, without the secrets of the URL."""
        if isinstance(value, HTTPError):
            super().log_exception(typ, value, tb)
        elif value is not None:
            text = traceback_of(value)
            logging.getLogger("tornado.application").error("Uncaught exception %s\n%s", self._request_summary(), text)

    def _request_summary(self) -> str:
        return request_line(self.request)


class _Late:
    """A traceback that is formatted only if the record is."""

    def __init__(self, error: BaseException) -> None:
        self._error: Final = error

    def __str__(self) -> str:
        return traceback_of(self._error)


class KeycloakUsernameMixin(RequestHandler):
    """Calls users by their Keycloak user name; goes before the class that authenticates them."""

    auth_data: dict[str, Any]

    def get_current_user(self) -> str | None:
        """The claim `preferred_username`, else `upn`; None for the unknown and the nameless."""
        if not super().get_current_user():
            return None
        return self.auth_data.get("preferred_username") or self.auth_data.get("upn") or None
