"""Requests and OpenAPI documents: what a service promises is what it takes.

Needs the extra `openapi` (openapi-core), which is imported on first use.
"""

from __future__ import annotations

from rest_tools.openapi_tools.spec import get_version_vmaj, load_openapi_spec, openapi_available, sdict
from rest_tools.openapi_tools.validation import validate_request

__all__ = ["get_version_vmaj", "load_openapi_spec", "openapi_available", "sdict", "validate_request"]
