"""Write a REST operation once; run it sync, async or batched."""

from restwright.auth import BasicAuth, BearerAuth
from restwright.client import AsyncClient, BatchClient, SyncClient
from restwright.criteria import Criteria, UnsupportedCriteria, where
from restwright.errors import (
    ApiError,
    DecodeError,
    NotFound,
    PreconditionFailed,
    RestwrightError,
    ServerError,
    TransportError,
    UnusableAnswer,
)
from restwright.message import Request, Response
from restwright.operation import Operations, listing, operation
from restwright.plan import Listing, Operation, Page, Policy, Wait, fetch
from restwright.policies import correlate, deadline, limit_response, redirect, retry, stack, throttle

__all__ = [
    "ApiError",
    "AsyncClient",
    "BasicAuth",
    "BatchClient",
    "BearerAuth",
    "Criteria",
    "DecodeError",
    "Listing",
    "NotFound",
    "Operation",
    "Operations",
    "Page",
    "Policy",
    "PreconditionFailed",
    "Request",
    "Response",
    "RestwrightError",
    "ServerError",
    "SyncClient",
    "TransportError",
    "UnsupportedCriteria",
    "UnusableAnswer",
    "Wait",
    "correlate",
    "deadline",
    "fetch",
    "limit_response",
    "listing",
    "operation",
    "redirect",
    "retry",
    "stack",
    "throttle",
    "where",
]
