"""One stub Kinto for every peer: the same bodies, from nginx where there is one, else from our own."""

from __future__ import annotations

from benchmarks.stub.server import Stub, stub

__all__ = ["Stub", "stub"]
