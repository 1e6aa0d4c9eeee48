"""The programs that ask for tokens."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypedDict
from urllib.parse import urlsplit

__all__ = ["DEVICE_CODE", "GRANT_TYPES", "SAMPLE_CLIENTS", "STANDARD_SCOPES", "Client", "ClientOptions"]

DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE)
STANDARD_SCOPES: Final = ("openid", "profile", "email", "address", "phone", "groups", "offline_access")
"""What every client may ask for."""

_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]+")  # RFC 6749, 3.3
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+")  # RFC 3986, 4.3
_WITH_HOST = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(?=[/?]|$)", re.IGNORECASE)
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


class ClientOptions(TypedDict, total=False):
    """The options of a client by name, for functions that take some of them."""

    secret: str | None
    name: str
    redirect_uris: tuple[str, ...]
    logout_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    scopes: tuple[str, ...]
    audience: str
    claims: Mapping[str, Any]
    auth_method: Literal["any", "client_secret_basic", "client_secret_post"]
    registration_token: str | None


@dataclass(frozen=True, slots=True)
class Client:
    """A program that is known to the provider.

    Attributes:
        id: Its `client_id`.
        secret: Its `client_secret`; None for a public client, which has to use PKCE (RFC 7636).
        name: What people are shown.
        redirect_uris: Where it may have the browser sent back to; those on loopback with any port (RFC 8252, 7.3).
        logout_uris: The same, after a logout.
        grant_types: How it may get tokens.
        scopes: What it may ask for beside the standard ones.
        audience: The claim `aud` of its access tokens; its own id if empty.
        claims: Of tokens that it gets for itself (client credentials).
        auth_method: How it has to show its secret.
        registration_token: With which it can change its registration (RFC 7592).

    Raises:
        ValueError: This cannot be.
    """

    id: str
    secret: str | None = field(default=None, repr=False)
    name: str = ""
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ("authorization_code", "refresh_token", DEVICE_CODE)
    scopes: tuple[str, ...] = ()
    audience: str = ""
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])
    auth_method: Literal["any", "client_secret_basic", "client_secret_post"] = "any"
    registration_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a client needs an id")
        for uri in (*self.redirect_uris, *self.logout_uris):
            _check_redirect_uri(uri)
        for grant_type in self.grant_types:
            if grant_type not in GRANT_TYPES:
                raise ValueError(f"grant_types has {grant_type!r}, and knows only {', '.join(GRANT_TYPES)}")
        if self.secret is None and "client_credentials" in self.grant_types:
            raise ValueError("client_credentials is only for clients with a secret")
        for scope in self.scopes:
            if not _SCOPE_TOKEN.fullmatch(scope):
                raise ValueError(f"scopes has {scope!r}, which is no scope")

    @property
    def title(self) -> str:
        """What people are shown."""
        return self.name or self.id

    def has_secret(self, secret: str) -> bool:
        """Whether this is its secret."""
        return self.secret is not None and hmac.compare_digest(self.secret.encode(), secret.encode())

    def allows_redirect(self, uri: str) -> bool:
        """Whether the browser may be sent there: an exact match, but for the port of loopback."""
        return _is_among(uri, self.redirect_uris)

    def allows_logout(self, uri: str) -> bool:
        """The same, after a logout."""
        return _is_among(uri, self.logout_uris)

    def may_have(self, scopes: frozenset[str]) -> bool:
        """Whether it may ask for these."""
        return scopes <= {*self.scopes, *STANDARD_SCOPES}


def _check_redirect_uri(uri: str) -> None:
    # RFC 6749, 3.1.2: absolute, without a fragment.  What browsers take for a script is no place to go to.
    if not _ABSOLUTE.fullmatch(uri) or uri.lower().startswith(("javascript:", "data:", "vbscript:")):
        raise ValueError(f"redirect URIs must be absolute and without a fragment, got {uri!r}")
    if uri.lower().startswith(("http:", "https:")) and not _WITH_HOST.match(uri):
        raise ValueError(f"redirect URIs need a host, got {uri!r}")


def _is_among(uri: str, registered: tuple[str, ...]) -> bool:
    return uri in registered or _without_loopback_port(uri) in {_without_loopback_port(one) for one in registered}


def _without_loopback_port(uri: str) -> str:
    """The URI as it is, but on loopback without its port."""
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return uri
    if parts.scheme != "http" or parts.hostname not in _LOOPBACK or port is None or "@" in parts.netloc:
        return uri
    return uri.replace(f":{port}", "", 1)


_LOCAL: Final = tuple(f"http://{host}{path}" for host in ("127.0.0.1", "localhost") for path in ("/callback", "/login"))
_KINTO: Final = tuple(f"http://{host}/v1/openid/openid/token" for host in ("127.0.0.1", "localhost"))
_PERSONAL: Final = ("authorization_code", "refresh_token", DEVICE_CODE)

SAMPLE_CLIENTS: Final = (
    Client("web", "web-secret", "Sample web site", _LOCAL, _LOCAL, _PERSONAL, ("read", "write")),
    Client("app", None, "Sample app", _LOCAL, _LOCAL, _PERSONAL, ("read", "write")),
    Client(
        "service",
        "service-secret",
        "Sample service",
        grant_types=("client_credentials",),
        scopes=("read", "write"),
        claims={"role": "service", "realm_access": {"roles": ["service"]}},
    ),
    Client("restwright", "not a secret", "Kinto", _KINTO, grant_types=_PERSONAL),  # as restwright.testing.kinto asks
)
"""`web` and `service` with secrets, `app` without; `restwright` is the Kinto of `restwright.testing`."""
