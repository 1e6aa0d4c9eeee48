"""Whose line a warning is about: the caller's, however deep in our own code it is given."""

from __future__ import annotations

import inspect
from types import FrameType
from typing import Final

_OURS: Final = frozenset({"kinto_http", "restwright"})


def stacklevel() -> int:
    """For `warnings.warn`: how many frames above the calling one our code ends."""
    frame: FrameType | None = inspect.currentframe()
    level = 0
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _OURS:
        frame = frame.f_back
        level += 1
    return level
