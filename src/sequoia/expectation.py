"""What an answer must have in it, else the request is repeated: `retry_when_empty_result`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from sequoia.util import dash_case_to_camel_case, member


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is waited for.

    Attributes:
        wanted: True for all resources that were asked for, or the names of those that count, each with a bool.
        resource: The name of the main resource, None if it has none.
        included: Names of the linked resources that were asked for.
    """

    wanted: bool | Mapping[str, bool]
    resource: str | None = None
    included: tuple[str, ...] = ()

    @classmethod
    def of(cls, wanted: Any, resource: str | None, included: tuple[str, ...]) -> Expectation | None:
        """None if nothing is expected.

        Raises:
            TypeError: It is neither a bool nor a dict.
        """
        if wanted is not None and not isinstance(wanted, (bool, Mapping)):
            raise TypeError(f"retry_when_empty_result is True, False or a dict of name to bool, got {wanted!r}")
        return cls(cast("bool | Mapping[str, bool]", wanted), resource, included) if wanted else None

    def is_met_by(self, document: Any) -> bool:
        """Are all of them there?"""
        members: Mapping[str, Any] = cast("Mapping[str, Any]", document) if isinstance(document, Mapping) else {}
        linked = members.get("linked")
        linked_members: Mapping[str, Any] = cast("Mapping[str, Any]", linked) if isinstance(linked, Mapping) else {}
        if isinstance(self.wanted, Mapping):
            names = [name for name, is_wanted in self.wanted.items() if is_wanted]
            return all(member(members if self._is_main(name) else linked_members, name) for name in names)
        if self.resource is not None and not member(members, self.resource):
            return False
        # What is in `linked` was asked for, perhaps in words of the caller's own.
        return all(linked_members.values()) and all(member(linked_members, name) for name in self.included)

    def _is_main(self, name: str) -> bool:
        if self.resource is None:
            return False
        return dash_case_to_camel_case(name) == dash_case_to_camel_case(self.resource)
