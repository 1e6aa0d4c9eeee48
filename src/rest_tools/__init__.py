"""A toolkit for REST services: typed arguments, tokens, roles and sessions on Tornado."""
