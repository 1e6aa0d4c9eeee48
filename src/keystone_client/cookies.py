"""The cookies of a session, as one value.

Every request carries the cookies and the CSRF token of the same moment, though others log in meanwhile; and an
answer that was asked for before a log-in does not take away what that has given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import Cookie
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final, cast

import requests

CSRF_COOKIE: Final = "csrftoken"


@dataclass(frozen=True, slots=True)
class SessionCookies:
    """What to send.

    Attributes:
        values: By name.
        header: The value of the field `Cookie`; empty if there are none.
        csrf: What to send as the CSRF token; empty if there is none.
        login: The how manieth log-in it was that began this.
    """

    values: Mapping[str, str]
    header: str
    csrf: str
    login: int

    @classmethod
    def of(cls, values: Mapping[str, str], login: int) -> SessionCookies:
        """From names and values."""
        header = "; ".join(f"{name}={value}" for name, value in values.items())
        return cls(values, header, values.get(CSRF_COOKIE, ""), login)

    @property
    def is_session(self) -> bool:
        """Is there one that may be of a session?"""
        return any(name != CSRF_COOKIE for name in self.values)

    def after(self, response: requests.Response, *, login: int) -> SessionCookies:
        """As the answer has changed them."""
        values = {**self.values, **_set_by(response)}
        return SessionCookies.of({name: value for name, value in values.items() if value}, login)


def cookies_of(jar: Any) -> dict[str, str]:
    """What a jar holds, by name."""
    found: Iterable[Cookie] = cast("Any", list(jar))
    return {cookie.name: cookie.value or "" for cookie in found}


def _set_by(response: requests.Response) -> dict[str, str]:
    """The cookies that an answer sets; empty values for those that it ends."""
    lines: list[str] | None = getattr(response.headers, "set_cookie", None)
    if lines is None:  # not one of our own adapter
        return cookies_of(response.cookies)
    found: dict[str, str] = {}
    for line in lines:
        try:
            morsels = SimpleCookie(line)
        except CookieError:
            continue  # as browsers do
        for name, morsel in morsels.items():
            found[name] = "" if morsel["max-age"] == "0" else morsel.coded_value.strip('"')
    return found
