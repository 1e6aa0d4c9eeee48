"""Protection against requests that another site has a browser send (CSRF), as Django has it.

Whoever is known by a cookie shows with each write that they can read another cookie, which a foreign site cannot.
"""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from restwright.sandbox.keystone.answers import Cookie, forbidden
from restwright.sandbox.keystone.call import Call

__all__ = ["check_csrf", "new_csrf_cookie"]

_COOKIE: Final = "csrftoken"
_LENGTH: Final = 32
_AGE: Final = 31449600  # a year of 52 weeks
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def new_csrf_cookie() -> Cookie:
    """A token that nobody has seen yet; scripts of the page may read it."""
    letters = string.ascii_letters + string.digits
    return Cookie(_COOKIE, "".join(secrets.choice(letters) for _ in range(_LENGTH)), _AGE)


def check_csrf(call: Call, trusted: Collection[str]) -> None:
    """Let safe methods pass, and those that come from us.

    Args:
        call: The request.
        trusted: Other origins that count as ours.

    Raises:
        ApiError: 403, with what is missing.
    """
    if call.method in _SAFE:
        return
    reason = _source(call, {call.origin, *trusted}) or _token(call)
    if reason:
        raise forbidden(f"CSRF Failed: {reason}")


def _source(call: Call, ours: Collection[str]) -> str:
    """What is wrong with where the request comes from; empty if nothing is."""
    origin = call.headers.get("origin")
    if origin is not None:
        return "" if origin in ours else f"Origin checking failed - {origin} does not match any trusted origins."
    if not call.origin.startswith("https:"):
        return ""
    # Over HTTPS the referer counts, for cookies can be set over plain HTTP by whoever sits on the line.
    referer = call.headers.get("referer")
    if referer is None:
        return "Referer checking failed - no Referer."
    source = urlsplit(referer)
    if not source.scheme or not source.netloc:
        return "Referer checking failed - Referer is malformed."
    if source.scheme != "https":
        return "Referer checking failed - Referer is insecure while host is secure."
    is_ours = f"{source.scheme}://{source.netloc}" in ours
    return "" if is_ours else f"Referer checking failed - {referer} does not match any trusted origins."


def _token(call: Call) -> str:
    """What is wrong with the token; empty if nothing is."""
    cookie = call.cookies.get(_COOKIE)
    if cookie is None:
        return "CSRF cookie not set."
    token = call.headers.get("x-csrftoken")
    if token is None:
        return "CSRF token missing."
    if len(token) != _LENGTH:
        return "CSRF token from the 'X-Csrftoken' HTTP header has incorrect length."
    if not hmac.compare_digest(token.encode(), cookie.encode()):
        return "CSRF token from the 'X-Csrftoken' HTTP header incorrect."
    return ""
