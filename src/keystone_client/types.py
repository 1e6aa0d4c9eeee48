"""Types in the signatures of the clients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from keystone_client.answers import Record
from keystone_client.filters import Filters
from keystone_client.forms import Files

__all__ = [
    "Files",
    "Filters",
    "HttpMethod",
    "QueryParamTypes",
    "Record",
    "RequestContent",
    "RequestData",
    "RequestFiles",
]

HttpMethod: TypeAlias = Literal["get", "post", "put", "patch", "delete"]
QueryParamTypes: TypeAlias = Mapping[str, Any]
RequestContent: TypeAlias = str | bytes
RequestData: TypeAlias = Mapping[str, Any]
RequestFiles: TypeAlias = Files
