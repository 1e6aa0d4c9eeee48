"""Follow redirects of safe requests (RFC 9110, 15.4); refuse them for writes, whose content would go who knows where.

Writes are followed only if the client asks for it, and their content stays within the origin even then.

Credentials stay behind when a redirect leads to another origin: the transport sees to that for the client's own,
and this policy for those of the request.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit

import requests

from restwright.errors import SECRET_FIELDS, TooManyRedirects, UnusableAnswer, about, one_line
from restwright.message import EMPTY, SAFE, UNSET, Origin, Request, is_absolute, without_credentials
from restwright.plan import Operation, Policy, exchange
from restwright.policies.layer import Layer

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SECRET_OPTIONS: Final = ("auth", "cert", "cookies")  # of `requests.Session.request`


def redirect(*, most: int = 10, writes: bool = False) -> Layer:
    """Follow at most so many redirects in a row; the answers on the way are the last one's `history`.

    Args:
        most: Redirects in a row.
        writes: Follow also those of requests that are not safe, as `requests` and browsers do: after 303 and 302, and
            a POST after 301, with a GET; after 307 and 308 with the same request, within the origin only.
    """
    if most < 0:
        raise ValueError(f"most must be 0 or more, got {most!r}")

    def layer(request: Request, inner: Policy = exchange, /) -> Operation[requests.Response]:
        response = yield from inner(request)
        if response.status_code not in REDIRECTS:
            return response
        history: list[requests.Response] = []
        asked = request
        while response.status_code in REDIRECTS and "Location" in response.headers:
            target = _target(asked, response)
            if asked.method not in SAFE and not (writes and _may_follow(asked, target, response)):
                raise _refused(UnusableAnswer, f"a {asked.method} is not redirected to {_shown(target)}", response)
            if len(history) == most:
                raise _refused(TooManyRedirects, f"more than {most} redirects, the last to {_shown(target)}", response)
            history.append(response)
            if not _is_same_origin(target, response):
                asked = _without_credentials(asked)
            asked = asked.but(url=target, params=EMPTY)
            if _becomes_get(asked.method, response.status_code):
                asked = asked.but(method="GET", json=UNSET, content=None)
            response = yield from inner(asked)
        response.history = history
        return response

    return layer


def _target(asked: Request, response: requests.Response) -> str:
    """Where the answer points to: an http or https URL, or a path."""
    try:
        target = urljoin(response.url or asked.url, response.headers["Location"])
        if urlsplit(target).scheme:
            Origin.of(target)
        target.encode()
    except ValueError as error:
        raise _refused(UnusableAnswer, f"a redirect that leads nowhere: {one_line(str(error))}", response) from error
    return target


def _becomes_get(method: str, status: int) -> bool:
    # RFC 9110, 15.4.2 to 15.4.4, and what all clients do after a 302.
    return method not in SAFE and (status in (302, 303) or (status == 301 and method == "POST"))


def _may_follow(asked: Request, target: str, response: requests.Response) -> bool:
    """May a write go there?  With its content only within the origin."""
    return _becomes_get(asked.method, response.status_code) or _is_same_origin(target, response)


def _is_same_origin(target: str, response: requests.Response) -> bool:
    if not is_absolute(target):
        return True
    try:
        return bool(response.url) and Origin.of(target) == Origin.of(response.url)
    except requests.exceptions.MissingSchema:  # of the answer, which came by a scheme that only an adapter knows
        return False


def _without_credentials(asked: Request) -> Request:
    """The request as another origin may have it."""
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in SECRET_FIELDS}
    options = {name: value for name, value in asked.options.items() if name not in _SECRET_OPTIONS}
    return asked.but(headers=headers, options=options or EMPTY)


def _refused(kind: type[UnusableAnswer], message: str, response: requests.Response) -> UnusableAnswer:
    error = kind(f"{response.status_code}: {message}", request=response.request, response=response)
    about(error, response)
    return error


def _shown(url: str) -> str:
    return without_credentials(url)[:200]
