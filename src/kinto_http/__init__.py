"""A client for Kinto servers (https://docs.kinto-storage.org), blocking, awaited and batched."""

import logging

from kinto_http.client import AsyncClient, Client
from kinto_http.client import KintoClient as KintoClient  # a name in the documents of `kinto-http`, and only there
from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import BucketNotFound, CollectionNotFound, KintoBatchException, KintoException
from kinto_http.login import BrowserOAuth
from kinto_http.session import Session, create_session
from kinto_http.tokens import BearerTokenAuth, TokenAuth

logger = logging.getLogger("kinto_http")

__all__ = [
    "AsyncClient",
    "BearerTokenAuth",
    "BrowserOAuth",
    "BucketNotFound",
    "Client",
    "CollectionNotFound",
    "Endpoints",
    "KintoBatchException",
    "KintoException",
    "Session",
    "TokenAuth",
    "create_session",
]
