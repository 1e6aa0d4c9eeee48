"""What the provider tells about itself (OpenID Connect Discovery, 3; RFC 8414, 2)."""

from __future__ import annotations

from typing import Any, Final

from restwright.sandbox.identity.clients import GRANT_TYPES, STANDARD_SCOPES
from restwright.sandbox.identity.provider import Provider

__all__ = ["PATHS", "metadata"]

PATHS: Final = {
    "authorization_endpoint": "/authorize",
    "token_endpoint": "/token",
    "userinfo_endpoint": "/userinfo",
    "jwks_uri": "/jwks",
    "device_authorization_endpoint": "/device_authorization",
    "revocation_endpoint": "/revoke",
    "introspection_endpoint": "/introspect",
    "end_session_endpoint": "/logout",
    "registration_endpoint": "/client",
}

_AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post", "none"]


def metadata(provider: Provider) -> dict[str, Any]:
    """The document; the same one serves both standards."""
    endpoints = {member: provider.issuer + path for member, path in PATHS.items()}
    if not provider.settings.registration:
        del endpoints["registration_endpoint"]
    issuer = provider.behaviour.lies.get("discovery_issuer", provider.issuer)
    return {
        **({"issuer": issuer} if issuer else {}),
        **endpoints,
        "scopes_supported": list(STANDARD_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [provider.settings.algorithm],
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": _AUTH_METHODS,
        "introspection_endpoint_auth_methods_supported": _AUTH_METHODS[:2],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "preferred_username", "email"],
        "authorization_response_iss_parameter_supported": True,
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }
