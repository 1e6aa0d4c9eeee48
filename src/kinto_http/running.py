"""Plans run over a session: ours, or any object of somebody else's that has such a `request`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import requests

from kinto_http.answers import HandedOver, status_error
from kinto_http.exceptions import KintoException, kinto_error
from kinto_http.session import Session
from restwright.drivers import AsyncPages, Pages, run, run_async
from restwright.message import UNSET, Request, is_absolute
from restwright.multipart import Multipart
from restwright.plan import Listing, Operation, exchange, under
from restwright.policies import redirect, retry
from restwright.transport import Transport

T = TypeVar("T")
ItemT = TypeVar("ItemT")

_REQUEST: Final = Session.request
_LISTS: Final = ("/buckets", "/groups", "/collections", "/records", "/history")
NETWORK_ATTEMPTS: Final = 2
"""How often a client sends a request whose answer does not come."""


def is_own(session: Any) -> bool:
    """Is it ours, and has nobody put a `request` of their own in it, or in what is beneath?"""
    return (
        isinstance(session, Session)
        and type(session).request is _REQUEST
        and "request" not in vars(session)
        and not session.has_stand_in
    )


def drive(session: Any, plan: Operation[T]) -> T:
    """Run a plan over a session: ours, or any object that has such a `request`."""
    if is_own(session):
        own: Session = session
        return run(own.transport.send, under(own.policy(NETWORK_ATTEMPTS), plan))
    return run(hand_over(session), under(_foreign_policy, plan))


def drive_async(session: Any, plan: Operation[T]) -> Coroutine[Any, Any, T]:
    """The same, awaited; the `request` of an object of somebody else's is called in a thread."""
    if is_own(session):
        own: Session = session
        return run_async(own.transport.send_async, under(own.policy(NETWORK_ATTEMPTS), plan))
    return run_async(hand_over_async(session), under(_foreign_policy, plan))


def pages_over(session: Any, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
    """The items of a listing, over a session."""
    if is_own(session):
        own: Session = session

        def send(request: Request) -> requests.Response:
            return own.transport.send(request)  # a setting may change meanwhile

        return Pages(send, lambda: under(own.policy(NETWORK_ATTEMPTS), start()))
    return Pages(hand_over(session), lambda: under(_foreign_policy, start()))


def async_pages_over(session: Any, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
    """The items of a listing, over a session, awaited."""
    if is_own(session):
        own: Session = session

        def send(request: Request) -> Coroutine[Any, Any, requests.Response]:
            return own.transport.send_async(request)

        return AsyncPages(send, lambda: under(own.policy(NETWORK_ATTEMPTS), start()))
    return AsyncPages(hand_over_async(session), lambda: under(_foreign_policy, start()))


_foreign_retry: Final = retry(1, network_attempts=NETWORK_ATTEMPTS)


def _foreign_policy(request: Request) -> Operation[requests.Response]:
    attempts = 0

    def counted(request: Request) -> Operation[requests.Response]:
        nonlocal attempts
        attempts += 1
        return exchange(request)

    try:
        return (yield from _foreign_retry(request, counted))
    except KintoException as error:
        error.attempts = max(attempts, error.attempts)
        raise
    except requests.RequestException as error:
        told = kinto_error(error)
        told.attempts = attempts
        raise told from error


def hand_over(session: Any) -> Callable[[Request], requests.Response]:
    """Sends by calling `session.request` as `Session.request` is called."""

    def send(request: Request) -> requests.Response:
        if request.sink is not None:
            return _fetch_file(request)
        if isinstance(request.content, Multipart):
            return _hand_over_file(session, request, request.content)
        arguments: dict[str, Any] = dict(request.options)
        params = dict(getattr(request.params, "given", request.params))
        if params or (request.method == "GET" and request.url != "/"):
            arguments["params"] = params
        if request.headers or request.method in ("PUT", "PATCH", "DELETE"):
            arguments["headers"] = dict(request.headers) or None
        elif request.method == "GET" and (is_absolute(request.url) or request.url.endswith(_LISTS)):
            arguments["headers"] = {}
        if request.method == "PUT":
            arguments |= {name: request.json.get(name) for name in ("data", "permissions")}
        elif request.json is not UNSET:
            arguments["payload"] = request.json
        body, headers = session.request(request.method.lower(), request.url, **arguments)
        return HandedOver(body, headers)

    return send


def _hand_over_file(session: Any, request: Request, content: Multipart) -> requests.Response:
    with content.path.open("rb") as file:
        files = [(content.name, (content.filename, file, content.file_type))]
        fields = {name: content.fields.get(name) for name in ("data", "permissions")}
        body, headers = session.request(request.method.lower(), request.url, files=files, **fields)
    return HandedOver(body, headers)


def _fetch_file(request: Request) -> requests.Response:
    """A download is no matter of the session: it goes out as it is, with nobody's credentials."""
    with requests.Session() as http:
        response = run(Transport(http, request.url).send, redirect()(request, exchange))
    if not 200 <= response.status_code < 300:
        raise status_error(response, is_download=True)
    return response


def hand_over_async(session: Any) -> Callable[[Request], Coroutine[Any, Any, requests.Response]]:
    """The same in a worker thread."""
    import asyncio  # a blocking client needs none

    send = hand_over(session)

    def send_async(request: Request) -> Coroutine[Any, Any, requests.Response]:
        return asyncio.to_thread(send, request)

    return send_async
