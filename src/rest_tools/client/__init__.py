"""The client side: JSON over HTTP, awaited or blocking, with bearer tokens that are renewed."""

from rest_tools.client import utils
from rest_tools.client.client import (
    MAX_RETRIES,
    CalcRetryFromBackoffMax,
    CalcRetryFromWaittimeMax,
    RestClient,
)
from rest_tools.client.session import AsyncSession, Session

__all__ = [
    "MAX_RETRIES",
    "AsyncSession",
    "CalcRetryFromBackoffMax",
    "CalcRetryFromWaittimeMax",
    "RestClient",
    "Session",
    "utils",
]
