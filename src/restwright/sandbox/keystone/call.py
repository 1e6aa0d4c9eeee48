"""One request, as the views have it: no sockets, no event loop. The steps of a batch are such requests, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy.orm import Session

from restwright.sandbox.keystone.access import Caller
from restwright.sandbox.keystone.answers import Answer
from restwright.sandbox.keystone.content import Content

if TYPE_CHECKING:
    from restwright.sandbox.keystone.application import Application

__all__ = ["Call", "View"]


@dataclass(kw_only=True)
class Call:
    """A request at work.

    Attributes:
        application: What the service has in common for all requests.
        method: In capitals.
        path: Without the query.
        query: Last value by name.
        read_content: Reads the body; only those views ask for it that have one.
        origin: Scheme, host and port, as the client has them.
        headers: Of the request, by names in small letters.
        cookies: Values by name.
        remote_address: Of the client.
        cid: Correlation id.
        caller: Who asks; None for the unknown.
        identifier: The last part of the path, where the route has one.
        forget_session: Whether the client has a session cookie that is worth nothing.
        is_counted: Whether it counts for its client's rate already: an attempt that is repeated counts once.
        transaction: Of the attempt to answer; committed if the answer is no error.
    """

    application: Application
    method: str
    path: str
    query: Mapping[str, str]
    read_content: Callable[[], Content]
    origin: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cookies: Mapping[str, str] = field(default_factory=dict[str, str])
    remote_address: str = ""
    cid: str = ""
    caller: Caller | None = None
    identifier: str = ""
    forget_session: bool = False
    is_counted: bool = False
    transaction: Session | None = None

    @property
    def session(self) -> Session:
        """The transaction at work."""
        assert self.transaction is not None
        return self.transaction

    @cached_property
    def content(self) -> Content:
        """The body.

        Raises:
            ApiError: 400 or 415.
        """
        return self.read_content()

    @property
    def user(self) -> Caller:
        """The caller, who is known where a route is not public."""
        assert self.caller is not None
        return self.caller

    def url(self, path: str) -> str:
        """The absolute URL of a path."""
        return self.origin + path


View: TypeAlias = Callable[[Call], Answer]
"""Answers a request."""
