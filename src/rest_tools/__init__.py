"""A toolkit for REST services: typed arguments, tokens, roles and sessions on Tornado."""

from rest_tools import server, utils

__all__ = ["server", "utils"]
