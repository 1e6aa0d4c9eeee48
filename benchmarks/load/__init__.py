"""Requests without pause on some tens of connections: from wrk where there is one, else from a generator of ours."""

from __future__ import annotations

from benchmarks.load.generator import CONNECTIONS, Load, generator, load

__all__ = ["CONNECTIONS", "Load", "generator", "load"]
