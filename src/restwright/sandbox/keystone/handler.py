"""Between HTTP and the application: one handler for all routes, and one for paths that have none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from http.cookies import Morsel
from typing import Any, cast

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError

from rest_tools.server.refusal import Refusal, standard_phrase
from restwright.sandbox.keystone.answers import Answer, Cookie, page
from restwright.sandbox.keystone.application import Application
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.content import Content, FileContent, from_request
from restwright.sandbox.keystone.routes import Endpoint
from restwright.sandbox.watched import WatchedHandler

__all__ = ["KeystoneHandler", "UnknownHandler"]

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _cookies(request: HTTPServerRequest) -> dict[str, str]:
    found = cast("dict[str, Morsel[str]]", request.cookies)  # pyright: ignore[reportUnknownMemberType]  # Tornado: dict
    return {name: morsel.value for name, morsel in found.items()}


class _Handler(WatchedHandler):
    """Sends answers, errors of Tornado's own among them, as Django would."""

    service: Application

    def initialize(self, *args: Any, service: Application, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self.service = service

    def compute_etag(self) -> None:
        """The service has no entity tags."""

    def send(self, answer: Answer) -> None:
        """Send it."""
        self.set_status(answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        for cookie in answer.cookies:
            self._set_cookie(cookie)
        if answer.status == 204:
            self.clear_header("Content-Type")
        else:
            self.set_header("Content-Type", answer.media_type)
        self.finish(answer.content or None)

    def _set_cookie(self, cookie: Cookie) -> None:
        # By hand: Tornado does not send a Max-Age of 0, with which a cookie is removed.
        value = cookie.value or '""'
        flag = "; HttpOnly" if cookie.http_only else ""
        self.add_header("Set-Cookie", f"{cookie.name}={value}; Max-Age={cookie.max_age}; Path=/; SameSite=Lax{flag}")

    def write_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Answer what went wrong before the application was asked, or in spite of it."""
        error: BaseException | None = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, Refusal):
            self.send(Answer(status_code, {"detail": error.reason}, dict(error.headers)))
        elif isinstance(error, HTTPError) and (error.log_message or "").startswith("Invalid body"):
            self.send(Answer(400, {"detail": f"Multipart form parse error - {error.log_message}"}))
        elif status_code == 405:
            self.send(Answer(405, {"detail": f'Method "{self.request.method}" not allowed.'}))
        else:
            self.send(page(status_code, "Server Error (500)" if status_code == 500 else standard_phrase(status_code)))


class KeystoneHandler(_Handler):
    """Hands a request to the application, whatever its method is."""

    def initialize(self, *args: Any, endpoint: Endpoint, **kwargs: Any) -> None:  # type: ignore[override]  # it needs more
        """Take the arguments of the route."""
        super().initialize(*args, **kwargs)
        self.endpoint = endpoint

    @property
    def endpoint_name(self) -> str:
        """The route."""
        return self.endpoint.route

    async def _perform(self, identifier: str = "") -> None:
        request = self.request
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = headers.get("x-keystone-cid", "")
        call = Call(
            application=self.service,
            method=request.method or "",
            path=request.path,
            query={name: values[-1].decode(errors="replace") for name, values in request.query_arguments.items()},
            read_content=self._content,
            origin=f"{request.protocol}://{request.host}",
            headers=headers,
            cookies=_cookies(request),
            remote_address=request.remote_ip or "",
            cid=sent if _UUID.fullmatch(sent) else str(uuid.uuid4()),
            identifier=identifier,
        )
        self.send(await self.service.perform(self.endpoint, call))

    head = get = post = put = patch = delete = options = _perform

    def _content(self) -> Content:
        request = self.request

        def files() -> Mapping[str, FileContent]:
            return {name: FileContent(found[-1].filename, found[-1].body) for name, found in request.files.items()}

        return from_request(request.headers.get("Content-Type", ""), request.body, request.body_arguments, files)


class UnknownHandler(_Handler):
    """Answers where no route leads to: a redirect if a slash is all that is missing, whatever the method is."""

    @property
    def endpoint_name(self) -> str:
        """None that has a name."""
        return ""

    async def prepare(self) -> None:
        """Answer."""
        await super().prepare()
        path, question_mark, query = (self.request.uri or "").partition("?")
        if not path.endswith("/") and self.service.routes.find(f"{path}/") is not None:
            location = f"{path}/{question_mark}{query}"
            self.send(Answer(301, b"", {"Location": location}, "text/html; charset=utf-8"))
        else:
            self.send(page(404, "Not Found"))
