"""Names in URLs and in JSON, and the envelope that resources travel in."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from restwright.json_codec import decode, iso

first_cap_re: Final = re.compile("(.)([A-Z][a-z]+)")
all_cap_re: Final = re.compile("([a-z0-9])([A-Z])")
_DASH: Final = re.compile("(?<=.)-([a-zA-Z])")


def merge_dicts(*dicts: Mapping[str, Any] | None) -> dict[str, Any]:
    """All members in one dict; the later ones win."""
    merged: dict[str, Any] = {}
    for each in dicts:
        merged.update(each or {})
    return merged


@functools.lru_cache(1024)
def dash_case_to_camel_case(resource_name: str) -> str:
    """The name of a resource as it is in JSON.

    >>> dash_case_to_camel_case("content-segments")
    'contentSegments'
    """
    return _DASH.sub(lambda match: match[1].upper(), resource_name)


def camel_case_to_dash_ase(resource_name: str) -> str:
    """The name of a resource as it is in a URL.

    >>> camel_case_to_dash_ase("contentSegments")
    'content-segments'
    """
    return all_cap_re.sub(r"\1-\2", first_cap_re.sub(r"\1-\2", resource_name)).lower()


def wrapped(given: Any, resource_name: str | None) -> Any:
    """The value under the key of its resource, unless it is already.

    Raises:
        TypeError: There is nothing.
        ValueError: It is text, and not JSON.
    """
    if given is None:
        raise TypeError("a document is a list, a dict or JSON text, got None")
    value: object = decoded(given)
    if resource_name is None:
        return value
    key = dash_case_to_camel_case(resource_name)
    if isinstance(value, Mapping) and key in cast("Mapping[str, Any]", value):
        return cast("Mapping[str, Any]", value)
    return {key: cast("Any", value)}


def decoded(value: Any) -> Any:
    """What JSON text says; anything else as it is.

    Raises:
        ValueError: It is text, and not JSON.
    """
    if isinstance(value, str):
        return decode(value.encode())
    return decode(value) if isinstance(value, bytes) else value


def wrap(json_str: Any, resource_name: str | None) -> str:
    """JSON text of a value, under the key of its resource unless it is already.

    >>> wrap('[{"name": "c1"}]', "contents")
    '{"contents": [{"name": "c1"}]}'
    """
    return json.dumps(wrapped(json_str, resource_name), default=iso, allow_nan=False)


def unwrap(json_object: Any, resource_name: str | None) -> Any:
    """What is under the key of the resource; the object itself if it has no such key.

    >>> unwrap({"contents": [{"name": "c1"}]}, "contents")
    [{'name': 'c1'}]
    """
    if resource_name is None or not isinstance(json_object, Mapping):
        return json_object
    members = cast("Mapping[str, Any]", json_object)
    keys = (dash_case_to_camel_case(resource_name), resource_name)
    return member(members, resource_name) if any(key in members for key in keys) else members


def member(members: Mapping[str, Any], resource_name: str) -> Any:
    """What is under the name of a resource, be it written in camel case or with dashes; None if nothing is."""
    found = members.get(dash_case_to_camel_case(resource_name))
    return members.get(resource_name) if found is None else found
