"""Requests, answers and OpenAPI documents: what a service promises is what it takes and gives.

Needs the extra `openapi` (openapi-core), which is imported on first use.
"""

from typing import TYPE_CHECKING

from rest_tools._lazy import names_from

if TYPE_CHECKING:
    from rest_tools.openapi_tools.responses import request_and_validate
    from rest_tools.openapi_tools.spec import get_version_vmaj, load_openapi_spec, openapi_available, sdict
    from rest_tools.openapi_tools.validation import validate_request

__all__ = [
    "get_version_vmaj",
    "load_openapi_spec",
    "openapi_available",
    "request_and_validate",
    "sdict",
    "validate_request",
]

__getattr__, __dir__ = names_from(
    __name__,
    {
        "get_version_vmaj": "rest_tools.openapi_tools.spec",
        "load_openapi_spec": "rest_tools.openapi_tools.spec",
        "openapi_available": "rest_tools.openapi_tools.spec",
        "request_and_validate": "rest_tools.openapi_tools.responses",
        "sdict": "rest_tools.openapi_tools.spec",
        "validate_request": "rest_tools.openapi_tools.validation",  # which needs tornado, and clients do not
    },
)
