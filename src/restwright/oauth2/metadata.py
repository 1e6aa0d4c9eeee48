"""What a provider says about itself: its issuer and its endpoints (RFC 8414; OpenID Connect Discovery 1.0)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from restwright.errors import LoginError, one_line, outline
from restwright.message import Origin, Request, without_credentials
from restwright.oauth2.answers import ask, json_object, refusal
from restwright.plan import Operation
from restwright.policies import deadline, retry, stack

_FOUND_NOTHING: Final = frozenset({400, 403, 404, 405, 410})
_ENDPOINTS: Final = (
    "token_endpoint",
    "authorization_endpoint",
    "device_authorization_endpoint",
    "revocation_endpoint",
)


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """Where a provider's endpoints are, as far as logins need them (RFC 8414, 2).

    For a provider that publishes nothing, say it yourself: `ProviderMetadata(token_endpoint="https://...")`.

    Attributes:
        issuer: The provider's identifier, an https URL; empty if it has none.
        token_endpoint: Where tokens are had from (RFC 6749, 3.2).
        authorization_endpoint: Where a browser is sent (RFC 6749, 3.1).
        device_authorization_endpoint: Where a device login begins (RFC 8628, 4).
        revocation_endpoint: Where tokens are given back (RFC 7009, 2).
        authorization_response_iss_parameter_supported: Its redirects name the issuer (RFC 9207, 3).

    Raises:
        LoginError: An endpoint is neither https nor on this machine.
    """

    token_endpoint: str = ""
    issuer: str = ""
    authorization_endpoint: str = ""
    device_authorization_endpoint: str = ""
    revocation_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False

    def __post_init__(self) -> None:
        if self.issuer:
            check_url("issuer", self.issuer)
        for name in _ENDPOINTS:
            url = getattr(self, name)
            if url:
                check_url(name, url)
                if self.issuer.startswith("https:") and not url.startswith("https:"):
                    raise LoginError(f"{name} {_shown(url)} is not https, as the issuer is")

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint.

        Raises:
            LoginError: The provider has none of that name.
        """
        url: str = getattr(self, name)
        if not url:
            whose = f"the provider {self.issuer}" if self.issuer else "the provider"
            raise LoginError(f"{whose} has no {name}: it does not offer this")
        return url

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ProviderMetadata:
        """From a metadata document, whose other members are left out.

        Raises:
            LoginError: A member has a wrong type, or is not https.
        """
        known: dict[str, Any] = {}
        for each in fields(cls):
            value = document.get(each.name)
            if value is None:
                continue
            if not isinstance(value, type(each.default)):
                raise LoginError(f"{each.name} of the provider's metadata is a {type(value).__name__}")
            known[each.name] = value
        return cls(**known)


def discover(issuer: str, *, within: float = 30.0) -> Operation[ProviderMetadata]:
    """What the provider at `issuer` publishes: by OpenID Connect Discovery (4), else by RFC 8414 (3).

    Args:
        issuer: The provider's identifier: an https URL, or an http one of this machine.
        within: Seconds for each of the places where it may be, attempts and waits included.

    Raises:
        LoginError: Nothing, or what it publishes is another provider's, or cannot be used.
        TransportError: It does not answer.
    """
    check_url("the provider's URL", issuer)
    if urlsplit(issuer).query:
        raise LoginError(f"the provider's URL {_shown(issuer)} has a query, which no issuer has (RFC 8414, 2)")
    places = _places(issuer.rstrip("/"))
    policy = stack(deadline(within), retry(3))
    for place in places:
        request = Request("GET", place, headers={"Accept": "application/json"})
        response = yield from ask(request, policy)
        if response.status_code not in _FOUND_NOTHING:
            return _read(issuer, request, response)
    raise LoginError(f"{_shown(issuer)} is no provider: there is nothing at {' or '.join(places)}")


def _places(issuer: str) -> tuple[str, str, str]:
    parts = urlsplit(issuer)
    root = f"{parts.scheme}://{parts.netloc}"
    return (
        f"{issuer}/.well-known/openid-configuration",
        # RFC 8414, 3: between host and path.
        f"{root}/.well-known/oauth-authorization-server{parts.path}",
        f"{root}/.well-known/openid-configuration{parts.path}",
    )


def _read(issuer: str, request: Request, response: requests.Response) -> ProviderMetadata:
    document = json_object(response)
    if document is None or response.status_code != 200:  # RFC 8414, 3.2; a redirect may lead anywhere
        raise refusal(response, request, "no metadata of the provider")
    metadata = ProviderMetadata.of(document)
    # RFC 8414, 3.3: else a provider could speak for another one.  A slash at the end is how people write URLs.
    if metadata.issuer.rstrip("/") != issuer.rstrip("/"):
        said = repr(one_line(metadata.issuer)) if metadata.issuer else "none"
        raise LoginError(f"the issuer is {said}, expected {_shown(issuer)!r}", request=outline(request))
    metadata.endpoint("token_endpoint")
    return metadata


def check_url(name: str, url: str) -> None:
    """Refuse what secrets must not go to: anything but https, save for this machine (RFC 6749, 3.1 and 3.2)."""
    try:
        scheme, host, _ = Origin.of(url)
    except (requests.RequestException, ValueError) as error:
        raise LoginError(f"{name} is not a URL: {one_line(str(error))}") from error
    if scheme != "https" and not _is_loopback(host):
        raise LoginError(f"{name} {_shown(url)} is not https: plain http is for a provider on this machine only")
    if "#" in url:
        raise LoginError(f"{name} {_shown(url)} has a fragment, which it must not have")


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(url: str) -> str:
    return one_line(without_credentials(url))
