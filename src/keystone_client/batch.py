"""Several operations in one request and one transaction (`POST batch/`, service 0.10 and later).

    with client.batch() as batch:
        team = batch.create_team(name="new")
        batch.create_membership(team=team["id"], user=1, role="OW")
    team.result()

All of it is done, or nothing.  What a step answers can be used in later ones: `team["id"]` stands for it in fields
and ids, and the service puts in the value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from keystone_client.answers import is_list, is_missing_route, json_of, mapping_of, raise_if_refused, unusable
from keystone_client.forms import RecordForm
from keystone_client.paths import BATCH, Reference
from keystone_client.records import method_named
from keystone_client.resources import KeystoneOperations
from restwright.client import AsyncClient, BatchClient, SyncClient
from restwright.drivers.batch import Outcome, Pending
from restwright.errors import ApiError
from restwright.json_codec import encode
from restwright.message import UNSET, Origin, Request, Response, is_absolute, without_credentials
from restwright.multipart import FilePart, Form
from restwright.plan import Operation

__all__ = ["BatchFailed", "KeystoneBatch", "Step"]

T = TypeVar("T")


class BatchFailed(ApiError):
    """A step was refused, and so nothing was done.

    Attributes:
        step: Which one, counted from 1; 0 if that is not told.
        step_status: What it was answered with.
        body: What it was answered.
    """

    step: int = 0
    step_status: int = 0
    body: Any = None


class Step(Pending[T]):
    """An operation that waits in a batch; `result()` after it was sent, and before, `step["id"]` for later steps."""

    def __init__(self, plan: Operation[T], alias: str) -> None:
        super().__init__(plan)
        self._alias = alias

    def advance(self, outcome: Outcome | None) -> Any:
        """Take an answer; what is asked for next carries the name of this step."""
        asked = super().advance(outcome)
        return asked.but(options={**asked.options, "ref": self._alias}) if isinstance(asked, Request) else asked

    def __getitem__(self, key: str | int) -> StepReference:
        return StepReference(self._alias, str(key))


class StepReference(Reference):
    """What a step will answer, or a part of it; more `[...]` lead deeper, into objects and lists."""

    _alias: str
    _path: str

    def __new__(cls, alias: str, path: str) -> Self:
        self = super().__new__(cls, f"@ref{{{alias}.{path}}}")
        self._alias, self._path = alias, path
        return self

    def __getitem__(self, key: Any) -> StepReference:
        return StepReference(self._alias, f"{self._path}.{key}")


def _refused(name: str) -> Any:
    def refuse(*_: Any, **__: Any) -> Any:
        raise TypeError(f"{name}() cannot wait in a batch: use that of the client")

    return refuse


class KeystoneBatch(BatchClient, KeystoneOperations):
    """Operations wait, and are sent together at the end of the `with` block; if it ends with an error, none is.

    Args:
        client: What sends.
        operations: The plain operations.
        dry_run: Have the service do all of it, answer, and undo it.
    """

    # Who asks is the same for all steps, and what they answer is JSON.
    login: Any = _refused("login")
    logout: Any = _refused("logout")
    download: Any = _refused("download")

    def __init__(self, client: SyncClient | AsyncClient, operations: KeystoneOperations, *, dry_run: bool) -> None:
        super().__init__(client, operations, self._combined)
        self.context = operations.context
        self._dry_run = dry_run
        self._steps = 0

    def queue(self, plan: Operation[T]) -> Step[T]:
        """Let a plan of one's own wait."""
        self._steps += 1
        step = Step(plan, f"s{self._steps}")
        self._batch.add(step)
        return step

    def __getattr__(self, name: str) -> Any:
        if self.context.resources is None and method_named(name) is not None:
            raise AttributeError(f"{name} is not known yet: call resources() of the client before the batch")
        return super().__getattr__(name)

    def _combined(self, requests: Sequence[Request]) -> Operation[Sequence[Outcome]]:
        files: list[FilePart] = []
        actions = [self._action(request, files) for request in requests]
        job = {"dry_run": self._dry_run, "actions": actions}
        if files:
            form = Form([("job", encode(job).decode())], files)
            request = Request("POST", BATCH, content=form, headers={"Content-Type": form.content_type})
        else:
            request = Request("POST", BATCH, json={"job": job})
        response = yield request
        if response.status_code == 422:
            raise _failed(response, requests)
        raise_if_refused(response, "batches came with service 0.10" if is_missing_route(response) else "")
        value = json_of(response)
        results = mapping_of(value).get("results")
        if results is None or not is_list(results) or len(results) != len(requests):
            raise unusable(response, f"this is no answer to a batch of {len(requests)}")
        return [_answer(one, self._root_of(request)) for one, request in zip(results, requests, strict=True)]

    def _root_of(self, request: Request) -> str:
        return f"{self._client.transport.root}{request.url}"

    def _action(self, request: Request, files: list[FilePart]) -> dict[str, Any]:
        if is_absolute(request.url) and Origin.of(request.url) != self.context.origin:
            raise ValueError(f"a batch is for {self.context.origin} only, got {without_credentials(request.url)!r}")
        parts = urlsplit(request.url)
        prefix = urlsplit(self._client.transport.root).path
        path = parts.path.removeprefix(prefix) if parts.scheme else parts.path
        action: dict[str, Any] = {"ref": request.options.get("ref", ""), "method": request.method, "path": path}
        query = {**dict(parse_qsl(parts.query)), **request.params}
        if query:
            action["query_params"] = query
        content = request.content
        if isinstance(content, RecordForm):
            action["payload"] = {**content.fields, **{part.name: _token(part, files) for part in content.parts}}
        elif request.json is not UNSET and request.json is not None:
            action["payload"] = request.json
        return action


def _token(part: FilePart, files: list[FilePart]) -> str:
    """What stands for a file in the job, which the file is put beside."""
    name = f"file{len(files) + 1}"
    files.append(FilePart(name, part.source, part.filename, part.content_type))
    return f"@file{{{name}}}"


def _answer(result: Mapping[str, Any], url: str) -> Response:
    """The answer to one step."""
    status, body = result.get("status"), result.get("body")
    return Response(status if type(status) is int else 200, json=body, url=url)


def _failed(response: Any, requests: Sequence[Request]) -> BatchFailed:
    members = mapping_of(json_of(response))
    number, status = members.get("step"), members.get("status")
    error = BatchFailed("", request=response.request, response=response)
    error.body = members.get("body")
    error.step_status = status if isinstance(status, int) else 0
    if isinstance(number, int) and 0 < number <= len(requests):
        error.step = number
        said = json.dumps(error.body, ensure_ascii=False)[:300]
        asked = requests[number - 1]
        error.message = f"nothing was done, for step {number}, {asked.method} {asked.url}, was answered with "
        error.message += f"{error.step_status}: {said}"
    else:
        error.message = f"nothing was done: {members.get('detail')} {members.get('token') or ''}".rstrip()
    return error
