"""All resources of all services, without their sockets: from a query or a body to what is answered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeVar

from sqlalchemy.orm import Session

from restwright.sandbox.database import Database
from restwright.sandbox.sequoia import writing
from restwright.sandbox.sequoia.continuing import Tokens
from restwright.sandbox.sequoia.inclusion import Bounds
from restwright.sandbox.sequoia.intake import Draft, documents_of, draft, drafts
from restwright.sandbox.sequoia.kinds import Kind, ResourceService
from restwright.sandbox.sequoia.query import Query
from restwright.sandbox.sequoia.reading import Document, Reader
from restwright.sandbox.sequoia.refusals import bad_request, version_conflict
from restwright.sandbox.sequoia.tables import Base
from restwright.sandbox.sequoia.visibility import Visibility

__all__ = ["Catalogue", "Collected"]

ResultT = TypeVar("ResultT")
Documents = Iterable[Mapping[str, Any]]


class Catalogue:
    """What there is.

    Args:
        database: URL, see `restwright.sandbox.database.Database`.
        bounds: Of what is included.

    Attributes:
        database: Where it is.
        visibility: Of what is stored.
    """

    def __init__(self, database: str, bounds: Bounds) -> None:
        self.database = Database(database, Base, "sequoia", "1")
        self.visibility = Visibility()
        self._tokens = Tokens(self.database.secret)
        self._bounds = bounds

    def collected(self, service: ResourceService, kind: Kind) -> Collected:
        """The resources of a kind."""
        return Collected(self, Reader(service, kind, self._tokens, self._bounds))


@dataclass(frozen=True)
class Collected:
    """The resources of a kind.

    Attributes:
        catalogue: That they are part of.
        reader: Of them.
    """

    catalogue: Catalogue
    reader: Reader

    async def read(self, query: Query, refs: Sequence[str]) -> dict[str, Any]:
        """The resources of these references.

        Raises:
            Refusal: 404.
        """
        return await self._look(lambda session, hidden: self.reader.read(session, query, refs, hidden))

    async def browse(self, query: Query) -> dict[str, Any]:
        """A page.

        Raises:
            Refusal: 400.
        """
        return await self._look(lambda session, hidden: self.reader.browse(session, query, hidden))

    async def store(self, owner: str, body: bytes) -> dict[str, Any]:
        """Store new resources; what they are then.

        Raises:
            Refusal: 400 or 409.
        """
        new = drafts(documents_of(self.reader.kind, body), owner)
        await self._change(lambda session: self._create(session, owner, new))
        return {self.reader.kind.key: [one.document for one in new]}

    async def update(self, owner: str, ref: str, if_match: str, body: bytes) -> dict[str, Any]:
        """Put a document in the place of a resource; what it is then.

        Raises:
            Refusal: 400, 404 or 412.
        """
        given = documents_of(self.reader.kind, body)
        if len(given) != 1:
            raise bad_request(f"the body must have one resource, got {len(given)}")
        versions = [one.strip().removeprefix('"').removesuffix('"') for one in if_match.split(",")]

        def work(session: Session) -> Draft:
            number, version, before = writing.find(session, self.reader.name, owner, ref)
            new = draft(given[0], owner, where="the body", ref=ref, before=before)
            if version not in versions and versions != ["*"]:
                raise version_conflict()
            writing.replace(session, self.reader.name, owner, number, new)
            return new

        return {self.reader.kind.key: [(await self._change(work)).document]}

    async def delete(self, owner: str, refs: Sequence[str]) -> None:
        """Delete resources.

        Raises:
            Refusal: 404.
        """
        await self._change(lambda session: writing.remove(session, self.reader.name, owner, dict.fromkeys(refs)))

    def load(self, documents: Documents, owner: str) -> int:
        """Store many, at once, in any thread; how many they were.

        Raises:
            Refusal: 400 or 409.
        """
        several = list(documents)  # an attempt may be repeated

        def work(session: Session) -> int:
            total = self.fill(session, several, owner)
            writing.analyze(session)
            return total

        return self.catalogue.database.run_now(self._alone(work))

    def fill(self, session: Session, documents: Documents, owner: str) -> int:
        """The same inside of a transaction.

        Args:
            session: The transaction.
            documents: The resources.
            owner: Of those that do not name their own.

        Raises:
            Refusal: 400 or 409.
        """

        def whose(document: Mapping[str, Any]) -> str:
            return str(document.get("owner", owner))

        total = 0
        for name, group in groupby(documents, whose):
            new = drafts(group, name)
            self._create(session, name, new)
            total += len(new)
        return total

    def _create(self, session: Session, owner: str, new: Sequence[Draft]) -> None:
        self.catalogue.visibility.stored(writing.create(session, self.reader.name, owner, new))

    async def _look(self, work: Callable[[Session, Collection[int]], Document]) -> dict[str, Any]:
        database, visibility = self.catalogue.database, self.catalogue.visibility
        hidden = visibility.hidden
        if hidden:  # see what would be shown if nothing were
            would = await database.run(lambda session: work(session, _NOTHING), is_write=False)
            visibility.looked_for(would.shown & hidden)
        document = await database.run(lambda session: work(session, hidden), is_write=False)
        return document.content

    async def _change(self, work: Callable[[Session], ResultT]) -> ResultT:
        return await self.catalogue.database.run(self._alone(work), is_write=True)

    def _alone(self, work: Callable[[Session], ResultT]) -> Callable[[Session], ResultT]:
        """One change after the other, so that resources get their numbers in the order in which they appear."""

        def alone(session: Session) -> ResultT:
            self.catalogue.database.take_turns(session)
            return work(session)

        return alone


_NOTHING: Final[frozenset[int]] = frozenset()
