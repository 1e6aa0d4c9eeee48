"""How a Keystone of the sandbox behaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from restwright.sandbox.keystone.throttle import Rate
from restwright.sandbox.tls import TlsMode

if TYPE_CHECKING:  # it needs an extra
    from restwright.sandbox.certificates import Certificates

__all__ = ["Account", "EraName", "ListStyle", "Settings"]

EraName: TypeAlias = Literal["jwt", "session"]
ListStyle: TypeAlias = Literal["envelope", "headers", "bare"]


@dataclass(frozen=True)
class Account:
    """A name and password to log in with."""

    username: str
    password: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a Keystone of the sandbox behaves.

    Attributes:
        era: `jwt`, a service before 0.4 with signed tokens and bare lists; or `session`, one after it with session
            cookies, CSRF tokens and pages.
        database: URL of SQLAlchemy; in memory unless given. `sqlite:///keystone.db` is a file in the working
            directory, `postgresql://user:password@host/name` a database of PostgreSQL.
        sample: Fill an empty database with a computing centre, rather than with the two accounts alone.
        seed: Of the sample; the same seed makes the same centre, but for dates, which are about today.
        staff: Who may do everything.
        plain: Who owns a team, administers another and is a member of a third, if there is a sample.
        list_style: Of the session era: `envelope` (services from 0.8.0), `headers` (0.7.4 and 0.7.5, one page with
            `X-Total-Count`) or `bare` (before, all records). Lists of the jwt era are always bare.
        version: What the service says it is; a plausible one if empty.
        access_lifetime: Seconds that an access token lives.
        refresh_lifetime: Seconds that a refresh token lives.
        session_age: Seconds that a session lives.
        anonymous_rate: Most requests of an unknown client, such as `120/min`; None does not bound them.
        user_rate: Most requests of a known one.
        trusted_origins: Origins beside its own from which browsers may write.
        clock: Tells the time in seconds since the epoch, for tests.
        tls: How it speaks; the certificate of a client says nothing about who it is.
        tls_names: By which it is reached too, for its certificate.
        certificates: That it shares with others, rather than some of its own.
    """

    era: EraName = "session"
    database: str = "sqlite://"
    sample: bool = True
    seed: int = 0
    staff: Account = Account("admin", "admin-secret")
    plain: Account = Account("user", "user-secret")
    list_style: ListStyle = "envelope"
    version: str = ""
    access_lifetime: float = 300.0
    refresh_lifetime: float = 86400.0
    session_age: float = 1209600.0
    anonymous_rate: str | None = None
    user_rate: str | None = None
    trusted_origins: tuple[str, ...] = ()
    clock: Callable[[], float] = time.time
    tls: TlsMode = "off"
    tls_names: tuple[str, ...] = ()
    certificates: Certificates | None = None

    def __post_init__(self) -> None:
        for name, kinds in (("era", EraName), ("list_style", ListStyle)):
            given = getattr(self, name)
            if given not in get_args(kinds):
                raise ValueError(f"{name} has to be one of {', '.join(get_args(kinds))}, got {given!r}")
        for name in ("access_lifetime", "refresh_lifetime", "session_age"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} has to be more than 0 seconds, got {getattr(self, name)!r}")
        for rate in (self.anonymous_rate, self.user_rate):
            if rate is not None:
                Rate.parse(rate)
