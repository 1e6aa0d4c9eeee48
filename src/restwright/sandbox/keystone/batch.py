"""Batches: several requests in one, one after the other, in one transaction; a later one may use what came before."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from restwright.sandbox.keystone.access import Caller
from restwright.sandbox.keystone.answers import Answer, ApiError, Spaced, Undo, bad_request
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.content import Content, FileContent
from restwright.sandbox.keystone.references import References

__all__ = ["PATH", "batch"]

PATH: Final = "/batch/"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_MOST_PATH: Final = 2048


def batch(call: Call) -> Answer:
    """Do what the job says: all of it, or nothing if a step fails or it is a dry run.

    Raises:
        ApiError: 400, the job is none; 422, a step failed.
        Undo: It was a dry run.
    """
    job = _job(call)
    call.application.database.take_turns(call.session)
    references = References(call.content.files)
    results: list[dict[str, Any]] = []
    for index, action in enumerate(_actions(job), 1):
        path = references.resolved_text(action["path"])
        answer = _step(call, action, path, references)
        body = answer.value
        if answer.status >= 400:
            detail = f"Step {index} ({action['method']} {path}) failed with status {answer.status}."
            raise ApiError(422, {"detail": detail, "step": index, "status": answer.status, "body": body})
        reference = action.get("ref") or ""
        references.keep(reference, body)
        results.append(
            {
                "ref": reference,
                "index": index,
                "method": action["method"],
                "path": path,
                "status": answer.status,
                "body": body,
            }
        )
    answer = Answer(body=Spaced({"results": results}))
    if job.get("dry_run"):
        raise Undo(answer)
    return answer


def _step(call: Call, action: Mapping[str, Any], path: str, references: References) -> Answer:
    found = None if path == PATH else call.application.routes.find(path)
    if found is None:
        return Answer(404, {"detail": "Not found."})
    endpoint, identifier = found
    content = _content(references, action.get("payload"))
    inner = Call(
        application=call.application,
        transaction=call.session,
        method=action["method"],
        path=path,
        query=_query(action.get("query_params") or {}),
        read_content=lambda: content,
        origin=call.origin,
        remote_address=call.remote_address,
        cid=call.cid,
        caller=Caller(call.user.user, call.user.find_roles),  # whose roles an earlier step may have changed
        identifier=identifier,
    )
    return call.application.step(endpoint, inner)


def _query(parameters: dict[str, Any]) -> dict[str, str]:
    return {name: _as_text(value) for name, value in parameters.items()}


def _content(references: References, payload: Any) -> Content:
    """The body of a step: JSON, or multipart if there is a file in it."""
    members: dict[str, Any] = references.resolved(payload or {})
    files = {name: one for name, one in members.items() if isinstance(one, FileContent)}
    if not files:
        return Content(members)
    form = {name: _as_texts(one) for name, one in members.items() if name not in files and one is not None}
    return Content(form=form, files=files)


def _as_texts(value: Any) -> list[str]:
    items: list[Any] = value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
    return [_as_text(item) for item in items]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _job(call: Call) -> Mapping[str, Any]:
    content = call.content
    job: Any = content.data.get("job")
    if job is None:
        raise bad_request({"non_field_errors": ["No data provided"]})
    if content.form is not None:
        try:
            job = json.loads(job)
        except (ValueError, RecursionError) as error:
            raise bad_request({"detail": f"JSON parse error - {error}"}) from None
    if not isinstance(job, Mapping):
        raise bad_request({"non_field_errors": [f"Invalid data. Expected a dictionary, but got {type(job).__name__}."]})
    members: Mapping[str, Any] = job  # pyright: ignore[reportUnknownVariableType]
    return members


def _actions(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The steps, if all of them can be tried.

    Raises:
        ApiError: 400, one cannot.
    """
    if not isinstance(job.get("dry_run", False), bool):
        raise bad_request({"dry_run": ["Must be a valid boolean."]})
    actions: Any = job.get("actions")
    if actions is None:
        raise bad_request({"actions": ["This field is required."]})
    if not isinstance(actions, list):
        kind = type(actions).__name__
        raise bad_request({"actions": {"non_field_errors": [f'Expected a list of items but got type "{kind}".']}})
    steps: list[Any] = actions  # pyright: ignore[reportUnknownVariableType]
    if not steps:
        raise bad_request({"actions": {"non_field_errors": ["This list may not be empty."]}})
    taken: set[str] = set()
    errors = [_faults(step, taken) for step in steps]
    if any(errors):
        raise bad_request({"actions": errors})
    return steps


def _faults(step: Any, taken: set[str]) -> dict[str, list[str]]:
    """What is wrong with a step, by member; `taken` are the references of the steps before."""
    if not isinstance(step, dict):
        return {"non_field_errors": [f"Invalid data. Expected a dictionary, but got {type(step).__name__}."]}
    members: dict[str, Any] = step  # pyright: ignore[reportUnknownVariableType]
    checks = {
        "method": _fault_of_method(members.get("method")),
        "path": _fault_of_path(members.get("path")),
        "ref": _fault_of_reference(members.get("ref"), taken),
        "payload": "" if isinstance(members.get("payload", {}), dict | None) else "Expected a dictionary of items.",
        "query_params": ""
        if isinstance(members.get("query_params", {}), dict | None)
        else "Expected a dictionary of items.",
    }
    return {name: [fault] for name, fault in checks.items() if fault}


def _fault_of_method(method: Any) -> str:
    if method is None:
        return "This field is required."
    return "" if method in _METHODS else f'"{method}" is not a valid choice.'


def _fault_of_path(path: Any) -> str:
    if path is None:
        return "This field is required."
    if not isinstance(path, str):
        return "Not a valid string."
    if len(path) > _MOST_PATH:
        return f"Ensure this field has no more than {_MOST_PATH} characters."
    return "" if path.startswith("/") and path.endswith("/") else "Path must start and end with a slash."


def _fault_of_reference(reference: Any, taken: set[str]) -> str:
    if reference in (None, ""):
        return ""
    if not isinstance(reference, str) or not re.fullmatch(r"\w+", reference, re.ASCII):
        return "A reference has letters, digits and underscores."
    if reference in taken:
        return f'Duplicate reference "{reference}".'
    taken.add(reference)
    return ""
