"""The name by which programs know it."""

from rest_tools.openapi_tools.responses import request_and_validate

__all__ = ["request_and_validate"]
