"""Tokens in signed cookies: users who come with a browser."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from rest_tools.server.bearer import TokenValidator
from rest_tools.server.handler import RestHandler
from rest_tools.server.redaction import request_line
from rest_tools.utils.json_util import json_encode

__all__ = ["OpenIDCookieHandlerMixin"]

_log = logging.getLogger()  # where `RestHandler` tells of tokens too

_DAY: Final = 86400
_KEPT_LONGEST: Final = 400  # days; browsers keep no cookie longer
_LARGEST: Final = 3800  # characters of a value; browsers drop cookies beyond 4096 with name and attributes
_MOST: Final = 10  # parts of a value; servers refuse headers beyond 64 KiB
_COUNTED: Final = re.compile(r"(\d{1,2})~")


class OpenIDCookieHandlerMixin(RestHandler):
    """Knows its caller by a token in a signed cookie; goes before the class that handles requests.

    The cookies are out of reach of scripts (HttpOnly), and not sent along with what other sites post (SameSite).
    Where the request, or the `login_url` of the application, is by https, they are sent by https only.  A value that is
    too large for a cookie is spread over several.

    Attributes:
        auth_refresh_token: The refresh token of a known user, if there is one.
    """

    auth_refresh_token: bytes | None = None

    async def _validate(self, auth: TokenValidator) -> None:
        validate: Callable[[str], Awaitable[dict[str, Any]]] | None = getattr(auth, "validate_async", None)
        token = self._token()
        if validate is not None and token is not None:
            try:
                self._validated = await validate(token)
            except Exception as error:  # noqa: BLE001  # told when somebody asks for the user
                self._validated = error

    def get_current_user(self) -> str | None:
        """The claim `sub` of a valid token, or None; sets `auth_data`, `auth_key` and `auth_refresh_token`."""
        token = self._token()
        if self.auth is None or token is None:
            return None
        try:
            claims = self._claims(token, self.auth)
            user: str = claims["sub"]
        except Exception as error:  # noqa: BLE001  # whatever is wrong with the token, nobody is known by it
            _log.info("invalid token in a cookie (%s): %s", type(error).__name__, request_line(self.request))
            return None
        self.auth_data, self.auth_key = claims, token
        self.auth_refresh_token = self._read_cookie("refresh_token")
        return user

    def store_tokens(
        self,
        access_token: str,
        access_token_exp: float,
        refresh_token: str | None = None,
        refresh_token_exp: float | None = None,
        user_info: Mapping[str, Any] | None = None,
        user_info_exp: float | None = None,
    ) -> Awaitable[None] | None:
        """Set the cookies `access_token`, `refresh_token` and `user_info`, the latter two if they are given.

        Args:
            access_token: As the provider gave it.
            access_token_exp: Seconds for which the cookie lives; those of others that are not given are the same.
            refresh_token: As the provider gave it.
            refresh_token_exp: As above.
            user_info: What is known about the user; becomes JSON.
            user_info_exp: As above.
        """
        self._write_cookie("access_token", access_token, access_token_exp)
        if refresh_token:
            self._write_cookie("refresh_token", refresh_token, refresh_token_exp or access_token_exp)
        if user_info:
            self._write_cookie("user_info", json_encode(user_info), user_info_exp or access_token_exp)
        return None

    def clear_tokens(self) -> None:
        """Let the three cookies expire."""
        for name in ("access_token", "refresh_token", "user_info"):
            self.clear_cookie(name, **self._cookie_flags())
            self._clear_parts(name, beginning=1)

    def _token(self) -> str | None:
        value = self._read_cookie("access_token")
        return None if value is None else value.decode("utf-8", "replace")

    def _cookie_flags(self) -> dict[str, Any]:
        login_url: str = self.application.settings.get("login_url") or ""
        is_secure = self.request.protocol == "https" or urlsplit(login_url).scheme == "https"
        return {"httponly": True, "secure": is_secure, "samesite": "Lax"}

    def _write_cookie(self, name: str, value: str, seconds: float) -> None:
        signed = self.create_signed_value(name, value).decode()
        parts = [signed[start : start + _LARGEST] for start in range(0, len(signed), _LARGEST)]
        if len(parts) > _MOST:
            raise ValueError(f"{name} is too large for cookies: {len(signed)} characters")
        if len(parts) > 1:
            parts[0] = f"{len(parts)}~{parts[0]}"
        for number, part in enumerate(parts):
            options: dict[str, Any] = {"expires_days": seconds / _DAY, **self._cookie_flags()}
            self.set_cookie(_part_name(name, number), part, **options)  # pyright: ignore[reportUnknownMemberType]
        self._clear_parts(name, beginning=len(parts))

    def _read_cookie(self, name: str) -> bytes | None:
        value = self.get_cookie(name)
        if value is not None and (counted := _COUNTED.match(value)):
            more = (self.get_cookie(_part_name(name, number)) or "" for number in range(1, int(counted[1])))
            value = value[counted.end() :] + "".join(more)
        return None if value is None else self.get_signed_cookie(name, value, max_age_days=_KEPT_LONGEST)

    def _clear_parts(self, name: str, beginning: int) -> None:
        """What a larger value left behind."""
        for number in range(beginning, _MOST):
            if self.get_cookie(_part_name(name, number)) is not None:
                self.clear_cookie(_part_name(name, number), **self._cookie_flags())


def _part_name(name: str, number: int) -> str:
    return f"{name}.{number}" if number else name
