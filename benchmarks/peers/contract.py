"""What a measured call looks like."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Call: TypeAlias = Callable[[], Json]
AsyncCall: TypeAlias = Callable[[], Awaitable[Json]]

USER, PASSWORD = "user", "pass"  # the stub lets everyone in
RECORDS = "/buckets/default/collections/bench/records"
RECORD_ID = "r1"
RECORD = f"{RECORDS}/{RECORD_ID}"
CLUSTER = "/allocations/clusters/1/"
"""What a call fetches from a Keystone, in place of the record."""
HEADERS = {
    "Accept": "application/json",
    "Authorization": "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(),
}
