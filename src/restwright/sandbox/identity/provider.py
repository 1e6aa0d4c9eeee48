"""The provider itself: all that its endpoints share.  It does no I/O, and belongs to one thread."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Unpack

from restwright.sandbox.faults import Fault
from restwright.sandbox.identity.attempts import Attempts
from restwright.sandbox.identity.behaviour import Behaviour
from restwright.sandbox.identity.clients import Client
from restwright.sandbox.identity.keys import KeyRing
from restwright.sandbox.identity.settings import Adjustable, Settings
from restwright.sandbox.identity.store import Store
from restwright.sandbox.identity.users import User
from restwright.sandbox.journal import Journal

__all__ = ["Provider"]


class Provider:
    """An OpenID provider.

    Attributes:
        issuer: Its name, which is also where its endpoints are; without a slash at the end.
        settings: How it works.
        users: By name.
        clients: By id.
        keys: That it signs with.
        store: What it remembers.
        behaviour: How it misbehaves.
        journal: What it was asked.
        code_attempts: Wrong user codes.
        password_attempts: Wrong passwords, by user name.
    """

    def __init__(self, issuer: str, settings: Settings, users: Iterable[User], clients: Iterable[Client]) -> None:
        self.issuer = issuer
        self.keys = KeyRing(settings.algorithm)
        self._at_first = settings, tuple(users), tuple(clients)
        self.reset()

    def reset(self) -> None:
        """Forget all but the keys: be as at first, and behave well."""
        self.settings, users, clients = self._at_first
        if self.keys.current.algorithm != self.settings.algorithm:
            self.rotate_keys()
        self.users = {user.name: user for user in users}
        self.clients = {client.id: client for client in clients}
        self.store = Store()
        self.behaviour = Behaviour()
        self.journal = Journal()
        self.code_attempts = Attempts(10, within=60.0)
        self.password_attempts = Attempts(10, within=60.0)

    def adjust(self, **settings: Unpack[Adjustable]) -> None:
        """Change settings; what was given out already stays as it is.

        Raises:
            TypeError: There is no such setting.
            ValueError: It cannot be that.
        """
        known = [field.name for field in fields(Settings)]
        for name in settings:
            if name not in known:
                raise TypeError(f"there is no setting {name!r}, but {', '.join(known)}")
        adjusted = replace(self.settings, **settings)
        if adjusted.algorithm != self.settings.algorithm:
            self.keys.rotate(adjusted.algorithm, withdraw=False)
        self.settings = adjusted

    def rotate_keys(self, *, withdraw: bool = False) -> None:
        """Sign with a new key; with `withdraw`, publish the old ones no longer."""
        self.keys.rotate(self.settings.algorithm, withdraw=withdraw)

    def fault_for(self, endpoint: str) -> Fault | None:
        """What is to become of a request, None if it is to be answered."""
        return self.behaviour.fault_for(endpoint)

    def now(self) -> float:
        """Seconds since the epoch, by the provider's clock."""
        return time.time() + self.behaviour.lies.get("clock_skew", 0.0)
