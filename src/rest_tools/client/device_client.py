"""Logins by which a person lets a program in with another device, such as a phone (RFC 8628)."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from rest_tools.client.login import Login, said_by
from rest_tools.client.openid_client import OpenIDRestClient
from rest_tools.client.token_file import TokenFile, load_token, save_token
from rest_tools.utils.pkce import PKCEMixin
from restwright.errors import LoginError, LoginExpired, LoginRequired, one_line
from restwright.oauth2 import DeviceAuthorization, OAuth2, ProviderMetadata, TokenSet, TokenStore
from restwright.oauth2.terminal import qr_lines
from restwright.plan import Operation

__all__ = [
    "AsyncDeviceGrantAuth",
    "AsyncSavedDeviceGrantAuth",
    "CommonDeviceGrant",
    "DeviceGrantAuth",
    "DeviceGrantError",
    "SavedDeviceGrantAuth",
]

_COLUMNS: Final = 78
_OFFLINE: Final = "offline_access"  # what a refresh token is had for (OpenID Connect Core, 11)

# Names by which programs know them, and tests put others in their place.
_load_token_from_file = load_token
_save_token_to_file = save_token


class DeviceGrantError(LoginError, RuntimeError):
    """The person said no, took too long, or the provider does not offer such a login."""


def DeviceGrantAuth(
    address: str,
    token_url: str,
    client_id: str,
    client_secret: str | None = None,
    scopes: list[str] | None = None,
    **kwargs: Any,
) -> OpenIDRestClient:
    """A client for what the person at the terminal allows it to do; waits until the person has.

    Args:
        address: Root of the service.
        token_url: The OpenID provider, below which its discovery document is.
        client_id: The client's name there.
        client_secret: Its password there; None for a public client.
        scopes: What to ask for, besides `offline_access`.
        **kwargs: See `OpenIDRestClient`.

    Raises:
        DeviceGrantError: The person said no, took too long, or the provider does not offer it; also a RuntimeError.
        LoginError: The provider's discovery document cannot be used.
        requests.ConnectionError: It gave no answer in time.
    """
    login = _login(token_url, client_id, client_secret, scopes, kwargs)
    return _client(address, login, login.run(_log_in(login)), "DeviceGrantAuth", kwargs)


async def AsyncDeviceGrantAuth(
    address: str,
    token_url: str,
    client_id: str,
    client_secret: str | None = None,
    scopes: list[str] | None = None,
    **kwargs: Any,
) -> OpenIDRestClient:
    """The same as `DeviceGrantAuth`, awaited."""
    login = _login(token_url, client_id, client_secret, scopes, kwargs)
    return _client(address, login, await login.run_async(_log_in(login)), "DeviceGrantAuth", kwargs)


def SavedDeviceGrantAuth(
    address: str,
    token_url: str,
    filename: str,
    client_id: str,
    client_secret: str | None = None,
    scopes: list[str] | None = None,
    **kwargs: Any,
) -> OpenIDRestClient:
    """The same as `DeviceGrantAuth`, but the person is asked only where the last login counts no more.

    Args:
        address: See there.
        token_url: See there.
        filename: Where the refresh token is kept, in plain text that the owner alone may read; next to it is a lock.
        client_id: See there.
        client_secret: See there.
        scopes: See there.
        **kwargs: See there.

    Raises:
        TokenStoreError: The file cannot be read.
    """
    login = _login(token_url, client_id, client_secret, scopes, kwargs, _token_file(filename))
    return _client(address, login, login.run(_log_in_if_need_be(login)), "SavedDeviceGrantAuth", kwargs)


async def AsyncSavedDeviceGrantAuth(
    address: str,
    token_url: str,
    filename: str,
    client_id: str,
    client_secret: str | None = None,
    scopes: list[str] | None = None,
    **kwargs: Any,
) -> OpenIDRestClient:
    """The same as `SavedDeviceGrantAuth`, awaited."""
    login = _login(token_url, client_id, client_secret, scopes, kwargs, _token_file(filename))
    tokens = await login.run_async(_log_in_if_need_be(login))
    return _client(address, login, tokens, "SavedDeviceGrantAuth", kwargs)


class CommonDeviceGrant(PKCEMixin):
    """The device login by itself."""

    def perform_device_grant(
        self,
        logger: logging.Logger,
        device_url: str,
        token_url: str,
        client_id: str,
        client_secret: str | None = None,
        scopes: list[str] | None = None,
    ) -> str:
        """Log a person in, and return the refresh token; blocks until the person is.

        Args:
            logger: Is told that a login begins.
            device_url: The provider's device authorization endpoint.
            token_url: Its token endpoint.
            client_id: The client's name there.
            client_secret: Its password there; None for a public client.
            scopes: What to ask for, besides `offline_access`.

        Raises:
            DeviceGrantError: The person said no, or took too long, or the provider refused; also a RuntimeError.
            requests.ConnectionError: The provider did not answer when the login began.
        """
        logger.debug("a device login begins")
        endpoints = ProviderMetadata(token_endpoint=token_url, device_authorization_endpoint=device_url)
        login = OAuth2(endpoints, client_id, client_secret or None, scopes=_asked_for(scopes))
        return login.run(_log_in(login)).refresh_token or ""


def _asked_for(scopes: Iterable[str] | None) -> list[str]:
    return [_OFFLINE, *(scope for scope in scopes or () if scope != _OFFLINE)]


def _login(
    token_url: str,
    client_id: str,
    client_secret: str | None,
    scopes: list[str] | None,
    kwargs: Mapping[str, Any],
    store: TokenStore | None = None,
) -> Login:
    return Login(
        token_url,
        client_id,
        client_secret,
        scopes=_asked_for(scopes),
        update_func=kwargs.get("update_func"),
        store=store,
        within=kwargs.get("timeout", 0.0),
    )


def _token_file(filename: str) -> TokenFile:
    return TokenFile(Path(filename), _load_token_from_file, _save_token_to_file)


def _client(address: str, login: Login, tokens: TokenSet, name: str, kwargs: Mapping[str, Any]) -> OpenIDRestClient:
    settings: dict[str, Any] = {"logger": logging.getLogger(name), **kwargs}
    client, refresh_token = login.client, tokens.refresh_token or ""
    return OpenIDRestClient(
        address, login.auth, refresh_token, client.client_id, client.client_secret, login=login, **settings
    )


def _log_in_if_need_be(login: Login) -> Operation[TokenSet]:
    try:
        return (yield from login.keeper.tokens())
    except (LoginExpired, LoginRequired):  # whatever else goes wrong may be well again by and by
        return (yield from _log_in(login))


def _log_in(login: OAuth2) -> Operation[TokenSet]:
    if isinstance(login, Login):
        try:
            yield from login.discover()
        except LoginError as error:
            raise DeviceGrantError(f"Device grant not supported by server: {error}") from error
    if login.provider is not None and not login.provider.device_authorization_endpoint:
        raise DeviceGrantError("Device grant not supported by server")
    try:
        tokens = yield from login.device_login(show=_show)
    except LoginError as error:
        raise DeviceGrantError(f"Device authorization failed: {said_by(error)}", error=error.error) from error
    if tokens.refresh_token is None:
        raise DeviceGrantError(f"Device authorization failed: the provider gave no refresh token for {_OFFLINE}")
    return tokens


def _show(authorization: DeviceAuthorization) -> None:
    req = {"verification_uri": authorization.verification_uri, "user_code": authorization.user_code}
    if authorization.verification_uri_complete is not None:
        req["verification_uri_complete"] = authorization.verification_uri_complete
    _print_qrcode(req)


def _print_qrcode(req: Mapping[str, Any]) -> None:
    """Tell the person at the terminal, on standard output, where to go and what to enter there."""
    uri, code = one_line(str(req["verification_uri"])), one_line(str(req["user_code"]))
    complete = one_line(str(req.get("verification_uri_complete") or f"{uri}?user_code={code}"))
    box = _boxed(["To log in, visit", "", uri, "", "and enter the code", "", code])
    lines = _side_by_side(box, qr_lines(complete))
    text = "\n".join(lines)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (LookupError, UnicodeEncodeError):  # it has no blocks to draw with
        text = "\n".join(box)
    print(f"\n{text}\n", flush=True)  # noqa: T201  # the person is at the terminal


def _boxed(lines: list[str]) -> list[str]:
    width = max(map(len, lines))
    edge = f"+{'-' * (width + 2)}+"
    return [edge, *(f"| {line.ljust(width)} |" for line in lines), edge]


def _side_by_side(box: list[str], picture: list[str]) -> list[str]:
    width = len(box[0])
    if width >= _COLUMNS:
        return [*box, "", *picture]
    rows = max(len(box), len(picture))
    left, right = (part + [""] * (rows - len(part)) for part in (box, picture))
    return [f"{one.ljust(width)}  {other}".rstrip() for one, other in zip(left, right, strict=True)]
