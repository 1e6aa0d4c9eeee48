"""Answers: what is expected of them, and what a refusal means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import requests

from restwright.errors import DecodeError, api_error
from restwright.message import decode_json

Record: TypeAlias = dict[str, Any]


def raise_if_refused(response: requests.Response, hint: str = "") -> None:
    """Raise the error for a 4xx or 5xx answer.

    Raises:
        ApiError: It is one; its text says what the service says, field by field.
    """
    if response.status_code < 400:
        return
    error = api_error(response)
    for note in (_field_errors(response), hint):
        if note:
            error.message = f"{error.message}: {note}"
    raise error


def is_missing_item(response: requests.Response) -> bool:
    """Is it that the record is not there?  A route that is not there is answered with HTML."""
    return response.status_code == 404 and _is_json(response)


def is_missing_route(response: requests.Response) -> bool:
    """Is it that the service has no such route?"""
    return response.status_code == 404 and not _is_json(response)


def record_of(response: requests.Response) -> Record:
    """The JSON object of an answer.

    Raises:
        DecodeError: It is something else.
    """
    value = json_of(response)
    if not isinstance(value, dict):
        raise unusable(response, f"expected a JSON object, got {type(value).__name__}")
    return cast("Record", value)


def records_of(response: requests.Response, values: Any) -> list[Record]:
    """The records of a list.

    Raises:
        DecodeError: It is no list of objects.
    """
    if not is_list(values) or not all(isinstance(each, dict) for each in values):
        raise unusable(response, "expected a list of JSON objects")
    return cast("list[Record]", values)


def json_of(response: requests.Response) -> Any:
    """The JSON value of an answer.

    Raises:
        DecodeError: It is not JSON.
    """
    try:
        return decode_json(response)
    except requests.exceptions.JSONDecodeError as error:
        raise unusable(response, str(error.args[0] if error.args else error)) from error


def is_list(value: Any) -> bool:
    """Not narrowing: what is in it is not known."""
    return isinstance(value, list)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value, if it is a JSON object; else an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def unusable(response: requests.Response, message: str) -> DecodeError:
    """The error for an answer that is not what was expected."""
    return DecodeError(message, request=response.request, response=response)


def _is_json(response: requests.Response) -> bool:
    return "json" in response.headers.get("Content-Type", "").lower()


def _field_errors(response: requests.Response) -> str:
    """`name: This field is required.`, from the answer to a bad request."""
    if response.status_code != 400 or not _is_json(response):
        return ""
    try:
        value = decode_json(response)
    except ValueError:
        return ""
    members = mapping_of(value)
    if "detail" in members:
        return ""
    parts: list[str] = []
    for name, messages in members.items():
        text = " ".join(map(str, messages if is_list(messages) else [messages]))
        parts.append(text if name == "non_field_errors" else f"{name}: {text}")
    return " ".join("; ".join(parts).split())[:500]
