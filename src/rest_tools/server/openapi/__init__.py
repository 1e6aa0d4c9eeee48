"""The OpenAPI 3.1 document that a server makes of its own routes, and the page that shows it."""

from __future__ import annotations

from rest_tools.server.openapi.document import openapi_document
from rest_tools.server.openapi.endpoint import OpenApiHandler
from rest_tools.server.openapi.page import DocsHandler

__all__ = ["DocsHandler", "OpenApiHandler", "openapi_document"]
