"""Calls whose answers have to fit the OpenAPI document."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from rest_tools.openapi_tools.reasons import SchemaError, reasons
from rest_tools.utils.redaction import redact
from restwright.errors import api_error

if TYPE_CHECKING:
    from openapi_core import OpenAPI
    from openapi_core.exceptions import OpenAPIError

    from rest_tools.client import RestClient

__all__ = ["request_and_validate"]

_log = logging.getLogger(__name__)


async def request_and_validate(rc: RestClient, openapi_spec: OpenAPI, method: str, path: str, args: Any = None) -> Any:
    """The decoded answer to a request, after it was found to fit the document.

    Args:
        rc: The client to send with.
        openapi_spec: The document, see `load_openapi_spec`.
        method: As with `RestClient.request`, as are the following.
        path: See there.
        args: See there.

    Raises:
        openapi_core.exceptions.OpenAPIError: The answer does not fit, whatever its status, or the document does not
            know such a request.
        requests.RequestException: As with `RestClient.request`.
    """
    from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
    from openapi_core.exceptions import OpenAPIError

    response = await rc._answer(method, path, args)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # our own
    request: Any = RequestsOpenAPIRequest(response.request)
    try:
        openapi_spec.validate_response(request, RequestsOpenAPIResponse(response))
    except OpenAPIError as error:
        _log.info("the answer %d to %s %s does not fit: %s", response.status_code, method, redact(path), _said(error))
        raise
    value = rc._decode(response.content)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the contract's
    if response.status_code >= 400:
        raise api_error(response)
    return value


def _said(error: OpenAPIError) -> str:
    """What is wrong with an answer, without the values that are."""
    from openapi_core.validation.schemas.exceptions import InvalidSchemaValue

    cause = error.__cause__
    if isinstance(cause, InvalidSchemaValue):
        return reasons(cast("Iterable[SchemaError]", cause.schema_errors))
    return type(error).__name__
