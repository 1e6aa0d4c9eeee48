"""Many requests in one (https://docs.kinto-storage.org/en/stable/api/1.x/batch.html).

A `BatchSession` queues operations and sends them in rounds: each operation's first request, then what
follows from the answers, such as the reading of an object that a creation found there.  A round goes out in
chunks of as many requests as the server takes.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from kinto_http.answers import HandedOver, body_of, is_list, mapping_of, refused
from kinto_http.batch_dicts import RequestDict, ResponseDict, WrapDict
from kinto_http.exceptions import KintoBatchException, KintoException
from kinto_http.running import drive, drive_async
from kinto_http.session import Session
from restwright.drivers.batch import Batch, Outcome, Pending
from restwright.message import UNSET, Request, is_absolute, join, without_credentials
from restwright.operation import AsyncMode
from restwright.plan import Operation

__all__ = ["BatchSession", "Queued", "RequestDict", "ResponseDict", "WrapDict"]

logger = logging.getLogger(__name__)

T = TypeVar("T")
_VERSION: Final = re.compile(r"^/v[0-9]+(?=/)")


class Queued(Pending[T], defaultdict[str, Any]):
    """An operation that waits in a batch: `result()` or `error` tell its outcome after the batch was sent.

    Until then it reads as an empty dict of empty dicts; in an `async with` block it may be awaited.
    """

    def __init__(self, plan: Operation[T], batch: BatchSession) -> None:
        super().__init__(plan)
        self.default_factory = dict
        self._batch = batch
        self._last: Any = None
        self._answers = 0

    def advance(self, outcome: Outcome | None) -> Any:
        """Take an answer, and note its body."""
        if isinstance(outcome, HandedOver):
            self._last = outcome.body
            self._answers += 1
        elif isinstance(outcome, KintoException) and isinstance(outcome.response, ResponseDict):
            self._last = outcome.response.get("body")
            self._answers += 1
        return super().advance(outcome)

    @property
    def body(self) -> Any:
        """What the server answered; None if nothing."""
        if self.is_done and self.error is None:
            value: Any = self.result()
            if self._answers > 1 and is_list(value):
                return {"data": value}  # the pages of a list, put together
            if mapping_of(self._last).keys() >= {"code", "errno"}:
                return value  # a refusal that the operation has made good
        return self._last

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
        # As for a method with a body: in a batch each request has one.
        request = Session.build("PUT", endpoint, data, permissions, payload, {"headers": headers, **kwargs})
        request = request.but(method=method.upper(), json=request.json or UNSET)
        queued = self.add(_answer_to(request))
        return queued, defaultdict(dict)

    def add(self, plan: Operation[T]) -> Queued[T]:
        """Queue an operation.

        Raises:
            KintoException: It cannot wait in a batch, as one that transfers files.
        """
        queued = Queued(plan, self)
        self._batch.add(queued)
        if not queued.is_done and _is_transfer(self._batch.waiting[-1][1]):
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
        return [item.body for item in self._items if item.is_done]

    @property
    def _is_full(self) -> bool:
        return self.send_full and 0 < self.batch_max_requests <= len(self._batch.waiting)

    def _sending_full(self) -> Operation[None]:
        if self._is_full:
            yield from self._batch.rounds(self._combined)
            self._raise_failure()

    def _sending(self) -> Operation[list[tuple[Any, Any]]]:
        if self.batch_max_requests <= 0 and not self._items:
            yield from self._post([])
        yield from self._batch.rounds(self._combined)
        self._raise_failure()
        failed = self._failed()
        self._reported = len(self._items)
        if failed and not self._ignore_4xx_errors:
            raise KintoBatchException(failed, self._sent)
        return self._sent

    def _failed(self) -> list[Exception]:
        """The errors of single operations that nobody was told of yet."""
        return [item.error for item in self._items[self._reported :] if item.error is not None]

    def _raise_failure(self) -> None:
        error = self._failure
        if error is not None:
            if isinstance(error, KintoException):
                error.exceptions = [each for each in self._failed() if each is not error]
                error.results = self._sent
            raise error

    def _combined(self, requests: Sequence[Request]) -> Operation[Sequence[Outcome]]:
        """The answers to the requests of one round; those after a failure of the server are not sent."""
        outcomes: list[Outcome] = []
        for chunk in self._chunks(requests):
            if self._failure is None:
                try:
                    outcomes += yield from (_singly(chunk[0]) if self._is_alone(chunk[0]) else self._post(chunk))
                except Exception as error:  # noqa: BLE001 - it is raised when all is recorded
                    self._failure = error
        if self._failure is not None:
            outcomes += [self._failure] * (len(requests) - len(outcomes))
        return outcomes

    def _chunks(self, requests: Sequence[Request]) -> list[list[Request]]:
        chunks: list[list[Request]] = []
        for request in requests:
            last = chunks[-1] if chunks else None
            if (
                last is None
                or self._is_alone(request)
                or self._is_alone(last[0])
                or len(last) == self.batch_max_requests
            ):
                chunks.append([request])
            else:
                last.append(request)
        return chunks

    def _is_alone(self, request: Request) -> bool:
        """Does the batch endpoint not take it?"""
        return (
            isinstance(request.json, list)  # as a JSON patch is
            # The service takes a merge patch for a basic one,
            or request.header("Content-Type") not in (None, "application/json")
            # refuses a path with /batch in it, were it a collection's id,
            or "/batch" in request.url
            # and fails as a whole over an answer without content: not modified, or an attachment removed.
            or (request.method == "GET" and request.header("If-None-Match") is not None)
            or request.url.endswith("/attachment")
            or bool(request.options)
            or is_absolute(self._path(request))
        )

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
        answers: Any = mapping_of(body).get("responses")
        if not answers and type(response) is HandedOver:  # dry mode, or a session of somebody else's
            return [HandedOver({}, {}) for _ in items]
        if not is_list(answers) or not all(map(_is_answer, answers)):
            raise refused(response, "this is no answer to a batch")
        if len(answers) != len(items):
            raise refused(response, f"{len(answers)} answers to the {len(items)} requests of a batch")
        attempts: int = vars(response).get("attempts", 1)
        return [
            self._outcome(number, RequestDict(item), ResponseDict(answer), attempts)
            for number, (item, answer) in enumerate(zip(items, answers, strict=True))
        ]

    def _path(self, request: Request) -> str:
        """Without the server's prefix; a URL if it leads elsewhere."""
        path = request.url
        given = getattr(self.session, "server_url", None)
        if not isinstance(given, str):  # a session of somebody else's does not tell
            return _VERSION.sub("", path)
        root = without_credentials(given).rstrip("/")
        if root and path.startswith(f"{root}/"):
            return path[len(root) :]
        prefix = urlsplit(root).path
        return path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path

    def _item(self, request: Request) -> dict[str, Any]:
        item: dict[str, Any] = {
            "method": request.method,
            "path": join("", self._path(request), request.params),
            "body": {} if request.json is UNSET else request.json,
        }
        if request.headers:
            item["headers"] = dict(request.headers)
        return item

    def _outcome(self, number: int, request: RequestDict, response: ResponseDict, attempts: int) -> Outcome:
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
        error.request, error.response, error.attempts = request, response, attempts
        if status >= 500 and self._failure is None:
            self._failure = error
        return error


def _answer_to(request: Request) -> Operation[Any]:
    return body_of((yield request))


def _singly(request: Request) -> Operation[list[Outcome]]:
    """A request that is sent by itself, in its turn."""
    try:
        response = yield request
    except KintoException as error:
        if getattr(error.response, "status_code", 500) >= 500:
            raise
        return [error]
    return [SubResponse(ResponseDict(status=response.status_code, body=body_of(response), headers=response.headers))]


def _is_transfer(step: Any) -> bool:
    return not isinstance(step, Request) or step.sink is not None or step.content is not None


def _is_answer(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(mapping_of(item).get("status"), int)
