"""What an operation returns."""

from __future__ import annotations

import keyword
import logging
from collections import namedtuple
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Final, TypeAlias, cast

import requests

from restwright.message import decode_json
from sequoia.error import RequestError
from sequoia.util import dash_case_to_camel_case, unwrap

ModelBuilder: TypeAlias = Callable[[Any, str], Any]
_NAMES: Final = ("data", "full_json", "json", "model", "raw", "resource_name", "resources", "status", "to_object")


class HttpResponse:
    """The answer of a service.

    Attributes:
        raw: The `requests.Response`; each of its attributes is also here, with an underscore before it.
        resource_name: The resource that was asked for, None if none was.
        full_json: The whole document; None if there is no content, or none that should be JSON.
        json: What the document has under the resource's key, or the document itself.
        model: What the model builder made of it; None without one.
    """

    logger = logging.getLogger("sequoia.http")

    def __init__(
        self, response: requests.Response, resource_name: str | None = None, model_builder: ModelBuilder | None = None
    ) -> None:
        self.raw = response
        self.resource_name = resource_name
        self.full_json: Any = _document(response, resource_name)
        self.json: Any = unwrap(self.full_json, resource_name)
        self.model: Any = None
        if model_builder is not None and resource_name is not None:
            self.model = model_builder(self.full_json, resource_name)

    @property
    def data(self) -> Any:
        """The whole document."""
        return self.full_json

    @property
    def resources(self) -> Any:
        """The resources that were asked for, as a rule a list; None if no resource was."""
        return None if self.resource_name is None else self.json

    @property
    def status(self) -> int:
        """The status code."""
        return self.raw.status_code

    def to_object(self) -> Any:
        """The resources as named tuples, whose members are attributes; names that Python does not take are changed."""
        if self.resource_name is None:
            return _as_object(self.json, "resource")
        return _as_object(self.json, dash_case_to_camel_case(self.resource_name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and not name.startswith("__") and "raw" in vars(self):
            return getattr(self.raw, name[1:])
        near = get_close_matches(name, _NAMES, 1)
        hint = f": did you mean {near[0]!r}?" if near else f", only {', '.join(_NAMES)}"
        raise AttributeError(f"a {type(self).__name__} has no attribute {name!r}{hint}", name=name, obj=None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} {self.resource_name or ''}".rstrip() + ">"


def _document(response: requests.Response, resource_name: str | None) -> Any:
    if not response.content:
        return None
    try:
        return decode_json(response)
    except ValueError as error:
        # Endpoints that are no resources may answer with what they like.
        if resource_name is None and "json" not in response.headers.get("Content-Type", "").lower():
            return None
        raise RequestError(str(error), error) from error


def _as_object(value: object, name: str) -> Any:
    if isinstance(value, list):
        return [_as_object(item, name) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    members = {_attribute(key): _as_object(item, key) for key, item in cast("dict[str, Any]", value).items()}
    make: Any = namedtuple  # noqa: PYI024  # of members that are known at run time only
    kind = make(_attribute(name), members, rename=True)
    return kind(*members.values())


def _attribute(name: str) -> str:
    """A name that an attribute can have, as close as can be."""
    text = "".join(char if char.isalnum() or char == "_" else "_" for char in dash_case_to_camel_case(name)).lstrip("_")
    if not text or text[0].isdigit():
        text = f"n{text}"
    return f"{text}_" if keyword.iskeyword(text) else text
