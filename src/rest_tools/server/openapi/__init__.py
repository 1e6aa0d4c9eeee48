"""The OpenAPI 3.1 document that a server makes of its own routes."""

from __future__ import annotations

from rest_tools.server.openapi.document import openapi_document
from rest_tools.server.openapi.endpoint import OpenApiHandler

__all__ = ["OpenApiHandler", "openapi_document"]
