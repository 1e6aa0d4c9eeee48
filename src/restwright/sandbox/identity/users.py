"""The people who can log in."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["SAMPLE_USERS", "SCOPE_CLAIMS", "User"]

SCOPE_CLAIMS: Final[Mapping[str, frozenset[str]]] = {
    "profile": frozenset(
        [
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ]
    ),
    "email": frozenset(["email", "email_verified"]),
    "address": frozenset(["address"]),
    "phone": frozenset(["phone_number", "phone_number_verified"]),
}
"""Which claims a scope gives (OpenID Connect Core, 5.4); all others need none."""
_SCOPE_OF: Final = {claim: scope for scope, claims in SCOPE_CLAIMS.items() for claim in claims}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in.

    Attributes:
        name: To log in with; also the claim `preferred_username`.
        password: To log in with.
        claims: Of all tokens, such as `role`, `groups`, `realm_access`, `upn`, `email`, `name`.
        subject: The claim `sub`; made from the name if empty.
    """

    name: str
    password: str = field(repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])
    subject: str = ""

    def __post_init__(self) -> None:
        if not self.name or not self.password:
            raise ValueError(f"a user needs a name and a password, got the name {self.name!r}")

    @property
    def sub(self) -> str:
        """Never changes for a name, and does not tell it."""
        return self.subject or str(uuid.uuid5(uuid.NAMESPACE_OID, self.name))

    def claims_for(self, scopes: Collection[str]) -> dict[str, Any]:
        """The claims that these scopes give, and those that need none."""
        claims = {"preferred_username": self.name, **self.claims}
        return {name: value for name, value in claims.items() if _SCOPE_OF.get(name, "") in {"", *scopes}}


def _person(name: str, password: str, full_name: str, *roles: str) -> User:
    claims = {
        "name": full_name,
        "email": f"{name}@example.com",
        "email_verified": True,
        "upn": f"{name}@example.com",
        "role": roles[0],
        "groups": [f"/{role}s" for role in roles],
        "realm_access": {"roles": list(roles)},
    }
    return User(name, password, claims)


SAMPLE_USERS: Final = (
    _person("alice", "wonderland", "Alice Liddell", "admin", "user"),
    _person("bob", "builder", "Bob Bauer", "user"),
)
"""`alice`, an admin, and `bob`, who is none."""
