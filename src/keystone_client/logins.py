"""Logging in, by whichever way the service has: a pair of tokens before 0.4, a session cookie since.

Which one it is, the service tells by its routes: one that has no `authentication/login/` gives tokens.  The two layers
of policy here put credentials on requests: `signed` a token that counts (and, if it may, logs in again), `marked` the
CSRF token and what else a request of the session era needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import requests
from requests.cookies import remove_cookie_by_name

from keystone_client import paths
from keystone_client.answers import Record, is_missing_route, raise_if_refused, record_of, unusable
from keystone_client.cookies import SessionCookies, cookies_of
from keystone_client.log import is_heard, logger
from keystone_client.schema import AuthSchema
from keystone_client.tokens import has_expired, pair_of, still_counts, user_of
from restwright.drivers import run
from restwright.errors import ApiError, LoginExpired, LoginRequired, TransportError
from restwright.message import EMPTY, SAFE, Origin, Request, is_absolute, join
from restwright.oauth2 import TokenKeeper, TokenSet
from restwright.oauth2.policy import bearer_token
from restwright.plan import Operation, Policy, exchange, under
from restwright.policies import deadline, redirect, retry, stack
from restwright.single_flight import SingleFlight
from restwright.transport import Transport

Era: TypeAlias = Literal["jwt", "session"]

CSRF_HEADER: Final = "X-CSRFToken"
_WITHIN: Final = 60.0
"""Seconds for what is done once for all callers: logging in again."""


class Login:
    """Who a client is logged in as, and how.

    Args:
        transport: Sends.
        era: The way to log in, if it is known.
        headers: Fields of every request to the service.
        extra: Facts for log records.
        labels: What log records of requests and of answers say.
        clock: Tells the time, in seconds since the epoch.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        era: Era | None = None,
        headers: Mapping[str, str] = EMPTY,
        extra: Mapping[str, Any] = EMPTY,
        labels: tuple[str, str] = ("HTTP Request", "HTTP Response"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.era: Era | None = era
        self.clock = clock
        self._transport = transport
        self._jar = transport.session.cookies
        self._referer = f"{transport.root}/" if transport.origin[0] == "https" else ""
        self._extra = extra
        self._always = headers
        self._labels = labels
        self._session = SessionCookies.of(cookies_of(self._jar), 0)
        self._has_begun = False  # a session, as the service said, whatever cookies it gave with that
        self._policy = stack(deadline(_WITHIN), retry(3), redirect(), self.marked)
        self.keeper = TokenKeeper(self._send, renew=self._renewed_tokens, obtain=self._tokens_again)
        self._has_tokens = False
        self._bearer = bearer_token(self.keeper)
        self._credentials: tuple[str, str] | None = None
        self.ask_at(AuthSchema())
        self._again = SingleFlight[None]("logging in again")

    def ask_at(self, routes: AuthSchema) -> None:
        """Where tokens are given, renewed and ended."""
        self._new, self._refresh, self._blacklist = (
            each.join_url("") for each in (routes.new, routes.refresh, routes.blacklist)
        )
        self._public = {paths.LOGIN, self._new, self._refresh, self._blacklist}

    # Plans.

    def log_in(self, username: str, password: str, *, options: Mapping[str, Any], remember: bool) -> Operation[None]:
        """Log in; what was there before stays if it fails.

        Raises:
            ApiError: The service refuses.
        """
        if self.era == "jwt" or not (yield from self._new_session(username, password, options)):
            yield from self.take(self._new_tokens(username, password, options))
        self._credentials = (username, password) if remember else None

    def take(self, getting: Operation[TokenSet]) -> Operation[None]:
        """Use these tokens from now on."""
        yield from self.keeper.keep((yield from getting))
        self._has_tokens = True
        self.era = "jwt"

    def log_out(self, *, options: Mapping[str, Any], must_reach: bool) -> Operation[None]:
        """Forget the credentials here, and have the service forget them.

        Raises:
            ApiError: The service refuses, and that is to be told.
            TransportError: It cannot be reached, and that is to be told.
        """
        self._credentials = None
        try:
            if self._has_tokens:
                self._has_tokens = False
                tokens = yield from self.keeper.forget()
                if tokens is not None and tokens.refresh_token:
                    request = Request("POST", self._blacklist, json={"refresh": tokens.refresh_token}, options=options)
                    raise_if_refused((yield request))
            elif self.has_session:
                response = yield Request("POST", paths.LOGOUT, options=options)
                if response.status_code != 401:  # else it had forgotten already
                    raise_if_refused(response)
        except (ApiError, TransportError) as error:
            if must_reach:
                raise
            logger.warning("logged out here only: %s", error, extra=dict(self._extra))
        finally:
            self._forget_session()

    def identity(self, *, options: Mapping[str, Any]) -> Operation[Record]:
        """The record of the user; empty if nobody is logged in.

        Raises:
            ApiError: The service refuses for another reason.
        """
        if self._has_tokens:
            user = user_of(self.keeper.store.load())
            if not user:
                return {}
            path = paths.item_path(paths.ROUTES["user"], user)
        elif self.has_session or self._is_signed_otherwise:
            path = paths.WHOAMI
        else:
            return {}
        response = yield Request("GET", path, options=options)
        if response.status_code in (401, 403):  # 403 before 0.6.4
            self._has_begun = False
            return {}
        raise_if_refused(response)
        return record_of(response)

    def is_authenticated(self, *, options: Mapping[str, Any]) -> Operation[bool]:
        """Do credentials of this client count?  Tokens tell by themselves; a session, only the service can judge."""
        if self._has_tokens:
            return self.seems_authenticated
        return bool((yield from self.identity(options=options)))

    @property
    def seems_authenticated(self) -> bool:
        """As far as one can tell without asking."""
        if self._has_tokens:
            return still_counts(self.keeper.store.load(), self.clock())
        return self.has_session or self._is_signed_otherwise

    @property
    def has_session(self) -> bool:
        """Is there one, as far as one can tell without asking?"""
        return self._session.is_session or self._has_begun

    @property
    def _is_signed_otherwise(self) -> bool:
        """Have the caller's own settings credentials, such as `Authorization: Token`?"""
        transport, session = self._transport, self._transport.session
        return bool(transport.auth or (transport.is_plain and (session.auth or "Authorization" in session.headers)))

    @property
    def csrf(self) -> str:
        """The CSRF token that the service gave last; empty if none."""
        return self._session.csrf

    # Layers of policy.

    def signed(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """Around the attempts: a token that counts, or one more log-in where the session has ended."""
        if request.url in self._public:
            return inner(request)
        if self._has_tokens:
            return self._with_token(request, inner)
        return inner(request) if self._credentials is None else self._with_session(request, inner)

    def marked(self, request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        """Around each exchange: cookies and their CSRF token, the referer that Django wants by https, log records."""
        session = self._session
        if self._is_home(request.url):
            request = request.but(headers={**self._marks(request, session), **request.headers})
        facts: dict[str, Any] = {}
        if is_heard():
            url = join(self._transport.root, request.url, request.params)
            facts = {**self._extra, "method": request.method, "endpoint": request.url, "url": url}
            logger.debug(self._labels[0], extra=facts)
        response = yield from inner(request)
        if facts:
            facts |= {"url": response.url or request.url, "status_code": response.status_code}
            logger.info(self._labels[1], extra=facts)
        if "set-cookie" in response.headers and self._is_home(request.url):
            if request.url == paths.LOGIN and response.status_code < 300:
                self._session = session.after(response, login=self._session.login + 1)
            elif session.login == self._session.login:  # else the answer is about a session that is past
                self._session = self._session.after(response, login=session.login)
                self._has_begun = self._has_begun and self._session.is_session
        return response

    def _marks(self, request: Request, session: SessionCookies) -> dict[str, str]:
        marks = dict(self._always)
        if session.header:
            marks["Cookie"] = session.header
        if session.csrf:
            marks[CSRF_HEADER] = session.csrf
        if self._referer and request.method not in SAFE:
            marks["Referer"] = self._referer
        return marks

    def _with_token(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        try:
            return (yield from self._bearer(request, inner))
        except (LoginRequired, LoginExpired) as error:
            # As if logged out: the service may answer everybody, and else it says what it says to strangers.
            expired = str(error)
        response = yield from inner(request)
        if response.status_code == 401:
            vars(response)["gave_up"] = expired
        return response

    def _with_session(self, request: Request, inner: Policy) -> Operation[requests.Response]:
        before = self._session.login
        response = yield from inner(request)
        if response.status_code != 401 or not self._is_home(request.url) or self._credentials is None:
            return response
        yield from self._again.join(partial(self._log_in_again, before), within=_WITHIN)
        return (yield from inner(request))

    def _is_home(self, url: str) -> bool:
        return not is_absolute(url) or Origin.of(url) == self._transport.origin

    # What is asked of the service.

    def _new_session(self, username: str, password: str, options: Mapping[str, Any]) -> Operation[bool]:
        """Begin one; False if this service has none."""
        body = {"username": username, "password": password}
        # Logging in twice does no harm.
        response = yield Request("POST", paths.LOGIN, json=body, options=options, repeatable=True)
        if response.status_code == 404 and self.era != "session":  # others may have found it out meanwhile
            return False
        raise_if_refused(response)
        if "set-cookie" not in response.headers and "html" in response.headers.get("Content-Type", ""):
            raise unusable(response, "this is a page, not a session: is there a Keystone at this address?")
        self.era, self._has_begun = "session", True
        return True

    def _new_tokens(self, username: str, password: str, options: Mapping[str, Any]) -> Operation[TokenSet]:
        body = {"username": username, "password": password}
        asked_at = self.clock()
        response = yield Request("POST", self._new, json=body, options=options, repeatable=True)
        hint = "there is no Keystone at this address" if is_missing_route(response) else ""
        raise_if_refused(response, hint)
        return pair_of(record_of(response), now=asked_at)

    def _renewed_tokens(self, before: TokenSet) -> Operation[TokenSet]:
        asked_at = self.clock()
        if has_expired(before.refresh_token, asked_at):
            raise LoginExpired("the login has expired: log in again")
        response = yield Request("POST", self._refresh, json={"refresh": before.refresh_token})
        if response.status_code == 401:
            raise LoginExpired("the login has expired: log in again", request=response.request, response=response)
        raise_if_refused(response)
        return pair_of(record_of(response), now=asked_at, before=before)

    def _tokens_again(self) -> Operation[TokenSet]:
        if self._credentials is None:
            raise LoginExpired("the login has expired: log in again")
        return (yield from self._new_tokens(*self._credentials, EMPTY))

    # In threads: what is done once for all callers.

    def _send(self, request: Request) -> requests.Response:
        return run(self._transport.send, self._policy(request))

    def _run(self, plan: Callable[[], Operation[Any]]) -> Any:
        return run(self._transport.send, under(self._policy, plan()))

    def _log_in_again(self, before: int) -> None:
        credentials = self._credentials
        if credentials is not None and self._session.login == before:  # nobody else has logged in since
            self._run(partial(self._new_session, *credentials, EMPTY))

    def _forget_session(self) -> None:
        self._has_begun = False
        for name in self._session.values:
            remove_cookie_by_name(self._jar, name)
        self._session = SessionCookies.of({}, self._session.login + 1)
