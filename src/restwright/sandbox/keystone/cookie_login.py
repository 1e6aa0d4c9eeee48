"""The log-in of the second era: a session cookie beside a CSRF cookie; or a key in `Authorization: Token`."""

from __future__ import annotations

import secrets
import string
from typing import Any, Final

from sqlalchemy import delete

from restwright.sandbox.keystone.access import Caller
from restwright.sandbox.keystone.answers import Answer, Cookie, bad_request, unauthorized
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.catalogue.session import CATALOGUE, find_roles
from restwright.sandbox.keystone.credentials import logged_in
from restwright.sandbox.keystone.csrf import check_csrf, new_csrf_cookie
from restwright.sandbox.keystone.representation import represent
from restwright.sandbox.keystone.tables.session import LoginSession, Token, User

__all__ = ["CHALLENGE", "SESSION_COOKIE", "authenticate", "login", "logout", "whoami"]

CHALLENGE: Final = "Token"
SESSION_COOKIE: Final = "sessionid"
_LETTERS: Final = string.ascii_lowercase + string.digits


def authenticate(call: Call) -> Caller | None:
    """The caller by key or cookie; None if neither tells.

    Raises:
        ApiError: 401, the key is worth nothing; 403, a write by cookie without the CSRF token.
    """
    words = call.headers.get("authorization", "").split()
    if words and words[0].lower() == "token":
        return Caller(_user_of_key(call, words[1:]), find_roles)
    key = call.cookies.get(SESSION_COOKIE)
    if not key:
        return None
    session = call.session.get(LoginSession, key)
    if session is None or session.expires <= call.application.settings.clock() or not session.user.is_active:
        call.forget_session = True
        return None
    check_csrf(call, call.application.settings.trusted_origins)
    return Caller(session.user, find_roles)


def login(call: Call) -> Answer:
    """Begin a session. An older one of the same browser ends."""
    user = logged_in(call)
    if user is None:
        raise bad_request({"non_field_errors": ["Unable to log in with provided credentials."]})
    _end_session(call)
    age = call.application.settings.session_age
    key = "".join(secrets.choice(_LETTERS) for _ in range(32))
    call.session.add(LoginSession(key=key, expires=call.application.settings.clock() + age, user_id=user.id))
    call.session.flush()
    call.forget_session = False
    cookies = [new_csrf_cookie(), Cookie(SESSION_COOKIE, key, int(age), http_only=True)]
    return Answer(body=_shown(call, user), cookies=cookies)


def logout(call: Call) -> Answer:
    """End the session. The CSRF cookie stays."""
    _end_session(call)
    call.forget_session = True
    return Answer()


def whoami(call: Call) -> Answer:
    """The caller's own record."""
    return Answer(body=_shown(call, call.user.user))


def _shown(call: Call, user: User) -> dict[str, Any]:
    return represent(call, CATALOGUE.by_model[User], [user])[0]


def _end_session(call: Call) -> None:
    key = call.cookies.get(SESSION_COOKIE)
    if key:
        call.session.execute(delete(LoginSession).where(LoginSession.key == key))


def _user_of_key(call: Call, words: list[str]) -> User:
    if not words:
        raise unauthorized(CHALLENGE, "Invalid token header. No credentials provided.")
    if len(words) > 1:
        raise unauthorized(CHALLENGE, "Invalid token header. Token string should not contain spaces.")
    token = call.session.get(Token, words[0])
    if token is None:
        raise unauthorized(CHALLENGE, "Invalid token.")
    if not token.user.is_active:
        raise unauthorized(CHALLENGE, "User inactive or deleted.")
    return token.user
