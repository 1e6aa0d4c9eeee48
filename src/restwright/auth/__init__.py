"""Credentials: `requests` auth policies, applied to requests for the client's own origin only."""

from restwright.auth.basic import BasicAuth, BearerAuth, HeaderAuth, as_auth

__all__ = ["BasicAuth", "BearerAuth", "HeaderAuth", "as_auth"]
