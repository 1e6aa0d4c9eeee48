"""The log-in of the first era: a pair of signed tokens (JWT)."""

from __future__ import annotations

import uuid
from typing import Any, Final, Literal

import jwt

from restwright.sandbox.keystone.access import Caller
from restwright.sandbox.keystone.answers import Answer, unauthorized
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.catalogue.jwt import find_roles
from restwright.sandbox.keystone.credentials import logged_in, texts_of
from restwright.sandbox.keystone.tables.jwt import BlacklistedToken, User

__all__ = ["CHALLENGE", "authenticate", "blacklist", "new", "refresh"]

CHALLENGE: Final = 'Bearer realm="api"'
_ALGORITHM: Final = "HS256"


class _InvalidTokenError(Exception):
    """It is not ours, not of this kind, too old, or blacklisted."""


def authenticate(call: Call) -> Caller | None:
    """The caller by the access token; None without one.

    Raises:
        ApiError: 401, the token is worth nothing.
    """
    words = call.headers.get("authorization", "").split()
    if not words or words[0] != "Bearer":
        return None
    if len(words) != 2:
        detail = "Authorization header must contain two space-delimited values"
        raise unauthorized(CHALLENGE, detail, code="bad_authorization_header")
    try:
        claims = _claims(call, words[1], "access")
    except _InvalidTokenError as error:
        message = {"token_class": "AccessToken", "token_type": "access", "message": str(error)}
        detail = "Given token not valid for any token type"
        raise unauthorized(CHALLENGE, detail, code="token_not_valid", messages=[message]) from None
    user = call.session.get(User, claims["user_id"])
    if user is None:
        raise unauthorized(CHALLENGE, "User not found", code="user_not_found")
    if not user.is_active:
        raise unauthorized(CHALLENGE, "User is inactive", code="user_inactive")
    return Caller(user, find_roles)


def new(call: Call) -> Answer:
    """A pair of tokens for a name and a password."""
    user = logged_in(call)
    if user is None:
        raise unauthorized(CHALLENGE, "No active account found with the given credentials")
    return Answer(body={"refresh": _token(call, user.id, "refresh"), "access": _token(call, user.id, "access")})


def refresh(call: Call) -> Answer:
    """An access token for a refresh token, which stays what it is."""
    claims = _refresh_claims(call)
    return Answer(body={"access": _token(call, claims["user_id"], "access")})


def blacklist(call: Call) -> Answer:
    """Make a refresh token worthless; access tokens that came of it live on."""
    call.session.add(BlacklistedToken(jti=_refresh_claims(call)["jti"]))
    return Answer(body={})


def _token(call: Call, user_id: int, kind: Literal["access", "refresh"]) -> str:
    settings = call.application.settings
    issued = int(settings.clock())
    lifetime = settings.access_lifetime if kind == "access" else settings.refresh_lifetime
    claims = {
        "token_type": kind,
        "exp": int(issued + lifetime),
        "iat": issued,
        "jti": uuid.uuid4().hex,
        "user_id": user_id,
    }
    return jwt.encode(claims, call.application.secret, algorithm=_ALGORITHM)


def _claims(call: Call, token: str, kind: Literal["access", "refresh"]) -> dict[str, Any]:
    # By our own clock, which tests may set.
    options: Any = {"verify_exp": False, "verify_iat": False, "require": ["exp", "jti", "user_id", "token_type"]}
    try:
        claims = jwt.decode(token, call.application.secret, algorithms=[_ALGORITHM], options=options)
    except jwt.PyJWTError:
        raise _InvalidTokenError("Token is invalid or expired") from None
    if claims["exp"] <= call.application.settings.clock():
        raise _InvalidTokenError("Token is invalid or expired")
    if claims["token_type"] != kind:
        raise _InvalidTokenError("Token has wrong type")
    if call.session.get(BlacklistedToken, claims["jti"]) is not None:  # only refresh tokens ever are
        raise _InvalidTokenError("Token is blacklisted")
    return claims


def _refresh_claims(call: Call) -> dict[str, Any]:
    (token,) = texts_of(call, "refresh")
    try:
        return _claims(call, token, "refresh")
    except _InvalidTokenError as error:
        raise unauthorized(CHALLENGE, str(error), code="token_not_valid") from None
