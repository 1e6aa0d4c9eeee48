"""A REST server on Tornado."""
