"""What an OpenID provider publishes: its discovery document, and the keys that it signs with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import jwt
from jwt.exceptions import PyJWTError

from restwright.errors import DecodeError, UnusableAnswer
from restwright.json_codec import decode
from restwright.message import Request, without_credentials
from restwright.plan import Operation, fetch

DISCOVERY: Final = ".well-known/openid-configuration"
"""Where the document is, below the provider's URL (OpenID Connect Discovery, 4)."""


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key, and the one algorithm that it is for, if the provider says so (RFC 7517, 4.4)."""

    key: Any
    algorithm: str | None


def discover(url: str) -> Operation[dict[str, Any]]:
    """The discovery document of the provider at `url`, which ends in a slash.

    Raises:
        RestwrightError: There is none.
    """
    document = yield from _read_object(url + DISCOVERY)
    _jwks_uri(document)
    return document


def download_keys(url: str, document: Mapping[str, Any]) -> Operation[dict[str, PublishedKey]]:
    """The keys of the provider at `url`, by their ids; none if its discovery document leaves their place empty.

    Raises:
        RestwrightError: They are not to be had.
    """
    jwks_uri = _jwks_uri(document)
    if not jwks_uri:
        return {}
    if url.startswith("https:") and not jwks_uri.startswith("https:"):
        raise UnusableAnswer(f"the keys of {without_credentials(url)} are not published by https")
    return published_keys((yield from _read_object(jwks_uri)))


def published_keys(document: Mapping[str, Any]) -> dict[str, PublishedKey]:
    """The keys of a set (RFC 7517, 5) that verify signatures; what is anything else is left out."""
    keys: dict[str, PublishedKey] = {}
    listed: Any = document.get("keys")
    for entry in cast("list[object]", listed) if isinstance(listed, list) else []:
        if not isinstance(entry, dict):
            continue
        fields = cast("dict[str, Any]", entry)
        kid, algorithm = fields.get("kid"), fields.get("alg")
        # A shared secret (oct) that is published is none.
        if not isinstance(kid, str) or fields.get("use", "sig") != "sig" or fields.get("kty") == "oct":
            continue
        try:
            key: Any = jwt.PyJWK(fields).key
        except (PyJWTError, ValueError, TypeError):
            continue
        if hasattr(key, "public_key"):  # a provider that publishes its private key
            key = key.public_key()
        keys[kid] = PublishedKey(key, algorithm if isinstance(algorithm, str) else None)
    return keys


def _jwks_uri(document: Mapping[str, Any]) -> str:
    uri = document.get("jwks_uri")
    if not isinstance(uri, str):
        raise UnusableAnswer("the discovery document has no jwks_uri")
    return uri


def _read_object(url: str) -> Operation[dict[str, Any]]:
    response = yield from fetch(Request("GET", url))
    try:
        value = decode(response.content)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DecodeError("this is no JSON object", request=response.request, response=response)
    return cast("dict[str, Any]", value)
