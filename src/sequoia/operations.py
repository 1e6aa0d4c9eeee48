"""Operations on the resources of a service, and on its endpoints that are no resources."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import quote, urlencode

from restwright.message import EMPTY, Request
from restwright.operation import Operations, operation
from restwright.plan import Operation
from sequoia.descriptors import Descriptors
from sequoia.error import HttpError, NotMatchingVersion, ReferencesMismatchException
from sequoia.http import Executor
from sequoia.registry import RegisteredService
from sequoia.response import HttpResponse
from sequoia.util import decoded, unwrap, wrapped

_CONFLICT = ("Precondition Failed", "document cannot be changed - versions do not match")


class Located(Protocol):
    """A service of which it can be found out where it is."""

    @property
    def location(self) -> str:
        """Where it is."""
        ...

    def located(self) -> Operation[RegisteredService]:
        """What the registry says about it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """What an endpoint is: a resource of a service."""

    http: Executor
    service: Located
    resource: str
    descriptors: Descriptors | None = None
    """Where descriptors come from; None if no models are built."""


class ResourceOperations(Operations):
    """Operations on one resource of a service."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @operation
    def read(
        self,
        owner: str | None,
        ref: str,
        retry_when_empty_result: Any = None,
        backoff_strategy: Mapping[str, Any] | None = None,
    ) -> Operation[HttpResponse]:
        """One resource.

        Args:
            owner: Whose it is.
            ref: Its reference, `owner:name`.
            retry_when_empty_result: Ask again as long as it is not there: True, or a dict of resource names.
            backoff_strategy: How the request is repeated, in place of the client's strategy.

        Raises:
            HttpError: 404, there is no such resource.
        """
        place, path = self._place, f"/{_segment('ref', ref)}"
        call = place.http.call(place.resource, backoff_strategy, retry_when_empty_result)
        return (yield from place.http.ask((yield from self._request("GET", path, owner)), call))

    @operation
    def store(self, owner: str | None, json_object: Any) -> Operation[HttpResponse]:
        """Create one or more resources.

        Args:
            owner: Whose they will be.
            json_object: A list, a dict, or JSON text, with or without the key of the resource around it.

        Raises:
            ValueError: The text is not JSON.
            HttpError: 400 or 409, the service does not take it.
        """
        place = self._place
        body = wrapped(json_object, place.resource)
        request = yield from self._request("POST", "/", owner)
        return (yield from place.http.ask(request.but(json=body), place.http.call(place.resource, reads=False)))

    @operation
    def update(self, owner: str | None, json_string: Any, ref: str, version: Any) -> Operation[HttpResponse]:
        """Replace a resource, if nobody has changed it since.

        Args:
            owner: Whose it is.
            json_string: The new document: a list with it, a dict, or JSON text.
            ref: Its reference.
            version: The version that is replaced.

        Raises:
            ReferencesMismatchException: The document is another resource's, or does not say whose it is.
            NotMatchingVersion: The resource has another version by now.
            TypeError: There is no version.
        """
        if version is None or version == "":
            raise TypeError("update needs the version that it replaces, got none")
        place, path = self._place, f"/{_segment('ref', ref)}"
        several = _documents(decoded(json_string), place.resource)
        check_reference(several[0] if several else None, ref)
        request = yield from self._request("PUT", path, owner)
        request = request.but(json=wrapped(several, place.resource), headers={"If-Match": f'"{version}"'})
        try:
            return (yield from place.http.ask(request, place.http.call(place.resource, reads=False)))
        except HttpError as error:
            message: Any = error.message
            if error.status_code == 412 and isinstance(message, Mapping):
                said = cast("Mapping[str, Any]", message)
                if (said.get("error"), said.get("message")) == _CONFLICT:
                    raise NotMatchingVersion("Document cannot be updated. Version does not match.", error) from error
            raise

    @operation
    def delete(self, owner: str | None, ref: str | Iterable[str]) -> Operation[HttpResponse]:
        """Remove a resource, or several.

        Raises:
            HttpError: 404, there is no such resource.
        """
        refs = list(ref) if isinstance(ref, Iterable) and not isinstance(ref, str) else [ref]  # pyright: ignore[reportUnnecessaryIsInstance]
        if not refs:
            raise ValueError("delete needs at least one reference, got none")
        place, path = self._place, "/" + ",".join(_segment("ref", each) for each in refs)
        request = yield from self._request("DELETE", path, owner)
        return (yield from place.http.ask(request, place.http.call(place.resource, reads=False)))

    def _request(self, method: str, path: str, owner: str | None) -> Operation[Request]:
        place = self._place
        service = yield from place.service.located()
        params = EMPTY if owner is None else {"owner": str(owner)}
        return Request(method, f"{service.location}/data/{place.resource}{path}", params)


class BusinessOperations(Operations):
    """Operations on a path below a service, given as a template with `$service`, `$owner`, `$ref` and `$params`."""

    def __init__(self, http: Executor, service: Located, path_template: str) -> None:
        if not isinstance(path_template, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not all are typed
            raise TypeError(f"path_template is a text such as '/$service/$ref', got {path_template!r}")
        self._http = http
        self._service = service
        self._path_template = path_template

    @operation
    def store(
        self, service: str, owner: str | None, content: Any, ref: str | None, params: Mapping[str, Any] | None = None
    ) -> Operation[HttpResponse]:
        """Post a document: text as it is, anything else as JSON.

        Args:
            service: For `$service`.
            owner: For `$owner`.
            content: The document.
            ref: For `$ref`.
            params: For `$params`: a query.
        """
        path = self._path({"service": service, "owner": owner, "ref": ref}, f"?{urlencode(params)}" if params else "")
        body: Any = content.encode() if isinstance(content, str) else content
        is_content = body is None or isinstance(body, bytes)
        place = yield from self._service.located()
        request = Request("POST", place.location + path)
        request = request.but(content=body) if is_content else request.but(json=body)
        return (yield from self._http.ask(request, self._http.call(reads=False)))

    @operation
    def browse(self, /, service: str, **kwargs: Any) -> Operation[HttpResponse]:
        """Get what is there.

        Args:
            service: For `$service`.
            kwargs: For the other names in the template.
        """
        names = {"service": service, **kwargs}
        params = names.pop("params", None)
        if isinstance(params, Mapping):
            params = f"?{urlencode(cast('Mapping[str, Any]', params))}"
        place = yield from self._service.located()
        request = Request("GET", place.location + self._path(names, params or ""))
        return (yield from self._http.ask(request, self._http.call()))

    def _path(self, names: Mapping[str, Any], params: str) -> str:
        given = {name: quote(str(value), safe=_KEPT) for name, value in names.items() if value is not None}
        path = string.Template(self._path_template).safe_substitute(given, params=params)
        return path if path.startswith("/") else f"/{path}"


_KEPT = "/:,;@!$&'()*+=~"


def check_reference(document: Any, ref: str) -> None:
    """Is the document that of the reference?

    Raises:
        ReferencesMismatchException: It is not, or lacks `ref`, `owner` or `name`.
    """
    if not isinstance(document, Mapping):
        raise ReferencesMismatchException(f"There is no document to update {ref!r} with: {document!r:.80}")
    missing = [name for name in ("ref", "owner", "name") if name not in document]
    if missing:
        raise ReferencesMismatchException(f"The document to update {ref!r} with has no {', '.join(missing)}")
    said = cast("Mapping[str, Any]", document)
    for own in (said["ref"], f"{said['owner']}:{said['name']}"):
        if own != ref:
            raise ReferencesMismatchException(
                f"Reference to update {ref} does not match with the resource reference {own}."
            )


def _documents(value: Any, resource: str) -> list[Any]:
    """The documents in what an update is given: a list of them or one, with or without the key around it."""
    found: object = unwrap(value, resource)
    return found if isinstance(found, list) else [found]  # pyright: ignore[reportUnknownVariableType]  # of anything


def _segment(name: str, value: Any) -> str:
    """A segment of a path; an empty one would lead to all resources."""
    if not isinstance(value, str) or not value.strip() or value in (".", ".."):
        raise ValueError(f"{name} is a text such as 'owner:name', got {value!r}")
    return quote(value, safe=":,")
