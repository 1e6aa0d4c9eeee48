"""Servers on free ports, as the tests of the server have them."""

from __future__ import annotations

from tests.rest_tools.conftest import loop, serving

__all__ = ["loop", "serving"]
