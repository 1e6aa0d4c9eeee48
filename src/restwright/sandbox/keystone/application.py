"""A Keystone without its sockets: from a request to an answer, inside of a transaction."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session

from restwright.sandbox.database import Database
from restwright.sandbox.keystone.access import Caller, Who
from restwright.sandbox.keystone.answers import (
    Answer,
    Cookie,
    ServiceError,
    Undo,
    forbidden,
    method_not_allowed,
    unauthorized,
)
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.request_log import RequestLog
from restwright.sandbox.keystone.resource import Catalogue
from restwright.sandbox.keystone.routes import Endpoint, Routes
from restwright.sandbox.keystone.settings import EraName, ListStyle, Settings
from restwright.sandbox.keystone.throttle import Throttle

__all__ = ["Application", "Era"]

_log = logging.getLogger("restwright.sandbox.keystone")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, kw_only=True)
class Era:
    """In what the services differ.

    Attributes:
        name: As in the settings.
        version: Unless the settings have one.
        base: Has the tables.
        user: Table of users.
        request_log: Table of exchanges.
        audit_log: Table of changes, if they are kept.
        catalogue: The resources.
        authenticate: Tells who asks.
        challenge: How to become known, for `WWW-Authenticate`.
        routes: Makes all routes.
        is_paged: Whether lists can be searched, ordered and paged.
        has_negations: Whether filters such as `not_in` are known.
        session_cookie: Cookie to have removed where it is worth nothing.
    """

    name: EraName
    version: str
    base: type[DeclarativeBase]
    user: type[Any]
    request_log: type[Any]
    audit_log: type[Any] | None
    catalogue: Catalogue
    authenticate: Callable[[Call], Caller | None]
    challenge: str
    routes: Callable[[Settings], Routes]
    is_paged: bool
    has_negations: bool
    session_cookie: str = ""


class Application:
    """What all requests of a service have in common.

    Attributes:
        era: In what it differs from the other.
        settings: As given.
        database: Of its records.
        catalogue: Of its resources.
        routes: Of all paths.
        list_style: Of its lists.
        secret: Key of its tokens.
        version: What it says it is.
    """

    def __init__(self, era: Era, settings: Settings, database: Database) -> None:
        self.era = era
        self.settings = settings
        self.database = database
        self.catalogue = era.catalogue
        self.list_style: ListStyle = settings.list_style if era.is_paged else "bare"
        self.secret = database.secret
        self.version = settings.version or era.version
        self.routes = era.routes(settings)
        self._log = RequestLog()
        self._rates = (settings.anonymous_rate, settings.user_rate)
        self._anonymous, self._known = (Throttle(rate, settings.clock) for rate in self._rates)
        self._at_work = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    async def perform(self, endpoint: Endpoint, call: Call) -> Answer:
        """The answer to a request; what it has changed is on the disk then, or undone if the answer is an error."""
        self._at_work += 1
        self._is_idle.clear()
        try:
            return await self._perform(endpoint, call)
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._is_idle.set()

    async def settle(self, within: float) -> None:
        """Wait until nothing is at work, or for so many seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._is_idle.wait(), within)

    def step(self, endpoint: Endpoint, call: Call) -> Answer:
        """The answer to a request inside of a batch, whose caller is known."""
        try:
            self._check_permission(endpoint, call)
            return self._view(endpoint, call)
        except Undo as undo:
            return undo.answer

    async def reset(self, fill: Callable[[Session], None]) -> None:
        """Forget everything, and have the database filled anew."""
        self._log.take()
        self._anonymous, self._known = (Throttle(rate, self.settings.clock) for rate in self._rates)
        await self.database.clear(fill)

    def close(self) -> None:
        """Write the rest of the log, and close the database."""
        entries = self._log.take()
        try:
            self.database.run_now(lambda session: self._write_log(session, entries))
        except SQLAlchemyError:
            _log.warning("%d entries of the request log are lost", len(entries), exc_info=True)
        self.database.close()

    async def _perform(self, endpoint: Endpoint, call: Call) -> Answer:
        is_write = call.method not in _SAFE or endpoint.reads_log
        entries = self._log.take() if is_write else []
        try:
            answer = await self.database.run(
                lambda session: self._work(endpoint, call, session, entries), is_write=is_write
            )
        except Undo as undo:
            self._log.put_back(entries)
            answer = undo.answer
        except SQLAlchemyError:
            self._log.put_back(entries)
            _log.warning("%s %s failed", call.method, call.path, exc_info=True)
            answer = ServiceError().answer
        self._log.add(call, answer.status)
        return self._finished(endpoint, call, answer)

    def _work(self, endpoint: Endpoint, call: Call, session: Session, entries: list[dict[str, Any]]) -> Answer:
        self._write_log(session, entries)
        attempt = replace(call, transaction=session)
        try:
            return self._answer(endpoint, attempt)
        finally:
            call.caller, call.forget_session = attempt.caller, attempt.forget_session
            call.is_counted = attempt.is_counted

    def _write_log(self, session: Session, entries: list[dict[str, Any]]) -> None:
        if entries:
            session.execute(insert(self.era.request_log), entries)

    def _answer(self, endpoint: Endpoint, call: Call) -> Answer:
        if not endpoint.ignores_credentials:
            call.caller = self.era.authenticate(call)
        if call.caller is None and not endpoint.is_public:
            raise unauthorized(self.era.challenge)
        self._check_permission(endpoint, call)
        self._count(call)
        return self._view(endpoint, call)

    def _count(self, call: Call) -> None:
        """Refuse what is too much."""
        if call.is_counted:
            return
        if call.caller is None:
            self._anonymous.check(call.remote_address)
        else:
            self._known.check(str(call.caller.id))
        call.is_counted = True

    def _check_permission(self, endpoint: Endpoint, call: Call) -> None:
        """Refuse at once what does not depend on a record."""
        is_staff = call.caller is not None and call.caller.is_staff
        if not is_staff and endpoint.allowed(call.method) in {Who.STAFF, Who.NOBODY}:
            raise forbidden()

    def _view(self, endpoint: Endpoint, call: Call) -> Answer:
        view = endpoint.view(call.method)
        if view is None:
            raise method_not_allowed(call.method)
        return view(call)

    def _finished(self, endpoint: Endpoint, call: Call, answer: Answer) -> Answer:
        """The answer with what all answers have."""
        answer.headers.setdefault("Allow", ", ".join(endpoint.methods))
        if self.era.session_cookie and call.forget_session:
            answer.cookies.append(Cookie(self.era.session_cookie, "", 0, http_only=True))
        return answer
