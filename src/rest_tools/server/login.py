"""Login at an OpenID provider: the authorization code flow (OpenID Connect Core, 3.1)."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import re
import secrets
from collections.abc import Sequence
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

from tornado.auth import OAuth2Mixin
from tornado.httputil import url_concat
from tornado.web import HTTPError

from rest_tools.server.decorators import catch_error
from rest_tools.server.login_attempt import LIFETIME, Attempt, decode_state, encode_state
from rest_tools.server.provider_answers import ask, bad_gateway, check_id_token
from rest_tools.server.return_urls import is_return_url, origin_of
from rest_tools.server.token_cookies import OpenIDCookieHandlerMixin
from rest_tools.utils.auth import Auth, OpenIDAuth
from rest_tools.utils.pkce import PKCEMixin

__all__ = ["OpenIDLoginHandler"]

_ENDPOINTS: Final = {
    "_OAUTH_AUTHORIZE_URL": "authorization_endpoint",
    "_OAUTH_ACCESS_TOKEN_URL": "token_endpoint",
    "_OAUTH_LOGOUT_URL": "end_session_endpoint",
    "_OAUTH_USERINFO_URL": "userinfo_endpoint",
}
_ATTEMPT_ID: Final = re.compile(r"[0-9a-f]{16}")


class OpenIDLoginHandler(OpenIDCookieHandlerMixin, OAuth2Mixin, PKCEMixin):
    """Sends browsers to the provider, takes them back, stores their tokens, and sends them to where they came from.

    The application setting `login_url` has to be the full public URL of this handler, and `cookie_secret` is needed.

    Attributes:
        oauth_client_id: As whom we ask the provider.
        oauth_client_secret: How we prove it; without one, by PKCE (RFC 7636).
        oauth_client_scope: What we ask for, as a list.
    """

    oauth_client_id: str
    oauth_client_secret: str | None
    oauth_client_scope: list[str]
    _OAUTH_AUTHORIZE_URL: str = ""
    _OAUTH_ACCESS_TOKEN_URL: str = ""
    _OAUTH_LOGOUT_URL: str = ""
    _OAUTH_USERINFO_URL: str = ""

    def initialize(  # type: ignore[override]  # it needs more than its parent
        self,
        *args: Any,
        oauth_client_id: str,
        oauth_client_secret: str | None,
        oauth_client_scope: str | None = None,
        oauth_return_origins: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        """Take the arguments of the route.

        Args:
            *args: Of `RestHandler`.
            oauth_client_id: As whom to ask the provider.
            oauth_client_secret: None or empty for a public client.
            oauth_client_scope: What to ask for beside `openid` and `profile`, in words; `groups` if None.
            oauth_return_origins: Other sites that a login may lead back to, such as `https://app.example`.
            **kwargs: Of `RestHandler`.
        """
        super().initialize(*args, **kwargs)
        self.oauth_client_id = oauth_client_id
        self.oauth_client_secret = oauth_client_secret
        words = ["groups"] if oauth_client_scope is None else oauth_client_scope.split()
        offline = ["offline_access"] if oauth_client_secret else []
        self.oauth_client_scope = list(dict.fromkeys(["openid", "profile", *words, *offline]))
        self._return_origins = {origin_of(url) for url in oauth_return_origins}
        self._is_set_up = False
        if not isinstance(self.auth, OpenIDAuth) or self.auth.provider_info:
            self._set_up()

    def oauth_setup(self) -> None:
        """Read where the provider is to be asked for what.

        Raises:
            RuntimeError: Tokens are not those of an OpenID provider.
            KeyError: The discovery document does not tell.
        """
        if not isinstance(self.auth, OpenIDAuth):
            raise RuntimeError("a login needs auth.openid_url in its RestHandlerSetup")  # noqa: TRY004  # contract
        for name, member in _ENDPOINTS.items():
            setattr(self, name, self.auth.provider_info[member])

    def _set_up(self) -> None:
        self.oauth_setup()
        self._is_set_up = True

    @catch_error
    async def get(self) -> None:
        """Begin a login, or end it when the provider sends the browser back."""
        self.set_header("Cache-Control", "no-store")
        if not self._is_set_up:
            await self._find_provider()
        if self._argument("error") is not None:
            raise HTTPError(400, reason=(self._argument("error_description") or "unknown oauth2 error")[:200])
        code = self._argument("code")
        if code is None:
            self._begin()
        else:
            await self._end(code, self._argument("state"))

    async def _find_provider(self) -> None:
        """It was not to be had when the server started."""
        if isinstance(self.auth, OpenIDAuth):
            try:
                await self.auth.refresh_async()
            except Exception as error:  # noqa: BLE001  # it is all the same to the browser
                raise bad_gateway("discovery", type(error).__name__) from None
        self._set_up()

    def _argument(self, name: str) -> str | None:
        values = self.get_query_arguments(name)
        return values[-1] if values else None

    def _begin(self) -> None:
        target = self._argument("next") or self._argument("redirect")
        if not target and not self.debug:
            raise HTTPError(400)
        state: dict[str, Any] = {}
        if target:
            self._check_return_url(target)
            state["redirect"] = target
        if (theirs := self._argument("state")) is not None:
            state["state"] = theirs
        self.start_oauth_authorization(state)

    def _check_return_url(self, url: object) -> None:
        origins = {origin_of(self.get_login_url()), *self._return_origins}
        if not isinstance(url, str) or not is_return_url(url, origins):
            raise HTTPError(400, reason="redirect is not allowed")

    def start_oauth_authorization(self, state: dict[str, Any] | None = None) -> None:
        """Send the browser to the provider.

        Args:
            state: What to find again when it comes back; `redirect` is where it is sent to then.
        """
        attempt, attempt_id = Attempt(), secrets.token_hex(8)
        sent = {**(state or {}), "xsrf": self.xsrf_token.decode(), "attempt": attempt_id}
        extra = {"nonce": attempt.nonce}
        if not self.oauth_client_secret:
            sent["code_challenge"] = attempt.challenge
            extra |= {"code_challenge": attempt.challenge, "code_challenge_method": "S256"}
        days = LIFETIME / 86400
        self.set_signed_cookie(
            f"login.{attempt_id}", attempt.to_json(), expires_days=days, path=self._path(), **self._cookie_flags()
        )
        self.authorize_redirect(
            redirect_uri=self.get_login_url(),
            client_id=self.oauth_client_id,
            scope=self.oauth_client_scope,
            extra_params={**extra, "state": self._encode_state(sent)},
        )

    def _path(self) -> str:
        return urlsplit(self.get_login_url()).path or "/"

    def _encode_state(self, state: dict[str, Any]) -> str:
        return encode_state(state)

    def _decode_state(self, state: str | bytes) -> dict[str, Any]:
        return decode_state(state)

    async def _end(self, code: str, encoded_state: str | None) -> None:
        if encoded_state is None:
            raise HTTPError(400)
        try:
            state = self._decode_state(encoded_state)
        except ValueError:
            raise HTTPError(400, reason="state is not one of ours") from None
        self._check_state(state)
        target: object = state.get("redirect")
        if target:
            self._check_return_url(target)
        elif not self.debug:
            raise HTTPError(400, reason="missing redirect")
        user = await self.get_authenticated_user(self.get_login_url(), code, state)
        await self._store(user)
        if not target:
            self.write(user)
        elif state.get("state") is not None:
            self.redirect(url_concat(str(target), {"state": str(state["state"])}))
        else:
            self.redirect(str(target))

    def _check_state(self, state: dict[str, Any]) -> None:
        ours: object = state.get("xsrf")
        if not isinstance(ours, str):
            raise HTTPError(400, reason="state is not one of ours")
        _, token, _ = self._decode_xsrf_token(ours)
        _, expected, _ = self._get_raw_xsrf_token()
        if not token or not hmac.compare_digest(token, expected):
            raise HTTPError(403, reason="XSRF cookie does not match state argument")

    async def get_authenticated_user(self, redirect_uri: str, code: str, state: dict[str, Any]) -> dict[str, Any]:
        """The provider's answer for the code, with the claims of the user in the place of `id_token`.

        Args:
            redirect_uri: That of the request that the code answers.
            code: Of the provider.
            state: Decoded; the attempt that it belongs to is over with this.

        Raises:
            tornado.web.HTTPError: 400, there is no such attempt; 502, the provider or its tokens are not good.
        """
        if not self.oauth_client_secret and not state.get("code_challenge"):
            raise HTTPError(400, reason="missing PKCE code challenge")
        attempt = self._consume(state)
        client = self.get_auth_http_client()
        form = {
            "redirect_uri": redirect_uri,
            "code": code,
            "client_id": self.oauth_client_id,
            "grant_type": "authorization_code",
        }
        credentials: dict[str, str] = {}
        if self.oauth_client_secret:
            credentials = {"auth_username": self.oauth_client_id, "auth_password": self.oauth_client_secret}
        else:
            form["code_verifier"] = attempt.verifier
        user = await ask(client, "code exchange", self._OAUTH_ACCESS_TOKEN_URL, body=urlencode(form), **credentials)
        access_token: object = user.get("access_token")
        if not isinstance(access_token, str):
            raise bad_gateway("code exchange", "no access_token")
        await self._claims_of("access token", access_token)
        id_token: object = user.get("id_token")
        if isinstance(id_token, str):
            claims = await self._claims_of("id token", id_token)
            check_id_token(claims, self.oauth_client_id, attempt.nonce)
            user["id_token"] = claims
        elif not id_token:
            user["id_token"] = await ask(client, "user info", self._OAUTH_USERINFO_URL, bearer=access_token)
        else:
            raise bad_gateway("code exchange", "id_token is no token")
        return user

    def _consume(self, state: dict[str, Any]) -> Attempt:
        attempt_id: object = state.get("attempt")
        if isinstance(attempt_id, str) and _ATTEMPT_ID.fullmatch(attempt_id):
            name = f"login.{attempt_id}"
            kept = self.get_signed_cookie(name, max_age_days=LIFETIME / 86400)
            if kept is not None:
                self.clear_cookie(name, path=self._path(), **self._cookie_flags())
                attempt = Attempt.from_json(kept)
                if self.oauth_client_secret or state.get("code_challenge") == attempt.challenge:
                    return attempt
        raise HTTPError(400, reason="this login was not begun here, or is over")

    def validate_new_token(self, token: str) -> dict[str, Any]:
        """The claims of a token that the provider just gave; called in a worker thread.

        Override it to turn users away: with a `tornado.web.HTTPError`.  It may be async.

        Raises:
            jwt.exceptions.PyJWTError: It is not good.
        """
        if self.auth is None:
            raise RuntimeError("a login needs auth")
        if isinstance(self.auth, Auth | OpenIDAuth) and self.auth.audience is not None:
            # An id token is for the client, whomever access tokens are for.
            wanted = [self.auth.audience] if isinstance(self.auth.audience, str) else self.auth.audience
            return self.auth.validate(token, audience=[*wanted, self.oauth_client_id])
        return self.auth.validate(token)

    async def _claims_of(self, what: str, token: str) -> dict[str, Any]:
        try:
            claims: Any = await asyncio.to_thread(self.validate_new_token, token)  # may download keys
            return cast("dict[str, Any]", await claims if inspect.isawaitable(claims) else claims)
        except HTTPError:
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with it, nobody is logged in
            raise bad_gateway(what, type(error).__name__) from None

    async def _store(self, user: dict[str, Any]) -> None:
        refresh_token: str | None = user.get("refresh_token")
        access_exp = _seconds(user.get("expires_in"), 1800)
        refresh_exp = _seconds(user.get("refresh_expires_in"), 86400)
        stored = self.store_tokens(
            access_token=user["access_token"],
            access_token_exp=access_exp,
            refresh_token=refresh_token,
            refresh_token_exp=refresh_exp,
            user_info=user["id_token"],
            user_info_exp=refresh_exp if refresh_token else access_exp,
        )
        if inspect.isawaitable(stored):
            await stored


def _seconds(value: object, otherwise: float) -> float:
    try:
        return float(cast("str", value)) or otherwise
    except (TypeError, ValueError):
        return otherwise
