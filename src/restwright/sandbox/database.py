"""The database: SQLite or PostgreSQL, asked in threads beside the event loop, a transaction for each request.

With SQLite there is one thread, so that requests never meet; another process may use the same file. What a
transaction has committed is on the disk before its request is answered. With PostgreSQL there are several threads.
Requests that get into each other's way there are done again, which the client does not notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Column, Engine, MetaData, String, Table, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import StaticPool

__all__ = ["Database"]

ResultT = TypeVar("ResultT")

_THREADS: Final = 4
_ATTEMPTS: Final = 5
_BUSY: Final = 30.0  # seconds to wait for another process that writes to the same SQLite file


class Database:
    """The tables of one service.

    Args:
        url: Of SQLAlchemy.
        base: Has the tables.
        service: Whose they are; services may share a database.
        variant: Of the service; a database is of one alone.

    Attributes:
        url: Of the database, without a password.
        is_sqlite: Whether it is SQLite.
        secret: Key to sign tokens with, kept in the database so that they outlive a restart.

    Raises:
        ValueError: The URL is none, of another kind of database, or the database has tables of another variant.
        ImportError: The driver for PostgreSQL is not installed.
    """

    def __init__(self, url: str, base: type[DeclarativeBase], service: str, variant: str) -> None:
        self._engine = _engine(url)
        self.url = self._engine.url.render_as_string(hide_password=True)
        self._lock = int.from_bytes(service.encode()[:8])  # a number that is to be no other program's
        self._tables = base.metadata.sorted_tables
        self.is_sqlite = self._engine.dialect.name == "sqlite"
        threads = 1 if self.is_sqlite else _THREADS
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=service)
        try:
            self.secret = self._threads.submit(self._set_up, base, service, variant).result()
        except DBAPIError as error:
            self.close()
            why = str(error.orig).strip().partition("\n")[0]
            raise ValueError(f"the database {self.url} cannot be used: {why}") from error
        except BaseException:
            self.close()
            raise

    async def run(self, work: Callable[[Session], ResultT], *, is_write: bool) -> ResultT:
        """The result of a function in a transaction, see `transact`; the event loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self.transact(work, is_write=is_write)
        )

    def run_now(self, work: Callable[[Session], ResultT]) -> ResultT:
        """The same, waited for."""
        return self._threads.submit(lambda: self.transact(work, is_write=True)).result()

    def transact(self, work: Callable[[Session], ResultT], *, is_write: bool) -> ResultT:
        """The result of a function in a transaction, which is undone if the function raises.

        What fails because of others is done again: a deadlock, or a value that another request has just made its
        own, in which case the second attempt finds it and says so.

        Args:
            work: May be called several times.
            is_write: Whether to take SQLite's lock for writers at once; not to be refused it halfway.
        """
        for attempt in range(_ATTEMPTS):
            try:
                with self._session(is_write=is_write) as session, session.begin():
                    return work(session)
            except IntegrityError:
                if attempt >= 1:
                    raise
            except DBAPIError as error:
                if attempt == _ATTEMPTS - 1 or not _is_collision(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def take_turns(self, session: Session) -> None:
        """Wait until no other transaction has asked for this, and let none until this one ends.

        For those that lock many records, in an order of their own: two that cross each other deadlock, which PostgreSQL
        takes a second to see.
        """
        if not self.is_sqlite:  # where only one writes at a time anyway
            session.execute(select(func.pg_advisory_xact_lock(self._lock)))

    async def clear(self, fill: Callable[[Session], None]) -> None:
        """Empty all tables, and fill them again: all of it, or nothing if that fails."""

        def work(session: Session) -> None:
            if self.is_sqlite:
                for table in reversed(self._tables):
                    session.execute(table.delete())
                session.execute(text("DELETE FROM sqlite_sequence"))  # numbers begin anew
            else:
                names = ", ".join(f'"{table.name}"' for table in self._tables)
                session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            fill(session)

        await self.run(work, is_write=True)

    def close(self) -> None:
        """Finish what was begun, and close all connections."""
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    @contextlib.contextmanager
    def _session(self, *, is_write: bool) -> Generator[Session]:
        with (
            self._engine.connect().execution_options(sandbox_is_write=is_write) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            yield session

    def _set_up(self, base: type[DeclarativeBase], service: str, variant: str) -> str:
        about = Table(
            f"{service}_sandbox",
            MetaData(),
            Column("name", String(20), primary_key=True),
            Column("value", String(100), nullable=False),
        )
        about.metadata.create_all(self._engine)
        with self._engine.begin() as connection:
            known: dict[str, str] = {one.name: one.value for one in connection.execute(select(about))}
            if known.get("variant", variant) != variant:
                raise ValueError(f"the database has a {service} of the variant {known['variant']!r}, not {variant!r}")
            if not known:
                known = {"variant": variant, "secret": secrets.token_hex(32)}
                connection.execute(about.insert(), [{"name": name, "value": value} for name, value in known.items()])
        base.metadata.create_all(self._engine)
        return known["secret"]


def _engine(name: str) -> Engine:
    try:
        url = make_url(name)
    except ArgumentError:
        raise ValueError(
            "a database is named by a URL, sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        ) from None
    if url.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return _postgresql(url.set(drivername="postgresql+psycopg"))
    if url.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise ValueError(f"a database is SQLite or PostgreSQL, got {url.drivername}")
    return _sqlite(url)


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(
            url, pool_size=_THREADS, pool_pre_ping=True, hide_parameters=True, connect_args={"connect_timeout": 10}
        )
    except ImportError as error:
        raise ImportError("to have it in PostgreSQL: pip install 'restwright[sandbox]'") from error


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in {None, "", ":memory:"}
    settings: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    # autocommit: the driver must not begin transactions by itself, we do.
    arguments = {"check_same_thread": False, "isolation_level": None, "timeout": _BUSY}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments, **settings)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if not in_memory:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")  # what was answered survives even a loss of power
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        is_write = connection.get_execution_options().get("sandbox_is_write", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine


def _is_collision(error: DBAPIError) -> bool:
    """Whether the transaction failed because of another one, rather than by itself."""
    # PostgreSQL: serialization_failure, deadlock_detected, or the server restarts.
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state in {"40001", "40P01", "57P01"} or error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
