"""Many requests in one (https://docs.kinto-storage.org/en/stable/api/1.x/batch.html).

A `BatchSession` queues operations and sends them in rounds: each operation's first request, then what
follows from the answers, such as the reading of an object that a creation found there.  A round goes out in
chunks of as many requests as the server takes.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from kinto_http.batch_dicts import RequestDict, ResponseDict, WrapDict
from kinto_http.exceptions import KintoBatchException, KintoException
from kinto_http.operations import mapping_of
from kinto_http.session import HandedOver, Session, body_of, drive, drive_async
from restwright.drivers.batch import Batch, Outcome, Pending
from restwright.message import UNSET, Request, is_absolute, join
from restwright.operation import AsyncMode
from restwright.plan import Operation

__all__ = ["BatchSession", "Queued", "RequestDict", "ResponseDict", "WrapDict"]

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Queued(Pending[T], defaultdict[str, Any]):
    """An operation that waits in a batch: `result()` or `error` tell its outcome after the batch was sent.

    Until then it reads as an empty dict of empty dicts; in an `async with` block it may be awaited.
    """

    def __init__(self, plan: Operation[T], batch: BatchSession) -> None:
        super().__init__(plan)
        self.default_factory = dict
        self._batch = batch
        self._answers: list[Any] = []

    def advance(self, outcome: Outcome | None) -> Any:
        if isinstance(outcome, SubResponse):
            self._answers.append(outcome.body)
        elif isinstance(outcome, KintoException) and isinstance(outcome.response, ResponseDict):
            self._answers.append(outcome.response.body)
        return super().advance(outcome)

    @property
    def body(self) -> Any:
        """What the server answered; None if nothing."""
        if self.is_done and self.error is None:
            value: Any = self.result()
            if len(self._answers) > 1 and isinstance(value, list):
                return {"data": value}  # the pages of a list, put together
            if self._failed_last:
                return value  # a refusal that the operation has made good
        return self._answers[-1] if self._answers else None

    @property
    def _failed_last(self) -> bool:
        last = self._answers[-1] if self._answers else None
        return mapping_of(last).keys() >= {"code", "errno"}

    def __await__(self) -> Any:
        """Send what fills whole requests; then, itself."""
        yield from self._batch.send_full_async().__await__()
        return self

    def __repr__(self) -> str:
        return Pending[T].__repr__(self)


class SubResponse(HandedOver):
    """The answer to one request of a batch."""

    def __init__(self, item: ResponseDict) -> None:
        super().__init__(item.get("body"), item.get("headers") or {}, item.status_code)


class BatchSession:
    """A queue of requests that looks like a session.

    Args:
        client: Whose session sends the batch.
        batch_max_requests: How many requests the server takes at once; 0: any number.
        ignore_4xx_errors: Drop the errors of requests that the server refuses.
    """

    def __init__(
        self, client: Any, batch_max_requests: int = 0, ignore_4xx_errors: bool = False, *, send_full: bool = False
    ) -> None:
        self.session = client.session
        self.endpoints = client.endpoints
        self.batch_max_requests = batch_max_requests
        self.send_full = send_full
        """Send as soon as there are as many as the server takes, instead of at the end."""
        self._is_async = isinstance(client, AsyncMode)
        self._ignore_4xx_errors = ignore_4xx_errors
        self._batch = Batch()
        self._items: list[Queued[Any]] = []
        self._reported = 0
        self._sent: list[tuple[Any, Any]] = []
        self._failure: Exception | None = None

    @property
    def requests(self) -> list[tuple[str, str, Any, Any]]:
        """What waits to be sent: (method, endpoint, payload, headers)."""
        return [
            (step.method, step.url, {} if step.json is UNSET else step.json, dict(step.headers) or None)
            for _, step in self._batch.waiting
            if isinstance(step, Request)
        ]

    def request(
        self,
        method: str,
        endpoint: str,
        data: Any = None,
        permissions: Any = None,
        payload: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> tuple[defaultdict[str, Any], defaultdict[str, Any]]:
        """Queue a request; what is returned is empty."""
        request = Session.build(method, endpoint, data, permissions, payload, {"headers": headers, **kwargs})
        queued = self.add(_answer_to(request))
        return queued, defaultdict(dict)

    def add(self, plan: Operation[T]) -> Queued[T]:
        """Queue an operation.

        Raises:
            KintoException: It cannot wait in a batch, as one that transfers files.
        """
        queued = Queued(plan, self)
        self._batch.add(queued)
        if not queued.is_done and not isinstance(self._batch.waiting[-1][1], Request):
            self._batch.waiting.pop()
            plan.close()
            raise KintoException("Attachments cannot be sent in a batch: add or fetch them with the client itself")
        self._items.append(queued)
        if self._is_full and not self._is_async:
            drive(self.session, self._sending_full())
        return queued

    def reset(self) -> None:
        """Empty the queue."""
        self._batch.waiting.clear()
        self._items = [item for item in self._items if item.is_done]

    def send(self) -> Any:
        """Send what waits: `(body, headers)` of each request to the server.  To be awaited if the client's calls are.

        Raises:
            KintoBatchException: Some requests were refused (4xx).
            KintoException: The server failed (5xx); what came after was not sent.
        """
        plan = self._sending()
        return drive_async(self.session, plan) if self._is_async else drive(self.session, plan)

    def send_full_async(self) -> Coroutine[Any, Any, None]:
        """Send what waits if it fills a request."""
        return drive_async(self.session, self._sending_full())

    def results(self) -> list[Any]:
        """The bodies of the answers, in the order of the requests."""
        return [item.body for item in self._items]

    @property
    def _is_full(self) -> bool:
        return self.send_full and 0 < self.batch_max_requests <= len(self._batch.waiting)

    def _sending_full(self) -> Operation[None]:
        if self._is_full:
            yield from self._batch.rounds(self._combined)
            if self._failure is not None:
                raise self._failure

    def _sending(self) -> Operation[list[tuple[Any, Any]]]:
        if self.batch_max_requests <= 0 and not self._items:
            yield from self._post([])
        yield from self._batch.rounds(self._combined)
        if self._failure is not None:
            raise self._failure
        news, self._reported = self._items[self._reported :], len(self._items)
        failed = [item.error for item in news if item.error is not None]
        if failed and not self._ignore_4xx_errors:
            raise KintoBatchException(failed, self._sent)
        return self._sent

    def _combined(self, requests: Sequence[Request]) -> Operation[Sequence[Outcome]]:
        """The answers to the requests of one round; those after a failure of the server are not sent."""
        outcomes: list[Outcome] = []
        for chunk in self._chunks(requests):
            if self._failure is None:
                try:
                    outcomes += yield from (self._post(chunk) if _can_be_batched(chunk[0]) else _singly(chunk[0]))
                except Exception as error:  # noqa: BLE001 - it is raised when all is recorded
                    self._failure = error
            if self._failure is not None:
                outcomes += [self._failure] * (len(requests[: len(outcomes) + len(chunk)]) - len(outcomes))
        return outcomes

    def _chunks(self, requests: Sequence[Request]) -> list[list[Request]]:
        chunks: list[list[Request]] = []
        for request in requests:
            alone = not _can_be_batched(request)
            last = chunks[-1] if chunks else None
            is_open = last is not None and _can_be_batched(last[0]) and len(last) != self.batch_max_requests
            if last is None or alone or not is_open:
                chunks.append([request])
            else:
                last.append(request)
        return chunks

    def _post(self, chunk: Sequence[Request]) -> Operation[list[Outcome]]:
        items = [self._item(request) for request in chunk]
        response = yield Request(
            "POST",
            self.endpoints.get("batch"),
            json={"requests": items},
            repeatable=all(request.may_repeat for request in chunk),
        )
        body = body_of(response)
        self._sent.append((body, response.headers))
        answers: list[Any] = mapping_of(body).get("responses", [])
        if len(answers) != len(items):
            if answers or type(response) is not HandedOver:
                if getattr(self.session, "dry_mode", False):
                    return [SubResponse(ResponseDict(status=200, body={}, headers={})) for _ in items]
                raise KintoException(f"The server answered {len(answers)} of {len(items)} requests of a batch")
            return [SubResponse(ResponseDict(status=200, body={}, headers={})) for _ in items]
        outcomes: list[Outcome] = []
        for number, (item, answer) in enumerate(zip(items, answers, strict=True)):
            outcomes.append(self._outcome(number, RequestDict(item), ResponseDict(answer)))
        return outcomes

    def _item(self, request: Request) -> dict[str, Any]:
        path = request.url
        root = (getattr(self.session, "server_url", None) or "").rstrip("/")
        if is_absolute(path) and root and path.startswith(f"{root}/"):
            path = path[len(root) :]
        prefix = urlsplit(root).path if isinstance(root, str) else ""
        if prefix and path.startswith(f"{prefix}/"):
            path = path[len(prefix) :]
        item: dict[str, Any] = {
            "method": request.method,
            "path": join("", path, request.params),
            "body": {} if request.json is UNSET else request.json,
        }
        if request.headers:
            item["headers"] = dict(request.headers)
        return item

    def _outcome(self, number: int, request: RequestDict, response: ResponseDict) -> Outcome:
        status = response.status_code
        body: Any = response.get("body")
        message = mapping_of(body).get("message", "")
        level = logging.ERROR if status >= 400 else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(level, "Batch #%d: %s %s - %s %s", number, request.method, request.path, status, message)
            logger.debug("\nRequest: %s\nResponse: %s\n", request, response)
        if 200 <= status < 400:
            return SubResponse(response)
        error = KintoException(f"{status} - {body}")
        error.request, error.response = request, response
        if status >= 500 and self._failure is None:
            self._failure = error
        return error


def _answer_to(request: Request) -> Operation[Any]:
    return body_of((yield request))


def _singly(request: Request) -> Operation[list[Outcome]]:
    """A request that the batch endpoint does not take: sent by itself, in its turn."""
    try:
        response = yield request
    except KintoException as error:
        if getattr(error.response, "status_code", 500) >= 500:
            raise
        return [error]
    return [SubResponse(ResponseDict(status=response.status_code, body=body_of(response), headers=response.headers))]


def _can_be_batched(request: Request) -> bool:
    # The service takes no body that is a list (JSON patch), and no path with /batch in it, were it a collection's id.
    return not (isinstance(request.json, list) or "/batch" in request.url or request.options or request.content)
