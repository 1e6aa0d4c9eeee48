"""Bearer tokens (JWT): made and checked with a key of one's own, or checked with those of an OpenID provider."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Final, NoReturn, Unpack

import jwt
import requests
from jwt.exceptions import InvalidAlgorithmError, InvalidTokenError

from rest_tools.utils.claims import Rules, Validator, as_list, as_text
from rest_tools.utils.provider import PublishedKey, discover, download_keys
from restwright.drivers import run, run_async
from restwright.errors import one_line
from restwright.message import Request, without_credentials
from restwright.plan import Operation, Policy, under
from restwright.policies import deadline, redirect, retry, stack
from restwright.single_flight import SingleFlight
from restwright.transport import Transport

__all__ = ["Auth", "BadJwtKey", "OpenIDAuth"]

logger = logging.getLogger(__name__)

_DEADLINE: Final = 20.0
"""Seconds for one document of a provider, attempts and waits included."""
_LONGEST: Final = 2 * _DEADLINE + 5
"""Seconds for both of them."""
_UNKNOWN_KEPT: Final = 1024
"""Ids of keys that are not the provider's, of which so many are remembered."""


class BadJwtKey(InvalidTokenError, RuntimeError):
    """The token names no key, or one that the provider does not have."""


class Auth(Validator):
    """Makes and checks tokens with a key of one's own.

    Args:
        secret: The secret of an HMAC algorithm, or the private key (PEM) of an asymmetric one.
        pub_secret: The public key (PEM) of an asymmetric algorithm.
        issuer: Who makes the tokens; checked ones may be from this issuer or from one of `issuers`.
        algorithm: How tokens are signed; nothing else is accepted, save for `algorithms`.
        expiration: Longest lifetime of a token, in seconds.
        integer_times: Write times as whole seconds.
        audience: Whom checked tokens must be for; anyone if None.
        leeway: Seconds by which the clocks may differ.
        expiration_temp: Found in old configurations, and of no effect.
    """

    def __init__(
        self,
        secret: str | bytes,
        pub_secret: str | bytes | None = None,
        issuer: str | None = "IceProd",
        algorithm: str = "HS512",
        expiration: float = 31622400,
        integer_times: bool = False,
        *,
        audience: str | Iterable[str] | None = None,
        issuers: Sequence[str] | None = None,
        algorithms: Sequence[str] | None = None,
        leeway: float = 60,
        expiration_temp: object = None,  # noqa: ARG002
    ) -> None:
        super().__init__(audience=audience, issuers=issuers, algorithms=algorithms or [algorithm], leeway=leeway)
        self.secret = secret
        self.pub_secret = pub_secret
        self.issuer = issuer
        self.algorithm = algorithm
        self.max_exp = expiration
        self.integer_times = integer_times

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.issuer} {self.algorithm}>"

    def create_token(
        self,
        subject: str,
        expiration: float | None = None,
        payload: Mapping[str, Any] | None = None,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """A signed token.

        Args:
            subject: Whom it is about (`sub`).
            expiration: Its lifetime in seconds; as long as may be unless given.
            payload: More claims; iss, sub, exp, nbf and iat are set here, whatever it says.
            headers: More members of its header.
        """
        lifetime = min(expiration or self.max_exp, self.max_exp)
        now = time.time()
        times = {"exp": now + lifetime, "nbf": now, "iat": now}
        if self.integer_times:
            times = {name: int(value) for name, value in times.items()}
        claims = {**(payload or {}), "sub": subject, **times}
        if self.issuer is not None:
            claims["iss"] = self.issuer
        return jwt.encode(claims, self.secret, algorithm=self.algorithm, headers=dict(headers or {}))

    def validate(self, token: str | bytes, **rules: Unpack[Rules]) -> dict[str, Any]:
        """The claims of a token.

        Raises:
            jwt.exceptions.PyJWTError: It is not signed by us, out of date, or not by the rules.
        """
        own = [] if self.issuer is None else [self.issuer]
        issuers = as_list(rules.get("issuers")) or [*own, *as_list(self.issuers)]
        key = self.secret if self.pub_secret is None else self.pub_secret
        return self._check(as_text(token), key, self.algorithms, issuers, rules)

    async def validate_async(self, token: str | bytes, **rules: Unpack[Rules]) -> dict[str, Any]:
        """The same, awaited, as other kinds of `auth` may need it."""
        return self.validate(token, **rules)


class OpenIDRules(Rules, total=False):
    """What one call may ask for."""

    issuer: str
    """The same as `issuers` of one."""


class OpenIDAuth(Validator):
    """Checks tokens with the keys that an OpenID provider publishes.

    A token that names an unknown key has the keys downloaded again: once for all callers that wait for them, no
    more often than every `least_interval` seconds, and not for an id that was asked for in vain in the last
    `unknown_kept` seconds.  `validate` waits for the download in its thread; in an event loop use `validate_async`.

    Args:
        url: The provider; its discovery document is below.
        provider_info: The discovery document, if it is known.  With `public_keys` nothing is ever downloaded.
        public_keys: The keys by their ids.
        audience: Whom tokens must be for; anyone if None.
        issuers: Whom they must be from; from the issuer that the discovery document names, if None.
        algorithms: How they may be signed; RS256 and RS512 if None.
        leeway: Seconds by which the clocks may differ.
        check_issuer: False: without `issuers`, tokens may be from anyone who has the keys.
        session: A `requests.Session` to download through, for its certificates and proxies.
        keys_max_age: Seconds after which keys are downloaded again although all are known: some may be withdrawn.
        fetch_now: Download at once, blocking, as the contract has it; otherwise with the first token.
    """

    _known_rules = frozenset(OpenIDRules.__annotations__)

    def __init__(
        self,
        url: str,
        provider_info: Mapping[str, Any] | None = None,
        public_keys: Mapping[str, Any] | None = None,
        *,
        audience: str | Iterable[str] | None = None,
        issuers: Sequence[str] | None = None,
        algorithms: Sequence[str] | None = None,
        leeway: float = 60,
        check_issuer: bool = True,
        session: requests.Session | None = None,
        least_interval: float = 10.0,
        unknown_kept: float = 60.0,
        keys_max_age: float = 3600.0,
        fetch_now: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        algorithms = algorithms or ["RS256", "RS512"]
        super().__init__(audience=audience, issuers=issuers, algorithms=algorithms, leeway=leeway)
        self.url = url if url.endswith("/") else url + "/"
        self.provider_info: dict[str, Any] = dict(provider_info or {})
        self.public_keys: dict[str, Any] = dict(public_keys or {})
        self.check_issuer = check_issuer
        self.least_interval = least_interval
        self.unknown_kept = unknown_kept
        self.keys_max_age = keys_max_age
        self._session = session
        self._clock = clock
        self._is_static = bool(provider_info and public_keys)
        self._published: dict[str, PublishedKey] = {}
        self._unknown: dict[str, float] = {}  # when each id was found to be unknown, in that order
        self._lock = threading.Lock()
        self._flight = SingleFlight[None]("the download of keys")
        self._attempted = float("-inf")
        self._fetched = clock()
        self._downloads = 0
        self._policy: Policy = stack(deadline(_DEADLINE), retry(3), redirect())
        if fetch_now and not self._is_static:
            self._refresh_keys()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {without_credentials(self.url)}>"

    @property
    def token_url(self) -> str:
        """Where tokens are had from; empty as long as the provider is unknown."""
        return str(self.provider_info.get("token_endpoint") or "")

    def validate(self, token: str | bytes, **rules: Unpack[OpenIDRules]) -> dict[str, Any]:
        """The claims of a token; may block for a download of keys.

        Raises:
            BadJwtKey: It names no key, or an unknown one; if that is because the keys are not to be had, this is the
                cause.
            jwt.exceptions.PyJWTError: It is not signed by the provider, out of date, or not by the rules.
        """
        return run(_send_nothing, self._claims(token, rules, waits_for_all=True))

    async def validate_async(self, token: str | bytes, **rules: Unpack[OpenIDRules]) -> dict[str, Any]:
        """The same, awaited: only callers with an unknown key wait for a download."""
        return await run_async(_send_nothing, self._claims(token, rules, waits_for_all=False))

    def refresh(self) -> None:
        """Download the keys, and before them the discovery document if it is unknown.

        Raises:
            requests.RequestException: They are not to be had.
        """
        run(_send_nothing, self._flight.join(self._fetch, within=_LONGEST))

    async def refresh_async(self) -> None:
        """The same, awaited."""
        await run_async(_send_nothing, self._flight.join(self._fetch, within=_LONGEST))

    def _claims(self, token: str | bytes, rules: OpenIDRules, *, waits_for_all: bool) -> Operation[dict[str, Any]]:
        text, kid, algorithm = self._read(token)
        failure, downloads = None, self._downloads
        if self._is_wanting(kid):
            download = self._flight.begin(self._fetch, partial(self._may_fetch, kid))
            if download is not None and (waits_for_all or kid not in self.public_keys):
                try:
                    yield from self._flight.outcome(download, within=_LONGEST)
                except Exception as error:  # noqa: BLE001  # the token may be good all the same
                    failure = error
        self._note(kid, downloads)
        return self._judge(text, kid, algorithm, rules, failure)

    def _refresh_keys(self) -> None:
        try:
            self.refresh()
        except Exception:  # noqa: BLE001  # it was logged, and is tried again with the next token
            return

    def _read(self, token: str | bytes) -> tuple[str, str, str]:
        """The token, the id of its key, its algorithm: all that can be told without a key."""
        text = as_text(token)
        header = jwt.get_unverified_header(text)
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self.algorithms:
            raise InvalidAlgorithmError("The specified alg value is not allowed")
        if not isinstance(kid, str):
            raise BadJwtKey("JWT names no key (kid)")
        return text, kid, algorithm

    def _judge(
        self, token: str, kid: str, algorithm: str, rules: OpenIDRules, failure: Exception | None
    ) -> dict[str, Any]:
        key = self.public_keys.get(kid)
        if key is None:
            raise BadJwtKey(f"JWT key {one_line(kid)} not found") from failure
        published = self._published.get(kid)
        if published is not None and published.key is key and published.algorithm not in (None, algorithm):
            raise InvalidAlgorithmError("The key is for another alg value")
        asked = [*as_list(rules.get("issuers")), *as_list(rules.get("issuer"))]
        issuers = asked or as_list(self.issuers)
        if not issuers and self.check_issuer:
            issuers = as_list(self.provider_info.get("issuer"))
        return self._check(token, key, [algorithm], issuers, rules)

    def _is_wanting(self, kid: str) -> bool:
        """Is the key unknown, or are all of them old?"""
        if self._is_static:
            return False
        return kid not in self.public_keys or self._clock() - self._fetched > self.keys_max_age

    def _may_fetch(self, kid: str) -> bool:
        """Asked when nobody is downloading: is it time to, for a token with this key?"""
        if not self._is_wanting(kid):
            return False  # somebody has just been
        now = self._clock()
        with self._lock:
            is_known_unknown = now - self._unknown.get(kid, float("-inf")) < self.unknown_kept
            if is_known_unknown or now - self._attempted < self.least_interval:
                return False
            self._attempted = now
            return True

    def _note(self, kid: str, downloads: int) -> None:
        """Remember an id that is not among the keys, if they were downloaded since there were so many downloads."""
        if kid in self.public_keys or self._downloads == downloads:
            return
        with self._lock:
            self._unknown.pop(kid, None)  # to the end
            self._unknown[kid] = self._fetched
            while len(self._unknown) > _UNKNOWN_KEPT:
                del self._unknown[next(iter(self._unknown))]

    @cached_property
    def _transport(self) -> Transport:
        session = requests.Session() if self._session is None else self._session
        return Transport(session, self.url, timeout=(5.0, 10.0), max_bytes=1 << 20)

    def _fetch(self) -> None:
        try:
            run(self._transport.send, under(self._policy, self._download()))
        finally:
            self._transport.close()  # it will be long until the next time

    def _download(self) -> Operation[None]:
        try:
            if not self.provider_info:
                self.provider_info = yield from discover(self.url)
            keys = yield from download_keys(self.url, self.provider_info)
        except Exception as error:
            logger.warning("the keys of %s are not to be had: %s", without_credentials(self.url), error)
            raise
        self._published = keys
        self.public_keys = {kid: published.key for kid, published in keys.items()}
        self._fetched = self._clock()
        self._downloads += 1


def _send_nothing(request: Request) -> NoReturn:
    raise AssertionError(request)  # the download has its own transport
