"""Lists of records, whatever way this release of the service has of handing them out.

Bare lists have all records (before 0.7.4), or one page with `X-Total-Count` beside it; later ones are pages
with a `next`.  Records are asked for by a settled order and handed out once each, though others change them meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import requests

from keystone_client.answers import (
    Record,
    is_missing_route,
    json_of,
    mapping_of,
    raise_if_refused,
    records_of,
    unusable,
)
from keystone_client.context import Context
from keystone_client.filters import Filters, check_names, filters, negated
from keystone_client.paths import EARLIER_ROUTES
from restwright.criteria import UnsupportedCriteria
from restwright.errors import UnusableAnswer
from restwright.message import Origin, Request, is_absolute, without_credentials
from restwright.plan import Listing, Page

PAGE_SIZE: Final = 1000
"""Records that a page has at most, the largest number that the service grants."""


def query_of(
    context: Context, resource: str, given: Filters | None, search: str | None, order: str | Iterable[str] | None
) -> dict[str, str]:
    """The query parameters of a list.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: The service has no such filter, or would ignore it.
    """
    params = filters(given)
    for name, value in (("_search", search), ("_order", order)):
        if value is not None:
            if name in params:
                raise ValueError(f"{name} stands among the filters too")
            params[name] = _words(name[1:], value)
    if context.login.era == "jwt":
        ignored = negated(params) or next((name for name in ("_search", "_order") if name in params), "")
        if ignored:
            raise UnsupportedCriteria(f"this service, one before 0.4, would ignore {ignored!r}")
    known = (context.resources or {}).get(resource)
    check_names(params, known.filters if known is not None else (), resource)
    # In an order that leaves two records in the same place, pages may overlap.
    keys = [key for key in params.get("_order", "").split(",") if key]
    params["_order"] = ",".join(keys if {"id", "-id"} & {*keys} else [*keys, "id"])
    return params


def _words(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name == "order" and isinstance(value, Iterable) and not isinstance(value, Mapping):
        fields: list[Any] = [*value]
        if all(isinstance(each, str) for each in fields):
            return ",".join(fields)
    wanted = "a text" if name == "search" else "the name of a field, or a list of them"
    raise TypeError(f"{name} must be {wanted}, got {value!r}")


def pages_of(context: Context, route: str, params: Mapping[str, str], options: Mapping[str, Any]) -> Listing[Record]:
    """The pages of a list.

    Raises:
        ApiError: The service refuses.
        UnusableAnswer: An answer is no list, or leads to another origin.
    """
    most, offset = _number(params, "_limit", None), _number(params, "_offset", 0) or 0
    size = PAGE_SIZE if most is None else min(most, PAGE_SIZE)
    request: Request | None = Request("GET", route, {**params, "_limit": str(size)}, options=options)
    seen: set[int | str] = set()
    asked: set[str] = set()
    while request is not None:
        response = yield request
        if is_missing_route(response) and route in EARLIER_ROUTES:
            response = yield (request := request.but(url=EARLIER_ROUTES[route]))
            if not is_missing_route(response):
                context.renamed[route] = request.url
        raise_if_refused(response, f"this service has no {route}" if is_missing_route(response) else "")
        value = json_of(response)
        is_page = isinstance(value, dict)
        records = records_of(response, mapping_of(value).get("results") if is_page else value)
        if is_page:
            request = _next_page(context, mapping_of(value).get("next") if records else None, asked, response, options)
        elif "X-Total-Count" in response.headers:
            offset += len(records)
            more = records and offset < _total(response)
            request = request.but(params={**request.params, "_offset": str(offset)}) if more else None
        else:
            request, records = None, records[offset:]
        fresh = [each for each in records if _is_new(each.get("id"), seen)]
        if most is not None:
            fresh, most = fresh[:most], most - len(fresh)
            request = request if most > 0 else None
        yield Page(fresh, request is not None, response.headers)


def _next_page(
    context: Context, link: Any, asked: set[str], response: requests.Response, options: Mapping[str, Any]
) -> Request | None:
    if not link:
        return None
    url = _same_origin(context.origin, link, response)
    if url in asked:
        raise unusable(response, "its pages lead in a circle")
    asked.add(url)
    return Request("GET", url, options=options)


def _is_new(key: Any, seen: set[int | str]) -> bool:
    """Has no record with this id come yet?  Those without one are all new."""
    if not isinstance(key, (int, str)):
        return True
    if key in seen:
        return False
    seen.add(key)
    return True


def _number(params: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = params.get(name)
    if text is None:
        return default
    if not text.isdecimal() or (name == "_limit" and int(text) < 1):
        raise ValueError(f"{name} must be a number of records, got {text!r}")
    return int(text)


def _total(response: requests.Response) -> int:
    text = response.headers["X-Total-Count"]
    if not text.isdecimal():
        raise unusable(response, f"X-Total-Count is no number: {text[:40]!r}")
    return int(text)


def _same_origin(origin: Origin, url: Any, response: requests.Response) -> str:
    """The URL of the next page, if it is one of the service."""
    if not isinstance(url, str):
        raise unusable(response, f"the next page has no URL, but {url!r}")
    if is_absolute(url) and Origin.of(url) != origin:
        shown = without_credentials(url)[:200]
        raise UnusableAnswer(
            f"the next page is at another origin, {shown}; this client is for {origin}",
            request=response.request,
            response=response,
        )
    return url
