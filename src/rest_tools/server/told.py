"""What decorators tell of the methods that they wrap, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

__all__ = ["Refused", "Told", "tell", "told"]

_TOLD = "rest_tools_told"


@dataclass(frozen=True, slots=True)
class Refused:
    """An error that a decorator may answer with.

    Attributes:
        status: Its status.
        description: When it is answered.
        headers: Names of the header fields that come with it, and what they say.
    """

    status: int
    description: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What one decorator tells.

    Attributes:
        refused: How it may answer.
        header: Name of the header field of requests that it reads, if there is one.
        description: Of the header field.
        required: Whether requests have to have it.
    """

    refused: tuple[Refused, ...]
    header: str = ""
    description: str = ""
    required: bool = False


def tell(wrapper: Callable[..., Any], what: Told) -> None:
    """Note it at a method, after what the decorators below have told."""
    vars(wrapper)[_TOLD] = (*told(wrapper), what)


def told(method: object) -> tuple[Told, ...]:
    """All that was told, seen also through decorators that use `functools.wraps`."""
    return cast("tuple[Told, ...]", getattr(method, _TOLD, ()))
